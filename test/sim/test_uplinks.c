/*
 * Two uplinks: how often the 95 % interval of their difference (core/paired.h) holds the
 * truth, and the states of uplinks that lose packets, die and return (core/uplinks.h). The
 * truth is not from the code under test: it is the median of 200,000 differences of the same line, drawn before.
 */
#include "check.h"
#include "core/random.h"
#include "core/uplinks.h"
#include "interned.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the interval ---- */

struct line { /* states of the noise of both uplinks */
    struct random random;
    double a, b, slow;
};

static double normal(struct random *r)
{
    return sqrt(-2 * log(1 - random_unit(r))) * cos(2 * M_PI * random_unit(r));
}

static double independent(struct line *l)
{
    return 18 + normal(&l->random) * 2;
}

static double skewed(struct line *l) /* a radio link: late, never early */
{
    return 18 + random_exponential(&l->random, 8) - random_exponential(&l->random, 1);
}

static double heavy(struct line *l) /* one of 20 waits behind a full queue */
{
    double wait =
        random_unit(&l->random) < 0.05 ? random_exponential(&l->random, 200) : 0;
    return 18 + random_exponential(&l->random, 4) + wait;
}

static double two_levels(struct line *l) /* load that comes and goes for 20 pairs */
{
    if (random_unit(&l->random) < 0.05)
        l->a = l->a > 0 ? 0 : 6;
    return 18 + l->a + normal(&l->random);
}

static double wandering(struct line *l) /* first order, 0.8 from one pair to the next */
{
    l->b = 0.8 * l->b + normal(&l->random);
    return 18 + l->b * 2;
}

static double steps(struct line *l) /* whole milliseconds: many ties */
{
    return floor(18 + random_exponential(&l->random, 3));
}

static const struct {
    const char *what;
    double (*draw)(struct line *l);
    double least; /* coverage that is required */
} lines[] = {
    {"independent, normal", independent, 0.94},
    {"skewed, a radio link", skewed, 0.94},
    {"heavy tail", heavy, 0.94},
    {"whole milliseconds", steps, 0.94},
    {"load for 20 pairs *", two_levels, 0},
    {"wandering, 0.8", wandering, 0.88},
};

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double truth_of(size_t line)
{
    enum { MANY = 200000 };
    static double values[MANY];
    struct line l = {.random = random_from(97 + line)};
    for (size_t i = 0; i < MANY; i++)
        values[i] = lines[line].draw(&l);
    qsort(values, MANY, sizeof *values, by_value);
    return values[MANY / 2];
}

static void interval_holds_the_truth(void **state)
{
    (void)state;
    const size_t pairs[] = {24, 60, 250};
    const size_t sites = check_quick() ? 400 : 4000;
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
        double truth = truth_of(k);
        printf("# %-22s", lines[k].what);
        for (size_t n = 0; n < sizeof pairs / sizeof *pairs; n++) {
            size_t known = 0, right = 0;
            double width = 0;
            for (size_t site = 0; site < sites; site++) {
                struct line l = {.random = random_from(1000 * k + 7919 * site + n)};
                struct paired p = {0};
                for (int i = 0; i < 200; i++)
                    lines[k].draw(&l); /* it did not begin now */
                for (size_t i = 0; i < pairs[n]; i++)
                    paired_add(&p, (struct wall){(int64_t)i * 10 * NS_PER_S},
                               (int64_t)(lines[k].draw(&l) * 1e6));
                struct paired_interval v = paired_interval(&p, (struct wall){0});
                known += v.known;
                right += v.known && v.low_ns <= truth * 1e6 && v.high_ns >= truth * 1e6;
                width += v.known ? (double)(v.high_ns - v.low_ns) / 1e6 : 0;
            }
            double coverage = known > 0 ? (double)right / (double)known : 1;
            printf("  %3zu pairs: %5.1f %% (known %5.1f %%, %5.2f ms wide)", pairs[n],
                   100 * coverage, 100 * (double)known / (double)sites,
                   known > 0 ? width / (double)known : 0);
            if (pairs[n] >= 60)
                CHECK(coverage >= lines[k].least - (check_quick() ? 0.03 : 0),
                      "%s, %zu pairs: %.3f", lines[k].what, pairs[n], coverage);
        }
        printf("\n");
    }
}

static void too_few_or_old_pairs(void **state)
{
    (void)state;
    struct paired p = {0};
    for (int64_t i = 0; i < PAIRED_LEAST - 1; i++)
        paired_add(&p, (struct wall){i * NS_PER_S}, i % 2 * 5 + i % 3);
    CHECK(!paired_interval(&p, (struct wall){0}).known, "too few");
    paired_add(&p, (struct wall){9 * NS_PER_S}, 3);
    CHECK(paired_interval(&p, (struct wall){9 * NS_PER_S}).known, "enough");
    CHECK(!paired_interval(&p, (struct wall){9 * NS_PER_S + 2 * PAIRED_KEEP_NS}).known,
          "too old");
}

/* ---- a site ---- */

static const struct kind ping = {.name = "ping",
                                 .delays = {"rtt"},
                                 .interval_ns = 10 * NS_PER_S,
                                 .slow_interval_ns = 60 * NS_PER_S,
                                 .roles = {DELAY_ROUND_TRIP},
                                 .uses = USES_PORT,
                                 .port = 3478,
                                 .on_by_default = true,
                                 .single_packets = true};
static const struct kinds kinds = {{&ping}, 1};

enum { FIBER, LTE, UPLINKS, HOSTS = 3 };

struct place {
    struct uplink uplinks[UPLINKS];
    struct target targets[HOSTS];
    struct uplinks *u;
    struct events events;
    struct random random;
    struct rolling_set *rolling;
    struct mono now;
    struct wall wall;
    double loss[UPLINKS];
    bool dead[UPLINKS], unsent;
    size_t sent[UPLINKS];
};

static void open_place(struct place *s, uint64_t seed)
{
    static const char *const hosts[HOSTS] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
    *s = (struct place){.now = {1000 * NS_PER_S},
                        .wall = {INT64_C(1795424400) * NS_PER_S},
                        .random = random_from(seed)};
    strcpy(s->uplinks[FIBER].name, "fiber");
    strcpy(s->uplinks[LTE].name, "lte");
    for (size_t t = 0; t < HOSTS; t++) {
        s->targets[t] = target_default(&kinds);
        s->targets[t].ipv6 = false;
        s->targets[t].name = intern(hosts[t]);
        s->targets[t].host = intern(hosts[t]);
    }
    struct uplinks_settings settings = {
        .uplinks = s->uplinks, .n = UPLINKS, .targets = s->targets, .n_targets = HOSTS};
    s->rolling = rolling_set_create(s->now);
    s->u = uplinks_create(&settings, &kinds, s->rolling, seed, s->wall);
    for (size_t t = 0; t < HOSTS; t++) {
        struct endpoint to;
        endpoint_parse(&to, hosts[t], 443);
        uplinks_resolved(s->u, t, FAMILY_IPV4, UPLINK_NONE, &to, "AMS", s->now, s->wall);
    }
}

static void close_place(struct place *s)
{
    uplinks_destroy(s->u);
    events_free(&s->events);
    rolling_set_destroy(s->rolling);
}

static void answer(struct place *s, const struct probe_request *r)
{
    size_t uplink = (size_t)(r->target->uplink - s->uplinks);
    struct result result = result_of(r->stream, &r->to, s->wall, OUTCOME_REPLY);
    s->sent[uplink]++;
    CHECK_INT(3478, r->to.port, "the port of the kind");
    result.delays[0] =
        (int64_t)((uplink == LTE ? 28e6 : 10e6) + random_exponential(&s->random, 1e6));
    if (s->dead[uplink] && s->unsent)
        result.outcome = OUTCOME_NOT_MEASURED;
    else if (s->dead[uplink] || random_unit(&s->random) < s->loss[uplink])
        result.outcome = OUTCOME_LOSS;
    if (result.outcome != OUTCOME_REPLY)
        result.delays[0] = DELAY_UNDEFINED;
    uplinks_result(s->u, &result, s->wall, &s->events);
}

/* The system's routes to the first `n` targets. */
static void use(struct place *s, size_t n, unsigned uplinks)
{
    for (size_t t = 0; t < n; t++)
        uplinks_route(s->u, t, FAMILY_IPV4, uplinks);
    uplinks_routed(s->u, s->wall, &s->events);
}

static void pass(struct place *s, int64_t seconds)
{
    struct mono end = {s->now.ns + seconds * NS_PER_S}, at;
    while (uplinks_next(s->u, &at) && at.ns < end.ns) {
        struct probe_request r;
        s->wall.ns += at.ns - s->now.ns;
        s->now = at;
        while (uplinks_take(s->u, s->now, &r))
            answer(s, &r);
    }
    s->wall.ns += end.ns - s->now.ns;
    s->now = end;
}

static void budget_and_difference(void **state)
{
    (void)state;
    struct place s;
    open_place(&s, 5);
    pass(&s, 3600);
    /* 3 targets every 10 s are 1080 an hour: both uplinks share them. */
    /* At random times: four standard deviations. */
    CHECK(llabs((long long)s.sent[FIBER] - 540) <= 84, "fiber: %zu", s.sent[FIBER]);
    CHECK_INT((long long)s.sent[FIBER], (long long)s.sent[LTE], "in pairs");
    const struct uplinks_report *r = uplinks_close(s.u, s.now, s.wall);
    CHECK_INT(HOSTS, (long long)r->n_differences, "differences");
    CHECK_INT(2 * HOSTS, (long long)r->n_series, "series");
    size_t right = 0;
    for (size_t i = 0; i < r->n_differences; i++) {
        const struct paired_interval *v = &r->differences[i].interval;
        CHECK(v->known, "known");
        right += v->low_ns <= 18 * NS_PER_MS && v->high_ns >= 18 * NS_PER_MS;
        CHECK_TEXT("lte", r->differences[i].uplink->name, "slower");
    }
    CHECK(right >= HOSTS - 1, "18 ms: in %zu of %d intervals of 95 %%", right, HOSTS);
    CHECK_INT(UPLINKS * HOSTS, (long long)r->n_targets, "each target over each uplink");
    CHECK_TEXT("lte", r->targets[LTE].target->uplink->name, "with the uplink");
    CHECK_TEXT("AMS", r->targets[LTE].pop[SLOT_IPV4], "and its PoP");
    CHECK_INT(FAMILY_NONE, r->targets[LTE].to[SLOT_IPV6].family, "no IPv6");
    CHECK_INT(0, (long long)s.events.n, "no event");
    CHECK_INT(UPLINK_UP, r->states[FIBER].condition, "up");
    close_place(&s);
}

static void dies_and_returns(void **state)
{
    (void)state;
    for (int unsent = 0; unsent < 2; unsent++) {
        struct place s;
        open_place(&s, 11);
        s.unsent = unsent == 1;
        use(&s, HOSTS, 1U << FIBER);
        pass(&s, 600);
        s.dead[FIBER] = true;
        struct wall died = s.wall;
        size_t before = s.sent[FIBER];
        pass(&s, 120);
        CHECK_INT(1, (long long)s.events.n, "one event");
        const struct event *e = &s.events.list[0];
        CHECK_TEXT("down", e->after, "down");
        CHECK(e->since.ns >= died.ns && e->since.ns < died.ns + 20 * NS_PER_S, "since");
        CHECK(e->time.ns < died.ns + 60 * NS_PER_S, "soon");
        use(&s, HOSTS, 1U << LTE);
        size_t lost = s.sent[FIBER] - before;
        CHECK_TEXT("lte", s.events.list[1].after, "failover");
        CHECK_INT((long long)lost, (long long)s.events.list[1].facts[0].number,
                  "lost until the failover");
        s.dead[FIBER] = false;
        pass(&s, 120);
        CHECK_INT(3, (long long)s.events.n, "and it is back");
        CHECK_TEXT("up", s.events.list[2].after, "up");
        CHECK(s.unsent == (strstr(s.events.list[2].text, "no interface") != NULL), "%s",
              s.events.list[2].text);
        CHECK_INT((long long)lost, (long long)s.events.list[2].facts[1].number,
                  "lost meanwhile");
        use(&s, HOSTS, 1U << FIBER);
        CHECK_TEXT("fiber", s.events.list[3].after, "return");
        close_place(&s);
    }
}

/* Static routes, rules and equal-cost routes: what changed, of which targets, once. */
static void routes(void **state)
{
    (void)state;
    struct place s;
    open_place(&s, 31);
    use(&s, HOSTS, 1U << FIBER);
    use(&s, HOSTS, 1U << FIBER);
    CHECK_INT(0, (long long)s.events.n, "as it was");
    use(&s, 2, 1U << LTE);
    CHECK_INT(1, (long long)s.events.n, "one for two targets");
    CHECK(strstr(s.events.list[0].text, "to 2 of 2 targets") == NULL, "%s",
          s.events.list[0].text);
    uplinks_route(s.u, 2, FAMILY_IPV4, 1U << FIBER);
    use(&s, 1, 1U << FIBER);
    CHECK(
        strstr(s.events.list[1].text, "to 1 of 2 targets went from uplink lte to fiber"),
        "%s", s.events.list[1].text);
    CHECK(s.events.list[1].target != NULL && s.events.list[1].target->uplink == NULL,
          "which");
    const struct uplinks_report *r = uplinks_close(s.u, s.now, s.wall);
    CHECK(r->states[FIBER].used[SLOT_IPV4] && r->states[LTE].used[SLOT_IPV4], "both");
    CHECK(r->targets[FIBER].used[SLOT_IPV4] && !r->targets[LTE].used[SLOT_IPV4], "first");
    CHECK(r->targets[UPLINKS + LTE].used[SLOT_IPV4], "the second over lte");
    use(&s, HOSTS, 1U << FIBER | 1U << LTE);
    CHECK_INT(4, (long long)s.events.n, "two from fiber, one from lte");
    CHECK_TEXT("fiber and lte", s.events.list[2].after, "they share the flows");
    use(&s, HOSTS, 0);
    CHECK_TEXT("none", s.events.list[4].after, "a VPN");
    CHECK(s.events.list[4].target == NULL, "all");
    close_place(&s);
}

/* A week with 10 % of independent loss, and one that flaps. */
static void loss_is_not_death(void **state)
{
    (void)state;
    struct place s;
    open_place(&s, 23);
    s.loss[LTE] = 0.1;
    pass(&s, 7 * 86400);
    CHECK_INT(0, (long long)s.events.n, "no event in a week");
    for (int i = 0; i < 200; i++) {
        s.dead[LTE] = i % 2 == 0;
        pass(&s, 120);
    }
    CHECK(s.events.n >= 4 && s.events.n <= 8, "a flapping one: %zu events", s.events.n);
    close_place(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interval_holds_the_truth),
        cmocka_unit_test(too_few_or_old_pairs),
        cmocka_unit_test(budget_and_difference),
        cmocka_unit_test(dies_and_returns),
        cmocka_unit_test(routes),
        cmocka_unit_test(loss_is_not_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
