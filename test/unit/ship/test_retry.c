/*
 * A collector by a rule, a queue of batches, and the policy between them: what is
 * delivered, set aside, passed over, in how many tries.
 */
#include "ship/retry.h"

#include "check.h"

enum { BATCHES = 5000 };
enum answer { TAKES, REFUSES, FAILS };

struct world {
    struct retry retry;
    bool gone[BATCHES + 1];
    unsigned later[BATCHES + 1]; /* passed over until that try */
    unsigned n, tries, delivered, set_aside, passed;
    unsigned last, late; /* delivered after one behind it */
    bool trusted;
    enum answer (*answer)(const struct world *w, unsigned id);
    bool waits; /* the last try ended in a back-off */
};

static struct world *world(unsigned n,
                           enum answer (*answer)(const struct world *, unsigned))
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.n = n;
    w.answer = answer;
    return &w;
}

static unsigned next_of(const struct world *w)
{
    for (unsigned id = 1; id <= w->n; id++)
        if (!w->gone[id] && w->later[id] <= w->tries && id > w->retry.after)
            return id;
    return 0;
}

/* False: nothing is left that can be tried. */
static bool try_one(struct world *w)
{
    unsigned id = next_of(w);
    if (id == 0) {
        retry_wrap(&w->retry);
        id = next_of(w);
    }
    if (id == 0)
        return false;
    w->tries++;
    enum answer answer = w->answer(w, id);
    w->waits = false;
    if (answer == TAKES) {
        retry_accepted(&w->retry, id);
        w->gone[id] = w->trusted = true;
        w->delivered++;
        w->late += id < w->last;
        w->last = id > w->last ? id : w->last;
        return true;
    }
    switch (retry_failed(&w->retry, id, answer == REFUSES, w->trusted, w->n)) {
    case RETRY_WAIT:
        w->waits = true;
        break;
    case RETRY_PASS_OVER:
        w->passed++;
        w->later[id] = w->tries + 100;
        break;
    case RETRY_SET_ASIDE:
        w->set_aside++;
        w->gone[id] = true;
        break;
    }
    return true;
}

static void run(struct world *w, unsigned tries)
{
    while (w->tries < tries && try_one(w))
        continue;
}

static enum answer refuses_all(const struct world *w, unsigned id)
{
    (void)w, (void)id;
    return REFUSES;
}

static enum answer fails_all(const struct world *w, unsigned id)
{
    (void)w, (void)id;
    return FAILS;
}

static void nothing_is_set_aside_at_first(void **state)
{
    (void)state;
    struct world *w = world(BATCHES, refuses_all);
    while (w->tries < 2000) {
        try_one(w);
        CHECK(w->waits, "each refusal is a back-off");
    }
    CHECK_INT(0, w->set_aside, "set aside");
    w = world(BATCHES, fails_all);
    run(w, 2000);
    CHECK(w->set_aside == 0 && w->passed == 0, "nor by failures");
}

static enum answer takes_fifty(const struct world *w, unsigned id)
{
    (void)id;
    return w->delivered < 50 ? TAKES : REFUSES;
}

static void refusals_stop(void **state)
{
    (void)state;
    struct world *w = world(BATCHES, takes_fifty);
    run(w, 1000);
    CHECK_INT(50, w->delivered, "delivered");
    CHECK_INT(RETRY_REFUSALS, w->set_aside, "so many are believed");
}

static enum answer bad_third(const struct world *w, unsigned id)
{
    (void)w;
    return id == 3 ? REFUSES : TAKES;
}

static enum answer bad_first(const struct world *w, unsigned id)
{
    (void)w;
    return id == 1 ? REFUSES : TAKES;
}

static void one_that_is_refused(void **state)
{
    (void)state;
    struct world *w = world(100, bad_third);
    run(w, 1000);
    CHECK(w->delivered == 99 && w->set_aside == 1 && w->tries == 100, "at its first try");
    CHECK_INT(0, w->late, "in order");
    w = world(100, bad_first); /* none was accepted before it */
    run(w, 1000);
    CHECK(w->delivered == 99 && w->set_aside == 1, "the first of all");
    CHECK_INT(102 - 1, w->tries, "once more, behind one that was accepted");
}

static enum answer poisoned(const struct world *w, unsigned id)
{
    (void)w;
    return id == 1 || (id >= 40 && id < 45) || id == 90 ? FAILS : TAKES;
}

/* 1, 40 to 44 and 90 fail for ever. */
static void poison(void **state)
{
    (void)state;
    struct world *w = world(200, poisoned);
    run(w, 300);
    CHECK_INT(193, w->delivered, "all others");
    CHECK_INT(0, w->set_aside, "a failure is no refusal");
    CHECK(w->passed >= 7, "%u times passed over", w->passed);
    CHECK(w->late <= 6, "%u late", w->late);
}

static enum answer outage(const struct world *w, unsigned id)
{
    (void)id;
    return w->tries > 20 && w->tries <= 60 ? FAILS : TAKES;
}

static enum answer wrong_for_a_while(const struct world *w, unsigned id)
{
    (void)id;
    return w->tries <= 40 ? REFUSES : TAKES;
}

/* The collector was to blame: all come, nearly in order. */
static void an_outage(void **state)
{
    (void)state;
    struct world *w = world(300, outage);
    run(w, 1000);
    CHECK_INT(300, w->delivered, "all");
    CHECK_INT(340, w->tries, "and no try more");
    CHECK(w->passed == 0 && w->set_aside == 0, "none is blamed");
    CHECK(w->late <= 20, "%u late", w->late);
    w = world(300, wrong_for_a_while);
    run(w, 1000);
    CHECK(w->delivered == 300 && w->set_aside == 0, "a wrong path, mended there");
}

static enum answer old_ones_refused(const struct world *w, unsigned id)
{
    (void)w;
    return id <= 4000 ? REFUSES : TAKES;
}

static enum answer old_ones_fail(const struct world *w, unsigned id)
{
    (void)w;
    return id <= 8 ? FAILS : TAKES;
}

/* A store that takes no old points, after a long outage: what it takes flows. */
static void too_old(void **state)
{
    (void)state;
    struct world *w = world(4001, old_ones_refused);
    while (w->delivered == 0 && w->tries < 100 && try_one(w))
        continue;
    CHECK(w->tries < 40, "%u tries to find out", w->tries);
    CHECK_INT(0, w->set_aside, "before one is accepted");
    for (unsigned live = 1; live < 200; live++) {
        unsigned before = w->delivered, tries = 0;
        w->n++;
        while (w->delivered == before && tries < 10 && try_one(w))
            tries++;
        CHECK(tries <= 2, "a new one after %u tries", tries);
        for (unsigned i = 0; i < 100 && !w->waits && try_one(w);
             i++) /* until the next window */
            continue;
        w->waits = false;
    }
    CHECK(w->set_aside > 199 * (RETRY_REFUSALS - 1), "%u set aside", w->set_aside);
    w = world(100, old_ones_fail);
    while (w->delivered == 0 && w->tries < 100 && try_one(w))
        continue;
    CHECK(w->tries < 40, "%u tries past eight that fail", w->tries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_set_aside_at_first),
        cmocka_unit_test(refusals_stop),
        cmocka_unit_test(one_that_is_refused),
        cmocka_unit_test(poison),
        cmocka_unit_test(an_outage),
        cmocka_unit_test(too_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
