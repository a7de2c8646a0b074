#include "capture.h"
#include "cmd/cmd.h"
#include "cmd/data.h"
#include "folder.h"

#include <getopt.h>

static int run(struct capture *out, char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    optind = 0; /* restarts getopt */
    capture_begin(out);
    int code = command_whereis.run(argc, argv);
    capture_end(out);
    return code;
}

static void standard_input(const struct folder *f, const char *bytes, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/input", f->path);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL, "%s can be written", path);
    fwrite(bytes, 1, len, file);
    fclose(file);
    CHECK(freopen(path, "r", stdin) != NULL, "standard input");
}

static void test_text(void **state)
{
    (void)state;
    struct capture out;
    char *argv[] = {"whereis",
                    "X-MSEdge-Ref: Ref A: 19D528D6015B46C4ABCD0FC8B8A99C4D Ref B: "
                    "LON04EDGE0411 Ref C: 2018-05-31T21:24:10Z",
                    "sg3", "52.96.164.146", NULL};
    CHECK_INT(CMD_FINE, run(&out, argv), "all known");
    CHECK_TEXT("X-MSEdge-Ref: Ref A: 19D528D6015B46C4ABCD0FC8B8A...: London, United "
               "Kingdom (LON, site 04), service front-door, by X-MSEdge-Ref, front-door "
               "code\n"
               "sg3: Singapore (SG, site 3), by catalogue, front-door code\n"
               "52.96.164.146: service exchange, by prefix 52.96.0.0/14, published\n",
               out.out, "one line each");
    CHECK_TEXT("", out.err, "standard error");
}

static void test_unknown(void **state)
{
    (void)state;
    struct capture out;
    char *argv[] = {"whereis",  "LON",       "X-Azure-Ref: 456def",
                    "a\033[2J", "192.0.2.1", "XQZEDGE0001",
                    "",         NULL};
    CHECK_INT(CMD_BAD, run(&out, argv), "some unknown");
    CHECK_TEXT("LON: London, United Kingdom (LON), by catalogue, front-door code\n"
               "X-Azure-Ref: 456def: unknown, the header names no PoP\n"
               "a?[2J: unknown\n"
               "192.0.2.1: unknown, in no prefix of the list\n"
               "XQZEDGE0001: city unknown (XQZ), service front-door, by layout of "
               "X-MSEdge-Ref, front-door code\n"
               ": unknown\n",
               out.out, "each is answered");
}

/* Cities, codes in any case, and a service's own name, which names no PoP. */
static void test_names_of_places(void **state)
{
    (void)state;
    struct capture out;
    char *argv[] = {"whereis", "Amsterdam", "ams", "Lyon", "outlook.office365.com", NULL};
    CHECK_INT(CMD_FINE, run(&out, argv), "all are known");
    CHECK_TEXT(
        "Amsterdam: Amsterdam, Netherlands (AMS), by city, front-door code\n"
        "ams: Amsterdam, Netherlands (AMS), by catalogue, front-door code\n"
        "Lyon: Lyon, France (LYS), by city, airport code; no PoP there is known\n"
        "outlook.office365.com: service exchange, by name outlook.office365.com; a "
        "public name: run `edgelat nearest` to find its PoP\n",
        out.out, "answers");
}

static void test_json(void **state)
{
    (void)state;
    struct capture out;
    char *argv[] = {"whereis", "--json", "X-FEServer: EXCH01", "BL2EDGE1012", NULL};
    CHECK_INT(CMD_BAD, run(&out, argv), "one unknown");
    CHECK_TEXT(
        "{\"text\":\"X-FEServer: EXCH01\",\"kind\":\"header\",\"metro\":null,"
        "\"site\":null,\"city\":null,\"country\":null,\"service\":null,"
        "\"verdict\":null,\"basis\":null}\n"
        "{\"text\":\"BL2EDGE1012\",\"kind\":\"header\",\"metro\":\"BL\","
        "\"site\":\"2\",\"city\":\"Ashburn, Virginia\",\"country\":\"United "
        "States\",\"service\":\"front-door\",\"verdict\":\"edge\",\"basis\":\"layout of X-MSEdge-Ref, "
        "front-door code\"}\n",
        out.out, "one object a line");
}

static void test_standard_input(void **state)
{
    (void)state;
    static const char lines[] = "HTTP/2 200\r\nx-feefzinfo: LHR\r\n\r\nlast-one: 1";
    static const char expected[] =
        "AMS: Amsterdam, Netherlands (AMS), by catalogue, front-door code\n"
        "HTTP/2 200: unknown\n"
        "x-feefzinfo: LHR: London, United Kingdom (LHR), service exchange, by "
        "X-FEEFZInfo, exchange-efz code\n"
        "last-one: 1: unknown, the header names no PoP\n";
    struct folder f = folder_make();
    struct capture out;
    char *dash[] = {"whereis", "AMS", "-", NULL}, *none[] = {"whereis", NULL};
    standard_input(&f, lines, sizeof lines - 1);
    CHECK_INT(CMD_BAD, run(&out, dash), "lines after a text");
    CHECK_TEXT(expected, out.out, "a line each");
    standard_input(&f, lines, sizeof lines - 1);
    CHECK_INT(CMD_BAD, run(&out, none), "without TEXT");
    CHECK_TEXT(strchr(expected, '\n') + 1, out.out, "the same lines");
    standard_input(&f, "\n\r\n", 3);
    CHECK_INT(CMD_CANNOT, run(&out, none), "nothing but blank lines");
    CHECK_TEXT("edgelat: standard input is empty; give TEXT or pipe lines in\n", out.err,
               "said");
    folder_remove(&f);
}

/* What a terminal shows: the text, without what could manipulate it. */
static void test_excerpt(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } cases[] = {
        {"nowhere-S\xc3\xa3o", "nowhere-S\xc3\xa3o: "},
        {"\xe6\x9d\xb1\xe4\xba\xac-x", "\xe6\x9d\xb1\xe4\xba\xac-x: "},
        {"a\x1b[31m", "a?[31m: "},
        {"a\xc2\x9b 1", "a? 1: "},
        {"a\xe2\x80\xae 1", "a? 1: "},
        {"a\xe3 1", "a? 1: "},
        {"\xe6\x9d\xb1 4 6 8 10 12 14 16 18 20 22 24 26 28 30 32 34 36 38",
         "\xe6\x9d\xb1 4 6 8 10 12 14 16 18 20 22 24 26 28 30 32 34 ...: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct capture out;
        char *argv[] = {"whereis", (char *)cases[i].text, NULL};
        CHECK_INT(CMD_BAD, run(&out, argv), cases[i].text);
        CHECK(strncmp(out.out, cases[i].shown, strlen(cases[i].shown)) == 0,
              "%s is shown as %s", cases[i].shown, out.out);
    }
}

/* Text longer than any header, and binary data. */
static void test_hostile_input(void **state)
{
    (void)state;
    enum { LEN = 3 << 20 };
    static const char tail[] = "\nA\0B\nLONEDGE1234\n\xff\xfe\n\n\n";
    struct folder f = folder_make();
    struct capture out;
    char *argv[] = {"whereis", NULL};
    char *bytes = malloc(LEN);
    memset(bytes, 'A', LEN);
    memcpy(bytes + LEN - (sizeof tail - 1), tail, sizeof tail - 1);
    standard_input(&f, bytes, LEN);
    CHECK_INT(CMD_BAD, run(&out, argv), "some unknown");
    CHECK_TEXT("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA...: unknown\n"
               "A?B: unknown\n"
               "LONEDGE1234: London, United Kingdom (LON), service front-door, by layout "
               "of X-MSEdge-Ref, front-door code\n"
               "??: unknown\n",
               out.out, "answered and bounded");
    free(bytes);
    folder_remove(&f);
}

static void test_usage(void **state)
{
    (void)state;
    struct capture out;
    char *argv[] = {"whereis", "--jsno", NULL};
    CHECK_INT(CMD_CANNOT, run(&out, argv), "a wrong option");
    CHECK_TEXT("edgelat: whereis has no option --jsno; did you mean --json?\n", out.err,
               "a wrong option");
}

/* ---- the data files ---- */

static struct data_folders two(const struct folder *a, const struct folder *b)
{
    struct data_folders f = {.n = 2};
    strcpy(f.path[0], a->path);
    strcpy(f.path[1], b->path);
    return f;
}

#define METROS "code,family,city,country,latitude,longitude\n"

static void test_file_by_file(void **state)
{
    (void)state;
    struct folder a = folder_make(), b = folder_make();
    struct data_folders folders = two(&a, &b);
    struct data d;
    folder_write(&a, "metros.csv",
                 "# edgelat metros ours\n" METROS "LON,front-door,Our,UK,51,0\n");
    folder_write(&b, "metros.csv",
                 "# edgelat metros theirs\n" METROS "LON,front-door,Their,UK,51,0\n");
    folder_write(&b, "prefixes.csv",
                 "# edgelat prefixes theirs\nprefix,service,basis\n"
                 "10.0.0.0/8,x,inferred\n");
    CHECK_INT(0, data_load(&d, &folders), "no problem");
    CHECK_TEXT("ours", d.known.metros.version, "the first folder wins");
    CHECK_INT(1, d.known.metros.n, "alone");
    CHECK_TEXT("theirs", d.known.prefixes.version, "what it has not comes from the next");
    CHECK_INT(0, d.known.thresholds.n, "what is nowhere is empty");
    CHECK(d.path[DATA_THRESHOLDS] == NULL, "and has no path");
    data_free(&d);
    folder_remove(&a);
    folder_remove(&b);
}

static void test_wrong_files(void **state)
{
    (void)state;
    struct folder a = folder_make(), b = folder_make();
    struct data_folders folders = two(&a, &b);
    struct data d;
    struct capture out;
    char expected[512];
    folder_write(&a, "metros.csv",
                 "# edgelat metros ours\n" METROS "LON,front-door,London,UK,51,0\n"
                 "PAR,fornt-door,Paris,FR,48,2\n");
    snprintf(expected, sizeof expected, "%s/prefixes.csv", b.path);
    CHECK_INT(0, mkdir(expected, 0755), "a folder in place of a file");
    capture_begin(&out);
    size_t problems = data_load(&d, &folders);
    capture_end(&out);
    CHECK_INT(2, problems, out.err);
    snprintf(expected, sizeof expected,
             "%s/metros.csv:4: family fornt-door: must be one of front-door, "
             "exchange-efz, backbone-rdns, exchange-site; did you mean front-door\n"
             "%s/prefixes.csv: this is a folder; name the file in it\n",
             a.path, b.path);
    CHECK_TEXT(expected, out.err, "each is said");
    CHECK_INT(1, d.known.metros.n, "the good row counts");
    data_free(&d);
    folder_remove(&a);
    folder_remove(&b);
}

/* Only without an installed edgelat; the program is not in a folder "build". */
static void test_no_files(void **state)
{
    (void)state;
    struct capture out;
    struct stat s;
    char *argv[] = {"whereis", "LONEDGE1234", NULL};
    if (stat("/usr/share/edgelat", &s) == 0 || stat("/etc/edgelat/metros.csv", &s) == 0)
        skip();
    unsetenv("EDGELAT_DATA");
    int code = run(&out, argv);
    setenv("EDGELAT_DATA", "packaging/data", 1);
    CHECK_INT(CMD_BAD, code, "the city is unknown");
    CHECK_TEXT("LONEDGE1234: city unknown (LON), service front-door, by layout of "
               "X-MSEdge-Ref, front-door code\n",
               out.out, "the code is not");
    CHECK_TEXT(
        "edgelat: cities and addresses stay unknown: no metros.csv, no prefixes.csv in "
        "any of /etc/edgelat, /usr/share/edgelat; install the package's files, or set "
        "EDGELAT_DATA to their folder\n",
        out.err, "one sentence");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_excerpt),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_names_of_places),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_hostile_input),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_file_by_file),
        cmocka_unit_test(test_wrong_files),
        cmocka_unit_test(test_no_files),
    };
    setenv("EDGELAT_DATA", "packaging/data", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
