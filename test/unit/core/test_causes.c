#include "check.h"
#include "core/causes.h"

#include "base/mem.h"
#include "core/event_names.h"

#include <string.h>

#define MS (NS_PER_MS)
#define S  (NS_PER_S)

static const int64_t noon_ns = INT64_C(1795424400) * NS_PER_S;

static struct target teams = {.name = "teams"}, mail = {.name = "mail"};

static struct endpoint address(const char *text)
{
    struct endpoint e;
    assert_true(endpoint_parse(&e, text, 0));
    return e;
}

/* teams is in 52.112.0.0/14, mail in 40.96.0.0/13; both have IPv6. */
static const struct target_state *sites(void)
{
    static struct target_state all[2];
    all[0] = (struct target_state){.target = &teams};
    all[1] = (struct target_state){.target = &mail};
    all[0].addresses[SLOT_IPV4].to = address("52.113.194.132");
    all[0].addresses[SLOT_IPV6].to = address("2620:1ec:6::1");
    all[1].addresses[SLOT_IPV4].to = address("40.99.201.1");
    all[1].addresses[SLOT_IPV6].to = address("2603:1026::1");
    return all;
}

/* Pointers to events stay valid, as there is room for all from the beginning. */
static struct event *add(struct events *to, const char *name, const struct target *target,
                         enum family family, int64_t began_ns, int64_t detected_ns)
{
    if (to->list == NULL)
        to->list = mem_zalloc((to->room = EVENTS_MAX) * sizeof *to->list);
    struct event *e =
        events_add(to, name, SEVERITY_WARN, (struct wall){noon_ns + detected_ns}, target);
    e->family = family;
    e->since.ns = noon_ns + began_ns;
    event_say(e, "it happened");
    return e;
}

static void find(struct causes *c, struct events *window)
{
    causes_find(c, window, sites(), 2);
}

/* Session, prefix, PoP and delay, detected in three windows: one incident, one cause. */
static void one_incident_has_one_cause(void **state)
{
    (void)state;
    static struct causes c;
    static struct events first, second, third;
    c.n = 0;
    add(&first, EVENT_BGP_LOST, NULL, FAMILY_NONE, 3123 * MS, 3123 * MS);
    struct event *gone =
        add(&first, EVENT_PREFIX_WITHDRAWAL, NULL, FAMILY_NONE, 3124 * MS, 3124 * MS);
    struct event *pop =
        add(&first, EVENT_POP_CHANGED, &teams, FAMILY_IPV4, 9 * S, 60 * S);
    find(&c, &first);
    struct event *down =
        add(&second, EVENT_STATE_CHANGED, &mail, FAMILY_IPV6, 2 * S, 180 * S);
    find(&c, &second);
    struct event *shift =
        add(&third, EVENT_DELAY_SHIFTED, NULL, FAMILY_NONE, 40 * S, 1200 * S);
    find(&c, &third);
    struct event *all[] = {gone, pop, down, shift};
    for (size_t i = 0; i < 4; i++) {
        CHECK_TEXT(EVENT_BGP_LOST, all[i]->cause.name, all[i]->name);
        CHECK_INT(noon_ns + 3123 * MS, all[i]->cause.since.ns, all[i]->name);
    }
    CHECK(first.list[0].cause.name == NULL, "nothing explains the session");
    CHECK_TEXT(
        "it happened; probably because of edgelat.bgp.session.lost at 09:00:03 UTC",
        pop->text, "in words");
}

static const char *cause_of(const struct event *cause, const struct event *effect)
{
    static struct causes c;
    static struct events a, b;
    c.n = a.n = b.n = 0;
    events_copy(&a, cause, 1);
    events_copy(&b, effect, 1);
    find(&c, &a);
    find(&c, &b);
    return b.list[0].cause.name;
}

/* What fails in front of the gateway explains what the probes and traces show, and not what
 * routers report of their sessions. */
static void last_metre(void **state)
{
    (void)state;
    static struct events e;
    struct event *gateway = add(&e, EVENT_LAST_METRE, NULL, FAMILY_IPV4, 0, 0);
    struct event *down = add(&e, EVENT_STATE_CHANGED, &teams, FAMILY_IPV4, 5 * S, 0);
    struct event *other = add(&e, EVENT_STATE_CHANGED, &teams, FAMILY_IPV6, 5 * S, 0);
    struct event *session = add(&e, EVENT_BGP_LOST, NULL, FAMILY_NONE, 5 * S, 0);
    CHECK_TEXT(EVENT_LAST_METRE, cause_of(gateway, down), "a target");
    CHECK(cause_of(gateway, other) == NULL, "another family");
    CHECK(cause_of(gateway, session) == NULL, "a session");
}

static void only_within_a_minute(void **state)
{
    (void)state;
    static struct events e;
    struct event *lost = add(&e, EVENT_BGP_LOST, NULL, FAMILY_NONE, 0, 0);
    struct event *pop = add(&e, EVENT_POP_CHANGED, &teams, FAMILY_IPV4, 0, 0);
    static const struct {
        int64_t began_ns;
        bool explained;
    } cases[] = {
        {60 * S, true}, {61 * S, false}, {0, true}, {-10 * S, true}, {-11 * S, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pop->since.ns = noon_ns + cases[i].began_ns;
        pop->time.ns = noon_ns + 600 * S; /* when it was detected does not matter */
        CHECK(cases[i].explained == (cause_of(lost, pop) != NULL), "%g s later",
              (double)cases[i].began_ns / 1e9);
    }
}

/* A session that is lost and up again within a second: both are reported by one router, in
 * order. */
static void not_by_what_comes_after_it(void **state)
{
    (void)state;
    static struct causes c;
    static struct events e;
    c.n = 0;
    e.n = 0;
    add(&e, EVENT_BGP_LOST, NULL, FAMILY_NONE, 5050 * MS, 5050 * MS);
    struct event *gone =
        add(&e, EVENT_PREFIX_WITHDRAWAL, NULL, FAMILY_NONE, 5 * S, 5 * S);
    add(&e, EVENT_BGP_ESTABLISHED, NULL, FAMILY_NONE, 5900 * MS, 5900 * MS);
    struct event *back =
        add(&e, EVENT_PREFIX_ANNOUNCEMENT, NULL, FAMILY_NONE, 6 * S, 6 * S);
    find(&c, &e);
    CHECK_TEXT(EVENT_BGP_LOST, gone->cause.name,
               "BIRD withdraws the routes just before Peer Down");
    CHECK_TEXT(EVENT_BGP_ESTABLISHED, back->cause.name, "the session returns");
}

static void only_what_it_concerns(void **state)
{
    (void)state;
    static struct events e;
    struct event *gone = add(&e, EVENT_PREFIX_WITHDRAWAL, NULL, FAMILY_NONE, 0, 0);
    struct event *pop = add(&e, EVENT_POP_CHANGED, &teams, FAMILY_IPV4, S, S);
    struct event *other = add(&e, EVENT_POP_CHANGED, &mail, FAMILY_IPV4, S, S);
    struct event *six = add(&e, EVENT_POP_CHANGED, &teams, FAMILY_IPV6, S, S);
    struct event *shift = add(&e, EVENT_DELAY_SHIFTED, &teams, FAMILY_IPV4, 2 * S, S);
    struct event *shift6 = add(&e, EVENT_DELAY_SHIFTED, &teams, FAMILY_IPV6, 2 * S, S);
    struct event *resolved = add(&e, EVENT_TARGET_RESOLVED, &teams, FAMILY_IPV4, S, S);
    struct event *moved = add(&e, EVENT_NETWORK_CHANGED, NULL, FAMILY_NONE, 0, 0);
    CHECK(cause_of(gone, other) != NULL, "a registered prefix concerns all");
    gone->scope = (struct event_scope){address("52.112.0.0"), 14};
    CHECK(cause_of(gone, pop) != NULL, "its address is in the prefix");
    CHECK(cause_of(gone, other) == NULL, "its address is not");
    CHECK(cause_of(gone, six) == NULL, "of the other family");
    CHECK(cause_of(pop, shift) != NULL, "a PoP explains the delay of its family");
    CHECK(cause_of(pop, shift6) == NULL, "and not that of the other");
    CHECK(cause_of(other, shift) == NULL, "nor that of another target");
    CHECK(cause_of(gone, resolved) == NULL, "DNS does not follow routes");
    CHECK(cause_of(resolved, pop) == NULL, "the first lookup of a name is no change");
    event_change(resolved, "ams.example", "");
    CHECK(cause_of(resolved, pop) != NULL, "another name, another PoP");
    CHECK(cause_of(moved, resolved) != NULL, "another network, another DNS answer");
    CHECK(cause_of(moved, gone) == NULL, "the router is not in this host's network");
    CHECK(cause_of(shift, pop) == NULL, "an effect is no cause");
    static struct causes c;
    static struct events window;
    events_copy(&window, gone, 1);
    find(&c, &window);
    const struct fact *f = &window.list[0].facts[0];
    CHECK_INT(1, window.list[0].n_facts, "the targets that it concerns");
    CHECK_TEXT(ATTR_TARGETS, f->name, "named");
    CHECK_TEXT("teams", f->text, "those in the prefix");
}

/* What both name must agree: the router and the BGP session; the target. */
static void only_of_the_same_session(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct event_scope cause, effect;
        bool explained;
    } cases[] = {
        {"the same session",
         {.router = 1, .session = 2},
         {.router = 1, .session = 2},
         true},
        {"another peer", {.router = 1, .session = 2}, {.router = 1, .session = 3}, false},
        {"another router",
         {.router = 1, .session = 2},
         {.router = 4, .session = 5},
         false},
        {"the router's own choice", {.router = 1, .session = 2}, {.router = 1}, true},
        {"that of another router", {.router = 1, .session = 2}, {.router = 4}, false},
    };
    static struct events e;
    e.n = 0;
    struct event *lost = add(&e, EVENT_BGP_LOST, NULL, FAMILY_NONE, 0, 0);
    struct event *gone = add(&e, EVENT_PREFIX_WITHDRAWAL, NULL, FAMILY_NONE, S, S);
    struct event *pop = add(&e, EVENT_POP_CHANGED, &teams, FAMILY_IPV4, S, S);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lost->scope = cases[i].cause;
        gone->scope = cases[i].effect;
        CHECK(cases[i].explained == (cause_of(lost, gone) != NULL), "%s", cases[i].what);
        CHECK(cause_of(lost, pop) != NULL, "a PoP is of no session");
    }
    static const struct target unknown = {.name = "unknown"};
    struct event *other = add(&e, EVENT_POP_CHANGED, &unknown, FAMILY_IPV4, S, S);
    gone->scope = (struct event_scope){.prefix = address("52.112.0.0"), .bits = 14};
    CHECK(cause_of(gone, other) == NULL, "no address is known: cannot tell");
}

/* A route explains another entry, and that the other PoP and the delay of its target. */
static void paths_are_between(void **state)
{
    (void)state;
    static struct events e;
    struct event *hop = add(&e, EVENT_ROUTE_NEXT_HOP, NULL, FAMILY_NONE, 0, 0);
    struct event *entry = add(&e, EVENT_PATH_ENTRY, &teams, FAMILY_IPV4, S, 20 * S);
    struct event *entry6 = add(&e, EVENT_PATH_ENTRY, &teams, FAMILY_IPV6, S, 20 * S);
    struct event *failover = add(&e, EVENT_EDGE_FAILOVER, &teams, FAMILY_IPV4, S, S);
    struct event *pop = add(&e, EVENT_POP_CHANGED, &teams, FAMILY_IPV4, 2 * S, S);
    struct event *pop6 = add(&e, EVENT_POP_CHANGED, &teams, FAMILY_IPV6, 2 * S, S);
    struct event *shift = add(&e, EVENT_DELAY_SHIFTED, &teams, FAMILY_IPV4, 3 * S, S);
    struct event *moved = add(&e, EVENT_NETWORK_CHANGED, NULL, FAMILY_NONE, 0, 0);
    hop->scope = (struct event_scope){address("52.112.0.0"), 14};
    CHECK(cause_of(hop, entry) != NULL, "a route of its prefix");
    CHECK(cause_of(hop, failover) != NULL, "and the failover");
    CHECK(cause_of(hop, entry6) == NULL, "not that of the other family");
    CHECK(cause_of(moved, entry) != NULL, "another network of this host, another path");
    CHECK(cause_of(entry, pop) != NULL, "the entry explains the PoP");
    CHECK(cause_of(entry, shift) != NULL, "and the delay");
    CHECK(cause_of(entry, pop6) == NULL, "of its own family");
    CHECK(cause_of(pop, entry) == NULL, "the PoP does not explain the entry");
    CHECK(cause_of(shift, entry) == NULL, "nor does the delay");
    CHECK(cause_of(entry, hop) == NULL, "nor the entry the route");
    CHECK(cause_of(entry, failover) == NULL, "two signs of one change");

    static struct causes c;
    static struct events routes, traces;
    c.n = routes.n = traces.n = 0;
    events_copy(&routes, hop, 1);
    find(&c, &routes);
    events_copy(&traces, entry, 1);
    events_copy(&traces, shift, 1);
    find(&c, &traces);
    for (size_t i = 0; i < traces.n; i++)
        CHECK_TEXT(EVENT_ROUTE_NEXT_HOP, traces.list[i].cause.name, "the first cause");
}

/* What came up explains what follows it, and no loss. */
static void a_cause_has_a_direction(void **state)
{
    (void)state;
    static const struct {
        const char *cause, *before, *after, *effect, *to;
        bool explained;
    } cases[] = {
        {EVENT_BGP_LOST, "up", "down", EVENT_PREFIX_WITHDRAWAL, "", true},
        {EVENT_BGP_LOST, "up", "down", EVENT_PREFIX_BACKUP_WITHDRAWAL, "", true},
        {EVENT_BGP_FLAPPING, "", "", EVENT_PREFIX_WITHDRAWAL, "", true},
        {EVENT_BGP_LOST, "up", "down", EVENT_PREFIX_BACKUP_ANNOUNCEMENT, "", true},
        {EVENT_BGP_ESTABLISHED, "down", "up", EVENT_PREFIX_WITHDRAWAL, "", false},
        {EVENT_BGP_ESTABLISHED, "down", "up", EVENT_PREFIX_BACKUP_WITHDRAWAL, "", false},
        {EVENT_BGP_ESTABLISHED, "down", "up", EVENT_PREFIX_ANNOUNCEMENT, "", true},
        {EVENT_BGP_ESTABLISHED, "down", "up", EVENT_PREFIX_BACKUP_PATH, "", true},
        {EVENT_BGP_ESTABLISHED, "down", "up", EVENT_PATH_ENTRY, "LON", true},
        {EVENT_BGP_ESTABLISHED, "down", "up", EVENT_EDGE_FAILOVER, "primary", true},
        {EVENT_BGP_ESTABLISHED, "down", "up", EVENT_PATH_INTERRUPTED, "silent", false},
        {EVENT_BGP_ESTABLISHED, "down", "up", EVENT_PATH_INTERRUPTED, "reached", true},
        {EVENT_BGP_ESTABLISHED, "down", "up", EVENT_STATE_CHANGED, "down", false},
        {EVENT_BGP_ESTABLISHED, "down", "up", EVENT_STATE_CHANGED, "up", true},
        {EVENT_BGP_ESTABLISHED, "unknown", "up", EVENT_PREFIX_ANNOUNCEMENT, "", false},
        {EVENT_PREFIX_WITHDRAWAL, "", "", EVENT_STATE_CHANGED, "down", true},
        {EVENT_PREFIX_ANNOUNCEMENT, "", "", EVENT_STATE_CHANGED, "down", false},
        {EVENT_PREFIX_ANNOUNCEMENT, "", "", EVENT_POP_CHANGED, "LON", true},
        {EVENT_LAST_METRE, "fine", "down", EVENT_STATE_CHANGED, "down", true},
        {EVENT_LAST_METRE, "down", "fine", EVENT_STATE_CHANGED, "down", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static struct events e;
        e.n = 0;
        struct event *cause = add(&e, cases[i].cause, NULL, FAMILY_NONE, 0, 0);
        struct event *effect =
            add(&e, cases[i].effect, NULL, FAMILY_NONE, 30 * S, 30 * S);
        event_change(cause, cases[i].before, cases[i].after);
        event_change(effect, "", cases[i].to);
        CHECK(cases[i].explained == (cause_of(cause, effect) != NULL), "%s to %s: %s %s",
              cases[i].cause, cases[i].after, cases[i].effect, cases[i].to);
    }
}

/* A flapping session gives more events than are kept: the last ones count. */
static void the_last_ones_are_kept(void **state)
{
    (void)state;
    static struct causes c;
    static struct events window;
    c.n = 0;
    for (int i = 0; i < 3 * CAUSES_MAX; i++) {
        window.n = 0;
        add(&window, EVENT_BGP_LOST, NULL, FAMILY_NONE, i * S, i * S);
        find(&c, &window);
    }
    CHECK_INT(CAUSES_MAX, c.n, "bounded");
    window.n = 0;
    struct event *pop = add(&window, EVENT_POP_CHANGED, &teams, FAMILY_IPV4,
                            3 * CAUSES_MAX * S, 3 * CAUSES_MAX * S);
    find(&c, &window);
    CHECK_INT(noon_ns + (3 * CAUSES_MAX - 1) * S, pop->cause.since.ns, "the last one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_incident_has_one_cause),
        cmocka_unit_test(last_metre),
        cmocka_unit_test(only_within_a_minute),
        cmocka_unit_test(not_by_what_comes_after_it),
        cmocka_unit_test(only_what_it_concerns),
        cmocka_unit_test(only_of_the_same_session),
        cmocka_unit_test(paths_are_between),
        cmocka_unit_test(a_cause_has_a_direction),
        cmocka_unit_test(the_last_ones_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
