/*
 * Random paths of which the truth is known, and what edge/potato.h says of them: how often it
 * is wrong, and how often it cannot tell. The figures are printed; those of edgelat-paths(7)
 * are from here. The world: PoPs at the metros of the catalogue; sites up to 600 km from one,
 * behind an access line; a provider that hands over at the nearest PoP (cold) or carries the
 * traffic past it (hot); servers at the entry or up to 4000 km behind it; ways back that leave
 * Microsoft's network at the entry (cold), or where the router is (hot), through other networks
 * with a number of hops of their own. Routers are silent, slow, limited, and begin at a TTL of
 * their vendor; the provider's two ways differ by some hops.
 */
#include "edge/potato.h"

#include "core/random.h"
#include "core/result.h"
#include "edge/catalogue.h"
#include "edge/distance.h"

#include "../unit/edge/shipped.h"

#include <math.h>

enum { WORLDS = 10000, HOPS_MAX = 24 };

struct world {
    struct random r;
    struct potato_hop hops[HOPS_MAX];
    size_t n;
    struct potato_places places;
    bool hot_forward, hot_back, far_server;
};

static struct catalogue metros;

static double between(struct random *r, double least, double most)
{
    return least + (most - least) * random_unit(r);
}

static bool chance(struct random *r, double p)
{
    return random_unit(r) < p;
}

/* One way in milliseconds: fibre is longer than the great circle. */
static double one_way(struct random *r, double km)
{
    return km * between(r, 1.2, 2.0) / 200;
}

static const struct metro *any_metro(struct random *r, struct position from, double least,
                                     double most)
{
    for (int tries = 0; tries < 400; tries++) {
        const struct metro *m = &metros.metros[random_below(r, (int64_t)metros.n)];
        double km = distance_km(from, m->at);
        if (km >= least && km <= most)
            return m;
    }
    return NULL;
}

static const struct metro *nearest_to(struct position at)
{
    const struct metro *best = &metros.metros[0];
    for (size_t i = 1; i < metros.n; i++)
        if (distance_km(at, metros.metros[i].at) < distance_km(at, best->at))
            best = &metros.metros[i];
    return best;
}

/* `back`: hops of its way back. */
static void add_hop(struct world *w, bool microsofts, double ms, int back, bool target)
{
    static const int begins[] = {64, 255, 255, 128};
    int begin =
        target ? begins[random_below(&w->r, 2) * 3] : begins[random_below(&w->r, 3)];
    struct potato_hop *hop = &w->hops[w->n++];
    double slow = !target && chance(&w->r, 0.2) ? between(&w->r, 0, 5) : 0;
    *hop = (struct potato_hop){microsofts, (int64_t)((ms + slow) * 1e6),
                               (int16_t)(begin - back + 1)};
    if (!target && chance(&w->r, 0.12))
        *hop = (struct potato_hop){false, DELAY_UNDEFINED, -1};
}

static bool draw(struct world *w)
{
    struct random *r = &w->r;
    w->n = 0;
    const struct metro *home = any_metro(r, (struct position){0, 0}, 0, 25000);
    struct position site = home->at;
    site.latitude += between(r, -4, 4);
    site.longitude += between(r, -4, 4);
    const struct metro *nearest = nearest_to(site);
    double nearest_km = distance_km(site, nearest->at);
    w->hot_forward = chance(r, 0.4);
    w->far_server = chance(r, 0.6);
    w->hot_back = w->far_server && chance(r, 0.5);
    const struct metro *entry =
        w->hot_forward ? any_metro(r, site, nearest_km + 800, nearest_km + 6000)
                       : nearest;
    const struct metro *serving =
        w->far_server && entry != NULL ? any_metro(r, entry->at, 500, 4000) : entry;
    if (entry == NULL || serving == NULL)
        return false;
    double access =
        chance(r, 0.5) ? between(r, 0.3, 1.5) : between(r, 1.5, 9); /* both ways */
    double to_entry = distance_km(site, entry->at),
           inside = distance_km(entry->at, serving->at);
    double there = one_way(r, to_entry), home_again = one_way(r, to_entry);
    double carried = one_way(r, inside), returned = one_way(r, inside);
    int differs = (int)random_below(r, 5) - 2; /* the provider's way back */
    int locals = 1 + (int)random_below(r, 2), providers = 2 + (int)random_below(r, 5),
        inner = 2 + (int)random_below(r, 5);
    int ttl = 0;
    for (int i = 0; i < locals; i++)
        add_hop(w, false, between(r, 0.2, 0.6), ++ttl, false);
    for (int i = 1; i <= providers; i++) {
        double part = (double)i / (providers + 1);
        int back = ++ttl + (i > providers / 2 ? differs : 0);
        add_hop(w, false, access + part * (there + home_again), back > 0 ? back : 1,
                false);
    }
    int elsewhere = ttl + inner + (int)random_below(r, 13) - 5; /* by other networks */
    for (int i = 0; i < inner; i++) {
        double part = inner > 1 ? (double)i / (inner - 1) : 0;
        bool leaves_here = w->hot_back && part > 0.5;
        int back = ++ttl + differs + (chance(r, 0.1) ? 1 : 0); /* equal-cost ways */
        add_hop(w, true, access + there + home_again + part * (carried + returned),
                leaves_here && elsewhere > 1 ? elsewhere + i - inner
                : back > 0                   ? back
                                             : 1,
                false);
    }
    int back = ++ttl + differs;
    add_hop(w, true, access + there + home_again + carried + returned,
            w->hot_back && elsewhere > 1 ? elsewhere
            : back > 0                   ? back
                                         : 1,
            true);
    bool located = chance(r, 0.5), measured = chance(r, 0.5);
    size_t first = 0;
    while (!w->hops[first].microsofts)
        first++;
    w->places = (struct potato_places){
        .entry_hidden = first == 0 || w->hops[first - 1].min_ns == DELAY_UNDEFINED,
        .entry_km = located ? to_entry : NAN,
        .nearest_km = located ? nearest_km : NAN,
        .serving_km = located ? inside : NAN,
        .nearest_ns = measured ? (int64_t)(1e6 * (access + one_way(r, nearest_km) +
                                                  one_way(r, nearest_km)))
                               : DELAY_UNDEFINED,
    };
    return true;
}

static void test_random_worlds(void **state)
{
    (void)state;
    struct world w = {.r = random_from(check_seed())};
    /* by the truth: cold, hot forward, hot back only; by the grade */
    unsigned count[3][3] = {{0}}, worlds[3] = {0};
    SHIPPED_PARSE(catalogue_parse, &metros, "metros.csv");
    for (int i = 0; i < (check_quick() ? WORLDS / 5 : WORLDS); i++) {
        while (!draw(&w))
            ;
        struct potato p = potato_judge(w.hops, w.n, true, &w.places);
        size_t truth = w.hot_forward ? 1 : w.hot_back ? 2 : 0;
        count[truth][p.grade]++;
        worlds[truth]++;
    }
    static const char *const truths[] = {"cold", "hot, forward", "hot, back only"};
    for (size_t i = 0; i < 3; i++)
        printf("# %-14s %5u worlds: cold %.1f %%, hot %.1f %%, cannot tell %.1f %%\n",
               truths[i], worlds[i], 100.0 * count[i][POTATO_COLD] / worlds[i],
               100.0 * count[i][POTATO_HOT] / worlds[i],
               100.0 * count[i][POTATO_CANNOT_TELL] / worlds[i]);
    CHECK(count[0][POTATO_HOT] <= worlds[0] * 2 / 100, "cold called hot: %u",
          count[0][POTATO_HOT]);
    CHECK(count[1][POTATO_COLD] <= worlds[1] * 2 / 100, "hot forward called cold: %u",
          count[1][POTATO_COLD]);
    CHECK(count[2][POTATO_COLD] <= worlds[2] * 8 / 100, "hot back called cold: %u",
          count[2][POTATO_COLD]);
    CHECK(count[0][POTATO_COLD] > worlds[0] / 3, "cold is found: %u",
          count[0][POTATO_COLD]);
    catalogue_free(&metros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_worlds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
