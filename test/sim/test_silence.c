/*
 * How often a target that answers is reported as down on a path that loses packets, and
 * how soon one that stopped is (core/silence.h). The truth is the simulator's, which knows
 * that nothing stopped; beside it stands the rule of two windows without an answer, counted
 * here. The whole pipeline at the shipped intervals, windows of a minute, a virtual clock.
 *
 * Packets are lost one by one with a chance that spells of loss raise (Gilbert 1960,
 * Elliott 1963); an outage has its exact length, shorter than the rule calls a silence. A lost SYN is sent again after a second, of a page also after 3 and 7.
 */
#include "base/heap.h"
#include "base/mem.h"
#include "check.h"
#include "core/event_names.h"
#include "core/pipeline.h"
#include "core/random.h"
#include "interned.h"

#define WINDOW_NS (60 * NS_PER_S)
#define RTT_NS    (20 * NS_PER_MS)
#define HOUR      60 /* windows */
#define DAY       (24 * HOUR)

enum { ICMP, TCP, HTTPS, N_KINDS, TARGETS = 10, STREAMS = TARGETS * N_KINDS };

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
                                  .waiting_ns = 10 * NS_PER_S,
                                  .on_by_default = true};
static const struct kinds kinds = {{&icmp, &tcp, &https}, N_KINDS};

static const struct loss {
    const char *what;
    double good, bad;
    double spell_s, apart_s; /* means, exponential; 0: no spells */
    bool evenings;           /* `bad` for three hours a day, instead of the spells */
    double most;             /* false downs a month */
} losses[] = {
    {"no loss", 0, 0, 0, 0, false, 0},
    {"2 %", 0.02, 0, 0, 0, false, 0.5},
    {"15 %", 0.15, 0, 0, 0, false, 0.5},
    {"30 %", 0.3, 0, 0, 0, false, 0.5},
    {"0.2 %, 15 % in the evening", 0.002, 0.15, 0, 0, true, 0.5},
    {"0.2 %, 60 % for 30 s, two an hour", 0.002, 0.6, 30, 1800, false, 3},
    {"0.2 %, 50 % for 5 minutes, four a day", 0.002, 0.5, 300, 21600, false, 5},
    {"outages of 10 s, ten an hour", 0, 1, 10, 360, false, 1},
    {"outages of 40 s, one an hour", 0, 1, 40, 3600, false, 1},
};

static const struct layout {
    const char *what;
    bool kinds[N_KINDS];
    int64_t interval_ns; /* 0: the shipped ones */
    size_t targets;      /* the first three are the nearest */
} layouts[] = {
    {"ten targets, a ping a minute", {true, false, false}, 60 * NS_PER_S, 10},
    {"ten targets, shipped intervals", {true, true, true}, 0, 10},
};

struct probe { /* under way */
    struct heap_item arrives;
    struct result result;
    size_t target, kind;
};

struct path {
    int64_t turn_ns;
    bool in_spell, stopped[N_KINDS];
};

struct watched { /* a stream by the rule of two windows */
    bool answered, sent, down;
    int silent, good;
};

struct world {
    struct random random;
    const struct loss *loss;
    struct path paths[TARGETS];
    struct target targets[TARGETS];
    struct pipeline *pipeline;
    struct mono now;
    struct heap under_way;
    struct watched watched[STREAMS];
    int downs, two_windows; /* reported; by that rule */
    bool down[N_KINDS];     /* of the first target */
    bool was_down;          /* by that rule, a stream of the first target */
};

static struct wall wall_of(const struct world *w)
{
    return (struct wall){INT64_C(20780) * 24 * 3600 * NS_PER_S + w->now.ns};
}

static void begin(struct world *w, const struct layout *of, const struct loss *loss,
                  uint64_t seed)
{
    *w = (struct world){.random = random_from(seed), .loss = loss};
    w->now.ns = 3600 * NS_PER_S;
    for (size_t t = 0; t < of->targets; t++) {
        w->paths[t].turn_ns = w->now.ns;
        w->targets[t] = target_default(&kinds);
        w->targets[t].name = interned("target-%zu", t);
        w->targets[t].host = interned("%zu.example", t);
        w->targets[t].ipv6 = false;
        for (size_t k = 0; k < N_KINDS; k++) {
            w->targets[t].kinds[k] = of->kinds[k];
            if (of->interval_ns > 0)
                w->targets[t].interval_ns[k] = w->targets[t].slow_interval_ns[k] =
                    of->interval_ns;
        }
    }
    struct pipeline_settings settings = {
        .window_ns = WINDOW_NS,
        .nearest = 3,
        .ranking = {.loss_limit = 0.1, .margin_ratio = 0.1, .margin_ns = NS_PER_MS},
        .targets = w->targets,
        .n_targets = of->targets,
    };
    w->pipeline =
        pipeline_create(&settings, &kinds, random_next(&w->random), w->now, wall_of(w));
    for (size_t t = 0; t < of->targets; t++) {
        struct endpoint to = {
            .family = FAMILY_IPV4, .bytes = {192, 0, 2, (uint8_t)t}, .port = 443};
        pipeline_resolved(w->pipeline, t, FAMILY_IPV4, to, "", w->now, wall_of(w));
    }
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

/* Of a packet; those of a path come in the order of time, but for a few seconds. */
static bool loses(struct world *w, size_t target, int64_t at_ns)
{
    const struct loss *l = w->loss;
    struct path *p = &w->paths[target];
    while (l->spell_s > 0 && p->turn_ns <= at_ns) {
        p->in_spell = !p->in_spell;
        double mean = p->in_spell ? l->spell_s : l->apart_s;
        bool regular = p->in_spell && l->bad == 1;
        p->turn_ns +=
            (int64_t)(1e9 * (regular ? mean : random_exponential(&w->random, mean)));
    }
    bool bad = l->evenings ? at_ns / NS_PER_S % 86400 < 3 * 3600 : p->in_spell;
    return random_unit(&w->random) < (bad ? l->bad : l->good);
}

static void send_probe(struct world *w, const struct probe_request *o)
{
    static const struct {
        int64_t sent_s[4], waiting_s;
        size_t n;
    } packets[N_KINDS] = {{{0}, 2, 1}, {{0, 1}, 2, 2}, {{0, 1, 3, 7}, 10, 4}};
    struct probe *p = mem_zalloc(sizeof *p);
    p->target = (size_t)(o->target - w->targets);
    p->kind = o->kind;
    size_t lost = 0;
    while (lost < packets[o->kind].n &&
           (w->paths[p->target].stopped[o->kind] ||
            loses(w, p->target, w->now.ns + packets[o->kind].sent_s[lost] * NS_PER_S)))
        lost++;
    bool answered = lost < packets[o->kind].n;
    p->result =
        result_of(o->stream, &o->to, wall_of(w), answered ? OUTCOME_REPLY : OUTCOME_LOSS);
    p->result.lost_packets = (uint8_t)(lost - !answered);
    p->result.delays[0] = lost == 0 ? RTT_NS : DELAY_UNDEFINED;
    p->arrives.at_ns =
        w->now.ns + (answered ? packets[o->kind].sent_s[lost] * NS_PER_S + RTT_NS
                              : packets[o->kind].waiting_s * NS_PER_S);
    heap_add(&w->under_way, &p->arrives);
}

static void arrive(struct world *w, struct probe *p)
{
    struct watched *x = &w->watched[p->target * N_KINDS + p->kind];
    heap_remove(&w->under_way, &p->arrives);
    pipeline_result(w->pipeline, &p->result);
    x->sent = true;
    x->answered |= p->result.outcome == OUTCOME_REPLY;
    free(p);
}

/* Two windows in a row without an answer, until three in a row with one. */
static void watch_window(struct world *w, size_t stream)
{
    struct watched *x = &w->watched[stream];
    if (!x->sent)
        return;
    x->silent = x->answered ? 0 : x->silent + 1;
    x->good = x->answered ? x->good + 1 : 0;
    if (!x->down && x->silent == 2) {
        x->down = true;
        w->two_windows++;
        w->was_down |= stream < N_KINDS;
    }
    x->down &= x->good < 3;
    x->sent = x->answered = false;
}

static void close_window(struct world *w)
{
    const struct batch *b = pipeline_close(w->pipeline, w->now, wall_of(w));
    for (size_t i = 0; i < b->n_events; i++) {
        const struct event *e = &b->events[i];
        bool flaps = strcmp(e->name, EVENT_STATE_FLAPPING) == 0;
        if (!flaps &&
            (strcmp(e->name, EVENT_STATE_CHANGED) != 0 || strcmp(e->after, "down") != 0))
            continue;
        w->downs++;
        for (size_t k = 0; k < N_KINDS && e->target == &w->targets[0]; k++)
            w->down[k] |= e->kind == kinds.list[k];
    }
    for (size_t s = 0; s < STREAMS; s++)
        watch_window(w, s);
}

static void run_until(struct world *w, int64_t until_ns)
{
    struct probe_request order;
    while (w->now.ns < until_ns) {
        struct mono due;
        int64_t at_ns = until_ns;
        struct heap_item *first;
        while (pipeline_take(w->pipeline, w->now, &order))
            send_probe(w, &order);
        if ((first = heap_first(&w->under_way)) != NULL && first->at_ns < at_ns)
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
        run_until(w, (w->now.ns / WINDOW_NS + 1) * WINDOW_NS);
        close_window(w);
    }
}

/* ---- nothing stopped ---- */

static void loss_is_no_outage(void **state)
{
    (void)state;
    const int days = check_quick() ? 4 : 90;
    struct random seeds = random_from(check_seed());
    for (size_t y = 0; y < sizeof layouts / sizeof *layouts; y++)
        for (size_t l = 0; l < sizeof losses / sizeof *losses; l++) {
            struct world w;
            begin(&w, &layouts[y], &losses[l], random_next(&seeds));
            int own_days = y == 0 ? days : days / 4;
            run(&w, own_days * DAY);
            double n = own_days / 30.0;
            printf("# %s, %s: %.2f false downs a month; two windows: %.0f\n",
                   layouts[y].what, losses[l].what, w.downs / n, w.two_windows / n);
            /* Beyond the rate, those of the first days, before the bursts are learned. */
            double most = losses[l].most;
            CHECK(w.downs <= most * n + (most > 0 ? 3 + 2 * most : 0),
                  "%s, %s: %d false downs", layouts[y].what, losses[l].what, w.downs);
            end(&w);
        }
}

/* The agent begins, and restarts, without a memory of the loss. */
static void nor_before_the_loss_is_known(void **state)
{
    (void)state;
    static const double most[] = {0.25, 1.5};
    const int runs = check_quick() ? 4 : 100;
    struct random seeds = random_from(check_seed());
    for (size_t y = 0; y < sizeof layouts / sizeof *layouts; y++)
        for (size_t l = 2; l < 4; l++) {
            int downs = 0, two_windows = 0;
            for (int i = 0; i < runs; i++) {
                struct world w;
                begin(&w, &layouts[y], &losses[l], random_next(&seeds));
                run(&w, 3 * HOUR);
                downs += w.downs;
                two_windows += w.two_windows;
                end(&w);
            }
            printf("# %s, %s, the first three hours: %.3f false downs; two windows: "
                   "%.1f\n",
                   layouts[y].what, losses[l].what, (double)downs / runs,
                   (double)two_windows / runs);
            CHECK(downs <= most[l - 2] * runs + 3, "false downs");
        }
}

/* ---- it stopped ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_times(const char *what, double *minutes, int n)
{
    double mean = 0;
    qsort(minutes, (size_t)n, sizeof *minutes, by_value);
    for (int i = 0; i < n; i++)
        mean += minutes[i] / n;
    printf("%s %.1f (95 %% within %.1f)", what, mean, minutes[n * 95 / 100]);
}

/* From the stop to the first report of the target. */
static void a_stop_is_told_soon(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct layout of;
        bool stops[N_KINDS];
        double most; /* minutes without loss */
    } cases[] = {
        {"near, all kinds", {"", {true, true, true}, 0, 1}, {true, true, true}, 3},
        {"near, pings alone", {"", {true, true, true}, 0, 1}, {true, false, false}, 3},
        {"near, TCP alone", {"", {true, true, true}, 0, 1}, {false, true, true}, 3},
        {"a minute, all kinds",
         {"", {true, true, true}, 60 * NS_PER_S, 1},
         {true, true, true},
         3},
        {"a minute, pings and TCP",
         {"", {true, true, false}, 60 * NS_PER_S, 1},
         {true, true, true},
         3},
        {"a minute, pings alone",
         {"", {true, true, true}, 60 * NS_PER_S, 1},
         {true, false, false},
         9.2},
        {"a minute, TCP alone",
         {"", {true, true, true}, 60 * NS_PER_S, 1},
         {false, true, true},
         4.2},
        {"a minute, the only kind",
         {"", {true, false, false}, 60 * NS_PER_S, 1},
         {true, true, true},
         5.2},
        {"5 minutes, HTTPS only",
         {"", {false, false, true}, 300 * NS_PER_S, 1},
         {true, true, true},
         17},
    };
    enum { N = 50 };
    const int runs = check_quick() ? 4 : N;
    struct random seeds = random_from(check_seed());
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (size_t l = 0; l < 4; l++) {
            static double told[N], two[N];
            for (int i = 0; i < runs; i++) {
                struct world w;
                begin(&w, &cases[c].of, &losses[l], random_next(&seeds));
                run(&w, check_quick() ? 2 * HOUR : 8 * HOUR);
                run_until(&w, w.now.ns + random_below(&w.random, WINDOW_NS));
                memset(w.down, 0, sizeof w.down);
                for (size_t s = 0; s < STREAMS; s++) {
                    w.watched[s].silent = 0;
                    w.watched[s].down = false;
                }
                w.was_down = false;
                memcpy(w.paths[0].stopped, cases[c].stops, sizeof w.paths[0].stopped);
                int64_t at_ns = w.now.ns;
                told[i] = two[i] = -1;
                for (int m = 0; m < 3 * HOUR && (told[i] < 0 || two[i] < 0); m++) {
                    run(&w, 1);
                    double minutes = (double)(w.now.ns - at_ns) / 60e9;
                    if (told[i] < 0 && (w.down[ICMP] || w.down[TCP] || w.down[HTTPS]))
                        told[i] = minutes;
                    if (two[i] < 0 && w.was_down)
                        two[i] = minutes;
                }
                CHECK(told[i] >= 0, "%s: it is told", cases[c].what);
                end(&w);
            }
            qsort(told, (size_t)runs, sizeof *told, by_value);
            CHECK(l > 0 || told[runs - 1] <= cases[c].most, "%s: after %g minutes",
                  cases[c].what, told[runs - 1]);
            printf("# %s, %s:", cases[c].what, losses[l].what);
            print_times(" reported after", told, runs);
            print_times(" minutes; two windows: after", two, runs);
            printf("\n");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_no_outage),
        cmocka_unit_test(nor_before_the_loss_is_known),
        cmocka_unit_test(a_stop_is_told_soon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
