#include "report/dataset.h"

#include "core/time.h"
#include "office.h"
#include "unit/cmd/requests.h"

#include <errno.h>

/*
 * One letter for each minute: '6' six answers, 'L' five and a loss, 'D' six losses, '.'
 * nothing sent; 's' six answers whose batch is lost, 't' six whose batch is added twice,
 * 'o' six, then the previous batch is added again; 'r' the agent restarts.
 */
static void live(struct office *o, struct dataset *p, const char *letters)
{
    struct office before;
    for (; *letters != '\0'; letters++) {
        before = *o;
        if (*letters == 'r') {
            office_start(o);
            continue;
        }
        office_window(o,
                      *letters == 'L'                      ? 5
                      : *letters == 'D' || *letters == '.' ? 0
                                                           : 6,
                      *letters == 'L'   ? 1
                      : *letters == 'D' ? 6
                                        : 0,
                      10);
        if (*letters != 's')
            CHECK_INT(0, office_add(o, p), "added");
        if (*letters == 't')
            CHECK_INT(0, office_add(o, p), "added again");
        if (*letters == 'o')
            CHECK_INT(0, office_add(&before, p), "added late");
    }
}

static const struct {
    const char *what, *letters;
    int since; /* minute */
    bool delta;
    unsigned replies, lost, samples, histogram;
} cases[] = {
    {"all since the start", "66L", 0, false, 17, 1, 3, 17},
    {"counts before the period are subtracted", "6666L6", 3, false, 17, 1, 3, 17},
    {"no batch from before the period: starts at the first one", "ss66L", 1, false, 11, 1,
     3, 11},
    {"a lost batch loses a window, not its counts", "6s6", 0, false, 18, 0, 2, 18},
    {"added twice, counted once", "6t6", 0, false, 18, 0, 3, 18},
    {"an older batch is ignored", "66o6", 0, false, 24, 0, 4, 24},
    {"restart: counters begin at 0", "66rL6", 0, false, 23, 1, 4, 23},
    {"restart before the period", "66r66", 3, false, 6, 0, 1, 6},
    {"restart, and its first batch is lost", "66rs6", 0, false, 24, 0, 3, 24},
    {"windows without a probe", "6..6", 0, false, 12, 0, 2, 12},
    {"all lost", "6DD6", 0, false, 12, 12, 4, 12},
    {"delta", "66L", 0, true, 17, 1, 3, 17},
    {"delta, windows before the period", "666L", 2, true, 11, 1, 2, 11},
    {"delta, added twice, counted once", "6t6", 0, true, 18, 0, 3, 18},
    {"delta, a lost batch loses its counts", "6s6", 0, true, 12, 0, 2, 12},
    {"nothing in the period", "66", 5, false, 0, 0, 0, 0},
};

static void test_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct office o;
        struct dataset *p =
            dataset_create(&office_kinds, office_at(cases[i].since), office_at(100));
        office_open(&o);
        o.batch.delta = cases[i].delta;
        live(&o, p, cases[i].letters);
        dataset_end(p);
        CHECK_INT(1, p->n_targets, cases[i].what);
        const struct dataset_stream *s = &p->targets[0]->streams[0];
        const struct dataset_series *series = s->series[0];
        CHECK_INT(cases[i].replies, series->sum.outcomes[OUTCOME_REPLY], cases[i].what);
        CHECK_INT(cases[i].lost, series->sum.outcomes[OUTCOME_LOSS], cases[i].what);
        CHECK_INT(cases[i].samples, s->n, cases[i].what);
        const struct dataset_delay *c = dataset_delay(series, "rtt");
        CHECK_INT(cases[i].histogram, c != NULL ? c->sum.count : 0, cases[i].what);
        CHECK_INT(0, p->left_out, cases[i].what);
        dataset_free(p);
        office_close(&o);
    }
}

/* Without exported percentiles of a window, the increase of the histogram is used. */
static void test_percentiles_of_windows(void **state)
{
    (void)state;
    static const double ms[] = {10, 200, 30, 30, 5};
    for (int delta = 0; delta < 2; delta++) {
        struct office o;
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(100));
        office_open(&o);
        o.batch.delta = delta;
        for (size_t i = 0; i < 5; i++) {
            office_window(&o, 1, 0, ms[i]);
            CHECK_INT(0, office_add(&o, p), "added");
        }
        dataset_end(p);
        const struct dataset_stream *s = &p->targets[0]->streams[0];
        CHECK_INT(5, s->n, "windows");
        for (size_t i = 0; i < s->n; i++) {
            double near = ms[i] * 1e6 * 0.012; /* a bucket */
            CHECK_NEAR(ms[i] * 1e6, (double)s->samples[i].p50_ns, near, "p50");
            CHECK_NEAR(ms[i] * 1e6, (double)s->samples[i].highest_ns, near, "highest");
        }
        dataset_free(p);
        office_close(&o);
    }
}

/* Six values have no 95th percentile: what a window keeps is the median and the highest. */
static void test_highest_of_windows(void **state)
{
    (void)state;
    for (int delta = 0; delta < 2; delta++) {
        struct office o;
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(100));
        office_open(&o);
        o.batch.delta = delta;
        for (int w = 0; w < 4; w++) {
            office_window(&o, 5, 0, 10);
            o.series.outcomes[OUTCOME_REPLY]++;
            histogram_add(&o.series.delays[0], (w == 2 ? 90 : 20) * NS_PER_MS);
            o.series.extreme |= w == 0 || w == 2;
            CHECK_INT(0, office_add(&o, p), "added");
        }
        dataset_end(p);
        const struct dataset_stream *s = &p->targets[0]->streams[0];
        for (size_t i = 0; i < s->n; i++) {
            double highest = i == 2 ? 90e6 : 20e6;
            CHECK_NEAR(10e6, (double)s->samples[i].p50_ns, 12e4, "p50");
            CHECK_NEAR(highest, (double)s->samples[i].highest_ns, 0.012 * highest,
                       "highest");
        }
        dataset_free(p);
        office_close(&o);
    }
}

/* Percentiles of rolling periods are kept apart from those of windows. */
static void test_periods(void **state)
{
    (void)state;
    struct period_summary hour_of[1] = {{0}};
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(100));
    office_open(&o);
    for (int64_t i = 0; i < 3; i++) {
        struct delay_summary *hour = &hour_of[0].delay;
        office_window(&o, 6, 0, 10);
        o.series.periods[PERIOD_HOUR] = hour_of;
        o.series.due[PERIOD_HOUR] = i < 2;
        hour->supported[P50] = hour->supported[P90] = true;
        hour->percentile_ns[P50] = (20 + i) * NS_PER_MS;
        hour->low_ns[P50] = (15 + i) * NS_PER_MS;
        hour->high_ns[P50] = (25 + i) * NS_PER_MS;
        hour->percentile_ns[P90] = (40 + i) * NS_PER_MS;
        hour_of[0].age_ns = 50 * MINUTE_NS;
        hour_of[0].end = o.batch.time;
        CHECK_INT(0, office_add(&o, p), "added");
    }
    dataset_end(p);
    const struct dataset_stream *s = &p->targets[0]->streams[0];
    const struct dataset_period *hour = &s->series[0]->periods[PERIOD_HOUR];
    CHECK_INT(3, s->n, "windows");
    for (size_t i = 0; i < s->n; i++)
        CHECK_NEAR(10e6, (double)s->samples[i].p50_ns, 30, "p50 of the window");
    CHECK_INT(office_at(2), hour->time_ns, "the newest one");
    CHECK_NEAR(21e6, (double)hour->percentiles[P50].ns, 30, "p50 of the hour");
    CHECK_NEAR(16e6, (double)hour->percentiles[P50].low_ns, 30, "low");
    CHECK_NEAR(26e6, (double)hour->percentiles[P50].high_ns, 30, "high");
    CHECK_NEAR(41e6, (double)hour->percentiles[P90].ns, 30, "p90 of the hour");
    CHECK_INT(0, hour->percentiles[P99].ns, "p99 is not stated");
    CHECK_INT(0, s->series[0]->periods[PERIOD_DAY].time_ns, "nor the day");
    CHECK(p->window_ns <= MINUTE_NS, "an hour is no window");
    dataset_free(p);
    office_close(&o);
}

/* A count begins with a zero point inside the window if the PoP changed in the window. */
static void test_beginnings(void **state)
{
    (void)state;
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(100));
    office_open(&o);
    office_window(&o, 6, 1, 10);
    CHECK_INT(0, office_add(&o, p), "added");
    office_window(&o, 6, 1, 10);
    o.series.outcomes[OUTCOME_REFUSED] = o.series.window.outcomes[OUTCOME_REFUSED] = 2;
    o.series.window.start.ns += MINUTE_NS / 2;
    CHECK_INT(0, office_add(&o, p), "added");
    dataset_end(p);
    const struct dataset_stream *s = &p->targets[0]->streams[0];
    CHECK_INT(12, s->series[0]->sum.outcomes[OUTCOME_REPLY], "replies");
    CHECK_INT(2, s->series[0]->sum.outcomes[OUTCOME_LOSS], "losses");
    CHECK_INT(2, s->series[0]->sum.outcomes[OUTCOME_REFUSED], "refused");
    CHECK_INT(2, s->n, "windows");
    CHECK_INT(12, dataset_delay(s->series[0], "rtt")->sum.count, "delays");
    dataset_free(p);
    office_close(&o);
}

/* One sample for each window, only in the period. */
static void test_samples(void **state)
{
    (void)state;
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(1), office_at(100));
    office_open(&o);
    office_window(&o, 6, 3, 900);
    office_add(&o, p);
    office_window(&o, 5, 1, 10);
    office_add(&o, p);
    office_window(&o, 6, 0, 20);
    strcpy(o.series.pop, "LON");
    office_add(&o, p); /* all counts in another series */
    dataset_end(p);
    const struct dataset_stream *s = &p->targets[0]->streams[0];
    CHECK_INT(2, s->n, "two windows");
    CHECK_INT(office_at(1), s->samples[0].start_ns, "begins");
    CHECK_INT(office_at(2), s->samples[0].end_ns, "ends");
    CHECK_NEAR(10e6, (double)s->samples[0].p50_ns, 30, "p50");
    CHECK_NEAR(10e6, (double)s->samples[0].highest_ns, 12e4, "highest, of the histogram");
    CHECK_INT(6, s->samples[0].sent, "sent");
    CHECK_INT(1, s->samples[0].lost, "lost");
    CHECK_NEAR(20e6, (double)s->samples[1].p50_ns, 30, "p50 of the other series");
    CHECK_TEXT("AMS", s->series[s->samples[0].series]->pop, "the series before");
    CHECK_TEXT("LON", s->series[s->samples[1].series]->pop, "the series after");
    const struct histogram *h = &dataset_delay(s->series[0], "rtt")->sum;
    CHECK_INT(5, h->count, "without the window before the period");
    CHECK_NEAR(10e6, (double)histogram_quantile(h, 0.5), 1e5, "median of the period");
    CHECK(h->max_ns < 11 * NS_PER_MS, "nor its maximum: %" PRId64, h->max_ns);
    dataset_free(p);
    office_close(&o);
}

static void test_target(void **state)
{
    (void)state;
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(100));
    office_open(&o);
    live(&o, p, "66DD");
    o.state.rank = 3;
    live(&o, p, "6ss6");
    dataset_end(p);
    const struct dataset_target *t = p->targets[0];
    CHECK_TEXT("teams", t->name, "name");
    CHECK_TEXT("teams", t->service, "service");
    CHECK_TEXT("teams.example", t->host, "host");
    CHECK_INT(3, t->rank, "the last rank");
    CHECK_INT(1, t->down.n, "one time without an answer");
    CHECK_INT(office_at(2), t->down.all[0].start_ns, "from");
    CHECK_INT(office_at(4), t->down.all[0].end_ns, "to");
    CHECK_INT(2, p->covered.n, "a gap where batches are missing");
    CHECK_INT(office_at(5), p->covered.all[0].end_ns, "it begins");
    CHECK_INT(office_at(7), p->covered.all[1].start_ns, "it ends");
    CHECK_INT(MINUTE_NS, p->window_ns, "windows of a minute");
    CHECK_INT(6 * MINUTE_NS, intervals_sum(&p->covered), "six minutes");
    CHECK_TEXT("Lyon", p->site, "site");
    CHECK_TEXT("1.2.3", p->version, "version");
    dataset_free(p);
    office_close(&o);
}

/* Once in the period is enough; before the period it is ignored. */
static void test_foreign(void **state)
{
    (void)state;
    for (int since = 0; since < 8; since += 4) {
        struct office o;
        struct dataset *p =
            dataset_create(&office_kinds, office_at(since), office_at(100));
        office_open(&o);
        live(&o, p, "66");
        o.state.owner = &(struct owner){.type = OWNER_FOREIGN};
        live(&o, p, "6");
        o.state.owner = &(struct owner){.type = OWNER_EDGE};
        live(&o, p, "66666");
        dataset_end(p);
        CHECK_INT(since == 0, p->targets[0]->foreign, "another network answered");
        dataset_free(p);
        office_close(&o);
    }
}

static void test_silence(void **state)
{
    (void)state;
    static const struct kind https = {.name = "https"};
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(100));
    office_open(&o);
    o.series.silent_while = &https;
    live(&o, p, "DD");
    dataset_end(p);
    const struct dataset_stream *s = &p->targets[0]->streams[0];
    CHECK_INT(0, s->n, "no samples");
    CHECK_INT(12, s->series[0]->unanswered, "unanswered probes");
    CHECK_INT(0, s->series[0]->sum.outcomes[OUTCOME_LOSS], "no loss");
    dataset_free(p);
    office_close(&o);
}

static void test_events(void **state)
{
    (void)state;
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(1), office_at(100));
    office_open(&o);
    office_window(&o, 6, 0, 10);
    office_event(&o, "edgelat.state.changed", "up", "down", "before the period");
    office_add(&o, p);
    office_window(&o, 6, 0, 10);
    office_event(&o, "edgelat.state.changed", "up", "degraded", "a \x1b[31m b");
    office_add(&o, p);
    office_add(&o, p);
    dataset_end(p);
    CHECK_INT(1, p->n_events, "once, of the period");
    const struct dataset_event *e = &p->events[0];
    CHECK_INT(office_at(2), e->time_ns, "time");
    CHECK_INT(SEVERITY_WARN, e->severity, "severity");
    CHECK_TEXT("edgelat.state.changed", e->name, "name");
    CHECK_TEXT("teams", e->target, "target");
    CHECK_TEXT("tcp", e->kind, "kind");
    CHECK_TEXT("ipv4", e->family, "family");
    CHECK_TEXT("degraded", e->after, "after");
    CHECK_TEXT("a ?[31m b", e->text, "cleaned");
    dataset_free(p);
    office_close(&o);
}

static void test_self(void **state)
{
    (void)state;
    struct office o;
    struct dataset *p = dataset_create(&office_kinds, office_at(1), office_at(100));
    office_open(&o);
    const double dropped[] = {5, 7, -1 /* restart */, 2, 6};
    for (size_t i = 0; i < 5; i++) {
        if (dropped[i] < 0) {
            office_start(&o);
            continue;
        }
        o.self[0].value = dropped[i];
        office_window(&o, 6, 0, 10);
        office_add(&o, p);
    }
    dataset_end(p);
    const struct dataset_self *self = dataset_self(p, "edgelat.agent.spool.dropped", "");
    CHECK(self != NULL, "it is there");
    CHECK_NEAR(2 + 2 + 4, self->sum, 0, "increase in the period");
    CHECK_INT(2, p->n_runs, "two starts");
    CHECK_INT(office_at(2), p->runs[1], "the second one");
    dataset_free(p);
    office_close(&o);
}

static void test_other_agents(void **state)
{
    (void)state;
    for (int any = 0; any < 2; any++) {
        struct office o;
        struct dataset *p = dataset_create(&office_kinds, office_at(0), office_at(100));
        p->any_agent = any;
        office_open(&o);
        live(&o, p, "6");
        office_window(&o, 6, 0, 10);
        o.resource.instance_id = "id-2";
        CHECK_INT(any ? 0 : -EXDEV, office_add(&o, p), "another agent's");
        dataset_end(p);
        CHECK_TEXT(any ? "id-2" : "id-1", p->instance, "instance");
        CHECK_INT(-EBADMSG, dataset_add(p, SIGNAL_METRICS, "\x0a\xff", 2), "no batch");
        dataset_free(p);
        office_close(&o);
    }
}

/* Hostile batches: all values are bounded. */
static void test_hostile(void **state)
{
    (void)state;
    static const uint64_t huge[] = {UINT64_MAX, 1};
    struct dataset *p = dataset_create(&office_kinds, 0, INT64_MAX);
    for (int i = 0; i < 300; i++) {
        char name[24];
        struct made m;
        size_t len;
        snprintf(name, sizeof name, "target-%d", i);
        const char *const key[] = {name, i == 0 ? "" : "tcp", "ipv4", "A<b>"};
        made_begin(&m);
        made_results(&m, key, "loss", INT64_MAX);
        made_results(&m, key, "reply", INT64_MIN);
        made_delays(&m, key, "rtt", 6, INT32_MAX - 1, huge, 2);
        made_delays(&m, key, "rtt", 6, 0, huge, 2);
        void *bytes = made_pack(&m, &len);
        CHECK_INT(0, dataset_add(p, SIGNAL_METRICS, bytes, len), "added");
        free(bytes);
        made_end(&m);
    }
    dataset_end(p);
    CHECK_INT(DATASET_TARGETS_MAX, p->n_targets, "at the limit");
    CHECK(p->left_out > 0, "the rest is counted");
    dataset_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_beginnings),
        cmocka_unit_test(test_percentiles_of_windows),
        cmocka_unit_test(test_highest_of_windows),
        cmocka_unit_test(test_periods),
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_self),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_other_agents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
