/*
 * Loss and delay planted on the way to the default gateway, or behind it, or nowhere, in
 * random sites: whom does core/last_metre.h charge? Packets are drawn one by one; the truth
 * is what was planted. Gateways answer ICMP as routers do: some filter it, some limit its
 * rate, some answer late because they are busy. The intervals of the medians are computed
 * here, from order statistics.
 */
#include "check.h"
#include "core/event_names.h"
#include "core/last_metre.h"
#include "core/random.h"
#include "interned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define START_NS  (INT64_C(1795424400) * NS_PER_S)
#define WINDOW_NS (60 * NS_PER_S)

enum { HOSTS_MAX = 7, GATEWAY_PROBES = 30, TARGET_PROBES = 12, PROBES_MAX = 30 };

static const struct kind icmp = {.name = "icmp",
                                 .delays = {"rtt"},
                                 .roles = {DELAY_ROUND_TRIP},
                                 .single_packets = true,
                                 .may_be_filtered = true};

struct host {             /* the gateway is the last one */
    double loss, rise_ms; /* planted behind the gateway */
    double base_ms;
};

struct site {
    struct random random;
    struct target targets[HOSTS_MAX];
    struct target_state states[HOSTS_MAX];
    struct series series[HOSTS_MAX];
    const struct series *list[HOSTS_MAX];
    struct host hosts[HOSTS_MAX];
    size_t n;                /* targets, then the gateway */
    double loss, rise_ms;    /* planted in front of the gateway */
    double limited, busy_ms; /* the gateway's own, of what it answers itself */
    bool filtered, no_neighbour;
    struct last_metre metre;
    struct events events;
    int64_t now_ns;
};

static double unit(struct site *s)
{
    return random_unit(&s->random);
}

static void begin(struct site *s, uint64_t seed, size_t n_targets)
{
    *s = (struct site){
        .random = random_from(seed), .n = n_targets + 1, .now_ns = START_NS};
    for (size_t i = 0; i < s->n; i++) {
        bool gateway = i == n_targets;
        s->targets[i].name = interned(gateway ? "gateway" : "t%zu", i);
        s->targets[i].gateway = gateway;
        s->states[i].target = &s->targets[i];
        s->hosts[i].base_ms = gateway ? 0.5 : 5 + 40 * unit(s);
        s->series[i] = (struct series){.target = &s->targets[i],
                                       .kind = &icmp,
                                       .family = FAMILY_IPV4,
                                       .in_window = true};
        s->list[i] = &s->series[i];
    }
}

/* ---- packets ---- */

static bool is_lost(struct site *s, size_t i)
{
    bool gateway = s->targets[i].gateway;
    if (unit(s) < s->loss)
        return true;
    return gateway ? s->filtered || s->no_neighbour || unit(s) < s->limited
                   : unit(s) < s->hosts[i].loss;
}

static int64_t delay_ns(struct site *s, size_t i)
{
    bool gateway = s->targets[i].gateway;
    double ms = s->hosts[i].base_ms + 0.3 * random_exponential(&s->random, 1);
    ms += s->rise_ms > 0 ? random_exponential(&s->random, s->rise_ms / 2) + s->rise_ms / 2
                         : 0;
    double own = gateway ? s->busy_ms : s->hosts[i].rise_ms;
    ms += own > 0 ? random_exponential(&s->random, own / 2) + own / 2 : 0;
    return (int64_t)(ms * 1e6);
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The 95 % interval of the median: order statistics of the binomial distribution with 1/2. */
static size_t rank_below(size_t n)
{
    double term = ldexp(1, -(int)n), sum = term;
    size_t k = 0;
    while (sum <= 0.025) {
        term *= (double)(n - k) / (double)(k + 1);
        sum += term;
        k++;
    }
    return k; /* the k-th smallest value, from 1; 0: too few */
}

static void draw(struct site *s, size_t i)
{
    int64_t values[PROBES_MAX];
    size_t n = 0, probes = s->targets[i].gateway ? GATEWAY_PROBES : TARGET_PROBES;
    struct series *to = &s->series[i];
    to->window = (struct summary){.sent = probes};
    for (size_t p = 0; p < probes; p++)
        if (!is_lost(s, i))
            values[n++] = delay_ns(s, i);
    to->window.outcomes[OUTCOME_REPLY] = to->window.received = n;
    to->window.outcomes[OUTCOME_LOSS] = probes - n;
    qsort(values, n, sizeof *values, by_value);
    struct delay_summary *d = &to->window.delays[0];
    size_t k = n > 0 ? rank_below(n) : 0;
    d->count = n;
    if (n == 0)
        return;
    d->min_ns = values[0];
    d->percentile_ns[P50] = values[(n - 1) / 2];
    d->supported[P50] = k > 0;
    d->low_ns[P50] = values[k > 0 ? k - 1 : 0];
    d->high_ns[P50] = values[k > 0 ? n - k : n - 1];
}

static void window(struct site *s)
{
    struct metre_gateway gateways[2] = {
        {.at = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 1}},
         .interface = "eth0",
         .no_neighbour = s->no_neighbour}};
    struct batch b = {.series = s->list,
                      .n_series = s->n,
                      .targets = s->states,
                      .n_targets = s->n,
                      .window_start = {s->now_ns},
                      .time = {s->now_ns + WINDOW_NS}};
    for (size_t i = 0; i < s->n; i++)
        draw(s, i);
    s->now_ns += WINDOW_NS;
    s->events.n = 0;
    last_metre_window(&s->metre, &b, gateways, &s->events);
}

/* A quiet time, in which lowest delays are learned, then what was planted. */
static void run(struct site *s, size_t quiet, size_t windows)
{
    struct site planted = *s;
    s->loss = s->rise_ms = s->busy_ms = 0;
    for (size_t i = 0; i < s->n; i++)
        s->hosts[i].loss = s->hosts[i].rise_ms = 0;
    while (quiet-- > 0)
        window(s);
    s->loss = planted.loss;
    s->rise_ms = planted.rise_ms;
    s->busy_ms = planted.busy_ms;
    memcpy(s->hosts, planted.hosts, sizeof s->hosts);
    while (windows-- > 0)
        window(s);
}

/* ---- random sites ---- */

struct judged {
    size_t n, right, cannot_tell, wrong;
};

static void print(const char *what, const struct judged *t)
{
    printf("# %-44s %5zu sites: %5.1f %% right, %5.1f %% cannot tell, %4.1f %% wrong\n",
           what, t->n, 100.0 * (double)t->right / (double)t->n,
           100.0 * (double)t->cannot_tell / (double)t->n,
           100.0 * (double)t->wrong / (double)t->n);
}

static void count(struct judged *t, enum charge truth, enum charge is)
{
    t->n++;
    t->right += is == truth;
    t->cannot_tell += is != truth && (is == CHARGE_UNKNOWN || is == CHARGE_NOTHING);
    t->wrong += is != truth && (is == CHARGE_SITE || is == CHARGE_BEYOND);
}

enum answers { ANSWERS_WELL, ANSWERS_SELDOM, ANSWERS_NEVER, ANSWERS };
static const char *const answers[ANSWERS] = {"gateway answers", "gateway limits its rate",
                                             "gateway filters ICMP"};

static void plant(struct site *s, enum charge where, enum answers how, bool delay)
{
    double loss = 0.03 + 0.17 * unit(s), rise_ms = 10 + 60 * unit(s);
    s->filtered = how == ANSWERS_NEVER;
    if (how == ANSWERS_SELDOM) {
        s->limited = 0.05 + 0.5 * unit(s);
        s->busy_ms = delay ? 5 + 60 * unit(s) : 0;
    }
    if (where == CHARGE_SITE)
        *(delay ? &s->rise_ms : &s->loss) = delay ? rise_ms : loss;
    if (where == CHARGE_BEYOND)
        *(delay ? &s->hosts[0].rise_ms : &s->hosts[0].loss) = delay ? rise_ms : loss;
}

static void random_sites(bool delay)
{
    size_t sites = check_quick() ? 150 : 2000;
    uint64_t seed = check_seed();
    static struct site s;
    for (enum charge where = CHARGE_SITE; where <= CHARGE_BEYOND; where++)
        for (enum answers how = 0; how < ANSWERS; how++) {
            struct judged t = {0};
            char what[80];
            for (size_t i = 0; i < sites; i++) {
                begin(&s, seed++,
                      2 + (size_t)random_below(&(struct random){{seed, 2, 3, 4}}, 5));
                plant(&s, where, how, delay);
                run(&s, 5, METRE_WINDOWS);
                struct metre_charge c = last_metre_charge(&s.metre, 0, SLOT_IPV4);
                count(&t, where, delay ? c.delay : c.loss);
                last_metre_free(&s.metre);
                events_free(&s.events);
            }
            snprintf(what, sizeof what, "%s %s, %s", delay ? "rise" : "loss",
                     where == CHARGE_SITE ? "in front of it" : "behind it", answers[how]);
            print(what, &t);
            CHECK(100 * t.wrong <= 2 * t.n + 200, "%s: %zu wrong", what, t.wrong);
            if (how == ANSWERS_WELL || (where == CHARGE_BEYOND))
                CHECK(2 * t.right > t.n, "%s: most are told", what);
            else if (how == ANSWERS_NEVER)
                CHECK_INT(0, t.right, "without an answer nobody can charge the site");
        }
}

static void loss_of_random_sites(void **state)
{
    (void)state;
    random_sites(false);
}

static void delay_of_random_sites(void **state)
{
    (void)state;
    random_sites(true);
}

/* Nothing is planted, but gateways answer as they like: no state but fine or cannot tell. */
static void healthy_sites(void **state)
{
    (void)state;
    size_t sites = check_quick() ? 100 : 1000, faults = 0, charged = 0, windows = 0;
    uint64_t seed = check_seed();
    static struct site s;
    for (size_t i = 0; i < sites; i++) {
        begin(&s, seed++, 1 + i % 6);
        plant(&s, CHARGE_NOTHING, (enum answers)(i % ANSWERS), i % 2 == 0);
        for (size_t k = 0; k < 30; k++, windows++) {
            window(&s);
            faults += s.metre.states[0] > METRE_FINE;
            for (size_t t = 0; t + 1 < s.n; t++)
                charged += metre_charge_worst(last_metre_charge(&s.metre, t, 0)) != 0;
        }
        last_metre_free(&s.metre);
        events_free(&s.events);
    }
    printf(
        "# healthy: %zu windows, %zu with a fault of the last metre, %zu targets charged\n",
        windows, faults, charged);
    CHECK_INT(0, faults, "no fault where there is none");
    CHECK_INT(0, charged, "nobody is charged");
}

/* ---- ARP ---- */

/* The way to the gateway has always been slow: nothing has risen. Not so if the gateway only
 * answers late itself. */
static void always_slow(void **state)
{
    (void)state;
    struct site s;
    for (int own = 0; own < 2; own++) {
        begin(&s, 7, 4);
        for (size_t i = 0; i < s.n; i++) /* 60 ms in front of the gateway */
            s.hosts[i].base_ms += own == 0 || i == s.n - 1 ? 60 : 0;
        run(&s, 0, 2);
        CHECK_TEXT(own == 0 ? "slow" : "fine", metre_state_name(s.metre.states[0]),
                   "the last metre");
        for (size_t t = 0; t + 1 < s.n; t++)
            CHECK_INT(own == 0 ? CHARGE_SITE : CHARGE_NOTHING,
                      last_metre_charge(&s.metre, t, SLOT_IPV4).delay, "charged");
        CHECK_INT(own == 0, s.events.n, "reported once");
        if (own == 0)
            CHECK(strstr(s.events.list[0].text, "more than 20 ms") != NULL, "%s",
                  s.events.list[0].text);
        events_free(&s.events);
        last_metre_free(&s.metre);
    }
}

static void silent_gateways(void **state)
{
    (void)state;
    static struct site s;
    begin(&s, check_seed(), 2);
    run(&s, 5, 2);
    CHECK_INT(METRE_FINE, s.metre.states[0], "it answers");
    s.no_neighbour = true;
    s.loss = 1;
    window(&s);
    CHECK_INT(METRE_DOWN, s.metre.states[0], "neither ICMP nor ARP");
    CHECK_INT(CHARGE_SITE, last_metre_charge(&s.metre, 0, 0).loss, "the site's");
    CHECK_INT(1, s.events.n, "reported once");
    CHECK_TEXT(EVENT_LAST_METRE, s.events.list[0].name, "the event");
    window(&s);
    CHECK_INT(0, s.events.n, "and not again");
    s.no_neighbour = false;
    s.loss = 0;
    window(&s);
    window(&s);
    CHECK_INT(METRE_FINE, s.metre.states[0], "it is over");
    for (size_t i = 0; i < METRE_WINDOWS; i++)
        window(&s);

    s.filtered = true; /* from now on, while targets answer */
    window(&s);
    window(&s);
    CHECK_INT(METRE_UNKNOWN, s.metre.states[0], "silence alone is no fault");
    CHECK_INT(CHARGE_NOTHING, last_metre_charge(&s.metre, 0, 0).loss, "nothing is lost");
    s.loss = 1;
    window(&s);
    CHECK_INT(CHARGE_UNKNOWN, last_metre_charge(&s.metre, 0, 0).loss,
              "nothing passes, but it answers ARP: cannot tell");
    CHECK(s.metre.states[0] != METRE_DOWN, "nor is it down");
    last_metre_free(&s.metre);
    events_free(&s.events);

    begin(&s, check_seed(), 2); /* the uplink behind it fails */
    run(&s, 5, 2);
    s.hosts[0].loss = s.hosts[1].loss = 1;
    window(&s);
    CHECK_INT(CHARGE_BEYOND, last_metre_charge(&s.metre, 1, 0).loss, "it still answers");
    CHECK_INT(METRE_FINE, s.metre.states[0], "it is not its fault");
    last_metre_free(&s.metre);
    events_free(&s.events);
}

/* The events of targets name who is charged. */
static void events_of_targets(void **state)
{
    (void)state;
    static struct site s;
    begin(&s, check_seed(), 2);
    run(&s, 5, 2);
    s.loss = 0.3;
    for (size_t i = 0; i < 4; i++)
        window(&s);
    CHECK_INT(METRE_LOSSY, s.metre.states[0], "lossy");
    struct batch b = {
        .series = s.list, .n_series = s.n, .targets = s.states, .n_targets = s.n};
    struct metre_gateway gateways[2] = {s.metre.gateways[0]};
    for (size_t i = 0; i < s.n; i++)
        draw(&s, i);
    s.events.n = 0;
    struct event *e = events_add(&s.events, EVENT_STATE_CHANGED, SEVERITY_WARN,
                                 (struct wall){s.now_ns}, &s.targets[0]);
    e->family = FAMILY_IPV4;
    event_change(e, "", "degraded");
    event_say(e, "degraded");
    last_metre_window(&s.metre, &b, gateways, &s.events);
    CHECK_TEXT(ATTR_CHARGED_TO, e->facts[0].name, "a fact");
    CHECK_TEXT("site", e->facts[0].text, "the site's");
    CHECK(strstr(e->text, "default gateway") != NULL, "%s", e->text);
    last_metre_free(&s.metre);
    events_free(&s.events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_of_random_sites), cmocka_unit_test(delay_of_random_sites),
        cmocka_unit_test(healthy_sites),        cmocka_unit_test(always_slow),
        cmocka_unit_test(silent_gateways),      cmocka_unit_test(events_of_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
