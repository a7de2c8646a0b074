#include "capture.h"
#include "cmd/cmd.h"
#include "folder.h"
#include "otlp/gzip.h"
#include "requests.h"

#include <getopt.h>

static int run(struct capture *out, char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    optind = 0; /* restarts getopt */
    capture_begin(out);
    int code = command_decode.run(argc, argv);
    capture_end(out);
    return code;
}

static const char host[] =
    "{\"resourceMetrics\":[{\"resource\":{\"attributes\":[{\"key\":"
    "\"host.name\",\"value\":{\"stringValue\":\"branch-17\"}}]}}]}\n";

/* Writes FOLDER/name with the request of `host`. */
static void write_batch(const struct folder *f, const char *name, bool gzip, char *path,
                        size_t room)
{
    struct made m;
    size_t len, packed_len;
    made_begin(&m);
    made_resource(&m, "host.name", "branch-17");
    m.from.n_scope_metrics = 0;
    void *plain = made_pack(&m, &len);
    void *packed = gzip_pack(plain, len, &packed_len);
    snprintf(path, room, "%s/%s", f->path, name);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL, "%s can be written", path);
    fwrite(gzip ? packed : plain, 1, gzip ? packed_len : len, file);
    fclose(file);
    free(packed);
    free(plain);
    made_end(&m);
}

static void test_files(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct capture out;
    char packed[128], plain[128], expected[512];
    write_batch(&f, "packed", true, packed, sizeof packed);
    write_batch(&f, "plain", false, plain, sizeof plain);

    char *both[] = {"decode", packed, plain, NULL};
    CHECK_INT(CMD_FINE, run(&out, both), "gzipped and plain");
    snprintf(expected, sizeof expected, "%s%s", host, host);
    CHECK_TEXT(expected, out.out, "one line a file");
    CHECK_TEXT("", out.err, "standard error");
    folder_remove(&f);
}

/* Empty requests are the same bytes: the name decides. */
static void test_named(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct capture out;
    char path[160];
    write_batch(&f, "00000000000000000007-logs.pb.gz", true, path, sizeof path);
    char *argv[] = {"decode", path, NULL};
    CHECK_INT(CMD_FINE, run(&out, argv), "logs by their name");
    CHECK(strncmp(out.out, "{\"resourceLogs\":[", 17) == 0, "got %s", out.out);
    folder_remove(&f);
}

static void test_standard_input(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct capture out;
    char path[128];
    write_batch(&f, "packed", true, path, sizeof path);
    CHECK(freopen(path, "r", stdin) != NULL, "standard input");
    char *argv[] = {"decode", "-", NULL};
    CHECK_INT(CMD_FINE, run(&out, argv), "standard input");
    CHECK_TEXT(host, out.out, "its line");
    CHECK_INT(CMD_CANNOT, run(&out, argv), "nothing is left");
    CHECK_TEXT("edgelat: cannot decode standard input: it is empty\n", out.err, "said");
    folder_remove(&f);
}

static void test_bad_among_good(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct capture out;
    char good[128], empty[128], foreign[128], missing[128], expected[1024];
    write_batch(&f, "good", true, good, sizeof good);
    strcpy(empty, folder_write(&f, "empty", ""));
    strcpy(foreign, folder_write(&f, "foreign", "{\"resourceMetrics\":[]}\n"));
    snprintf(missing, sizeof missing, "%s/missing", f.path);

    char *argv[] = {"decode", missing, empty, foreign, f.path, good, NULL};
    CHECK_INT(CMD_CANNOT, run(&out, argv), "some could not be decoded");
    CHECK_TEXT(host, out.out, "the good one is printed nevertheless");
    snprintf(expected, sizeof expected,
             "edgelat: cannot decode %s: No such file or directory\n"
             "edgelat: cannot decode %s: it is empty\n"
             "edgelat: cannot decode %s: it is neither OTLP metrics nor logs (protobuf)\n"
             "edgelat: cannot decode %s: this is a folder; name the file in it\n",
             missing, empty, foreign, f.path);
    CHECK_TEXT(expected, out.err, "each is reported");

    char *none[] = {"decode", NULL};
    CHECK_INT(CMD_CANNOT, run(&out, none), "no file");
    CHECK_TEXT("edgelat: FILE is required; `edgelat decode --help` has examples\n",
               out.err, "no file");
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_named),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_bad_among_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
