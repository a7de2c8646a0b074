#include "core/event.h"

#include "check.h"

static const struct wall noon = {INT64_C(1795424400) * NS_PER_S};

static void holds_what_it_is_told(void **state)
{
    (void)state;
    static struct events events;
    struct target target = {.name = "teams"};
    struct event *e =
        events_add(&events, "edgelat.pop.changed", SEVERITY_WARN, noon, &target);
    event_say(e, "%s is served from %s", target.name, "LON");
    event_number(e, "edgelat.distance", 357);
    event_number(e, "edgelat.stretch", NAN);
    event_text(e, "edgelat.metro", "London");
    CHECK_INT(1, events.n, "one");
    CHECK_TEXT("teams is served from LON", events.list[0].text, "what it says");
    CHECK_INT(2, events.list[0].n_facts, "an undefined number is no fact");
    CHECK(!events.list[0].facts[0].is_text && events.list[0].facts[0].number == 357,
          "a number");
    CHECK_TEXT("London", events.list[0].facts[1].text, "a text");
    CHECK_TEXT("WARN", severity_name(e->severity), "its severity");
}

static void too_many_are_counted(void **state)
{
    (void)state;
    static struct events events;
    for (int i = 0; i < EVENTS_MAX + 3; i++)
        event_say(events_add(&events, "edgelat.test", SEVERITY_INFO, noon, NULL), "%d",
                  i);
    CHECK_INT(EVENTS_MAX, events.n, "as many as fit");
    CHECK_INT(3, events.dropped, "the others are counted");
    char last[8];
    snprintf(last, sizeof last, "%d", EVENTS_MAX - 1);
    CHECK_TEXT(last, events.list[EVENTS_MAX - 1].text, "and write over none");
}

static void moving_keeps_the_order_and_the_count(void **state)
{
    (void)state;
    static struct events to, from;
    for (int i = 0; i < EVENTS_MAX - 1; i++)
        event_say(events_add(&to, "edgelat.test", SEVERITY_INFO, noon, NULL), "old");
    for (int i = 0; i < 3; i++)
        event_say(events_add(&from, "edgelat.test", SEVERITY_INFO, noon, NULL), "new %d",
                  i);
    events_move(&to, &from);
    CHECK_TEXT("new 0", to.list[EVENTS_MAX - 1].text, "behind the old ones");
    CHECK_INT(2, to.dropped, "what does not fit is counted");
    CHECK_INT(0, from.n, "nothing is left behind");
}

static void traits_by_name(void **state)
{
    (void)state;
    CHECK(event_traits("edgelat.state.settled").changes_state, "a state");
    CHECK(event_traits("edgelat.state.flapping").flaps, "flaps");
    CHECK(event_traits("edgelat.nearest.changed").routine, "routine");
    struct event_traits none = event_traits("edgelat.of.a.later.version");
    CHECK(!none.changes_state && !none.flaps && !none.routine, "nothing is known of it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_it_is_told),
        cmocka_unit_test(too_many_are_counted),
        cmocka_unit_test(traits_by_name),
        cmocka_unit_test(moving_keeps_the_order_and_the_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
