#include "edge/prefixes.h"

#include "core/random.h"
#include "shipped.h"

static void load(struct prefixes *p)
{
    SHIPPED_PARSE(prefixes_parse, p, "prefixes.csv");
}

static const char *prefix_of(const struct prefixes *p, const char *address)
{
    struct endpoint e;
    CHECK(endpoint_parse(&e, address, 0), "%s is an address", address);
    const struct prefix *found = prefixes_find(p, &e);
    return found != NULL ? found->text : "";
}

/* The first and last addresses of prefixes, and nested prefixes. */
static const struct {
    const char *address, *prefix, *service;
    bool inferred;
} cases[] = {
    {"13.107.6.151", "13.107.6.0/24", "front-door", true},
    {"13.107.6.152", "13.107.6.152/31", "exchange", false},
    {"13.107.6.153", "13.107.6.152/31", "exchange", false},
    {"13.107.6.154", "13.107.6.0/24", "front-door", true},
    {"40.96.0.0", "40.96.0.0/13", "exchange", false},
    {"40.103.255.255", "40.96.0.0/13", "exchange", false},
    {"40.104.0.0", "40.104.0.0/15", "exchange", false},
    {"52.96.164.146", "52.96.0.0/14", "exchange", false},
    {"13.107.136.9", "13.107.136.0/22", "sharepoint", false},
    {"52.113.194.132", "52.112.0.0/14", "teams", false},
    {"52.108.1.1", "52.108.0.0/14", "office-online", false},
    {"52.104.1.1", "52.104.0.0/14", "sharepoint", false},
    {"20.190.128.0", "20.190.128.0/18", "entra", false},
    {"13.107.246.70", "13.107.246.0/24", "front-door", false},
    {"104.44.237.51", "104.44.0.0/16", "backbone", true},
    {"51.10.3.248", "51.10.0.0/16", "backbone", true},
    {"0.0.0.0", "", "", false},
    {"255.255.255.255", "", "", false},
    {"192.0.2.1", "", "", false},
    {"13.107.6.156", "13.107.6.0/24", "front-door", true},
    {"131.253.33.215", "131.253.33.215/32", "exchange", false},
    {"131.253.33.219", "131.253.33.0/24", "front-door", true},
    {"2620:1ec:46::52", "2620:1ec:46::/48", "front-door", true},
    {"2620:1ec:47::1", "2620:1ec:40::/42", "teams", false},
    {"207.46.33.149", "207.46.32.0/19", "backbone", true},
    {"2603:1006::1", "2603:1006::/40", "exchange", false},
    {"2603:1006:2000::1", "2603:1006:2000::/48", "entra", false},
    {"2603:1016:1400::1", "2603:1016:1400::/48", "entra", false},
    {"2603:1016:400::1", "2603:1016::/36", "exchange", false},
    {"2603:1027::1", "2603:1027::/48", "teams", false},
    {"2603:1027:1::1", "2603:1027:1::/48", "entra", false},
    {"2603:1063:100::1", "2603:1063::/39", "teams", false},
    {"2603:1063:300::1", "2603:1063::/38", "teams", false},
    {"2603:1063:2000::1", "2603:1063:2000::/38", "office-online", false},
    {"2620:1ec:4::152", "2620:1ec:4::152/128", "exchange", false},
    {"2620:1ec:4::154", "", "", false},
    {"::", "", "", false},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "", "", false},
    {"::ffff:13.107.6.152", "13.107.6.152/31", "exchange", false},
};

static void test_shipped(void **state)
{
    (void)state;
    struct prefixes p;
    load(&p);
    CHECK_INT(112, p.n, "prefixes");
    CHECK_TEXT("2026-11-29", p.version, "version");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint e;
        CHECK(endpoint_parse(&e, cases[i].address, 0), "%s", cases[i].address);
        const struct prefix *found = prefixes_find(&p, &e);
        CHECK_TEXT(cases[i].prefix, found != NULL ? found->text : "", cases[i].address);
        if (found != NULL) {
            CHECK_TEXT(cases[i].service, found->service, cases[i].address);
            CHECK_INT(cases[i].inferred, found->inferred, cases[i].address);
        }
    }
    CHECK(prefixes_find(&p, &(struct endpoint){0}) == NULL, "no address, no prefix");
    prefixes_free(&p);
}

/* Some nested prefixes out of a small space, so that most addresses are in several. */
static char *nested(struct random *r, size_t *len)
{
    struct text t = {0};
    text_add(&t, "# edgelat prefixes 1\nprefix,service,basis\n");
    for (int i = 0; i < 200; i++) {
        unsigned bits = 20 + (unsigned)random_below(r, 13);
        uint32_t at = (uint32_t)random_below(r, 4096) & ~(uint32_t)0 << (32 - bits);
        text_add(&t, "10.0.%u.%u/%u,s,published\n", at >> 8 & 255, at & 255, bits);
    }
    *len = t.len;
    return t.bytes;
}

/* One bit after the other. */
static bool covers(const char *prefix, uint32_t address)
{
    struct endpoint e;
    char text[PREFIX_TEXT_MAX];
    strcpy(text, prefix);
    char *slash = strchr(text, '/');
    *slash = '\0';
    CHECK(endpoint_parse(&e, text, 0), "%s", text);
    for (int i = 0; i < atoi(slash + 1); i++)
        if ((e.bytes[i / 8] >> (7 - i % 8) & 1) != (address >> (31 - i) & 1))
            return false;
    return true;
}

static void test_against_looking_at_all(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    struct said said = {0};
    struct prefixes p;
    size_t len;
    char *text = nested(&r, &len);
    struct datafile_source from = source_of(text, len, &said);
    prefixes_parse(&p, &from); /* duplicates are reported, and kept once */
    CHECK(p.n > 100, "%zu prefixes", p.n);
    for (uint32_t low = 0; low < 4100; low++) {
        const char *best = "";
        int best_bits = -1;
        for (size_t i = 0; i < p.n; i++) {
            int bits = atoi(strchr(p.all[i].text, '/') + 1);
            if (bits > best_bits && covers(p.all[i].text, 0x0a000000 + low)) {
                best = p.all[i].text;
                best_bits = bits;
            }
        }
        char address[32];
        snprintf(address, sizeof address, "10.0.%u.%u", low >> 8, low & 255);
        CHECK_TEXT(best, prefix_of(&p, address), address);
    }
    text_free(&said.lines);
    free(text);
    prefixes_free(&p);
}

#define HEAD "# edgelat prefixes 1\nprefix,service,basis\n"

static const struct {
    const char *what, *text, *said;
    size_t rows;
} wrong[] = {
    {"no address", HEAD "exchange,exchange,published\n",
     "f.csv:3: prefix exchange: must be an address and its length, such as 192.0.2.0/24 "
     "or 2001:db8::/32\n",
     0},
    {"no length", HEAD "10.0.0.0,exchange,published\n",
     "f.csv:3: prefix 10.0.0.0: needs a length from 0 to 32: 10.0.0.0/32\n", 0},
    {"length", HEAD "2001:db8::/129,exchange,published\n",
     "f.csv:3: prefix 2001:db8::: needs a length from 0 to 128: 2001:db8::/128\n", 0},
    {"host bits", HEAD "13.107.6.152/24,exchange,published\n",
     "f.csv:3: prefix 13.107.6.152/24: has host bits set; did you mean "
     "13.107.6.0/24?\n",
     0},
    {"no service", HEAD "10.0.0.0/8,,published\n", "f.csv:3: the service is missing\n",
     0},
    {"long service", HEAD "10.0.0.0/8,an-extraordinarily-long-word,published\n",
     "f.csv:3: service: longer than 23 bytes\n", 0},
    {"basis", HEAD "10.0.0.0/8,x,guessed\n",
     "f.csv:3: basis guessed: must be published or inferred\n", 0},
    {"twice",
     HEAD "10.0.0.0/8,x,published\n9.0.0.0/8,x,published\n10.0.0.0/8,y,inferred\n",
     "f.csv:5: prefix 10.0.0.0/8: duplicate of line 3, there for x\n", 2},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct said said = {0};
        struct prefixes p;
        struct datafile_source from =
            source_of(wrong[i].text, strlen(wrong[i].text), &said);
        CHECK_INT(1, prefixes_parse(&p, &from), wrong[i].what);
        CHECK_TEXT(wrong[i].said, text_string(&said.lines), wrong[i].what);
        CHECK_INT(wrong[i].rows, p.n, wrong[i].what);
        text_free(&said.lines);
        prefixes_free(&p);
    }
}

static void test_everything(void **state)
{
    (void)state;
    static const char text[] = HEAD "0.0.0.0/0,all,published\n10.0.0.0/8,ten,inferred\n";
    struct said said = {0};
    struct prefixes p;
    struct datafile_source from = source_of(text, sizeof text - 1, &said);
    CHECK_INT(0, prefixes_parse(&p, &from), text_string(&said.lines));
    CHECK_TEXT("0.0.0.0/0", prefix_of(&p, "0.0.0.0"), "the first address");
    CHECK_TEXT("10.0.0.0/8", prefix_of(&p, "10.255.255.255"), "the longer one");
    CHECK_TEXT("0.0.0.0/0", prefix_of(&p, "255.255.255.255"), "the last address");
    CHECK_TEXT("", prefix_of(&p, "2001:db8::"), "IPv4 only");
    prefixes_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_against_looking_at_all),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
