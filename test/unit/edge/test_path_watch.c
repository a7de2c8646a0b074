/* Scripted traces of one site, and what is made of them. */
#include "base/json.h"
#include "core/event_names.h"
#include "edge/path_delays.h"
#include "edge/path_show.h"
#include "edge/path_watch.h"

#include "metros.h"

#define START_NS  (INT64_C(1795424400) * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)
#define LONDON    "ae25-0.icr02.lon24.ntwk.msn.net"
#define LONDON_2  "ae7-0.icr01.lon24.ntwk.msn.net"
#define PARIS     "ae20-0.icr01.par21.ntwk.msn.net"

/* ---- samples ---- */

struct hop {
    const char *address; /* NULL: no answer */
    const char *name;
    enum segment segment;
    double ms;
    uint32_t as;
};

static struct path_sample sample(const struct hop *hops, size_t n, const char *metro)
{
    struct path_sample s = {.end = PATH_REACHED, .n = n, .first = n, .before = n};
    for (size_t i = 0; i < n; i++) {
        struct path_hop *to = &s.hops[i];
        *to = (struct path_hop){.name = hops[i].name,
                                .metro = "",
                                .segment = hops[i].segment,
                                .min_ns = DELAY_UNDEFINED,
                                .as = hops[i].as};
        if (hops[i].address != NULL) {
            CHECK(endpoint_parse(&to->address, hops[i].address, 0), "%s",
                  hops[i].address);
            to->min_ns = (int64_t)(hops[i].ms * 1e6);
        }
        if (s.first == n && to->segment == SEGMENT_MICROSOFT)
            s.first = i;
        else if (s.first == n && to->segment != SEGMENT_UNKNOWN)
            s.before = i;
    }
    s.entry = s.first == n ? ENTRY_NONE : ENTRY_HIDDEN;
    if (*metro != '\0') {
        s.entry = ENTRY_FOUND;
        s.hops[s.first].metro = metro;
    }
    return s;
}

#define L            SEGMENT_LOCAL
#define P            SEGMENT_PROVIDER
#define M            SEGMENT_MICROSOFT
#define U            SEGMENT_UNKNOWN
#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct path_sample through(const char *router, const char *metro, double ms)
{
    const struct hop hops[] = {{"192.168.1.1", "", L, 1, 0},
                               {"198.51.100.1", "a.provider.example", P, 4, 64500},
                               {"104.44.1.1", router, M, ms, 8075},
                               {"13.107.6.152", "", M, ms + 2, 8075}};
    return sample(hops, COUNT(hops), metro);
}

static void test_networks(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct hop hops[6];
        size_t n;
        const char *provider;
        bool whole;
        const char *as_list;
        uint8_t as_hops;
    } cases[] = {
        {"one provider",
         {{"192.168.1.1", "", L},
          {"198.51.100.1", "A.Isp.Example", P, 0, 64500},
          {"198.51.100.9", "b.isp.example", P, 0, 64500},
          {"104.44.1.1", LONDON, M}},
         4,
         "isp.example",
         true,
         "AS64500",
         1},
        {"a transit network",
         {{"192.168.1.1", "", L},
          {"198.51.100.1", "x.isp.co.uk", P, 0, 64500},
          {"203.0.113.1", "y.abc.de", P, 0, 64510},
          {"104.44.1.1", LONDON, M}},
         4,
         "isp.co.uk > abc.de",
         true,
         "AS64500 > AS64510",
         2},
        {"no names and no AS",
         {{"192.168.1.1", "", L},
          {"198.51.100.1", "", P},
          {"198.51.7.1", "", P},
          {"104.44.1.1", LONDON, M}},
         4,
         "198.51.0.0/16",
         true,
         "",
         0},
        {"a silent hop",
         {{"192.168.1.1", "", L},
          {"198.51.100.1", "a.isp.example", P, 0, 64500},
          {NULL, "", P},
          {"104.44.1.1", LONDON, M}},
         4,
         "isp.example",
         false,
         "",
         0},
        {"a name that DNS did not tell",
         {{"192.168.1.1", "", L},
          {"198.51.100.1", NULL, P, 0, 64500},
          {"104.44.1.1", LONDON, M}},
         3,
         "",
         false,
         "AS64500",
         1},
        {"a private address may hide another AS",
         {{"192.168.1.1", "", L},
          {"198.51.100.1", "a.isp.example", P, 0, 64500},
          {"10.0.0.1", "", P},
          {"104.44.1.1", LONDON, M}},
         4,
         "isp.example",
         true,
         "AS64500",
         0},
        {"nothing of Microsoft's",
         {{"192.168.1.1", "", L}, {"198.51.100.1", "", P}},
         2,
         "198.51.0.0/16",
         false,
         "",
         0},
    };
    enum as_hops_source by;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[PATH_WORD_MAX];
        struct path_sample s = sample(cases[i].hops, cases[i].n, "");
        CHECK_INT(cases[i].whole, path_provider(&s, text), cases[i].what);
        CHECK_TEXT(cases[i].provider, text, cases[i].what);
        CHECK_TEXT(cases[i].as_list, path_as_list(&s, text), cases[i].what);
        CHECK_INT(cases[i].as_hops, path_as_hops(&s, &by), cases[i].what);
        CHECK_INT(AS_HOPS_BY_TRACE, by, cases[i].what);
    }
    struct path_sample s = through(LONDON, "LON", 8);
    s.n_as = 4;
    memcpy(s.as_path, (uint32_t[]){64500, 64500, 64510, 8075}, 16);
    CHECK_INT(2, path_as_hops(&s, &by), "the BGP table, with prepending");
    CHECK_INT(AS_HOPS_BY_BGP, by, "and said so");
}

static void test_delays(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct hop hops[5];
        double local, provider, microsoft; /* ms; -1: cannot tell */
    } cases[] = {
        {"plain",
         {{"192.168.1.1", "", L, 1},
          {"198.51.100.1", "", P, 4},
          {"198.51.100.2", "", P, 5},
          {"104.44.1.1", LONDON, M, 8},
          {"13.107.6.152", "", M, 10}},
         1,
         7,
         2},
        {"a router in the middle answers slowly",
         {{"192.168.1.1", "", L, 1},
          {"198.51.100.1", "", P, 40},
          {"198.51.100.2", "", P, 5},
          {"104.44.1.1", LONDON, M, 8},
          {"13.107.6.152", "", M, 10}},
         1,
         7,
         2},
        {"the entry answers a little late",
         {{"192.168.1.1", "", L, 1},
          {"198.51.100.1", "", P, 4},
          {"198.51.100.2", "", P, 5},
          {"104.44.1.1", LONDON, M, 10.3},
          {"13.107.6.152", "", M, 10}},
         1,
         9,
         0},
        {"the entry answers slowly",
         {{"192.168.1.1", "", L, 1},
          {"198.51.100.1", "", P, 4},
          {"198.51.100.2", "", P, 5},
          {"104.44.1.1", LONDON, M, 30},
          {"13.107.6.152", "", M, 10}},
         1,
         -1,
         -1},
        {"the gateway answers slowly",
         {{"192.168.1.1", "", L, 20},
          {"198.51.100.1", "", P, 4},
          {"198.51.100.2", "", P, 5},
          {"104.44.1.1", LONDON, M, 8},
          {"13.107.6.152", "", M, 10}},
         -1,
         -1,
         2},
        {"the entry is hidden",
         {{"192.168.1.1", "", L, 1},
          {"198.51.100.1", "", P, 4},
          {NULL, "", U, 0},
          {"104.44.1.1", LONDON, M, 8},
          {"13.107.6.152", "", M, 10}},
         1,
         -1,
         -1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct path_delays d = {.n = 0};
        int64_t out[SEGMENTS];
        struct path_sample s = sample(cases[i].hops, 5, "");
        path_delays_add(&d, &s);
        path_delays_segments(&d, out);
        const double want[] = {cases[i].local, cases[i].provider, cases[i].microsoft};
        for (size_t k = 0; k < 3; k++) {
            int64_t ns = out[SEGMENT_LOCAL + k];
            CHECK_NEAR(want[k], ns == DELAY_UNDEFINED ? -1 : (double)ns / 1e6, 1e-6,
                       cases[i].what);
        }
    }
    struct path_delays d = {.n = 0};
    int64_t out[SEGMENTS];
    for (size_t i = 0; i < 20; i++) { /* one trace in six is undisturbed */
        struct path_sample s = through(LONDON, "LON", i % 6 == 5 ? 8 : 25);
        s.hops[3].min_ns = 10 * NS_PER_MS;
        path_delays_add(&d, &s);
    }
    path_delays_segments(&d, out);
    CHECK_NEAR(7, (double)out[SEGMENT_PROVIDER] / 1e6, 1e-6, "the minimum of the traces");
}

/* ---- events ---- */

struct rig {
    struct site site;
    struct target target;
    struct target_state serving;
    struct path_watch *watch;
    struct events events;
    struct wall now;
    struct text said; /* "entry LON>PAR WARN, failover primary>backup WARN" */
};

static void begin(struct rig *r)
{
    static const struct peering peering = {.connection = "hq",
                                           .provider = "A",
                                           .primary = "London",
                                           .backup = "Paris",
                                           .primary_metro = "LON",
                                           .backup_metro = "PAR"};
    *r = (struct rig){.now = {START_NS}, .target = {.name = "exchange"}};
    CHECK_INT(0, site_read(&r->site, &metros, "", &peering, no_problem, NULL), "a site");
    r->serving.target = &r->target;
    r->watch = path_watch_create(&r->site);
}

static void end(struct rig *r)
{
    path_watch_destroy(r->watch);
    events_free(&r->events);
    text_free(&r->said);
}

static void note(struct rig *r)
{
    for (size_t i = 0; i < r->events.n; i++) {
        const struct event *e = &r->events.list[i];
        const char *name = strrchr(e->name, '.') + 1;
        text_add(&r->said, "%s%s %s>%s %s", r->said.len > 0 ? ", " : "", name, e->before,
                 e->after, severity_name(e->severity));
        CHECK(e->text[0] != '\0', "%s says something", name);
    }
}

static void add(struct rig *r, const struct path_sample *s, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        r->now.ns += 10 * NS_PER_S;
        r->events.n = 0;
        path_watch_add(r->watch, &r->target, FAMILY_IPV4, s, r->now, &r->events);
        note(r);
    }
}

static const char *said(struct rig *r)
{
    static char text[1024];
    text_copy(text, sizeof text, text_string(&r->said));
    text_clear(&r->said);
    return text;
}

static double fact_of(const struct event *e, const char *name)
{
    for (size_t i = 0; i < e->n_facts; i++)
        if (strcmp(e->facts[i].name, name) == 0)
            return e->facts[i].number;
    return NAN;
}

static const char *text_fact(const struct event *e, const char *name)
{
    for (size_t i = 0; i < e->n_facts; i++)
        if (strcmp(e->facts[i].name, name) == 0)
            return e->facts[i].text;
    return "";
}

static void test_failover(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    struct path_sample london = through(LONDON, "LON", 8),
                       paris = through(PARIS, "PAR", 14);
    add(&r, &london, 20);
    CHECK_TEXT("", said(&r), "the primary location is no event");
    path_watch_result(r.watch, &r.target, FAMILY_IPV4, r.now, true);
    path_watch_result(r.watch, &r.target, FAMILY_IPV4,
                      (struct wall){r.now.ns + 5 * NS_PER_S}, false);
    path_watch_result(r.watch, &r.target, FAMILY_IPV4,
                      (struct wall){r.now.ns + 12 * NS_PER_S}, true);
    struct wall moved = {r.now.ns + 10 * NS_PER_S};
    add(&r, &paris, 3);
    CHECK_TEXT("", said(&r), "three traces may be alternation");
    add(&r, &paris, 1);
    for (int i = 0; i < 5 && r.said.len == 0; i++)
        add(&r, &paris, 1);
    CHECK_INT(2, r.events.n, "two events");
    const struct event *entry = &r.events.list[0], *over = &r.events.list[1];
    CHECK_TEXT("entry_changed LON>PAR WARN, failover primary>backup WARN", said(&r),
               "all");
    CHECK_INT(moved.ns, entry->since.ns, "since");
    CHECK_NEAR(0.010, fact_of(entry, ATTR_PATH_DELAY_BEFORE), 1e-9, "delay before");
    CHECK_NEAR(0.016, fact_of(entry, ATTR_PATH_DELAY_AFTER), 1e-9, "delay after");
    CHECK_NEAR(12, fact_of(over, ATTR_UNANSWERED), 1e-9, "seconds without an answer");
    CHECK_TEXT("entry", text_fact(over, ATTR_VERDICT_BASIS), "what it rests on");
    const struct path_failover *f = path_watch_failover(r.watch);
    CHECK(f != NULL && f->from == ROLE_PRIMARY && f->to == ROLE_BACKUP,
          "the last failover");
    CHECK_INT(12 * NS_PER_S, f->unanswered_ns, "its gap");
    CHECK_INT(moved.ns, f->since.ns, "its time");
    add(&r, &paris, 30);
    CHECK_TEXT("", said(&r), "it is reported once");
    add(&r, &london, 30);
    CHECK_TEXT("entry_changed PAR>LON INFO, failover backup>primary INFO", said(&r),
               "back");
    end(&r);
}

/*
 * The seconds without an answer of each failover. The target is probed each second, and does
 * not answer from one second to another; a trace ends every 10 s and shows London, Paris or
 * no entry.
 */
static const struct {
    const char *what;
    struct {
        int from, to;
    } silent[3];
    const char *traces;   /* one letter each: L, P, - */
    const char *expected; /* of each failover, in their order */
} moves[] = {
    {"an outage at the move", {{204, 208}}, "20L 9P", "5"},
    {"none", {{0, 0}}, "20L 9P", "0"},
    {"it counts for one of two moves", {{204, 208}}, "20L 8P 20L", "5 0"},
    {"each has its own", {{204, 208}, {282, 290}}, "20L 8P 20L", "5 9"},
    {"one before traces that still show the old entry", {{100, 130}}, "20L 9P", "0"},
    {"a longer one long before", {{150, 180}, {204, 207}}, "22L 9P", "0"},
    {"a longer one before, and one at the move", {{130, 160}, {204, 207}}, "20L 9P", "4"},
    {"one after the first trace with the new entry", {{216, 240}}, "20L 9P", "0"},
    {"one after it, longer than the one at the move",
     {{204, 207}, {216, 240}},
     "20L 9P",
     "4"},
    {"it begins during the last trace with the old entry", {{196, 199}}, "20L 9P", "4"},
    {"it lasts beyond the report, and ends before the next move",
     {{204, 275}},
     "20L 7P 20L",
     "57 0"},
    {"traces without an entry during the outage", {{204, 233}}, "20L 3- 9P", "30"},
    {"long without an entry: not next to it", {{204, 233}}, "20L 40- 9P", "0"},
};

static void test_gap_of_a_move(void **state)
{
    (void)state;
    struct path_sample london = through(LONDON, "LON", 8),
                       paris = through(PARIS, "PAR", 14), hidden = london;
    hidden.entry = ENTRY_HIDDEN;
    hidden.hops[hidden.first].metro = "";
    for (size_t i = 0; i < COUNT(moves); i++) {
        struct rig r;
        struct text got = {0};
        int second = 0;
        begin(&r);
        for (const char *at = moves[i].traces; *at != '\0';) {
            char *letter;
            for (long n = strtol(at, &letter, 10); n > 0; n--) {
                for (int end = second + 10; second < end; second++) {
                    bool silent = false;
                    for (size_t k = 0; k < COUNT(moves[i].silent); k++)
                        silent |= second >= moves[i].silent[k].from &&
                                  second < moves[i].silent[k].to;
                    path_watch_result(r.watch, &r.target, FAMILY_IPV4,
                                      (struct wall){START_NS + second * NS_PER_S},
                                      !silent);
                }
                r.now.ns = START_NS + second * NS_PER_S;
                r.events.n = 0;
                path_watch_add(r.watch, &r.target, FAMILY_IPV4,
                               *letter == 'L'   ? &london
                               : *letter == 'P' ? &paris
                                                : &hidden,
                               r.now, &r.events);
                for (size_t e = 0; e < r.events.n; e++)
                    if (strcmp(r.events.list[e].name, EVENT_EDGE_FAILOVER) == 0)
                        text_add(&got, "%s%.0f", got.len > 0 ? " " : "",
                                 fact_of(&r.events.list[e], ATTR_UNANSWERED));
            }
            at = letter + 1 + strspn(letter + 1, " ");
        }
        CHECK_TEXT(moves[i].expected, text_string(&got), moves[i].what);
        text_free(&got);
        end(&r);
    }
}

static void test_from_the_start(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    struct path_sample paris = through(PARIS, "PAR", 14);
    add(&r, &paris, 20);
    CHECK_TEXT("failover unknown>backup WARN", said(&r), "at the backup from the start");
    CHECK(path_watch_failover(r.watch) == NULL, "nothing failed over");
    end(&r);
}

/* Two routers and two entries side by side, in a fixed order that looks like chance. */
static void test_flutter(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    struct path_sample both[] = {through(LONDON, "LON", 8), through(PARIS, "PAR", 14),
                                 through(LONDON_2, "LON", 8)};
    uint32_t x = 12345;
    for (size_t i = 0; i < 500; i++) {
        x = x * 1664525 + 1013904223;
        add(&r, &both[(x >> 24) % 3], 1);
    }
    CHECK_TEXT("", said(&r), "no event");
    end(&r);
}

static void window(struct rig *r, const char *pop)
{
    struct target_address_state *a = &r->serving.addresses[SLOT_IPV4];
    text_copy(a->pop, sizeof a->pop, pop);
    a->basis = "X-MSEdge-Ref";
    a->answers = true;
    r->now.ns += MINUTE_NS;
    r->events.n = 0;
    path_watch_window(r->watch, &r->serving, 1, r->now, &r->events);
    note(r);
}

static void test_hidden(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    struct path_sample london = through(LONDON, "LON", 8), hidden = through("", "", 8);
    add(&r, &london, 20);
    add(&r, &hidden, 20);
    for (int i = 0; i < 10; i++)
        window(&r, "PAR");
    CHECK_TEXT("", said(&r), "another basis is no change");
    for (int i = 0; i < 10; i++)
        window(&r, "LON");
    CHECK_TEXT("failover backup>primary INFO", said(&r), "by the serving PoP");
    for (int i = 0; i < 2; i++)
        window(&r, "PAR");
    window(&r, "LON");
    CHECK_TEXT("", said(&r), "held for three windows");
    add(&r, &london, 20);
    CHECK_TEXT("", said(&r), "the entry shows again");
    const struct path_state *const *all, *s;
    CHECK_INT(1, path_watch_states(r.watch, &all), "one path");
    s = all[0];
    CHECK_TEXT("LON", s->entry, "its entry");
    CHECK_TEXT("primary", s->role, "its role");
    CHECK(s->role_by_entry, "by the entry");
    end(&r);
}

static void test_interrupted(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    struct path_sample good = through(LONDON, "LON", 8), cut = good, filtered = good;
    cut.n = 2;
    cut.first = cut.before = 2;
    cut.end = PATH_SILENT;
    cut.entry = ENTRY_NONE;
    filtered.n = 3;
    filtered.end = PATH_SILENT;
    add(&r, &good, 20);
    for (int i = 0; i < 20; i++) {
        path_watch_result(r.watch, &r.target, FAMILY_IPV4, r.now, true);
        add(&r, &filtered, 1);
    }
    CHECK_TEXT("", said(&r), "the target answers probes");
    r.now.ns += MINUTE_NS;
    add(&r, &cut, 20);
    CHECK_TEXT("interrupted reached>silent WARN", said(&r), "it ends early");
    add(&r, &good, 20);
    CHECK_TEXT("interrupted silent>reached INFO", said(&r), "and is back");
    end(&r);
}

static void test_provider(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    struct path_sample one = through(LONDON, "LON", 8), two = one;
    two.hops[1].name = "b.other.example";
    two.hops[1].as = 64510;
    add(&r, &one, 20);
    add(&r, &two, 20);
    CHECK_TEXT("provider_changed AS64500>AS64510 INFO", said(&r), "by AS");
    for (size_t i = 0; i < 4; i++)
        one.hops[i].as = two.hops[i].as = 0;
    end(&r);
    begin(&r);
    add(&r, &one, 20);
    add(&r, &two, 20);
    CHECK_TEXT("provider_changed provider.example>other.example INFO", said(&r),
               "by name");
    end(&r);
}

static void test_long(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    struct path_sample direct = through(LONDON, "LON", 8), transit = direct;
    direct.n_as = 2;
    memcpy(direct.as_path, (uint32_t[]){64500, 8075}, 8);
    transit.n_as = 3;
    memcpy(transit.as_path, (uint32_t[]){64500, 64510, 8075}, 12);
    add(&r, &direct, 20);
    CHECK_TEXT("", said(&r), "one AS hop");
    add(&r, &transit, 20);
    CHECK_TEXT("long direct>long WARN", said(&r), "two");
    add(&r, &direct, 20);
    CHECK_TEXT("long long>direct INFO", said(&r), "one again");
    end(&r);
    begin(&r);
    add(&r, &transit, 20);
    CHECK_TEXT("long >long WARN", said(&r), "from the start");
    end(&r);
    begin(&r); /* the BMP session ends: the AS of the hops are all that is left */
    add(&r, &transit, 20);
    said(&r);
    direct.n_as = 0;
    for (size_t i = 0; i < 20 && text_string(&r.said)[0] == '\0'; i++)
        add(&r, &direct, 1);
    struct text status = {0};
    path_show_text(r.watch, &status);
    CHECK(strstr(text_string(&status), "\t1 trace\t") != NULL, "%s",
          text_string(&status));
    text_free(&status);
    CHECK_INT(1, r.events.n, "another number by another source");
    CHECK_TEXT(
        "Microsoft's network is 1 AS hop away again, by the AS of each hop; until then "
        "by the BGP table of the router, which may count differently",
        r.events.list[0].text, "says so");
    end(&r);
}

static void test_routers(void **state)
{
    (void)state;
    struct path_routers r = {.n = 0};
    struct path_sample a = through(LONDON, "LON", 8), b = through(LONDON_2, "LON", 8);
    struct wall now = {START_NS};
    for (size_t i = 0; i < 100; i++)
        path_routers_add(&r, &a, now);
    CHECK_INT(1, r.n, "one location");
    CHECK_INT(1, r.locations[0].n_routers, "one router");
    CHECK_TEXT("icr02.lon24", r.locations[0].routers[0].name, "its name");
    /* The rule of three: 3 / n. */
    CHECK_NEAR(0.0295, path_location_bound(&r.locations[0]), 1e-4, "bound");
    a.hops[2].name = "ae99-0.icr02.lon24.ntwk.msn.net";
    path_routers_add(&r, &a, now);
    CHECK_INT(1, r.locations[0].n_routers, "another interface of it");
    path_routers_add(&r, &b, now);
    CHECK_INT(2, r.locations[0].n_routers, "both");
    now.ns += PATH_ROUTERS_NS;
    path_routers_add(&r, &b, now);
    CHECK_INT(2, r.locations[0].n_routers, "kept for a week");
    CHECK_INT(START_NS, r.locations[0].since.ns, "since when both are counted");
    now.ns++;
    path_routers_add(&r, &b, now);
    CHECK_INT(1, r.locations[0].n_routers, "forgotten after a week");
    CHECK_INT(1, path_location_traces(&r.locations[0]), "the count begins anew");
    CHECK_INT(now.ns, r.locations[0].since.ns, "as it does not tell of one router only");
}

/* What `edgelat status` shows: what is known, and what cannot be told. */
static void test_shown(void **state)
{
    (void)state;
    struct rig r;
    struct text text = {0}, json = {0};
    begin(&r);
    path_show_text(r.watch, &text);
    CHECK_TEXT("", text_string(&text), "nothing before the first trace");
    struct path_sample london = through(LONDON, "LON", 8),
                       paris = through(PARIS, "PAR", 14);
    add(&r, &london, 20);
    add(&r, &paris, 20);
    path_show_text(r.watch, &text);
    static const char *const expected[] = {
        "\texchange\tipv4\tParis (PAR)\tbackup\t4\t1 trace\t1.0\t13.0\t2.0\tAS64500\n",
        "London (LON): one router, icr02.lon24, in 20 traces since 2026-11-23 09:00 UTC; cannot tell "
        "whether there is another one: one with more than 13.9 % of the flows would have been seen",
        "UTC, from London (LON), primary, to Paris (PAR), backup (by the entry); no probe was "
        "lost next to it; delay 10.0 ms before, 16.0 ms after; 1 path\n",
    };
    for (size_t i = 0; i < COUNT(expected); i++)
        CHECK(strstr(text_string(&text), expected[i]) != NULL, "%s\nin\n%s", expected[i],
              text_string(&text));
    struct json j = json_to(&json);
    json_object(&j, NULL);
    path_show_json(r.watch, &j);
    json_object_end(&j);
    static const char *const keys[] = {
        "\"entry\":\"PAR\"",  "\"role\":\"backup\"",          "\"role_by\":\"entry\"",
        "\"as_hops\":1",      "\"as_hops_source\":\"trace\"", "\"from\":\"primary\"",
        "\"unanswered_s\":0", "\"router\":\"icr01.par21\"",
    };
    for (size_t i = 0; i < COUNT(keys); i++)
        CHECK(strstr(text_string(&json), keys[i]) != NULL, "%s in %s", keys[i],
              text_string(&json));
    text_free(&text);
    text_free(&json);
    end(&r);
}

/* A stopped agent: the file says what was; a change meanwhile is noticed. */
static void test_restart(void **state)
{
    (void)state;
    struct rig r;
    struct text file = {0};
    const struct target *only = &r.target;
    bool same;
    begin(&r);
    struct path_sample london = through(LONDON, "LON", 8),
                       paris = through(PARIS, "PAR", 14);
    add(&r, &london, 50);
    path_watch_write(r.watch, 7, &file);
    path_watch_destroy(r.watch);
    events_free(&r.events);
    r.watch = path_watch_create(&r.site);
    CHECK_INT(0,
              path_watch_read(r.watch, &only, 1, 7, text_string(&file), file.len, &same),
              text_string(&file));
    CHECK(same, "of this network");
    add(&r, &paris, 10);
    CHECK_TEXT("entry_changed LON>PAR INFO, failover primary>backup WARN", said(&r),
               "noticed after the restart");
    const struct path_location *at = &path_watch_routers(r.watch)->locations[0];
    CHECK_INT(1, at->n_routers, "routers are kept");
    CHECK_INT(START_NS + 10 * NS_PER_S, at->since.ns, "and since when they are counted");
    struct path_watch *other = path_watch_create(&r.site);
    CHECK_INT(0, path_watch_read(other, &only, 1, 8, text_string(&file), file.len, &same),
              "another network");
    CHECK(!same, "is not used");
    const char *cut = strstr(text_string(&file), "\nreach");
    CHECK(path_watch_read(other, &only, 1, 7, text_string(&file),
                          (size_t)(cut - text_string(&file)), &same) > 0,
          "cut off");
    path_watch_destroy(other);
    static const char earlier[] = "edgelat paths 1\nnetwork 0000000000000007\n"
                                  "router LON 3 1795424400 name icr02.lon24\nend 1\n";
    struct text shown = {0};
    path_watch_destroy(r.watch);
    r.watch = path_watch_create(&r.site);
    CHECK_INT(0,
              path_watch_read(r.watch, &only, 1, 7, earlier, sizeof earlier - 1, &same),
              "of a version that did not write since when");
    add(&r, &london, 1);
    path_show_text(r.watch, &shown);
    CHECK(strstr(text_string(&shown), "in 4 traces; cannot tell") != NULL, "%s",
          text_string(&shown));
    text_free(&shown);
    text_free(&file);
    end(&r);
}

/* The path over an uplink is one of its own: its entry is told, but not as that of the
 * Peering Service connection, and it survives a move of the system's routes and a restart. */
static void test_uplinks(void **state)
{
    (void)state;
    struct rig r;
    struct text file = {0}, shown = {0};
    struct uplink lte = {.name = "lte"};
    bool same;
    begin(&r);
    struct target direct = r.target, over = r.target;
    over.uplink = &lte;
    const struct target *both[] = {&direct, &over};
    struct path_sample london = through(LONDON, "LON", 8),
                       paris = through(PARIS, "PAR", 14);
    r.target.uplink = &lte;
    add(&r, &paris, 20);
    CHECK_TEXT("", said(&r), "no failover: another uplink has the connection");
    CHECK_INT(0, path_watch_routers(r.watch)->n, "its routers are not counted");
    path_watch_moved(r.watch);
    add(&r, &london, 10);
    CHECK_TEXT("entry_changed PAR>LON INFO", said(&r), "a move is none of the uplink");
    CHECK_TEXT("exchange over lte (ipv4)",
               event_subject((char[EVENT_SUBJECT_MAX]){0},
                             &(struct event){.target = &over, .family = FAMILY_IPV4}),
               "as it is logged");
    path_show_text(r.watch, &shown);
    CHECK(strstr(text_string(&shown), "exchange over lte") != NULL, "shown");
    text_free(&shown);

    path_watch_add(r.watch, &direct, FAMILY_IPV4, &paris, r.now, &r.events);
    path_watch_write(r.watch, 7, &file);
    CHECK(strstr(text_string(&file), "path exchange ipv4 lte\nentry") != NULL, "%s",
          text_string(&file));
    path_watch_destroy(r.watch);
    events_free(&r.events);
    r.watch = path_watch_create(&r.site);
    CHECK_INT(0,
              path_watch_read(r.watch, both, 2, 7, text_string(&file), file.len, &same),
              text_string(&file));
    r.events.n = 0;
    for (int i = 0; i < 10; i++)
        path_watch_add(r.watch, &over, FAMILY_IPV4, &paris,
                       (struct wall){r.now.ns += 10 * NS_PER_S}, &r.events);
    CHECK_INT(1, r.events.n, "noticed after the restart");
    CHECK(r.events.list[0].target == &over, "of the uplink");
    text_free(&file);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_networks),       cmocka_unit_test(test_delays),
        cmocka_unit_test(test_failover),       cmocka_unit_test(test_gap_of_a_move),
        cmocka_unit_test(test_from_the_start), cmocka_unit_test(test_flutter),
        cmocka_unit_test(test_hidden),         cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_provider),       cmocka_unit_test(test_long),
        cmocka_unit_test(test_routers),        cmocka_unit_test(test_restart),
        cmocka_unit_test(test_shown),          cmocka_unit_test(test_uplinks),
    };
    return cmocka_run_group_tests(tests, metros_load, metros_unload);
}
