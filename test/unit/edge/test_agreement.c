/* What is said of resolvers whose answers, and whose true delays, are known. */
#include "edge/agreement.h"

#include "core/random.h"

#include "check.h"

#define MS(x)    ((int64_t)((x)*NS_PER_MS))
#define START_NS (INT64_C(1795424400) * NS_PER_S)

enum { RESOLVERS = 4 };

static const struct metro london = {.code = "LON", .city = "London", .group = 1};
static const struct metro heathrow = {.code = "LHR", .city = "London", .group = 1};
static const struct metro milan = {.code = "MIL", .city = "Milan", .group = 2};
static const struct metro paris = {.code = "PAR", .city = "Paris", .group = 3};

static struct delay_ring rings[RESOLVERS];
static const struct wall now = {START_NS + 3600 * NS_PER_S};

/* One in 10 s; the last 24 decide, of which the sign test bounds the median by the 7th and
 * the 18th: (i * 37 % 60) / 60 gives the intervals below. */
static int64_t when_ns(int i)
{
    return now.ns - (60 - i) * 10 * NS_PER_S;
}

/* 60 handshakes of `base` ms, up to `noise` ms more. */
static struct delay_ring *around(size_t ring, double base, double noise)
{
    struct delay_ring *r = &rings[ring];
    *r = (struct delay_ring){0};
    for (int i = 0; i < 60; i++)
        delay_ring_add(r, (struct wall){when_ns(i)},
                       MS(base + noise * (i * 37 % 60) / 60));
    return r;
}

static struct agreement_answer answer(const char *resolver, const char *address,
                                      const struct metro *metro,
                                      const struct delay_ring *r)
{
    struct agreement_answer a = {.resolver = resolver, .metro = metro, .handshakes = r};
    if (address[0] != '\0')
        CHECK(endpoint_parse(&a.to, address, 443), "%s", address);
    return a;
}

static void expect(enum agreement_verdict verdict, const char *words,
                   const struct agreement_answer *answers, size_t n, size_t number)
{
    struct agreement a = agreement_judge(answers, n, number, now);
    struct text t = {0};
    agreement_text(&t, &a, &answers[number], "Exchange");
    CHECK_TEXT(words, text_string(&t), "words");
    CHECK_INT(verdict, a.verdict, words);
    text_free(&t);
}

static void test_farther(void **state)
{
    (void)state;
    struct agreement_answer a[] = {
        answer("192.0.2.53", "198.51.100.1", &milan, around(0, 25, 1)),
        answer("192.0.2.1", "198.51.100.2", &london, around(1, 10, 1)),
        answer("192.0.2.2", "198.51.100.3", &paris, around(2, 14, 1)),
    };
    struct agreement is = agreement_judge(a, 3, 0, now);
    CHECK_INT(MS(15), is.gain.ns, "against the nearest, not the next");
    CHECK(is.gain.low_ns > MS(14) && is.gain.high_ns < MS(16), "interval");
    expect(AGREEMENT_FARTHER,
           "resolver 192.0.2.53 leads Exchange to Milan, +15.0 ms (14.5 to 15.5) against "
           "London by 192.0.2.1",
           a, 3, 0);
    expect(AGREEMENT_ELSEWHERE,
           "resolver 192.0.2.1 leads Exchange to London, -4.0 ms (-4.5 to -3.5) against "
           "Paris by 192.0.2.2",
           a, 3, 1);
}

static void test_same_place(void **state)
{
    (void)state;
    struct agreement_answer a[] = {
        answer("192.0.2.53", "198.51.100.1", &london, around(0, 25, 1)),
        answer("192.0.2.1", "198.51.100.2", &heathrow, around(1, 10, 1)),
        answer("192.0.2.2", "198.51.100.1", NULL, around(2, 10, 1)),
    };
    expect(AGREEMENT_SAME,
           "resolver 192.0.2.53 leads Exchange to London, as the others do", a, 3, 0);
    a[2] = answer("192.0.2.2", "198.51.100.9", NULL, rings + 2);
    expect(
        AGREEMENT_FARTHER,
        "resolver 192.0.2.53 leads Exchange to London, +15.0 ms (14.5 to 15.5) against "
        "198.51.100.9 by 192.0.2.2",
        a, 3, 0);
}

static void test_cannot_tell(void **state)
{
    (void)state;
    struct agreement_answer a[] = {
        answer("192.0.2.53", "198.51.100.1", &milan, around(0, 25, 1)),
        answer("192.0.2.1", "", NULL, NULL),
        answer("192.0.2.2", "2001:db8::1", &london, around(2, 10, 1)),
        answer("192.0.2.3", "198.51.100.2", &london, NULL),
    };
    expect(AGREEMENT_CANNOT_TELL,
           "resolver 192.0.2.53 leads Exchange to Milan; no other resolver gives an "
           "address to compare with",
           a, 3, 0);
    expect(AGREEMENT_CANNOT_TELL, "resolver 192.0.2.1 gives no address for Exchange", a,
           4, 1);
    expect(
        AGREEMENT_UNDECIDED,
        "resolver 192.0.2.53 leads Exchange to Milan, too few delays to compare against "
        "London by 192.0.2.3",
        a, 4, 0);
}

/*
 * Random paths, each with a queue of its own. The truth is what the delays were made of:
 * the difference of the fixed parts, which have the same queue. What is not 0.5 ms
 * farther must never be reported; what is clearly farther must.
 */
static void test_random(void **state)
{
    (void)state;
    enum { TRIALS = 2000 };
    static const struct metro *const places[RESOLVERS] = {&london, &milan, &paris, NULL};
    static const char *const addresses[RESOLVERS] = {"198.51.100.1", "198.51.100.2",
                                                     "198.51.100.3", "198.51.100.4"};
    struct random random = random_from(check_seed());
    int far = 0, found = 0, near = 0, false_alarms = 0;
    for (int t = 0; t < TRIALS; t++) {
        size_t n = 2 + (size_t)random_below(&random, RESOLVERS - 1);
        double base[RESOLVERS], queue = 0.2 + 3 * random_unit(&random);
        struct agreement_answer a[RESOLVERS];
        for (size_t i = 0; i < n; i++) {
            /* half of the worlds: nearly as far; the others spread */
            base[i] = 8 + (t % 2 == 0 ? 0.5 : 30) * random_unit(&random);
            rings[i] = (struct delay_ring){0};
            for (int k = 0; k < 60; k++)
                delay_ring_add(&rings[i], (struct wall){when_ns(k)},
                               MS(base[i] + random_exponential(&random, queue)));
            a[i] = answer("192.0.2.1", addresses[i], places[i], &rings[i]);
        }
        for (size_t i = 0; i < n; i++) {
            double best = base[i];
            for (size_t k = 0; k < n; k++)
                best = fmin(best, base[k]);
            bool says = agreement_judge(a, n, i, now).verdict == AGREEMENT_FARTHER;
            far += base[i] - best >= 5 && base[i] >= 1.2 * best;
            found += base[i] - best >= 5 && base[i] >= 1.2 * best && says;
            near += base[i] - best <= 0.5;
            false_alarms += base[i] - best <= 0.5 && says;
        }
    }
    printf("# %d of %d found that lead farther; %d false of %d\n", found, far,
           false_alarms, near);
    CHECK(far > 500 && near > 500, "both occur");
    CHECK(found >= far * 99 / 100, "%d of %d found", found, far);
    CHECK_INT(0, false_alarms, "false findings");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_farther),
        cmocka_unit_test(test_same_place),
        cmocka_unit_test(test_cannot_tell),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
