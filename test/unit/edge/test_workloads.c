#include "edge/workloads.h"

#include "config/config.h"
#include "edge/catalogue.h"
#include "shipped.h"

static size_t parse(struct workloads *w, const char *text, size_t len, struct said *said)
{
    struct datafile_source from = source_of(text, len, said);
    *said = (struct said){.n = 0};
    return workloads_parse(w, &from);
}

static void load(struct workloads *w)
{
    SHIPPED_PARSE(workloads_parse, w, "targets.csv");
}

static void test_shipped(void **state)
{
    (void)state;
    struct workloads w;
    size_t doors = 0;
    load(&w);
    CHECK_TEXT("2026-11-28", w.version, "version");
    CHECK_INT(7, w.n, "targets");
    for (size_t i = 0; i < w.n; i++)
        doors += w.all[i].by_metro[0] != '\0';
    CHECK_INT(1, doors, "Exchange alone names its front doors by metro");
    CHECK_TEXT("exchange", w.all[0].service, "it is the first");
    workloads_free(&w);
}

static void never(const char *text, void *user)
{
    (void)user;
    CHECK(false, "%s", text);
}

/* The shipped configuration names the same ones, one by one. */
static void test_same_as_the_configuration(void **state)
{
    (void)state;
    static const struct kind icmp = {.name = "icmp", .on_by_default = true},
                             tcp = {.name = "tcp", .on_by_default = true},
                             https = {.name = "https", .on_by_default = true};
    static const struct kinds kinds = {{&icmp, &tcp, &https}, 3};
    struct workloads w;
    struct config c = config_default();
    size_t len;
    char *text = shipped("../edgelat.conf", &len);
    load(&w);
    CHECK_INT(0, config_parse(&c, &kinds, "edgelat.conf", text, len, never, NULL),
              "the configuration is fine");
    CHECK_INT(c.n_targets, w.n, "as many");
    for (size_t i = 0; i < w.n; i++) {
        const struct target *t = &c.targets[i];
        CHECK_TEXT(t->name, w.all[i].name, "name");
        CHECK_TEXT(t->service, w.all[i].service, t->name);
        CHECK_TEXT(t->host, w.all[i].host, t->name);
        CHECK_TEXT(t->path, w.all[i].path, t->name);
    }
    config_free(&c);
    workloads_free(&w);
    free(text);
}

/* The names that the pattern generates are those that pop_from_cname() recognises. */
static void test_door_and_back(void **state)
{
    (void)state;
    struct workloads w;
    struct pop p;
    char door[HOST_TEXT_MAX];
    load(&w);
    CHECK_TEXT("lhr-efz.ms-acdc.office.com", workload_door(door, &w.all[0], "LHR"),
               "in lower case");
    CHECK(pop_from_cname(&p, door), "%s names a PoP", door);
    CHECK_TEXT("LHR", p.metro, "the same");
    CHECK_TEXT("am-efz.ms-acdc.office.com", workload_door(door, &w.all[0], "AM"),
               "of two letters");
    workloads_free(&w);

    struct workload front = {.by_metro = "A.{code}"};
    CHECK_TEXT("A.lon", workload_door(door, &front, "LON"), "the code alone is lowered");
}

#define HEAD  "# edgelat targets 1\nname,service,host,path,by_metro\n"
#define TEN   "1234567890"
#define FIFTY TEN TEN TEN TEN TEN

static const struct {
    const char *what, *text, *said;
    size_t rows;
} wrong[] = {
    {"another kind", "# edgelat metros 1\nname,service,host,path,by_metro\n",
     "f.csv:1: not a data file of this kind: the first line must be '# edgelat targets ' "
     "followed by the version\n",
     0},
    {"no name", HEAD ",s,a.example,/,\n", "f.csv:3: the name is missing\n", 0},
    {"a name of a target", HEAD "a b,s,a.example,/,\n",
     "f.csv:3: name a b: must consist of letters, digits, '.', '_' and '-'\n", 0},
    {"its length", HEAD FIFTY FIFTY FIFTY FIFTY FIFTY TEN ",s,a.example,/,\n",
     "f.csv:3: name: longer than 253 bytes\n", 0},
    {"the length of a service", HEAD "a," FIFTY FIFTY ",a.example,/,\n",
     "f.csv:3: service: longer than 63 bytes\n", 0},
    {"no service", HEAD "a,,a.example,/,\n", "f.csv:3: the service is missing\n", 0},
    {"twice", HEAD "a,s,a.example,/,\na,s,b.example,/,\n", "f.csv:4: name a: duplicate\n",
     1},
    {"an address", HEAD "a,s,192.0.2.1,/,\n",
     "f.csv:3: host 192.0.2.1: must be a name, not an address\n", 0},
    {"an IPv6 address", HEAD "a,s,2001:db8::1,/,\n",
     "f.csv:3: host 2001:db8::1: must be a name, not an address\n", 0},
    {"no host", HEAD "a,s,,/,\n",
     "f.csv:3: host : must be a host name or an address without brackets; an "
     "international name in its xn-- form\n",
     0},
    {"a URL", HEAD "a,s,https://a.example/,/,\n",
     "f.csv:3: host https://a.example/: must be a name or an address only, without "
     "scheme "
     "and path\n",
     0},
    {"no path", HEAD "a,s,a.example,,\n",
     "f.csv:3: path : must begin with '/' and be of visible ASCII characters only\n", 0},
    {"a path of a file", HEAD "a,s,a.example,a.gif,\n",
     "f.csv:3: path a.gif: must begin with '/' and be of visible ASCII characters only\n",
     0},
    {"no place for the code", HEAD "a,s,a.example,/,efz.example\n",
     "f.csv:3: by_metro efz.example: must contain {code} once, in place of the "
     "metro's code\n",
     0},
    {"two addresses", HEAD "a,s,a.example,/,{code}.{code}.example\n",
     "f.csv:3: by_metro {code}.{code}.example: must contain {code} once, in place "
     "of the metro's code\n",
     0},
    {"no pattern of a name", HEAD "a,s,a.example,/,{code}..example\n",
     "f.csv:3: by_metro: name abc..example: must be a host name or an address without "
     "brackets; an international name in its xn-- form\n",
     0},
    {"a good one after it", HEAD "a,s,,/,\nb,s,b.example,/x,door-{code}.example\n",
     "f.csv:3: host : must be a host name or an address without brackets; an "
     "international name in its xn-- form\n",
     1},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct said said;
        struct workloads w;
        CHECK_INT(1, parse(&w, wrong[i].text, strlen(wrong[i].text), &said),
                  wrong[i].what);
        CHECK_TEXT(wrong[i].said, text_string(&said.lines), wrong[i].what);
        CHECK_INT(wrong[i].rows, w.n, wrong[i].what);
        text_free(&said.lines);
        workloads_free(&w);
    }
}

static void test_no_more_than_that(void **state)
{
    (void)state;
    struct text text = {0};
    struct said said;
    struct workloads w;
    text_add(&text, HEAD);
    for (int i = 0; i < WORKLOADS_MAX + 2; i++)
        text_add(&text, "n%d,s,a.example,/,\n", i);
    CHECK_INT(1, parse(&w, text.bytes, text.len, &said), "said once");
    CHECK_TEXT("f.csv:67: more than 64 targets\n", text_string(&said.lines), "and where");
    CHECK_INT(WORKLOADS_MAX, w.n, "the first ones count");
    text_free(&said.lines);
    text_free(&text);
    workloads_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_same_as_the_configuration),
        cmocka_unit_test(test_door_and_back),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_no_more_than_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
