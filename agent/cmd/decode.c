#include "base/file.h"
#include "cmd/cmd.h"
#include "otlp/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct cmd_option options[] = {{0}};

static int decode_file(const char *path)
{
    struct text line = {0};
    char *bytes = NULL;
    size_t len = 0;
    const char *why = NULL;
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    int rc = file_read(AT_FDCWD, standard ? "/dev/stdin" : path, FILE_INHERITED,
                       OTLP_BYTES_MAX, &bytes, &len);
    if (rc == -EFBIG)
        why = "it is larger than a request may be (16 MiB)";
    else if (rc < 0)
        why = file_error(rc);
    else if (len == 0)
        why = "it is empty";
    else if (otlp_to_json(signal_of_file(name), bytes, len, &line, &why) == 0)
        fwrite(line.bytes, 1, line.len, stdout);
    free(bytes);
    text_free(&line);
    return why == NULL ? CMD_FINE : cmd_cannot("cannot decode %s: %s", name, why);
}

static int decode(int argc, char **argv)
{
    if (cmd_getopt(argc, argv, options) != -1)
        return CMD_CANNOT;
    if (optind == argc)
        return cmd_cannot("FILE is required; `edgelat decode --help` has examples");

    int code = CMD_FINE;
    for (int i = optind; i < argc; i++)
        if (decode_file(argv[i]) != CMD_FINE)
            code = CMD_CANNOT;
    return code;
}

const struct command command_decode = {
    .name = "decode",
    .summary = "print spooled batches as OTLP/JSON",
    .arguments = "FILE...",
    .first = CMD_FILE,
    .rest = CMD_FILE,
    .options = options,
    .about = "Prints batches of OTLP metrics or logs, as spooled or collected, as "
             "OTLP/JSON: one line per file. Gzipped or plain; \"-\" is standard input. "
             "A file that cannot be read or decoded is reported on standard error; the "
             "others are still printed, and the exit code is 2.",
    .examples = "edgelat decode /var/lib/edgelat/spool/*.pb.gz | jq .\n"
                "edgelat decode - <batch.pb\n",
    .run = decode,
};
