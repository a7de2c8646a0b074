/*
 * Links with queues of known size, loaded by flows that come and go: is buffer bloat found, how
 * far is its delay from that of the full queue, and is it found where there is none? The queue is
 * a fluid one of 5 ms steps.
 */
#include "check.h"
#include "core/event_names.h"
#include "core/load_curve.h"
#include "core/random.h"

#include <math.h>

enum { STEPS = 200, TARGETS = 4 };

struct link {
    double rate, buffer_ms[LOAD_DIRECTIONS]; /* bytes/s; the queue of each direction */
    double queue[LOAD_DIRECTIONS], offered[LOAD_DIRECTIONS];
    double spikes_ms; /* of the networks behind it, by no load of this link */
    bool idle;        /* never full */
};

static double offer(struct random *r, const struct link *l)
{
    double chance = random_unit(r);
    if (l->idle || chance < 0.6)
        return 0.25 * random_unit(r);
    return chance < 0.85 ? 0.2 + 0.7 * random_unit(r) : 1 + 0.5 * random_unit(r);
}

static void run(struct random *r, struct link *l, struct load_curve *c, int seconds,
                struct events *events)
{
    static const double none[LOAD_DIRECTIONS];
    struct target targets[TARGETS] = {{.name = "a"}};
    double spike_until = 0;
    load_curve_begin(c, none);
    events->n = 0;
    for (int s = 0; s < seconds; s++) {
        double served[LOAD_DIRECTIONS] = {0};
        struct mono now = {(s + 1) * NS_PER_S};
        if (s % 20 == 0)
            l->offered[s / 20 % 2] = offer(r, l);
        if (l->spikes_ms > 0 && random_unit(r) < 0.01)
            spike_until = s + 20;
        for (int step = 0; step < STEPS; step++) {
            for (size_t d = 0; d < LOAD_DIRECTIONS; d++) {
                double room = l->buffer_ms[d] / 1e3 * l->rate, dt = 1.0 / STEPS;
                double come = l->offered[d] * l->rate * dt * 2 * random_unit(r);
                double sent = l->queue[d] + come;
                sent = sent < l->rate * dt ? sent : l->rate * dt;
                l->queue[d] += come - sent;
                l->queue[d] = l->queue[d] < room ? l->queue[d] : room;
                served[d] += sent;
            }
            if (step % (STEPS / TARGETS) != (int)random_below(r, STEPS / TARGETS))
                continue;
            size_t t = (size_t)random_below(r, TARGETS);
            struct endpoint to = {.family = FAMILY_IPV4, .bytes = {(uint8_t)t}};
            struct result x =
                result_of((uint32_t)t, &to, (struct wall){0}, OUTCOME_REPLY);
            double ms = 10.0 * (double)(t + 1) + random_exponential(r, 0.5) +
                        1e3 * (l->queue[0] + l->queue[1]) / l->rate;
            ms += s < spike_until ? l->spikes_ms * random_unit(r) : 0;
            x.delays[0] = (int64_t)(ms * 1e6);
            load_curve_delay(c, &targets[t], &x, now);
        }
        load_curve_second(c, served, now);
        if (s % 60 == 59)
            load_curve_window(c, "eth0", (struct wall){now.ns}, events);
    }
}

struct found {
    size_t n, bloated, healthy, unknown, events;
    double worst_error;
};

static struct found many(const char *what, size_t n, struct link like, bool vary)
{
    struct found f = {.n = n};
    static struct events events;
    static struct load_curve c;
    uint64_t seed = check_seed();
    for (size_t i = 0; i < n; i++) {
        struct random r = random_from(seed + i);
        struct link l = like;
        l.rate = 1e5 * pow(100, random_unit(&r)); /* 0.8 to 80 Mbit/s */
        if (vary)
            l.buffer_ms[0] = 60 + 500 * random_unit(&r);
        run(&r, &l, &c, 3 * 3600, &events);
        const struct load_way *w = &c.ways[LOAD_RECEIVE];
        f.bloated += w->state == LOAD_BLOATED;
        f.healthy += w->state == LOAD_HEALTHY;
        f.unknown += w->state == LOAD_UNKNOWN;
        f.events += events.n;
        if (w->state == LOAD_BLOATED) {
            double error = fabs((double)w->rise_ns / 1e6 / l.buffer_ms[0] - 1);
            f.worst_error = error > f.worst_error ? error : f.worst_error;
        }
    }
    printf(
        "# %-34s %3zu links: %3zu bloated, %3zu healthy, %3zu cannot tell; rise within %.0f %%\n",
        what, n, f.bloated, f.healthy, f.unknown, 100 * f.worst_error);
    return f;
}

static void queues_of_known_size(void **state)
{
    (void)state;
    size_t n = check_quick() ? 3 : 60;
    struct found f =
        many("large queue, download", n, (struct link){.buffer_ms = {200, 5}}, true);
    CHECK_INT(n, f.bloated, "each is found");
    CHECK(f.worst_error < 0.5, "its delay is that of the full queue");
    f = many("small queues", n, (struct link){.buffer_ms = {8, 8}}, false);
    CHECK_INT(0, f.bloated + f.events, "no false finding");
    CHECK(f.healthy > 0, "and it can be told");
    f = many("small queues, busy networks behind", n,
             (struct link){.buffer_ms = {8, 8}, .spikes_ms = 200}, false);
    CHECK_INT(0, f.bloated + f.events, "delays that load does not explain");
    f = many("large queue, never full", n,
             (struct link){.buffer_ms = {300, 300}, .idle = true}, false);
    CHECK_INT(0, f.bloated + f.events, "nobody has seen it");
    f = many("large queue, upload", n, (struct link){.buffer_ms = {8, 200}}, false);
    CHECK_INT(0, f.bloated, "the other direction is not blamed");
    CHECK_INT(n, f.events, "but the right one");
}

static void knee_and_text(void **state)
{
    (void)state;
    static struct events events;
    static struct load_curve c;
    struct random r = random_from(check_seed());
    struct link l = {.rate = 1e6, .buffer_ms = {200, 5}};
    run(&r, &l, &c, 3 * 3600, &events);
    struct text out = {0};
    load_curve_text(&c, "eth0", &out);
    printf("# %s", text_string(&out));
    CHECK_INT(1, events.n, "reported once");
    CHECK_TEXT(EVENT_BLOAT_RECEIVE, events.list[0].name, "its event");
    CHECK(c.ways[0].knee_bin >= 8, "a queue grows when the line is full: %lld",
          (long long)c.ways[0].knee_bin);
    CHECK_NEAR(8.0, 8 * load_line_rate(&c.ways[0]) / 1e6, 0.5, "the line rate is seen");
    text_free(&out);
    load_curve_forget(&c);
    CHECK_INT(LOAD_UNKNOWN, c.ways[0].state, "another uplink");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_of_known_size),
        cmocka_unit_test(knee_and_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
