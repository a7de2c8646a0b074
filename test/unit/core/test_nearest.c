#include "check.h"
#include "core/nearest.h"
#include "core/random.h"
#include "core/result.h"
#include "core/time.h"

#define MS(x) ((int64_t)((x)*NS_PER_MS))

enum { MOST = 6 };

static const struct nearest_policy policy = {
    .loss_limit = 0.1, .margin_ratio = 0.1, .margin_ns = MS(1)};

/* Candidates are letters, so that the expected order does not depend on the input
 * order. */
static const struct {
    const char *what;
    struct candidate candidates[MOST]; /* A, B, C, ... */
    const char *previous;
    const char *expected; /* the eligible ones, '|', the others */
} cases[] = {
    {"nearest first", {{MS(9), 9, 0}, {MS(3), 9, 0}, {MS(60), 9, 0}}, "", "BAC|"},
    {"a lossy one is none", {{MS(3), 10, 3}, {MS(9), 10, 1}}, "", "B|A"},
    {"not answered",
     {{DELAY_UNDEFINED, 9, 9}, {MS(9), 9, 0}, {DELAY_UNDEFINED, 0, 0}},
     "",
     "B|AC"},
    {"nothing sent is no loss", {{MS(3), 0, 0}, {MS(9), 9, 0}}, "", "AB|"},
    {"not eligible: by delay",
     {{MS(9), 9, 9}, {DELAY_UNDEFINED, 9, 9}, {MS(3), 9, 9}},
     "",
     "|CAB"},
    {"below the absolute margin", {{MS(2), 9, 0}, {MS(1.1), 9, 0}}, "AB", "AB|"},
    {"below the relative margin", {{MS(60), 9, 0}, {MS(55), 9, 0}}, "AB", "AB|"},
    {"over both margins", {{MS(60), 9, 0}, {MS(53), 9, 0}}, "AB", "BA|"},
    {"not last time's first", {{MS(3), 9, 0}, {MS(9), 9, 0}}, "BA", "AB|"},
    {"a chain below the margins hides nobody",
     {{MS(10), 9, 0}, {MS(9.5), 9, 0}, {MS(9.0), 9, 0}, {MS(8.5), 9, 0}},
     "ABCD",
     "DABC|"},
    {"a new one by plain delay", {{MS(10), 9, 0}, {MS(9.9), 9, 0}}, "A", "BA|"},
    {"three of twenty are no proof", {{MS(10), 20, 3}, {MS(9), 20, 3}}, "A", "A|B"},
    {"but 45 of 300 are", {{MS(10), 300, 45}, {MS(11), 300, 0}}, "AB", "B|A"},
    {"all gone", {{DELAY_UNDEFINED, 9, 9}, {DELAY_UNDEFINED, 9, 9}}, "BA", "|AB"},
};

static size_t count(const struct candidate *candidates)
{
    size_t n = 0;
    while (n < MOST && candidates[n].min_ns != 0)
        n++;
    return n;
}

/* Ranks with candidate `i` at index `at[i]`; `out` in letters. */
static void rank(const struct candidate *candidates, size_t n, const size_t *at,
                 const char *previous, char *out)
{
    struct candidate shuffled[MOST] = {0};
    size_t letter[MOST], before[MOST] = {0}, order[MOST], n_before = strlen(previous);
    for (size_t i = 0; i < n; i++) {
        shuffled[at[i]] = candidates[i];
        letter[at[i]] = i;
    }
    for (size_t i = 0; i < n_before; i++)
        before[i] = at[previous[i] - 'A'];
    size_t eligible = nearest_rank(shuffled, n, before, n_before, &policy, order);
    for (size_t i = 0; i < n; i++) {
        if (i == eligible)
            *out++ = '|';
        *out++ = (char)('A' + letter[order[i]]);
    }
    if (eligible == n)
        *out++ = '|';
    *out = '\0';
}

static const size_t as_given[MOST] = {0, 1, 2, 3, 4, 5};

static void ranks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[MOST + 2];
        rank(cases[i].candidates, count(cases[i].candidates), as_given, cases[i].previous,
             out);
        CHECK_TEXT(cases[i].expected, out, cases[i].what);
    }
}

static void none_is_fine(void **state)
{
    (void)state;
    size_t order;
    CHECK_INT(0, nearest_rank(NULL, 0, NULL, 0, &policy, &order), "no candidate");
}

/* Heap's algorithm: calls `visit` for every order of `at`. */
static void permute(size_t *at, size_t n, void (*visit)(const size_t *, void *),
                    void *user)
{
    if (n <= 1) {
        visit(at, user);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        permute(at, n - 1, visit, user);
        size_t j = n % 2 == 0 ? i : 0, kept = at[j];
        at[j] = at[n - 1];
        at[n - 1] = kept;
    }
}

static const struct candidate five[] = {{MS(9), 50, 0},
                                        {MS(3.5), 50, 1},
                                        {MS(3), 50, 0},
                                        {MS(24), 50, 25},
                                        {DELAY_UNDEFINED, 50, 50}};

struct same {
    const char *previous, *expected;
    int seen;
};

static void expect_same(const size_t *at, void *user)
{
    struct same *same = user;
    char out[MOST + 2];
    rank(five, 5, at, same->previous, out);
    CHECK_TEXT(same->expected, out, "whatever the order of the input");
    same->seen++;
}

static void the_order_of_the_input_does_not_matter(void **state)
{
    (void)state;
    size_t at[MOST] = {0, 1, 2, 3, 4};
    struct same fresh = {"", "CBA|DE", 0}, held = {"BAC", "BCA|DE", 0};
    permute(at, 5, expect_same, &fresh);
    permute(at, 5, expect_same, &held);
    CHECK_INT(2 * 120, fresh.seen + held.seen, "every order was tried");
}

static void two_equals_do_not_alternate(void **state)
{
    (void)state;
    struct random r = random_from(check_seed());
    size_t order[3] = {0}, previous[3];
    size_t eligible = 0;
    for (int round = 0; round < 10000; round++) {
        struct candidate candidates[] = {
            {MS(30) + random_below(&r, MS(2)), 60, 0},
            {MS(9) + random_below(&r, MS(0.9)), 60, 0},
            {MS(9) + random_below(&r, MS(0.9)), 60, 0},
        };
        memcpy(previous, order, sizeof order);
        size_t n = nearest_rank(candidates, 3, previous, eligible, &policy, order);
        CHECK_INT(3, n, "all are eligible");
        CHECK_INT(0, order[2], "the far one is last");
        if (round > 0)
            CHECK_INT(previous[0], order[0], "who was first stays first");
        eligible = n;
    }
}

static bool beats(const struct candidate *a, const struct candidate *b)
{
    return a->min_ns < b->min_ns - policy.margin_ns &&
           (double)a->min_ns < (double)b->min_ns * (1 - policy.margin_ratio);
}

static void nobody_stands_behind_one_he_beats(void **state)
{
    (void)state;
    enum { N = 40 };
    struct random r = random_from(check_seed());
    size_t order[N] = {0}, previous[N], again[N];
    size_t eligible = 0;
    for (int round = 0; round < 2000; round++) {
        struct candidate c[N];
        for (size_t i = 0; i < N; i++) {
            c[i].min_ns = MS(1) + random_below(&r, MS(20));
            c[i].sent = 100;
            c[i].lost = (uint64_t)random_below(&r, 12);
        }
        memcpy(previous, order, sizeof order);
        eligible = nearest_rank(c, N, previous, eligible, &policy, order);
        size_t best = 0;
        for (size_t i = 0; i < eligible; i++) {
            for (size_t j = i + 1; j < eligible; j++)
                CHECK(!beats(&c[order[j]], &c[order[i]]), "%zu before %zu", i, j);
            best = c[order[i]].min_ns < c[order[best]].min_ns ? i : best;
        }
        CHECK(!beats(&c[order[best]], &c[order[0]]), "the true nearest is first");
        CHECK_INT(eligible, nearest_rank(c, N, order, eligible, &policy, again), "again");
        CHECK(memcmp(order, again, sizeof order) == 0, "the same delays change nothing");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks),
        cmocka_unit_test(none_is_fine),
        cmocka_unit_test(the_order_of_the_input_does_not_matter),
        cmocka_unit_test(two_equals_do_not_alternate),
        cmocka_unit_test(nobody_stands_behind_one_he_beats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
