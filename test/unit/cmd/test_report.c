#include "capture.h"
#include "cmd/cmd.h"
#include "core/time.h"
#include "folder.h"
#include "spool/batch_file.h"
#include "unit/report/office.h"

#include <getopt.h>
#include <sys/stat.h>
#include <time.h>

static struct capture out;

static int run(char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    optind = 0; /* restarts getopt */
    capture_begin(&out);
    int code = command_report.run(argc, argv);
    capture_end(&out);
    return code;
}

#define RUN(...) run((char *[]){(char *)"report", __VA_ARGS__, NULL})

/* ---- a state folder ---- */

struct bed {
    struct folder folder;
    struct office office;
    uint64_t id;
    char page[128];
};

static void begin(struct bed *b)
{
    char sub[128];
    *b = (struct bed){.folder = folder_make()};
    for (int i = 0; i < 2; i++) {
        snprintf(sub, sizeof sub, "%s/%s", b->folder.path, i == 0 ? "history" : "spool");
        CHECK_INT(0, mkdir(sub, 0700), sub);
    }
    snprintf(b->page, sizeof b->page, "%s/page.html", b->folder.path);
    office_begin_ns = ((int64_t)time(NULL) - 600) * NS_PER_S;
    office_open(&b->office);
}

static void end(struct bed *b)
{
    office_close(&b->office);
    folder_remove(&b->folder);
}

/* Returns its path in a shared buffer. */
static char *put(struct bed *b, const char *sub, enum signal signal)
{
    static char path[256];
    char name[BATCH_FILE_NAME_MAX];
    struct office_bytes bytes = office_batch(&b->office, signal);
    snprintf(path, sizeof path, "%s/%s/%s", b->folder.path, sub,
             batch_file_name(name, ++b->id, signal));
    FILE *file = fopen(path, "w");
    CHECK(file != NULL, "%s can be written", path);
    fwrite(bytes.bytes, 1, bytes.len, file);
    fclose(file);
    free(bytes.bytes);
    return path;
}

static char *put_window(struct bed *b, const char *sub, unsigned lost)
{
    office_window(&b->office, 6 - lost, lost, 10);
    return put(b, sub, SIGNAL_METRICS);
}

static struct text page_of(const struct bed *b)
{
    struct text page = {0};
    char piece[4096];
    FILE *file = fopen(b->page, "r");
    CHECK(file != NULL, "there is a page");
    for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;)
        text_add_bytes(&page, piece, n);
    fclose(file);
    return page;
}

static void check_says(const struct bed *b, const char *what)
{
    struct text page = page_of(b);
    CHECK(strstr(text_string(&page), what) != NULL, "the page says: %s", what);
    text_free(&page);
}

/* ---- */

static void test_history_and_spool(void **state)
{
    (void)state;
    struct bed b;
    struct stat stat_of;
    begin(&b);
    put_window(&b, "history", 0);
    put_window(&b, "history", 1);
    put_window(&b, "spool", 2); /* not sent yet, but included */
    office_event(&b.office, "edgelat.state.changed", "up", "degraded", "it loses <much>");
    put(&b, "spool", SIGNAL_LOGS);
    umask(022);
    CHECK_INT(CMD_FINE, RUN("--state", b.folder.path, "-o", b.page), out.err);
    CHECK_TEXT("", out.err, "no complaint");
    CHECK(strstr(out.out, "page.html: 1 target, 4 batches, ") != NULL, "%s", out.out);
    check_says(&b, "<td>18</td><td>17\u00a0%</td>"); /* three of eighteen */
    check_says(&b, "it loses &lt;much&gt;");
    CHECK_INT(0, stat(b.page, &stat_of), "there");
    CHECK_INT(0644, stat_of.st_mode & 0777, "for whom the umask lets");
    CHECK_INT(CMD_FINE, RUN("--state", b.folder.path, "-o", "-"), "standard output");
    CHECK(strncmp(out.out, "<!DOCTYPE html>", 15) == 0, "the page alone");
    end(&b);
}

static void test_since(void **state)
{
    (void)state;
    struct bed b;
    begin(&b); /* ten minutes ago */
    for (int i = 0; i < 9; i++)
        put_window(&b, "history", 0);
    CHECK_INT(CMD_FINE, RUN("--state", b.folder.path, "-o", b.page, "--since", "210s"),
              out.err);
    check_says(&b, "<td>18</td><td>0\u00a0%</td>"); /* the last three windows */
    CHECK_INT(CMD_FINE, RUN("--state", b.folder.path, "-o", b.page, "-s", "7d"), out.err);
    check_says(&b, "<td>54</td><td>0\u00a0%</td>");
    end(&b);
}

static void test_what_is_left_out(void **state)
{
    (void)state;
    struct bed b;
    char first[256], torn[256], foreign[256];
    begin(&b);
    snprintf(first, sizeof first, "%s", put_window(&b, "history", 0));
    snprintf(torn, sizeof torn, "%s", put_window(&b, "history", 0));
    CHECK_INT(0, truncate(torn, 40), "torn");
    CHECK_INT(CMD_FINE, RUN("--state", b.folder.path, "-o", b.page), out.err);
    CHECK(strstr(out.err, "1 file in ") != NULL, "it is said: %s", out.err);
    check_says(&b, "1 files skipped");

    b.office.resource.instance_id = "another";
    snprintf(foreign, sizeof foreign, "%s", put_window(&b, "history", 0));
    CHECK_INT(CMD_FINE, RUN("-o", b.page, foreign, torn, first), out.err);
    CHECK(strstr(out.err, "truncated or damaged") != NULL, "which, and why: %s", out.err);
    CHECK(strstr(out.err, "of another agent") != NULL, "the other one, too: %s", out.err);
    check_says(
        &b,
        "1 batches read, 1 files skipped (damaged or not a batch), 1 of other agents");
    end(&b);
}

static void test_cannot(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    const struct {
        const char *what;
        char *argv[8];
        const char *says;
    } cases[] = {
        {"no file", {"report", NULL}, "-o FILE is required"},
        {"no time",
         {"report", "--since", "1 day", "-o", b.page, NULL},
         "such as 90m, 24h or 7d"},
        {"no configuration",
         {"report", "-c", "/nowhere/x.conf", "-o", b.page, NULL},
         "1 problem in the configuration"},
        {"no folder",
         {"report", "--state", "/nowhere", "-o", b.page, NULL},
         "no history in /nowhere"},
        {"no batch",
         {"report", "--state", b.folder.path, "-o", b.page, NULL},
         "no measurements in"},
        {"a file that is no batch, of any time",
         {"report", "-o", b.page, "/etc/passwd", NULL},
         "no measurements in these files; give batches"},
        {"folder and files",
         {"report", "--state", b.folder.path, "-o", b.page, "/etc/passwd", NULL},
         "leave out '/etc/passwd'"},
        {"unknown option", {"report", "--outptu", "x", NULL}, "did you mean --output?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_INT(CMD_CANNOT, run((char **)cases[i].argv), cases[i].what);
        CHECK(strstr(out.err, cases[i].says) != NULL, "%s: %s", cases[i].what, out.err);
    }
    put_window(&b, "history", 0);
    if (geteuid() == 0) { /* one who is in the group edgelat, for example */
        CHECK_INT(0, seteuid(65534), "nobody");
        CHECK_INT(CMD_CANNOT, RUN("--state", b.folder.path, "-o", "-"), "not root");
        CHECK_INT(0, seteuid(0), "root again");
        CHECK(strstr(out.err, ": permission denied; run this as root or as the agent's "
                              "user, for example sudo -u edgelat\n") != NULL,
              "who may: %s", out.err);
    }
    CHECK_INT(CMD_CANNOT, RUN("--state", b.folder.path, "-o", b.folder.path), "a folder");
    CHECK(strstr(out.err, "not a regular file") != NULL, "%s", out.err);
    CHECK_INT(CMD_CANNOT, RUN("--state", b.folder.path, "-o", "/nowhere/x.html"),
              "no folder for it");
    CHECK(strstr(out.err, "cannot write /nowhere/x.html") != NULL, "%s", out.err);
    CHECK(access(b.page, F_OK) < 0, "no page of nothing");
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history_and_spool),
        cmocka_unit_test(test_since),
        cmocka_unit_test(test_what_is_left_out),
        cmocka_unit_test(test_cannot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
