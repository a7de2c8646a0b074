/* What could not be sent, window by window: one statement a family, one a kind. */
#include "core/unsent.h"

#include "rig.h"

static const char v4[] = "192.0.2.1", v6[] = "2001:db8::1";

struct bed {
    struct rig rig;
    struct unsent unsent;
    struct text said;
};

static void bed_begin(struct bed *b)
{
    *b = (struct bed){.unsent = {.kinds = &kinds}};
    begin(&b->rig);
    resolve(&b->rig, 0, v4, "");
    resolve(&b->rig, 0, v6, "");
}

static void bed_end(struct bed *b)
{
    unsent_free(&b->unsent);
    text_free(&b->said);
    end(&b->rig);
}

enum happens { SENT, NO_ROUTE, REJECTED };

static void probe(struct bed *b, uint32_t stream, enum happens what)
{
    struct endpoint to = address(stream == PING6 || stream == WEB6 ? v6 : v4);
    enum outcome outcome = what == SENT ? OUTCOME_REPLY : OUTCOME_NOT_MEASURED;
    struct result r = result_of(stream, &to, b->rig.wall, outcome);
    r.kind = stream == PING4 || stream == PING6 ? &ping : &web;
    if (what == SENT)
        r.delays[0] = r.delays[1] = MS(3);
    else
        snprintf(r.cause, sizeof r.cause, what == NO_ROUTE ? "no route" : "firewall");
    pipeline_result(b->rig.p, &r);
    unsent_result(&b->unsent, 0, &r, what != NO_ROUTE);
    pass(&b->rig, NS_PER_MS);
}

/* By both kinds, IPv4 and IPv6. */
static void probe_all(struct bed *b, enum happens ipv4, enum happens ipv6)
{
    probe(b, PING4, ipv4);
    probe(b, WEB4, ipv4);
    probe(b, PING6, ipv6);
    probe(b, WEB6, ipv6);
}

/* All statements, each with a line end. */
static const char *window(struct bed *b)
{
    const struct unsent *u = &b->unsent;
    close_window(&b->rig);
    unsent_close(&b->unsent, b->rig.batch);
    text_clear(&b->said);
    if (u->offline)
        text_add(&b->said, "offline\n");
    for (size_t f = 0; f < 2; f++)
        if (u->missing[f])
            text_add(&b->said, "%s: %zu\n", f == SLOT_IPV4 ? "ipv4" : "ipv6",
                     u->unrouted[f]);
    for (size_t k = 0; k < kinds.n; k++)
        if (u->causes[k].target != NULL) {
            unsent_cause_text(&b->said, &u->causes[k]);
            text_add(&b->said, "\n");
        }
    return text_string(&b->said);
}

static void routes(struct bed *b, enum unsent_route ipv4, enum unsent_route ipv6)
{
    unsent_route(&b->unsent, FAMILY_IPV4, ipv4);
    unsent_route(&b->unsent, FAMILY_IPV6, ipv6);
}

#define FIREWALL "this host could not send ping to near (ipv4): firewall\n"
#define UNROUTED                                                                         \
    "this host could not send ping to near (ipv4): no route\n"                           \
    "this host could not send web to near (ipv4): no route\n"

static void one_window(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum unsent_route ipv4, ipv6;
        enum happens by4, by6;
        const char *said;
    } cases[] = {
        {"both work", UNSENT_ROUTE, UNSENT_ROUTE, SENT, SENT, ""},
        {"an IPv6-only host", UNSENT_NO_ADDRESS, UNSENT_ROUTE, NO_ROUTE, SENT, ""},
        {"an IPv4-only host", UNSENT_ROUTE, UNSENT_NO_ADDRESS, SENT, NO_ROUTE, ""},
        {"no IPv4 route", UNSENT_NO_ROUTE, UNSENT_ROUTE, NO_ROUTE, SENT, "ipv4: 1\n"},
        {"no IPv6 route", UNSENT_ROUTE, UNSENT_NO_ROUTE, SENT, NO_ROUTE, "ipv6: 1\n"},
        {"no default route, but one to the target", UNSENT_NO_ROUTE, UNSENT_ROUTE, SENT,
         SENT, ""},
        {"a default route, but none to the target", UNSENT_ROUTE, UNSENT_ROUTE, NO_ROUTE,
         SENT, UNROUTED},
        {"no route at all", UNSENT_NO_ROUTE, UNSENT_NO_ROUTE, NO_ROUTE, NO_ROUTE,
         "offline\n"},
        {"nor an address", UNSENT_NO_ADDRESS, UNSENT_NO_ADDRESS, NO_ROUTE, NO_ROUTE,
         "offline\n"},
        {"no default route, IPv4 is in this network", UNSENT_NO_ROUTE, UNSENT_NO_ROUTE,
         SENT, NO_ROUTE, "ipv6: 1\n"},
        {"a firewall", UNSENT_ROUTE, UNSENT_ROUTE, REJECTED, SENT,
         FIREWALL "this host could not send web to near (ipv4): firewall\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        bed_begin(&b);
        routes(&b, cases[i].ipv4, cases[i].ipv6);
        for (int n = 0; n < 3; n++)
            probe_all(&b, cases[i].by4, cases[i].by6);
        CHECK_TEXT(cases[i].said, window(&b), cases[i].what);
        CHECK_TEXT(cases[i].said, window(&b), "a window without results changes nothing");
        bed_end(&b);
    }
}

static void route_goes_and_comes(void **state)
{
    (void)state;
    struct bed b;
    bed_begin(&b);
    probe_all(&b, SENT, SENT);
    CHECK_TEXT("", window(&b), "fine");
    probe_all(&b, SENT, SENT);
    routes(&b, UNSENT_NO_ROUTE, UNSENT_ROUTE);
    probe(&b, PING4, NO_ROUTE);
    CHECK_TEXT("ipv4: 1\n", window(&b), "it went within the window");
    probe(&b, WEB4, NO_ROUTE);
    routes(&b, UNSENT_ROUTE, UNSENT_ROUTE);
    probe(&b, PING4, SENT);
    CHECK_TEXT("", window(&b),
               "it came; a slow kind without a probe since is no finding");
    probe_all(&b, SENT, SENT);
    CHECK_TEXT("", window(&b), "fine");
    routes(&b, UNSENT_NO_ROUTE, UNSENT_ROUTE);
    CHECK_TEXT("", window(&b), "nothing was tried yet");
    probe(&b, PING4, NO_ROUTE);
    CHECK_TEXT("ipv4: 1\n", window(&b), "then it was");
    vanish(&b.rig, 0, FAMILY_IPV4);
    CHECK_TEXT("", window(&b), "nothing to measure there any more");
    bed_end(&b);
}

/* Two targets, of which one is not tried before the window closes. */
static void route_goes_late(void **state)
{
    (void)state;
    struct bed b;
    bed_begin(&b);
    resolve(&b.rig, 1, v4, "");
    routes(&b, UNSENT_ROUTE, UNSENT_ROUTE);
    probe_all(&b, SENT, SENT);
    routes(&b, UNSENT_NO_ROUTE, UNSENT_ROUTE);
    probe(&b, PING4, NO_ROUTE);
    CHECK_TEXT("", window(&b), "how many there are is not known yet");
    probe(&b, PING4, NO_ROUTE);
    CHECK_TEXT("ipv4: 1\n", window(&b), "the other one is in this network");
    routes(&b, UNSENT_NO_ROUTE, UNSENT_NO_ROUTE);
    CHECK_TEXT("ipv4: 1\n", window(&b), "the other route goes, too: not tried yet");
    probe_all(&b, NO_ROUTE, NO_ROUTE);
    vanish(&b.rig, 1, FAMILY_IPV4);
    CHECK_TEXT("offline\n", window(&b), "nothing is reached");
    bed_end(&b);
}

static void cause_ends(void **state)
{
    (void)state;
    struct bed b;
    bed_begin(&b);
    probe(&b, PING4, REJECTED);
    CHECK_TEXT(FIREWALL, window(&b), "it begins");
    probe(&b, PING4, REJECTED);
    probe(&b, PING4, SENT);
    CHECK_TEXT("", window(&b), "some were sent");
    probe(&b, PING4, REJECTED);
    CHECK_TEXT(FIREWALL, window(&b), "again");
    vanish(&b.rig, 0, FAMILY_IPV4);
    CHECK_TEXT("", window(&b), "it is not probed any more");
    bed_end(&b);
}

static void texts(void **state)
{
    (void)state;
    struct unsent u = {.unrouted = {9, 1}};
    struct text out = {0};
    unsent_route_text(&out, &u, FAMILY_IPV4);
    CHECK_TEXT("no IPv4 route: the IPv4 addresses of 9 targets are not measured; add a "
               "default route (ip -4 route), or set family = ipv6 for them",
               text_string(&out), "several");
    text_clear(&out);
    unsent_route_text(&out, &u, FAMILY_IPV6);
    CHECK_TEXT("no IPv6 route: the IPv6 addresses of 1 target are not measured; add a "
               "default route (ip -6 route), or set family = ipv4 for it",
               text_string(&out), "one");
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_window),      cmocka_unit_test(route_goes_and_comes),
        cmocka_unit_test(route_goes_late), cmocka_unit_test(cause_ends),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
