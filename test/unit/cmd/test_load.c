#include "cmd/load.h"

#include "capture.h"
#include "folder.h"

static const char main_file[] = "[agent]\nwindow = 30s\nsite = main\n"
                                "[target t]\nhost = t.example\nport = 1\n";

static void test_path(void **state)
{
    (void)state;
    unsetenv("EDGELAT_CONFIG");
    CHECK_TEXT("/etc/edgelat/edgelat.conf", load_path(NULL), "default");
    setenv("EDGELAT_CONFIG", "", 1);
    CHECK_TEXT("/etc/edgelat/edgelat.conf", load_path(NULL), "empty is not set");
    setenv("EDGELAT_CONFIG", "/a", 1);
    CHECK_TEXT("/a", load_path(NULL), "environment");
    CHECK_TEXT("/b", load_path("/b"), "what was given wins");
    unsetenv("EDGELAT_CONFIG");
}

/* Returns the number of problems; `out` has the output. */
static size_t load(struct config *c, const struct folder *f, struct capture *out)
{
    char path[256];
    snprintf(path, sizeof path, "%s/edgelat.conf", f->path);
    capture_begin(out);
    size_t n = load_config(c, path);
    capture_end(out);
    CHECK_TEXT("", out->out, "nothing on standard output");
    return n;
}

static void make_drop_ins(const struct folder *f)
{
    char path[256];
    snprintf(path, sizeof path, "%s/edgelat.conf.d", f->path);
    CHECK_INT(0, mkdir(path, 0755), "the drop-ins' folder");
}

static void test_drop_ins_in_order(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct config c;
    struct capture out;
    folder_write(&f, "edgelat.conf", main_file);
    CHECK_INT(0, load(&c, &f, &out), "without a folder of drop-ins");
    config_free(&c);

    make_drop_ins(&f);
    folder_write(&f, "edgelat.conf.d/20-b.conf", "[agent]\nwindow = 10s\n");
    folder_write(&f, "edgelat.conf.d/10-a.conf",
                 "[agent]\nwindow = 20s\n[target t]\nport = 2\n");
    folder_write(&f, "edgelat.conf.d/30-c.conf.rpmnew", "rubbish");
    folder_write(&f, "edgelat.conf.d/.hidden.conf", "rubbish");
    folder_write(&f, "edgelat.conf.d/README", "rubbish");
    CHECK_INT(0, load(&c, &f, &out), "with them");
    CHECK_TEXT("", out.err, "no complaint");
    CHECK_INT(10 * NS_PER_S, c.window_ns, "the last one by name wins");
    CHECK_INT(2, c.targets[0].port, "one in the middle counts");
    CHECK_TEXT("main", c.site, "the file holds where no drop-in says otherwise");
    config_free(&c);
    folder_remove(&f);
}

/* What a process hands over to the next one, which may be of another version. */
static void test_handed_over(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct text files = {0};
    char path[256];
    snprintf(path, sizeof path, "%s/edgelat.conf", f.path);
    folder_write(&f, "edgelat.conf", main_file);
    CHECK(!load_is_whole(&files), "nothing");
    load_read(&files, path);
    CHECK(load_is_whole(&files), "a file");
    for (size_t whole = files.len; files.len > 0;) {
        files.bytes[--files.len] = '\0';
        CHECK(!load_is_whole(&files), "%zu of %zu bytes", files.len, whole);
    }
    text_add(&files, "EDGELAT 2\n");
    CHECK(!load_is_whole(&files), "another form");
    text_clear(&files);
    load_read(&files, path);
    text_add(&files, "-1 -1 0\n");
    CHECK(!load_is_whole(&files), "impossible lengths");
    text_free(&files);
    folder_remove(&f);
}

static void test_problems_of_all_files(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct config c;
    struct capture out;
    char expected[1024];
    folder_write(&f, "edgelat.conf", "[agent]\nwindoww = 30s\n[target t]\nport = 1\n");
    make_drop_ins(&f);
    folder_write(&f, "edgelat.conf.d/a.conf", "[spool]\n\nage = 5\n");
    CHECK_INT(3, load(&c, &f, &out), "one each and one of the whole");
    snprintf(expected, sizeof expected,
             "%s/edgelat.conf:2: unknown key 'windoww' in [agent]; did you mean "
             "'window'?\n"
             "%s/edgelat.conf.d/a.conf:3: age = 5 in [spool]: must be a duration from 1m "
             "to 365d, with its unit: 5m or 5h or 5d\n"
             "%s/edgelat.conf:3: [target t] needs a host: host = NAME\n",
             f.path, f.path, f.path);
    CHECK_TEXT(expected, out.err, "each with its file and line");
    config_free(&c);
    folder_remove(&f);
}

static void test_no_targets(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct config c;
    struct capture out;
    folder_write(&f, "edgelat.conf", "#\n");
    CHECK_INT(0, load(&c, &f, &out), "only a comment: the usual targets");
    config_free(&c);
    folder_write(&f, "edgelat.conf", "[agent]\nworkloads = no\n");
    CHECK_INT(1, load(&c, &f, &out), "none at all");
    CHECK(strstr(out.err, "there is no target, and workloads = no; add for example these "
                          "three lines:") != NULL,
          "says what to add: %s", out.err);
    config_free(&c);

    folder_write(&f, "edgelat.conf", "[targt t]\nhost = x\n");
    CHECK_INT(1, load(&c, &f, &out), "only the cause is said, not what follows from it");
    config_free(&c);
    folder_remove(&f);
}

static void check_empty(const struct folder *f, const char *name)
{
    struct config c;
    struct capture out;
    char expected[1024];
    CHECK_INT(1, load(&c, f, &out), name);
    snprintf(expected, sizeof expected,
             "%s/%s:1: empty, as an editor or a full disk may leave a file; write it "
             "again, or put a comment in it if the defaults are meant\n",
             f->path, name);
    CHECK_TEXT(expected, out.err, name);
    config_free(&c);
}

/* A file that was cut must not become the defaults. */
static void test_empty(void **state)
{
    (void)state;
    static const char *const empty[] = {"", "\n", " \t\r\n\n", "\xef\xbb\xbf"};
    struct folder f = folder_make();
    make_drop_ins(&f);
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        folder_write(&f, "edgelat.conf", empty[i]);
        folder_write(&f, "edgelat.conf.d/a.conf", "; nothing yet");
        check_empty(&f, "edgelat.conf");
        folder_write(&f, "edgelat.conf", main_file);
        folder_write(&f, "edgelat.conf.d/a.conf", empty[i]);
        check_empty(&f, "edgelat.conf.d/a.conf");
    }
    folder_remove(&f);
}

static void check_unreadable(const struct folder *f, const char *expected)
{
    struct config c;
    struct capture out;
    char line[1024];
    CHECK_INT(1, load(&c, f, &out), expected);
    snprintf(line, sizeof line, "%s/edgelat.conf: %s\n", f->path, expected);
    CHECK_TEXT(line, out.err, "one sentence with the next step");
    config_free(&c);
}

static void test_unreadable(void **state)
{
    (void)state;
    struct folder f = folder_make();
    check_unreadable(&f, "no such file; install the package's edgelat.conf there, "
                         "or give another one with -c or EDGELAT_CONFIG");
    char path[256];
    snprintf(path, sizeof path, "%s/edgelat.conf", f.path);
    CHECK_INT(0, mkdir(path, 0755), "a folder in its place");
    check_unreadable(&f, "this is a folder; name the file in it");
    folder_remove(&f);
}

static void test_no_permission(void **state)
{
    (void)state;
    struct folder f = folder_make();
    chmod(folder_write(&f, "edgelat.conf", main_file), 0);
    chmod(f.path, 0755);
    uid_t user = geteuid();
    if (user == 0 && seteuid(65534) < 0) { /* root reads everything */
        folder_remove(&f);
        skip();
    }
    struct config c;
    struct capture out;
    size_t n = load(&c, &f, &out);
    CHECK_INT(0, seteuid(user), "back again");
    CHECK_INT(1, n, "no permission");
    CHECK(strstr(out.err, "edgelat.conf: permission denied; run as root or as the "
                          "service's user, or let this user read it\n") != NULL,
          "got %s", out.err);
    config_free(&c);
    folder_remove(&f);
}

static void test_too_long(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct config c;
    struct capture out;
    char *large = malloc(CONFIG_BYTES_MAX + 100);
    memset(large, '\n', CONFIG_BYTES_MAX + 99);
    large[CONFIG_BYTES_MAX + 99] = '\0';
    folder_write(&f, "edgelat.conf", large);
    CHECK_INT(1, load(&c, &f, &out), "too long");
    CHECK(strstr(out.err, "longer than 1024 KiB") != NULL, "got %s", out.err);
    free(large);
    config_free(&c);
    folder_remove(&f);
}

/* A FIFO without a writer or a device, as the file or a drop-in, does not hang. */
static void test_no_file(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct config c;
    struct capture out;
    char path[256], expected[512];
    snprintf(path, sizeof path, "%s/edgelat.conf", f.path);
    CHECK_INT(0, mkfifo(path, 0600), "a FIFO");
    check_unreadable(&f, "a FIFO, socket or device; only a regular file is read here");
    remove(path);
    CHECK_INT(0, symlink("/dev/zero", path), "a link to a device");
    check_unreadable(&f, "a FIFO, socket or device; only a regular file is read here");
    remove(path);
    folder_write(&f, "edgelat.conf", main_file);
    make_drop_ins(&f);
    snprintf(path, sizeof path, "%s/edgelat.conf.d/a.conf", f.path);
    CHECK_INT(0, mkfifo(path, 0600), "a FIFO");
    CHECK_INT(1, load(&c, &f, &out), "a drop-in");
    snprintf(expected, sizeof expected,
             "%s: a FIFO, socket or device; only a regular file is read here\n", path);
    CHECK_TEXT(expected, out.err, "is said");
    config_free(&c);
    remove(path);
    folder_write(&f, "edgelat.conf.d/\x1b[31m\n.conf", "x\n");
    CHECK_INT(1, load(&c, &f, &out), "a name that is no text");
    CHECK(strstr(out.err, "/\\x1b[31m\\x0a.conf:1: no '='") != NULL, "got %s", out.err);
    config_free(&c);
    folder_remove(&f);
}

/* As a template makes them: all are counted, twenty are shown. */
static void test_many_problems(void **state)
{
    (void)state;
    struct folder f = folder_make();
    struct config c;
    struct capture out;
    struct text file = {0};
    for (int i = 0; i < 100; i++)
        text_add(&file, "[target t%d]\nhost = h%d.example\nintervall = 5s\n", i, i);
    folder_write(&f, "edgelat.conf", text_string(&file));
    CHECK_INT(100, load(&c, &f, &out), "all are counted");
    size_t lines = 0;
    for (const char *at = out.err; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    CHECK_INT(21, lines, "lines");
    CHECK(strstr(out.err, "[target t19]; did you mean 'interval'?\n80 more mistakes are "
                          "not shown; correct these first\n") != NULL,
          "the end: %s", out.err);
    config_free(&c);
    text_free(&file);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_drop_ins_in_order),
        cmocka_unit_test(test_handed_over),
        cmocka_unit_test(test_problems_of_all_files),
        cmocka_unit_test(test_many_problems),
        cmocka_unit_test(test_no_targets),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_no_permission),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
