#include "report/rating.h"

#include "core/time.h"
#include "office.h"

static const struct limits no_limits;

/*
 * One letter for each minute: '6' six answers, 'D' six losses, 'L' three of each; then an
 * event of the window: 'd' down, 'g' degraded, 'f' flapping, 's' settled up, 'u' up; 'r'
 * the agent restarts, '|' a minute without a window.
 */
static void live(struct office *o, struct dataset *p, const char *letters)
{
    static const struct {
        char letter;
        const char *name, *before, *after;
    } changes[] = {
        {'d', "edgelat.state.changed", "up", "down"},
        {'g', "edgelat.state.changed", "up", "degraded"},
        {'u', "edgelat.state.changed", "down", "up"},
        {'f', "edgelat.state.flapping", "up", "down"},
        {'s', "edgelat.state.settled", "down", "up"},
    };
    for (; *letters != '\0'; letters++) {
        if (*letters == 'r')
            office_start(o);
        if (*letters == '|')
            o->minute++;
        if (*letters == 'r' || *letters == '|')
            continue;
        office_window(o,
                      *letters == '6'   ? 6
                      : *letters == 'L' ? 3
                                        : 0,
                      *letters == '6'   ? 0
                      : *letters == 'L' ? 3
                                        : 6,
                      10);
        for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
            if (letters[1] == changes[i].letter) {
                office_event(o, changes[i].name, changes[i].before, changes[i].after,
                             "told");
                letters++;
                break;
            }
        CHECK_INT(0, office_add(o, p), "added");
    }
}

/* Incidents as "3-5 " in minutes; '!' marks those with windows without any answer. */
static const struct {
    const char *what, *letters, *incidents;
} cases[] = {
    {"fine", "666", ""},
    {"degraded, and up again", "66g666u6", "2-5 "},
    {"down by the windows as well", "6DDd6u6", "1-4! "},
    {"one window without an answer is no incident", "6D6", ""},
    {"two windows are an incident", "6DD6", "1-3! "},
    {"degraded, then down: one incident", "66g66d66u6", "2-6 "},
    {"until the end", "66g66", "2-4 "},
    {"since before the period", "666u6", "0-3 "},
    {"flapping until settled", "66f666s6", "2-5 "},
    {"twice", "66g6u66g6u", "2-3 5-6 "},
    {"a restart ends an incident without an event", "66g6r666", "2-3 "},
    {"down before and after a restart", "66d6r66d6u", "2-3 5-6 "},
};

static void test_incidents(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct office o;
        struct rating r;
        char incidents[256] = "";
        office_open(&o);
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(100));
        live(&o, p, cases[i].letters);
        p->until_ns = office_at(o.minute);
        dataset_end(p);
        rating_make(&r, p, p->targets[0], &no_limits);
        for (size_t k = 0; k < r.n_incidents; k++)
            snprintf(incidents + strlen(incidents), sizeof incidents - strlen(incidents),
                     "%d-%d%s ",
                     (int)((r.incidents[k].start_ns - office_at(0)) / MINUTE_NS),
                     (int)((r.incidents[k].end_ns - office_at(0)) / MINUTE_NS),
                     r.incidents[k].down ? "!" : "");
        CHECK_TEXT(cases[i].incidents, incidents, cases[i].what);
        rating_free(&r);
        dataset_free(p);
        office_close(&o);
    }
}

static void test_figures(void **state)
{
    (void)state;
    static const struct kind icmp = {.name = "icmp", .delays = {"rtt"}};
    static const struct kind route = {.name = "route", .delays = {"rtt"}};
    static const struct kind later = {.name = "later", .delays = {"rtt"}};
    static const struct kind https = {
        .name = "https", .delays = {"total"}, .uses = USES_PORT}; /* by a proxy */
    static const struct {
        const char *what;
        const struct kind *kinds[3];
        enum family families[3];
        const char *kind;
        int64_t limit_ms;
        bool slow;
    } figures[] = {
        {"tcp before icmp", {&icmp, NULL}, {FAMILY_IPV4, FAMILY_IPV4}, "tcp", 60, false},
        {"what cannot be filtered",
         {&icmp, &route},
         {FAMILY_IPV4, FAMILY_IPV4},
         "route",
         5,
         true},
        {"a kind of another version",
         {&later, &icmp},
         {FAMILY_IPV4, FAMILY_IPV4},
         "icmp",
         5,
         true},
        {"icmp alone", {&icmp}, {FAMILY_IPV4}, "icmp", 5, true},
        {"no limit for a delay through a proxy",
         {&https},
         {FAMILY_IPV4},
         "https",
         5,
         false},
        {"no results", {0}, {FAMILY_NONE}, NULL, 5, false},
    };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        struct office o;
        struct rating r;
        office_open(&o);
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(100));
        struct kind tcp = o.kind;
        office_window(&o, 6, 2, 10);
        for (size_t k = 0; k < 3 && figures[i].families[k] != FAMILY_NONE; k++) {
            o.series.kind = figures[i].kinds[k] != NULL ? figures[i].kinds[k] : &tcp;
            o.series.family = figures[i].families[k];
            office_add(&o, p);
        }
        if (figures[i].kind == NULL) { /* the target without results */
            o.batch.n_series = 0;
            office_add(&o, p);
        }
        dataset_end(p);
        const struct limits limits = {.delay_ns = figures[i].limit_ms * NS_PER_MS};
        rating_make(&r, p, p->targets[0], &limits);
        CHECK_TEXT(figures[i].kind != NULL ? figures[i].kind : "none",
                   r.kind != NULL ? r.kind : "none", figures[i].what);
        CHECK_INT(figures[i].slow, r.slow, figures[i].what);
        if (r.kind != NULL) {
            CHECK_NEAR(10e6, (double)r.p50_ns, 1e5, figures[i].what);
            CHECK_TEXT("AMS", r.pops[0].pop, figures[i].what);
        }
        rating_free(&r);
        dataset_free(p);
        office_close(&o);
    }
}

/* The site is down only while every target that still exists is down. */
static void test_all_down(void **state)
{
    (void)state;
    static const struct {
        const char *what, *first, *other;
        size_t n;
    } pairs[] = {
        {"both", "66DD66", "66DD66", 1},
        {"one of them", "66DD66", "666666", 0},
        {"not at once", "6DD666", "666DD6", 0},
        {"one was removed long before", "66DD66", "6", 0},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct office o, other;
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(100));
        office_open(&o);
        office_open(&other);
        other.target.name = "other";
        for (const char *a = pairs[i].first, *b = pairs[i].other; *a != '\0'; a++) {
            live(&o, p, (char[]){*a, '\0'});
            if (*b != '\0')
                live(&other, p, (char[]){*b++, '\0'});
        }
        dataset_end(p);
        struct intervals all = p->outages.line;
        CHECK_INT(pairs[i].n, all.n, pairs[i].what);
        if (all.n > 0)
            CHECK_INT(2 * MINUTE_NS, intervals_sum(&all), pairs[i].what);
        dataset_free(p);
        office_close(&o);
        office_close(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incidents),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_all_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
