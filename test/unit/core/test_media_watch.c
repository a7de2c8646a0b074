#include "check.h"

#include "core/event_names.h"
#include "core/media_watch.h"
#include "core/time.h"

static const struct target targets[4] = {
    {.name = "a"}, {.name = "b"}, {.name = "c"}, {.name = "d"}};
static struct media_watch watch;
static struct events events;
static int64_t now_s;

static struct endpoint address(const char *text, uint16_t port)
{
    struct endpoint e;
    CHECK(endpoint_parse(&e, text, port), "%s", text);
    return e;
}

static void begin(void)
{
    media_watch_free(&watch);
    events.n = 0;
    now_s = 1000;
}

/* Target `i` (at 192.0.2.1i) answers after `s` seconds, from the socket with that port. */
static void answer(size_t i, int64_t s, uint16_t local, const char *mapped, uint16_t port)
{
    char server[ADDRESS_TEXT_MAX];
    struct endpoint to;
    snprintf(server, sizeof server, "192.0.2.1%zu", i);
    to = address(server, 3478);
    now_s += s;
    struct result r = result_of(0, &to, (struct wall){now_s * NS_PER_S}, OUTCOME_REPLY);
    r.stun.local = address("10.0.0.5", local);
    r.stun.mapped = address(mapped, port);
    media_watch_add(&watch, &targets[i], &r, &events);
}

static void silence(size_t i, uint16_t tcp_port)
{
    struct endpoint to = address("192.0.2.10", 3478);
    struct result r = result_of(0, &to, (struct wall){++now_s * NS_PER_S}, OUTCOME_LOSS);
    r.stun.tcp_port = tcp_port;
    media_watch_add(&watch, &targets[i], &r, &events);
}

static void nats(void **unused)
{
    (void)unused;
    begin();
    answer(0, 1, 5000, "203.0.113.1", 7000);
    CHECK_INT(NAT_UNKNOWN, watch.egress[0].nat, "one server");
    answer(1, 1, 5000, "203.0.113.1", 7000);
    CHECK_INT(NAT_ONE, watch.egress[0].nat, "two see one mapping");
    CHECK_TEXT("endpoint_independent", nat_name(NAT_ONE), "its name");

    begin();
    answer(0, 1, 5000, "203.0.113.1", 7000);
    answer(1, 1, 5000, "203.0.113.1", 7001);
    CHECK_INT(NAT_UNKNOWN, watch.egress[0].nat, "the first mapping may have expired");
    answer(0, 1, 5000, "203.0.113.1", 7000);
    CHECK_INT(NAT_SYMMETRIC, watch.egress[0].nat, "it has not");

    begin(); /* every mapping expires before the next probe */
    for (uint16_t n = 0; n < 10; n++)
        answer(n % 2, 60, 5000, "203.0.113.1", (uint16_t)(7000 + n));
    CHECK_INT(NAT_UNKNOWN, watch.egress[0].nat, "nothing can be compared");

    begin();
    answer(0, 1, 5000, "203.0.113.1", 7000);
    answer(1, 1, 5001, "203.0.113.1", 7001);
    answer(0, 1, 5000, "203.0.113.1", 7000);
    CHECK_INT(NAT_UNKNOWN, watch.egress[0].nat, "from another socket");

    begin();
    answer(0, 1, 5000, "10.0.0.5", 5000);
    CHECK_INT(NAT_NONE, watch.egress[0].nat, "its own address");
}

static void egress_changes(void **unused)
{
    (void)unused;
    char text[ADDRESS_TEXT_MAX];
    begin();
    answer(0, 1, 5000, "203.0.113.1", 7000);
    for (int i = 0; i < 20; i++) /* two uplinks take turns */
        answer(0, 1, 5000, i % 2 ? "203.0.113.1" : "198.51.100.1", 7000);
    CHECK_INT(0, events.n, "no change");
    for (int i = 0; i < 3; i++)
        answer(0, 1, 5000, "198.51.100.1", 7000);
    CHECK_INT(1, events.n, "three in a row");
    CHECK_TEXT(EVENT_EGRESS_CHANGED, events.list[0].name, "event");
    CHECK_TEXT("203.0.113.1", events.list[0].before, "before");
    CHECK_TEXT("198.51.100.1", events.list[0].after, "after");
    CHECK_INT((now_s - 2) * NS_PER_S, events.list[0].since.ns, "since the first of them");
    for (int i = 0; i < 300; i++) /* flapping, each time for some seconds */
        answer(0, 1, 5000, i / 5 % 2 ? "203.0.113.1" : "198.51.100.1", 7000);
    CHECK_INT(1, events.n, "no more in ten minutes");
    CHECK_TEXT("203.0.113.1", endpoint_address(text, &watch.egress[0].address),
               "but the address is known");
    media_watch_moved(&watch);
    answer(0, 1, 5000, "192.0.2.77", 7000);
    CHECK_INT(1, events.n, "another network is no change");
}

/* Each uplink leaves with an address of its own, which a move of the others leaves alone. */
static void of_uplinks(void **unused)
{
    (void)unused;
    static const struct uplink lte = {.name = "lte"};
    static const struct target over = {.name = "a", .uplink = &lte};
    char text[ADDRESS_TEXT_MAX];
    struct endpoint to = address("192.0.2.10", 3478);
    begin();
    for (int i = 0; i < 20; i++) {
        answer(0, 1, 5000, "203.0.113.1", 7000);
        struct result r =
            result_of(0, &to, (struct wall){now_s * NS_PER_S}, OUTCOME_REPLY);
        r.stun.local = address("10.0.1.5", 5001);
        r.stun.mapped = address(i < 17 ? "198.51.100.1" : "198.51.100.2", 7000);
        media_watch_add(&watch, &over, &r, &events);
    }
    CHECK_INT(2, watch.n_egress, "two");
    CHECK_TEXT("203.0.113.1", endpoint_address(text, &watch.egress[0].address), "routes");
    CHECK_TEXT("198.51.100.2", endpoint_address(text, &watch.egress[1].address), "lte");
    CHECK_INT(1, events.n, "one change");
    CHECK(strstr(events.list[0].text, "over uplink lte") != NULL, "%s",
          events.list[0].text);
    media_watch_moved(&watch);
    CHECK_INT(1, watch.n_egress, "moved");
    CHECK(watch.egress[0].uplink == &lte, "lte has not");
}

static void blocked(void **unused)
{
    (void)unused;
    begin();
    silence(0, 0);
    CHECK_INT(0, events.n, "loss says nothing");
    silence(0, 443);
    silence(0, 443);
    CHECK_INT(1, events.n, "reported once");
    CHECK_TEXT(EVENT_UDP_BLOCKED, events.list[0].name, "event");
    CHECK_TEXT("blocked", events.list[0].after, "after");
    CHECK_INT(EVENT_LEAVES_FINDING, event_leaves(EVENT_UDP_BLOCKED, "blocked"),
              "a finding");
    silence(0, 0);
    CHECK(watch.all[0].blocked, "still");
    struct endpoint to = address("192.0.2.10", 0);
    struct result echo = result_of(1, &to, (struct wall){now_s}, OUTCOME_REPLY);
    media_watch_add(&watch, &targets[0], &echo, &events);
    media_watch_add(&watch, &targets[1], &echo, &events);
    CHECK(watch.all[0].blocked, "also when ICMP is answered");
    CHECK_INT(1, watch.n, "which takes no place");
    answer(0, 1, 5000, "203.0.113.1", 7000);
    CHECK_INT(2, events.n, "and once when it is answered");
    CHECK_TEXT("open", events.list[1].after, "after");
}

static void it_is_bounded(void **unused)
{
    (void)unused;
    static struct target many[2 * MEDIA_WATCH_MAX];
    begin();
    struct endpoint to = address("192.0.2.10", 3478);
    for (size_t i = 0; i < 2 * MEDIA_WATCH_MAX; i++) {
        struct result r =
            result_of(0, &to, (struct wall){(int64_t)i * NS_PER_S}, OUTCOME_REPLY);
        r.stun.local = address("10.0.0.5", 5000);
        r.stun.mapped = address("203.0.113.1", 7000);
        media_watch_add(&watch, &many[i], &r, &events);
    }
    CHECK_INT(MEDIA_WATCH_MAX, watch.n, "targets");
    size_t late = 0;
    for (size_t i = 0; i < watch.n; i++)
        late += watch.all[i].target >= &many[MEDIA_WATCH_MAX];
    CHECK_INT(MEDIA_WATCH_MAX, late, "the oldest were replaced");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nats),          cmocka_unit_test(egress_changes),
        cmocka_unit_test(of_uplinks),    cmocka_unit_test(blocked),
        cmocka_unit_test(it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
