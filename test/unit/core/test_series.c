#include "check.h"
#include "core/series.h"
#include "unit/core/rig.h"

static void a_series_is_cumulative(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    struct wall start = r.wall;
    resolve(&r, 0, "192.0.2.1", "LON");
    reply(&r, PING4, "192.0.2.1", MS(3));
    give(&r, PING4, "192.0.2.1", OUTCOME_LOSS, DELAY_UNDEFINED, "");
    close_window(&r);
    CHECK_INT(1, r.batch->n_series, "series that had a result, and no others");
    reply(&r, PING4, "192.0.2.1", MS(5));
    pipeline_after(r.p, PING4, COUNTER_LATE);
    close_window(&r);
    const struct series *s = expect_series(&r, PING, "LON", 2, "both windows");
    CHECK_INT(1, s->outcomes[OUTCOME_LOSS], "loss of the first");
    CHECK_INT(1, s->counters[COUNTER_LATE], "that came late in the second");
    CHECK_INT(2, s->delays[0].count, "delays of both");
    CHECK_INT(MS(3), s->delays[0].min_ns, "minimum of both");
    CHECK_INT(1, s->window.sent, "the summary is the window's");
    CHECK_INT(MS(5), s->window.delays[0].min_ns, "and so is its minimum");
    CHECK_INT(start.ns, s->start.ns, "since it began");
    CHECK_INT(r.batch->window_start.ns, s->window.start.ns, "the window's start");
    CHECK_INT(r.batch->time.ns, s->window.end.ns, "the window's end");

    close_window(&r);
    s = expect_series(&r, PING, "LON", 2, "nothing new");
    CHECK(!s->in_window, "it had no window");
    end(&r);
}

/* What is left out of brief batches is never missing for the five minutes after which
 * Prometheus and VictoriaMetrics take a series as ended; a loss is never left out. */
static void brief_series_are_whole_in_time(void **state)
{
    (void)state;
    struct rig r;
    int64_t whole_ns = 0;
    size_t whole = 0;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    for (int minute = 0; minute < 60; minute++) {
        bool lost = minute == 30;
        give(&r, PING4, "192.0.2.1", lost ? OUTCOME_LOSS : OUTCOME_REPLY,
             lost ? DELAY_UNDEFINED : MS(3), "");
        close_window(&r);
        const struct series *s = series(&r, PING, "LON");
        CHECK(minute > 0 || !s->brief, "the first one is whole");
        CHECK_INT(minute != 30 && minute != 31, s->lossless, "nothing lost, nor before");
        if (!s->brief) {
            CHECK(minute == 0 || r.batch->time.ns - whole_ns < 5 * MINUTE_NS, "in time");
            whole_ns = r.batch->time.ns;
            whole++;
        }
    }
    CHECK(whole >= 15 && whole <= 17, "%zu of 60", whole);
    end(&r);
}

/* Histograms begin, and with delta temporality begin again, at the scale of the set. */
static void histograms_have_the_scale_that_was_asked_for(void **state)
{
    (void)state;
    for (int delta = 0; delta < 2; delta++) {
        struct rig r;
        begin(&r);
        pipeline_destroy(r.p);
        r.settings.delta = delta;
        r.settings.coarser = 4;
        r.p = pipeline_create(&r.settings, &kinds, check_seed(), r.now, r.wall);
        resolve(&r, 0, "192.0.2.1", "LON");
        for (int minute = 0; minute < 2; minute++) {
            for (int i = 1; i <= 100; i++)
                reply(&r, PING4, "192.0.2.1", i * MS(1));
            reply(&r, WEB4, "192.0.2.1", MS(1));
            close_window(&r);
            const struct series *s = series(&r, PING, "LON");
            CHECK_INT(HISTOGRAM_SCALE - 4, s->delays[0].scale, "delays");
            CHECK_INT(HISTOGRAM_SCALE - 4 - SERIES_VARIATION_COARSER, s->variation.scale,
                      "variation");
            CHECK_INT(HISTOGRAM_SCALE - 4 - SERIES_PHASES_COARSER,
                      series(&r, WEB, "LON")->delays[1].scale, "a phase");
            int64_t p90 = histogram_quantile(&s->delays[0], 0.9);
            CHECK(llabs(p90 - MS(90)) <= MS(90) * 0.091, "%lld: within 9.1 %%",
                  (long long)p90);
        }
        end(&r);
    }
}

static void as_delta_a_series_has_what_is_new(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    pipeline_destroy(r.p);
    r.settings.delta = true;
    r.p = pipeline_create(&r.settings, &kinds, check_seed(), r.now, r.wall);
    resolve(&r, 0, "192.0.2.1", "LON");
    reply(&r, PING4, "192.0.2.1", MS(3));
    give(&r, PING4, "192.0.2.1", OUTCOME_LOSS, DELAY_UNDEFINED, "");
    close_window(&r);
    CHECK(r.batch->delta, "the batch says so");
    struct wall before = r.batch->time;
    reply(&r, PING4, "192.0.2.1", MS(5));
    close_window(&r);
    const struct series *s = expect_series(&r, PING, "LON", 1, "the second window's");
    CHECK_INT(0, s->outcomes[OUTCOME_LOSS], "not the first one's loss");
    CHECK_INT(1, s->delays[0].count, "nor its delays");
    CHECK_INT(MS(5), s->delays[0].min_ns, "nor their minimum");
    CHECK_INT(before.ns, s->start.ns, "since the window before had ended");

    close_window(&r);
    CHECK(series(&r, PING, "LON") == NULL, "nothing new is nothing said");
    before = r.batch->time;
    pipeline_after(r.p, PING4, COUNTER_LATE);
    close_window(&r);
    s = expect_series(&r, PING, "LON", 0, "an answer that was late");
    CHECK_INT(1, s->counters[COUNTER_LATE], "is new");
    CHECK_INT(before.ns, s->start.ns, "in this window");

    r.wall.ns -= 3600 * NS_PER_S; /* the clock is set back */
    before = r.batch->time;
    reply(&r, PING4, "192.0.2.1", MS(5));
    close_window(&r);
    s = expect_series(&r, PING, "LON", 1, "after the step");
    CHECK(s->start.ns >= before.ns && r.batch->time.ns > s->start.ns,
          "no window overlaps another");
    end(&r);
}

static void an_answer_names_the_open_window(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "");
    reply(&r, PING4, "192.0.2.1", MS(3));
    give(&r, WEB4, "192.0.2.1", OUTCOME_REPLY, MS(3), "LON");
    reply(&r, PING4, "192.0.2.1", MS(3));
    close_window(&r);
    expect_series(&r, PING, "LON", 2, "also what came before the answer");
    CHECK_INT(2, r.batch->n_series, "nothing under unknown");
    CHECK_TEXT("LON", r.batch->targets[0].pop, "and the target's");
    end(&r);
}

static void an_answer_goes_over_the_chain(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LHR");
    reply(&r, PING4, "192.0.2.1", MS(3));
    give(&r, WEB4, "192.0.2.1", OUTCOME_REPLY, MS(3), "LO4");
    resolve(&r, 0, "192.0.2.1", "LHR");
    reply(&r, PING4, "192.0.2.1", MS(3));
    close_window(&r);
    expect_series(&r, PING, "LO4", 2, "one PoP, known better");
    CHECK_INT(2, r.batch->n_series, "one series a stream");
    end(&r);
}

/* Without a PoP the address is part of the key: two addresses are two series. */
static void two_unknown_places_are_not_blended(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "");
    reply(&r, PING4, "192.0.2.1", MS(3));
    resolve(&r, 0, "192.0.2.9", "");
    reply(&r, PING4, "192.0.2.9", MS(60));
    close_window(&r);
    CHECK_INT(2, r.batch->n_series, "one a place");
    for (size_t i = 0; i < 2; i++) {
        const struct series *s = r.batch->series[i];
        int64_t delay = s->to.bytes[3] == 9 ? MS(60) : MS(3);
        CHECK_INT(1, s->delays[0].count, "its own value");
        CHECK_INT(delay, s->delays[0].min_ns, "and no other");
        CHECK_INT(delay, s->window.delays[0].max_ns, "nor in the window");
    }
    resolve(&r, 0, "192.0.2.1", "");
    reply(&r, PING4, "192.0.2.1", MS(3));
    close_window(&r);
    CHECK_INT(2, r.batch->n_series, "it goes on where it was when it comes back");
    end(&r);
}

static void two_pops_are_not_blended(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "");
    give(&r, WEB4, "192.0.2.1", OUTCOME_REPLY, MS(3), "LON");
    reply(&r, PING4, "192.0.2.1", MS(3));
    struct wall changed = r.wall;
    give(&r, WEB4, "192.0.2.1", OUTCOME_REPLY, MS(9), "AMS");
    reply(&r, PING4, "192.0.2.1", MS(9));
    close_window(&r);
    const struct series *lon = expect_series(&r, PING, "LON", 1, "before");
    const struct series *ams = expect_series(&r, PING, "AMS", 1, "after");
    CHECK_INT(4, r.batch->n_series, "two PoPs, two kinds");
    CHECK(lon->in_window && ams->in_window, "each had a part of the window");
    CHECK_INT(MS(3), lon->delays[0].max_ns, "the old one's delays");
    CHECK_INT(MS(9), ams->delays[0].min_ns, "the new one's");
    CHECK_INT(0, ams->variation.count, "no variation between two PoPs");
    CHECK_INT(changed.ns, lon->window.end.ns, "one part ends with the change");
    CHECK_INT(changed.ns, ams->start.ns, "where the other series begins");
    CHECK_TEXT("AMS", r.batch->targets[0].pop, "the target is there now");
    CHECK_INT(MS(9), r.batch->targets[0].min_ns, "and is as far as it is now");
    end(&r);
}

static void the_parts_of_one_series_are_joined(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "");
    static const char *const pops[] = {"LON", "AMS", "LON"};
    for (int i = 0; i < 3; i++) {
        give(&r, WEB4, "192.0.2.1", OUTCOME_REPLY, MS(3), pops[i]);
        if (i == 2)
            pipeline_interrupted(r.p);
        for (int n = 0; n < 100; n++)
            reply(&r, PING4, "192.0.2.1", MS(10 + i));
        give(&r, PING4, "192.0.2.1", OUTCOME_LOSS, DELAY_UNDEFINED, "");
    }
    close_window(&r);
    const struct series *s = expect_series(&r, PING, "LON", 200, "both parts");
    const struct delay_summary *d = &s->window.delays[0];
    CHECK_INT(202, s->window.sent, "summary of both");
    CHECK_NEAR(2.0 / 202, s->window.loss_ratio, 1e-12, "loss ratio of both");
    CHECK_INT(200, d->count, "delays of both");
    CHECK_INT(MS(10), d->min_ns, "minimum");
    CHECK_INT(MS(12), d->max_ns, "maximum");
    CHECK_NEAR(MS(11), (double)d->mean_ns, 10, "mean");
    CHECK_NEAR(MS(10), (double)d->percentile_ns[P50], MS(0.1), "median");
    CHECK_NEAR(MS(12), (double)d->percentile_ns[P90], MS(0.12), "90th percentile");
    CHECK_INT(200, s->delays[0].count, "once in the totals");
    CHECK(s->window.interrupted, "one of the parts was");
    CHECK_INT(r.batch->window_start.ns, s->window.start.ns,
              "from the first part's start");
    CHECK_INT(r.batch->time.ns, s->window.end.ns, "to the last one's end");
    expect_series(&r, PING, "AMS", 100, "the one between");
    end(&r);
}

static void another_address_of_the_same_pop(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LHR");
    give(&r, WEB4, "192.0.2.1", OUTCOME_REPLY, MS(3), "LO4");
    reply(&r, PING4, "192.0.2.1", MS(3));
    resolve(&r, 0, "192.0.2.2", "LHR");
    reply(&r, PING4, "192.0.2.2", MS(4));
    close_window(&r);
    const struct series *s = expect_series(&r, PING, "LO4", 2, "the same series");
    struct endpoint last = address("192.0.2.2");
    CHECK_INT(2, r.batch->n_series, "and no other");
    CHECK(endpoint_same_address(&last, &s->to), "the address used last");
    CHECK_INT(0, s->variation.count, "no variation between two addresses");
    end(&r);
}

static void another_address_is_unknown_until_told(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "");
    give(&r, WEB4, "192.0.2.1", OUTCOME_REPLY, MS(3), "LON");
    reply(&r, PING4, "192.0.2.1", MS(3));
    resolve(&r, 0, "192.0.2.2", "");
    reply(&r, PING4, "192.0.2.2", MS(9));
    close_window(&r);
    expect_series(&r, PING, "LON", 1, "the old address");
    expect_series(&r, PING, "", 1, "the new one is nobody's yet");
    reply(&r, PING4, "192.0.2.2", MS(9));
    give(&r, WEB4, "192.0.2.2", OUTCOME_REPLY, MS(9), "AMS");
    close_window(&r);
    expect_series(&r, PING, "AMS", 1, "now it is");
    CHECK(!expect_series(&r, PING, "", 1, "what was told stays")->in_window, "ended");
    end(&r);
}

static void a_result_of_the_old_address_only_counts(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    resolve(&r, 0, "192.0.2.2", "AMS");
    give(&r, WEB4, "192.0.2.1", OUTCOME_REPLY, MS(3), "LON");
    close_window(&r);
    const struct series *s = expect_series(&r, WEB, "AMS", 1, "it is counted");
    CHECK_INT(0, s->delays[0].count, "its delay is not the new PoP's");
    CHECK(series(&r, WEB, "LON") == NULL, "and it names nothing");
    end(&r);
}

static void an_address_that_is_gone_comes_back(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "");
    give(&r, WEB4, "192.0.2.1", OUTCOME_REPLY, MS(3), "LON");
    vanish(&r, 0, FAMILY_IPV4);
    reply(&r, PING4, "192.0.2.1", MS(3)); /* was under way */
    close_window(&r);
    expect_series(&r, PING, "LON", 1, "what was under way");
    resolve(&r, 0, "192.0.2.1", "");
    reply(&r, PING4, "192.0.2.1", MS(3));
    close_window(&r);
    expect_series(&r, PING, "LON", 2, "the same address, the same PoP");
    end(&r);
}

static void what_was_only_missed_is_no_series(void **state)
{
    (void)state;
    struct rig r;
    struct probe_request order;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    pass(&r, 30 * NS_PER_S);
    CHECK(take(&r, 10 * NS_PER_S, &order) > 0, "the pause is over");
    close_window(&r);
    CHECK_INT(0, r.batch->n_series, "no result, no series");
    CHECK(r.batch->series != NULL, "a list that is empty");
    end(&r);
}

static void a_series_is_dropped_after_a_day(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    reply(&r, PING4, "192.0.2.1", MS(3));
    reply(&r, PING4, "192.0.2.1", MS(3));
    close_window(&r);
    pass(&r, SERIES_KEEP_NS - MINUTE_NS);
    r.batch = pipeline_close(r.p, r.now, r.wall);
    CHECK_INT(1, r.batch->n_series, "it is kept a day");
    pass(&r, MINUTE_NS);
    r.batch = pipeline_close(r.p, r.now, r.wall);
    CHECK_INT(0, r.batch->n_series, "and no longer");
    struct wall again = r.wall;
    reply(&r, PING4, "192.0.2.1", MS(3));
    close_window(&r);
    const struct series *s = expect_series(&r, PING, "LON", 1, "it counts from 0");
    CHECK_INT(again.ns, s->start.ns, "and says so by its start");
    end(&r);
}

/* ---- the bound ---- */

/* A name server returns another address each time: one reply from each. */
static void rotate(struct rig *r, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char text[32];
        snprintf(text, sizeof text, "192.0.%u.%u", 2 + i / 250, 1 + i % 250);
        resolve(r, 0, text, "");
        reply(r, PING4, text, MS(3));
    }
}

struct added_up {
    size_t addresses, overflow;
    uint64_t replies, delays, overflow_replies, in_window;
};

static struct added_up add_up(const struct rig *r)
{
    struct added_up sum = {0};
    for (size_t i = 0; i < r->batch->n_series; i++) {
        const struct series *s = r->batch->series[i];
        uint64_t replies = s->outcomes[OUTCOME_REPLY];
        sum.addresses += !s->overflow;
        sum.overflow += s->overflow;
        sum.replies += replies;
        sum.delays += s->delays[0].count;
        sum.overflow_replies += s->overflow ? replies : 0;
        sum.in_window += s->in_window ? s->window.received : 0;
    }
    return sum;
}

static size_t count_events(const struct rig *r, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < r->batch->n_events; i++)
        n += strcmp(r->batch->events[i].name, name) == 0;
    return n;
}

static void places_without_end_are_one_series(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    rotate(&r, 0, 100);
    close_window(&r);
    struct added_up sum = add_up(&r);
    CHECK_INT(SERIES_PLACES_MAX, sum.addresses, "addresses of their own");
    CHECK_INT(1, sum.overflow, "the others are one series");
    CHECK_INT(100, sum.replies, "no result is lost");
    CHECK_INT(100, sum.delays, "nor its delay");
    CHECK_INT(100, sum.in_window, "the window's summaries have them all");
    CHECK_INT(100 - SERIES_PLACES_MAX, r.batch->overflowed, "so many overflowed");
    CHECK_INT(1, count_events(&r, "edgelat.series.overflow"), "an event");

    rotate(&r, 0, 150); /* the first ones again: they have their series */
    close_window(&r);
    sum = add_up(&r);
    CHECK_INT(SERIES_PLACES_MAX, sum.addresses, "no more addresses");
    CHECK_INT(250, sum.replies, "all of both windows");
    CHECK_INT(250 - 2 * SERIES_PLACES_MAX, sum.overflow_replies, "in one series");
    CHECK_INT(sum.overflow_replies, r.batch->overflowed, "as the agent says");
    CHECK_INT(0, count_events(&r, "edgelat.series.overflow"), "told once");
    end(&r);
}

/* The limit counts PoPs like addresses, and separately for each stream. */
static void pops_without_end_are_one_series(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "");
    for (unsigned i = 0; i < 200; i++) {
        char pop[8];
        snprintf(pop, sizeof pop, "%c%c%c", 'A' + i / 26 % 26, 'A' + i % 26, 'X');
        give(&r, WEB4, "192.0.2.1", OUTCOME_REPLY, MS(3), pop);
        reply(&r, PING4, "192.0.2.1", MS(3));
    }
    close_window(&r);
    struct added_up sum = add_up(&r);
    CHECK_INT(2 * SERIES_PLACES_MAX, sum.addresses, "of two streams");
    CHECK_INT(2, sum.overflow, "one a stream");
    CHECK_INT(400, sum.replies, "all of them");
    CHECK_INT(1, count_events(&r, "edgelat.series.overflow"), "one event a target");
    end(&r);
}

static void at_the_bound_idle_places_go(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    rotate(&r, 0, SERIES_PLACES_MAX);
    close_window(&r);
    pass(&r, SERIES_IDLE_NS);
    rotate(&r, 0, 1); /* the first one is not idle */
    close_window(&r);
    CHECK_INT(SERIES_PLACES_MAX, add_up(&r).addresses, "kept while there is room");
    struct wall began = r.wall;
    rotate(&r, 100, 102);
    close_window(&r);
    struct added_up sum = add_up(&r);
    CHECK_INT(SERIES_PLACES_MAX, sum.addresses, "two have come, two have gone");
    CHECK_INT(0, sum.overflow, "there was room");
    CHECK_INT(SERIES_PLACES_MAX + 1, sum.replies, "two of one reply went, two came");
    size_t fresh = 0;
    for (size_t i = 0; i < r.batch->n_series; i++)
        fresh += r.batch->series[i]->start.ns >= began.ns;
    CHECK_INT(2, fresh, "the new ones begin now");
    end(&r);
}

struct reading {
    const struct series *series; /* NULL: none is read */
    uint64_t lost[4];            /* of the series, at each call */
    size_t calls;
};

static void settle(void *user)
{
    struct reading *r = user;
    if (r->series != NULL)
        r->lost[r->calls++] = r->series->outcomes[OUTCOME_LOSS];
}

static void a_reader_ends_before_the_series_change(void **state)
{
    (void)state;
    struct target target = target_default(&kinds);
    struct rolling_set *rolling = rolling_set_create((struct mono){0});
    struct series_set *l = series_set_create(false, rolling);
    struct reading reading = {.series = NULL};
    size_t n;
    series_set_reader(l, (struct series_reader){settle, &reading});
    for (int64_t i = 0; i < 2; i++) {
        struct wall at = {i * MINUTE_NS};
        struct window *w = window_create(&ping, at);
        struct result r = result_of(0, &(struct endpoint){0}, at, OUTCOME_LOSS);
        struct summary summary;
        window_add(w, &r);
        window_summary(w, (struct wall){at.ns + MINUTE_NS}, &summary);
        series_set_add(l, &(struct series_part){.target = &target,
                                                .kind = &ping,
                                                .pop = "",
                                                .window = w,
                                                .summary = &summary});
        window_destroy(w);
        reading.series = *series_set_close(l, (struct mono){at.ns + MINUTE_NS}, &n);
    }
    CHECK_INT(2, reading.calls, "before the second window was added, and was closed");
    CHECK_INT(1, reading.lost[0], "as the first window left it");
    reading.series = NULL;
    series_set_reader(l, (struct series_reader){NULL, NULL});
    series_set_destroy(l);
    rolling_set_destroy(rolling);
}

/* The others are neither kept nor stated, but through a proxy. */
static void periods_of_the_first_and_the_main_delay(void **state)
{
    (void)state;
    static const struct kind phases = {
        .name = "phases", .delays = {"rtt", "dns", "total"}, .main_delay = 2};
    static const bool all[3] = {true, true, true}, some[3] = {true, false, true};
    static const struct {
        const char *what;
        bool main_periods;
        enum family family;
        const bool *stated;
    } cases[] = {
        {"by default all", false, FAMILY_IPV4, all},
        {"without phases", true, FAMILY_IPV4, some},
        {"without phases, through a proxy", true, FAMILY_PROXY, all},
    };
    struct target target = target_default(&kinds);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct rolling_set *rolling = rolling_set_create((struct mono){0});
        struct series_set *l = series_set_create(false, rolling);
        struct endpoint to = {.family = (uint8_t)cases[c].family};
        struct window *w = window_create(&phases, (struct wall){0});
        struct summary summary;
        size_t n;
        if (cases[c].main_periods)
            series_set_main_periods(l);
        for (int i = 0; i < 30; i++) {
            struct result r = result_of(0, &to, (struct wall){i}, OUTCOME_REPLY);
            for (size_t d = 0; d < 3; d++)
                r.delays[d] = NS_PER_MS;
            window_add(w, &r);
        }
        window_summary(w, (struct wall){MINUTE_NS}, &summary);
        series_set_add(l, &(struct series_part){.target = &target,
                                                .kind = &phases,
                                                .to = to,
                                                .pop = "",
                                                .window = w,
                                                .summary = &summary});
        const struct series *s = *series_set_close(l, (struct mono){MINUTE_NS}, &n);
        CHECK(s->periods[PERIOD_HOUR] != NULL, "%s", cases[c].what);
        for (size_t d = 0; d < 3; d++) {
            const struct period_summary *is = series_period(s, PERIOD_HOUR, d);
            CHECK_INT(cases[c].stated[d], is != NULL && is->delay.supported[P50],
                      cases[c].what);
            const struct delay_summary *window = series_window(s, d);
            CHECK_INT(cases[c].stated[d], window != NULL && window->count == 30,
                      cases[c].what);
            CHECK(window != NULL || s->medians_ns[d] == NS_PER_MS, "its median");
        }
        window_destroy(w);
        series_set_destroy(l);
        rolling_set_destroy(rolling);
    }
}

/* The limit of all series: the first series of each stream is always allowed. */
static void spare_places_are_bounded_in_all(void **state)
{
    (void)state;
    enum { STREAMS_ALL = 100, PLACES = 10 };
    struct target target = target_default(&kinds);
    struct rolling_set *rolling = rolling_set_create((struct mono){0});
    struct series_set *l = series_set_create(false, rolling);
    size_t n, overflow = 0, news = 0;
    uint64_t sent = 0;
    for (uint32_t i = 0; i < STREAMS_ALL * PLACES; i++) {
        struct wall at = {0};
        struct window *w = window_create(&ping, at);
        struct endpoint to = address("192.0.2.1");
        to.bytes[3] = (uint8_t)(i / STREAMS_ALL);
        struct result r = result_of(i % STREAMS_ALL, &to, at, OUTCOME_LOSS);
        struct summary summary;
        window_add(w, &r);
        window_summary(w, (struct wall){MINUTE_NS}, &summary);
        struct series_part part = {.stream = i % STREAMS_ALL,
                                   .target = &target,
                                   .kind = &ping,
                                   .to = to,
                                   .pop = "",
                                   .window = w,
                                   .summary = &summary};
        news += series_set_add(l, &part);
        window_destroy(w);
    }
    const struct series *const *list = series_set_close(l, (struct mono){MINUTE_NS}, &n);
    for (size_t i = 0; i < n; i++) {
        overflow += list[i]->overflow;
        sent += list[i]->outcomes[OUTCOME_LOSS];
    }
    CHECK_INT(STREAMS_ALL + SERIES_SPARE_MAX, n - overflow, "addresses");
    CHECK(overflow > 0 && overflow <= STREAMS_ALL, "%zu overflow series", overflow);
    CHECK_INT(STREAMS_ALL * PLACES, sent, "no result is lost");
    CHECK_INT(1, news, "told once a target");
    series_set_destroy(l);
    rolling_set_destroy(rolling);
}

/* ---- silence ---- */

static const struct kind shake = {
    .name = "shake", .delays = {"rtt"}, .uses = USES_PORT, .roles = {DELAY_HANDSHAKE}};

static void lose(struct rig *r, uint32_t stream, const char *from, int n)
{
    for (int i = 0; i < n; i++)
        give(r, stream, from, OUTCOME_LOSS, DELAY_UNDEFINED, "");
}

static void never_answered_is_no_outage(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    lose(&r, PING4, "192.0.2.1", SILENT_LOSSES - 1);
    close_window(&r);
    CHECK(series(&r, PING, "LON")->silent_while == NULL, "nothing answers: an outage");

    lose(&r, PING4, "192.0.2.1", 1);
    give(&r, WEB4, "192.0.2.1", OUTCOME_REFUSED, DELAY_UNDEFINED, "");
    close_window(&r);
    const struct series *s = series(&r, PING, "LON");
    CHECK(s->silent_while == &web, "the target is there");
    CHECK(s->silence_significant, "and it is said");
    CHECK(series(&r, WEB, "LON")->silent_while == NULL, "which is not silent");

    lose(&r, PING4, "192.0.2.1", SILENT_LOSSES);
    lose(&r, WEB4, "192.0.2.1", 3);
    close_window(&r);
    s = series(&r, PING, "LON");
    CHECK(s->silent_while == &web, "it tells nothing about an outage either");
    CHECK(!s->silence_significant, "once");
    CHECK(series(&r, WEB, "LON")->silent_while == NULL, "of which this tells");

    reply(&r, PING4, "192.0.2.1", MS(3));
    close_window(&r);
    CHECK(series(&r, PING, "LON")->silent_while == NULL, "now it has an answer");
    lose(&r, PING4, "192.0.2.1", SILENT_LOSSES);
    reply(&r, WEB4, "192.0.2.1", MS(3));
    close_window(&r);
    s = series(&r, PING, "LON");
    CHECK(s->silent_while == NULL && !s->silence_significant, "and its loss is loss");
    end(&r);
}

static void short_silence_is_no_news(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    lose(&r, PING4, "192.0.2.1", 1);
    reply(&r, WEB4, "192.0.2.1", MS(3));
    close_window(&r);
    const struct series *s = series(&r, PING, "LON");
    CHECK(s->silent_while == &web && !s->silence_significant, "perhaps by chance");
    end(&r);
}

static void another_place_answers(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    resolve(&r, 0, "2001:db8::1", "LON");
    lose(&r, PING4, "192.0.2.1", 1);
    lose(&r, WEB4, "192.0.2.1", 1);
    reply(&r, WEB6, "2001:db8::1", MS(3));
    close_window(&r);
    CHECK(series(&r, PING, "LON")->silent_while == NULL, "IPv4 does not answer at all");
    end(&r);
}

static void a_port_that_is_silent_is_down(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, "192.0.2.1", "LON");
    reply(&r, PING4, "192.0.2.1", MS(3));
    lose(&r, WEB4, "192.0.2.1", SILENT_LOSSES);
    close_window(&r);
    CHECK(series(&r, WEB, "LON")->silent_while == NULL, "that is an outage");
    end(&r);
}

/* The series set alone: `own_answers` of the part decides. */
static void a_middlebox_answers(void **state)
{
    (void)state;
    struct target target = target_default(&kinds);
    struct rolling_set *rolling = rolling_set_create((struct mono){0});
    struct series_set *l = series_set_create(false, rolling);
    const struct kind *const of[] = {&ping, &shake};
    for (uint32_t i = 0; i < 2; i++) {
        struct wall at = {0};
        struct window *w = window_create(of[i], at);
        struct endpoint to = address("192.0.2.1");
        struct result r = result_of(i, &to, at, i == 0 ? OUTCOME_LOSS : OUTCOME_REPLY);
        struct summary summary;
        window_add(w, &r);
        window_summary(w, (struct wall){MINUTE_NS}, &summary);
        struct series_part part = {.stream = i,
                                   .target = &target,
                                   .kind = of[i],
                                   .to = to,
                                   .pop = "",
                                   .window = w,
                                   .summary = &summary,
                                   .own_answers = false};
        series_set_add(l, &part);
        window_destroy(w);
    }
    size_t n;
    const struct series *const *list = series_set_close(l, (struct mono){MINUTE_NS}, &n);
    CHECK_INT(2, n, "two series");
    CHECK(list[0]->silent_while == NULL, "it says nothing about the target");
    series_set_destroy(l);
    rolling_set_destroy(rolling);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_is_cumulative),
        cmocka_unit_test(as_delta_a_series_has_what_is_new),
        cmocka_unit_test(an_answer_names_the_open_window),
        cmocka_unit_test(an_answer_goes_over_the_chain),
        cmocka_unit_test(two_unknown_places_are_not_blended),
        cmocka_unit_test(two_pops_are_not_blended),
        cmocka_unit_test(the_parts_of_one_series_are_joined),
        cmocka_unit_test(another_address_of_the_same_pop),
        cmocka_unit_test(another_address_is_unknown_until_told),
        cmocka_unit_test(a_result_of_the_old_address_only_counts),
        cmocka_unit_test(an_address_that_is_gone_comes_back),
        cmocka_unit_test(what_was_only_missed_is_no_series),
        cmocka_unit_test(a_series_is_dropped_after_a_day),
        cmocka_unit_test(places_without_end_are_one_series),
        cmocka_unit_test(pops_without_end_are_one_series),
        cmocka_unit_test(at_the_bound_idle_places_go),
        cmocka_unit_test(a_reader_ends_before_the_series_change),
        cmocka_unit_test(periods_of_the_first_and_the_main_delay),
        cmocka_unit_test(spare_places_are_bounded_in_all),
        cmocka_unit_test(never_answered_is_no_outage),
        cmocka_unit_test(brief_series_are_whole_in_time),
        cmocka_unit_test(histograms_have_the_scale_that_was_asked_for),
        cmocka_unit_test(short_silence_is_no_news),
        cmocka_unit_test(another_place_answers),
        cmocka_unit_test(a_port_that_is_silent_is_down),
        cmocka_unit_test(a_middlebox_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
