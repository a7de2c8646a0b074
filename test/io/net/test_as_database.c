/*
 * AS databases in the layouts of MaxMind, DB-IP and IPinfo, written by MaxMind's own Perl
 * module (as_files.pl); the oracle is the list of prefixes that it is given. Also files that
 * are cut, changed or replaced.
 */
#include "net/as_database.h"

#include "core/random.h"

#include "child.h"

/* MMDB_open() of libmaxminddb 1.7 loses memory when the metadata of a file is damaged. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libmaxminddb";
}

enum { PREFIXES = 240, CHANGES = 1500, ROUTES_EACH = 40 };

static struct child_folder folder;

/* 10.0.0.0/8 is private, so: prefixes of 20.N.0.0/16, and 2603:N::/32. */
static uint32_t as_of(unsigned n)
{
    return n % 5 == 0 ? 0 : n % 5 == 1 ? 4200000000u + n : 8075 + n;
}

static struct endpoint address_of(unsigned n, bool ipv6)
{
    struct endpoint e = {.family = ipv6 ? FAMILY_IPV6 : FAMILY_IPV4};
    if (ipv6)
        memcpy(e.bytes, (uint8_t[]){0x26, 0x03, 0, (uint8_t)n, [15] = 9}, 16);
    else
        memcpy(e.bytes, (uint8_t[]){20, (uint8_t)n, 3, 4}, 4);
    return e;
}

static int set_up(void **state)
{
    (void)state;
    char lines[PREFIXES * 96], command[256];
    size_t len = 0;
    child_folder(&folder);
    for (unsigned n = 0; n < PREFIXES; n++)
        if (as_of(n) != 0)
            len += (size_t)snprintf(
                lines + len, sizeof lines - len,
                "20.%u.0.0/16 %u Network %u\n2603:%x::/32 %u Network %u\n", n, as_of(n),
                n, n, as_of(n), n);
    child_write(folder.path, "lines", lines);
    snprintf(command, sizeof command,
             "/usr/bin/perl test/io/net/as_files.pl %s <%s/lines >%s/log 2>&1",
             folder.path, folder.path, folder.path);
    return system("/usr/bin/perl -MMaxMind::DB::Writer::Tree -e 1 2>/dev/null") != 0
               ? 1
               : (child_run(command), 0);
}

static int tear_down(void **state)
{
    (void)state;
    child_folder_remove(&folder);
    return 0;
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s.mmdb", folder.path, name);
    return path;
}

static void test_layouts(void **state)
{
    (void)state;
    static const struct {
        const char *file, *about;
        bool ipv6;
    } layouts[] = {
        {"geolite", "GeoLite2-ASN of ", true},
        {"dbip", "DBIP-ASN-Lite (compat=GeoLite2-ASN) of ", true},
        {"isp", "GeoIP2-ISP of ", true},
        {"ipinfo", "ipinfo ipinfo_lite.mmdb of ", true},
        {"ipv4", "GeoLite2-ASN of ", false},
    };
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        struct as_database *d = as_database_create(path_of(layouts[i].file));
        struct as_found found;
        for (unsigned n = 0; n < 2 * PREFIXES; n++) {
            char name[AS_NAME_MAX] = "";
            bool ipv6 = n % 2 == 1;
            uint32_t as = ipv6 && !layouts[i].ipv6 ? 0 : as_of(n / 2);
            struct endpoint address = address_of(n / 2, ipv6);
            CHECK_INT(as != 0, as_database_find(d, &address, &found), layouts[i].file);
            CHECK_INT(as, found.as, layouts[i].file);
            if (as != 0)
                snprintf(name, sizeof name, "Network %u", n / 2);
            CHECK_TEXT(name, found.name, layouts[i].file);
        }
        CHECK(as_database_problem(d) == NULL, "%s", as_database_problem(d));
        CHECK(strncmp(layouts[i].about, as_database_about(d), strlen(layouts[i].about)) ==
                  0,
              "%s", as_database_about(d));
        as_database_destroy(d);
    }
}

static void test_addresses_of_nobody(void **state)
{
    (void)state;
    struct as_database *d = as_database_create(path_of("geolite"));
    static const char *const addresses[] = {"10.1.2.3",  "192.168.1.1", "100.64.0.1",
                                            "127.0.0.1", "fe80::1",     "fd00::1",
                                            "0.0.0.0"};
    struct as_found found;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        struct endpoint e;
        CHECK(endpoint_parse(&e, addresses[i], 0), "%s", addresses[i]);
        CHECK(!as_database_find(d, &e, &found), "%s", addresses[i]);
    }
    struct endpoint none = {.family = FAMILY_NONE};
    CHECK(!as_database_find(d, &none, &found), "no address");
    as_database_destroy(d);
    d = as_database_create(path_of("city"));
    struct endpoint e = address_of(1, false);
    CHECK(!as_database_find(d, &e, &found), "a database without AS");
    as_database_destroy(d);
}

static void expect_problem(const char *path, const char *said)
{
    struct as_database *d = as_database_create(path);
    struct endpoint e = address_of(1, false);
    struct as_found found;
    CHECK(!as_database_find(d, &e, &found), "%s", path);
    const char *problem = as_database_problem(d);
    CHECK(problem != NULL && strstr(problem, path) != NULL &&
              strstr(problem, said) != NULL && strchr(problem, '\n') == NULL,
          "%s: expected \"%s\", got \"%s\"", path, said,
          problem != NULL ? problem : "nothing");
    CHECK_TEXT("", as_database_about(d), "no file is in use");
    as_database_destroy(d);
}

static size_t read_whole(const char *path, uint8_t *bytes, size_t room)
{
    FILE *f = fopen(path, "rb");
    CHECK(f != NULL, "%s", path);
    size_t len = fread(bytes, 1, room, f);
    fclose(f);
    return len;
}

static void write_whole(const char *path, const uint8_t *bytes, size_t len)
{
    char other[160];
    snprintf(other, sizeof other, "%s.new", path);
    FILE *f = fopen(other, "wb");
    CHECK(f != NULL && fwrite(bytes, 1, len, f) == len && fclose(f) == 0, "%s", other);
    CHECK_INT(0, rename(other, path), path);
}

static void test_files_that_are_none(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s", path_of("missing"));
    expect_problem(path, "No such file");
    snprintf(path, sizeof path, "%s", folder.path);
    expect_problem(path, "folder");
    child_write(folder.path, "text.mmdb", "not a database\n");
    snprintf(path, sizeof path, "%s", path_of("text"));
    expect_problem(path, "not a whole file");
    child_write(folder.path, "empty.mmdb", "");
    snprintf(path, sizeof path, "%s", path_of("empty"));
    expect_problem(path, "no AS is taken from it");
}

static void test_cut_files(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 20];
    size_t len = read_whole(path_of("geolite"), bytes, sizeof bytes);
    char path[128];
    snprintf(path, sizeof path, "%s", path_of("cut"));
    for (size_t cut = 1; cut < len; cut += 1 + len / 200) {
        struct as_found found;
        struct endpoint e = address_of(1, false);
        write_whole(path, bytes, len - cut);
        struct as_database *d = as_database_create(path);
        CHECK(!as_database_find(d, &e, &found), "cut by %zu of %zu", cut, len);
        CHECK(as_database_problem(d) != NULL, "cut by %zu of %zu", cut, len);
        as_database_destroy(d);
    }
}

/* Bytes that are changed anywhere. Wrong answers come from a number that was changed itself, or
 * a reference to another record: nothing in the format shows these. */
static void test_changed_bytes(void **state)
{
    (void)state;
    static const char *const files[] = {"geolite", "ipinfo"};
    static uint8_t bytes[1 << 20], changed[1 << 20];
    struct random r = random_from(check_seed());
    char path[128];
    snprintf(path, sizeof path, "%s", path_of("changed"));
    for (size_t file = 0; file < 2; file++) {
        size_t len = read_whole(path_of(files[file]), bytes, sizeof bytes);
        unsigned refused = 0, harmless = 0, wrong = 0, answers = 0;
        for (int i = 0; i < CHANGES; i++) {
            memcpy(changed, bytes, len);
            for (int64_t flips = 1 + i % 4; flips > 0; flips--)
                changed[random_below(&r, (int64_t)len)] = (uint8_t)random_next(&r);
            write_whole(path, changed, len);
            struct as_database *d = as_database_create(path);
            uint32_t got[ROUTES_EACH];
            unsigned of[ROUTES_EACH], bad = 0;
            for (size_t k = 0; k < ROUTES_EACH; k++) {
                struct as_found found;
                of[k] = (unsigned)random_below(&r, PREFIXES);
                struct endpoint e = address_of(of[k], k % 2 == 1);
                as_database_find(d, &e, &found);
                got[k] = found.as;
            }
            bool usable = as_database_problem(d) == NULL;
            for (size_t k = 0; usable && k < ROUTES_EACH; k++) {
                answers += got[k] != 0;
                bad += got[k] != 0 && got[k] != as_of(of[k]);
            }
            wrong += bad;
            refused += !usable;
            harmless += usable && bad == 0;
            as_database_destroy(d);
        }
        printf(
            "# %s, %d files with 1 to 4 changed bytes: %u refused, %u harmless, %u of %u answers "
            "wrong\n",
            files[file], CHANGES, refused, harmless, wrong, answers);
        CHECK(refused > CHANGES / 2, "%s: %u refused", files[file], refused);
        CHECK(wrong < answers / 200, "%s: %u of %u wrong", files[file], wrong, answers);
    }
}

static void test_replaced(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 20];
    char path[128];
    struct as_found found;
    struct endpoint e = address_of(2, false);
    snprintf(path, sizeof path, "%s", path_of("replaced"));
    size_t len = read_whole(path_of("geolite"), bytes, sizeof bytes);
    write_whole(path, bytes, len / 2);
    struct as_database *d = as_database_create(path);
    CHECK(!as_database_find(d, &e, &found) && as_database_problem(d) != NULL,
          "half a file");
    write_whole(path, bytes, len);
    CHECK(as_database_find(d, &e, &found), "the whole one");
    CHECK_INT(as_of(2), found.as, "its AS");
    CHECK(as_database_problem(d) == NULL, "%s", as_database_problem(d));
    len = read_whole(path_of("ipinfo"), bytes, sizeof bytes);
    write_whole(path, bytes, len);
    CHECK(as_database_find(d, &e, &found) && found.as == as_of(2),
          "one of another layout");
    CHECK(strncmp("ipinfo", as_database_about(d), 6) == 0, "%s", as_database_about(d));
    CHECK_INT(0, truncate(path, 40), "cut in place");
    CHECK(!as_database_find(d, &e, &found) && as_database_problem(d) != NULL,
          "no SIGBUS");
    CHECK_INT(0, remove(path), "removed");
    CHECK(!as_database_find(d, &e, &found), "no file");
    as_database_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_addresses_of_nobody),
        cmocka_unit_test(test_files_that_are_none),
        cmocka_unit_test(test_cut_files),
        cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_replaced),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
