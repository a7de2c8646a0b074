/* The sweep of front doors, step by step, in a catalogue of four metros. */
#include "edge/doors.h"

#include "core/result.h"
#include "shipped.h"

static const char metros_csv[] = "# edgelat metros 2026-11-01\n"
                                 "code,family,city,country,latitude,longitude\n"
                                 "AMS,front-door,Amsterdam,Netherlands,52.37,4.9\n"
                                 "LHR,exchange-efz,London,United Kingdom,51.47,-0.45\n"
                                 "PAR,front-door,Paris,France,48.86,2.35\n"
                                 "SIN,front-door,Singapore,Singapore,1.35,103.82\n"
                                 "SG,front-door,Singapore,Singapore,1.35,103.82\n";
static const char workloads_csv[] =
    "# edgelat targets 2026-11-01\n"
    "name,service,host,path,by_metro\n"
    "exchange,exchange,outlook.office365.com,/,{code}-efz.example\n"
    "teams,teams,teams.microsoft.com,/,\n";

enum { LHR, AMS, PAR, SIN, DOORS }; /* known names first */

struct bed {
    struct catalogue metros;
    struct workloads workloads;
    struct doors *doors;
    struct mono now;
};

static void begin_in(struct bed *b, bool ipv4, bool ipv6)
{
    struct said said = {.n = 0};
    struct datafile_source from = source_of(metros_csv, strlen(metros_csv), &said);
    *b = (struct bed){.now = {50 * NS_PER_S}};
    CHECK_INT(0, catalogue_parse(&b->metros, &from), text_string(&said.lines));
    from = source_of(workloads_csv, strlen(workloads_csv), &said);
    CHECK_INT(0, workloads_parse(&b->workloads, &from), text_string(&said.lines));
    b->doors = doors_create(&b->metros, &b->workloads, ipv4, ipv6, 10 * NS_PER_MS);
    CHECK_INT(DOORS, doors_count(b->doors),
              "one name a metro; codes of two letters are none");
    doors_begin(b->doors, b->now);
}

static void begin(struct bed *b)
{
    begin_in(b, true, false);
}

static void end(struct bed *b)
{
    doors_destroy(b->doors);
    catalogue_free(&b->metros);
    workloads_free(&b->workloads);
}

static struct endpoint address(uint8_t last)
{
    return (struct endpoint){
        .family = FAMILY_IPV4, .bytes = {192, 0, 2, last}, .port = 443};
}

/* Sweeps to the end: `last` is the last byte of each address, 0: no such name, 255: DNS
 * failed; `ms` its handshake, 0: no answer. Returns the handshakes. */
static size_t sweep(struct bed *b, const uint8_t last[DOORS], const double ms[DOORS])
{
    struct doors_step step;
    size_t handshakes = 0;
    while (!doors_swept(b->doors)) {
        b->now.ns += 10 * NS_PER_MS;
        while (doors_take(b->doors, b->now, &step)) {
            uint8_t byte = last[step.door];
            struct endpoint to =
                byte != 0 && byte != 255 ? address(byte) : (struct endpoint){0};
            if (step.what == DOORS_LOOKUP) {
                doors_answer(b->doors, step.door, step.family, &to, byte == 255);
                continue;
            }
            handshakes++;
            CHECK(endpoint_same_address(&to, &step.to), "to the door's address");
            doors_handshake(b->doors, step.door,
                            ms[step.door] > 0 ? (int64_t)(ms[step.door] * NS_PER_MS)
                                              : DELAY_UNDEFINED);
        }
    }
    return handshakes;
}

static void test_names(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    CHECK_TEXT("lhr-efz.example", doors_at(b.doors, LHR)->host,
               "a known name comes first");
    CHECK(doors_at(b.doors, LHR)->known && !doors_at(b.doors, AMS)->known, "it is known");
    CHECK_TEXT("ams-efz.example", doors_at(b.doors, AMS)->host,
               "the others by their codes");
    end(&b);
}

static void test_rate(void **state)
{
    (void)state;
    struct bed b;
    struct doors_step step;
    begin(&b);
    CHECK(doors_take(b.doors, b.now, &step), "the first lookup is due at once");
    CHECK(!doors_take(b.doors, b.now, &step), "one at a time");
    struct mono at;
    CHECK(doors_next(b.doors, &at), "the next one is due");
    CHECK_INT(b.now.ns + 10 * NS_PER_MS, at.ns, "after the gap");
    end(&b);
}

static void test_choice(void **state)
{
    (void)state;
    struct bed b;
    size_t chosen[4];
    begin(&b);
    CHECK_INT(24 + 12 + 3, sweep(&b, (uint8_t[]){1, 2, 0, 3}, (double[]){9, 3, 0, 20}),
              "the nearest most, what may be it a dozen times, what may not a few times");
    CHECK_INT(3, doors_choose(b.doors, NULL, 4, chosen), "three exist");
    CHECK_INT(AMS, chosen[0], "the nearest first");
    CHECK_INT(LHR, chosen[1], "then the next");
    doors_set_served(b.doors, AMS, true);
    doors_reject(b.doors, LHR);
    CHECK_INT(1, doors_choose(b.doors, NULL, 4, chosen),
              "neither served nor rejected ones");
    CHECK_INT(SIN, chosen[0], "the one that is left");
    doors_forget(b.doors);
    CHECK_INT(0, doors_choose(b.doors, NULL, 4, chosen),
              "in another network nothing holds");
    end(&b);
}

static void test_far_door_costs_one_packet(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    CHECK_INT(24 + 1, sweep(&b, (uint8_t[]){0, 2, 0, 3}, (double[]){0, 3, 0, 170}),
              "a door that cannot be the nearest is asked once");
    end(&b);
}

static void test_one_address_for_all(void **state)
{
    (void)state;
    struct bed b;
    size_t chosen[4];
    begin(&b);
    CHECK_INT(24, sweep(&b, (uint8_t[]){7, 7, 7, 7}, (double[]){1, 1, 1, 1}),
              "a resolver that makes up one address costs the handshakes of one door");
    CHECK_INT(1, doors_choose(b.doors, NULL, 4, chosen), "and is one door");
    end(&b);
}

static void test_middlebox(void **state)
{
    (void)state;
    struct bed b;
    size_t chosen[4];
    begin(&b);
    sweep(&b, (uint8_t[]){1, 2, 3, 4}, (double[]){0.2, 0.21, 0.22, 0.1});
    struct position lyon = {45.76, 4.84};
    CHECK_INT(2, doors_choose(b.doors, &lyon, 2, chosen), "as many as wanted");
    CHECK_INT(PAR, chosen[0], "by distance where handshakes say nothing");
    CHECK_INT(AMS, chosen[1], "then the next");
    end(&b);
}

static void test_summary(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint8_t last[DOORS];
        double ms[DOORS], best_ms;
        size_t exist, answering, left;
    } cases[] = {
        {"all answer", {1, 2, 3, 4}, {9, 3, 12, 170}, 3, 4, 4, 0},
        {"none that could be nearer is silent", {1, 2, 3, 4}, {9, 3, 12, 0}, 3, 4, 3, 0},
        {"Paris is 430 km away: at 3 ms it could be nearer",
         {1, 2, 3, 4},
         {9, 3, 0, 170},
         3,
         4,
         3,
         1},
        {"at 2 ms it could not: 400 km at most",
         {1, 2, 3, 4},
         {9, 2, 0, 170},
         2,
         4,
         3,
         0},
        {"DNS gave no answer for it", {1, 2, 255, 4}, {9, 3, 0, 170}, 3, 3, 3, 1},
        {"it does not exist", {1, 2, 0, 4}, {9, 3, 0, 170}, 3, 3, 3, 0},
        {"far from everything, all could", {1, 2, 3, 0}, {0, 200, 0, 0}, 200, 3, 1, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        begin(&b);
        sweep(&b, cases[i].last, cases[i].ms);
        struct doors_summary s =
            doors_summary(b.doors, &b.workloads.all[0], doors_at(b.doors, AMS)->metro->at,
                          (int64_t)(cases[i].best_ms * NS_PER_MS));
        CHECK_INT(DOORS, s.names, cases[i].what);
        CHECK_INT(cases[i].exist, s.exist, cases[i].what);
        CHECK_INT(cases[i].answering, s.answering, cases[i].what);
        CHECK_INT(cases[i].left, s.left, cases[i].what);
        end(&b);
    }
}

/* What it says: never that none is nearer where nothing answered. */
static void test_summary_text(void **state)
{
    (void)state;
    static const struct {
        size_t answering, left;
        const char *expected;
    } cases[] = {
        {0, 0, "no front door answered; cannot tell whether one is nearer"},
        {0, 3, "no front door answered; cannot tell whether one is nearer"},
        {1, 0, "nearest of 1 front door that answered; no other could be nearer"},
        {5, 0, "nearest of 5 front doors that answered; no other could be nearer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct doors_summary s = {.answering = cases[i].answering,
                                        .left = cases[i].left};
        struct text out = {0};
        doors_summary_text(&out, &s);
        CHECK_TEXT(cases[i].expected, text_string(&out), "summary");
        text_free(&out);
    }
}

/* Sweeps once; LHR has IPv4 only, PAR IPv6 only, SIN does not exist. Returns a bit for each
 * door that got handshakes, in `families` one for each family. */
static unsigned handshakes_of(struct bed *b, unsigned *families)
{
    static const bool has[2][DOORS] = {{true, true, false, false},
                                       {false, true, true, false}};
    struct doors_step step;
    unsigned doors = 0;
    *families = 0;
    doors_begin(b->doors, b->now);
    while (!doors_swept(b->doors)) {
        b->now.ns += 10 * NS_PER_MS;
        while (doors_take(b->doors, b->now, &step)) {
            size_t slot = family_slot(step.family);
            struct endpoint to = address((uint8_t)(step.door + 1));
            to.family = has[slot][step.door] ? (uint8_t)step.family : FAMILY_NONE;
            if (step.what == DOORS_LOOKUP) {
                doors_answer(b->doors, step.door, step.family, &to, false);
                continue;
            }
            CHECK(endpoint_same_address(&to, &step.to), "to the door's address");
            *families |= 1U << slot;
            doors |= 1U << step.door;
            doors_handshake(b->doors, step.door, NS_PER_MS);
        }
    }
    return doors;
}

/* All doors are compared in one family. */
static void test_routes(void **state)
{
    (void)state;
    enum { IPV4 = 1U << SLOT_IPV4, IPV6 = 1U << SLOT_IPV6 };
    static const struct {
        const char *what;
        unsigned wanted, routes, family;
    } cases[] = {
        {"both", IPV4 | IPV6, IPV4 | IPV6, IPV4},
        {"no route of IPv6", IPV4 | IPV6, IPV4, IPV4},
        {"no route of IPv4", IPV4 | IPV6, IPV6, IPV6},
        {"no route at all, which may come", IPV4 | IPV6, 0, IPV4},
        {"IPv4 alone is wanted, and has no route", IPV4, IPV6, IPV4},
        {"IPv6 alone is wanted", IPV6, IPV4 | IPV6, IPV6},
        {"IPv6 alone is wanted, and has no route", IPV6, IPV4, IPV6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        unsigned families, routes = cases[i].routes;
        bool ipv4 = cases[i].family == IPV4;
        begin_in(&b, (cases[i].wanted & IPV4) != 0, (cases[i].wanted & IPV6) != 0);
        doors_set_routes(b.doors, (routes & IPV4) != 0, (routes & IPV6) != 0);
        unsigned doors = handshakes_of(&b, &families);
        CHECK_INT(cases[i].family, families, cases[i].what);
        CHECK_INT(1U << AMS | 1U << (ipv4 ? LHR : PAR), doors, cases[i].what);
        struct doors_summary s = doors_summary(b.doors, &b.workloads.all[0],
                                               doors_at(b.doors, AMS)->metro->at, 1);
        CHECK_INT(2, s.exist, "the other one is none in that family");
        end(&b);
    }
}

static void test_route_goes_and_comes(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool ipv4, ipv6, other;
    } steps[] = {
        {"IPv6 goes", true, false, false},
        {"and comes", true, true, false},
        {"IPv4 goes", false, true, true},
        {"IPv6, too: it may come again", false, false, false},
        {"IPv6 comes first", false, true, false},
        {"then IPv4", true, true, true},
    };
    struct bed b;
    unsigned families;
    begin_in(&b, true, true);
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        handshakes_of(&b, &families);
        CHECK_INT(steps[i].other, doors_set_routes(b.doors, steps[i].ipv4, steps[i].ipv6),
                  steps[i].what);
    }
    end(&b);
}

static void test_late_answers(void **state)
{
    (void)state;
    struct bed b;
    struct doors_step step;
    begin(&b);
    CHECK(doors_take(b.doors, b.now, &step), "a lookup");
    doors_begin(b.doors, b.now);
    struct endpoint to = address(1);
    doors_answer(b.doors, step.door, step.family, &to, false);
    doors_handshake(b.doors, step.door, NS_PER_MS);
    CHECK_INT(FAMILY_NONE, doors_at(b.doors, step.door)->to[0].family,
              "an answer to the sweep before is not taken for one of this sweep");
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_far_door_costs_one_packet),
        cmocka_unit_test(test_one_address_for_all),
        cmocka_unit_test(test_middlebox),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_summary_text),
        cmocka_unit_test(test_routes),
        cmocka_unit_test(test_route_goes_and_comes),
        cmocka_unit_test(test_late_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
