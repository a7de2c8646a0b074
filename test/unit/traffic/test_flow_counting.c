/*
 * How far the counted traffic is from the truth where one to three exporters report the same
 * packets (traffic/flow_meter.h). The truth is the sum of the packets that the simulator
 * sends: bursts and pauses of some hundred conversations. Each exporter is a flow cache with
 * an active and an inactive timeout of its own, a clock that reads 0 to 1 s too old, and a
 * phase; it may sample packets, and may stop for good.
 */
#include "check.h"
#include "core/random.h"
#include "traffic/flow_meter.h"

#include <math.h>

enum { EXPORTERS_MAX = 3, CONVERSATIONS = 200, STEPS_PER_S = 5, PACKET = 1000 };
#define LENGTH_S 1200
#define STEP_NS  (NS_PER_S / STEPS_PER_S)

struct scenario {
    const char *what;
    size_t exporters;
    double sampling[EXPORTERS_MAX]; /* 0: 1:100 or 1:1000, at random */
    bool stops;                     /* the first exporter, half way */
    bool moves;  /* each conversation is seen by one exporter at a time, and moves */
    bool shares; /* each conversation is seen by one exporter only */
    double least, most; /* of the mean of counted to sent, in all trials */
};

static const struct scenario scenarios[] = {
    {"one", 1, {1}, false, false, false, 0.9999, 1.0001},
    {"two, timeouts of their own", 2, {1, 1}, false, false, false, 0.99, 1.01},
    {"three", 3, {1, 1, 1}, false, false, false, 0.99, 1.01},
    {"three, the first stops", 3, {1, 1, 1}, true, false, false, 0.98, 1.02},
    {"two, conversations move", 2, {1, 1}, false, true, false, 0.98, 1.02},
    {"two, each sees half", 2, {1, 1}, false, false, true, 0.9999, 1.0001},
    {"one sampled", 1, {0}, false, false, false, 0.95, 1.05},
    {"two sampled alike", 2, {1000, 1000}, false, false, false, 0.95, 1.07},
    {"two, 1:100 and 1:1000", 2, {100, 1000}, false, false, false, 0.95, 1.07},
    {"three sampled", 3, {0, 0, 0}, false, false, false, 0.95, 1.1},
    {"three sampled, the first stops", 3, {0, 0, 0}, true, false, false, 0.93, 1.1},
    {"two sampled 1:100, each sees half", 2, {100, 100}, false, false, true, 0.8, 1.01},
    {"two, 1:100 and 1:1000, each half", 2, {100, 1000}, false, false, true, 0.6, 1.01},
    {"three sampled 1:100, each a third",
     3,
     {100, 100, 100},
     false,
     false,
     true,
     0.75,
     1.01},
};

struct flow { /* in a cache */
    int64_t first_ns, last_ns;
    uint64_t packets; /* 0: not in the cache */
};

struct exporter {
    struct flow_origin origin;
    int64_t active_ns, inactive_ns;
    double sampling;
    struct flow flows[CONVERSATIONS];
};

static struct prefix list[] = {{.bits = 96 + 14,
                                .service = "teams",
                                .bytes = {[10] = 0xff, [11] = 0xff, [12] = 52, 112}}};
static const struct prefixes prefixes = {.all = list, .n = 1};
static struct rates rates;
static struct flow_meter meter;
static struct exporter exporters[EXPORTERS_MAX];

static void export_flow(struct exporter *e, size_t c, struct mono now,
                        struct random *random)
{
    struct flow *f = &e->flows[c];
    struct flow_record r = {
        .from = {.family = FAMILY_IPV4, .bytes = {10, 0, (uint8_t)(c % 4), 9}},
        .to = {.family = FAMILY_IPV4, .bytes = {52, 112, 0, 1}},
        .protocol = 17,
        .count = {.bytes = f->packets * PACKET, .packets = f->packets, .flows = 1},
        .sampling = e->sampling,
        .age_ns = now.ns - f->last_ns + (int64_t)(random_unit(random) * 1e9),
        .duration_ns = f->last_ns - f->first_ns,
    };
    r.from.port = (uint16_t)(1000 + c);
    r.to.port = 3478;
    flow_meter_take(&meter, &e->origin, &r, now);
    f->packets = 0;
}

static uint64_t sampled(uint64_t packets, double sampling, struct random *random)
{
    uint64_t n = 0;
    if (sampling <= 1)
        return packets;
    for (uint64_t i = 0; i < packets; i++)
        n += random_unit(random) < 1 / sampling;
    return n;
}

static double counted_to_sent(const struct scenario *s, struct random *random)
{
    bool on[CONVERSATIONS] = {false};
    size_t at[CONVERSATIONS];
    uint64_t sent = 0;
    struct mono now = {1000 * NS_PER_S};
    rates_begin(&rates, now);
    flow_meter_begin(&meter, &prefixes, &rates);
    for (size_t k = 0; k < s->exporters; k++) {
        struct exporter *e = &exporters[k];
        memset(e, 0, sizeof *e);
        e->origin = (struct flow_origin){
            .exporter = (uint8_t)(k + 1), .session = 1, .format = FLOW_IPFIX};
        e->active_ns = (int64_t)(5 + 115 * random_unit(random)) * NS_PER_S;
        e->inactive_ns = (int64_t)(5 + 25 * random_unit(random)) * NS_PER_S;
        e->sampling = s->sampling[k] > 0          ? s->sampling[k]
                      : random_unit(random) < 0.5 ? 100
                                                  : 1000;
    }
    for (size_t c = 0; c < CONVERSATIONS; c++)
        at[c] = (size_t)(random_unit(random) * (double)s->exporters);
    for (int step = 0; step < (LENGTH_S + 300) * STEPS_PER_S; step++, now.ns += STEP_NS) {
        bool over = step >= LENGTH_S * STEPS_PER_S;
        size_t from = s->stops && step >= LENGTH_S * STEPS_PER_S / 2 ? 1 : 0;
        for (size_t c = 0; c < CONVERSATIONS; c++) {
            if (random_unit(random) <
                (on[c] ? 1.0 / (30 * STEPS_PER_S) : 1.0 / (60 * STEPS_PER_S)))
                on[c] = !on[c];
            if (s->moves && random_unit(random) < 1.0 / (400 * STEPS_PER_S))
                at[c] = (at[c] + 1) % s->exporters;
            uint64_t packets = on[c] && !over ? (uint64_t)(random_unit(random) * 20) : 0;
            sent += packets;
            for (size_t k = from; k < s->exporters; k++) {
                struct exporter *e = &exporters[k];
                struct flow *f = &e->flows[c];
                bool seen = (!s->moves && !s->shares) || at[c] == k;
                uint64_t n = seen ? sampled(packets, e->sampling, random) : 0;
                if (f->packets > 0 && (now.ns - f->first_ns >= e->active_ns ||
                                       now.ns - f->last_ns >= e->inactive_ns))
                    export_flow(e, c, now, random);
                if (n == 0)
                    continue;
                if (f->packets == 0)
                    f->first_ns = now.ns;
                f->last_ns = now.ns;
                f->packets += n;
            }
        }
        if (step % STEPS_PER_S == 0) {
            rates_turn(&rates, now);
            flow_meter_turn(&meter, now);
        }
    }
    rates_flush(&rates);
    double bytes = rates.n > 0 ? (double)rates.rows[0].total.bytes : 0;
    flow_meter_free(&meter);
    rates_free(&rates);
    return bytes / ((double)sent * PACKET);
}

static void test_error(void **state)
{
    (void)state;
    struct random random = random_from(check_seed());
    int trials = check_quick() ? 2 : 20;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        const struct scenario *s = &scenarios[i];
        double sum = 0, least = INFINITY, most = 0;
        for (int k = 0; k < trials; k++) {
            double ratio = counted_to_sent(s, &random);
            sum += ratio;
            least = fmin(least, ratio);
            most = fmax(most, ratio);
        }
        printf("%-32s counted/sent %.4f (%.4f to %.4f)\n", s->what, sum / trials, least,
               most);
        CHECK(sum / trials >= s->least && sum / trials <= s->most, "%s: %.4f", s->what,
              sum / trials);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
