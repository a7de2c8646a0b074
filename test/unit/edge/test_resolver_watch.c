/* Rounds of comparing DNS servers, in a scripted network with known delays. */
#include "edge/resolver_watch.h"

#include "check.h"
#include "core/event_names.h"
#include "core/random.h"
#include "interned.h"
#include "unit/edge/shipped.h"

#include <math.h>

#define MS(x) ((int64_t)((x)*NS_PER_MS))

static const struct kind tcp = {.name = "tcp",
                                .delays = {"rtt"},
                                .uses = USES_PORT,
                                .interval_ns = 10 * NS_PER_S,
                                .slow_interval_ns = 60 * NS_PER_S,
                                .roles = {DELAY_HANDSHAKE},
                                .on_by_default = true};
static const struct kinds kinds = {{&tcp}, 1};

struct bed {
    struct config config;
    struct edge_data known;
    struct target servers[DNS_SERVERS_MAX];
    struct watched_server list[DNS_SERVERS_MAX];
    struct resolver_watch *watch;
    struct events events;
    struct random random;
    struct mono now;
    /* Last byte of 198.51.100.0/24 that server `s` answers; 0: it is silent. */
    uint8_t answers[DNS_SERVERS_MAX];
    uint8_t all[DNS_SERVERS_MAX]; /* it answers so many addresses, in turn */
    const char *chain[DNS_SERVERS_MAX];
    bool private[DNS_SERVERS_MAX];
    double rtt_ms[256];
    size_t lookups, handshakes, most_a_second, a_second;
    int64_t second;
};

static struct wall wall_of(const struct bed *b)
{
    return (struct wall){INT64_C(1795424400) * NS_PER_S + b->now.ns};
}

static void serve(struct bed *b, size_t n)
{
    resolver_watch_servers(b->watch, b->list, n, b->now, wall_of(b), &b->events);
}

static struct bed *begin(const char *targets, size_t n)
{
    struct said said = {.n = 0};
    struct bed *b = calloc(1, sizeof *b);
    b->config = config_default();
    SHIPPED_PARSE(catalogue_parse, &b->known.metros, "metros.csv");
    config_parse(&b->config, &kinds, "f", targets, strlen(targets), ship_log_add, &said);
    CHECK_INT(0, said.n, text_string(&said.lines));
    b->random = random_from(check_seed());
    b->now.ns = 1000 * NS_PER_S;
    for (uint8_t s = 0; s < DNS_SERVERS_MAX; s++) {
        b->list[s].at.at = (struct endpoint){.family = FAMILY_IPV4,
                                             .bytes = {192, 0, 2, (uint8_t)(s + 1)}};
        b->list[s].target = &b->servers[s];
        b->servers[s].name = interned("dns-192.0.2.%u", s + 1);
    }
    b->watch = resolver_watch_create(&b->config, &b->known, &kinds);
    resolver_watch_pause(b->watch, false, b->now);
    serve(b, n);
    return b;
}

static void end(struct bed *b)
{
    resolver_watch_destroy(b->watch);
    events_free(&b->events);
    config_free(&b->config);
    edge_data_free(&b->known);
    free(b);
}

static void look_up(struct bed *b, const struct resolver_watch_step *step)
{
    static struct resolution r;
    size_t s = step->server->at.bytes[3] - 1u;
    b->lookups++;
    b->now.ns += b->answers[s] == 0 ? 5 * NS_PER_S : MS(10);
    if (b->answers[s] == 0) {
        resolver_watch_answer(b->watch, NULL, b->now);
        return;
    }
    r = (struct resolution){0};
    size_t n = b->all[s] > 0 ? b->all[s] : 1;
    for (size_t i = 0; i < n; i++)
        r.addresses[r.n++] =
            (struct endpoint){.family = (uint8_t)step->family,
                              .port = step->port,
                              .bytes = {b->private[s] ? 10 : 198, 51, 100,
                                        (uint8_t)(b->answers[s] + (b->lookups + i) % n)}};
    if (b->chain[s] != NULL)
        text_copy(r.cnames[r.n_cnames++], HOST_TEXT_MAX, b->chain[s]);
    resolver_watch_answer(b->watch, &r, b->now);
}

static void shake(struct bed *b, const struct resolver_watch_step *step)
{
    double rtt_ms = b->rtt_ms[step->to.bytes[3]];
    struct wall sent = wall_of(b);
    b->handshakes++;
    if (b->now.ns / NS_PER_S != b->second)
        b->a_second = 0;
    b->second = b->now.ns / NS_PER_S;
    b->most_a_second = ++b->a_second > b->most_a_second ? b->a_second : b->most_a_second;
    rtt_ms += rtt_ms > 0 ? -log(1 - random_unit(&b->random)) * 0.3 : 0;
    b->now.ns += rtt_ms > 0 ? MS(rtt_ms) : 2 * NS_PER_S;
    resolver_watch_handshake(b->watch, rtt_ms > 0 ? MS(rtt_ms) : DELAY_UNDEFINED, b->now,
                             sent);
}

static void run(struct bed *b, int64_t minutes)
{
    struct mono at;
    struct resolver_watch_step step;
    int64_t until = b->now.ns + minutes * 60 * NS_PER_S;
    while (resolver_watch_next(b->watch, &at) && at.ns <= until) {
        b->now.ns = at.ns > b->now.ns ? at.ns : b->now.ns;
        if (!resolver_watch_take(b->watch, b->now, wall_of(b), &b->events, &step))
            continue;
        if (step.action == WATCH_LOOKUP)
            look_up(b, &step);
        else
            shake(b, &step);
    }
    b->now.ns = b->now.ns < until ? until : b->now.ns;
}

static const char one[] = "[target exchange]\nhost = outlook.example\n";

static void expect(const struct bed *b, size_t n, const char *after, const char *words)
{
    const struct event *e = &b->events.list[n - 1];
    CHECK_INT(n, b->events.n, words);
    CHECK_TEXT("edgelat.resolver.farther", e->name, "event");
    CHECK_TEXT(after, e->after, e->text);
    CHECK(strncmp(words, e->text, strlen(words)) == 0, "%s", e->text);
}

static void one_leads_farther(void **state)
{
    (void)state;
    struct bed *b = begin(one, 2);
    b->answers[0] = 1;
    b->answers[1] = 2;
    b->chain[0] = "MIL-efz.ms-acdc.office.com";
    b->rtt_ms[1] = 25;
    b->rtt_ms[2] = 10;
    run(b, 2);
    CHECK_INT(0, b->events.n, "two rounds are not enough");
    run(b, 3);
    expect(b, 1, "farther", "resolver 192.0.2.1 leads exchange to Milan, +1");
    CHECK(strstr(b->events.list[0].text, " against 198.51.100.2 by 192.0.2.2") != NULL,
          "%s", b->events.list[0].text);
    CHECK(b->events.list[0].target == &b->servers[0], "its target");
    run(b, 300);
    CHECK_INT(1, b->events.n, "once");
    b->answers[0] = 2;
    b->chain[0] = NULL;
    run(b, 70);
    expect(b, 2, "agrees", "resolver 192.0.2.1 does not lead a service farther than");
    run(b, 600);
    CHECK_INT(2, b->events.n, "it stays so");
    end(b);
}

/* Where there is nothing to find, nothing is found, whatever the answers look like. */
static void nothing_to_find(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t answers[2], all;
        bool private;
        double rtt_ms[2];
        bool tries; /* handshakes */
    } cases[] = {
        {"as far", {1, 2}, 0, false, {10, 10}, true},
        {"farther by less than counts", {1, 2}, 0, false, {10.4, 10}, true},
        {"the same addresses in turn", {1, 1}, 3, false, {10, 10}, false},
        {"a page of a filter is near", {1, 2}, 0, true, {10, 0.3}, true},
        {"one is silent", {1, 0}, 0, false, {10, 10}, false},
        {"one leads to what does not answer", {1, 2}, 0, false, {10, 0}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = begin(one, 2);
        memcpy(b->answers, cases[i].answers, 2);
        b->all[0] = b->all[1] = cases[i].all;
        b->private[1] = cases[i].private;
        for (size_t k = 1; k < 8; k++)
            b->rtt_ms[k] = cases[i].rtt_ms[k > 1];
        run(b, 24 * 60);
        CHECK_INT(0, b->events.n, cases[i].what);
        CHECK_INT(cases[i].tries, b->handshakes > 0, cases[i].what);
        CHECK(b->lookups >= 2 * 24 && b->lookups <= 2 * 25, "%s: each hour: %zu",
              cases[i].what, b->lookups);
        end(b);
    }
}

static void alone(void **state)
{
    (void)state;
    struct bed *b = begin(one, 1);
    run(b, 600);
    CHECK_INT(0, b->lookups, "one server is not compared");
    end(b);
    b = begin("[target a]\nhost = 192.0.2.7\n", 2);
    run(b, 600);
    CHECK_INT(0, b->lookups, "an address is not asked for");
    end(b);
}

static void changes(void **state)
{
    (void)state;
    struct bed *b = begin(one, 3);
    memcpy(b->answers, (uint8_t[]){1, 2, 2}, 3);
    b->rtt_ms[1] = 40;
    b->rtt_ms[2] = 10;
    run(b, 16);
    expect(b, 1, "farther", "resolver 192.0.2.1 leads exchange to 198.51.100.1, +");
    size_t before = b->lookups;
    resolver_watch_moved(b->watch, b->now);
    run(b, 1);
    CHECK_INT(before + 3, b->lookups, "asked at once in another network");
    serve(b, 3);
    run(b, 1);
    CHECK_INT(before + 3, b->lookups, "the same list is no change");
    struct watched_server first = b->list[0];
    b->list[0] = b->list[2];
    serve(b, 2);
    expect(b, 2, "agrees", "resolver 192.0.2.1 is not compared with others any more");
    run(b, 1);
    CHECK_INT(before + 5, b->lookups, "another list is");
    b->list[2] = first;
    serve(b, 3);
    run(b, 16);
    expect(b, 3, "farther", "resolver 192.0.2.1 leads");
    resolver_watch_pause(b->watch, true, b->now);
    before = b->lookups;
    run(b, 600);
    CHECK_INT(before, b->lookups, "not while it is paused");
    end(b);
}

static void bounds(void **state)
{
    (void)state;
    struct text many = {0};
    for (int i = 0; i < 6; i++)
        text_add(&many, "[target t%d]\nhost = t%d.example\n", i, i);
    struct bed *b = begin(text_string(&many), DNS_SERVERS_MAX);
    for (uint8_t s = 0; s < DNS_SERVERS_MAX; s++) {
        b->answers[s] = (uint8_t)(s + 1);
        b->rtt_ms[s + 1] = 10 * (s + 1);
    }
    run(b, 2);
    CHECK_INT(WATCH_HOSTS_MAX * DNS_SERVERS_MAX, b->lookups, "a round");
    CHECK_INT(WATCH_HOSTS_MAX * DNS_SERVERS_MAX * WATCH_HANDSHAKES, b->handshakes,
              "with each address");
    CHECK(b->most_a_second <= 4, "%zu a second", b->most_a_second);
    run(b, 20);
    CHECK_INT(DNS_SERVERS_MAX - 1, b->events.n, "all but the nearest");
    text_free(&many);
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_leads_farther),
        cmocka_unit_test(nothing_to_find),
        cmocka_unit_test(alone),
        cmocka_unit_test(changes),
        cmocka_unit_test(bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
