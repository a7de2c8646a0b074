#include "check.h"
#include "core/random.h"
#include "rolling_whole.h"

#include <math.h>

#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS   (60 * MINUTE_NS)

static const struct wall noon = {1795424400 * NS_PER_S};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The truth: every value with its time. */
struct truth {
    struct {
        int64_t at_ns, ns;
    } all[80 * 360];
    size_t n;
    int64_t sorted[80 * 360];
};

static size_t sort_since(struct truth *t, int64_t since_ns)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->all[i].at_ns >= since_ns)
            t->sorted[n++] = t->all[i].ns;
    qsort(t->sorted, n, sizeof *t->sorted, by_value);
    return n;
}

static void add_one(struct rolling_set *l, struct rolling *r, int64_t ns)
{
    struct tally t = {0};
    tally_add(&t, ns);
    rolling_add(l, r, 0, &t);
    tally_free(&t);
}

static void add_many(struct rolling_set *l, struct rolling *r, int64_t ns, int n)
{
    while (n-- > 0)
        add_one(l, r, ns);
}

static const bool all_due[PERIODS] = {true, true, true};

static struct period_summary summary_of(const struct rolling_set *l,
                                        const struct rolling *r, enum period period)
{
    struct period_summary all[PERIODS];
    rolling_summary(l, r, 0, all_due, all);
    return all[period];
}

static double level_ms(double hours)
{
    return 20 + 10 * sin(hours * M_PI / 12) + (hours > 50 ? 15 : 0);
}

/* 80 hours at 6 probes a minute; at each hour, and at some minutes, all periods are
 * compared with a sorted list. */
static void periods_are_those_of_a_sorted_list(void **state)
{
    (void)state;
    static const int64_t period_ns[PERIODS] = {HOUR_NS, 24 * HOUR_NS, 72 * HOUR_NS};
    static const int64_t step_ns[PERIODS] = {5 * MINUTE_NS, HOUR_NS, HOUR_NS};
    static struct truth truth;
    struct random random = random_from(check_seed());
    struct rolling_set *l = rolling_set_create((struct mono){0});
    struct rolling *r = rolling_claim(l, "series", 1);
    for (int64_t at = 0; at < 80 * HOUR_NS; at += 10 * NS_PER_S) {
        rolling_set_now(l, (struct mono){at});
        double ms = level_ms((double)at / (double)HOUR_NS);
        int64_t ns = llround((ms + random_exponential(&random, 3)) * 1e6);
        truth.all[truth.n].at_ns = at;
        truth.all[truth.n++].ns = ns;
        add_one(l, r, ns);
        if (at % (97 * MINUTE_NS) != 0 || at == 0)
            continue;
        for (size_t p = 0; p < PERIODS; p++) {
            struct period_summary s = summary_of(l, r, p);
            int64_t age_ns = s.age_ns;
            CHECK(age_ns <= period_ns[p], "%s: not longer", period_name[p]);
            CHECK(age_ns >= period_ns[p] - step_ns[p] || age_ns >= at, "%s: covered",
                  period_name[p]);
            size_t n = sort_since(&truth, at - age_ns);
            CHECK_INT(n, s.delay.count, period_name[p]);
            bool longer = p == 0 || at >= period_ns[p - 1];
            for (size_t k = 0; k < PERCENTILES; k++) {
                size_t rank = (size_t)ceil(percentile_quantile[k] * (double)n - 1e-6);
                double exact = (double)truth.sorted[rank - 1];
                CHECK_NEAR(exact, (double)s.delay.percentile_ns[k], 0.002 * exact,
                           period_name[p]);
                CHECK_INT(longer, s.delay.supported[k], period_name[p]);
                CHECK((double)s.delay.low_ns[k] <= exact &&
                          (double)s.delay.high_ns[k] >= exact,
                      "%s: inside its interval", period_name[p]);
            }
        }
    }
    print_message("# | memory of one delay at 6 probes a minute | %zu bytes\n",
                  rolling_set_bytes(l));
    CHECK(rolling_set_bytes(l) < 65536, "%zu bytes", rolling_set_bytes(l));
    rolling_set_destroy(l);
}

/* The monotonic clock stands still while the host is suspended. */
static void a_suspended_host(void **state)
{
    (void)state;
    struct rolling_set *l = rolling_set_create((struct mono){0});
    struct rolling *r = rolling_claim(l, "series", 1);
    struct mono now = {0};
    add_many(l, r, 10 * NS_PER_MS, 100);
    now.ns += MINUTE_NS;
    rolling_set_suspended(l, 10 * HOUR_NS);
    rolling_set_now(l, now);
    CHECK_INT(0, summary_of(l, r, PERIOD_HOUR).delay.count, "of the last hour");
    CHECK_INT(100, summary_of(l, r, PERIOD_DAY).delay.count, "of the last day");
    add_many(l, r, 20 * NS_PER_MS, 7);
    rolling_set_suspended(l, -5); /* two clocks are not read at once */
    now.ns += MINUTE_NS;
    rolling_set_now(l, now);
    CHECK_INT(7, summary_of(l, r, PERIOD_HOUR).delay.count, "of the last hour");
    rolling_set_suspended(l, 80 * HOUR_NS);
    now.ns += MINUTE_NS;
    rolling_set_now(l, now);
    CHECK_INT(0, summary_of(l, r, PERIOD_3_DAYS).delay.count, "of three days");
    rolling_set_destroy(l);
}

static void few_values_are_not_stated(void **state)
{
    (void)state;
    struct rolling_set *l = rolling_set_create((struct mono){0});
    struct rolling *r = rolling_claim(l, "series", 1);
    CHECK_INT(0, summary_of(l, r, PERIOD_HOUR).delay.count, "nothing yet");
    add_many(l, r, 7 * NS_PER_MS, 5);
    CHECK(!summary_of(l, r, PERIOD_HOUR).delay.supported[P50], "five values");
    add_one(l, r, 7 * NS_PER_MS);
    CHECK(summary_of(l, r, PERIOD_HOUR).delay.supported[P50], "six values");
    CHECK(!summary_of(l, r, PERIOD_HOUR).delay.supported[P90], "of p90 not");
    CHECK(!summary_of(l, r, PERIOD_DAY).delay.supported[P50], "the day is no more");
    rolling_set_now(l, (struct mono){2 * HOUR_NS});
    CHECK(summary_of(l, r, PERIOD_DAY).delay.supported[P50], "the hour has none of them");
    CHECK_INT(0, summary_of(l, r, PERIOD_HOUR).delay.count, "the hour is over");
    CHECK(!summary_of(l, r, PERIOD_3_DAYS).delay.supported[P50], "the day has them all");
    rolling_set_now(l, (struct mono){80 * HOUR_NS});
    CHECK_INT(0, summary_of(l, r, PERIOD_3_DAYS).delay.count, "all is over");
    rolling_set_destroy(l);
}

/* ---- the file ---- */

static struct rolling_set *filled(void)
{
    struct random random = random_from(check_seed());
    struct rolling_set *l = rolling_set_create((struct mono){0});
    struct rolling *a = rolling_claim(l, "a", 1), *b = rolling_claim(l, "b", 6);
    for (int64_t at = 0; at < 50 * HOUR_NS; at += MINUTE_NS) {
        struct tally t = {0};
        rolling_set_now(l, (struct mono){at});
        for (int i = 0; i < 3; i++)
            tally_add(&t, llround(1e6 * (5 + random_exponential(&random, 2))));
        rolling_add(l, a, 0, &t);
        rolling_add(l, b, 5, &t);
        tally_free(&t);
    }
    return l;
}

static void it_survives_a_restart(void **state)
{
    (void)state;
    struct rolling_set *l = filled();
    size_t len;
    void *file = rolling_whole(l, noon, &len);
    struct period_summary before[PERIODS], after[PERIODS];
    rolling_summary(l, rolling_claim(l, "b", 6), 5, all_due, before);

    struct rolling_set *m = rolling_set_create((struct mono){777 * HOUR_NS});
    CHECK(rolling_load_whole(m, noon, file, len), "it can be read");
    rolling_summary(m, rolling_claim(m, "b", 6), 5, all_due, after);
    for (size_t p = 0; p < PERIODS; p++) {
        CHECK_INT(before[p].delay.count, after[p].delay.count, period_name[p]);
        CHECK_INT(before[p].age_ns, after[p].age_ns, period_name[p]);
        CHECK_INT(before[p].delay.high_ns[P99], after[p].delay.high_ns[P99], "the same");
    }
    size_t again_len;
    void *again = rolling_whole(m, noon, &again_len);
    CHECK_INT(len, again_len, "length");
    CHECK_INT(0, memcmp(file, again, len), "the same file");
    free(again);
    rolling_set_destroy(m);

    m = rolling_set_create((struct mono){0}); /* down for 30 hours */
    CHECK(rolling_load_whole(m, (struct wall){noon.ns + 30 * HOUR_NS}, file, len),
          "late");
    rolling_summary(m, rolling_claim(m, "b", 6), 5, all_due, after);
    CHECK_INT(0, after[PERIOD_HOUR].delay.count, "the hour is over");
    CHECK_INT(0, after[PERIOD_DAY].delay.count, "the day too");
    CHECK(after[PERIOD_3_DAYS].delay.count > 100, "the three days are not");
    rolling_set_destroy(m);

    m = rolling_set_create((struct mono){0}); /* the wall clock went back */
    CHECK(rolling_load_whole(m, (struct wall){noon.ns - 30 * HOUR_NS}, file, len),
          "earlier");
    rolling_summary(m, rolling_claim(m, "b", 6), 5, all_due, after);
    CHECK_INT(before[PERIOD_HOUR].delay.count, after[PERIOD_HOUR].delay.count, "kept");
    rolling_set_destroy(m);

    m = rolling_set_create((struct mono){0}); /* weeks */
    CHECK(rolling_load_whole(m, (struct wall){noon.ns + 500 * HOUR_NS}, file, len),
          "old");
    CHECK_INT(0, rolling_set_bytes(m), "nothing is left of it");
    rolling_set_destroy(m);
    free(file);
    rolling_set_destroy(l);
}

static void it_is_saved_in_pieces(void **state)
{
    (void)state;
    struct rolling_set *l = filled();
    struct tally t = {0};
    char key[16];
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "series %d", i);
        rolling_claim(l, key, 1);
    }
    struct rolling_saver *s = rolling_saver_create(l, noon);
    const void *bytes;
    size_t len, pieces = 0;
    for (; rolling_saver_next(s, &bytes, &len) == ROLLING_PIECE; pieces++)
        CHECK(len <= 16 << 10, "%zu bytes", len);
    CHECK(pieces > 3, "%zu pieces", pieces);
    CHECK_INT(ROLLING_SAVED, rolling_saver_next(s, &bytes, &len), "the end");
    rolling_saver_destroy(s);

    s = rolling_saver_create(l, noon);
    CHECK_INT(ROLLING_PIECE, rolling_saver_next(s, &bytes, &len), "the first piece");
    rolling_set_suspended(l, HOUR_NS);
    CHECK_INT(ROLLING_PIECE, rolling_saver_next(s, &bytes, &len), "the time is no value");
    tally_add(&t, NS_PER_MS);
    rolling_add(l, rolling_claim(l, "a", 1), 0, &t);
    CHECK_INT(ROLLING_CHANGED, rolling_saver_next(s, &bytes, &len), "a value more");
    rolling_saver_destroy(s);
    s = rolling_saver_create(l, noon);
    rolling_claim(l, "another", 1);
    CHECK_INT(ROLLING_CHANGED, rolling_saver_next(s, &bytes, &len), "a series more");
    rolling_saver_destroy(s);
    tally_free(&t);
    rolling_set_destroy(l);
}

static void a_damaged_file_is_refused(void **state)
{
    (void)state;
    struct rolling_set *l = filled();
    struct random random = random_from(check_seed());
    size_t len;
    uint8_t *file = rolling_whole(l, noon, &len);
    rolling_set_destroy(l);
    struct rolling_set *m = rolling_set_create((struct mono){0});
    for (size_t n = 0; n < len; n += n < 200 ? 1 : 997)
        CHECK(!rolling_load_whole(m, noon, file, n), "%zu bytes of it", n);
    for (int i = 0; i < 300; i++) {
        size_t at = (size_t)random_below(&random, (int64_t)len);
        file[at] ^= (uint8_t)(1 << random_below(&random, 8));
        CHECK(!rolling_load_whole(m, noon, file, len), "a bit of byte %zu", at);
        CHECK_INT(0, rolling_set_bytes(m), "nothing is loaded");
        uint64_t sum = rolling_checksum(file, len - 8);
        uint8_t whole[8];
        for (int k = 0; k < 8; k++)
            whole[k] = (uint8_t)(sum >> (56 - 8 * k));
        if (i % 3 == 0) { /* with a right checksum: any content is allowed */
            memcpy(file + len - 8, whole, 8);
            rolling_load_whole(m, noon, file, len);
            rolling_set_destroy(m);
            m = rolling_set_create((struct mono){0});
            file[len - 1] ^= 1;
        }
    }
    rolling_set_destroy(m);
    free(file);
}

/* ---- bounds ---- */

static void memory_is_bounded(void **state)
{
    (void)state;
    struct random random = random_from(check_seed());
    struct rolling_set *l = rolling_set_create((struct mono){0});
    char key[16];
    for (int64_t hour = 0; hour < 30; hour++)
        for (int i = 0; i < 200; i++) {
            struct tally t = {0};
            rolling_set_now(l, (struct mono){hour * HOUR_NS + i * 10 * NS_PER_S});
            snprintf(key, sizeof key, "series %d", i);
            struct rolling *r = rolling_claim(l, key, 1);
            for (int k = 0; k < 600; k++) /* no two in one step */
                tally_add(&t, llround(1e6 * pow(1000, random_unit(&random))));
            rolling_add(l, r, 0, &t);
            tally_free(&t);
        }
    rolling_set_now(l, (struct mono){30 * HOUR_NS});
    CHECK(rolling_set_bytes(l) <= ROLLING_BYTES_MAX, "%zu bytes", rolling_set_bytes(l));
    CHECK(rolling_set_bytes(l) > ROLLING_BYTES_MAX / 2, "%zu bytes",
          rolling_set_bytes(l));
    struct rolling *r = rolling_claim(l, "series 7", 1);
    CHECK(summary_of(l, r, PERIOD_DAY).delay.count >= 600, "the newest hours stay");
    char longest[ROLLING_KEY_MAX + 1];
    memset(longest, 'x', sizeof longest);
    longest[ROLLING_KEY_MAX] = '\0';
    CHECK(rolling_claim(l, longest, 1) == NULL, "too long a key");
    CHECK(rolling_claim(l, "x", DELAYS_MAX + 1) == NULL, "too many delays");
    rolling_set_destroy(l);

    l = rolling_set_create((struct mono){0});
    size_t claimed = 0;
    for (int i = 0; i < ROLLING_SERIES_MAX + 5; i++) {
        snprintf(key, sizeof key, "series %d", i);
        claimed += rolling_claim(l, key, 1) != NULL;
    }
    CHECK_INT(ROLLING_SERIES_MAX, claimed, "series");
    rolling_set_destroy(l);
}

static void add_hour(struct rolling_set *l, struct rolling *r, struct random *random,
                     int n)
{
    struct tally t = {0};
    while (n-- > 0)
        tally_add(&t, llround(1e6 * (20 + 10 * random_unit(random))));
    rolling_add(l, r, 0, &t);
    tally_free(&t);
}

static int64_t hours_of_three_days(const struct rolling_set *l, const struct rolling *r)
{
    return summary_of(l, r, PERIOD_3_DAYS).age_ns / HOUR_NS + 1;
}

/* 300 delays have a value a second, one has 12 an hour: those lose hours, about as many
 * each, and this one none. A file of a larger set is loaded likewise. */
static void the_delays_that_take_most_lose_their_oldest(void **state)
{
    (void)state;
    enum { OFTEN = 300 };
    struct random random = random_from(check_seed());
    struct rolling_set *l = rolling_set_create((struct mono){0});
    struct rolling *often[OFTEN], *rare = rolling_claim(l, "rare", 1);
    for (int i = 0; i < OFTEN; i++) {
        char key[16];
        snprintf(key, sizeof key, i % 2 ? "a %d" : "z %d", i);
        often[i] = rolling_claim(l, key, 1);
    }
    for (int hour = 0; hour < 72; hour++) {
        rolling_set_suspended(l, HOUR_NS); /* nothing is dropped yet */
        add_hour(l, rare, &random, 12);
        for (int i = 0; i < OFTEN && hour >= 60; i++)
            add_hour(l, often[i], &random, 3600);
    }
    size_t len;
    void *file = rolling_whole(l, noon, &len);
    CHECK(rolling_set_bytes(l) > 5 * ROLLING_BYTES_MAX / 4, "%zu bytes",
          rolling_set_bytes(l));
    CHECK(len < ROLLING_FILE_MAX, "%zu bytes", len);
    for (int loaded = 0; loaded < 2; loaded++) {
        if (loaded) {
            rolling_set_destroy(l);
            l = rolling_set_create((struct mono){0});
            CHECK(rolling_load_whole(l, noon, file, len), "loaded");
        } else {
            rolling_set_now(l, (struct mono){0});
        }
        CHECK(rolling_set_bytes(l) <= ROLLING_BYTES_MAX, "bound: %zu bytes",
              rolling_set_bytes(l));
        CHECK(rolling_set_bytes(l) > ROLLING_BYTES_MAX - 2048, "no more than needed: %zu",
              rolling_set_bytes(l));
        rare = rolling_claim(l, "rare", 1);
        CHECK_INT(72, hours_of_three_days(l, rare), "one that takes little");
        CHECK_INT(72 * 12, summary_of(l, rare, PERIOD_3_DAYS).delay.count, "all of it");
        int64_t least = INT64_MAX, most = 0;
        for (int i = 0; i < OFTEN; i++) {
            char key[16];
            snprintf(key, sizeof key, i % 2 ? "a %d" : "z %d", i);
            int64_t hours = hours_of_three_days(l, rolling_claim(l, key, 1));
            least = hours < least ? hours : least;
            most = hours > most ? hours : most;
        }
        CHECK(least >= 2 && most < 12, "%d to %d hours", (int)least, (int)most);
        CHECK(most - least <= 1, "fair: %d to %d hours", (int)least, (int)most);
    }
    free(file);
    rolling_set_destroy(l);
}

static void a_released_series_goes_when_it_is_empty(void **state)
{
    (void)state;
    struct rolling_set *l = rolling_set_create((struct mono){0});
    struct rolling *r = rolling_claim(l, "series", 1);
    add_many(l, r, NS_PER_MS, 10);
    rolling_release(r);
    rolling_set_now(l, (struct mono){10 * HOUR_NS});
    CHECK(rolling_claim(l, "series", 1) == r, "it still has values");
    rolling_release(r);
    rolling_set_now(l, (struct mono){80 * HOUR_NS});
    CHECK_INT(0, rolling_set_bytes(l), "it has none");
    rolling_set_destroy(l);
}

/* Values above 5 s are known to be above it only. A percentile is stated exactly if its
 * interval ends below them; the truth is the sorted list of the whole values. */
static void censored_values_count_as_longest(void **state)
{
    (void)state;
    enum { N = 4000, BOUND_S = 5 };
    static int64_t whole[N];
    struct random random = random_from(check_seed());
    static const double mean_s[] = {0.5, 1.2, 2, 4, 8, 100};
    for (size_t m = 0; m < sizeof mean_s / sizeof *mean_s; m++) {
        struct rolling_set *l = rolling_set_create((struct mono){0});
        struct rolling *r = rolling_claim(l, "series", 1);
        uint64_t over = 0;
        for (size_t i = 0; i < N; i++) {
            whole[i] = (int64_t)(1e9 * random_exponential(&random, mean_s[m]));
            bool censored = whole[i] > BOUND_S * NS_PER_S;
            over += censored;
            add_one(l, r, censored ? TALLY_OVER : whole[i]);
        }
        qsort(whole, N, sizeof *whole, by_value);
        for (int restarted = 0; restarted < 2; restarted++) {
            struct delay_summary s = summary_of(l, r, PERIOD_HOUR).delay;
            CHECK_INT(over, s.over, "censored");
            CHECK_INT(N - over, s.count, "known");
            for (size_t p = 0; p < PERCENTILES; p++) {
                double truth =
                    (double)whole[(size_t)ceil(percentile_quantile[p] * N) - 1];
                struct percentile_ranks ranks = percentile_ranks(p, N);
                CHECK_INT(ranks.high <= N - over, s.supported[p], percentile_name[p]);
                if (s.supported[p])
                    CHECK_NEAR(truth, (double)s.percentile_ns[p], 0.002 * truth,
                               percentile_name[p]);
            }
            size_t len;
            void *bytes = rolling_whole(l, noon, &len);
            rolling_release(r);
            rolling_set_destroy(l);
            l = rolling_set_create((struct mono){0});
            CHECK(rolling_load_whole(l, noon, bytes, len), "loaded");
            free(bytes);
            r = rolling_claim(l, "series", 1);
        }
        rolling_release(r);
        rolling_set_destroy(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_are_those_of_a_sorted_list),
        cmocka_unit_test(a_suspended_host),
        cmocka_unit_test(few_values_are_not_stated),
        cmocka_unit_test(it_survives_a_restart),
        cmocka_unit_test(it_is_saved_in_pieces),
        cmocka_unit_test(a_damaged_file_is_refused),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(the_delays_that_take_most_lose_their_oldest),
        cmocka_unit_test(a_released_series_goes_when_it_is_empty),
        cmocka_unit_test(censored_values_count_as_longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
