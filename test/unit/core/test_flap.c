#include "check.h"
#include "core/flap.h"
#include "core/random.h"

#define MINUTE_NS (60 * NS_PER_S)

/* A stream reported by the minute. Verdicts are letters: u(p), d(egraded), D(own), - (nothing
 * measured). */
struct stream {
    struct flap flap;
    int64_t minute;
    uint32_t news[FLAP_ENDED + 1];
    struct flap_news last; /* that was not FLAP_NOTHING */
    int64_t last_at, changed_at;
};

static enum state observed(char letter)
{
    switch (letter) {
    case 'u':
        return STATE_UP;
    case 'd':
        return STATE_DEGRADED;
    case 'D':
        return STATE_DOWN;
    default:
        return STATE_UNKNOWN;
    }
}

static void window(struct stream *s, char letter)
{
    struct mono at = {s->minute++ * MINUTE_NS};
    uint64_t changes = s->flap.changes;
    struct flap_news news = flap_window(&s->flap, observed(letter), at);
    if (s->flap.changes != changes)
        s->changed_at = s->minute - 1;
    s->news[news.what]++;
    if (news.what == FLAP_NOTHING)
        return;
    s->last = news;
    s->last_at = s->minute - 1;
}

static void tell_many(struct stream *s, char letter, int windows)
{
    for (int w = 0; w < windows; w++)
        window(s, letter);
}

static void states_have_names(void **state)
{
    (void)state;
    static const char *const expected[] = {"unknown", "up", "degraded", "down"};
    for (enum state s = 0; s < STATE_COUNT; s++)
        CHECK_TEXT(expected[s], state_name(s), "name");
}

/* ---- hysteresis ---- */

/* The state held after each window: ? u d D. */
static const struct {
    const char *what, *reported, *held;
} runs[] = {
    {"up holds at once", "u", "u"},
    {"a bad beginning must be seen twice", "DD", "?D"},
    {"a mixed one leads to what is common", "Dd", "?d"},
    {"in whichever order", "dD", "?d"},
    {"bad once, then up", "Du", "?u"},
    {"one bad window is nothing", "uDuDuDu", "uuuuuuu"},
    {"two are", "uDD", "uuD"},
    {"degraded, too", "udd", "uud"},
    {"down, degraded: at least degraded", "uDd", "uud"},
    {"then down for good", "uDdDD", "uuddD"},
    {"down and degraded by turns stay degraded", "uDdDdDd", "uuddddd"},
    {"better takes three", "uDDuuu", "uuDDDu"},
    {"to degraded, too", "uDDddd", "uuDDDd"},
    {"up, degraded, up: at most degraded", "uDDuduuu", "uuDDDddu"},
    {"up and degraded by turns do not hang on down", "uDDududud", "uuDDDdddd"},
    {"degraded, then up", "uDDduuu", "uuDDDdu"},
    {"a bad one breaks the recovery", "uDDuuDuuu", "uuDDDDDDu"},
    {"worse while degraded", "uddDD", "uuddD"},
    {"nothing measured changes nothing", "uD-D--u-uu", "uuuDDDDDDu"},
    {"nothing was ever measured", "---", "???"},
    {"known late", "--D-D", "????D"},
};

static void hysteresis(void **state)
{
    (void)state;
    static const char letters[] = {'?', 'u', 'd', 'D'};
    for (size_t r = 0; r < sizeof runs / sizeof *runs; r++) {
        struct stream s = {0};
        for (size_t i = 0; runs[r].reported[i] != '\0'; i++) {
            enum state before = s.flap.state;
            uint32_t changed = s.news[FLAP_CHANGED];
            window(&s, runs[r].reported[i]);
            CHECK(letters[s.flap.state] == runs[r].held[i], "%s: window %zu holds %s",
                  runs[r].what, i, state_name(s.flap.state));
            CHECK_INT(before != s.flap.state, s.news[FLAP_CHANGED] - changed,
                      "a change is reported, nothing else is");
            if (before != s.flap.state) {
                CHECK_INT(before, s.last.before, "from");
                CHECK_INT(s.flap.state, s.last.after, "to");
                CHECK_INT(1, s.last.changes, "one");
            }
        }
    }
}

/* Whatever came before: the same verdict often enough is the state. */
static void it_never_hangs(void **state)
{
    (void)state;
    struct random random = random_from(check_seed());
    struct stream s = {0};
    for (int round = 0; round < 20000; round++) {
        int64_t mixed = random_below(&random, 8);
        for (int64_t w = 0; w < mixed; w++)
            window(&s, "udD-"[random_below(&random, 4)]);
        char letter = "udD"[random_below(&random, 3)];
        tell_many(&s, letter, FLAP_BETTER_AFTER);
        CHECK_INT(observed(letter), s.flap.state, "reported three times");
    }
    CHECK(s.flap.penalty <= FLAP_CEILING, "a penalty of %g", s.flap.penalty);
}

/* ---- damping ---- */

static void outage(struct stream *s, int windows, int until_next)
{
    tell_many(s, 'D', windows);
    tell_many(s, 'u', until_next - windows);
}

static const struct {
    const char *what;
    int outages, windows, apart; /* minutes, from begin to begin */
    bool flaps;
} days[] = {
    {"one of two minutes", 1, 2, 600, false},
    {"one of an hour", 1, 60, 600, false},
    {"one of five hours", 1, 300, 600, false},
    {"two, as near as can be", 2, 2, 5, false},
    {"three short ones in a day", 3, 3, 300, false},
    {"three short ones, half an hour apart", 3, 2, 30, false},
    {"three longer ones, half an hour apart", 3, 12, 30, false},
    {"three within fifty minutes", 3, 2, 24, true},
    {"three longer ones within fifty minutes", 3, 14, 18, true},
    {"one an hour, all day", 24, 3, 60, false},
    {"one each half hour", 24, 3, 30, true},
};

static void single_outages_are_told_each(void **state)
{
    (void)state;
    for (size_t d = 0; d < sizeof days / sizeof *days; d++) {
        struct stream s = {0};
        tell_many(&s, 'u', 60);
        for (int o = 0; o < days[d].outages; o++)
            outage(&s, days[d].windows, days[d].apart);
        tell_many(&s, 'u', 120);
        CHECK_INT(2 * days[d].outages, s.flap.changes, days[d].what);
        CHECK_INT(days[d].flaps, s.news[FLAP_BEGAN], days[d].what);
        CHECK_INT(days[d].flaps, s.news[FLAP_ENDED], days[d].what);
        if (!days[d].flaps)
            CHECK_INT(1 + 2 * days[d].outages, s.news[FLAP_CHANGED], days[d].what);
    }
}

/* A day of it, each share of bad windows; then a day of peace. */
static void trouble_of_a_period(int period, int bad, char letter)
{
    struct stream s = {0};
    window(&s, 'u');
    for (int p = 0; p < 1440 / period; p++)
        for (int w = 0; w < period; w++)
            window(&s, w < bad ? letter : 'u');
    bool changes = bad >= FLAP_WORSE_AFTER && period - bad >= FLAP_BETTER_AFTER;
    int64_t expected = changes ? 2 * (1440 / period) - (s.flap.state != STATE_UP)
                               : bad >= FLAP_WORSE_AFTER;
    CHECK_INT(expected, s.flap.changes, "the flap count");
    CHECK_INT(changes, s.news[FLAP_BEGAN], "it began to flap, once");
    CHECK_INT(0, s.news[FLAP_ENDED], "and flaps all day");
    CHECK(s.news[FLAP_CHANGED] <= (period <= 20 ? 7 : 13),
          "period %d, bad %d: %u changes"
          " reported before that",
          period, bad, s.news[FLAP_CHANGED]);

    tell_many(&s, 'u', 1440);
    CHECK_INT(changes, s.news[FLAP_ENDED], "it ended, once");
    CHECK_INT(STATE_UP, s.flap.state, "in peace");
    if (!changes)
        return;
    CHECK_INT(FLAP_ENDED, s.last.what, "the last news");
    CHECK_INT(STATE_UP, s.last.after, "where it settled");
    int64_t quiet = s.last_at - s.changed_at;
    CHECK(quiet >= 40 && quiet <= 60, "reported after %" PRId64 " quiet minutes", quiet);
    CHECK_INT(s.flap.changes, s.news[FLAP_CHANGED] - 1 + s.last.changes,
              "each change is reported or counted, once (and to be up first is none)");
}

static void periodic_trouble_is_one_flapping(void **state)
{
    (void)state;
    for (int period = 4; period <= 36; period++)
        for (int bad = 1; bad < period; bad++) {
            trouble_of_a_period(period, bad, 'D');
            trouble_of_a_period(period, bad, 'd');
        }
}

/* Slower or faster, it never comes to a hundred news a day. */
static void nothing_makes_a_hundred_news(void **state)
{
    (void)state;
    struct random random = random_from(check_seed());
    uint32_t most = 0;
    for (int day = 0; day < 2000; day++) {
        struct stream s = {0};
        int64_t bad = 1 + random_below(&random, 40), good = 1 + random_below(&random, 40);
        while (s.minute < 1440) {
            char letter = "dD"[random_below(&random, 2)];
            tell_many(&s, letter, (int)(1 + random_below(&random, 2 * bad)));
            tell_many(&s, 'u', (int)(1 + random_below(&random, 2 * good)));
        }
        uint32_t news = s.news[FLAP_CHANGED] + s.news[FLAP_BEGAN] + s.news[FLAP_ENDED];
        most = news > most ? news : most;
        CHECK_INT(s.flap.flapping, s.news[FLAP_BEGAN] - s.news[FLAP_ENDED], "in turn");
    }
    printf("# at most %" PRIu32 " news in a day of random trouble\n", most);
    CHECK(most < 100, "%" PRIu32 " news in a day", most);
}

static void it_settles_where_it_is(void **state)
{
    (void)state;
    struct stream s = {0};
    window(&s, 'u');
    for (int o = 0; o < 10; o++)
        outage(&s, 5, 10);
    CHECK(s.flap.flapping, "it flaps");
    CHECK_INT(1, s.news[FLAP_BEGAN], "that was reported");
    CHECK_INT(STATE_UP, s.last.before, "from");
    CHECK_INT(STATE_DOWN, s.last.after, "to");
    tell_many(&s, 'D', 2);
    CHECK_INT(STATE_DOWN, s.flap.state, "the state is held, and not reported");
    CHECK_INT(FLAP_BEGAN, s.last.what, "no news since");
    tell_many(&s, 'D', 120);
    CHECK_INT(FLAP_ENDED, s.last.what, "two hours later it is over");
    CHECK_INT(STATE_UP, s.last.before, "it was up before it flapped");
    CHECK_INT(STATE_DOWN, s.last.after, "and is down for good");
    CHECK_INT(21 - 4, s.last.changes, "four were reported, and these counted");
    tell_many(&s, 'u', 3);
    CHECK_INT(FLAP_CHANGED, s.last.what, "from now on changes are reported again");
}

static void no_window_for_hours(void **state)
{
    (void)state;
    struct stream s = {0};
    window(&s, 'u');
    for (int o = 0; o < 10; o++)
        outage(&s, 5, 10);
    tell_many(&s, '-', 300);
    CHECK(s.flap.flapping, "nothing measured: nothing reported");
    window(&s, 'u');
    CHECK_INT(FLAP_ENDED, s.last.what, "the first window that tells anything");

    struct flap back = s.flap;
    struct mono earlier = {0};
    CHECK_INT(FLAP_NOTHING, flap_window(&back, STATE_UP, earlier).what, "no time passed");
    CHECK(back.penalty <= s.flap.penalty, "and no penalty grew by it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_have_names),
        cmocka_unit_test(hysteresis),
        cmocka_unit_test(it_never_hangs),
        cmocka_unit_test(single_outages_are_told_each),
        cmocka_unit_test(periodic_trouble_is_one_flapping),
        cmocka_unit_test(nothing_makes_a_hundred_news),
        cmocka_unit_test(it_settles_where_it_is),
        cmocka_unit_test(no_window_for_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
