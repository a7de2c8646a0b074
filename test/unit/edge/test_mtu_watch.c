/* Searches in, events out: what is a black hole, what is none, and what is suspicious. */
#include "edge/mtu_watch.h"

#include "core/event_names.h"

#include "check.h"

#include <string.h>

static const struct target target = {.name = "exchange"};
static struct events events;
static struct mtu_watch watch;
static struct wall now;

static void begin(void)
{
    mtu_watch_end(&watch);
    events.n = 0;
    now.ns = 1000 * NS_PER_S;
}

static bool add(enum family family, uint16_t bytes, enum mtu_limit limit)
{
    now.ns += 10 * NS_PER_S;
    return mtu_watch_add(&watch, &target, family, bytes, limit, now, &events);
}

static void test_black_hole(void **state)
{
    (void)state;
    begin();
    CHECK(!add(FAMILY_IPV4, 1500, MTU_LIMIT_NONE), "no limit");
    CHECK(add(FAMILY_IPV4, 1400, MTU_LIMIT_BLACK_HOLE), "asks for a second search");
    CHECK_INT(0, events.n, "one search is no event");
    int64_t first = now.ns;
    CHECK(!add(FAMILY_IPV4, 1400, MTU_LIMIT_BLACK_HOLE), "found twice");
    CHECK_INT(1, events.n, "one event");
    const struct event *e = &events.list[0];
    CHECK_TEXT("edgelat.path.black_hole", e->name, "its name");
    CHECK_INT(SEVERITY_WARN, e->severity, "its severity");
    CHECK_INT(first, e->since.ns, "it began with the first search");
    CHECK_INT(FAMILY_IPV4, e->family, "its family");
    CHECK_TEXT("black hole", e->after, "its state");
    CHECK(strstr(e->text, "1400 bytes") != NULL && strstr(e->text, "MSS to 1360") != NULL,
          "%s", e->text);
    CHECK_INT(EVENT_LEAVES_FINDING, event_leaves(e->name, e->after), "a finding");
    add(FAMILY_IPV4, 1400, MTU_LIMIT_BLACK_HOLE);
    add(FAMILY_IPV4, 0, MTU_LIMIT_NONE);
    CHECK_INT(1, events.n, "reported once; what cannot tell ends nothing");
    CHECK_INT(1400, watch.all[0].bytes, "what cannot tell changes nothing");
    add(FAMILY_IPV4, 1400, MTU_LIMIT_REPORTED);
    CHECK_INT(2, events.n, "gone");
    e = &events.list[1];
    CHECK_INT(SEVERITY_INFO, e->severity, "its severity");
    CHECK_TEXT("clear", e->after, "its state");
    CHECK_INT(EVENT_LEAVES_NOTHING, event_leaves(e->name, e->after), "no finding");
}

static void test_families(void **state)
{
    (void)state;
    begin();
    add(FAMILY_IPV4, 1400, MTU_LIMIT_BLACK_HOLE);
    add(FAMILY_IPV6, 1400, MTU_LIMIT_BLACK_HOLE);
    CHECK_INT(0, events.n, "one search of each family");
    add(FAMILY_IPV6, 1400, MTU_LIMIT_BLACK_HOLE);
    CHECK_INT(1, events.n, "of IPv6");
    CHECK_INT(FAMILY_IPV6, events.list[0].family, "of IPv6");
    CHECK(strstr(events.list[0].text, "MSS to 1340") != NULL, "%s", events.list[0].text);
    CHECK(strstr(events.list[0].text, "packet too big") != NULL, "%s",
          events.list[0].text);
}

static void test_no_evidence(void **state)
{
    (void)state;
    begin();
    for (int i = 0; i < 5; i++) {
        CHECK(!add(FAMILY_IPV4, 1052, MTU_LIMIT_BLACK_HOLE), "a firewall");
        add(FAMILY_IPV4, 0, MTU_LIMIT_NONE);
    }
    add(FAMILY_IPV4, 1400, MTU_LIMIT_BLACK_HOLE);
    add(FAMILY_IPV4, 1500, MTU_LIMIT_NONE);
    add(FAMILY_IPV4, 1400, MTU_LIMIT_BLACK_HOLE);
    add(FAMILY_IPV4, 1400, MTU_LIMIT_REPORTED);
    add(FAMILY_IPV4, 1400, MTU_LIMIT_HOST);
    CHECK_INT(0, events.n, "no event");
}

static void test_moved(void **state)
{
    (void)state;
    begin();
    add(FAMILY_IPV4, 1400, MTU_LIMIT_BLACK_HOLE);
    mtu_watch_moved(&watch);
    CHECK_INT(0, watch.all[0].bytes, "not known");
    add(FAMILY_IPV4, 1400, MTU_LIMIT_BLACK_HOLE);
    CHECK_INT(0, events.n, "one search in each network");
    add(FAMILY_IPV4, 1400, MTU_LIMIT_BLACK_HOLE);
    mtu_watch_moved(&watch);
    CHECK_INT(1, events.n, "moving is no event");
    add(FAMILY_IPV4, 1500, MTU_LIMIT_NONE);
    CHECK_INT(2, events.n, "the finding ends in the new network");
    const struct uplink lte = {.name = "lte"};
    const struct target over = {.name = "exchange", .uplink = &lte};
    mtu_watch_add(&watch, &over, FAMILY_IPV4, 1420, MTU_LIMIT_REPORTED, now, &events);
    mtu_watch_moved(&watch);
    CHECK_INT(0, watch.all[0].bytes, "not known");
    CHECK_INT(1420, watch.all[1].bytes, "that of an uplink is");
}

static bool suspects(enum outcome outcome, uint16_t status, enum family family)
{
    struct endpoint to = {.family = (uint8_t)family};
    struct result r = result_of(0, &to, now, outcome);
    r.http.status = status;
    return mtu_watch_suspects(&watch, &target, &r);
}

static void test_suspicion(void **state)
{
    (void)state;
    begin();
    CHECK(!suspects(OUTCOME_SLOW, 0, FAMILY_IPV4), "once");
    CHECK(!suspects(OUTCOME_REPLY, 0, FAMILY_IPV4), "small probes are answered");
    CHECK(!suspects(OUTCOME_SLOW, 0, FAMILY_IPV6), "another family");
    CHECK(suspects(OUTCOME_SLOW, 0, FAMILY_IPV4), "twice in a row");
    CHECK(!suspects(OUTCOME_SLOW, 0, FAMILY_IPV4), "asked for once");
    CHECK(!suspects(OUTCOME_REPLY, 200, FAMILY_IPV4), "HTTPS works");
    CHECK(!suspects(OUTCOME_SLOW, 0, FAMILY_IPV4), "once again");
    CHECK(!suspects(OUTCOME_LOSS, 0, FAMILY_IPV4), "not connected");
    CHECK(suspects(OUTCOME_SLOW, 0, FAMILY_IPV4), "twice");
    for (int i = 0; i < 5; i++)
        CHECK(!suspects(OUTCOME_SLOW, 0, FAMILY_PROXY), "a proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_black_hole),  cmocka_unit_test(test_families),
        cmocka_unit_test(test_no_evidence), cmocka_unit_test(test_moved),
        cmocka_unit_test(test_suspicion),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    mtu_watch_end(&watch);
    return rc;
}
