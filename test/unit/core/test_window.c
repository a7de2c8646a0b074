#include "check.h"
#include "core/random.h"
#include "core/window.h"

#include <malloc.h>

static const struct kind icmp = {.name = "icmp", .delays = {"rtt"}};
static const struct kind tcp = {.name = "tcp", .delays = {"rtt"}};
static const struct kind https = {
    .name = "https", .delays = {"rtt", "dns", "connect", "tls", "first_byte", "total"}};

static const struct wall start = {1795424400 * NS_PER_S};

static struct result at(int64_t ms, enum outcome outcome, int64_t rtt_ns)
{
    struct endpoint to = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 1}};
    struct result r =
        result_of(0, &to, (struct wall){start.ns + ms * NS_PER_MS}, outcome);
    r.delays[0] = rtt_ns;
    return r;
}

static void add(struct window *w, int64_t ms, enum outcome outcome, int64_t rtt_ns)
{
    struct result r = at(ms, outcome, rtt_ns);
    window_add(w, &r);
}

static struct summary summary_of(const struct window *w)
{
    struct summary s;
    window_summary(w, (struct wall){start.ns + 60 * NS_PER_S}, &s);
    return s;
}

static void undefined(const struct delay_summary *d, const char *what)
{
    CHECK_INT(0, d->count, what);
    CHECK_INT(DELAY_UNDEFINED, d->min_ns, what);
    CHECK_INT(DELAY_UNDEFINED, d->max_ns, what);
    CHECK_INT(DELAY_UNDEFINED, d->mean_ns, what);
    for (int p = 0; p < PERCENTILES; p++) {
        CHECK_INT(DELAY_UNDEFINED, d->percentile_ns[p], what);
        CHECK(!d->supported[p], "%s: nothing is supported", what);
    }
}

static uint64_t counted(const struct summary *s)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < COUNTERS; i++)
        sum += s->counters[i];
    return sum;
}

static void an_empty_window_says_nothing(void **state)
{
    (void)state;
    struct window *w = window_create(&https, start);
    struct summary s = summary_of(w);
    CHECK_INT(start.ns, s.start.ns, "start");
    CHECK_INT(start.ns + 60 * NS_PER_S, s.end.ns, "end");
    CHECK_INT(0, s.sent + s.received + s.longest_burst + counted(&s), "counts");
    CHECK(isnan(s.loss_ratio), "no ratio of nothing");
    CHECK(!s.interrupted, "not interrupted");
    for (int i = 0; i < DELAYS_MAX; i++)
        undefined(&s.delays[i], "delay");
    undefined(&s.variation, "variation");
    struct histogram h = histogram_empty();
    window_merge_delay(w, 0, &h);
    window_merge_variation(w, &h);
    CHECK_INT(0, h.count, "nothing to merge");
    window_destroy(w);
    window_destroy(NULL);
}

/* Results a second apart; each letter is one: R reply, L loss, F refused, U unreachable,
 * T tls_error, N not measured. */
static void outcomes_are_counted_for_what_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *results;
        uint64_t sent, received, lost, burst;
        double loss_ratio;
    } cases[] = {
        {"RRRR", 4, 4, 0, 0, 0},
        {"LLLL", 4, 0, 4, 4, 1},
        {"RLRL", 4, 2, 2, 1, 0.5},
        {"NNNN", 0, 0, 0, 0, NAN},
        {"NRNN", 1, 1, 0, 0, 0},
        {"LNLR", 3, 1, 2, 2, 2.0 / 3}, /* nothing was sent between the two */
        {"LFLL", 4, 0, 3, 2, 0.75},    /* a refusal is an answer */
        {"UUUU", 4, 0, 4, 4, 1},       /* lost, although routers reported it */
        {"LULT", 4, 0, 3, 3, 0.75},
        {"RUNU", 3, 1, 2, 2, 2.0 / 3},
        {"FFTT", 4, 0, 0, 0, 0},
        {"LLRLLLRL", 8, 2, 6, 3, 0.75},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *what = cases[i].results;
        struct window *w = window_create(&tcp, start);
        for (int64_t k = 0; what[k] != '\0'; k++) {
            enum outcome o = what[k] == 'R'   ? OUTCOME_REPLY
                             : what[k] == 'L' ? OUTCOME_LOSS
                             : what[k] == 'F' ? OUTCOME_REFUSED
                             : what[k] == 'U' ? OUTCOME_UNREACHABLE
                             : what[k] == 'T' ? OUTCOME_TLS_ERROR
                                              : OUTCOME_NOT_MEASURED;
            add(w, 1000 * k, o, o == OUTCOME_REPLY ? 5 * NS_PER_MS : DELAY_UNDEFINED);
        }
        struct summary s = summary_of(w);
        CHECK_INT(cases[i].sent, s.sent, what);
        CHECK_INT(cases[i].received, s.received, what);
        CHECK_INT(cases[i].lost,
                  s.outcomes[OUTCOME_LOSS] + s.outcomes[OUTCOME_UNREACHABLE], what);
        CHECK_INT(cases[i].burst, s.longest_burst, what);
        CHECK_INT(cases[i].received, s.delays[0].count, what);
        CHECK_INT(0, s.counters[COUNTER_REORDERED], what);
        if (isnan(cases[i].loss_ratio))
            CHECK(isnan(s.loss_ratio), "%s: loss ratio %g", what, s.loss_ratio);
        else
            CHECK_NEAR(cases[i].loss_ratio, s.loss_ratio, 1e-12, what);
        window_destroy(w);
    }
}

static void counters_come_and_go(void **state)
{
    (void)state;
    struct window *w = window_create(&tcp, start);
    window_count(w, COUNTER_LATE, 1);
    window_count(w, COUNTER_LATE, 1);
    window_count(w, COUNTER_DUPLICATES, 1);
    window_count(w, COUNTER_MISSED, 7);
    window_interrupted(w);
    struct result r = at(0, OUTCOME_REPLY, NS_PER_MS);
    r.lost_packets = 2;
    window_add(w, &r);
    r = at(1000, OUTCOME_LOSS, DELAY_UNDEFINED);
    r.lost_packets = 3;
    window_add(w, &r);
    struct summary s = summary_of(w);
    CHECK_INT(2, s.counters[COUNTER_LATE], "late");
    CHECK_INT(1, s.counters[COUNTER_DUPLICATES], "duplicates");
    CHECK_INT(7, s.counters[COUNTER_MISSED], "missed");
    CHECK(s.interrupted, "interrupted");
    CHECK_INT(5, s.counters[COUNTER_LOST_PACKETS], "inside of answered and lost probes");
    CHECK_INT(1, s.outcomes[OUTCOME_LOSS], "late or not, it was lost");
    CHECK_INT(1, s.delays[0].count, "and gives no value");

    window_reset(w, s.end);
    s = summary_of(w);
    CHECK_INT(start.ns + 60 * NS_PER_S, s.start.ns, "the next begins");
    CHECK_INT(0, s.sent + counted(&s), "at zero");
    CHECK(!s.interrupted && isnan(s.loss_ratio), "as new");
    undefined(&s.delays[0], "as new");
    undefined(&s.variation, "as new");
    CHECK_INT(0, s.longest_burst, "the last one's burst is not told again");
    window_destroy(w);
}

static void percentiles_are_order_statistics(void **state)
{
    (void)state;
    static const struct {
        int64_t n; /* values: 1 to n ms, the even ones first */
        int64_t p50, p90, p95, p99;
    } cases[] = {
        {1, 1, 1, 1, 1},           {2, 1, 2, 2, 2},
        {10, 5, 9, 10, 10},        {20, 10, 18, 19, 20},
        {100, 50, 90, 95, 99},     {512, 256, 461, 487, 507},
        {513, 257, 462, 488, 508}, {1000, 500, 900, 950, 990},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t n = cases[i].n;
        struct window *w = window_create(&icmp, start);
        for (int64_t k = 1; k <= n; k++) {
            int64_t value = k <= n / 2 ? 2 * k : 2 * (k - n / 2) - 1;
            add(w, k, OUTCOME_REPLY, value * NS_PER_MS);
        }
        struct summary s = summary_of(w);
        const struct delay_summary *d = &s.delays[0];
        double error = n <= WINDOW_EXACT_MAX ? 0 : 0.002;
        CHECK_INT(n, d->count, "count");
        CHECK_INT(NS_PER_MS, d->min_ns, "minimum");
        CHECK_INT(n * NS_PER_MS, d->max_ns, "maximum");
        CHECK_NEAR((double)(n + 1) / 2 * 1e6, (double)d->mean_ns, 1, "mean");
        const int64_t expected[] = {cases[i].p50, cases[i].p90, cases[i].p95,
                                    cases[i].p99};
        for (int p = 0; p < PERCENTILES; p++) {
            double e = (double)expected[p] * 1e6;
            CHECK_NEAR(e, (double)d->percentile_ns[p], e * error, percentile_name[p]);
        }
        struct histogram h = histogram_empty();
        window_merge_delay(w, 0, &h);
        CHECK_INT(n, h.count, "all of them can be merged");
        CHECK_INT(HISTOGRAM_SCALE, h.scale, "at full scale");
        CHECK_INT(n * NS_PER_MS, h.max_ns, "exact maximum");
        histogram_free(&h);
        window_destroy(w);
    }
}

static void few_values_do_not_support_a_high_percentile(void **state)
{
    (void)state;
    static const struct {
        int n;
        bool supported[PERCENTILES];
    } cases[] = {
        {5, {false, false, false, false}}, {6, {true, false, false, false}},
        {28, {true, false, false, false}}, {29, {true, true, false, false}},
        {58, {true, true, false, false}},  {59, {true, true, true, false}},
        {298, {true, true, true, false}},  {299, {true, true, true, true}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct window *w = window_create(&icmp, start);
        for (int k = 0; k < cases[i].n; k++)
            add(w, k * 100, OUTCOME_REPLY, NS_PER_MS + k);
        struct summary s = summary_of(w);
        for (int p = 0; p < PERCENTILES; p++)
            CHECK(cases[i].supported[p] == s.delays[0].supported[p], "%s of %d",
                  percentile_name[p], cases[i].n);
        window_destroy(w);
    }
}

static void each_delay_has_its_own_values(void **state)
{
    (void)state;
    struct window *w = window_create(&https, start);
    struct result r = at(0, OUTCOME_REPLY, 20 * NS_PER_MS);
    for (int i = 1; i < 6; i++)
        r.delays[i] = i * NS_PER_MS;
    window_add(w, &r);
    r = at(1000, OUTCOME_TLS_ERROR, 22 * NS_PER_MS); /* it got as far as that */
    r.delays[1] = 3 * NS_PER_MS;
    window_add(w, &r);
    struct summary s = summary_of(w);
    CHECK_INT(2, s.delays[0].count, "rtt: both");
    CHECK_INT(2, s.delays[1].count, "dns: both");
    CHECK_INT(2 * NS_PER_MS, s.delays[1].mean_ns, "its mean");
    CHECK_INT(1, s.delays[3].count, "tls: one");
    CHECK_INT(5 * NS_PER_MS, s.delays[5].max_ns, "total");
    undefined(&s.delays[6], "no seventh");
    CHECK_INT(0, s.variation.count, "only one of the two was answered");
    window_destroy(w);
}

/* ---- the sending order ---- */

struct probe {
    int64_t ms;
    enum outcome outcome;
    int64_t rtt_ms;
};

/* In sending order: a burst of 2 and one of 1; neighbouring replies: 10, 14, 11
 * (variation 4 and 3). */
static const struct probe sent[] = {
    {0, OUTCOME_REPLY, 10},   {1000, OUTCOME_REPLY, 14}, {2000, OUTCOME_REPLY, 11},
    {3000, OUTCOME_LOSS, -1}, {4000, OUTCOME_LOSS, -1},  {5000, OUTCOME_REPLY, 90},
    {6000, OUTCOME_LOSS, -1},
};
#define SENT (sizeof sent / sizeof *sent)

static void add_probe(struct window *w, const struct probe *p)
{
    add(w, p->ms, p->outcome, p->rtt_ms < 0 ? DELAY_UNDEFINED : p->rtt_ms * NS_PER_MS);
}

static size_t in_every_order(size_t *order, size_t n, void (*check)(const size_t *order))
{
    if (n == SENT) {
        check(order);
        return 1;
    }
    size_t tried = 0;
    for (size_t i = n; i < SENT; i++) {
        size_t other = order[i];
        order[i] = order[n];
        order[n] = other;
        tried += in_every_order(order, n + 1, check);
        order[n] = order[i];
        order[i] = other;
    }
    return tried;
}

static void order_does_not_matter(const size_t *order)
{
    struct window *w = window_create(&icmp, start);
    uint64_t reordered = 0;
    int64_t newest = -1;
    for (size_t i = 0; i < SENT; i++) {
        const struct probe *p = &sent[order[i]];
        add_probe(w, p);
        if (p->outcome == OUTCOME_REPLY) {
            reordered += p->ms < newest;
            newest = p->ms > newest ? p->ms : newest;
        }
    }
    struct summary s = summary_of(w);
    CHECK_INT(2, s.longest_burst, "burst");
    CHECK_INT(2, s.variation.count, "pairs of neighbours");
    CHECK_INT(3 * NS_PER_MS, s.variation.min_ns, "the smaller difference");
    CHECK_INT(4 * NS_PER_MS, s.variation.max_ns, "the larger one");
    CHECK_INT(reordered, s.counters[COUNTER_REORDERED], "replies that were overtaken");

    struct histogram h = histogram_empty();
    window_merge_variation(w, &h);
    CHECK_INT(2, h.count, "merged");
    CHECK_INT(WINDOW_VARIATION_SCALE, h.scale, "coarse");
    histogram_free(&h);

    /* much later: all queued results have been processed, once */
    add(w, 60000, OUTCOME_REPLY, 10 * NS_PER_MS);
    add(w, 61000, OUTCOME_REPLY, 15 * NS_PER_MS);
    s = summary_of(w);
    CHECK_INT(2, s.longest_burst, "still");
    CHECK_INT(3, s.variation.count, "and one more");
    CHECK_INT(5 * NS_PER_MS, s.variation.max_ns, "which is the largest");
    window_destroy(w);
}

/* The paths to two addresses differ: that is neither variation nor reordering. */
static void addresses_are_not_compared(void **state)
{
    (void)state;
    struct window *w = window_create(&icmp, start);
    for (int i = 0; i < 6; i++) {
        struct result r =
            at(1000 * (i ^ 1), OUTCOME_REPLY, (i % 2 ? 10 : 90) * NS_PER_MS);
        r.to.bytes[3] = (uint8_t)(1 + i % 2);
        window_add(w, &r);
    }
    struct summary s = summary_of(w);
    CHECK_INT(6, s.received, "replies of two addresses, in turn");
    CHECK_INT(0, s.variation.count, "no variation");
    CHECK_INT(0, s.counters[COUNTER_REORDERED], "none is overtaken");
    add(w, 6000, OUTCOME_REPLY, 14 * NS_PER_MS);
    add(w, 5500, OUTCOME_REPLY, 17 * NS_PER_MS);
    s = summary_of(w);
    CHECK_INT(1, s.counters[COUNTER_REORDERED], "one by its own path");
    window_destroy(w);
}

static void order_of_deciding_does_not_matter(void **state)
{
    (void)state;
    size_t order[SENT] = {0, 1, 2, 3, 4, 5, 6};
    CHECK_INT(5040, in_every_order(order, 0, order_does_not_matter), "every order");
}

/* Replies come at once, losses 2 s later; ten probes a second. */
static void losses_come_late(void **state)
{
    (void)state;
    struct window *w = window_create(&icmp, start);
    for (int64_t k = 0; k < 600; k++) {
        bool lost_now = k % 100 >= 50 && k % 100 < 57;
        if (!lost_now)
            add(w, k * 100, OUTCOME_REPLY, 10 * NS_PER_MS + k % 2);
        bool lost_then = k >= 20 && (k - 20) % 100 >= 50 && (k - 20) % 100 < 57;
        if (lost_then)
            add(w, (k - 20) * 100, OUTCOME_LOSS, DELAY_UNDEFINED);
    }
    struct summary s = summary_of(w);
    CHECK_INT(600, s.sent, "all");
    CHECK_INT(7, s.longest_burst, "seven in a row");
    CHECK_INT(600 - 6 * 7 - 1 - 6, s.variation.count, "no pair across a gap");
    CHECK_INT(1, s.variation.min_ns, "neighbours differ by 1 ns");
    CHECK_INT(1, s.variation.max_ns, "all of them");
    CHECK_INT(0, s.counters[COUNTER_REORDERED], "no reply overtook another");
    window_destroy(w);
}

/* The longest waiting time, a timer that is late, and a burst among replies. */
static void losses_come_very_late(void **state)
{
    (void)state;
    struct window *w = window_create(&icmp, start);
    for (int64_t k = 0; k < 60; k++) {
        if (k % 20 != 4 && k % 20 != 5)
            add(w, k * 1000, OUTCOME_REPLY, NS_PER_MS * (1 + k % 2));
        int64_t lost = k - 10;
        if (lost >= 0 && (lost % 20 == 4 || lost % 20 == 5))
            add(w, lost * 1000, OUTCOME_LOSS, DELAY_UNDEFINED);
    }
    struct summary s = summary_of(w);
    CHECK_INT(2, s.longest_burst, "both of them");
    CHECK_INT(60 - 3 * 2 - 1 - 3, s.variation.count, "no pair across a gap");
    window_reset(w, s.end);
    s = summary_of(w);
    CHECK_INT(0, s.longest_burst + s.variation.count, "told once");
    window_destroy(w);
}

static void the_order_goes_on_in_the_next_window(void **state)
{
    (void)state;
    struct window *w = window_create(&icmp, start);
    add(w, 56000, OUTCOME_REPLY, 10 * NS_PER_MS);
    add(w, 57000, OUTCOME_LOSS, DELAY_UNDEFINED);
    add(w, 59000, OUTCOME_REPLY, 12 * NS_PER_MS);
    struct summary s = summary_of(w);
    CHECK_INT(1, s.longest_burst, "what is known by now");
    window_reset(w, s.end);

    s = summary_of(w);
    CHECK_INT(0, s.longest_burst, "nothing new yet");
    CHECK_INT(0, s.variation.count, "nothing new yet");
    add(w, 58000, OUTCOME_LOSS, DELAY_UNDEFINED); /* sent before the minute */
    add(w, 60000, OUTCOME_REPLY, 17 * NS_PER_MS);
    s = summary_of(w);
    CHECK_INT(2, s.longest_burst, "the whole burst");
    CHECK_INT(1, s.variation.count, "59 s and 60 s are neighbours");
    CHECK_INT(5 * NS_PER_MS, s.variation.max_ns, "their difference");
    add(w, 55000, OUTCOME_REPLY, 10 * NS_PER_MS);
    s = summary_of(w);
    CHECK_INT(1, s.counters[COUNTER_REORDERED],
              "overtaken by those of the minute before");

    window_reset(w, s.end);
    add(w, 90000, OUTCOME_REPLY, 17 * NS_PER_MS); /* the old ones are processed now */
    s = summary_of(w);
    CHECK_INT(0, s.longest_burst, "told once");
    CHECK_INT(1, s.variation.count, "60 s and 90 s: nothing was sent between them");
    CHECK_INT(0, s.variation.max_ns, "both took 17 ms");
    window_destroy(w);
}

static void a_black_hole_is_one_burst(void **state)
{
    (void)state;
    struct window *w = window_create(&icmp, start);
    for (int64_t k = 0; k < 60; k++)
        add(w, k * 1000, k < 40 ? OUTCOME_REPLY : OUTCOME_LOSS,
            k < 40 ? NS_PER_MS : DELAY_UNDEFINED);
    struct summary s = summary_of(w);
    CHECK_INT(20, s.longest_burst, "the first part");
    window_reset(w, s.end);
    for (int64_t k = 60; k < 120; k++)
        add(w, k * 1000, k < 75 || k == 100 ? OUTCOME_LOSS : OUTCOME_REPLY,
            k < 75 || k == 100 ? DELAY_UNDEFINED : NS_PER_MS);
    s = summary_of(w);
    CHECK_INT(35, s.longest_burst, "all of it");
    CHECK_INT(16, s.outcomes[OUTCOME_LOSS], "this window's own");
    window_destroy(w);
}

static void a_clock_that_steps_does_not_last(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {-3600000, 3600000};
    for (size_t i = 0; i < 2; i++) {
        struct window *w = window_create(&icmp, start);
        for (int64_t k = 0; k < 10; k++)
            add(w, k * 1000, OUTCOME_REPLY, (10 + k % 2) * NS_PER_MS);
        for (int64_t k = 10; k < 20; k++)
            add(w, k * 1000 + steps_ms[i], k < 15 ? OUTCOME_REPLY : OUTCOME_LOSS,
                k < 15 ? (10 + k % 2) * NS_PER_MS : DELAY_UNDEFINED);
        struct summary s = summary_of(w);
        CHECK_INT(0, s.counters[COUNTER_REORDERED], "nothing was overtaken");
        CHECK_INT(5, s.longest_burst, "the order goes on");
        CHECK(s.variation.count >= 9 + 4 && s.variation.count <= 14, "%llu pairs",
              (unsigned long long)s.variation.count);
        window_destroy(w);
    }
}

static void an_interruption_parts_neighbours(void **state)
{
    (void)state;
    struct window *w = window_create(&icmp, start);
    add(w, 0, OUTCOME_REPLY, 10 * NS_PER_MS);
    add(w, 1000, OUTCOME_REPLY, 11 * NS_PER_MS);
    window_interrupted(w);
    add(w, 500, OUTCOME_REPLY, 99 * NS_PER_MS); /* stepped back by less than a window */
    add(w, 1500, OUTCOME_REPLY, 97 * NS_PER_MS);
    struct summary s = summary_of(w);
    CHECK_INT(2, s.variation.count, "one before, one after");
    CHECK_INT(2 * NS_PER_MS, s.variation.max_ns, "none across");
    CHECK_INT(0, s.counters[COUNTER_REORDERED], "none across");
    window_destroy(w);
}

/* A probe each ms: more than the queue may hold. */
static void the_queue_is_bounded(void **state)
{
    (void)state;
    struct window *w = window_create(&icmp, start);
    for (int64_t k = 0; k < 20000; k++)
        add(w, k, k % 1000 < 3 ? OUTCOME_LOSS : OUTCOME_REPLY,
            k % 1000 < 3 ? DELAY_UNDEFINED : NS_PER_MS + k % 5);
    struct summary s = summary_of(w);
    CHECK_INT(3, s.longest_burst, "bursts");
    CHECK_INT(20000 - 20 * 3 - 20, s.variation.count, "pairs");
    window_destroy(w);
}

/* ---- memory ---- */

#define TARGETS 100

struct stream {
    struct window *w;
    struct histogram delays[DELAYS_MAX], variation;
};

static void minute(struct stream *s, const struct kind *kind, struct random *r, int64_t m)
{
    int64_t every_ms = kind == &https ? 10000 : 1000;
    size_t n = kind_delays(kind);
    for (int64_t ms = 0; ms < 60000; ms += every_ms) {
        struct result result = at(m * 60000 + ms, OUTCOME_REPLY, 0);
        for (size_t i = 0; i < n; i++)
            result.delays[i] =
                20 * NS_PER_MS + (int64_t)random_exponential(r, (double)NS_PER_MS);
        window_add(s->w, &result);
    }
    for (size_t i = 0; i < n; i++)
        window_merge_delay(s->w, i, &s->delays[i]);
    window_merge_variation(s->w, &s->variation);
    window_reset(s->w, start);
}

/* All windows and cumulative histograms of 100 targets, three kinds, two families. */
static void a_hundred_targets_are_small(void **state)
{
    (void)state;
    static const struct kind *const kinds[] = {&icmp, &tcp, &https};
    static struct stream streams[TARGETS * 3 * 2];
    struct random r = random_from(check_seed());
    size_t before = mallinfo2().uordblks;
    for (size_t i = 0; i < TARGETS * 3 * 2; i++) {
        struct stream *s = &streams[i];
        s->w = window_create(kinds[i % 3], start);
        for (size_t d = 0; d < DELAYS_MAX; d++)
            s->delays[d] = histogram_empty();
        s->variation = histogram_empty();
        for (int64_t m = 0; m < 20; m++)
            minute(s, kinds[i % 3], &r, m);
    }
    size_t used = mallinfo2().uordblks - before;
    for (size_t i = 0; i < TARGETS * 3 * 2; i++) {
        window_destroy(streams[i].w);
        for (size_t d = 0; d < DELAYS_MAX; d++)
            histogram_free(&streams[i].delays[d]);
        histogram_free(&streams[i].variation);
    }
    if (used == 0)
        return; /* a sanitizer's allocator does not say */
    printf("# %zu KiB for %d targets\n", (used + sizeof streams) / 1024, TARGETS);
    CHECK(used + sizeof streams < 5 << 19, "2.5 MiB are passed: %zu bytes",
          used + sizeof streams);
}

static void a_reset_keeps_the_memory(void **state)
{
    (void)state;
    struct window *w = window_create(&icmp, start);
    struct stream s = {.w = w, .variation = histogram_empty()};
    s.delays[0] = histogram_empty();
    struct random r = random_from(1), again = r;
    minute(&s, &icmp, &r, 0);
    r = again;
    minute(&s, &icmp, &r, 1);
    size_t before = mallinfo2().uordblks;
    r = again;
    minute(&s, &icmp, &r, 2); /* the same values once more */
    size_t after = mallinfo2().uordblks;
    window_destroy(w);
    histogram_free(&s.delays[0]);
    histogram_free(&s.variation);
    if (before == 0)
        return;
    CHECK_INT(before, after, "bytes");
}

static bool busy_with(uint64_t answered, uint64_t missed, bool interrupted, bool late)
{
    struct summary s;
    struct window *w = window_create(&icmp, (struct wall){0});
    struct endpoint to = {.family = FAMILY_IPV4};
    for (uint64_t i = 0; i < answered; i++) {
        struct result r = result_of(0, &to, (struct wall){(int64_t)i}, OUTCOME_REPLY);
        window_add(w, &r);
    }
    window_count(w, COUNTER_MISSED, missed);
    if (interrupted)
        window_interrupted(w);
    if (late)
        window_busy(w);
    window_summary(w, (struct wall){NS_PER_S}, &s);
    bool busy = s.busy;
    window_reset(w, (struct wall){NS_PER_S});
    window_summary(w, (struct wall){NS_PER_S}, &s);
    CHECK(!s.busy, "the next window begins anew");
    window_destroy(w);
    return busy;
}

static void a_busy_host_is_told(void **state)
{
    (void)state;
    CHECK(!busy_with(60, 0, false, false), "all in time");
    CHECK(!busy_with(95, 5, false, false), "few were missed");
    CHECK(busy_with(94, 6, false, false), "too many were");
    CHECK(busy_with(0, 1, false, false), "all were");
    CHECK(!busy_with(1, 60, true, false), "a sleep is no work");
    CHECK(busy_with(60, 0, false, true), "late");
    CHECK(busy_with(1, 60, true, true), "late after a sleep");
}

static void what_is_left_out_is_gone(void **state)
{
    (void)state;
    struct endpoint to = {.family = FAMILY_IPV4};
    for (int n = 10; n <= 10 * WINDOW_EXACT_MAX; n *= 10) {
        struct summary s;
        struct window *w = window_create(&icmp, (struct wall){0});
        for (int i = 0; i < n; i++) {
            struct result r =
                result_of(0, &to, (struct wall){i * NS_PER_S}, OUTCOME_REPLY);
            r.delays[0] = (2 + i % 2) * NS_PER_MS;
            window_add(w, &r);
        }
        window_leave_out(w, 0);
        struct result last =
            result_of(0, &to, (struct wall){n * NS_PER_S}, OUTCOME_REPLY);
        last.delays[0] = 30 * NS_PER_MS;
        window_add(w, &last);
        window_summary(w, (struct wall){n * NS_PER_S}, &s);
        CHECK_INT(n + 1, s.received, "the answers count");
        CHECK_INT(1, s.delays[0].count, "what came later counts");
        CHECK_INT(30 * NS_PER_MS, s.delays[0].min_ns, "and nothing else");
        CHECK_INT(0, s.variation.count, "no variation against what was left out");
        window_destroy(w);
    }
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Oracle: the true values, of which the window sees only those up to a limit. */
static void censored_percentiles_are_never_false(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 5, 20, 60, 120, 400, 1500};
    struct random chance = random_from(check_seed());
    for (int round = 0; round < 400; round++) {
        size_t n = sizes[round % 8], over = 0;
        int64_t limit_ns = (int64_t)(1 + random_below(&chance, 12000)) * NS_PER_MS;
        int64_t *values = calloc(n, sizeof *values);
        struct window *w = window_create(&tcp, start);
        for (size_t i = 0; i < n; i++) {
            values[i] = (int64_t)(1 + random_below(&chance, 12000)) * NS_PER_MS;
            bool seen = values[i] <= limit_ns;
            struct result r = at((int64_t)i, seen ? OUTCOME_REPLY : OUTCOME_SLOW,
                                 seen ? values[i] : DELAY_UNDEFINED);
            r.longer_than[0] = seen ? 0 : limit_ns;
            over += !seen;
            window_add(w, &r);
        }
        qsort(values, n, sizeof *values, ascending);
        struct summary s = summary_of(w);
        const struct delay_summary *d = &s.delays[0];
        CHECK_INT(over, d->over, "censored");
        CHECK_NEAR(0, s.loss_ratio, 0, "slow is not lost");
        for (size_t p = 0; p < PERCENTILES; p++) {
            int64_t exact_ns =
                values[(size_t)ceil(percentile_quantile[p] * (double)n - 1e-9) - 1];
            bool hidden = exact_ns > limit_ns;
            CHECK_INT(hidden, d->is_over[p], "is it among the censored");
            if (hidden)
                CHECK(d->percentile_ns[p] == limit_ns && !d->supported[p], "the bound");
            else
                CHECK_NEAR((double)exact_ns, (double)d->percentile_ns[p],
                           0.01 * (double)exact_ns, "exact");
        }
        window_destroy(w);
        free(values);
    }
}

/* Two replies with a loss between them, which is known later than the second. */
static void results_are_sorted_for_the_waiting_time(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t waiting_s, late_s;
        uint64_t pairs; /* of replies that seem to be neighbours */
    } cases[] = {
        {"within the longest waiting time", 10, 9, 0},
        {"within that of the target", 2, 2, 0},
        {"later than that: the clock was set back", 2, 4, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct window *w = window_create(&icmp, start);
        window_waits(w, cases[i].waiting_s * NS_PER_S);
        add(w, 0, OUTCOME_REPLY, NS_PER_MS);
        add(w, 10000, OUTCOME_REPLY, NS_PER_MS);
        add(w, 10000 - 1000 * cases[i].late_s, OUTCOME_LOSS, DELAY_UNDEFINED);
        CHECK_INT(cases[i].pairs, summary_of(w).variation.count, cases[i].what);
        window_destroy(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_sorted_for_the_waiting_time),
        cmocka_unit_test(an_empty_window_says_nothing),
        cmocka_unit_test(censored_percentiles_are_never_false),
        cmocka_unit_test(outcomes_are_counted_for_what_they_are),
        cmocka_unit_test(counters_come_and_go),
        cmocka_unit_test(percentiles_are_order_statistics),
        cmocka_unit_test(few_values_do_not_support_a_high_percentile),
        cmocka_unit_test(each_delay_has_its_own_values),
        cmocka_unit_test(addresses_are_not_compared),
        cmocka_unit_test(order_of_deciding_does_not_matter),
        cmocka_unit_test(losses_come_late),
        cmocka_unit_test(losses_come_very_late),
        cmocka_unit_test(the_order_goes_on_in_the_next_window),
        cmocka_unit_test(a_black_hole_is_one_burst),
        cmocka_unit_test(a_clock_that_steps_does_not_last),
        cmocka_unit_test(an_interruption_parts_neighbours),
        cmocka_unit_test(the_queue_is_bounded),
        cmocka_unit_test(a_hundred_targets_are_small),
        cmocka_unit_test(a_reset_keeps_the_memory),
        cmocka_unit_test(a_busy_host_is_told),
        cmocka_unit_test(what_is_left_out_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
