#include "edge/catalogue.h"

#include "shipped.h"

static void load(struct catalogue *c)
{
    SHIPPED_PARSE(catalogue_parse, c, "metros.csv");
}

static const struct metro *find(const struct catalogue *c, const char *code)
{
    const struct metro *m = catalogue_find(c, code, POP_UNKNOWN);
    CHECK(m != NULL, "%s is in the catalogue", code);
    return m;
}

/* All codes documented or seen. */
static const char codes[] =
    "AKL AMS ASH ATA ATH BCN BER BKK BL BN BNA BNE BOG BOM BOS BRU BUD BUE BUH CAI CH "
    "CHG CHI CLT CO CPH CPQ CPT CVG CYS DB DEL DEN DFW DM DOH DTT DUB DUS DXB EWR FRA "
    "GRU GVA GVX HEL HK HKB HKG HNL HOU HYD IST JAX JKT JNB KUL LAD LAS LAX LIS LON LOS "
    "LTS MAA MAD MAN MEL MEM MEX MIA MIL MNL MNZ MRS MSP MUC NBO NYC OSA OSL PAO PAR PDX "
    "PER PHL PHX PNQ PRA PRG PUS RBA RIO ROM SAO SAN SCL SEL SG SGE SGN SIN SJC SLA SLC "
    "SN SOF STB STO SVG SYD TEB TLV TPE TYA TYB TYO VIE WAW WST YMQ YQB YTO YVR ZAG ZRH "
    "AM ATL BY DAL DNA IEV MOW PR CDG LHR MDW LYH EAT HHN CLE DSM FLL HAM MWH";

/* Exchange's, as far as public text of 2018 to 2026 shows them. */
static const char *const zones[] = {
    "AMS", "CDG", "DOH", "DUB", "DXB", "EAT", "FRA", "HHN", "HKG", "KUL", "LHR",
    "LYH", "MAA", "MDW", "MNZ", "PHX", "SCL", "SIN", "SJC", "SYD", "VIE",
};

static void test_shipped(void **state)
{
    (void)state;
    struct catalogue c;
    char list[sizeof codes], *at = list;
    size_t n = 0, families[POP_BACKBONE + 1] = {0};
    load(&c);
    memcpy(list, codes, sizeof codes);
    for (char *code; (code = strsep(&at, " ")) != NULL; n++) {
        const struct metro *m = find(&c, code);
        CHECK_TEXT(code, m->code, "its code");
        CHECK(*m->city != '\0' && *metro_country(m) != '\0', "%s has a city", code);
        families[m->family]++;
    }
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        const struct metro *m = catalogue_find(&c, zones[i], POP_EXCHANGE);
        CHECK(m != NULL && m->family == POP_EXCHANGE, "zone %s", zones[i]);
    }
    CHECK_INT(145, n, "codes asked for");
    CHECK_INT(160, c.n, "codes of the file, of which 15 stand in two families");
    CHECK_INT(134, families[POP_FRONT_DOOR], "of Front Door");
    CHECK_INT(6, families[POP_EXCHANGE], "of Exchange alone");
    CHECK_INT(5, families[POP_BACKBONE], "of the backbone");
    CHECK_TEXT("2026-11-29", c.version, "version");
    CHECK_TEXT("San Antonio, Texas", find(&c, "SAN")->city, "not San Diego");
    CHECK(catalogue_find(&c, "XQZ", POP_FRONT_DOOR) == NULL, "unknown");
    CHECK(catalogue_find(&c, "", POP_FRONT_DOOR) == NULL, "nothing");
    CHECK(catalogue_find(&c, "lon", POP_FRONT_DOOR) == NULL, "upper case only");
    catalogue_free(&c);
}

/* Each line is one metro. */
static const char *const metros[] = {
    "LON LTS LHR", "CH CHG CHI MDW",
    "TYA TYB TYO", "SG SGE SIN",
    "HK HKB HKG",  "SEL SLA",
    "STB WST",     "GRU SAO",
    "ASH BL MNZ",  "DB DUB",
    "SN SAN",      "PAR PRA CDG",
    "AMS AM",      "ATA ATL",
    "SJC PAO BY",  "EWR NYC TEB",
    "DM DSM",      "MIA FLL",
    "DFW DAL",     "DEN DNA",
    "CO EAT MWH",  "FRA",
    "HAM",         "PHX",
};

static void test_metros(void **state)
{
    (void)state;
    enum { METROS = sizeof metros / sizeof *metros };
    struct catalogue c;
    const struct metro *firsts[METROS];
    load(&c);
    for (size_t i = 0; i < METROS; i++) {
        char list[64], *at = list;
        size_t asked = 0, in = 0;
        strcpy(list, metros[i]);
        for (char *code; (code = strsep(&at, " ")) != NULL; asked++) {
            if (asked == 0)
                firsts[i] = find(&c, code);
            CHECK(catalogue_same_metro(firsts[i], find(&c, code)), "%s is of %s", code,
                  metros[i]);
        }
        for (size_t m = 0; m < c.n; m++) /* each code once */
            in += catalogue_same_metro(firsts[i], &c.metros[m]) &&
                  catalogue_find(&c, c.metros[m].code, POP_UNKNOWN) == &c.metros[m];
        CHECK_INT(asked, in, metros[i]);
        for (size_t j = 0; j < i; j++)
            CHECK(!catalogue_same_metro(firsts[i], firsts[j]), "%s is not %s", metros[i],
                  metros[j]);
    }
    catalogue_free(&c);
}

/* No metro is so wide that its name would mislead. */
static void test_no_metro_is_wide(void **state)
{
    (void)state;
    struct catalogue c;
    load(&c);
    for (size_t i = 0; i < c.n; i++)
        for (size_t j = 0; j < i; j++) {
            double km = distance_km(c.metros[i].at, c.metros[j].at);
            bool same = catalogue_same_metro(&c.metros[i], &c.metros[j]);
            CHECK(!same || km < 100, "%s and %s are %.0f km apart", c.metros[i].code,
                  c.metros[j].code, km);
            CHECK(same || km > METRO_RADIUS_KM, "%s and %s are only %.0f km apart",
                  c.metros[i].code, c.metros[j].code, km);
        }
    catalogue_free(&c);
}

static void test_nearest(void **state)
{
    (void)state;
    struct catalogue c;
    struct near_metro out[256];
    load(&c);
    size_t n = catalogue_nearest(&c, (struct position){50.94, 6.96}, out, 3);
    CHECK_INT(3, n, "three");
    CHECK_TEXT("DUS", out[0].metro->code, "of Cologne, Duesseldorf");
    CHECK_NEAR(34.6, out[0].km, 1, "its distance");
    CHECK_TEXT("HHN", out[1].metro->code, "then Hahn");
    CHECK_TEXT("FRA", out[2].metro->code, "then Frankfurt");
    CHECK_INT(0, catalogue_nearest(&c, (struct position){0, 0}, out, 0), "none wanted");

    n = catalogue_nearest(&c, (struct position){37.4, -122}, out, 256);
    CHECK_TEXT("BY", out[0].metro->code, "of the nearest metro its nearest code");
    for (size_t i = 0; i < n; i++) {
        CHECK(i == 0 || out[i - 1].km <= out[i].km, "nearest first");
        for (size_t j = 0; j < i; j++)
            CHECK(!catalogue_same_metro(out[i].metro, out[j].metro), "each metro once");
    }
    for (size_t i = 0; i < c.n; i++) { /* each metro, and its nearest code */
        size_t at = 0;
        while (at < n && !catalogue_same_metro(out[at].metro, &c.metros[i]))
            at++;
        CHECK(at < n, "%s is there", c.metros[i].code);
        CHECK(out[at].km <= distance_km((struct position){37.4, -122}, c.metros[i].at),
              "%s is not nearer", c.metros[i].code);
    }
    struct near_metro few[5];
    CHECK_INT(5, catalogue_nearest(&c, (struct position){37.4, -122}, few, 5), "five");
    for (size_t i = 0; i < 5; i++)
        CHECK(few[i].metro == out[i].metro, "the same five");
    catalogue_free(&c);
}

static void test_family_is_a_hint(void **state)
{
    (void)state;
    static const char text[] = "# edgelat metros 1\r\n"
                               "code,family,city,country,latitude,longitude\r\n"
                               "SAN,front-door,San Antonio,USA,29.42,-98.49\r\n"
                               "SAN,backbone-rdns,San Diego,USA,32.72,-117.16\r\n";
    struct said said = {0};
    struct catalogue c;
    struct datafile_source from = source_of(text, sizeof text - 1, &said);
    CHECK_INT(0, catalogue_parse(&c, &from), text_string(&said.lines));
    CHECK_TEXT("San Antonio", catalogue_find(&c, "SAN", POP_FRONT_DOOR)->city, "one");
    CHECK_TEXT("San Diego", catalogue_find(&c, "SAN", POP_BACKBONE)->city, "the other");
    CHECK(catalogue_find(&c, "SAN", POP_EXCHANGE) != NULL, "better than nothing");
    catalogue_free(&c);
}

#define HEAD "# edgelat metros 1\ncode,family,city,country,latitude,longitude\n"

static const struct {
    const char *what, *text, *said;
    size_t rows;
} wrong[] = {
    {"empty", "",
     "f.csv:1: not a data file of this kind: the first line must be '# edgelat metros ' "
     "followed by the version\n",
     0},
    {"another kind", "# edgelat prefixes 1\nprefix,service,basis\n",
     "f.csv:1: not a data file of this kind: the first line must be '# edgelat metros ' "
     "followed by the version\n",
     0},
    {"no version", "# edgelat metros \n", "f.csv:1: the version is missing\n", 0},
    {"no columns", "# edgelat metros 1\nLON,front-door,London,UK,51,0\n",
     "f.csv:2: the columns must be named before the first row: "
     "code,family,city,country,latitude,longitude\n",
     0},
    {"family", HEAD "LON,frontdoor,London,UK,51,0\n",
     "f.csv:3: family frontdoor: must be one of front-door, exchange-efz, backbone-rdns, exchange-site; "
     "did you mean front-door\n",
     0},
    {"code", HEAD "lon,front-door,London,UK,51,0\n",
     "f.csv:3: code lon: must be two or three upper-case letters\n", 0},
    {"city", HEAD "LON,front-door,,UK,51,0\n", "f.csv:3: the city is missing\n", 0},
    {"latitude", HEAD "LON,front-door,London,UK,91,0\n",
     "f.csv:3: latitude 91: must be a number of degrees from -90 to 90\n", 0},
    {"longitude", HEAD "LON,front-door,London,UK,51,E0\n",
     "f.csv:3: longitude E0: must be a number of degrees from -180 to 180\n", 0},
    {"comma", HEAD "\nASH,front-door,Ashburn, Virginia,US,39.04,-77.49\n",
     "f.csv:4: 7 columns, not 6; a comma within a field needs quotes: \"Ashburn, "
     "Virginia\"\n",
     0},
    {"open quote", HEAD "ASH,front-door,\"Ashburn,US,39.04,-77.49\n",
     "f.csv:3: a quote is not closed\n", 0},
    {"twice", HEAD "LON,front-door,London,UK,51,0\nLON,front-door,London,UK,51,0\n",
     "f.csv:4: code LON of front-door: duplicate\n", 1},
    {"not UTF-8", HEAD "LON,front-door,L\xffndon,UK,51,0\n",
     "f.csv:3: not UTF-8; save the file in that encoding\n", 0},
    {"one of two", HEAD "LON,front-door,London,UK,51\nPAR,front-door,Paris,FR,48.9,2.4",
     "f.csv:3: 5 columns, not 6; a comma within a field needs quotes: \"Ashburn, "
     "Virginia\"\n",
     1},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct said said = {0};
        struct catalogue c;
        struct datafile_source from =
            source_of(wrong[i].text, strlen(wrong[i].text), &said);
        CHECK_INT(1, catalogue_parse(&c, &from), wrong[i].what);
        CHECK_TEXT(wrong[i].said, text_string(&said.lines), wrong[i].what);
        CHECK_INT(wrong[i].rows, c.n, wrong[i].what);
        text_free(&said.lines);
        catalogue_free(&c);
    }
}

static void test_quotes(void **state)
{
    (void)state;
    static const char text[] =
        "\xEF\xBB\xBF" HEAD "ASH, front-door ,\"Ash \"\"burn\"\", VA\",US,39,-77\n";
    struct said said = {0};
    struct catalogue c;
    struct datafile_source from = source_of(text, sizeof text - 1, &said);
    CHECK_INT(0, catalogue_parse(&c, &from), text_string(&said.lines));
    CHECK_TEXT("Ash \"burn\", VA", c.metros[0].city, "RFC 4180");
    catalogue_free(&c);
}

/* The number of reported problems of a file is limited. */
static void test_many_problems(void **state)
{
    (void)state;
    struct said said = {0};
    struct text text = {0};
    struct catalogue c;
    text_add(&text, HEAD);
    for (size_t i = 0; i < 1000; i++)
        text_add(&text, "?\n");
    struct datafile_source from = source_of(text.bytes, text.len, &said);
    CHECK_INT(1000, catalogue_parse(&c, &from), "all are counted");
    CHECK_INT(DATAFILE_PROBLEMS_MAX, said.n, "some are said");
    text_free(&said.lines);
    text_free(&text);
    catalogue_free(&c);
}

/* Sites and airports: found by code and city, part of the metro near them, but no metros
 * of their own. */
static void test_others(void **state)
{
    (void)state;
    static const char metros_text[] =
        "# edgelat metros 1\ncode,family,city,country,latitude,longitude\n"
        "PAR,front-door,Paris,France,48.86,2.35\nPR,front-door,San Juan,PR,18.47,-66.11\n"
        "STO,front-door,Bromma,Sweden,59.34,17.94\n"
        "PA,exchange-site,Paris,France,48.86,2.35\nPR,exchange-site,Here,X,1,1\n";
    static const char airports_text[] =
        "# edgelat airports 2\ncode,city,country,latitude,longitude\n"
        "ARN,Stockholm,Sweden,59.65,17.92\nLYS,Lyon,France,45.73,5.09\n"
        "PAR,Elsewhere,X,0,0\n"
        "LYS,Lyon,France,45.73,5.09\nlys,Lyon,France,45,5\nXXX,,France,45,5\n";
    struct said said = {.n = 0};
    struct catalogue c;
    struct near_metro near[4];
    struct datafile_source from = source_of(metros_text, sizeof metros_text - 1, &said);
    CHECK_INT(0, catalogue_parse(&c, &from), text_string(&said.lines));
    from = source_of(airports_text, sizeof airports_text - 1, &said);
    CHECK_INT(3, catalogue_parse_airports(&c, &from), "twice, lower case, no city");
    CHECK_TEXT("2", c.airports_version, "version");
    CHECK_INT(3, c.n_airports, "airports");
    CHECK_INT(3, c.n, "metros");
    CHECK_INT(3, catalogue_nearest(&c, (struct position){45.7, 5}, near, 4), "no others");
    CHECK_TEXT("PAR", near[0].metro->code, "not Lyon");

    const struct metro *par = catalogue_find(&c, "PAR", POP_BACKBONE);
    CHECK_TEXT("Paris", par->city, "a metro is before an airport");
    CHECK_TEXT("Here", catalogue_find(&c, "PR", POP_EXCHANGE_SITE)->city, "its family");
    CHECK_TEXT("San Juan", catalogue_find(&c, "PR", POP_BACKBONE)->city, "metros first");
    CHECK_TEXT("Paris", catalogue_of_pop(&c, "PA7", POP_EXCHANGE_SITE)->city, "a site");
    CHECK(catalogue_same_metro(par, catalogue_find(&c, "PA", POP_EXCHANGE_SITE)),
          "Paris is Paris");
    const struct metro *lyon = catalogue_find(&c, "LYS", POP_EXCHANGE);
    CHECK_TEXT("Lyon", lyon->city, "an airport");
    for (size_t i = 0; i < c.n; i++)
        CHECK(!catalogue_same_metro(lyon, &c.metros[i]), "%s is not Lyon",
              c.metros[i].code);
    CHECK_TEXT("PAR", catalogue_of_city(&c, "paris")->code, "a city");
    CHECK_TEXT("STO", catalogue_of_city(&c, "Stockholm")->code, "the metro's code");
    CHECK_TEXT("LYS", catalogue_of_city(&c, "LYON, france")->code, "with its country");
    CHECK(catalogue_of_city(&c, "Pari") == NULL, "half a city");
    CHECK_TEXT("LYS", catalogue_of_city(&c, "Lyón, FRANCE")->code, "a mark of its own");
    CHECK_TEXT("LYS", catalogue_of_city(&c, "Lyo\xcc\x81n")->code, "a combining mark");
    CHECK(catalogue_of_city(&c, "Lyon\xff") == NULL, "not UTF-8");
    CHECK(catalogue_of_city(&c, "") == NULL, "empty");
    text_free(&said.lines);
    catalogue_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_metros),
        cmocka_unit_test(test_no_metro_is_wide),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_family_is_a_hint),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_many_problems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
