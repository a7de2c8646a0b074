/*
 * A month on a metered link in adversarial worlds: outages, crashes and restarts, a clock that
 * is set to and fro, networks that change, surveys every hour, targets that come. The ledger is
 * the test's: what each probe really put on the wire, by the day of true time. Is the budget ever
 * exceeded, and is it used?
 */
#include "check.h"
#include "core/pipeline.h"
#include "core/random.h"
#include "interned.h"

#include <math.h>
#include <string.h>

#define DAY_NS   (86400 * NS_PER_S)
#define START_NS (INT64_C(1795392000) * NS_PER_S) /* a midnight */

enum { SITE_TARGETS = 12, DAYS_MAX = 31, HTTPS_WIRE = 6000 };

static const struct kind ping = {.name = "icmp",
                                 .delays = {"rtt"},
                                 .roles = {DELAY_ROUND_TRIP},
                                 .on_by_default = true,
                                 .single_packets = true,
                                 .may_be_filtered = true,
                                 .interval_ns = 10 * NS_PER_S,
                                 .slow_interval_ns = 60 * NS_PER_S,
                                 .packets = 2,
                                 .bytes = 96,
                                 .payloads = 2};
static const struct kind syn = {.name = "tcp",
                                .delays = {"rtt"},
                                .roles = {DELAY_HANDSHAKE},
                                .uses = USES_PORT,
                                .on_by_default = true,
                                .single_packets = true,
                                .interval_ns = 10 * NS_PER_S,
                                .slow_interval_ns = 60 * NS_PER_S,
                                .packets = 7,
                                .bytes = 500};
static const struct kind web = {.name = "https",
                                .delays = {"rtt"},
                                .roles = {DELAY_HANDSHAKE},
                                .uses = USES_PORT,
                                .on_by_default = true,
                                .interval_ns = 60 * NS_PER_S,
                                .slow_interval_ns = 300 * NS_PER_S,
                                .packets = 80,
                                .bytes = 70000};
static const struct kinds kinds = {{&ping, &syn, &web}, 3};

enum trouble {
    CALM,
    OUTAGES,
    RESTARTS,
    CRASHES,
    CLOCK_TO_AND_FRO,
    MOVES,
    ALL_OF_IT,
    TROUBLES
};
static const char *const troubles[TROUBLES] = {
    "calm",           "outages",  "clean restarts", "crashes", "clock set to and fro",
    "other networks", "all of it"};

struct world {
    struct random random;
    enum trouble trouble;
    struct target targets[SITE_TARGETS];
    struct budget budget;
    struct pipeline *pipeline;
    struct text file; /* the state file */
    int64_t now_ns;   /* true time since START_NS */
    int64_t clock_off_ns, boot_ns;
    bool outage;
    double spent[DAYS_MAX + 1], packets[DAYS_MAX + 1]; /* by the day of true time */
    uint64_t probes[SITE_TARGETS][3];
    uint64_t others[BUDGET_USES];
    uint64_t restarts, refused;
};

static bool has(const struct world *w, enum trouble t)
{
    return w->trouble == t || w->trouble == ALL_OF_IT;
}

static struct mono mono_of(const struct world *w)
{
    return (struct mono){w->now_ns - w->boot_ns + NS_PER_S};
}

static struct wall wall_of(const struct world *w)
{
    return (struct wall){START_NS + w->now_ns + w->clock_off_ns};
}

static void keep(struct world *w, bool stop)
{
    struct text text = {0};
    double granted;
    if (!budget_grant(&w->budget, stop, &text, &granted))
        return;
    text_free(&w->file);
    w->file = text;
    budget_granted(&w->budget, granted);
}

static void boot(struct world *w, struct budget_amount limit)
{
    w->boot_ns = w->now_ns;
    struct pipeline_settings settings = {.window_ns = 60 * NS_PER_S,
                                         .nearest = 3,
                                         .ranking = {.loss_limit = 0.1},
                                         .targets = w->targets,
                                         .n_targets = SITE_TARGETS,
                                         .budget = &w->budget};
    budget_begin(&w->budget, limit, wall_of(w), mono_of(w));
    if (w->file.len > 0)
        CHECK(budget_read(&w->budget, w->file.bytes, w->file.len), "the state file");
    keep(w, false);
    w->pipeline = pipeline_create(&settings, &kinds, random_next(&w->random), mono_of(w),
                                  wall_of(w));
    for (size_t t = 0; t < SITE_TARGETS; t++) {
        struct endpoint at = {.family = FAMILY_IPV4, .bytes = {198, 51, 100, (uint8_t)t}};
        pipeline_resolved(w->pipeline, t, FAMILY_IPV4, at, "", mono_of(w), wall_of(w));
    }
}

static void stop(struct world *w, bool crash)
{
    if (!crash)
        keep(w, true);
    w->refused += w->budget.refused;
    pipeline_destroy(w->pipeline);
    w->pipeline = NULL;
    w->restarts++;
}

static struct budget_amount wire_of(const struct world *w, const struct probe_request *o)
{
    static const struct budget_amount all[3][2] = {
        {{208, 2}, {104, 1}}, {{450, 6}, {320, 4}}, {{HTTPS_WIRE, 34}, {400, 5}}};
    return all[o->kind][w->outage];
}

/* An answer comes at once: its time does not matter here. */
static void probe(struct world *w, const struct probe_request *o)
{
    struct budget_amount wire = wire_of(w, o);
    size_t t = (size_t)(o->target - w->targets);
    w->spent[w->now_ns / DAY_NS] += wire.bytes;
    w->packets[w->now_ns / DAY_NS] += wire.packets;
    w->probes[t][o->kind]++;
    struct result r = result_of(o->stream, &o->to, wall_of(w),
                                w->outage ? OUTCOME_LOSS : OUTCOME_REPLY);
    if (!w->outage)
        r.delays[0] = (int64_t)(t + 1) * 5 * NS_PER_MS;
    if (o->kind == 2) {
        r.wire_bytes = w->outage ? 600 : HTTPS_WIRE;
        r.wire_packets = w->outage ? 7 : 40;
    }
    pipeline_result(w->pipeline, &r);
}

static void other(struct world *w, enum budget_use use, struct budget_amount most,
                  struct budget_amount used)
{
    if (!budget_take(&w->budget, use, most, wall_of(w), mono_of(w)))
        return;
    budget_settle(&w->budget, use, most, used);
    w->spent[w->now_ns / DAY_NS] += used.bytes;
    w->packets[w->now_ns / DAY_NS] += used.packets;
    w->others[use]++;
}

/* Each hour: names of all targets, a trace to each, a search of MTUs, a burst like a call. */
static void others(struct world *w)
{
    for (size_t t = 0; t < SITE_TARGETS; t++) {
        other(w, BUDGET_NAMES, BUDGET_LOOKUP, (struct budget_amount){500, 2});
        other(w, BUDGET_PATHS, (struct budget_amount){18000, 180},
              (struct budget_amount){6000, 60});
    }
    other(w, BUDGET_PATHS, (struct budget_amount){120000, 80},
          (struct budget_amount){40000, 40});
    other(w, BUDGET_PATHS, (struct budget_amount){186000, 1500},
          (struct budget_amount){150000, 1500});
}

/* One step of a second, in which several things may go wrong. */
static void turn(struct world *w, struct budget_amount limit)
{
    double chance = random_unit(&w->random);
    if (has(w, OUTAGES) && chance < 1.0 / 7200)
        w->outage = !w->outage;
    if ((has(w, RESTARTS) || has(w, CRASHES)) && random_unit(&w->random) < 1.0 / 7200) {
        stop(w, has(w, CRASHES));
        boot(w, limit);
    }
    if (has(w, CLOCK_TO_AND_FRO) && random_unit(&w->random) < 1.0 / 3600)
        w->clock_off_ns =
            random_below(&w->random, 3) == 0
                ? 0
                : random_below(&w->random, 20 * 86400) * NS_PER_S - 10 * DAY_NS;
    if (has(w, MOVES) && random_unit(&w->random) < 1.0 / 1800)
        pipeline_moved(w->pipeline, mono_of(w), wall_of(w));
    if (w->now_ns % (3600 * NS_PER_S) == 0) {
        pipeline_survey_begin(w->pipeline, mono_of(w));
        others(w);
    }
    if (w->now_ns % (3600 * NS_PER_S) == 10 * NS_PER_S)
        pipeline_survey_end(w->pipeline, mono_of(w), &(size_t){0});
    struct probe_request o;
    while (pipeline_take(w->pipeline, mono_of(w), &o))
        probe(w, &o);
    if (wall_of(w).ns >= pipeline_closing(w->pipeline).ns)
        pipeline_close(w->pipeline, mono_of(w), wall_of(w));
    keep(w, false);
}

/* Packets 0: no limit of them. */
static void month(enum trouble trouble, double bytes, double packets, int days)
{
    static struct world w;
    struct budget_amount limit = {bytes, packets};
    w = (struct world){.random = random_from(check_seed() + trouble), .trouble = trouble};
    for (size_t t = 0; t < SITE_TARGETS; t++) {
        w.targets[t] = target_default(&kinds);
        w.targets[t].name = interned("t%zu", t);
        w.targets[t].host = interned("t%zu.example", t);
    }
    boot(&w, limit);
    for (; w.now_ns < days * DAY_NS; w.now_ns += NS_PER_S)
        turn(&w, limit);
    stop(&w, false);
    double highest = 0, sum = 0, most = 0, all = 0;
    for (int d = 0; d < days; d++) {
        highest = w.spent[d] > highest ? w.spent[d] : highest;
        most = w.packets[d] > most ? w.packets[d] : most;
        sum += w.spent[d];
        all += w.packets[d];
    }
    printf(
        "# %-22s %4.0f MB, %4.0f thousand packets a day: %5.1f, %5.1f %% used in the mean, "
        "%5.1f, %5.1f %% on the worst day; %llu restarts; nearest/farthest: icmp "
        "%llu/%llu, https %llu/%llu\n",
        troubles[trouble], bytes / 1e6, packets / 1e3, 100 * sum / days / bytes,
        packets > 0 ? 100 * all / days / packets : 0, 100 * highest / bytes,
        packets > 0 ? 100 * most / packets : 0, (unsigned long long)w.restarts - 1,
        (unsigned long long)w.probes[0][0],
        (unsigned long long)w.probes[SITE_TARGETS - 1][0],
        (unsigned long long)w.probes[0][2],
        (unsigned long long)w.probes[SITE_TARGETS - 1][2]);
    CHECK(highest <= bytes, "%s: %.0f bytes in a day", troubles[trouble], highest);
    CHECK(packets == 0 || most <= packets, "%s: %.0f packets in a day", troubles[trouble],
          most);
    if (trouble == CALM) {
        CHECK(sum / days > 0.6 * bytes || all / days > 0.4 * packets, "it is used");
        CHECK(w.probes[0][0] > 3 * w.probes[SITE_TARGETS - 1][0] / 2,
              "the nearest gets more");
        CHECK(w.probes[SITE_TARGETS - 1][2] >= (uint64_t)days, "nobody is forgotten");
        CHECK(w.others[BUDGET_NAMES] > 0 && w.others[BUDGET_PATHS] > 0,
              "something is left for names and paths");
    }
    text_free(&w.file);
}

static void never_exceeded(void **state)
{
    (void)state;
    int days = check_quick() ? 2 : 30;
    for (enum trouble t = check_quick() ? ALL_OF_IT : CALM; t < TROUBLES; t++)
        month(t, 50e6, 0, days);
    month(CALM, 5e6, 0, days);
    month(ALL_OF_IT, 5e6, 0, days);
    month(CALM, 50e6, 60e3, days); /* the packets bind */
    month(ALL_OF_IT, 50e6, 60e3, days);
    month(ALL_OF_IT, 5e6, 200e3, days); /* the bytes bind */
}

/* Neither is exceeded, whatever the mix. */
static void both_limits(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    struct wall wall = {START_NS};
    struct mono now = {NS_PER_S};
    for (int round = 0; round < 200; round++) {
        struct budget_amount limit = {1e5 * (1 + random_unit(&r)),
                                      10 + 1000 * random_unit(&r)},
                             sum = {0, 0};
        struct budget b;
        budget_begin(&b, limit, wall, now);
        budget_granted(&b, limit.bytes);
        for (int i = 0; i < 2000; i++) {
            struct budget_amount most = {1 + 3000 * random_unit(&r),
                                         1 + (double)random_below(&r, 5)},
                                 used = {most.bytes * random_unit(&r), most.packets};
            if (!budget_take(&b, (enum budget_use)(i % BUDGET_USES), most,
                             (struct wall){wall.ns + DAY_NS - 1}, now))
                continue;
            budget_settle(&b, (enum budget_use)(i % BUDGET_USES), most, used);
            sum.bytes += used.bytes;
            sum.packets += used.packets;
        }
        CHECK(sum.bytes <= limit.bytes && sum.packets <= limit.packets,
              "%.0f of %.0f bytes, %.0f of %.0f packets", sum.bytes, limit.bytes,
              sum.packets, limit.packets);
    }
}

/* Silent ones are probed more often than before, and the others less. */
static void silent_ones_first(void **state)
{
    (void)state;
    struct budget_stream s[] = {
        {200, 1, 4}, {200, 1, 1}, {200, 1, 1}, {70000, 1, 1}, {200, 0.01, 1}};
    budget_share(s, 5, 70);
    double sum = 0;
    for (size_t i = 0; i < 5; i++)
        sum += s[i].bytes * s[i].rate;
    CHECK_NEAR(70, sum, 0.01, "all of it is given");
    CHECK_NEAR(4 * s[1].rate, s[0].rate, 1e-6, "by weight");
    CHECK_NEAR(s[1].rate * 200, s[3].rate * 70000, 1e-3,
               "as many bytes for an expensive one");
    CHECK_NEAR(0.01, s[4].rate, 1e-9, "none gets more than it wants");
    struct budget_stream rich[] = {{200, 1, 4}, {100, 2, 1}};
    budget_share(rich, 2, 401);
    CHECK_NEAR(1, rich[0].rate, 0, "enough for all");
}

/* Against all ways to spend each byte: no other share has a larger sum of logs. */
static void share_is_the_best(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    for (int round = 0; round < 200; round++) {
        struct budget_stream want[3], got[3];
        double most = 0;
        for (size_t i = 0; i < 3; i++) {
            want[i] =
                (struct budget_stream){50 + 1000 * random_unit(&r),
                                       0.01 + random_unit(&r), 1 + random_unit(&r) * 7};
            most += want[i].bytes * want[i].rate;
        }
        double bytes_s = most * (0.1 + 0.8 * random_unit(&r)), best = -1e9, mine = 0,
               sum = 0;
        memcpy(got, want, sizeof got);
        budget_share(got, 3, bytes_s);
        for (size_t i = 0; i < 3; i++) {
            mine += got[i].weight * log(got[i].rate);
            sum += got[i].rate * got[i].bytes;
            CHECK(got[i].rate <= want[i].rate * (1 + 1e-9), "not more than wanted");
        }
        CHECK(sum <= bytes_s * (1 + 1e-9), "within");
        for (int a = 1; a < 200; a++)
            for (int b = 1; b < 200; b++) {
                double x = want[0].rate * a / 200, y = want[1].rate * b / 200;
                double z =
                    (bytes_s - x * want[0].bytes - y * want[1].bytes) / want[2].bytes;
                z = z < want[2].rate ? z : want[2].rate;
                double is = z <= 0 ? -1e9
                                   : want[0].weight * log(x) + want[1].weight * log(y) +
                                         want[2].weight * log(z);
                best = is > best ? is : best;
            }
        CHECK(mine >= best - 1e-6, "round %d: %g, another share has %g", round, mine,
              best);
    }
}

static void state_file(void **state)
{
    (void)state;
    struct wall noon = {START_NS + DAY_NS / 2};
    struct mono now = {5 * NS_PER_S};
    struct budget b;
    struct text text = {0};
    double granted;
    budget_begin(&b, (struct budget_amount){1e6, 0}, noon, now);
    CHECK_NEAR(5e5, budget_spent(&b), 1, "without a file the day so far is spent");
    CHECK(!budget_take(&b, BUDGET_PROBES, (struct budget_amount){100, 1}, noon, now),
          "nothing is granted yet");
    CHECK(budget_grant(&b, false, &text, &granted), "the file is to be written");
    budget_granted(&b, granted);
    CHECK(budget_take(&b, BUDGET_PROBES, (struct budget_amount){100, 1}, noon, now),
          "then it is");
    budget_begin(&b, (struct budget_amount){1e6, 0}, noon, now);
    CHECK(budget_read(&b, text.bytes, text.len), "read back");
    CHECK_NEAR(granted, budget_spent(&b), 10,
               "after a crash all that was granted is spent");
    text_free(&text);
    static const char *const bad[] = {"",
                                      "edgelat-budget 1 20780 5 1 1 1",
                                      "edgelat-budget 2 20780 5 1 1 1\n",
                                      "edgelat-budget 1 -1 5 1 1 1\n",
                                      "edgelat-budget 1 20780 nan 1 1 1\n",
                                      "edgelat-budget 1 20780 2 1 1 1\n",
                                      "edgelat-budget 1 20780 5 -1 1 1\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!budget_read(&b, bad[i], strlen(bad[i])), "damaged: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_exceeded),    cmocka_unit_test(both_limits),
        cmocka_unit_test(silent_ones_first), cmocka_unit_test(share_is_the_best),
        cmocka_unit_test(state_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
