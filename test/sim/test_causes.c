/*
 * A year of a site with known incidents, replayed as the agent sees it: windows of a
 * minute, effects detected up to half an hour later. How often is the cause of an event
 * the one that the world had, and how often is a coincidence taken for one?
 */
#include "check.h"
#include "core/causes.h"
#include "core/event_names.h"
#include "core/random.h"

#include <stdlib.h>
#include <string.h>

#define SECOND   NS_PER_S
#define MINUTE   (60 * SECOND)
#define WEEK     (7 * 24 * 60 * MINUTE)
#define START_NS (INT64_C(1795424400) * SECOND)

enum { SITE_TARGETS = 20, WEEKS = 52, HAPPENED_MAX = 100000 };

struct happened {
    const char *name;
    const struct target *target;
    enum family family;
    struct event_scope scope;
    int64_t began_ns, detected_ns;
    int64_t root_ns; /* when its cause began; 0: it has none */
};

struct world {
    struct random random;
    struct target targets[SITE_TARGETS];
    struct target_state states[SITE_TARGETS];
    struct happened all[HAPPENED_MAX];
    size_t n;
};

static int64_t between(struct world *w, int64_t low_ns, int64_t high_ns)
{
    return low_ns + (int64_t)(random_unit(&w->random) * (double)(high_ns - low_ns));
}

static struct happened *happen(struct world *w, const char *name, size_t target,
                               int64_t began_ns, int64_t delay_ns, int64_t root_ns)
{
    assert_true(w->n < HAPPENED_MAX);
    struct happened *h = &w->all[w->n++];
    *h = (struct happened){.name = name,
                           .family = target % 2 ? FAMILY_IPV4 : FAMILY_IPV6,
                           .began_ns = began_ns,
                           .detected_ns = began_ns + delay_ns,
                           .root_ns = root_ns};
    if (target < SITE_TARGETS)
        h->target = &w->targets[target];
    else
        h->family = FAMILY_NONE;
    return h;
}

/* Probes every 10 s show it; a shift is detected after many values. */
static void affect(struct world *w, size_t target, int64_t root_ns)
{
    int64_t began_ns = root_ns + between(w, -3 * SECOND, 45 * SECOND);
    happen(w, EVENT_POP_CHANGED, target, began_ns, between(w, 0, MINUTE), root_ns);
    happen(w, EVENT_DELAY_SHIFTED, target, began_ns + between(w, 0, 10 * SECOND),
           between(w, MINUTE, 30 * MINUTE), root_ns);
}

static void lose_session(struct world *w, int64_t at_ns)
{
    happen(w, EVENT_BGP_LOST, SITE_TARGETS, at_ns, 0, 0);
    for (int i = 0; i < 4; i++)
        happen(w, EVENT_PREFIX_WITHDRAWAL, SITE_TARGETS, at_ns + between(w, 0, SECOND), 0,
               at_ns);
    for (size_t t = 0; t < SITE_TARGETS; t++)
        if (random_below(&w->random, 2))
            affect(w, t, at_ns);
}

/* Of one service: five targets, of which IPv4 ones are odd. */
static void withdraw_prefix(struct world *w, int64_t at_ns)
{
    size_t service = random_below(&w->random, SITE_TARGETS / 5);
    struct happened *h = happen(w, EVENT_PREFIX_WITHDRAWAL, SITE_TARGETS, at_ns, 0, 0);
    h->scope = (struct event_scope){
        {.family = FAMILY_IPV4, .bytes = {40, (uint8_t)service}}, 16};
    for (size_t t = service * 5; t < service * 5 + 5; t++)
        if (t % 2)
            affect(w, t, at_ns);
}

static void change_name(struct world *w, int64_t at_ns)
{
    size_t t = random_below(&w->random, SITE_TARGETS);
    happen(w, EVENT_TARGET_RESOLVED, t, at_ns, 0, 0);
    affect(w, t, at_ns);
}

/* Events that nothing in this world explains. */
static void make_noise(struct world *w, int64_t at_ns)
{
    static const char *const names[] = {EVENT_POP_CHANGED, EVENT_DELAY_SHIFTED,
                                        EVENT_STATE_CHANGED, EVENT_ADDRESS_CHANGED};
    happen(w, names[random_below(&w->random, 4)], random_below(&w->random, SITE_TARGETS),
           at_ns, between(w, 0, 20 * MINUTE), 0);
}

static void make_world(struct world *w)
{
    static void (*const kinds[])(struct world *, int64_t) = {
        lose_session, withdraw_prefix, change_name, make_noise};
    static const int a_week[] = {3, 3, 20, 60};
    for (size_t t = 0; t < SITE_TARGETS; t++) {
        w->states[t].target = &w->targets[t];
        w->states[t].addresses[SLOT_IPV4].to = (struct endpoint){
            .family = FAMILY_IPV4, .bytes = {40, (uint8_t)(t / 5), 0, (uint8_t)t}};
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int i = 0; i < WEEKS * a_week[k]; i++)
            kinds[k](w, START_NS + between(w, 0, WEEKS * WEEK));
}

static int by_detection(const void *a, const void *b)
{
    const struct happened *x = a, *y = b;
    return (x->detected_ns > y->detected_ns) - (x->detected_ns < y->detected_ns);
}

static void a_year_of_incidents(void **state)
{
    (void)state;
    static struct world w;
    static struct causes causes;
    static struct events events;
    w = (struct world){.random = random_from(check_seed())};
    make_world(&w);
    qsort(w.all, w.n, sizeof *w.all, by_detection);
    uint64_t effects = 0, right = 0, wrong = 0, noise = 0, coincidences = 0;
    for (size_t i = 0; i < w.n;) {
        size_t first = i;
        int64_t end_ns = (w.all[i].detected_ns / MINUTE + 1) * MINUTE;
        for (events.n = 0; i < w.n && w.all[i].detected_ns < end_ns; i++) {
            struct event *e = events_add(&events, w.all[i].name, SEVERITY_WARN,
                                         (struct wall){end_ns}, w.all[i].target);
            e->since.ns = w.all[i].began_ns;
            event_change(e, "before", "");
            e->family = w.all[i].family;
            e->scope = w.all[i].scope;
        }
        causes_find(&causes, &events, w.states, SITE_TARGETS);
        for (size_t k = 0; k < events.n; k++) {
            int64_t root_ns = w.all[first + k].root_ns;
            int64_t found_ns = events.list[k].cause.since.ns;
            effects += root_ns != 0;
            noise += root_ns == 0;
            right += root_ns != 0 && found_ns == root_ns;
            wrong += root_ns != 0 && found_ns != 0 && found_ns != root_ns;
            coincidences += root_ns == 0 && found_ns != 0;
        }
    }
    printf(
        "# %llu effects: the cause is right in %llu, another one in %llu; of %llu events "
        "without a cause, %llu got one\n",
        (unsigned long long)effects, (unsigned long long)right, (unsigned long long)wrong,
        (unsigned long long)noise, (unsigned long long)coincidences);
    CHECK(right >= 0.99 * (double)effects, "found");
    CHECK(wrong <= 0.005 * (double)effects, "not another one");
    CHECK(coincidences <= 0.01 * (double)noise, "coincidences");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_year_of_incidents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
