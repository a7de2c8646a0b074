/*
 * A branch office near every metro of the shipped catalogue, without loss, with 1 % and
 * with 5 %. Its candidates are the PoPs of the nearest metros. The delay of a path is the
 * speed-of-light bound times a random stretch, so the PoP with the least delay is not
 * always the nearest by distance. It has a twin. After a while both move far away, and
 * then come back.
 */
#include "core/recent.h"
#include "edge/catalogue.h"
#include "edge/datafile.h"
#include "sim/network.h"

#define MS(x)     ((int64_t)((x)*NS_PER_MS))
#define MINUTE_NS (60 * NS_PER_S)

enum {
    NEAR = 12, /* metros */
    TWIN = NEAR,
    TARGETS,
    SETTLED = 10, /* windows; by then who lost by bad luck at first is ranked as well */
    AWAY = 50,    /* from this window on the nearest one and its twin are far */
    BACK = 75,
    WINDOWS = 100,
    PROMISED = RECENT_WINDOWS + 1,
};

static const double losses[] = {0, 0.01, 0.05};
enum { LOSSES = sizeof losses / sizeof *losses };

struct branch {
    const struct metro *at;
    double loss;
    struct way near[TARGETS], far[TARGETS]; /* while the nearest one is there and away */
    size_t nearest;
    int windows, changes; /* of who is first, while nothing moved */
    size_t first;         /* in the last window */
};

static struct catalogue metros;
static struct sim sim;

static void never(const char *text, void *user)
{
    (void)user;
    CHECK(false, "%s", text);
}

static int load(void **state)
{
    (void)state;
    static char text[DATAFILE_BYTES_MAX];
    FILE *f = fopen("packaging/data/metros.csv", "r");
    CHECK(f != NULL, "packaging/data/metros.csv is there");
    struct datafile_source from = {"metros.csv", text, 0, never, NULL};
    from.len = fread(text, 1, sizeof text, f);
    fclose(f);
    CHECK_INT(0, catalogue_parse(&metros, &from), "it is fine");
    return 0;
}

static int unload(void **state)
{
    (void)state;
    catalogue_free(&metros);
    return 0;
}

/* ---- the truth ---- */

static size_t nearest_of(const struct way *ways)
{
    size_t nearest = 0;
    for (size_t t = 1; t < TARGETS; t++)
        if (ways[t].rtt_ns < ways[nearest].rtt_ns)
            nearest = t;
    return nearest;
}

/* True when the delay is too close to the least one for a certain order. */
static bool is_equal(const struct way *ways, size_t target)
{
    const struct nearest_policy *p = &sim.settings.ranking;
    int64_t noise_ns = MS(0.3); /* of a minimum of some twenty */
    int64_t gain_ns = ways[target].rtt_ns - ways[nearest_of(ways)].rtt_ns - noise_ns;
    return gain_ns <= p->margin_ns ||
           (double)gain_ns <= p->margin_ratio * (double)ways[target].rtt_ns;
}

/* On the way from a metro to the next one, before the middle. */
static struct position near_to(const struct metro *m, struct random *r)
{
    struct near_metro two[2];
    double share = 0.4 + 0.1 * random_unit(r);
    catalogue_nearest(&metros, m->at, two, 2);
    struct position next = two[1].metro->at;
    return (struct position){m->at.latitude + share * (next.latitude - m->at.latitude),
                             m->at.longitude +
                                 share * (next.longitude - m->at.longitude)};
}

static void settle(struct branch *b, const struct metro *at, double loss,
                   struct random *r)
{
    struct near_metro near[NEAR];
    *b = (struct branch){.at = at, .loss = loss, .first = TARGETS};
    CHECK_INT(NEAR, catalogue_nearest(&metros, near_to(at, r), near, NEAR), "so many");
    for (size_t t = 0; t < NEAR; t++) {
        double stretch = 1.3 + 0.6 * random_unit(r);
        double way_ns = stretch * (double)distance_rtt_bound_ns(near[t].km);
        b->near[t] = (struct way){
            .rtt_ns = MS(1) + (int64_t)way_ns, /* with the branch's own line */
            .jitter_ns = MS(1),
            .loss = loss,
            .pop = near[t].metro->code,
        };
    }
    b->near[TWIN].rtt_ns = INT64_MAX;
    b->nearest = nearest_of(b->near);
    b->near[TWIN] = b->near[b->nearest];
    b->near[TWIN].rtt_ns += MS(0.1);
    memcpy(b->far, b->near, sizeof b->far);
    b->far[b->nearest].rtt_ns = b->far[TWIN].rtt_ns = MS(400);
    b->far[TWIN].pop = "XQZ"; /* served from elsewhere; the other one takes a detour */
}

/* ---- the ranking ---- */

/* Windows after which the nearest must be known. */
static bool is_known(int window)
{
    return window >= BACK ? window >= BACK + PROMISED
                          : window >= (window >= AWAY ? AWAY + PROMISED : SETTLED);
}

static size_t first_of(const struct batch *batch)
{
    size_t t = 0;
    while (t < TARGETS && batch->targets[t].rank != 1)
        t++;
    return t;
}

static void take_notes(struct sim *s, const struct batch *batch)
{
    struct branch *b = s->user;
    int window = b->windows++;
    const struct way *ways = window >= AWAY && window < BACK ? b->far : b->near;
    size_t first = first_of(batch), before = b->first, nearest = nearest_of(ways);
    b->first = is_known(window) ? first : TARGETS;
    if (!is_known(window))
        return;
    CHECK(first < TARGETS, "%s, %g lost: window %d has no first", b->at->code, b->loss,
          window);
    CHECK(is_equal(ways, first),
          "%s, %g lost: %.2f ms is first in window %d, not %.2f ms", b->at->code, b->loss,
          (double)ways[first].rtt_ns / 1e6, window, (double)ways[nearest].rtt_ns / 1e6);
    if (before == TARGETS || before == first)
        return;
    CHECK(ways[first].rtt_ns < ways[before].rtt_ns,
          "%s, %g lost: equals alternate in window %d", b->at->code, b->loss, window);
    b->changes++;
}

static void live(struct branch *b, uint64_t seed)
{
    const struct move moves[] = {
        {AWAY * MINUTE_NS, b->nearest, b->far[b->nearest]},
        {AWAY * MINUTE_NS, TWIN, b->far[TWIN]},
        {BACK * MINUTE_NS, b->nearest, b->near[b->nearest]},
        {BACK * MINUTE_NS, TWIN, b->near[TWIN]},
    };
    sim.user = b;
    sim_begin(&sim, TARGETS, b->near, (struct wall){INT64_C(1795424400) * NS_PER_S},
              seed);
    sim.moves = moves;
    sim.n_moves = sizeof moves / sizeof *moves;
    sim.on_batch = take_notes;
    sim_start(&sim);
    sim_run(&sim, WINDOWS * MINUTE_NS + 1);
    sim_end(&sim);
    CHECK_INT(WINDOWS, b->windows, "one a minute");
}

static void every_metro(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    struct branch b;
    const size_t step = check_quick() ? 9 : 1; /* one metro in so many */
    int lived = 0, changes = 0, next_door = 0;
    for (size_t m = 0, group = 0; m < metros.n; m++) {
        if (metros.metros[m].group <= group) /* another code of one that was */
            continue;
        group = metros.metros[m].group;
        for (size_t l = 0; l < LOSSES && group % step == 0; l++) {
            settle(&b, &metros.metros[m], losses[l], &r);
            live(&b, random_next(&r));
            changes += b.changes;
            next_door += b.nearest == 0;
            lived++;
        }
    }
    printf("# %d branches, the metro next door is nearest for %d, %d changes\n", lived,
           next_door, changes);
    CHECK(next_door < lived, "the distance alone does not say who is nearest");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_metro),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
