#include "edge/site.h"

#include "core/result.h"
#include "metros.h"

/* From London: the distances of the two metros, by the haversine formula. */
static const struct {
    const char *location, *pop, *basis, *city;
    double km, excess_km;
} standings[] = {
    {"51.51 -0.13", "LON", "X-MSEdge-Ref", "London", 0, 0},
    {"51.51 -0.13", "LHR", "cname", "London", 0, 0},
    {"51.51 -0.13", "AMS", "X-MSEdge-Ref", "Amsterdam", 357, 357},
    {"LON", "SG1", "X-Azure-Ref", "Singapore", 10848, 10848},
    {"50.94, 6.96", "FRA", "X-FirstHopCafeEFZ", "Frankfurt", 152, 118},
    {"DUB", "DB3", "X-FEServer", "Dublin", 0, 0},
    {"LON", "XQZ", "X-MSEdge-Ref", NULL, NAN, NAN},
    {"LON", "", NULL, NULL, NAN, NAN},
    {"LON", "7", "cname", NULL, NAN, NAN},
    {"LON", "ABCDEFGHIJKLMN1", "cname", NULL, NAN, NAN},
    {"", "LON", "X-MSEdge-Ref", "London", NAN, NAN},
};

static void check_km(double expected, double actual, const char *what)
{
    if (isnan(expected))
        CHECK(isnan(actual), "%s: unknown, got %g", what, actual);
    else
        CHECK_NEAR(expected, actual, 2, what);
}

static void test_standing(void **state)
{
    (void)state;
    static const struct peering none;
    for (size_t i = 0; i < sizeof standings / sizeof *standings; i++) {
        struct site site;
        const char *what = standings[i].pop;
        CHECK_INT(
            0, site_read(&site, &metros, standings[i].location, &none, no_problem, NULL),
            what);
        struct standing s = site_standing(&site, what, standings[i].basis);
        CHECK_TEXT(standings[i].city != NULL ? standings[i].city : "",
                   s.metro != NULL ? s.metro->city : "", what);
        check_km(standings[i].km, s.km, what);
        check_km(standings[i].excess_km, s.excess_km, what);
        int64_t bound_ns = isnan(s.km) ? DELAY_UNDEFINED : distance_rtt_bound_ns(s.km);
        CHECK_INT(bound_ns, s.bound_ns, what);
        CHECK_INT(ROLE_NONE, s.role, "no connection");
    }
}

/* The same code in two families is two places. */
static void test_basis_tells_the_family(void **state)
{
    (void)state;
    static const char text[] = "# edgelat metros 1\n"
                               "code,family,city,country,latitude,longitude\n"
                               "SAN,front-door,San Antonio,USA,29.42,-98.49\n"
                               "SAN,exchange-efz,San Diego,USA,32.72,-117.16\n";
    static const struct peering none;
    struct said said = {0};
    struct catalogue c;
    struct datafile_source from = source_of(text, sizeof text - 1, &said);
    struct site site;
    CHECK_INT(0, catalogue_parse(&c, &from), text_string(&said.lines));
    site_read(&site, &c, "", &none, no_problem, NULL);
    CHECK_TEXT("San Antonio", site_standing(&site, "SAN", "X-Azure-Ref").metro->city,
               "Front Door's");
    CHECK_TEXT("San Diego", site_standing(&site, "SAN", "cname").metro->city,
               "Exchange's");
    catalogue_free(&c);
}

static const struct {
    const char *what;
    struct peering peering;
    const char *pop;
    enum role expected;
} roles[] = {
    {"none", {.primary = "AMS"}, "AMS", ROLE_NONE},
    {"at the primary", {"c", .primary = "AMS", .backup = "LON"}, "AMS", ROLE_PRIMARY},
    {"by metro, not by code",
     {"c", .primary = "AM", .backup = "LON"},
     "AMS",
     ROLE_PRIMARY},
    {"at the backup", {"c", .primary = "AMS", .backup = "LON"}, "LHR", ROLE_BACKUP},
    {"elsewhere", {"c", .primary = "AMS", .backup = "LON"}, "FRA", ROLE_NEITHER},
    {"a location and its metro",
     {"c", .primary = "Noord-Holland", .primary_metro = "AMS", .backup = "London",
      .backup_metro = "LTS"},
     "LON",
     ROLE_BACKUP},
    {"no backup", {"c", .primary = "AMS", .backup = "None"}, "LON", ROLE_NEITHER},
    {"none given", {"c", .primary = "AMS"}, "LON", ROLE_NEITHER},
    {"no primary given", {"c", .backup = "LON"}, "AMS", ROLE_UNKNOWN},
    {"but a backup", {"c", .backup = "LON"}, "LON", ROLE_BACKUP},
    {"nothing given", {"c"}, "LON", ROLE_UNKNOWN},
    {"both in one metro", {"c", .primary = "AMS", .backup = "AM"}, "AMS", ROLE_PRIMARY},
    {"a code that is not known", {"c", .primary = "AMS"}, "XQZ", ROLE_UNKNOWN},
    {"no PoP", {"c", .primary = "AMS"}, "", ROLE_UNKNOWN},
};

static void test_roles(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        struct site site;
        CHECK_INT(0, site_read(&site, &metros, "", &roles[i].peering, no_problem, NULL),
                  roles[i].what);
        struct standing s = site_standing(&site, roles[i].pop, "X-MSEdge-Ref");
        CHECK_TEXT(role_name(roles[i].expected), role_name(s.role), roles[i].what);
    }
}

static const struct {
    const char *location;
    struct peering peering;
    const char *said;
} wrong[] = {
    {"Londn",
     {{0}},
     "location = Londn in [agent]: Londn is not a code or a city in metros.csv; did you "
     "mean LON (London)?\n"},
    {"",
     {"c", .primary = "Amsterdm", .backup_metro = "XQZ"},
     "primary = Amsterdm in [peering_service] needs the key primary_metro, too: "
     "Amsterdm is not a code or a city in metros.csv; did you mean AMS (Amsterdam)?\n"
     "backup_metro = XQZ in [peering_service]: XQZ is not a code or a city in "
     "metros.csv\n"},
};

static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct said said = {0};
        struct site site;
        size_t problems = site_read(&site, &metros, wrong[i].location, &wrong[i].peering,
                                    ship_log_add, &said);
        CHECK_TEXT(wrong[i].said, text_string(&said.lines), "what is said");
        CHECK_INT(said.n, problems, "as many");
        CHECK(site.nearest.metro == NULL && site.primary == NULL && site.backup == NULL,
              "it stays unknown");
        CHECK_INT(i == 0 ? ROLE_NONE : ROLE_UNKNOWN,
                  site_standing(&site, "AMS", "cname").role, "so is the role");
        text_free(&said.lines);
    }
}

static void test_no_catalogue(void **state)
{
    (void)state;
    static const struct peering none;
    struct catalogue empty = {0};
    struct site site;
    CHECK_INT(0, site_read(&site, &empty, "51.51 -0.13", &none, no_problem, NULL),
              "degrees");
    CHECK(site.nearest.metro == NULL, "nothing is near");
    CHECK(isnan(site_standing(&site, "LON", "cname").km), "nothing is known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_standing),
        cmocka_unit_test(test_basis_tells_the_family),
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_no_catalogue),
    };
    return cmocka_run_group_tests(tests, metros_load, metros_unload);
}
