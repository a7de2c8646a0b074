#include "edge/pop.h"

#include "check.h"

/* Copied from public text; "-" is "the source does not say". See agent/edge/README.md. */
static const struct {
    const char *name, *value;
    enum pop_family family;
    const char *metro, *site, *text;
} headers[] = {
    /* X-MSEdge-Ref: the four layouts of the server */
    {"X-MSEdge-Ref",
     "Ref A: C1D267662FE547E49CE0F2F9F66FA8C2 Ref B: AMSEDGE1023 Ref C: "
     "2019-05-04T18:02:21Z",
     POP_FRONT_DOOR, "AMS", "", "AMS"},
    {"X-MSEdge-Ref",
     "Ref A: 19D528D6015B46C4ABCD0FC8B8A99C4D Ref B: LON04EDGE0411 Ref C: "
     "2018-05-31T21:24:10Z",
     POP_FRONT_DOOR, "LON", "04", "LON"},
    {"x-msedge-ref",
     "Ref A: 51DF6DDA8D7C4966811774D83FB9396C Ref B: FRA31EDGE0515 Ref C: "
     "2025-02-15T11:55:34Z",
     POP_FRONT_DOOR, "FRA", "31", "FRA"},
    {"X-MSEdge-Ref",
     "Ref A: 3CC74C94769440C0851D9DF0869FCE7F Ref B: CO1EDGE0315 Ref C: "
     "2018-04-11T18:47:40Z",
     POP_FRONT_DOOR, "CO", "1", "CO1"},
    {"X-MSEdge-Ref",
     "Ref A: 1034B681181A4EDCBA08F39347CBBEF4 Ref B: BL2AA2030110019 Ref C: "
     "2025-02-11T15:48:03Z",
     POP_FRONT_DOOR, "BL", "2", "BL2"},
    {"X-MSEdge-Ref",
     "Ref A: B35168FEDE1047359F276C0D318CD4E8 Ref B: LON281181714054 Ref C: "
     "2026-01-14T00:25:34Z",
     POP_FRONT_DOOR, "LON", "28", "LON"},
    {"X-MSEdge-Ref", "Ref A: 0 Ref B: PNQ241100406036", POP_FRONT_DOOR, "PNQ", "24",
     "PNQ"},
    /* X-Azure-Ref: three generations */
    {"X-Azure-Ref",
     "0zxV+"
     "XAAAAABKMMOjBv2NT4TY6SQVjC0zV1NURURHRTA2MTkANDM3YzgyY2QtMzYwYS00YTU0LTk0YzMtNWZmNzA"
     "3"
     "NjQ3Nzgz",
     POP_FRONT_DOOR, "WST", "", "WST"},
    {"x-azure-ref", "20230926T171412Z-81c9dcrw6t2mbaek8smy45twy400000001kg00000000kbgy",
     POP_UNKNOWN, "", "", ""},
    {"x-azure-ref", "20250204T141149Z-r15774cf85dn94vbhC1LONxrx000000002d00000000017pf",
     POP_FRONT_DOOR, "LON", "", "LON"},
    {"x-azure-ref", "20251101T221137Z-1759895c94bdrrpvhC1CO181yw0000000ck0000000007zhh",
     POP_FRONT_DOOR, "CO", "1", "CO1"},
    {"x-azure-ref", "20250716T050612Z-r1f84b9445826hlwhC1SG188700000000na000000000a6re",
     POP_FRONT_DOOR, "SG", "1", "SG1"},
    /* Exchange */
    {"X-FEEFZInfo", "PHX", POP_EXCHANGE, "PHX", "", "PHX"},
    {"X-FirstHopCafeEFZ", "DUB", POP_EXCHANGE, "DUB", "", "DUB"},
    {"X-FEServer", "SN6PR16CA0066", POP_EXCHANGE_SITE, "SN", "6", "SN6"},
    {"X-FEServer", "DB3PR0102CA0017", POP_EXCHANGE_SITE, "DB", "3", "DB3"},
    {"X-FEServer", "AM0PR04CA0024", POP_EXCHANGE_SITE, "AM", "0", "AM0"},
    {"X-FEServer", "DUZPR01CA0311", POP_EXCHANGE_SITE, "DU", "Z", "DU"},
    {"X-FEServer", "PA7P264CA0121", POP_EXCHANGE_SITE, "PA", "7", "PA7"},
    {"X-FEServer", "BMXPR01CA0083", POP_EXCHANGE_SITE, "BM", "X", "BM"},
    {"X-FEServer", "CY4PR02CA0010", POP_EXCHANGE_SITE, "CY", "4", "CY4"},
    {"X-FEServer", "HK2P15301CA0023", POP_EXCHANGE_SITE, "HK", "2", "HK2"},
    /* of several the last one, which the client reached */
    {"X-FEServer", "DB3PR0102CA0017, AM0PR04CA0024", POP_EXCHANGE_SITE, "AM", "0", "AM0"},
    {"X-FEServer", "DB3PR0102CA0017,AM0PR04CA0024 , ", POP_EXCHANGE_SITE, "AM", "0",
     "AM0"},
    {"X-FEServer", "AM0PR04CA0024, EXCH01", POP_UNKNOWN, "", "", ""},
    {"X-FEServer", ",", POP_UNKNOWN, "", "", ""},
    /* Office on the web, 2024-06-27 */
    {"X-FD-Ref",
     "Ref A: C0DCF8AD66014CD28F8B621AD77D8FBE Ref B: MRS211050618011 Ref C: "
     "2024-06-27T18:29:37Z",
     POP_FRONT_DOOR, "MRS", "21", "MRS"},
    /* mangled by a translation, by OCR */
    {"X-Azure-Ref",
     "0zxV+XAAAAABKMMOJBV2NT4TY6SQVJC0zV1NURURHRTA2MTKANDM3YzgyY2QtMzYwYS00YTU0LTU0LT0YZM"
     "TNHMNzA3NjQ3Nzgz",
     POP_UNKNOWN, "", "", ""},
    {"X-MSEdge-Ref", "Ref A: C58D Ref B: BKK3Q@EDGE@511 Ref C: 0", POP_UNKNOWN, "", "",
     ""},
    /* values without a PoP */
    {"X-Azure-Ref", "20260505T101542Z-17b4f7c9f4", POP_UNKNOWN, "", "", ""},
    {"X-Azure-Ref", "456def", POP_UNKNOWN, "", "", ""},
    {"X-Azure-Ref", "", POP_UNKNOWN, "", "", ""},
    {"X-Azure-Ref", "0", POP_UNKNOWN, "", "", ""},
    {"X-Azure-Ref", "0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0z", POP_UNKNOWN, "", "", ""},
    {"X-Azure-Ref", "0zxV+XAAAAABKMMOjBv2NT4TY6SQVjC0zV1NURURHRTA2MTk=", POP_UNKNOWN, "",
     "", ""},
    {"x-azure-ref", "20250204T141149Z-r15774cf85dn94vbhC1LO", POP_UNKNOWN, "", "", ""},
    {"x-azure-ref", "20250204T141149Z-r15774cf85dn94vbhC1L1", POP_UNKNOWN, "", "", ""},
    {"X-FEServer", "EXCH01", POP_UNKNOWN, "", "", ""},
    {"X-FEServer", "SN6PR16CU0066", POP_UNKNOWN, "", "", ""},
    {"X-FEServer", "MAILPRODCA0001", POP_UNKNOWN, "", "", ""},
    {"X-MSEdge-Ref", "", POP_UNKNOWN, "", "", ""},
    {"X-MSEdge-Ref", "Ref A: 0 Ref B: ", POP_UNKNOWN, "", "", ""},
    {"X-MSEdge-Ref", "Ref A: 0 Ref B: AMSEDGE10234 Ref C: 0", POP_UNKNOWN, "", "", ""},
    {"X-MSEdge-Ref", "Ref A: 0 Ref B: AMSEDGE102 Ref C: 0", POP_UNKNOWN, "", "", ""},
    {"X-MSEdge-Ref", "Ref A: 0 Ref B: AMS1EDGE1023 Ref C: 0", POP_UNKNOWN, "", "", ""},
    {"X-MSEdge-Ref", "Ref A: 0 Ref B: LON28118171405 Ref C: 0", POP_UNKNOWN, "", "", ""},
    {"X-MSEdge-Ref", "Ref A: 0 Ref B: EDGE Ref C: 0", POP_UNKNOWN, "", "", ""},
    {"X-MSEdge-Ref", "Ref A: 0 Ref B: amsedge1023 Ref C: 0", POP_UNKNOWN, "", "", ""},
    {"X-FEEFZInfo", "PHXX", POP_UNKNOWN, "", "", ""},
    {"X-FEEFZInfo", "P1", POP_UNKNOWN, "", "", ""},
    {"X-FEEFZInfo", "", POP_UNKNOWN, "", "", ""},
    {"Server", "AMSEDGE1023", POP_UNKNOWN, "", "", ""},
    {"X-CalculatedBETarget", "SN4PR17MB5799", POP_UNKNOWN, "", "", ""}, /* the mailbox */
};

static void check_pop(bool said, const struct pop *p, enum pop_family family,
                      const char *metro, const char *site, const char *what)
{
    CHECK_INT(family != POP_UNKNOWN, said, what);
    CHECK_INT(family, p->family, what);
    CHECK_TEXT(metro, p->metro, what);
    CHECK_TEXT(site, p->site, what);
}

static void from_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct pop p;
        char text[POP_TEXT_MAX];
        size_t len = strlen(headers[i].value);
        char *exact = malloc(len + (len == 0)); /* no NUL: reading on would be seen */
        memcpy(exact, headers[i].value, len);
        bool said = pop_from_header(&p, headers[i].name, exact, len);
        free(exact);
        check_pop(said, &p, headers[i].family, headers[i].metro, headers[i].site,
                  headers[i].value);
        CHECK_TEXT(headers[i].text, pop_text(text, &p), headers[i].value);
        CHECK_INT(headers[i].family, pop_family_of(p.source), "of its source");
    }
}

static void origin_shield_is_the_parent(void **state)
{
    (void)state;
    static const char shield[] =
        "Ref A: CCB7EE5EACFE4B4E85F6299B812DCD44 Ref B: SG2EDGE2407 "
        "Ref C: 2023-08-29T07:19:15Z";
    struct pop parent, edge;
    CHECK(pop_from_header(&parent, "X-Azure-Ref-OriginShield", shield, sizeof shield - 1),
          "known");
    check_pop(true, &parent, POP_FRONT_DOOR, "SG", "2", "parent");
    CHECK(parent.parent, "it is the parent");
    CHECK(!pop_from_header(&edge, "X-Azure-Ref-OriginShield", "x", 1) && !edge.parent,
          "nothing");
    pop_from_header(&edge, "X-FEEFZInfo", "HKB", 3);
    CHECK(!edge.parent, "the edge");
    CHECK(pop_better(&edge, &parent) && !pop_better(&parent, &edge), "a parent is last");
}

static void what_says_more(void **state)
{
    (void)state;
    static const char edge[] = "Ref A: 0 Ref B: AMSEDGE1023 Ref C: 0";
    static const char azure[] =
        "20250204T141149Z-r15774cf85dn94vbhC1LONxrx000000002d00000000017pf";
    struct pop in_order[8];
    pop_from_header(&in_order[0], "X-MSEdge-Ref", edge, sizeof edge - 1);
    pop_from_header(&in_order[1], "X-FD-Ref", edge, sizeof edge - 1);
    pop_from_header(&in_order[2], "X-Azure-Ref", azure, sizeof azure - 1);
    pop_from_header(&in_order[3], "X-FirstHopCafeEFZ", "DUB", 3);
    pop_from_header(&in_order[4], "X-FEEFZInfo", "CDG", 3);
    pop_from_header(&in_order[5], "X-FEServer", "SN6PR16CA0066", 13);
    pop_from_cname(&in_order[6], "LHR-efz.ms-acdc.office.com");
    pop_from_header(&in_order[7], "X-Azure-Ref-OriginShield", edge, sizeof edge - 1);
    struct pop nothing;
    pop_from_header(&nothing, "Server", "x", 1);
    for (size_t a = 0; a < 8; a++) {
        CHECK(pop_better(&in_order[a], &nothing), "anything is better than nothing");
        for (size_t b = 0; b < 8; b++)
            CHECK_INT(a < b, pop_better(&in_order[a], &in_order[b]), in_order[a].source);
    }
}

static const struct {
    const char *name, *metro, *site;
} routers[] = {
    {"ae25-0.icr02.sg3.ntwk.msn.net", "SG", "3"},
    {"retn.ier02.sto.ntwk.msn.net", "STO", ""},
    {"ae3-0.hkb-96cbe-1b.ntwk.msn.net", "HKB", ""},
    {"xe-0-0-1-0.co2-96c-1b.ntwk.msn.net", "CO", "2"},
    {"be-102-0.ibr01.lon24.ntwk.msn.net", "LON", "24"},
    {"icr01.par30.ntwk.msn.net.", "PAR", "30"},
    {"be-3-0.ibr01.ch4.ntwk.msn.net", "CH", "4"},
    {"be-7-0.ibr01.DSM05.NTWK.MSN.NET", "DSM", "05"},
    {"ae-61.ibr01.atb.network.microsoft.com", "ATB", ""},
    {"tor1.hkb.msedge.net", "HKB", ""},
    {"tor2.hk2.msedge.net", "HK", "2"},
    {"as8075-20g-sk1.sthix.net", NULL, NULL},
    {"fp.msedge.net", NULL, NULL},
    {"c-ring.msedge.net", NULL, NULL},
    {"dual-a-0001.a-msedge.net", NULL, NULL},
    {"ntwk.msn.net", NULL, NULL},
    {".ntwk.msn.net", NULL, NULL},
    {"ibr01.london24.ntwk.msn.net", NULL, NULL},
    {"ibr01.l.ntwk.msn.net", NULL, NULL},
    {"ibr01.lon2424.ntwk.msn.net", NULL, NULL},
    {"lon24.ntwk.msn.net.example", NULL, NULL},
    {"", NULL, NULL},
    {".", NULL, NULL},
};

static void from_routers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof routers / sizeof *routers; i++) {
        struct pop p;
        bool said = pop_from_router(&p, routers[i].name);
        bool known = routers[i].metro != NULL;
        check_pop(said, &p, known ? POP_BACKBONE : POP_UNKNOWN,
                  known ? routers[i].metro : "", known ? routers[i].site : "",
                  routers[i].name);
        CHECK_INT(p.family, pop_family_of(p.source), "of its source");
    }
}

static const struct {
    const char *name, *metro;
} cnames[] = {
    {"LHR-efz.ms-acdc.office.com", "LHR"},  {"mdw-efz.ms-acdc.office.com", "MDW"},
    {"CDG-EFZ.MS-ACDC.OFFICE.COM.", "CDG"}, {"outlook.ms-acdc.office.com", NULL},
    {"outlook.ha.office365.com", NULL},     {"-efz.ms-acdc.office.com", NULL},
    {"a.lhr-efz.ms-acdc.office.com", NULL}, {"standard.t-0001.t-msedge.net", NULL},
    {"s-0005.s-msedge.net", NULL},          {"", NULL},
};

static void from_cnames(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cnames / sizeof *cnames; i++) {
        struct pop p;
        bool said = pop_from_cname(&p, cnames[i].name);
        bool known = cnames[i].metro != NULL;
        check_pop(said, &p, known ? POP_EXCHANGE : POP_UNKNOWN,
                  known ? cnames[i].metro : "", "", cnames[i].name);
        CHECK_INT(p.family, pop_family_of(p.source), "of its source");
    }
}

static void from_front_ends(void **state)
{
    (void)state;
    static const struct {
        const char *name, *metro;
    } front_ends[] = {
        {"BMXPR01CA0083.outlook.office365.com", "BM"},
        {"ly0pr04ca0001.outlook.office365.com", NULL},
        {"SY5P282CA0097.outlook.office365.com.", "SY"},
        {"PS2PR02CU002.internal.outlook.com", NULL}, /* the mailbox's side */
        {"PA7P264CA0121.FRAP264.PROD.OUTLOOK.COM", NULL},
        {"a.SY5P282CA0097.outlook.office365.com", NULL},
        {"outlook.office365.com", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof front_ends / sizeof *front_ends; i++) {
        struct pop p;
        bool said = pop_from_front_end(&p, front_ends[i].name);
        bool known = front_ends[i].metro != NULL;
        CHECK_INT(known, said, front_ends[i].name);
        CHECK_TEXT(known ? front_ends[i].metro : "", p.metro, front_ends[i].name);
        CHECK_INT(known ? POP_EXCHANGE_SITE : POP_UNKNOWN, pop_family_of(p.source),
                  front_ends[i].name);
    }
}

/* Every prefix of a valid value is read within its bounds and gives no partial code. */
static void cut_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        for (size_t len = 0;
             headers[i].family != POP_UNKNOWN && len < strlen(headers[i].value); len++) {
            struct pop p;
            char *exact = malloc(len + (len == 0));
            memcpy(exact, headers[i].value, len);
            bool said = pop_from_header(&p, headers[i].name, exact, len);
            free(exact);
            if (said && strchr(headers[i].value, ',') == NULL) {
                CHECK_TEXT(headers[i].metro, p.metro, headers[i].value);
                CHECK_TEXT(headers[i].site, p.site, headers[i].value);
            }
        }
    }
}

#define CUT(text) text, sizeof(text) - 1

/* Values that are no text, or text within text: unknown, whatever their length. */
static const struct {
    const char *what, *name, *value;
    size_t len;
} hostile[] = {
    {"NUL in the server", "X-MSEdge-Ref",
     CUT("Ref A: 0 Ref B: LON04\0EDGE0411 Ref C: 0")},
    {"NUL behind it", "X-MSEdge-Ref", CUT("Ref A: 0 Ref B: LON04EDGE0411\0")},
    {"bytes over 127", "X-FEEFZInfo", CUT("L\xc3\x96N")},
    {"a line break", "X-FEEFZInfo", CUT("LHR\r\nX-FEEFZInfo: AMS")},
    {"binary in the random part", "X-Azure-Ref",
     CUT("20250204T141149Z-r15774cf85dn\xff\0vbhC1LONxrx")},
    {"base64 of base64 of a server", "X-Azure-Ref",
     CUT("0zxV+"
         "XAAAAABHR0dHR0dHR0dHR0dHR0dHVEU5T1JVUkhSVEEwTVRFPQA0MzdjODJjZC0zNjBhLTRhNTQ"
         "tOTRjMy01ZmY3MDc2NDc3ODM=")},
    {"base64 of a header", "X-Azure-Ref",
     CUT("0zxV+"
         "XAAAAABHR0dHR0dHR0dHR0dHR0dHUmVmIEI6IExPTkVER0UwNDExADQzN2M4MmNkLTM2MGEtNGE"
         "1NC05NGMzLTVmZjcwNzY0Nzc4Mw==")},
};

static void hostile_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct pop p;
        CHECK(!pop_from_header(&p, hostile[i].name, hostile[i].value, hostile[i].len),
              "%s: got %s", hostile[i].what, p.metro);
    }
}

/* A megabyte of one character or word, behind the name of every header. */
static void long_values(void **state)
{
    (void)state;
    enum { LEN = 1 << 20 };
    static const char *const words[] = {"A", "0", "Ref B: ", "hC1", "\xff", "LON"};
    static const char *const names[] = {"X-MSEdge-Ref",      "X-Azure-Ref",
                                        "X-FirstHopCafeEFZ", "X-FEEFZInfo",
                                        "X-FEServer",        "X-Azure-Ref-OriginShield"};
    char *value = malloc(LEN);
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
        size_t len = strlen(words[w]);
        for (size_t i = 0; i < LEN; i++)
            value[i] = words[w][i % len];
        for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
            struct pop p;
            CHECK(!pop_from_header(&p, names[n], value, LEN), "%s of %s", names[n],
                  words[w]);
        }
    }
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_headers),    cmocka_unit_test(origin_shield_is_the_parent),
        cmocka_unit_test(what_says_more),  cmocka_unit_test(from_routers),
        cmocka_unit_test(from_front_ends), cmocka_unit_test(from_cnames),
        cmocka_unit_test(cut_values),      cmocka_unit_test(hostile_values),
        cmocka_unit_test(long_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
