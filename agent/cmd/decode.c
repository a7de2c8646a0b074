#include "base/mem.h"
#include "cmd/cmd.h"
#include "export/otlp.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: edgelat decode FILE...\n"
    "\n"
    "Prints batches of OTLP metrics or logs, as spooled or collected, as OTLP/JSON: one "
    "line a file.\n"
    "Gzipped or plain; \"-\" is standard input. A file that cannot be read or decoded is "
    "said on\n"
    "standard error, the others are still printed, and the exit code is 2.\n"
    "\n"
    "  -h, --help   this text\n"
    "\n"
    "examples:\n"
    "  edgelat decode /var/lib/edgelat/spool/*.pb.gz | jq .\n"
    "  edgelat decode - <batch.pb\n";

enum { PIECE = 64 << 10 };

/* At most one byte more than is accepted, so that too large is told from whole. */
static int read_all(FILE *file, struct text *out)
{
    char *piece = mem_alloc(PIECE);
    size_t n;
    while (out->len <= OTLP_BYTES_MAX && (n = fread(piece, 1, PIECE, file)) > 0)
        text_add_bytes(out, piece, n);
    free(piece);
    return ferror(file) ? -errno : 0;
}

static int read_file(const char *path, struct text *out)
{
    if (strcmp(path, "-") == 0)
        return read_all(stdin, out);
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return -errno;
    int rc = read_all(file, out);
    fclose(file);
    return rc;
}

/* By the end of the name that the spool gives a batch; its bytes have the last word. */
static enum signal likely_signal(const char *name)
{
    return strstr(name, "-logs.") != NULL ? SIGNAL_LOGS : SIGNAL_METRICS;
}

static int decode_file(const char *path)
{
    struct text bytes = {0}, line = {0};
    const char *why = NULL;
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    int rc = read_file(path, &bytes);
    if (rc < 0)
        why = strerror(-rc);
    else if (bytes.len == 0)
        why = "it is empty";
    else if (otlp_to_json(likely_signal(name), bytes.bytes, bytes.len, &line, &why) == 0)
        fwrite(line.bytes, 1, line.len, stdout);
    text_free(&bytes);
    text_free(&line);
    return why == NULL ? CMD_FINE : cmd_cannot("cannot decode %s: %s", name, why);
}

static int decode(int argc, char **argv)
{
    static const struct option options[] = {{0}};
    if (cmd_getopt(argc, argv, "", options) != -1)
        return CMD_CANNOT;
    if (optind == argc)
        return cmd_cannot("decode which file? `edgelat decode --help` has examples");

    int code = CMD_FINE;
    for (int i = optind; i < argc; i++)
        if (decode_file(argv[i]) != CMD_FINE)
            code = CMD_CANNOT;
    return code;
}

const struct command command_decode = {
    .name = "decode",
    .summary = "print spooled batches as OTLP/JSON",
    .help = help,
    .run = decode,
};
