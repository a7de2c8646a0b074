/*
 * The addresses of one name at the shipped intervals: what the pipeline says of each, and of
 * the target. The truth is the simulator's, which knows each address. The clock is virtual;
 * the sender is as the measurer: the explorer's part is to pass on what is preferred.
 */
#include "base/heap.h"
#include "base/mem.h"
#include "check.h"
#include "core/event_names.h"
#include "core/pipeline.h"
#include "core/random.h"

#define MS(x)     ((int64_t)((x)*NS_PER_MS))
#define WINDOW_NS (60 * NS_PER_S)
#define HOUR      60 /* windows */

enum { ICMP, TCP, HTTPS, N_KINDS, WAYS_MAX = 256 };

static const struct kind icmp = {.name = "icmp",
                                 .delays = {"rtt"},
                                 .interval_ns = 10 * NS_PER_S,
                                 .slow_interval_ns = 60 * NS_PER_S,
                                 .on_by_default = true,
                                 .may_be_filtered = true,
                                 .single_packets = true};
static const struct kind tcp = {.name = "tcp",
                                .delays = {"rtt"},
                                .uses = USES_PORT,
                                .interval_ns = 10 * NS_PER_S,
                                .slow_interval_ns = 60 * NS_PER_S,
                                .roles = {DELAY_HANDSHAKE},
                                .on_by_default = true,
                                .single_packets = true};
static const struct kind https = {.name = "https",
                                  .delays = {"rtt"},
                                  .uses = USES_PORT,
                                  .interval_ns = 60 * NS_PER_S,
                                  .slow_interval_ns = 300 * NS_PER_S,
                                  .on_by_default = true};
static const struct kinds kinds = {{&icmp, &tcp, &https}, N_KINDS};

struct way { /* to an address */
    double rtt_ms;
    bool dead, filters_icmp, icmp_alone;
};

struct probe { /* under way */
    struct heap_item arrives;
    struct result result;
};

struct world {
    struct random random;
    struct target target;
    struct pipeline *pipeline;
    struct way ways[WAYS_MAX];
    size_t n; /* of the name: the first so many */
    double loss, jitter_ms;
    struct mono now;
    struct heap under_way;
    struct endpoint used;
    int64_t waiting_ns;
    uint64_t windows, sent, sent_to[WAYS_MAX], moves;

    /* what was told */
    uint64_t downs, silent, clear, shifts;
    int64_t told_ms; /* time of the last event of an address */
    char address[ADDRESS_TEXT_MAX];
    double n_told, silent_told;
    uint64_t window_sent, window_lost;
    size_t n_series, most_series;
    struct target_state state;
};

static struct endpoint address(size_t i)
{
    return (struct endpoint){
        .family = FAMILY_IPV4, .bytes = {192, 0, 2, (uint8_t)i}, .port = 443};
}

static struct wall wall_of(const struct world *w)
{
    return (struct wall){20780 * 24 * 3600 * NS_PER_S + w->now.ns};
}

/* DNS: addresses `first` to `first` + `n`, in that order. */
static void answer(struct world *w, const struct known_address *list, size_t n)
{
    pipeline_addresses(w->pipeline, 0, FAMILY_IPV4, list, n);
    pipeline_resolved(w->pipeline, 0, FAMILY_IPV4, w->used, "", w->now, wall_of(w));
}

static void resolve(struct world *w)
{
    struct known_address list[ADDRESSES_MAX];
    for (size_t i = 0; i < w->n && i < ADDRESSES_MAX; i++)
        list[i] = (struct known_address){address(i), true};
    answer(w, list, w->n < ADDRESSES_MAX ? w->n : ADDRESSES_MAX);
}

static struct pipeline *create(struct world *w)
{
    struct pipeline_settings settings = {
        .window_ns = WINDOW_NS,
        .nearest = 3,
        .ranking = {.loss_limit = 0.1, .margin_ratio = 0.1, .margin_ns = NS_PER_MS},
        .targets = &w->target,
        .n_targets = 1,
    };
    return pipeline_create(&settings, &kinds, random_next(&w->random), w->now,
                           wall_of(w));
}

/* `used`: the address that DNS gave first. */
static void begin(struct world *w, const struct way *ways, size_t n, size_t used,
                  uint64_t seed)
{
    *w = (struct world){.n = n,
                        .now = {500 * NS_PER_S},
                        .used = address(used),
                        .waiting_ns = 2 * NS_PER_S};
    w->random = random_from(seed);
    memcpy(w->ways, ways, n * sizeof *ways);
    w->target = target_default(&kinds);
    w->target.ipv6 = false;
    w->target.name = "teams";
    w->target.host = "teams.example";
    w->pipeline = create(w);
}

static void end(struct world *w)
{
    pipeline_destroy(w->pipeline);
    for (struct heap_item *i; (i = heap_first(&w->under_way)) != NULL;) {
        heap_remove(&w->under_way, i);
        free(heap_struct(i, struct probe, arrives));
    }
    heap_free(&w->under_way);
}

static void send_probe(struct world *w, const struct probe_request *o)
{
    const struct way *way = &w->ways[o->to.bytes[3]];
    struct probe *p = mem_zalloc(sizeof *p);
    bool lost = way->dead || random_unit(&w->random) < w->loss ||
                (way->filters_icmp && o->kind == ICMP) ||
                (way->icmp_alone && o->kind != ICMP);
    double ms = way->rtt_ms + random_exponential(&w->random, w->jitter_ms);
    w->sent++;
    w->sent_to[o->to.bytes[3]]++;
    p->arrives.at_ns = w->now.ns + (lost ? w->waiting_ns : MS(ms));
    p->result =
        result_of(o->stream, &o->to, wall_of(w), lost ? OUTCOME_LOSS : OUTCOME_REPLY);
    if (!lost)
        p->result.delays[0] = MS(ms);
    heap_add(&w->under_way, &p->arrives);
}

static void arrive(struct world *w, struct probe *p)
{
    struct endpoint to;
    heap_remove(&w->under_way, &p->arrives);
    pipeline_result(w->pipeline, &p->result);
    if (pipeline_prefers(w->pipeline, 0, FAMILY_IPV4, &to) && to.bytes[3] < w->n) {
        w->used = to;
        w->moves++;
        resolve(w);
    }
    free(p);
}

static void take_event(struct world *w, const struct event *e)
{
    w->downs += strcmp(e->name, EVENT_STATE_CHANGED) == 0 && strcmp(e->after, "up") != 0;
    w->shifts += strcmp(e->name, EVENT_DELAY_SHIFTED) == 0;
    if (strcmp(e->name, EVENT_ADDRESS_CHANGED) != 0)
        return;
    bool down = strcmp(e->after, "down") == 0;
    w->silent += down;
    w->clear += !down;
    for (size_t i = 0; i < e->n_facts; i++) {
        if (strcmp(e->facts[i].name, "network.peer.address") == 0)
            text_copy(w->address, sizeof w->address, e->facts[i].text);
        if (strcmp(e->facts[i].name, "edgelat.addresses") == 0)
            w->n_told = e->facts[i].number;
        if (strcmp(e->facts[i].name, "edgelat.addresses.silent") == 0)
            w->silent_told = e->facts[i].number;
    }
}

static void close_window(struct world *w)
{
    const struct batch *b = pipeline_close(w->pipeline, w->now, wall_of(w));
    w->windows++;
    w->window_sent = w->window_lost = w->n_series = 0;
    for (size_t i = 0; i < b->n_events; i++)
        take_event(w, &b->events[i]);
    for (size_t i = 0; i < b->n_series; i++)
        if (b->series[i]->in_window && b->series[i]->kind != &icmp) {
            w->window_sent += b->series[i]->window.sent;
            w->window_lost += outcomes_lost(b->series[i]->window.outcomes);
        }
    w->n_series = b->n_series;
    if (b->n_series > w->most_series)
        w->most_series = b->n_series;
    w->state = b->targets[0];
}

static void run_until(struct world *w, int64_t until_ns)
{
    struct probe_request order;
    while (w->now.ns < until_ns) {
        struct mono due;
        int64_t at_ns = until_ns;
        struct heap_item *first = heap_first(&w->under_way);
        while (pipeline_take(w->pipeline, w->now, &order))
            send_probe(w, &order);
        if (first != NULL && first->at_ns < at_ns)
            at_ns = first->at_ns;
        if (pipeline_next(w->pipeline, &due) && due.ns < at_ns)
            at_ns = due.ns;
        w->now.ns = at_ns > w->now.ns ? at_ns : w->now.ns;
        while ((first = heap_first(&w->under_way)) != NULL && first->at_ns <= w->now.ns)
            arrive(w, heap_struct(first, struct probe, arrives));
    }
}

static void run(struct world *w, int windows)
{
    for (int i = 0; i < windows; i++) {
        run_until(w, w->now.ns + WINDOW_NS);
        close_window(w);
    }
}

/* Of 10 s, as the explorer begins one. */
static void survey(struct world *w)
{
    size_t n;
    pipeline_survey_begin(w->pipeline, w->now);
    run_until(w, w->now.ns + 10 * NS_PER_S);
    pipeline_survey_end(w->pipeline, w->now, &n);
}

static const struct way spread[5] = {
    {.rtt_ms = 150}, {.rtt_ms = 20}, {.rtt_ms = 280}, {.rtt_ms = 85}, {.rtt_ms = 215}};

/* The value of the target is the same whichever address DNS gives first. */
static void five_addresses(void **state)
{
    (void)state;
    uint64_t seed = check_seed();
    for (size_t first = 0; first < 5; first++) {
        struct world w;
        begin(&w, spread, 5, first, seed + first);
        w.jitter_ms = 1;
        resolve(&w);
        survey(&w);
        uint64_t before = w.sent;
        run(&w, 2 * HOUR);
        CHECK_INT(1, w.used.bytes[3], "the nearest is used");
        CHECK(w.moves <= 2, "%" PRIu64 " moves", w.moves);
        CHECK_INT(5, w.state.addresses[0].n_all, "all are in the state");
        for (size_t i = 0; i < 5; i++) {
            const struct address_state *a = &w.state.addresses[0].all[i];
            CHECK_NEAR(spread[i].rtt_ms, (double)a->min_ns / 1e6, 3,
                       "each its own delay");
            CHECK_INT(STATE_UP, a->state, "each is up");
            CHECK(w.sent_to[i] > 50, "each is probed");
        }
        /* 6 + 6 + 1 a minute: no more than of a name with one address. */
        CHECK_NEAR(13.0 * 2 * HOUR, (double)(w.sent - before), 6, "no more probes");
        CHECK_INT(0, w.downs + w.silent + w.shifts, "nothing is told");
        CHECK(w.n_series <= N_KINDS * 3, "series: %zu", w.n_series);
        end(&w);
    }
}

static int by_value(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

/* One of five does not answer: windows until it is told, and nothing of the target. */
static void one_is_dead(void **state)
{
    (void)state;
    enum { RUNS = 200 };
    static const double losses[] = {0, 0.01, 0.05};
    uint64_t seed = check_seed();
    int windows[RUNS], runs = check_quick() ? 40 : RUNS;
    for (size_t l = 0; l < 3; l++) {
        uint64_t downs = 0, others = 0, sent = 0, lost = 0;
        for (int r = 0; r < runs; r++) {
            struct world w;
            size_t dead = (size_t)r % 5;
            begin(&w, spread, 5, (size_t)(r / 5) % 5, seed + (uint64_t)r);
            w.jitter_ms = 2;
            w.loss = losses[l];
            w.ways[dead].filters_icmp = r % 2 == 0;
            resolve(&w);
            survey(&w);
            run(&w, 20);
            downs -= losses[l] > 0.02 ? w.downs : 0;
            w.ways[dead].dead = true;
            windows[r] = 0;
            while (w.silent == 0 && windows[r] < 60) {
                run(&w, 1);
                windows[r]++;
            }
            char text[ADDRESS_TEXT_MAX];
            struct endpoint to = address(dead);
            CHECK_TEXT(endpoint_address(text, &to), w.address, "the address");
            CHECK_INT(5, w.n_told, "of so many");
            CHECK_INT(1, w.silent_told, "so many are silent");
            for (int i = 0; i < 20; i++) {
                run(&w, 1);
                sent += w.window_sent;
                lost += w.window_lost;
            }
            CHECK_INT(STATE_DOWN, w.state.addresses[0].all[dead].state, "it is held");
            downs += losses[l] > 0.02 ? 0 : w.downs;
            others += w.silent - 1;
            w.ways[dead].dead = false;
            run(&w, 40);
            CHECK_INT(1, w.clear, "it is taken back");
            end(&w);
        }
        qsort(windows, (size_t)runs, sizeof *windows, by_value);
        printf(
            "# loss %g %%: told after %d windows (median), 95 %% within %d; loss of the "
            "target %.2f %%\n",
            100 * losses[l], windows[runs / 2], windows[runs * 95 / 100],
            100.0 * (double)lost / (double)sent);
        CHECK(windows[runs / 2] <= 8, "half are told within 8 windows");
        CHECK(windows[runs * 95 / 100] <= 14, "95 %% within 14");
        CHECK_INT(0, others, "no other address is told");
        if (losses[l] <= 0.02)
            CHECK_INT(0, downs, "the target is not down");
        CHECK_NEAR(losses[l], (double)lost / (double)sent, 0.01,
                   "its loss is that of the path");
    }
}

/* A survey of nine seconds with a probe of each kind a second, as of `nearest`: the dead
 * address got two probes whose silence counts, whichever kind came to it first. */
static void a_short_survey(void **state)
{
    (void)state;
    const uint64_t seed = check_seed();
    int missed = 0, n = 0;
    for (size_t first = 0; first < 5; first++)
        for (size_t dead = 0; dead < 5; dead++)
            for (uint64_t s = 0; s < 8; s++) {
                struct world w;
                begin(&w, spread, 5, first, seed + s);
                w.waiting_ns = 500 * NS_PER_MS;
                pipeline_destroy(w.pipeline);
                w.target.interval_ns[ICMP] = w.target.interval_ns[TCP] = NS_PER_S;
                w.target.slow_interval_ns[ICMP] = w.target.slow_interval_ns[TCP] =
                    NS_PER_S;
                w.target.kinds[HTTPS] = false;
                w.pipeline = create(&w);
                w.ways[dead].dead = true;
                resolve(&w);
                size_t order;
                pipeline_survey_begin(w.pipeline, w.now);
                run_until(&w, w.now.ns + 9 * NS_PER_S);
                pipeline_survey_end(w.pipeline, w.now, &order);
                close_window(&w);
                missed += w.state.addresses[0].all[dead].unanswered < 2;
                n++;
                end(&w);
            }
    printf("# nine seconds: a dead address is not seen in %d of %d\n", missed, n);
    CHECK_INT(0, missed, "each dead address is seen");
}

/* Noise alone, with outages of the path: no address is told, none is moved to for loss. */
static void noise(void **state)
{
    (void)state;
    static const double losses[] = {0.01, 0.05, 0.1, 0.2};
    uint64_t seed = check_seed();
    int days = check_quick() ? 3 : 10;
    for (size_t l = 0; l < 4; l++) {
        struct world w;
        begin(&w, spread, 5, 1, seed + l);
        w.jitter_ms = 5;
        resolve(&w);
        survey(&w);
        for (int i = 0; i < days * 24 * HOUR / 10; i++) {
            w.loss = i % 18 == 7 ? 1 : losses[l]; /* ten minutes in three hours */
            run(&w, 10);
        }
        printf("# loss %g %%, ten-minute outages: %" PRIu64 " false silent addresses and "
               "%" PRIu64 " moves in %d days\n",
               100 * losses[l], w.silent, w.moves, days);
        CHECK(w.silent <= (losses[l] > 0.1 ? (uint64_t)days : 0), "false alarms");
        CHECK(w.downs > 0, "outages of the path are told");
        end(&w);
    }
}

/* What an address may do short of being dead: filter ICMP, which says nothing, or answer
 * ICMP alone, which is of no use to a client. */
static void half_dead(void **state)
{
    (void)state;
    struct world w;
    begin(&w, spread, 5, 0, check_seed());
    w.ways[3].filters_icmp = true;
    resolve(&w);
    survey(&w);
    run(&w, 4 * HOUR);
    CHECK_INT(0, w.silent, "an address that filters ICMP answers");
    w.ways[2].icmp_alone = w.ways[1].icmp_alone = true; /* one of them is in use */
    run(&w, 30);
    CHECK_INT(2, w.silent, "two that answer ICMP alone do not");
    CHECK_INT(3, w.used.bytes[3], "a client takes the nearest of the others");
    CHECK_INT(0, w.downs, "the target is not down");
    end(&w);
}

/* At the slow intervals, HTTPS alone: a probe in five minutes. */
static void slowly(void **state)
{
    (void)state;
    struct world w;
    begin(&w, spread, 5, 0, check_seed());
    pipeline_destroy(w.pipeline);
    w.target.kinds[ICMP] = w.target.kinds[TCP] = false;
    w.target.interval_ns[HTTPS] = 300 * NS_PER_S;
    w.pipeline = create(&w);
    resolve(&w);
    survey(&w);
    run(&w, HOUR);
    uint8_t used = w.used.bytes[3];
    w.ways[used].dead = true;
    int windows = 0;
    for (; w.silent == 0 && windows < 6 * HOUR; windows++)
        run(&w, 1);
    printf("# HTTPS alone, every 5 minutes: told after %d windows\n", windows);
    CHECK(windows < 2 * HOUR, "told within two hours");
    CHECK(w.used.bytes[3] != used, "another one is used");
    CHECK_INT(0, w.downs, "the target is not down");
    end(&w);
}

/* All dead: that is the target, not an address. */
static void all_are_dead(void **state)
{
    (void)state;
    struct world w;
    begin(&w, spread, 5, 0, check_seed());
    resolve(&w);
    survey(&w);
    run(&w, 20);
    for (size_t i = 0; i < 5; i++)
        w.ways[i].dead = true;
    run(&w, 20);
    CHECK_INT(0, w.silent, "no address is told");
    CHECK(w.downs >= 2, "the target is down");
    end(&w);
}

/* DNS answers one address, a dead one: no client can take the others. */
static void only_the_dead_is_current(void **state)
{
    (void)state;
    struct world w;
    struct known_address list[5];
    begin(&w, spread, 5, 0, check_seed());
    resolve(&w);
    survey(&w);
    run(&w, 20);
    for (size_t i = 0; i < 5; i++)
        list[i] = (struct known_address){address(i), i == 3};
    w.ways[3].dead = true;
    w.used = list[3].to;
    answer(&w, list, 5);
    run(&w, 20);
    CHECK_INT(0, w.silent, "the address is not told");
    CHECK(w.downs >= 2, "the target is down");
    end(&w);
}

/* A dead address is a finding until DNS has not returned it for two answers and two
 * minutes; one answer without it, as of a name that rotates, changes nothing. */
static void the_dead_leaves_dns(void **state)
{
    (void)state;
    struct world w;
    struct known_address list[5];
    begin(&w, spread, 5, 1, check_seed());
    resolve(&w);
    survey(&w);
    w.ways[3].dead = true;
    for (int i = 0; i < 20; i++) {
        resolve(&w);
        run(&w, 1);
    }
    CHECK_INT(1, target_silent_addresses(&w.state.addresses[0]), "it is silent");
    for (size_t i = 0; i < 5; i++)
        list[i] = (struct known_address){address(i), i != 3};
    answer(&w, list, 5);
    run(&w, 1);
    resolve(&w);
    run(&w, 1);
    CHECK_INT(1, target_silent_addresses(&w.state.addresses[0]), "it is held");
    CHECK_INT(0, w.clear, "one answer without it says nothing");
    for (int i = 0; i < 3; i++) {
        CHECK(w.clear == 0, "answer %d without it", i);
        answer(&w, list, 5);
        run(&w, 1);
    }
    CHECK_INT(0, target_silent_addresses(&w.state.addresses[0]), "it has left");
    CHECK_INT(1, w.clear, "that is told once");
    for (int i = 0; i < 10; i++) {
        answer(&w, list, 5);
        run(&w, 1);
    }
    CHECK_INT(4, w.state.addresses[0].n_all, "the others are watched");
    CHECK_INT(1, w.silent + w.clear - 1, "nothing else is told");
    end(&w);
}

/* A server that answers 8 of 200 addresses, others each time. */
static void rotating(void **state)
{
    (void)state;
    struct world w;
    struct way ways[200];
    for (size_t i = 0; i < 200; i++)
        ways[i] = (struct way){.rtt_ms = 20 + (double)i};
    begin(&w, ways, 200, 0, check_seed());
    resolve(&w);
    uint64_t silent = 0;
    size_t early = 0, n_slots = 0;
    bool has_slot[200] = {false};
    for (int minute = 0; minute < 24 * HOUR; minute++) {
        struct known_address list[ADDRESSES_MAX];
        for (size_t i = 0; i < ADDRESSES_MAX; i++)
            list[i] = (struct known_address){
                address((size_t)random_below(&w.random, 200)), i < 4};
        w.used = list[0].to;
        answer(&w, list, ADDRESSES_MAX);
        run(&w, 1);
        CHECK(w.state.addresses[0].n_all <= ADDRESSES_MAX, "at most 8 are watched");
        for (size_t i = 0; i < w.state.addresses[0].n_all; i++) {
            const struct address_state *a = &w.state.addresses[0].all[i];
            n_slots += a->has_slot && !has_slot[a->to.bytes[3]];
            has_slot[a->to.bytes[3]] |= a->has_slot;
        }
        silent += w.silent;
        early = minute == 2 * HOUR ? w.most_series : early;
    }
    printf("# 200 rotating addresses: %zu series after 2 hours, at most %zu in a day\n",
           early, w.most_series);
    CHECK(w.most_series <= N_KINDS * 18, "series stay bounded: %zu", w.most_series);
    CHECK(n_slots <= 2 * ADDRESSES_MAX, "addresses with series of their own: %zu",
          n_slots);
    CHECK_INT(0, silent, "none is told");
    CHECK_NEAR(13.0 * 24 * HOUR, (double)w.sent, 24 * HOUR, "no more probes");
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_addresses), cmocka_unit_test(one_is_dead),
        cmocka_unit_test(a_short_survey), cmocka_unit_test(noise),
        cmocka_unit_test(all_are_dead),   cmocka_unit_test(half_dead),
        cmocka_unit_test(slowly),         cmocka_unit_test(the_dead_leaves_dns),
        cmocka_unit_test(rotating),       cmocka_unit_test(only_the_dead_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
