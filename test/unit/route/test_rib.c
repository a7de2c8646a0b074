/* Sessions and watched prefixes of scripted routers: each event by name, in order. */
#include "router.h"

#include "otlp/names.h"
#include "route/rib_lookup.h"
#include "route/rib_show.h"

static const struct neighbour first = {0xc6336402, 65002, 0, 0}; /* 198.51.100.2 */
static const struct neighbour second = {0xc6336406, 65003, 0, 0};

static const struct neighbour third = {0xc633640a, 65004, 0, 0};

static struct bytes b;

static struct neighbour post(const struct neighbour *p)
{
    struct neighbour is = *p;
    is.flags = 0x40;
    return is;
}

static void announce(struct world *w, const struct neighbour *p, const char *prefix,
                     const char *path)
{
    struct announcement a = {.path = path, .next_hop = p->address};
    put_route(&b, p, prefix, &a, 0);
    feed_bytes(w, &b);
}

static void withdraw(struct world *w, const struct neighbour *p, const char *prefix)
{
    put_route(&b, p, prefix, NULL, 0);
    feed_bytes(w, &b);
}

static void peer_up(struct world *w, const struct neighbour *p)
{
    put_peer_up(&b, p, 65001, false);
    feed_bytes(w, &b);
}

static void peer_down(struct world *w, const struct neighbour *p)
{
    put_peer_down(&b, p, 4);
    feed_bytes(w, &b);
}

/* "active 65002, backup 65003": of the paths that are here. */
static const char *roles(const struct world *w, size_t prefix)
{
    static const char *const names[] = {"", "other", "backup", "candidate", "active"};
    static char out[512];
    const struct rib_prefix *p = &w->rib.prefixes[prefix];
    out[0] = '\0';
    for (size_t i = 0; i < p->n; i++)
        if (p->paths[i].role != PATH_NO_ROLE)
            snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s %u%s",
                     *out != '\0' ? ", " : "", names[p->paths[i].role],
                     w->rib.peers[p->paths[i].peer].as,
                     p->paths[i].configured ? " as configured" : "");
    return out;
}

/* A router with these sessions up and their tables sent, past the dump. */
static void settle(struct world *w, const struct neighbour *p, const struct neighbour *q)
{
    world_begin(w);
    put_initiation(&b, "r1");
    feed_bytes(w, &b);
    peer_up(w, p);
    announce(w, p, "13.107.6.0/24", "65002 8075");
    if (q != NULL) {
        peer_up(w, q);
        announce(w, q, "52.96.0.0/14", "65003 8075");
    }
    pass(w, 6000);
    take_events(w);
}

static void test_dump_is_no_event(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    put_initiation(&b, "r1");
    peer_down(&w, &first); /* FRR: one for each failed attempt */
    CHECK_TEXT("edgelat.bmp.router.connected", take_events(&w), "no flap");
    announce(&w, &first, "13.107.6.0/24", "65001 65002 8075"); /* before Peer Up: FRR */
    peer_up(&w, &first);
    announce(&w, &first, "52.96.0.0/14", "65001 65002 8075");
    announce(&w, &first, "8.8.8.0/24", "65001 65002 15169");
    CHECK_TEXT("edgelat.bgp.session.established", take_events(&w), "only the session");
    CHECK_INT(2, w.rib.n_prefixes, "only watched prefixes are kept");
    CHECK_INT(3, w.rib.peers[0].announced, "all are counted");
    pass(&w, 4000);
    announce(&w, &first, "52.99.0.0/16", "65001 65002 8075");
    CHECK_TEXT("", take_events(&w), "the table comes late");
    pass(&w, 2000);
    announce(&w, &first, "52.98.0.0/16", "65001 65002 8075");
    CHECK_TEXT("PrefixAnnouncementEvent", take_events(&w), "a new one after the dump");
    const struct rib_path *path = &w.rib.prefixes[0].paths[0];
    char text[BGP_PATH_TEXT_MAX];
    CHECK_TEXT("65002 8075", bgp_path_text(text, path->path),
               "the router's own AS is removed");
    world_end(&w);
}

static const struct event *event_named(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->rib.events.n; i++)
        if (strcmp(w->rib.events.list[i].name, name) == 0)
            return &w->rib.events.list[i];
    return NULL;
}

/* A hijack that the first table has already is reported when the dump is over, once, and only of
 * a path that the router's policy has not refused. */
static void test_faults_of_the_first_table(void **state)
{
    (void)state;
    struct world w;
    world_begin(&w);
    put_initiation(&b, "r1");
    feed_bytes(&w, &b);
    peer_up(&w, &first);
    announce(&w, &first, "13.107.6.0/24", "65002 174");
    announce(&w, &first, "52.96.0.0/14", "65002 3356 2914 8075");
    announce(&w, &first, "203.0.113.0/24", "65002 3356");
    take_events(&w);
    pass(&w, 6000);
    const struct event *origin = event_named(&w, "edgelat.route.origin_unexpected");
    CHECK(origin != NULL && strstr(origin->text, "possible hijack or leak: since before "
                                                 "this agent saw the session") != NULL,
          "%s", origin != NULL ? origin->text : "none");
    CHECK_TEXT("edgelat.route.origin_unexpected edgelat.route.more_specific",
               take_events(&w), "a long path of Microsoft's is only a fact");
    announce(&w, &first, "13.107.6.0/24", "65002 3356 174");
    CHECK_TEXT("", take_events(&w), "known; other paths of a table are no news");
    struct endpoint address = w.feed.address;
    feed_end(&w.feed, "the router closed it", w.now);
    w.feed = feed_of(&w.rib, &address);
    put_initiation(&b, "r1");
    peer_up(&w, &first);
    announce(&w, &first, "13.107.6.0/24", "65002 3356 174");
    announce(&w, &first, "52.96.0.0/14", "65002 3356 2914 8075");
    announce(&w, &first, "203.0.113.0/24", "65002 3356");
    take_events(&w);
    pass(&w, 6000);
    CHECK_TEXT("", take_events(&w), "reported before the reconnect");
    world_end(&w);

    struct neighbour after = post(&first);
    world_begin(&w);
    put_initiation(&b, "r1");
    feed_bytes(&w, &b);
    peer_up(&w, &first);
    announce(&w, &first, "13.107.6.0/24", "65002 174");
    announce(&w, &after, "52.96.0.0/14", "65002 8075");
    pass(&w, 6000);
    CHECK(event_named(&w, "edgelat.route.origin_unexpected") == NULL,
          "refused by the policy");
    world_end(&w);
}

/* The session whose message made the change, not that of the path which is chosen then. */
static void test_scope_of_events(void **state)
{
    (void)state;
    struct world w;
    settle(&w, &first, &second);
    announce(&w, &second, "13.107.6.0/24", "65003 3356 8075");
    take_events(&w);
    peer_down(&w, &first);
    const struct event *lost = event_named(&w, "edgelat.bgp.session.lost");
    const struct event *now = event_named(&w, "PrefixActivePath");
    CHECK(lost != NULL && now != NULL && lost->scope.session != 0, "both are reported");
    CHECK(strstr(now->text, "198.51.100.6") != NULL, "%s", now->text);
    CHECK_INT(lost->scope.session, now->scope.session, "the one that was lost");
    CHECK_INT(lost->scope.router, now->scope.router, "and its router");
    uint32_t of_first = lost->scope.session;
    take_events(&w);
    withdraw(&w, &second, "13.107.6.0/24");
    const struct event *gone = event_named(&w, "PrefixWithdrawalEvent");
    CHECK(gone != NULL && gone->scope.session != of_first, "another peer");
    world_end(&w);
}

static void test_prefix_events(void **state)
{
    (void)state;
    struct world w;
    settle(&w, &first, &second);
    withdraw(&w, &first, "13.107.6.0/24");
    CHECK_TEXT("PrefixWithdrawalEvent", take_events(&w), "the only path");
    CHECK_INT(SEVERITY_WARN, w.rib.events.list[0].severity, "its level: Warning");
    withdraw(&w, &first, "13.107.6.0/24");
    CHECK_TEXT("", take_events(&w), "not a second time");
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    CHECK_TEXT("PrefixAnnouncementEvent", take_events(&w), "again");
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    CHECK_TEXT("", take_events(&w), "the same again");
    announce(&w, &second, "13.107.6.0/24", "65003 8075");
    CHECK_TEXT("PrefixBackupRouteAnnouncementEvent PrefixBackupPath", take_events(&w),
               "over the backup location");
    announce(&w, &second, "13.107.6.0/24", "65003 8068");
    CHECK_TEXT("PrefixBackupRouteOriginAsChangeEvent", take_events(&w), "its origin");
    CHECK_INT(SEVERITY_ERROR, w.rib.events.list[0].severity, "its level: Error");
    announce(&w, &second, "13.107.6.0/24", "65003 8075");
    take_events(&w);
    withdraw(&w, &first, "13.107.6.0/24");
    CHECK_TEXT("PrefixWithdrawalEvent PrefixActivePath", take_events(&w), "failover");
    CHECK_TEXT("198.51.100.6 (AS65003)", w.rib.events.list[1].after, "to the backup");
    pass(&w, 1000);
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    CHECK_TEXT("PrefixAnnouncementEvent PrefixActivePath PrefixBackupPath",
               take_events(&w), "back to the primary");
    withdraw(&w, &second, "13.107.6.0/24");
    CHECK_TEXT("PrefixBackupRouteWithdrawalEvent", take_events(&w), "the backup");
    announce(&w, &first, "13.107.6.0/24", "65002 64999");
    CHECK_TEXT("PrefixOriginAsChangeEvent edgelat.route.path_private_as "
               "edgelat.route.origin_unexpected",
               take_events(&w), "another origin");
    CHECK_INT(SEVERITY_CRITICAL, w.rib.events.list[0].severity, "its level: Critical");
    CHECK_TEXT("8075", w.rib.events.list[0].before, "before");
    CHECK_TEXT("64999", w.rib.events.list[0].after, "after");
    world_end(&w);
}

static void test_flaps(void **state)
{
    (void)state;
    struct world w;
    struct self_value *values = calloc(RIB_VALUES_MAX, sizeof *values);
    settle(&w, &first, NULL);
    rib_window(&w.rib, false, w.now, values);
    for (int i = 0; i < 10; i++) {
        peer_down(&w, &first);
        CHECK_TEXT(i == 2 ? "edgelat.bgp.session.lost edgelat.bgp.session.flapping "
                            "PrefixWithdrawalEvent"
                          : "edgelat.bgp.session.lost PrefixWithdrawalEvent",
                   take_events(&w), "lost");
        peer_down(&w, &first); /* a failed attempt */
        CHECK_TEXT("", take_events(&w), "down while down");
        pass(&w, 500);
        peer_up(&w, &first);
        announce(&w, &first, "13.107.6.0/24", "65002 8075");
        CHECK_TEXT("edgelat.bgp.session.established PrefixAnnouncementEvent",
                   take_events(&w), "up again");
        pass(&w, 500);
    }
    size_t n = rib_window(&w.rib, false, w.now, values);
    double availability = NAN, flaps = NAN, up = NAN;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(values[i].name, METRIC_BGP_AVAILABILITY) == 0)
            availability = values[i].value;
        if (strcmp(values[i].name, METRIC_BGP_FLAPS) == 0)
            flaps = values[i].value;
        if (strcmp(values[i].name, METRIC_BGP_UP) == 0)
            up = values[i].value;
    }
    CHECK_NEAR(0.5, availability, 1e-2, "half of the window");
    CHECK_NEAR(10, flaps, 0, "ten flaps");
    CHECK_NEAR(1, up, 0, "up now");
    free(values);
    world_end(&w);
}

/* FRR sends a Peer Down for each attempt to connect again that fails. */
static void test_down_since(void **state)
{
    (void)state;
    struct world w;
    settle(&w, &first, NULL);
    struct endpoint address = w.feed.address;
    peer_down(&w, &first);
    struct wall since = w.rib.peers[0].since;
    static const char reason[] = "closed by the peer";
    for (int i = 0; i < 2; i++) {
        pass(&w, 3000);
        put_peer_down(&b, &first, 2);
        feed_bytes(&w, &b);
        CHECK_INT(since.ns, w.rib.peers[0].since.ns, "down since the first one");
        CHECK_TEXT(reason, w.rib.peers[0].reason, "and its reason");
        feed_end(&w.feed, "the router closed it", w.now);
        w.feed = feed_of(&w.rib, &address);
        put_initiation(&b, "r1"); /* a new BMP session, in which it is still down */
    }
    world_end(&w);
}

static void test_router_restart(void **state)
{
    (void)state;
    struct world w;
    settle(&w, &first, &second);
    struct endpoint address = w.feed.address;
    struct wall up_since = w.rib.peers[0].since;
    pass(&w, 1000);
    feed_end(&w.feed, "the router closed it", w.now);
    CHECK_TEXT("edgelat.bmp.router.lost", take_events(&w), "no session is down by that");
    CHECK_INT(SESSION_UNKNOWN, w.rib.peers[0].state, "unknown");
    CHECK_INT(w.now.wall.ns, w.rib.peers[0].since.ns, "since then");
    pass(&w, 3000);
    w.feed = feed_of(&w.rib, &address);
    put_initiation(&b, "r1");
    peer_up(&w, &first);
    peer_up(&w, &second);
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    CHECK_TEXT("edgelat.bmp.router.connected", take_events(&w), "all is as it was");
    CHECK_INT(0, w.rib.peers[0].flaps, "no flap");
    CHECK_INT(up_since.ns, w.rib.peers[0].since.ns, "up since before");
    pass(&w, 6000);
    CHECK_TEXT("PrefixWithdrawalEvent", take_events(&w), "what the dump no longer has");
    world_end(&w);
}

/* BIRD and GoBGP report only what is up: the ports of TCP show another session. */
static void test_session_restart(void **state)
{
    (void)state;
    struct world w;
    struct neighbour peer = first;
    peer.ports = 179u << 16 | 40001;
    settle(&w, &peer, NULL);
    struct endpoint address = w.feed.address;
    for (int again = 0; again < 3; again++) {
        feed_end(&w.feed, "the router closed it", w.now);
        pass(&w, 3000);
        w.feed = feed_of(&w.rib, &address);
        put_initiation(&b, "r1");
        feed_bytes(&w, &b);
        take_events(&w);
        peer.ports =
            again == 2 ? 179 : peer.ports + (uint32_t)again; /* 0 and 179: BIRD */
        peer_up(&w, &peer);
        CHECK_TEXT(again ? "edgelat.bgp.session.lost edgelat.bgp.session.established"
                         : "",
                   take_events(&w), again ? "other ports" : "the same ports");
        CHECK_INT(again, w.rib.peers[0].flaps, "flaps");
        announce(&w, &peer, "13.107.6.0/24", "65002 8075");
        pass(&w, 6000);
        CHECK_TEXT("", take_events(&w), "the same routes");
    }
    world_end(&w);
}

static void test_views(void **state)
{
    (void)state;
    struct world w;
    struct neighbour after = post(&first);
    settle(&w, &first, NULL);
    struct announcement a = {
        .path = "65002 8075", .next_hop = 0x0a000001, .local_pref = 200};
    put_route(&b, &after, "13.107.6.0/24", &a, 0);
    feed_bytes(&w, &b);
    CHECK_TEXT("", take_events(&w), "post-policy takes the place of pre-policy");
    announce(&w, &first, "13.107.6.0/24", "65002 3356 8075");
    withdraw(&w, &first, "13.107.6.0/24");
    CHECK_TEXT("", take_events(&w), "pre-policy no longer counts");
    put_route(&b, &after, "13.107.6.0/24", NULL, 0);
    feed_bytes(&w, &b);
    CHECK_TEXT("PrefixWithdrawalEvent", take_events(&w), "post-policy does");
    announce(&w, &after, "52.96.0.0/14", "65002 65001 8075");
    CHECK_TEXT("", take_events(&w), "a loop is no path");
    world_end(&w);
}

static const char *shown(const struct world *w, bool json)
{
    static char copy[1 << 20];
    struct text text = {0};
    if (json)
        rib_json(&w->rib, "192.0.2.1:11019", &text);
    else
        rib_text(&w->rib, "192.0.2.1:11019", &text);
    snprintf(copy, sizeof copy, "%s", text_string(&text));
    text_free(&text);
    return copy;
}

static void test_beyond(void **state)
{
    (void)state;
    struct world w;
    settle(&w, &first, &second);
    announce(&w, &first, "13.107.6.0/24", "65002 3356 2914 8075");
    CHECK_TEXT("edgelat.route.path_long", take_events(&w), "longer than 3");
    announce(&w, &first, "13.107.6.0/24", "65002 8075 8075");
    CHECK_TEXT("edgelat.route.path_prepended", take_events(&w), "prepended");
    announce(&w, &first, "203.0.113.0/24", "65002 3356");
    CHECK_TEXT("PrefixAnnouncementEvent edgelat.route.more_specific", take_events(&w),
               "in a registered prefix");
    announce(&w, &first, "203.0.112.0/23", "65002 3356");
    CHECK_TEXT("PrefixAnnouncementEvent", take_events(&w),
               "the registered prefix itself");
    announce(&w, &second, "13.107.6.0/24", "65003 8075");
    take_events(&w);
    struct announcement a = {.path = "65003 8075", .next_hop = first.address};
    put_route(&b, &second, "13.107.6.0/24", &a, 0);
    feed_bytes(&w, &b);
    CHECK_TEXT("edgelat.route.next_hop_changed edgelat.route.redundancy_lost",
               take_events(&w), "both through one router");
    struct neighbour out = first;
    out.flags = 0x10;
    announce(&w, &out, "203.0.112.0/23", "65001");
    CHECK_TEXT("", take_events(&w), "Adj-RIB-Out before the policy, which adds it");
    out.flags = 0x50;
    announce(&w, &out, "203.0.112.0/23", "65001");
    CHECK_TEXT("edgelat.route.community_missing", take_events(&w), "Adj-RIB-Out");
    a = (struct announcement){
        .path = "65001", .next_hop = 1, .community = 8075u << 16 | 8007};
    put_route(&b, &out, "203.0.112.0/23", &a, 0);
    feed_bytes(&w, &b);
    CHECK_TEXT("", take_events(&w), "with it");
    world_end(&w);
}

static void test_limits(void **state)
{
    (void)state;
    struct world w;
    settle(&w, &first, NULL);
    for (int i = 0; i < 5000; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "52.%d.%d.%d/28", 96 + i / 16 / 256, i / 16 % 256,
                 i % 16 * 16);
        announce(&w, &first, prefix, "65002 8075");
    }
    CHECK_INT(RIB_PREFIXES_MAX - RIB_RESERVED, w.rib.n_prefixes, "bounded");
    CHECK_INT(5001 + RIB_RESERVED - RIB_PREFIXES_MAX, w.rib.not_kept,
              "the rest is counted");
    take_events(&w);
    for (int i = 0; i < 512; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "203.0.%d.%d/32", 112 + i / 256, i % 256);
        announce(&w, &first, prefix, "65002 3356");
        if (i == 0)
            CHECK_TEXT("PrefixAnnouncementEvent edgelat.route.more_specific",
                       take_events(&w), "a hijack of a registered prefix has room");
    }
    CHECK_INT(RIB_PREFIXES_MAX, w.rib.n_prefixes, "bounded, too");
    static struct self_value values[RIB_VALUES_MAX];
    size_t n = rib_window(&w.rib, false, w.now, values), registered = 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(values[i].name, METRIC_PREFIX_ANNOUNCED) == 0)
            registered +=
                strcmp(values[i].labels[values[i].n_labels - 1].value, "registered") == 0;
    CHECK_INT(RIB_RESERVED, registered, "their rows come first");
    CHECK_INT(RIB_VALUES_MAX, n, "rows are bounded");
    CHECK(w.rib.values_left_out > 1000, "the rest is counted");
    CHECK(strstr(shown(&w, false), " series of edgelat.prefix are left out") != NULL,
          "and shown");
    CHECK(w.rib.events.n <= RIB_EVENTS_MAX && w.rib.events.dropped > 0, "events bounded");
    world_end(&w);
}

static size_t count_named(const struct world *w, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < w->rib.events.n; i++)
        n += strcmp(w->rib.events.list[i].name, name) == 0;
    return n;
}

/* Withdrawals by the hundred leave room for errors of prefixes, and both for sessions. */
static void test_errors_keep_room(void **state)
{
    (void)state;
    struct world w;
    struct text text = {0};
    static struct self_value values[RIB_VALUES_MAX];
    settle(&w, &first, &second);
    for (int i = 0; i < 600; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "52.%d.%d.0/24", 96 + i / 256, i % 256);
        announce(&w, &first, prefix, "65002 8075");
    }
    take_events(&w);
    peer_down(&w, &first);
    for (int i = 0; i < 100; i++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "52.99.%d.0/24", i);
        announce(&w, &second, prefix, "65003 174");
    }
    peer_down(&w, &second);
    CHECK_INT(2, count_named(&w, "edgelat.bgp.session.lost"), "both sessions");
    CHECK(count_named(&w, "edgelat.route.origin_unexpected") >= 20, "hijacks: %zu",
          count_named(&w, "edgelat.route.origin_unexpected"));
    CHECK(w.rib.events.n <= RIB_EVENTS_MAX && w.rib.dropped > 500, "bounded: %llu",
          (unsigned long long)w.rib.dropped);
    rib_window(&w.rib, false, w.now, values);
    rib_summary(&w.rib, &text);
    CHECK(strstr(text_string(&text), " BGP events of the last window were dropped") !=
              NULL,
          "%s", text_string(&text));
    text_clear(&text);
    rib_window(&w.rib, false, w.now, values);
    rib_summary(&w.rib, &text);
    CHECK(strstr(text_string(&text), "dropped") == NULL, "%s", text_string(&text));
    CHECK(strstr(shown(&w, false), "dropped since the start") != NULL, "routes has it");
    text_free(&text);
    world_end(&w);
}

static void test_unknown_open(void **state)
{
    (void)state;
    struct world w;
    settle(&w, &first, NULL);
    peer_down(&w, &first);
    put_peer_up(&b, &first, 0, false);
    feed_bytes(&w, &b);
    CHECK_INT(SESSION_UP, w.rib.peers[0].state, "a Peer Up without OPEN");
    CHECK_INT(65001, w.rib.routers[0].local_as, "the local AS stays known");
    world_end(&w);
}

static void test_loc_rib(void **state)
{
    (void)state;
    struct world w;
    struct neighbour loc = {0, 65001, 3, 0};
    settle(&w, &first, &second);
    announce(&w, &second, "13.107.6.0/24", "65003 8075");
    take_events(&w);
    struct announcement a = {.path = "65001 65003 8075", .next_hop = second.address};
    put_route(&b, &loc, "13.107.6.0/24", &a, 0);
    feed_bytes(&w, &b);
    CHECK_TEXT("", take_events(&w), "the router's choice is no event of its own");
    const struct rib_path *path = rib_prefix_path(&w.rib, &w.rib.prefixes[0]);
    CHECK_INT(65003, w.rib.peers[path->peer].as, "it is the active path");
    CHECK(!path->configured, "not the one of the primary location");
    announce(&w, &third, "13.107.6.0/24", "65004 8075");
    withdraw(&w, &second, "13.107.6.0/24");
    CHECK_TEXT("PrefixBackupRouteWithdrawalEvent", take_events(&w),
               "the Loc-RIB still has a path that is gone");
    CHECK_TEXT("candidate 65002, candidate 65004", roles(&w, 0), "so it cannot be told");
    world_end(&w);
}

static void announce_pref(struct world *w, const struct neighbour *p, const char *path,
                          uint32_t local_pref)
{
    struct neighbour after = post(p);
    struct announcement a = {
        .path = path, .next_hop = p->address, .local_pref = local_pref};
    put_route(&b, &after, "13.107.6.0/24", &a, 0);
    feed_bytes(w, &b);
}

/* BMP of FRR has no local preference of external peers: it may prefer a longer path. */
static void test_active_cannot_be_told(void **state)
{
    (void)state;
    struct world w;
    struct endpoint e;
    struct route_found found;
    settle(&w, &first, &second);
    w.rib.is.primary_peers = w.rib.is.backup_peers = "";
    CHECK(endpoint_parse(&e, "13.107.6.152", 0), "an address");
    announce_pref(&w, &first, "65002 8075", 0);
    CHECK_TEXT("active 65002", roles(&w, 0), "the only one");
    announce_pref(&w, &second, "65003 174 8075", 0);
    CHECK_TEXT("candidate 65002, candidate 65003", roles(&w, 0), "either");
    CHECK_TEXT("PrefixAnnouncementEvent", take_events(&w), "no claim of a backup");
    CHECK(!rib_lookup(&w.rib, &e, &found), "no AS hops");
    CHECK(strstr(shown(&w, false), "announced, cannot tell which path is active\n") !=
              NULL,
          "%s", shown(&w, false));
    withdraw(&w, &(struct neighbour){first.address, 65002, 0, 0x40}, "13.107.6.0/24");
    const struct event *e1 = event_named(&w, "PrefixWithdrawalEvent");
    CHECK(e1 != NULL && strstr(e1->text, "one of 2 paths, it cannot be told which was "
                                         "active") != NULL,
          "%s", e1 != NULL ? e1->text : "none");
    CHECK_TEXT("PrefixWithdrawalEvent", take_events(&w), "no claim of another path");
    CHECK(rib_lookup(&w.rib, &e, &found), "AS hops of the only one");
    world_end(&w);
}

/* Primary and backup by local preference, which BMP does not carry: the usual set-up. */
static void test_active_as_configured(void **state)
{
    (void)state;
    struct world w;
    settle(&w, &first, &second);
    announce_pref(&w, &first, "65002 174 8075", 0);
    announce_pref(&w, &second, "65003 8075", 0);
    CHECK_TEXT("active 65002 as configured, backup 65003", roles(&w, 0), "the primary");
    CHECK(strstr(shown(&w, false), "next hop 198.51.100.2, as configured\n") != NULL,
          "%s", shown(&w, false));
    CHECK(strstr(shown(&w, true), "\"role\":\"active\",\"as_configured\":true") != NULL,
          "%s", shown(&w, true));
    take_events(&w);
    peer_down(&w, &first);
    CHECK_TEXT("edgelat.bgp.session.lost PrefixWithdrawalEvent PrefixActivePath",
               take_events(&w), "the primary is lost");
    peer_up(&w, &first);
    take_events(&w);
    pass(&w, 6000);
    announce_pref(&w, &first, "65002 174 8075", 0);
    const struct event *active = event_named(&w, "PrefixActivePath");
    CHECK(active != NULL && strstr(active->text, ": as configured in [bmp]") != NULL,
          "%s", active != NULL ? active->text : "none");
    CHECK_TEXT("PrefixAnnouncementEvent PrefixActivePath PrefixBackupPath",
               take_events(&w), "and back");
    announce_pref(&w, &first, "65002 174 8075", 90);
    CHECK_TEXT("candidate 65003, candidate 65002", roles(&w, 0), "less than the default");
    announce_pref(&w, &first, "65002 174 8075", 200);
    CHECK_TEXT("backup 65003, active 65002 as configured", roles(&w, 0), "one has it");
    announce_pref(&w, &first, "65002 174 8075", 90);
    announce_pref(&w, &second, "65003 8075", 100);
    CHECK_TEXT("active 65003, backup 65002", roles(&w, 0), "what is reported is first");
    announce_pref(&w, &first, "65002 8075", 100);
    CHECK_TEXT("candidate 65003, candidate 65002", roles(&w, 0),
               "no preference: the location does not decide");
    announce_pref(&w, &first, "65002 8075", 0);
    CHECK_TEXT("candidate 65003, candidate 65002", roles(&w, 0), "the backup has it");
    CHECK(strstr(shown(&w, false), "as configured") == NULL, "no mark remains: %s",
          shown(&w, false));
    world_end(&w);
}

/* Local preferences that are equal: RFC 4271, section 9.1.2.2, as far as BMP has it. */
static void test_active_by_rules(void **state)
{
    (void)state;
    static const struct {
        const char *what, *paths[2];
        uint32_t as;
        const char *roles;
    } cases[] = {
        {"shorter",
         {"65002 174 8075", "65003 8075"},
         65003,
         "backup 65002, active 65003"},
        {"equal",
         {"65002 8075", "65003 8075"},
         65003,
         "candidate 65002, candidate 65003"},
        {"external before internal",
         {"65002 8075", "65003 8075"},
         65001,
         "active 65002, backup 65001"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        struct neighbour other = {0xc6336406, cases[i].as, 0, 0};
        settle(&w, &first, &other);
        w.rib.is.primary_peers = w.rib.is.backup_peers = "";
        announce_pref(&w, &other, cases[i].paths[1], 100);
        announce_pref(&w, &first, cases[i].paths[0], 100);
        CHECK_TEXT(cases[i].roles, roles(&w, 0), cases[i].what);
        world_end(&w);
    }
}

/* Each router has an active path: what one of them does is no news of the other. */
static void test_two_routers(void **state)
{
    (void)state;
    struct world w;
    struct endpoint address, e;
    struct route_found found;
    settle(&w, &first, NULL);
    CHECK(endpoint_parse(&address, "203.0.113.4", 0), "the other router");
    CHECK(endpoint_parse(&e, "13.107.6.152", 0), "an address");
    struct feed other = feed_of(&w.rib, &address);
    put_initiation(&b, "r4");
    put_peer_up(&b, &second, 65001, false);
    struct announcement a = {.path = "65003 8075", .next_hop = second.address};
    put_route(&b, &second, "13.107.6.0/24", &a, 0);
    CHECK(feed_take(&other, b.at, b.n, w.now) == (ssize_t)b.n, "taken");
    b.n = 0;
    take_events(&w);
    CHECK_TEXT("active 65002, active 65003", roles(&w, 0), "one of each");
    CHECK(strstr(shown(&w, false), "active    from 198.51.100.6 at r4, next hop") != NULL,
          "the router is named: %s", shown(&w, false));
    CHECK(!rib_lookup(&w.rib, &e, &found), "over which one is not known");
    peer_down(&w, &first);
    CHECK_TEXT("edgelat.bgp.session.lost PrefixWithdrawalEvent", take_events(&w),
               "the other one has not changed");
    CHECK(rib_lookup(&w.rib, &e, &found), "over the other one");
    world_end(&w);
}

/* The event of this name; fails without one. */
static const struct event *event_of(const struct world *w, const char *name)
{
    for (size_t i = 0; i < w->rib.events.n; i++)
        if (strcmp(w->rib.events.list[i].name, name) == 0)
            return &w->rib.events.list[i];
    CHECK(false, "an event %s", name);
    return NULL;
}

/* Length, prepending and private AS numbers are limited for registered prefixes only. */
static void test_rules_of_registered_prefixes(void **state)
{
    (void)state;
    static const char path[] = "65002 3356 3356 64999 8075";
    static const char *const names[] = {"edgelat.route.path_long",
                                        "edgelat.route.path_private_as",
                                        "edgelat.route.path_prepended"};
    struct world w;
    settle(&w, &first, NULL);
    announce(&w, &first, "13.107.6.0/24", path);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(SEVERITY_INFO, event_of(&w, names[i])->severity, names[i]);
    CHECK(!rib_has_problems(&w.rib), "transit to Microsoft is no fault");
    CHECK(strstr(shown(&w, true),
                 "\"as_hops\":3,\"problems\":[],\"facts\":[\"long_path\","
                 "\"private_as\",\"prepended\"]") != NULL,
          "facts: %s", shown(&w, true));
    CHECK(strstr(shown(&w, false),
                 "AS path 65002 3356 3356 64999 8075, 3 AS hops to "
                 "Microsoft\n              AS path longer than 3\n") != NULL,
          "shown: %s", shown(&w, false));
    take_events(&w);
    announce(&w, &first, "203.0.112.0/23", path);
    for (size_t i = 0; i < 3; i++)
        CHECK_INT(SEVERITY_WARN, event_of(&w, names[i])->severity, names[i]);
    CHECK(rib_has_problems(&w.rib), "of a registered prefix it is");
    CHECK(strstr(shown(&w, false), "problem: AS path longer than 3\n") != NULL,
          "shown: %s", shown(&w, false));
    world_end(&w);
}

static void test_as_hops(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        size_t hops;
    } cases[] = {
        {"8075", 1},
        {"65002 8075", 1},
        {"65002 65002 8075 8075", 1},
        {"65002 3356 8068", 2},
        {"65002 3356", SIZE_MAX},
        {"", SIZE_MAX},
    };
    struct world w;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        settle(&w, &first, NULL);
        announce(&w, &first, "13.107.6.0/24", cases[i].path);
        CHECK(rib_as_hops(&w.rib, w.rib.prefixes[0].paths[0].path) == cases[i].hops,
              "AS hops of \"%s\"", cases[i].path);
        world_end(&w);
    }
}

static void test_no_router(void **state)
{
    (void)state;
    struct world w;
    struct text text = {0};
    world_begin(&w);
    pass(&w, 12000);
    rib_summary(&w.rib, &text);
    CHECK_TEXT("", text_string(&text), "status: not at once");
    CHECK(rib_has_problems(&w.rib), "routes: a problem");
    CHECK(strstr(shown(&w, false),
                 "  router 203.0.113.1: has not connected\n\nNo router has "
                 "connected in the 12 s since the agent started") != NULL,
          "a sentence: %s", shown(&w, false));
    pass(&w, 120000);
    rib_summary(&w.rib, &text);
    CHECK_TEXT("no router has connected", text_string(&text), "status: after 2 min");
    put_initiation(&b, "r1");
    feed_bytes(&w, &b);
    CHECK(!rib_has_problems(&w.rib), "none any more");
    CHECK(strstr(shown(&w, false), "    1 message, 0 malformed, 1 connection\n") != NULL,
          "singular: %s", shown(&w, false));
    text_free(&text);
    world_end(&w);
}

/* Of a registered prefix, too, where origins.csv names it. */
static void test_expected_origins(void **state)
{
    (void)state;
    struct world w;
    static struct origin own[] = {
        {.prefix = {.bytes = {[10] = 0xff, [11] = 0xff, [12] = 203, [14] = 112},
                    .bits = 96 + 23},
         .as = 64500},
    };
    settle(&w, &first, NULL);
    announce(&w, &first, "203.0.112.0/23", "65002 3356");
    CHECK_TEXT("PrefixAnnouncementEvent", take_events(&w), "nothing is expected");
    w.origins = (struct origins){.all = own, .n = 1};
    announce(&w, &first, "203.0.112.0/23", "65002 174");
    CHECK_TEXT("PrefixOriginAsChangeEvent edgelat.route.origin_unexpected",
               take_events(&w), "not 64500");
    announce(&w, &first, "203.0.112.0/23", "65002 64500");
    CHECK(!rib_has_problems(&w.rib), "the expected one, but private: %s",
          shown(&w, false));
    world_end(&w);
}

/* For `edgelat status`. */
static void test_summary(void **state)
{
    (void)state;
    struct world w;
    struct text text = {0};
    settle(&w, &first, &second);
    rib_summary(&w.rib, &text);
    CHECK_TEXT("", text_string(&text), "all is well");
    announce(&w, &first, "13.107.6.0/24", "65002 65002 8075");
    rib_summary(&w.rib, &text);
    CHECK_TEXT("", text_string(&text), "a path that is only prepended");
    CHECK(!rib_has_problems(&w.rib), "Azure's rules are for registered prefixes");
    announce(&w, &first, "13.107.6.0/24", "65002 174");
    rib_summary(&w.rib, &text);
    CHECK_TEXT("1 path may be hijacked or leaked", text_string(&text), "174 is foreign");
    text_clear(&text);
    peer_down(&w, &first);
    peer_down(&w, &second);
    rib_summary(&w.rib, &text);
    CHECK_TEXT("2 BGP sessions are down, 2 watched prefixes are withdrawn",
               text_string(&text), "both down");
    text_clear(&text);
    feed_end(&w.feed, "the router closed it", w.now);
    rib_summary(&w.rib, &text);
    CHECK(strstr(text_string(&text), "1 router is not connected") != NULL,
          "it has left: %s", text_string(&text));
    text_free(&text);
    world_end(&w);
}

#define START_NS   (INT64_C(1795424400) * NS_PER_S)
#define START_TEXT "2026-11-23T09:00:00.000000Z"

/* A validator that cannot be reached: what, since when, what to do. */
static void test_validator(void **state)
{
    (void)state;
    struct world w;
    struct rtr rtr;
    struct validator v = {.rtr = &rtr, .address = "192.0.2.20:323", .since = {START_NS}};
    struct text text = {0};
    settle(&w, &first, NULL);
    rtr_begin(&rtr, w.rib.is.watch);
    w.rib.is.validator = &v;
    rib_summary(&w.rib, &text);
    CHECK_TEXT("", text_string(&text), "not tried yet");
    CHECK(strstr(shown(&w, false), "RPKI validator 192.0.2.20:323: connecting\n") != NULL,
          "%s", shown(&w, false));
    CHECK(strstr(shown(&w, false), "origin not validated by RPKI") != NULL, "%s",
          shown(&w, false));
    strcpy(v.why, "connection refused");
    rib_summary(&w.rib, &text);
    static const char problem[] =
        "the RPKI validator 192.0.2.20:323 is not reached since " START_TEXT
        ": connection refused, so origins are not validated; check that it runs and lets "
        "this host in, or correct validator in [bmp]";
    CHECK_TEXT(problem, text_string(&text), "for the status");
    CHECK(rib_has_problems(&w.rib), "exit code 1");
    CHECK(strstr(shown(&w, false), problem) != NULL, "%s", shown(&w, false));
    CHECK(strstr(shown(&w, true),
                 "\"validator\":{\"address\":\"192.0.2.20:323\",\"state\":"
                 "\"failed\",\"since\":\"" START_TEXT
                 "\",\"error\":\"connection refused\"") != NULL,
          "%s", shown(&w, true));
    text_free(&text);
    rtr_free(&rtr);
    world_end(&w);
}

/* The origin of the active path by RPKI: a metric of the window. */
static void test_origin_metric(void **state)
{
    (void)state;
    struct world w;
    static struct self_value values[RIB_VALUES_MAX];
    struct rtr rtr;
    struct validator v = {.rtr = &rtr, .reached = true};
    struct vrp vrp = {.as = 8075};
    settle(&w, &first, NULL);
    rtr_begin(&rtr, w.rib.is.watch);
    vrp.prefix = w.rib.prefixes[0].prefix;
    vrp.longest = vrp.prefix.bits;
    rtr.table = (struct vrps){.all = &vrp, .n = 1, .room = 1};
    rtr.has_data = true;
    w.rib.is.validator = &v;
    for (int i = 0; i < 2; i++) {
        vrp.as = i == 0 ? 8075 : 64500;
        size_t n = rib_window(&w.rib, false, w.now, values);
        CHECK_TEXT("edgelat.prefix.origin", values[n - 1].name, "the last row");
        CHECK_INT(8075, values[n - 1].value, "the origin AS");
        CHECK_TEXT("edgelat.route.origin_validation", values[n - 1].attribute, "by RPKI");
        CHECK_TEXT(i == 0 ? "valid" : "invalid", values[n - 1].attribute_value,
                   "its state");
    }
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dump_is_no_event),
        cmocka_unit_test(test_faults_of_the_first_table),
        cmocka_unit_test(test_scope_of_events),
        cmocka_unit_test(test_prefix_events),
        cmocka_unit_test(test_flaps),
        cmocka_unit_test(test_down_since),
        cmocka_unit_test(test_router_restart),
        cmocka_unit_test(test_session_restart),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_beyond),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_errors_keep_room),
        cmocka_unit_test(test_unknown_open),
        cmocka_unit_test(test_loc_rib),
        cmocka_unit_test(test_active_cannot_be_told),
        cmocka_unit_test(test_active_as_configured),
        cmocka_unit_test(test_active_by_rules),
        cmocka_unit_test(test_two_routers),
        cmocka_unit_test(test_rules_of_registered_prefixes),
        cmocka_unit_test(test_as_hops),
        cmocka_unit_test(test_no_router),
        cmocka_unit_test(test_expected_origins),
        cmocka_unit_test(test_summary),
        cmocka_unit_test(test_validator),
        cmocka_unit_test(test_origin_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
