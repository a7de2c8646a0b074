#include "edge/whereis.h"

#include "shipped.h"

struct tables {
    struct catalogue metros;
    struct prefixes prefixes;
};

static void load(struct tables *t)
{
    SHIPPED_PARSE(catalogue_parse, &t->metros, "metros.csv");
    SHIPPED_PARSE(prefixes_parse, &t->prefixes, "prefixes.csv");
}

static void unload(struct tables *t)
{
    catalogue_free(&t->metros);
    prefixes_free(&t->prefixes);
}

/* Copied from public text, the negatives included; see agent/edge/README.md. "-" is that
 * nothing is said. */
static const struct {
    const char *text, *kind, *metro, *site, *city, *service, *basis;
} cases[] = {
    {"X-MSEdge-Ref: Ref A: C1D267662FE547E49CE0F2F9F66FA8C2 Ref B: AMSEDGE1023 Ref C: "
     "2019-05-04T18:02:21Z",
     "header", "AMS", "-", "Amsterdam", "front-door", "X-MSEdge-Ref, front-door code"},
    {"X-MSEdge-Ref: Ref A: 19D528D6015B46C4ABCD0FC8B8A99C4D Ref B: LON04EDGE0411 Ref C: "
     "2018-05-31T21:24:10Z",
     "header", "LON", "04", "London", "front-door", "X-MSEdge-Ref, front-door code"},
    {"X-MSEdge-Ref: Ref A: 51DF6DDA8D7C4966811774D83FB9396C Ref B: FRA31EDGE0515 Ref C: "
     "2025-02-15T11:55:34Z",
     "header", "FRA", "31", "Frankfurt", "front-door", "X-MSEdge-Ref, front-door code"},
    {"X-MSEdge-Ref: Ref A: 3CC74C94769440C0851D9DF0869FCE7F Ref B: CO1EDGE0315 Ref C: "
     "2018-04-11T18:47:40Z",
     "header", "CO", "1", "Quincy, Washington", "front-door",
     "X-MSEdge-Ref, front-door code"},
    {"X-MSEdge-Ref: Ref A: 1034B681181A4EDCBA08F39347CBBEF4 Ref B: BL2AA2030110019 Ref "
     "C: 2025-02-11T15:48:03Z",
     "header", "BL", "2", "Ashburn, Virginia", "front-door",
     "X-MSEdge-Ref, front-door code"},
    {"X-MSEdge-Ref: Ref A: B35168FEDE1047359F276C0D318CD4E8 Ref B: LON281181714054 Ref "
     "C: 2026-01-14T00:25:34Z",
     "header", "LON", "28", "London", "front-door", "X-MSEdge-Ref, front-door code"},
    {"X-Azure-Ref-OriginShield: Ref A: CCB7EE5EACFE4B4E85F6299B812DCD44 Ref B: "
     "SG2EDGE2407 Ref C: 2023-08-29T07:19:15Z",
     "header", "SG", "2", "Singapore", "front-door",
     "X-Azure-Ref-OriginShield, front-door code; the parent PoP of origin shield, not "
     "the client's edge"},
    {"X-Azure-Ref: "
     "0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0zV1NURURHRTA2MTkANDM3YzgyY2QtMzYwYS00YTU0LTk0YzMt"
     "NWZmNzA3NjQ3Nzgz",
     "header", "WST", "-", "Seattle, Washington", "front-door",
     "X-Azure-Ref, front-door code"},
    {"x-azure-ref: 20230926T171412Z-81c9dcrw6t2mbaek8smy45twy400000001kg00000000kbgy",
     "header", "-", "-", "-", "-", "-"},
    {"x-azure-ref: 20250204T141149Z-r15774cf85dn94vbhC1LONxrx000000002d00000000017pf",
     "header", "LON", "-", "London", "front-door", "X-Azure-Ref, front-door code"},
    {"x-azure-ref: 20251101T221137Z-1759895c94bdrrpvhC1CO181yw0000000ck0000000007zhh",
     "header", "CO", "1", "Quincy, Washington", "front-door",
     "X-Azure-Ref, front-door code"},
    {"x-azure-ref: 20250716T050612Z-r1f84b9445826hlwhC1SG188700000000na000000000a6re",
     "header", "SG", "1", "Singapore", "front-door", "X-Azure-Ref, front-door code"},
    {"X-FEEFZInfo: PHX", "header", "PHX", "-", "Phoenix, Arizona", "exchange",
     "X-FEEFZInfo, exchange-efz code"},
    {"X-FirstHopCafeEFZ: DUB", "header", "DUB", "-", "Dublin", "exchange",
     "X-FirstHopCafeEFZ, exchange-efz code"},
    {"ae25-0.icr02.sg3.ntwk.msn.net", "router", "SG", "3", "Singapore", "backbone",
     "router, backbone-rdns code"},
    {"retn.ier02.sto.ntwk.msn.net", "router", "STO", "-", "Bromma", "backbone",
     "router, backbone-rdns code"},
    {"ae3-0.hkb-96cbe-1b.ntwk.msn.net", "router", "HKB", "-", "Hong Kong", "backbone",
     "router, backbone-rdns code"},
    {"xe-0-0-1-0.co2-96c-1b.ntwk.msn.net", "router", "CO", "2", "Quincy, Washington",
     "backbone", "router, backbone-rdns code"},
    /* seen in public text, and no PoP in it */
    {"X-Azure-Ref: 20260505T101542Z-17b4f7c9f4", "header", "-", "-", "-", "-", "-"},
    {"X-FEServer: EXCH01", "header", "-", "-", "-", "-", "-"},
    {"X-MSEdge-Ref:", "header", "-", "-", "-", "-", "-"},
    {"X-MSEdge-Ref: ", "header", "-", "-", "-", "-", "-"},
    {"X-Azure-Ref: 456def", "header", "-", "-", "-", "-", "-"},
    {"", "unknown", "-", "-", "-", "-", "-"},
    /* values alone, and as they are pasted */
    {"Ref A: 0 Ref B: FRA261110505054 Ref C: 0", "header", "FRA", "26", "Frankfurt",
     "front-door", "layout of X-MSEdge-Ref, front-door code"},
    {"PNQ241100406036", "header", "PNQ", "24", "Pune", "front-door",
     "layout of X-MSEdge-Ref, front-door code"},
    {"20250204T141149Z-r15774cf85dn94vbhC1LONxrx000000002d00000000017pf", "header", "LON",
     "-", "London", "front-door", "layout of X-Azure-Ref, front-door code"},
    {"20230926T171412Z-81c9dcrw6t2mbaek8smy45twy400000001kg00000000kbgy", "unknown", "-",
     "-", "-", "-", "-"},
    {"SN6PR16CA0066", "header", "SN", "6", "San Antonio, Texas", "exchange",
     "layout of X-FEServer, exchange-efz code"},
    {"EXCH01", "unknown", "-", "-", "-", "-", "-"},
    {"< x-feefzinfo:mdw\r\n", "header", "MDW", "-", "Chicago, Illinois", "exchange",
     "X-FEEFZInfo, exchange-efz code"},
    {"  X-FEServer:\tDUZPR01CA0311 ", "header", "DUZ", "-", "-", "exchange",
     "X-FEServer, exchange-efz code"},
    {"Server: AMSEDGE1023", "header", "-", "-", "-", "-", "-"},
    /* names */
    {"LHR-efz.ms-acdc.office.com", "cname", "LHR", "-", "London", "exchange",
     "cname, exchange-efz code"},
    {"mdw-efz.ms-acdc.office.com.", "cname", "MDW", "-", "Chicago, Illinois", "exchange",
     "cname, exchange-efz code"},
    {"outlook.ms-acdc.office.com", "cname", "-", "-", "-", "exchange",
     "name under ms-acdc.office.com"},
    {"s-0005.s-msedge.net", "cname", "-", "-", "-", "teams", "name under s-msedge.net"},
    {"aa-rt.sharepoint.com.spo-0004.spo-msedge.net", "cname", "-", "-", "-", "sharepoint",
     "name under spo-msedge.net"},
    {"Part-0042.t-0009.fb-t-msedge.net.", "cname", "-", "-", "-", "front-door",
     "name under msedge.net"},
    {"tor2.hk2.msedge.net", "router", "HK", "2", "Hong Kong", "backbone",
     "router, backbone-rdns code"},
    {"be-8-0.ibr01.mwh01.ntwk.msn.net", "router", "MWH", "01", "Moses Lake, Washington",
     "backbone", "router, backbone-rdns code"},
    {"x.y-1.ntwk.msn.net", "router", "-", "-", "-", "backbone",
     "name under ntwk.msn.net"},
    {"www.example.com", "unknown", "-", "-", "-", "-", "-"},
    {"https://example.com/", "unknown", "-", "-", "-", "-", "-"},
    /* codes */
    {"LON", "metro", "LON", "-", "London", "-", "catalogue, front-door code"},
    {"lhr", "metro", "LHR", "-", "London", "-", "catalogue, exchange-efz code"},
    {"cle30", "metro", "CLE", "30", "Cleveland, Ohio", "-",
     "catalogue, backbone-rdns code"},
    {"SG1", "metro", "SG", "1", "Singapore", "-", "catalogue, front-door code"},
    {"SAN", "metro", "SAN", "-", "San Antonio, Texas", "-", "catalogue, front-door code"},
    {"XQZ", "unknown", "-", "-", "-", "-", "-"},
    {"LOND", "unknown", "-", "-", "-", "-", "-"},
    {"L", "unknown", "-", "-", "-", "-", "-"},
    {"LON123", "unknown", "-", "-", "-", "-", "-"},
    /* addresses */
    {"52.96.164.146", "address", "-", "-", "-", "exchange",
     "prefix 52.96.0.0/14, published"},
    {" 2603:1063::1 ", "address", "-", "-", "-", "teams",
     "prefix 2603:1063::/39, published"},
    {"104.44.196.131", "address", "-", "-", "-", "backbone",
     "prefix 104.44.0.0/16, inferred"},
    {"192.0.2.1", "address", "-", "-", "-", "-", "-"},
    /* a code that is not in the catalogue passes through */
    {"XQZ04EDGE0411", "header", "XQZ", "04", "-", "front-door",
     "layout of X-MSEdge-Ref, front-door code"},
    {"be-1.ibr01.xqz01.ntwk.msn.net", "router", "XQZ", "01", "-", "backbone",
     "router, backbone-rdns code"},
};

static const char *or_dash(const char *text)
{
    return text != NULL && *text != '\0' ? text : "-";
}

static void test_vectors(void **state)
{
    (void)state;
    struct tables t;
    load(&t);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct whereis w;
        const char *text = cases[i].text;
        size_t len = strlen(text);
        char *exact = malloc(len + (len == 0)); /* no NUL: reading on would be seen */
        memcpy(exact, text, len);
        whereis(&w, &t.metros, &t.prefixes, exact, len);
        free(exact);
        CHECK_TEXT(cases[i].kind, whereis_kind_name(w.kind), text);
        CHECK_TEXT(cases[i].metro, or_dash(w.pop.metro), text);
        CHECK_TEXT(cases[i].site, or_dash(w.pop.site), text);
        CHECK_TEXT(cases[i].city, w.metro != NULL ? w.metro->city : "-", text);
        CHECK_TEXT(cases[i].service, or_dash(w.service), text);
        CHECK_TEXT(cases[i].basis, or_dash(w.basis), text);
        bool named = strcmp(cases[i].metro, "-") != 0;
        CHECK_INT(strcmp(named ? cases[i].city : cases[i].service, "-") != 0,
                  whereis_known(&w), text);
    }
    unload(&t);
}

/* Every code of the catalogue, in every form in which one comes. */
static void test_every_code(void **state)
{
    (void)state;
    struct tables t;
    load(&t);
    for (size_t i = 0; i < t.metros.n; i++) {
        const struct metro *m = &t.metros.metros[i];
        const char *digit = strlen(m->code) == 2 ? "1" : "";
        char texts[4][64];
        snprintf(texts[0], sizeof *texts, "%s", m->code);
        snprintf(texts[1], sizeof *texts, "%s%sEDGE1234", m->code, digit);
        snprintf(texts[2], sizeof *texts, "X-FEEFZInfo: %s%s", m->code, digit);
        snprintf(texts[3], sizeof *texts, "a.%s%s.ntwk.msn.net", m->code, digit);
        for (size_t k = 0; k < 4; k++) {
            struct whereis w;
            whereis(&w, &t.metros, &t.prefixes, texts[k], strlen(texts[k]));
            CHECK(w.metro != NULL && strcmp(w.metro->code, m->code) == 0 &&
                      strcmp(w.metro->city, m->city) == 0,
                  "%s is %s", texts[k], m->city);
        }
    }
    unload(&t);
}

static void test_without_tables(void **state)
{
    (void)state;
    struct tables none = {0};
    static const char *const texts[] = {"LON", "52.96.164.146", "LONEDGE1234",
                                        "a.lon24.ntwk.msn.net"};
    static const char *const metros[] = {"", "", "LON", "LON"};
    for (size_t i = 0; i < 4; i++) {
        struct whereis w;
        whereis(&w, &none.metros, &none.prefixes, texts[i], strlen(texts[i]));
        CHECK_TEXT(metros[i], w.pop.metro, texts[i]);
        CHECK(w.metro == NULL && !whereis_known(&w), "%s: the rest is unknown", texts[i]);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    struct tables t;
    struct whereis w;
    char *text = malloc(1 << 20);
    load(&t);
    memset(text, 'A', 1 << 20);
    whereis(&w, &t.metros, &t.prefixes, text, 1 << 20);
    CHECK_INT(WHEREIS_UNKNOWN, w.kind, "a megabyte of letters");
    memset(text, ' ', 1 << 20);
    whereis(&w, &t.metros, &t.prefixes, text, 1 << 20);
    CHECK_INT(WHEREIS_UNKNOWN, w.kind, "a megabyte of blanks");
    memcpy(text + 500000, "LON", 3);
    whereis(&w, &t.metros, &t.prefixes, text, 1 << 20);
    CHECK_INT(WHEREIS_METRO, w.kind, "with something in them");
    whereis(&w, &t.metros, &t.prefixes, "LON\0LON", 7);
    CHECK_INT(WHEREIS_UNKNOWN, w.kind, "a NUL within");
    free(text);
    unload(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_every_code),
        cmocka_unit_test(test_without_tables),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
