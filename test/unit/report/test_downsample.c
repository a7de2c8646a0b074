#include "report/downsample.h"

#include "check.h"
#include "core/time.h"

#define MINUTE_NS (60 * NS_PER_S)

enum { ROOM = 64 };

/*
 * One letter for each window of a minute: a digit is the median in ms, 'D' all probes
 * lost, '.' nothing sent, '|' no window, as the agent was not running.
 */
static void windows(struct dataset_stream *s, struct intervals *covered,
                    const char *letters)
{
    static struct sample samples[ROOM];
    *s = (struct dataset_stream){.samples = samples};
    *covered = (struct intervals){0};
    for (int64_t i = 0; letters[i] != '\0'; i++) {
        char c = letters[i];
        int64_t start_ns = i * MINUTE_NS, end_ns = start_ns + MINUTE_NS;
        if (c != '|')
            intervals_add(covered, start_ns, end_ns);
        if (c == '.' || c == '|')
            continue;
        int64_t ns = c == 'D' ? DELAY_UNDEFINED : (c - '0') * NS_PER_MS;
        samples[s->n++] = (struct sample){.start_ns = start_ns,
                                          .end_ns = end_ns,
                                          .p50_ns = ns,
                                          .highest_ns = ns,
                                          .sent = 6,
                                          .lost = c == 'D' ? 6 : 0};
    }
}

/* One column for each minute: '-' has no value, '/' is a value after a gap. */
static const struct {
    const char *what, *letters, *expected;
} gaps[] = {
    {"a line", "123", "123"},
    {"nothing answered in between", "1DD2", "1--/"},
    {"no agent in between", "1||2", "1--/"},
    {"constant, slow interval", "1....2....3", "1----2----3"},
    {"change to a slower interval", "111....2....3", "111----2----3"},
    {"change to a faster interval", "1....2....333", "1----2----333"},
    {"long pause", "111.......222", "111-------/22"},
    {"one window missing", "11.22", "11-22"},
    {"loss at the ends only", "D1D", "-1-"},
};

static void test_gaps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        struct dataset_stream s;
        struct intervals covered;
        struct column columns[ROOM];
        char got[ROOM + 1] = "";
        size_t n = strlen(gaps[i].letters);
        windows(&s, &covered, gaps[i].letters);
        downsample(columns, n, &s, 0, (int64_t)n * MINUTE_NS, &covered);
        for (size_t k = 0; k < n; k++)
            got[k] = columns[k].p50_least_ns == DELAY_UNDEFINED ? '-'
                     : columns[k].gap                           ? '/'
                                      : (char)('0' + columns[k].p50_least_ns / NS_PER_MS);
        CHECK_TEXT(gaps[i].expected, got, gaps[i].what);
        free(covered.all);
    }
}

static void test_no_spike_is_lost(void **state)
{
    (void)state;
    struct dataset_stream s;
    struct intervals covered;
    struct column columns[2];
    windows(&s, &covered, "22922121DD");
    downsample(columns, 2, &s, 0, 10 * MINUTE_NS, &covered);
    CHECK_INT(2 * NS_PER_MS, columns[0].p50_least_ns, "least");
    CHECK_INT(9 * NS_PER_MS, columns[0].p50_most_ns, "most");
    CHECK_INT(9 * NS_PER_MS, columns[0].highest_ns, "highest");
    CHECK_INT(1 * NS_PER_MS, columns[1].p50_least_ns, "least of the other");
    CHECK_INT(30, columns[0].sent, "sent");
    CHECK_INT(0, columns[0].lost, "lost");
    CHECK_INT(12, columns[1].lost, "lost of the other");
    CHECK_INT(false, columns[1].gap, "the gap is after its values");
    free(covered.all);
}

static void test_column(void **state)
{
    (void)state;
    const struct {
        const char *what;
        int64_t at, from, to;
        size_t expected;
    } cases[] = {
        {"begin", 0, 0, 100, 0},
        {"end", 100, 0, 100, 9},
        {"inside", 55, 0, 100, 5},
        {"before", -5, 0, 100, 0},
        {"after", 1000, 0, 100, 9},
        {"empty span", 5, 5, 5, 0},
        {"ends of time", INT64_MAX, 1, INT64_MAX, 9},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cases[i].expected,
                  downsample_column(cases[i].at, cases[i].from, cases[i].to, 10),
                  cases[i].what);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_no_spike_is_lost),
        cmocka_unit_test(test_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
