/*
 * Whether another front door gains anything: the interval against tables of the sign test,
 * and what is reported of sites whose right answer is known.
 */
#include "edge/gain.h"
#include "edge/serving.h"

#include "core/random.h"
#include "interned.h"
#include "metros.h"

#include <stdlib.h>

#define MS(x)     ((int64_t)((x)*NS_PER_MS))
#define MINUTE_NS (60 * NS_PER_S)
#define START_NS  (INT64_C(1795424400) * NS_PER_S)

enum { OWN, DOORS_MAX = 4, STATES = DOORS_MAX + 1, PER_MINUTE = 6 };

static struct workloads workloads;

static int load(void **state)
{
    metros_load(state);
    SHIPPED_PARSE(workloads_parse, &workloads, "targets.csv");
    return 0;
}

static int unload(void **state)
{
    workloads_free(&workloads);
    return metros_unload(state);
}

/* ---- the hour of values ---- */

static void test_ring(void **state)
{
    (void)state;
    static struct delay_ring r;
    struct delay_ring *grown = NULL;
    for (int i = 0; i < 3 * 3600; i++) { /* one a second, three hours */
        struct wall at = {START_NS + i * NS_PER_S};
        grown = delay_ring_grow(grown);
        delay_ring_add(grown, at, i);
        delay_ring_add(&r, at, i);
        CHECK(grown->n == r.n &&
                  memcmp(grown->values, r.values, r.n * sizeof *r.values) == 0,
              "a ring that grows has the same values");
    }
    free(grown);
    int64_t last_s = 3 * 3600 - 1;
    CHECK(r.n > DELAY_RING_MAX / 4 && r.n <= DELAY_RING_MAX, "%u values", r.n);
    CHECK(r.values[r.n - 1].ns >= last_s - 60 && r.values[0].ns <= last_s - 3000,
          "%lld to %lld s", (long long)r.values[0].ns, (long long)r.values[r.n - 1].ns);
    CHECK(last_s - r.values[0].ns <= 3660, "nothing older than an hour: %lld",
          (long long)r.values[0].ns);
    for (size_t i = 1; i < r.n; i++)
        CHECK(r.values[i].ns - r.values[i - 1].ns < 90, "no gap: %lld",
              (long long)r.values[i - 1].ns);
    delay_ring_add(&r, (struct wall){START_NS}, 7);
    delay_ring_add(&r, (struct wall){START_NS + NS_PER_S}, 8);
    CHECK_INT(2, (int)r.n, "a clock that was set back");
    CHECK_INT(8, r.values[1].ns, "goes on from there");
}

/* ---- the interval ---- */

static void fill(struct delay_ring *r, size_t n, int64_t first_ns, int64_t step_ns)
{
    *r = (struct delay_ring){0};
    for (size_t i = 0; i < n; i++)
        delay_ring_add(r, (struct wall){START_NS + (int64_t)i * NS_PER_S},
                       first_ns + (int64_t)i * step_ns);
}

/* Tables of the sign test: of n values the k-th from both ends bound the median with at
 * least 97.5 %: n = 6: none; 7: 1 (98.4 %); 10: 2 (97.9 %); 20: 5 (98.8 %). */
static void test_interval(void **state)
{
    (void)state;
    static const struct {
        size_t n, k;
    } tables[] = {{6, 0}, {7, 1}, {9, 1}, {10, 2}, {20, 5}, {22, 6}};
    static struct delay_ring own, other;
    struct wall now = {START_NS + MINUTE_NS};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        size_t n = tables[i].n, k = tables[i].k;
        fill(&own, n, MS(100), MS(1));
        fill(&other, n, MS(10), 0);
        struct gain g = gain_of(&own, &other, now);
        CHECK_INT(k == 0 ? GAIN_UNKNOWN : GAIN_SURE, (int)g.verdict, "verdict");
        if (k == 0)
            continue;
        CHECK_INT(MS(90) + (int64_t)(k - 1) * MS(1), g.low_ns, "low");
        CHECK_INT(MS(90) + (int64_t)(n - k) * MS(1), g.high_ns, "high");
        CHECK_INT(MS(90) + (int64_t)(n - 1) * MS(1) / 2, g.ns, "medians");
        CHECK_INT(MS(90), g.min_ns, "minima");
    }
    fill(&own, 20, MS(17), 0);
    CHECK_INT(GAIN_UNKNOWN, (int)gain_of(&own, NULL, now).verdict, "no door");
    now.ns += 3600 * NS_PER_S;
    CHECK_INT(GAIN_UNKNOWN, (int)gain_of(&own, &other, now).verdict, "stale values");
}

/* The true difference of two medians lies in the interval in 95 of 100 cases at least,
 * whatever the distributions. */
static void test_coverage(void **state)
{
    (void)state;
    enum { TRIALS = 4000 };
    static struct delay_ring own, other;
    struct random random = random_from(check_seed());
    for (size_t n = 7; n <= 60; n += 53) {
        int inside = 0;
        for (int t = 0; t < TRIALS; t++) {
            own = other = (struct delay_ring){0};
            for (size_t i = 0; i < n; i++) {
                double u = (double)random_below(&random, 1000000) / 1e6,
                       v = (double)random_below(&random, 1000000) / 1e6;
                struct wall at = {START_NS + (int64_t)i * NS_PER_S};
                delay_ring_add(&own, at, MS(20) + (int64_t)(u * u * u * 40e6));
                delay_ring_add(&other, at, MS(5) + (int64_t)(v * 10e6));
            }
            struct gain g = gain_of(&own, &other, (struct wall){START_NS + MINUTE_NS});
            double truth_ns = MS(20) + 0.125 * 40e6 - (MS(5) + 5e6);
            inside += (double)g.low_ns <= truth_ns && truth_ns <= (double)g.high_ns;
        }
        CHECK(inside >= TRIALS * 95 / 100, "%d of %d with %zu values", inside, TRIALS, n);
    }
}

/* ---- sites ---- */

struct door {
    const char *code, *basis;
    double ms;
};

struct town {
    struct site site;
    struct target targets[STATES];
    struct target_state states[STATES];
    struct delay_ring rings[STATES];
    double ms[STATES];
    size_t n;
    struct serving serving;
    struct events events;
    struct text said, last;
    struct wall now;
    struct random random;
};

static struct town *begin(const char *location, const char *host, struct door own,
                          const struct door *doors)
{
    static const struct peering none;
    struct town *t = calloc(1, sizeof *t);
    t->now.ns = START_NS;
    t->random = random_from(check_seed());
    site_read(&t->site, &metros, location, &none, NULL, NULL);
    t->site.workloads = &workloads;
    for (; t->n < STATES && (t->n == OWN || doors[t->n - 1].code != NULL); t->n++) {
        const struct door *d = t->n == OWN ? &own : &doors[t->n - 1];
        struct target *target = &t->targets[t->n];
        struct target_state *s = &t->states[t->n];
        struct target_address_state *a = &s->addresses[0];
        target->name = interned(t->n == OWN ? "exchange" : "door-%s", d->code);
        snprintf(target->service, sizeof target->service, "exchange");
        target->host = interned(t->n == OWN ? "%s" : "%.3s-efz.ms-acdc.office.com",
                                t->n == OWN ? host : d->code);
        target->limits.distance_km = 800;
        if (t->n != OWN) {
            target->discovered = true;
            target->server_name = host;
        }
        *s = (struct target_state){.target = target, .rank = (uint32_t)t->n + 1};
        snprintf(a->pop, sizeof a->pop, "%s", d->code);
        a->basis = d->basis;
        a->answers = true;
        char address[32];
        snprintf(address, sizeof address, "192.0.2.%zu", t->n + 1);
        CHECK(endpoint_parse(&a->to, address, 443), "%s", address);
        a->handshakes[1] = &t->rings[t->n];
        t->ms[t->n] = d->ms;
    }
    return t;
}

static void end(struct town *t)
{
    serving_free(&t->serving);
    events_free(&t->events);
    text_free(&t->said);
    text_free(&t->last);
    free(t);
}

/* Windows of a minute, with six handshakes of each: 0 to 0.3 ms of noise. */
static void look(struct town *t, int windows)
{
    while (windows-- > 0) {
        for (int i = 0; i < PER_MINUTE; i++) {
            t->now.ns += 10 * NS_PER_S;
            for (size_t s = 0; s < t->n; s++)
                if (t->ms[s] > 0)
                    delay_ring_add(&t->rings[s], t->now,
                                   MS(t->ms[s]) +
                                       (int64_t)random_below(&t->random, 300000));
        }
        t->events.n = 0;
        serving_update(&t->serving, &t->site, t->states, t->n, t->now, &t->events);
        for (size_t i = 0; i < t->events.n; i++) {
            const struct event *e = &t->events.list[i];
            if (strcmp(e->name, "edgelat.edge.suboptimal") != 0)
                continue;
            text_add(&t->said, "%s>%s %s; ", e->before, e->after,
                     severity_name(e->severity));
            text_clear(&t->last);
            text_add(&t->last, "%s", e->text);
        }
    }
}

#define EXCHANGE "outlook.office365.com"
#define EFZ      "X-FirstHopCafeEFZ"

static double fact(const struct town *t, const char *name)
{
    for (size_t i = 0; i < t->events.n; i++)
        for (size_t f = 0; f < t->events.list[i].n_facts; f++)
            if (strcmp(t->events.list[i].facts[f].name, name) == 0)
                return t->events.list[i].facts[f].number;
    return -1;
}

static const struct {
    const char *what, *location, *host;
    struct door own, doors[DOORS_MAX];
    const char *expected, *words;
} sites[] = {
    {"Paris served by Milan",
     "PAR",
     EXCHANGE,
     {"MIL", EFZ, 17.0},
     {{"CDG", EFZ, 2.0}, {"LHR", EFZ, 9}},
     ">suboptimal WARN; ",
     "through Milan (MIL) 17.1 ms, Paris (CDG) answers in 2.1: you lose 15.0 ms (14."},
    {"and without a location",
     "",
     EXCHANGE,
     {"MIL", EFZ, 17.0},
     {{"CDG", EFZ, 2.0}},
     ">suboptimal WARN; ",
     "you lose 15.0 ms"},
    {"Perth served by Sydney, where Exchange has no door in Perth",
     "PER",
     EXCHANGE,
     {"SYD", EFZ, 45},
     {{"MEL", EFZ, 52}, {"SIN", EFZ, 48}},
     "",
     ""},
    {"Perth, where nothing else answers: a hint, no warning",
     "PER",
     EXCHANGE,
     {"SYD", EFZ, 45},
     {{NULL, NULL, 0}},
     ">cannot tell INFO; ",
     "as a hint, Sydney"},
    {"Perth, where a door farther away is quicker",
     "PER",
     EXCHANGE,
     {"SYD", EFZ, 95},
     {{"SIN", EFZ, 48}},
     ">suboptimal WARN; ",
     "you lose 47.0 ms"},
    {"Sao Paulo served by Miami",
     "SAO",
     EXCHANGE,
     {"MIA", EFZ, 110},
     {{"GRU", EFZ, 3}, {"GIG", EFZ, 9}},
     ">suboptimal WARN; ",
     "you lose 107.0 ms"},
    {"Sao Paulo served by Sao Paulo",
     "SAO",
     EXCHANGE,
     {"GRU", EFZ, 3},
     {{"GIG", EFZ, 9}, {"MIA", EFZ, 110}},
     "",
     ""},
    {"near by kilometres, far by delay",
     "BRU",
     EXCHANGE,
     {"AMS", EFZ, 19},
     {{"LHR", EFZ, 6}},
     ">suboptimal WARN; ",
     "you lose 13.0 ms"},
    {"less than a millisecond",
     "PAR",
     EXCHANGE,
     {"LHR", EFZ, 3.0},
     {{"CDG", EFZ, 2.3}},
     "",
     ""},
    {"little of a long way",
     "PER",
     EXCHANGE,
     {"LHR", EFZ, 240},
     {{"CDG", EFZ, 236}},
     "",
     ""},
    {"the same metro by another code",
     "LON",
     EXCHANGE,
     {"LON", "cname", 9},
     {{"LHR", EFZ, 2}},
     "",
     ""},
    {"another family of codes: no front door of this service",
     "PAR",
     EXCHANGE,
     {"MIL", "X-MSEdge-Ref", 17},
     {{"CDG", EFZ, 2}},
     "",
     ""},
    {"an unknown PoP",
     "PAR",
     EXCHANGE,
     {"", NULL, 17},
     {{"CDG", EFZ, 2}},
     ">suboptimal WARN; ",
     "through 192.0.2.1 17.1 ms, Paris (CDG) answers in 2.1"},
};

static void test_sites(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
        struct town *t =
            begin(sites[i].location, sites[i].host, sites[i].own, sites[i].doors);
        look(t, 24 * 60);
        CHECK_TEXT(sites[i].expected, text_string(&t->said), sites[i].what);
        CHECK(strstr(text_string(&t->last), sites[i].words) != NULL, "%s: %s",
              sites[i].what, text_string(&t->last));
        end(t);
    }
}

/* Held before it is reported and before it is taken back; the path changes, not the PoP. */
static void test_held(void **state)
{
    (void)state;
    static const struct door doors[] = {{"CDG", EFZ, 2}, {NULL, NULL, 0}};
    struct town *t = begin("PAR", EXCHANGE, (struct door){"MIL", EFZ, 2.2}, doors);
    look(t, 120);
    CHECK_TEXT("", text_string(&t->said), "as good as the other one");
    t->ms[OWN] = 17;
    int windows = 0;
    for (; t->said.len == 0 && windows < 60; windows++)
        look(t, 1);
    CHECK(windows >= 3 && windows <= 30, "told after %d minutes", windows);
    CHECK_TEXT("optimal>suboptimal WARN; ", text_string(&t->said), "told");
    CHECK(fact(t, "edgelat.gain") > 0.0147 && fact(t, "edgelat.gain") < 0.0153,
          "gain %f s", fact(t, "edgelat.gain"));
    CHECK(fact(t, "edgelat.gain.low") < fact(t, "edgelat.gain") &&
              fact(t, "edgelat.gain.high") > fact(t, "edgelat.gain"),
          "its interval");
    t->ms[OWN] = 2.2;
    look(t, 4);
    CHECK_TEXT("optimal>suboptimal WARN; ", text_string(&t->said), "held");
    look(t, 30);
    CHECK_TEXT("optimal>suboptimal WARN; suboptimal>optimal INFO; ",
               text_string(&t->said), "taken back once");
    t->ms[OWN] = 17;
    look(t, 60);
    t->states[1].rank = 0; /* the door no longer answers */
    text_clear(&t->said);
    look(t, 60);
    CHECK_TEXT("suboptimal>unknown INFO; ", text_string(&t->said), "nothing to compare");
    end(t);
}

static void expect(struct town *t, const char *expected, const char *what)
{
    look(t, 60);
    CHECK_TEXT(expected, text_string(&t->said), what);
    end(t);
}

static void test_what_is_no_candidate(void **state)
{
    (void)state;
    static const struct door doors[] = {{"CDG", EFZ, 2}, {NULL, NULL, 0}};
    static const struct owner foreign = {.type = OWNER_FOREIGN};
    static const struct intercept middlebox = {.decoy.n = 1};
    const struct door milan = {"MIL", EFZ, 17};
    struct town *t = begin("", EXCHANGE, milan, doors);
    t->states[1].addresses[0].guessed = true;
    expect(t, "", "a name whose server has not shown the certificate");

    t = begin("", EXCHANGE, milan, doors);
    t->states[1].addresses[0].owner = &foreign;
    expect(t, "", "another company's network");

    t = begin("", EXCHANGE, milan, doors);
    t->states[1].addresses[0].intercept = &middlebox;
    expect(t, "", "a middlebox answers for the door");

    t = begin("", EXCHANGE, milan, doors);
    t->states[OWN].addresses[0].intercept = &middlebox;
    expect(t, "", "a middlebox answers for the target");

    t = begin("", EXCHANGE, milan, doors);
    snprintf(t->targets[1].service, WORD_TEXT_MAX, "teams");
    t->targets[1].server_name = "x";
    expect(t, "", "another service");

    t = begin("", EXCHANGE, milan, doors);
    t->states[1].addresses[0].handshakes[1] = NULL;
    t->states[1].addresses[0].handshakes[2] = &t->rings[1];
    expect(t, "", "handshakes of another kind of probe");

    t = begin("PER", EXCHANGE, milan, doors);
    t->states[OWN].addresses[0].handshakes[1] = NULL;
    expect(t, ">cannot tell INFO; ", "a target that is probed without handshakes");

    t = begin("", EXCHANGE, milan, doors);
    t->states[1].addresses[1] = t->states[1].addresses[0];
    t->states[1].addresses[0] = (struct target_address_state){0};
    expect(t, "", "another address family");

    t = begin("", EXCHANGE, milan, doors);
    t->targets[1].discovered = false;
    t->targets[1].server_name = NULL;
    expect(t, ">suboptimal WARN; ", "a door that is configured by its name is one");

    t = begin("", EXCHANGE, milan, doors);
    t->targets[1].discovered = false;
    t->targets[1].server_name = NULL;
    t->targets[1].host = "outlook.office.com";
    expect(t, "", "another name of the service is not one");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ring),     cmocka_unit_test(test_interval),
        cmocka_unit_test(test_coverage), cmocka_unit_test(test_sites),
        cmocka_unit_test(test_held),     cmocka_unit_test(test_what_is_no_candidate),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
