#include "core/damping.h"
#include "edge/serving.h"

#include "metros.h"

#define MINUTE_NS (60 * NS_PER_S)
#define START_NS  (INT64_C(1795424400) * NS_PER_S)
#define CHAIN     "outlook.example -> lhr-efz.example"

struct rig { /* a site, one target and its events */
    struct site site;
    struct target target;
    struct target_state state;
    struct serving serving;
    struct events events; /* of the last window */
    struct text said;
    struct wall now;
};

static void begin(struct rig *r, const char *location, const struct peering *peering)
{
    static const struct peering none;
    *r = (struct rig){.now = {START_NS}};
    r->target = (struct target){
        .name = "exchange",
        .limits = {.distance_km = 800, .distance_source = "a page"},
    };
    r->state.target = &r->target;
    CHECK_INT(0,
              site_read(&r->site, &metros, location, peering != NULL ? peering : &none,
                        no_problem, NULL),
              location);
}

static void end(struct rig *r)
{
    serving_free(&r->serving);
    events_free(&r->events);
    text_free(&r->said);
}

static void be_at(struct rig *r, const char *pop, const char *basis, const char *address)
{
    static const struct dns_answer dns = {CHAIN, "192.0.2.53"};
    struct target_address_state *place = &r->state.addresses[0];
    text_copy(place->pop, sizeof place->pop, pop);
    place->basis = basis;
    place->answers = true;
    CHECK(endpoint_parse(&place->to, address, 443), "%s", address);
    place->dns = &dns;
}

/* A window closes; its events in short: "10 pop LON>AMS WARN". */
static void look(struct rig *r)
{
    r->events.n = 0;
    serving_update(&r->serving, &r->site, &r->state, 1, r->now, &r->events);
    for (size_t i = 0; i < r->events.n; i++) {
        const struct event *e = &r->events.list[i];
        CHECK(e->target == &r->target && e->kind == NULL, "whose it is");
        CHECK_INT(r->now.ns, e->time.ns, "when");
        CHECK(strncmp(e->name, "edgelat.", 8) == 0, "%s", e->name);
        CHECK_INT(strcmp(e->name, "edgelat.pop.changed") == 0, e->calls_survey, e->name);
        text_add(&r->said, "%s%lld %s %s>%s %s", r->said.len > 0 ? "; " : "",
                 (long long)((r->now.ns - START_NS) / MINUTE_NS),
                 strrchr(e->name, '.') + 1, e->before, e->after,
                 severity_name(e->severity));
    }
    r->now.ns += MINUTE_NS;
}

/* One code a window; '-': unknown; in parentheses: no answer; "LON*90": for 90 windows. */
static void walk(struct rig *r, const char *script)
{
    char words[512], *at = words;
    CHECK(text_copy(words, sizeof words, script), "it fits");
    for (char *word; (word = strsep(&at, " ")) != NULL;) {
        char *star = strchr(word, '*');
        if (star != NULL)
            *star = '\0';
        bool silent = *word == '(';
        word += silent;
        word[strcspn(word, ")")] = '\0';
        be_at(r, *word == '-' ? "" : word, *word == '-' ? NULL : "X-MSEdge-Ref",
              "192.0.2.1");
        r->state.addresses[0].answers = !silent;
        for (int i = star != NULL ? atoi(star + 1) : 1; i > 0; i--)
            look(r);
    }
}

static const struct peering connection = {"branch-17", "example-net",
                                          .primary = "Amsterdam", .primary_metro = "AMS",
                                          .backup = "LON"};
static const struct peering without_backup = {"branch-17", .primary = "AMS",
                                              .backup = "None"};

/* From London 357 km to Amsterdam, 5,570 km to New York, 10,848 km to Singapore. */
static const struct {
    const char *what, *location;
    const struct peering *peering;
    const char *windows, *expected;
} cases[] = {
    {"learned", "LON", NULL, "- LON LON - LON", ""},
    {"farther", "LON", NULL, "LON AMS AMS", "1 changed LON>AMS WARN"},
    {"nearer", "LON", NULL, "AMS LON", "1 changed AMS>LON INFO"},
    {"the site is unknown", "", NULL, "LON SG1*5", "1 changed LON>SG1 INFO"},
    {"by metro, not by code", "LON", NULL, "LON LTS", "1 changed LON>LTS INFO"},
    {"a code that is not known", "LON", NULL, "LON XQZ AMS",
     "1 changed LON>XQZ INFO; 2 changed XQZ>AMS INFO"},
    {"over a gap", "LON", NULL, "LON - - AMS", "3 changed LON>AMS WARN"},
    {"far, without a front door to compare with", "LON", NULL, "LON NYC*5 LON*5",
     "1 changed LON>NYC WARN; 5 suboptimal >cannot tell INFO; 6 changed NYC>LON INFO; "
     "10 suboptimal cannot tell>unknown INFO"},
    {"far from the first window on", "LON", NULL, "NYC*20",
     "4 suboptimal >cannot tell INFO"},
    {"for one window only", "LON", NULL, "LON NYC LON",
     "1 changed LON>NYC WARN; 2 changed NYC>LON INFO"},
    {"far, then unknown", "LON", NULL, "NYC - NYC -*5 NYC", ""},
    {"far, and then the link is down", "LON", NULL, "LON NYC (NYC)*5 NYC LON",
     "1 changed LON>NYC WARN; 8 changed NYC>LON INFO"},
    {"a name that leads to where nobody answers", "", &connection, "AMS*3 (LON) LON*3",
     "3 changed AMS>LON INFO; 6 away primary>backup INFO"},
    {"to the backup and back", "", &connection, "AMS*3 LHR*3 AMS*3",
     "3 changed AMS>LHR INFO; 5 away primary>backup INFO; 6 changed LHR>AMS INFO; "
     "8 away backup>primary INFO"},
    {"elsewhere", "", &connection, "AMS*3 FRA*3 LON*3",
     "3 changed AMS>FRA INFO; 5 away primary>neither INFO; 6 changed FRA>LON INFO; "
     "8 away neither>backup INFO"},
    {"elsewhere for two windows", "", &connection, "AMS*3 FRA*2 AMS*5",
     "3 changed AMS>FRA INFO; 5 changed FRA>AMS INFO"},
    {"at the backup at first", "", &connection, "- LON*4", "3 away unknown>backup INFO"},
    {"elsewhere at first", "", &connection, "FRA*4", "2 away unknown>neither INFO"},
    {"within the primary", "", &connection, "AMS AM", "1 changed AMS>AM INFO"},
    {"it cannot be told", "", &connection, "XQZ*3 AMS*3 XQZ*3 AMS*3",
     "3 changed XQZ>AMS INFO; 6 changed AMS>XQZ INFO; 8 away primary>unknown INFO; "
     "9 changed XQZ>AMS INFO; 11 away unknown>primary INFO"},
    {"no backup", "", &without_backup, "AMS*3 LON*3",
     "3 changed AMS>LON INFO; 5 away primary>neither INFO"},
    {"alternating", "LON", &connection, "LON AMS LON AMS LON AMS LON AMS*60 AMS*5",
     "1 changed LON>AMS WARN; 2 changed AMS>LON INFO; 3 changed LON>AMS WARN; "
     "4 changed AMS>LON WARN; " /* from here on it is silent */
     "67 changed LON>AMS INFO"},
    {"alternating, to end where it should not be", "LON", &connection,
     "AMS LON AMS LON AMS*5 LON*64",
     "1 changed AMS>LON INFO; 2 changed LON>AMS WARN; 3 changed AMS>LON INFO; "
     "4 changed LON>AMS WARN; 69 changed AMS>LON INFO; 71 away unknown>backup INFO"},
    {"alternating, to end at another location than was told", "LON", &connection,
     "LON*3 AMS LON AMS LON AMS*64",
     "2 away unknown>backup INFO; 3 changed LON>AMS WARN; 4 changed AMS>LON INFO; "
     "5 changed LON>AMS WARN; 6 changed AMS>LON WARN; 67 changed LON>AMS INFO; "
     "69 away backup>primary INFO"},
    {"within a metro", "LON", NULL, "LON LTS LON LTS LON LTS",
     "1 changed LON>LTS INFO; 2 changed LTS>LON INFO; 3 changed LON>LTS INFO; "
     "4 changed LTS>LON INFO"},
    {"now and then", "LON", NULL, "LON*30 AMS*30 LON*30 AMS*30 LON*30 AMS*5",
     "30 changed LON>AMS WARN; 60 changed AMS>LON INFO; 90 changed LON>AMS WARN; "
     "120 changed AMS>LON INFO; 150 changed LON>AMS WARN"},
};

static void test_windows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        begin(&r, cases[i].location, cases[i].peering);
        walk(&r, cases[i].windows);
        CHECK_TEXT(cases[i].expected, text_string(&r.said), cases[i].what);
        end(&r);
    }
}

static void be_foreign(struct rig *r, bool foreign, int windows)
{
    static struct owner owner = {.why = "X-CDN-TraceID of Akamai"};
    owner.type = foreign ? OWNER_FOREIGN : OWNER_EDGE;
    r->state.addresses[0].owner = &owner;
    be_at(r, foreign ? "" : "LON", foreign ? NULL : "X-MSEdge-Ref", "192.0.2.1");
    while (windows-- > 0)
        look(r);
}

/* Reported once, and again after an hour without it; nothing else is reported. */
static void test_foreign(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, "LON", &connection);
    r.target.host = "www.bing.com";
    be_foreign(&r, true, 1);
    CHECK_INT(1, r.events.n, "at once");
    CHECK_TEXT("edgelat.target.foreign", r.events.list[0].name, "its name");
    CHECK(
        strstr(r.events.list[0].text,
               "www.bing.com is not on Microsoft's edge here (X-CDN-TraceID of Akamai)"),
        "%s", r.events.list[0].text);
    be_foreign(&r, true, 1500);
    CHECK_TEXT("0 foreign >foreign WARN", text_string(&r.said), "a day of it: once");
    for (int i = 0; i < 100; i++) {
        be_foreign(&r, false, 5);
        be_foreign(&r, true, 5);
    }
    CHECK_TEXT("0 foreign >foreign WARN; 1503 away unknown>backup INFO",
               text_string(&r.said), "one that does not rest is silent");
    be_foreign(&r, false, 61);
    be_foreign(&r, true, 1);
    CHECK(strstr(text_string(&r.said), "; 2562 foreign LON>foreign WARN") != NULL, "%s",
          text_string(&r.said));
    end(&r);

    begin(&r, "LON", NULL);
    r.target.discovered = true;
    r.target.server_name = "outlook.example";
    be_foreign(&r, true, 3);
    CHECK_TEXT("", text_string(&r.said), "of a name that was guessed it is no news");
    end(&r);
}

/* A PoP that keeps changing for a hundred days gives four events. */
static void test_never_at_rest(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, "LON", NULL);
    size_t n = 0;
    for (int i = 0; i < 100 * 1440; i++) {
        be_at(&r, i % 2 == 0 ? "LON" : "AMS", "X-MSEdge-Ref", "192.0.2.1");
        look(&r);
        n += r.events.n;
    }
    CHECK_INT(DAMPING_CHANGES, n, "events");
    end(&r);
}

static const struct {
    const char *what;
    struct {
        const char *pop, *basis, *address;
    } windows[4];
    const char *expected;
} learning[] = {
    {"the header says it better than the chain",
     {{"LHR", "cname", "192.0.2.1"}, {"DUB", "X-FirstHopCafeEFZ", "192.0.2.1"}},
     ""},
    {"another header",
     {{"DUB", "X-FirstHopCafeEFZ", "192.0.2.1"}, {"CDG", "X-FEEFZInfo", "192.0.2.1"}},
     ""},
    {"the same header at the same address, as anycast does",
     {{"LON", "X-MSEdge-Ref", "192.0.2.1"}, {"AMS", "X-MSEdge-Ref", "192.0.2.1"}},
     "1 changed LON>AMS WARN"},
    {"another address, by its chain",
     {{"LHR", "X-FirstHopCafeEFZ", "192.0.2.1"}, {"AMS", "cname", "192.0.2.2"}},
     "1 changed LHR>AMS WARN"},
    {"what was told of a chain and is not true is told as well",
     {{"DUB", "X-FirstHopCafeEFZ", "192.0.2.1"},
      {"AMS", "cname", "192.0.2.2"},
      {"DUB", "X-FirstHopCafeEFZ", "192.0.2.2"}},
     "1 changed DUB>AMS INFO; 2 changed AMS>DUB WARN"},
    {"another family of codes is no other metro",
     {{"LHR", "cname", "192.0.2.1"}, {"LON", "X-MSEdge-Ref", "192.0.2.2"}},
     ""},
    {"another address of one PoP",
     {{"LON", "X-MSEdge-Ref", "192.0.2.1"}, {"LON", "X-MSEdge-Ref", "192.0.2.2"}},
     ""},
};

static void test_learning(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof learning / sizeof *learning; i++) {
        struct rig r;
        begin(&r, "LON", NULL);
        for (size_t w = 0; w < 4 && learning[i].windows[w].pop != NULL; w++) {
            be_at(&r, learning[i].windows[w].pop, learning[i].windows[w].basis,
                  learning[i].windows[w].address);
            look(&r);
        }
        CHECK_TEXT(learning[i].expected, text_string(&r.said), learning[i].what);
        end(&r);
    }
}

/* All facts of the last event, by their names. */
static void check_facts(const struct event *e, const char *text, const char *expected)
{
    struct text facts = {0};
    for (size_t i = 0; i < e->n_facts; i++) {
        text_add(&facts, "%s=", e->facts[i].name);
        if (e->facts[i].is_text)
            text_add(&facts, "%s\n", e->facts[i].text);
        else
            text_add(&facts, "%.0f\n", e->facts[i].number);
    }
    CHECK_TEXT(text, e->text, e->name);
    CHECK_TEXT(expected, text_string(&facts), e->name);
    text_free(&facts);
}

#define ASKED                                                                            \
    "network.peer.address=192.0.2.1\n"                                                   \
    "edgelat.dns.chain=" CHAIN "\n"
#define SERVERS "edgelat.dns.servers=192.0.2.53\n"

static void test_evidence(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, "LON", &connection);
    walk(&r, "AMS NYC");
    CHECK_INT(1, r.events.n, "a change");
    check_facts(
        &r.events.list[0],
        "served by New York City, New York (NYC), before by Amsterdam (AMS)",
        "edgelat.metro.before=Amsterdam\nedgelat.metro.after=New York City, New York\n"
        "edgelat.distance=5570\n" ASKED SERVERS);
    walk(&r, "NYC");
    walk(&r, "NYC");
    CHECK_INT(1, r.events.n, "it is away");
    check_facts(&r.events.list[0],
                "its front door is in New York City, New York (NYC), at neither location "
                "of connection branch-17",
                "edgelat.peering.connection=branch-17\n"
                "edgelat.peering.provider=example-net\n"
                "edgelat.peering.primary=Amsterdam\nedgelat.peering.backup=London\n"
                "edgelat.metro=New York City, New York\nedgelat.distance=5570\n" ASKED);
    walk(&r, "NYC*2");
    check_facts(
        &r.events.list[0],
        "cannot tell whether another PoP answers sooner: there are no delays of another "
        "front door of this service to compare with; as a hint, New York City, New York "
        "(NYC) is 5570 km away, London (LHR) 0 km",
        "edgelat.metro=New York City, New York\nedgelat.distance=5570\n"
        "edgelat.metro.nearest=London\nedgelat.distance.nearest=0\n"
        "edgelat.distance.excess=5570\n" ASKED SERVERS);
    walk(&r, "LON*3");
    CHECK_TEXT("its front door is in London (LON), at the backup location of connection "
               "branch-17",
               r.events.list[0].text, "backup");
    walk(&r, "AMS LON");
    CHECK_TEXT(
        "alternates: 4 changes of its PoP within an hour, the last one from Amsterdam "
        "(AMS) to London (LON); further changes are not reported until it has "
        "been stable for an hour",
        r.events.list[0].text, "once too often");
    end(&r);

    begin(&r, "", &without_backup);
    walk(&r, "XQZ LON");
    CHECK_TEXT("served by London (LON), before by XQZ", r.events.list[0].text, "passes");
    end(&r);
}

static void test_what_is_not_judged(void **state)
{
    (void)state;
    struct rig r;
    begin(&r, "LON", &connection);
    r.target.limits.distance_km = 0;
    walk(&r, "LON*3 NYC*10");
    CHECK_TEXT("2 away unknown>backup INFO; 3 changed LON>NYC WARN; 5 away "
               "backup>neither INFO",
               text_string(&r.said), "no limit of distance");
    end(&r);

    begin(&r, "LON", &connection);
    r.target.discovered = true;
    walk(&r, "NYC*10 SG1");
    CHECK_TEXT("10 changed NYC>SG1 WARN", text_string(&r.said),
               "a front door that was looked for is where it is");
    end(&r);
}

/* Each family is followed on its own, and targets may be added. */
static void test_families_and_targets(void **state)
{
    (void)state;
    struct rig r;
    struct target_state states[2];
    begin(&r, "LON", NULL);
    be_at(&r, "LON", "X-MSEdge-Ref", "192.0.2.1");
    look(&r);
    states[0] = states[1] = r.state;
    states[0].addresses[1] = states[0].addresses[0];
    serving_update(&r.serving, &r.site, states, 2, r.now, &r.events);
    CHECK_INT(0, r.events.n, "learned");
    text_copy(states[0].addresses[1].pop, POP_TEXT_MAX, "AMS");
    text_copy(states[1].addresses[0].pop, POP_TEXT_MAX, "NYC");
    serving_update(&r.serving, &r.site, states, 2, r.now, &r.events);
    CHECK_INT(2, r.events.n, "one of each");
    CHECK_INT(FAMILY_IPV6, r.events.list[0].family, "of the first target");
    CHECK_TEXT("AMS", r.events.list[0].after, "its PoP");
    CHECK_INT(FAMILY_IPV4, r.events.list[1].family, "of the second one");
    CHECK_TEXT("NYC", r.events.list[1].after, "its PoP");
    end(&r);
}

/* A letter a window, the issuer: M and D are of the service, x and y are not. */
static void test_issuer(void **state)
{
    (void)state;
    static const struct {
        const char *windows, *expected;
    } issuers[] = {
        {"MMMM", ""},
        {"MMDD", "2 issuer_changed M>D INFO"},
        {"MDMDMDMD", "1 issuer_changed M>D INFO"}, /* not more than one an hour */
        {"xxxx", "0 issuer_changed >x WARN"},
        {"MMxx", "2 issuer_changed M>x WARN"},
        {"MDx", "1 issuer_changed M>D INFO; 2 issuer_changed D>x WARN"},
        {"-MM-x", "4 issuer_changed M>x WARN"},
        {"Mxyxy", "1 issuer_changed M>x WARN"},
    };
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) {
        struct rig r;
        begin(&r, "LON", NULL);
        be_at(&r, "LON", "X-MSEdge-Ref", "192.0.2.1");
        for (const char *c = issuers[i].windows; *c != '\0'; c++) {
            struct target_address_state *place = &r.state.addresses[0];
            char issuer[2] = {*c == '-' ? '\0' : *c};
            place->issuer = issuer;
            place->issuer_foreign = *c == 'x' || *c == 'y';
            look(&r);
        }
        CHECK_TEXT(issuers[i].expected, text_string(&r.said), issuers[i].windows);
        end(&r);
    }
    struct rig r; /* the same change again, after more than an hour */
    begin(&r, "LON", NULL);
    be_at(&r, "LON", "X-MSEdge-Ref", "192.0.2.1");
    for (int minute = 0; minute <= 70; minute++) {
        r.state.addresses[0].issuer = minute % 2 == 0 ? "M" : "x";
        r.state.addresses[0].issuer_foreign = minute % 2 != 0;
        look(&r);
    }
    CHECK_TEXT("1 issuer_changed M>x WARN; 62 issuer_changed x>M INFO",
               text_string(&r.said), "it alternates for 70 minutes");
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_never_at_rest),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_issuer),
        cmocka_unit_test(test_learning),
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_what_is_not_judged),
        cmocka_unit_test(test_families_and_targets),
    };
    return cmocka_run_group_tests(tests, metros_load, metros_unload);
}
