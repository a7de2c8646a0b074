/*
 * A day of a branch office where one of five names is served by another company's network
 * 1 ms away, whose replies name a PoP. At noon the name moves to Microsoft's edge, in the
 * evening back. The true nearest is known here; the agent must not be wrong in any window.
 */
#include "edge/owners.h"
#include "edge/serving.h"
#include "sim/network.h"

#define MS(x)     ((int64_t)((x)*NS_PER_MS))
#define HOUR_NS   (3600 * NS_PER_S)
#define MINUTE_NS (60 * NS_PER_S)

enum { NAME, TARGETS = 5, SLOW_S = 15 }; /* of sim_ping's slow interval */

static const struct way ways[TARGETS] = {
    [NAME] = {MS(1), MS(0.2), 0, "MAA"}, {MS(5), MS(0.5), 0.01, "AMS"},
    {MS(9), MS(0.5), 0.01, "LON"},       {MS(12), MS(0.5), 0.01, "FRA"},
    {MS(30), MS(0.5), 0.01, "STO"},
};

static const struct move moves[] = {
    {12 * HOUR_NS, NAME, {MS(3), MS(0.2), 0, "BRU"}},
    {20 * HOUR_NS, NAME, {MS(1), MS(0.2), 0, "MAA"}},
};

struct day {
    struct owners *owners;
    struct site site;
    struct serving serving;
    struct events events;
    size_t foreign, others; /* events */
    size_t wrong, windows;
    bool at_the_edge;
};

/* DNS and a reply show the owner, at once and each minute. */
static void tell(struct sim *s)
{
    struct day *d = s->user;
    struct endpoint to = sim_address(NAME);
    owners_resolved(d->owners, NAME, FAMILY_IPV4, "name.example", &to);
    struct owner owner =
        owners_replied(d->owners, NAME, FAMILY_IPV4, &to,
                       d->at_the_edge ? NULL : "X-CDN-TraceID of Akamai");
    pipeline_owner(s->pipeline, NAME, FAMILY_IPV4, &owner, s->now, s->wall);
}

static void on_batch(struct sim *s, const struct batch *batch)
{
    struct day *d = s->user;
    d->events.n = 0;
    serving_update(&d->serving, &d->site, batch->targets, batch->n_targets, batch->time,
                   &d->events);
    for (size_t i = 0; i < d->events.n; i++) {
        bool foreign = strcmp(d->events.list[i].name, "edgelat.target.foreign") == 0;
        d->foreign += foreign;
        d->others += !foreign && d->events.list[i].target == &s->targets[NAME];
    }
    const struct target_state *t = batch->targets;
    if (d->at_the_edge) {
        int64_t since_ns = s->now.ns - s->begin.ns - moves[0].at_ns;
        d->wrong += since_ns > 6 * MINUTE_NS && t[NAME].rank != 1;
    } else {
        d->wrong += t[NAME].rank != 0 || t[NAME].pop[0] != '\0';
        d->wrong += d->windows > 2 && t[1].rank != 1;
    }
    d->windows++;
    tell(s);
}

static void it_is_never_the_nearest(void **state)
{
    (void)state;
    static const struct catalogue nothing;
    static const struct peering none;
    static const struct suffixes suffixes;
    static const struct prefixes prefixes;
    static struct sim s;
    struct day d = {.owners = owners_create(&suffixes, &prefixes, TARGETS)};
    site_read(&d.site, &nothing, "", &none, NULL, NULL);
    sim_begin(&s, TARGETS, ways, (struct wall){INT64_C(1795392000) * NS_PER_S},
              check_seed());
    s.user = &d;
    s.moves = moves;
    s.n_moves = sizeof moves / sizeof *moves;
    s.on_batch = on_batch;
    sim_start(&s);
    tell(&s);
    sim_run(&s, moves[0].at_ns);
    uint64_t sent = s.truth[sim_stream(NAME, SIM_PING)].sent;
    CHECK(sent <= 12 * 3600 / SLOW_S + 2, "at the slow interval: %llu pings",
          (unsigned long long)sent);
    CHECK(s.truth[sim_stream(1, SIM_PING)].sent > 42000, "the nearest at the full one");
    for (size_t m = 0; m < s.n_moves; m++) {
        d.at_the_edge = m == 0;
        tell(&s);
        sim_run(&s, m == 0 ? moves[1].at_ns : 24 * HOUR_NS);
    }
    CHECK(d.windows >= 1439, "windows of a day");
    CHECK_INT(0, d.wrong, "windows in which a rank or a PoP was wrong");
    CHECK_INT(2, d.foreign, "reported in the morning and in the evening");
    CHECK_INT(0, d.others, "and nothing else of it");
    sim_end(&s);
    serving_free(&d.serving);
    events_free(&d.events);
    owners_destroy(d.owners);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_never_the_nearest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
