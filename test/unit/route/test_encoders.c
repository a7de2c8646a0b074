/* What routers really send, and what RFC 7854, 9069, 8671, 9736, 8950 and 7606 let them send:
 * orders, flags, tables, several sessions, malformed contents. */
#include "router.h"

#include "otlp/names.h"
#include "route/rib_lookup.h"
#include "route/rib_show.h"

static const struct neighbour first = {0xc6336402, 65002, 0, 0}; /* 198.51.100.2 */
static const struct neighbour second = {0xc6336406, 65003, 0, 0};
static const struct neighbour loc = {0, 65001, 3, 0};

static struct bytes b;

static struct neighbour with(const struct neighbour *p, int flags)
{
    struct neighbour is = *p;
    is.flags = flags;
    return is;
}

static void announce(struct world *w, const struct neighbour *p, const char *prefix,
                     const char *path)
{
    struct announcement a = {.path = path, .next_hop = p->address};
    put_route(&b, p, prefix, &a, 0);
    feed_bytes(w, &b);
}

static void begin(struct world *w)
{
    world_begin(w);
    put_initiation(&b, "r1");
    feed_bytes(w, &b);
    take_events(w);
}

static void peer_up(struct world *w, const struct neighbour *p)
{
    put_peer_up(&b, p, 65001, false);
    feed_bytes(w, &b);
}

static void end_of_rib(struct world *w, const struct neighbour *p)
{
    size_t at = begin_message(&b, 0);
    put_peer(&b, p);
    size_t bgp = begin_bgp(&b, 2);
    put(&b, 4, 0);
    end_bgp(&b, bgp);
    end_message(&b, at);
    feed_bytes(w, &b);
}

/* One UPDATE with these attributes and these bytes of NLRI. */
static void put_update(const struct neighbour *p, const uint8_t *attributes, size_t n,
                       const uint8_t *nlri, size_t n_nlri)
{
    size_t at = begin_message(&b, 0);
    put_peer(&b, p);
    size_t bgp = begin_bgp(&b, 2);
    put(&b, 2, 0);
    put(&b, 2, n);
    for (size_t i = 0; i < n; i++)
        put(&b, 1, attributes[i]);
    for (size_t i = 0; i < n_nlri; i++)
        put(&b, 1, nlri[i]);
    end_bgp(&b, bgp);
    end_message(&b, at);
}

/* "PREFIX ROLE AS_PATH NEXT_HOP, ...", of the paths that are here. */
static const char *paths(const struct world *w)
{
    static char out[2048];
    char prefix[BGP_PREFIX_TEXT_MAX], as_path[BGP_PATH_TEXT_MAX], hop[ADDRESS_TEXT_MAX];
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < w->rib.n_prefixes; i++)
        for (size_t k = 0; k < w->rib.prefixes[i].n; k++) {
            const struct rib_prefix *p = &w->rib.prefixes[i];
            const struct rib_path *is = &p->paths[k];
            if (!rib_path_is_usable(&w->rib, p, is))
                continue;
            n += (size_t)snprintf(out + n, sizeof out - n, "%s%s %s%s via %s",
                                  n > 0 ? ", " : "", bgp_prefix_text(prefix, &p->prefix),
                                  rib_path_is_in_use(is) ? "" : "not ",
                                  bgp_path_text(as_path, is->path),
                                  endpoint_address(hop, &is->path->next_hop));
        }
    return out;
}

static const struct rib_peer *session(const struct world *w, size_t n)
{
    for (size_t i = 0; i < RIB_PEERS_MAX; i++)
        if (w->rib.peers[i].used && rib_is_session(&w->rib.peers[i]) && n-- == 0)
            return &w->rib.peers[i];
    CHECK(false, "a session");
    return NULL;
}

static size_t count_sessions(const struct world *w)
{
    size_t n = 0;
    for (size_t i = 0; i < RIB_PEERS_MAX; i++)
        n += w->rib.peers[i].used && rib_is_session(&w->rib.peers[i]);
    return n;
}

/* ---- the order of FRR 10, BIRD 2.20 and GoBGP ---- */

/* Loc-RIB Peer Up with OPENs of AS 0, Peer Down first, the own AS in front everywhere; a
 * route of its own twice. */
static void test_frr_10(void **state)
{
    (void)state;
    struct world w;
    struct neighbour post = with(&first, 0x40), own = {0, 65001, 0, 0};
    begin(&w);
    put_peer_up(&b, &loc, 0, false);
    put_peer_down(&b, &first, 2);
    feed_bytes(&w, &b);
    announce(&w, &first, "13.107.6.0/24", "65001 65002 8075");
    announce(&w, &post, "13.107.6.0/24", "65001 65002 8075");
    announce(&w, &loc, "13.107.6.0/24", "65001 65002 8075");
    announce(&w, &own, "203.0.112.0/23", "65001");
    own.flags = 0x40;
    announce(&w, &own, "203.0.112.0/23", "65001");
    peer_up(&w, &first);
    CHECK_TEXT("edgelat.bgp.session.established", take_events(&w), "no flap, no prefix");
    pass(&w, 7000);
    CHECK_INT(1, count_sessions(&w), "Loc-RIB and its own routes are no sessions");
    announce(&w, &post, "13.107.6.0/24", "65001 65002 8075");
    CHECK_TEXT("", take_events(&w), "the own AS is left out before and after Peer Up");
    CHECK(strstr(paths(&w), "13.107.6.0/24 65002 8075 via 198.51.100.2") != NULL,
          "the path: %s", paths(&w));
    world_end(&w);
}

/* Only the Loc-RIB is monitored: the own AS is known from the header alone. */
static void test_loc_rib_of_frr_10(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    put_peer_up(&b, &loc, 0, false);
    feed_bytes(&w, &b);
    announce(&w, &loc, "13.107.6.0/24", "65001 65002 8075");
    announce(&w, &loc, "52.96.0.0/14", "65002 8075"); /* as GoBGP has it */
    CHECK_TEXT(
        "13.107.6.0/24 65002 8075 via 0.0.0.0, 52.96.0.0/14 65002 8075 via 0.0.0.0",
        paths(&w), "without the own AS");
    world_end(&w);
}

/* End-of-RIB before the routes, path ids in both policies, sysName "Not defined". */
static void test_bird(void **state)
{
    (void)state;
    struct world w;
    struct neighbour post = with(&first, 0x40);
    struct announcement a = {
        .path = "65002 8075", .next_hop = first.address, .local_pref = 100};
    world_begin(&w);
    put_initiation(&b, "Not defined");
    put_peer_up(&b, &first, 65001, true);
    feed_bytes(&w, &b);
    end_of_rib(&w, &first);
    end_of_rib(&w, &post);
    put_route(&b, &first, "13.107.6.0/24", &a, 3);
    put_route(&b, &post, "13.107.6.0/24", &a, 3);
    feed_bytes(&w, &b);
    CHECK_TEXT("edgelat.bmp.router.connected edgelat.bgp.session.established",
               take_events(&w), "a table dump");
    CHECK_TEXT("203.0.113.1", w.rib.routers[0].name, "its address is its name");
    CHECK_TEXT("13.107.6.0/24 65002 8075 via 198.51.100.2", paths(&w), "one path");
    pass(&w, 7000);
    put_route(&b, &post, "13.107.6.0/24", NULL, 3);
    feed_bytes(&w, &b);
    CHECK_TEXT("PrefixWithdrawalEvent", take_events(&w), "withdrawn");
    world_end(&w);
}

/* Loc-RIB without a Peer Up; post-policy is withdrawn before Peer Down, pre-policy is not. */
static void test_gobgp(void **state)
{
    (void)state;
    struct world w;
    struct neighbour post = with(&first, 0x40);
    begin(&w);
    peer_up(&w, &first);
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    announce(&w, &post, "13.107.6.0/24", "65002 8075");
    announce(&w, &loc, "13.107.6.0/24", "65002 8075");
    pass(&w, 7000);
    take_events(&w);
    put_route(&b, &post, "13.107.6.0/24", NULL, 0);
    put_route(&b, &loc, "13.107.6.0/24", NULL, 0);
    put_peer_down(&b, &first, 3);
    feed_bytes(&w, &b);
    CHECK_TEXT("PrefixWithdrawalEvent edgelat.bgp.session.lost", take_events(&w),
               "withdrawn once");
    world_end(&w);
}

/* ---- policies and tables ---- */

static void test_policy_of_each_family(void **state)
{
    (void)state;
    struct world w;
    struct neighbour post = with(&first, 0x40);
    /* 2603:1006::/40 in MP_REACH */
    static const uint8_t ipv6[] = {
        0x40, 1,    1,  0,  0x40, 2, 10, 2,  2,    0,    0,    0xfd, 0xea, 0,    0, 0x1f,
        0x8b, 0x80, 14, 27, 0,    2, 1,  16, 0x20, 0x01, 0x0d, 0xb8, 0,    0,    0, 0,
        0,    0,    0,  0,  0,    0, 0,  2,  0,    40,   0x26, 0x03, 0x10, 0x06, 0};
    begin(&w);
    peer_up(&w, &first);
    announce(&w, &post, "13.107.6.0/24", "65002 8075"); /* IPv4 only after the policy */
    put_update(&first, ipv6, sizeof ipv6, NULL, 0);     /* IPv6 only before it */
    feed_bytes(&w, &b);
    CHECK_TEXT("13.107.6.0/24 65002 8075 via 198.51.100.2, "
               "2603:1006::/40 65002 8075 via 2001:db8::2",
               paths(&w), "both count");
    world_end(&w);
}

/* Pre-policy routes that the policy refused are known only after the post-policy table. */
static void test_refused_by_policy(void **state)
{
    (void)state;
    struct world w;
    struct neighbour post = with(&first, 0x40);
    begin(&w);
    peer_up(&w, &first);
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    announce(&w, &first, "52.96.0.0/14", "65002 666");
    announce(&w, &post, "13.107.6.0/24", "65002 8075");
    pass(&w, 7000);
    CHECK_TEXT("13.107.6.0/24 65002 8075 via 198.51.100.2", paths(&w),
               "only the accepted");
    CHECK_TEXT("edgelat.bgp.session.established", take_events(&w), "without an event");
    world_end(&w);
    begin(&w); /* all are refused: there is only the End-of-RIB */
    peer_up(&w, &second);
    announce(&w, &second, "52.96.0.0/14", "65003 666");
    struct neighbour second_post = with(&second, 0x40);
    end_of_rib(&w, &second_post);
    pass(&w, 7000);
    CHECK_TEXT("", paths(&w), "nothing was accepted");
    CHECK(!rib_has_problems(&w.rib), "and nothing is wrong");
    world_end(&w);
}

/* Loc-RIB counts as long as nothing else of the family is monitored. */
static void test_loc_rib_first(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    announce(&w, &loc, "13.107.6.0/24", "65002 8075");
    announce(&w, &loc, "52.96.0.0/14", "65002 8075");
    CHECK(strstr(paths(&w), "13.107.6.0/24 65002 8075") != NULL, "it counts");
    peer_up(&w, &first);
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    CHECK_TEXT("13.107.6.0/24 65002 8075 via 198.51.100.2", paths(&w), "no more");
    CHECK(rib_prefix_path(&w.rib, &w.rib.prefixes[1]) == NULL, "of no prefix");
    CHECK(!rib_has_problems(&w.rib), "and nothing is withdrawn by that");
    world_end(&w);
}

/* The same neighbour in two VRFs, and each VRF's Loc-RIB. */
static void test_vrfs(void **state)
{
    (void)state;
    struct world w;
    struct self_value *values = calloc(RIB_VALUES_MAX, sizeof *values);
    char vrf[RIB_VRF_TEXT_MAX];
    struct neighbour red = {0xc6336402, 65002, 1, 0, 0x0000fde900000064, NULL};
    struct neighbour blue = {0xc6336402, 65002, 1, 0, 0x0001c00002010007, NULL};
    struct neighbour green = {0xc6336402, 65002, 1, 0, 0x0002000100000007, NULL};
    begin(&w);
    peer_up(&w, &red);
    peer_up(&w, &blue);
    peer_up(&w, &green);
    CHECK_INT(3, count_sessions(&w), "a session in each");
    CHECK_TEXT("65001:100", rib_vrf(vrf, session(&w, 0)), "RD of type 0");
    CHECK_TEXT("192.0.2.1:7", rib_vrf(vrf, session(&w, 1)), "of type 1");
    CHECK_TEXT("65536:7", rib_vrf(vrf, session(&w, 2)), "of type 2");
    put_peer_down(&b, &blue, 1);
    feed_bytes(&w, &b);
    CHECK_INT(SESSION_UP, session(&w, 0)->state, "only the other one is down");
    struct neighbour loc_blue = {0, 65001, 3, 0, blue.distinguisher, NULL};
    announce(&w, &loc_blue, "52.96.0.0/14", "65002 8075");
    CHECK(strstr(paths(&w), "52.96.0.0/14") != NULL,
          "Loc-RIB of a VRF without Adj-RIB-In");
    size_t n = rib_window(&w.rib, false, w.now, values), rows = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < values[i].n_labels; k++)
            rows += strcmp(values[i].name, METRIC_BGP_UP) == 0 &&
                    strcmp(values[i].labels[k].name, ATTR_BGP_VRF) == 0;
    CHECK_INT(3, rows, "metrics name the VRF");
    free(values);
    world_end(&w);
}

static void test_peer_types(void **state)
{
    (void)state;
    struct world w;
    struct neighbour unknown = {0xc6336409, 65009, 4, 0};
    struct neighbour local = {0xc633640a, 65010, 2, 0, 7, NULL};
    char vrf[RIB_VRF_TEXT_MAX];
    begin(&w);
    peer_up(&w, &unknown);
    CHECK_INT(0, count_sessions(&w), "an unknown type is ignored");
    peer_up(&w, &local);
    CHECK_INT(1, count_sessions(&w), "a local instance");
    CHECK_TEXT("7", rib_vrf(vrf, session(&w, 0)), "its number");
    world_end(&w);
}

/* ---- addresses and AS numbers of the header ---- */

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *ipv6;
        int flags;
        const char *expected;
    } cases[] = {
        {"2001:db8::2", 0x80, "2001:db8::2"},
        {"2001:db8::2", 0, "2001:db8::2"}, /* V is of the transport */
        {"::ffff:198.51.100.2", 0x80, "198.51.100.2"},
        {"fe80::1", 0x80, "fe80::1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        char text[ADDRESS_TEXT_MAX];
        struct neighbour p = {0, 65002, 0, cases[i].flags, 0, cases[i].ipv6};
        begin(&w);
        peer_up(&w, &p);
        CHECK_TEXT(cases[i].expected, endpoint_address(text, &session(&w, 0)->address),
                   cases[i].ipv6);
        world_end(&w);
    }
}

/* AS_TRANS in the header; another local AS for one peer. */
static void test_as_numbers(void **state)
{
    (void)state;
    struct world w;
    struct neighbour trans = {0xc6336402, 4200000002, 0, 0}, in_header = trans;
    in_header.as = 23456;
    begin(&w);
    size_t at = begin_message(&b, 3);
    put_peer(&b, &in_header);
    for (int i = 0; i < 20; i++)
        put(&b, 1, 0);
    put_open(&b, 65100, false, NULL);
    put_open(&b, trans.as, false, NULL);
    end_message(&b, at);
    feed_bytes(&w, &b);
    CHECK_INT(4200000002, session(&w, 0)->as, "of the OPEN");
    peer_up(&w, &second); /* with 65001 */
    announce(&w, &in_header, "13.107.6.0/24", "65100 4200000002 8075");
    announce(&w, &second, "13.107.6.0/24", "65001 65003 8075");
    CHECK_TEXT("13.107.6.0/24 4200000002 8075 via 198.51.100.2, "
               "13.107.6.0/24 not 65003 8075 via 198.51.100.6",
               paths(&w), "without the local AS of each");
    world_end(&w);
}

/* ---- Peer Up and Down ---- */

static void test_down_reasons(void **state)
{
    (void)state;
    static const struct {
        int reason;
        const char *events, *text;
    } cases[] = {
        {1, "edgelat.bgp.session.lost PrefixWithdrawalEvent",
         "closed with a notification by this router;"},
        {2, "edgelat.bgp.session.lost PrefixWithdrawalEvent", "closed by this router;"},
        {3, "edgelat.bgp.session.lost PrefixWithdrawalEvent",
         "closed with a notification by the peer;"},
        {4, "edgelat.bgp.session.lost PrefixWithdrawalEvent", "closed by the peer;"},
        {5, "edgelat.bgp.session.unmonitored", "no longer reports its BGP session"},
        {6, "edgelat.bgp.session.lost PrefixWithdrawalEvent", "local instance down"},
        {0, "edgelat.bgp.session.lost PrefixWithdrawalEvent", "no reason given"},
        {77, "edgelat.bgp.session.lost PrefixWithdrawalEvent", "no reason given"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        begin(&w);
        peer_up(&w, &first);
        announce(&w, &first, "13.107.6.0/24", "65002 8075");
        pass(&w, 7000);
        take_events(&w);
        put_peer_down(&b, &first, cases[i].reason);
        feed_bytes(&w, &b);
        CHECK(strstr(w.rib.events.list[0].text, cases[i].text) != NULL, "reason %d: %s",
              cases[i].reason, w.rib.events.list[0].text);
        CHECK_TEXT(cases[i].events, take_events(&w), cases[i].text);
        CHECK_INT(cases[i].reason != 5, count_sessions(&w), "forgotten if unmonitored");
        CHECK(rib_has_problems(&w.rib) == (cases[i].reason != 5), "a problem");
        world_end(&w);
    }
}

#define MARKER "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377"

/* Bytes as FRR 8.4 has sent them, or by the RFC. */
static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        int reason;
        const char *data;
        size_t n;
        const char *text;
    } cases[] = {
        {3, MARKER "\0\052\3\6\2\024maintenance window 7", 42,
         "administratively shut down by the peer: maintenance window 7"},
        {1, MARKER "\0\025\3\6\2", 21, "administratively shut down by this router"},
        {1, MARKER "\0\025\3\4\0", 21, "hold timer expired, reported by this router"},
        {3, "\4\0", 2, "hold timer expired, reported by the peer"},
        {3, MARKER "\0\025\3\2\2", 21, "OPEN message error (2), reported by the peer"},
        {3, MARKER "\0\025\3\6\1", 21, "closed for too many prefixes by the peer"},
        {3, MARKER "\0\031\3\6\11\6\4\1x", 25, "administratively reset by the peer: x"},
        {3, MARKER "\0\031\3\6\2\3a\33b", 25,
         "administratively shut down by the peer: a?b"},
        {3, MARKER "\0\027\3\6\2\310a", 23, "administratively shut down by the peer"},
        {3, MARKER "\0\025\3\6\143", 21, "closed (99) by the peer"},
        {3, "\143\1", 2, "closed with a notification by the peer"},
        {2, "\0\12", 2, "hold timer expired"},
        {2, "\0\22", 2, "the TCP connection failed"},
        {2, "", 0, "closed by this router"},
        {4, "", 0, "closed by the peer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        begin(&w);
        peer_up(&w, &first);
        put_peer_down_with(&b, &first, cases[i].reason, cases[i].data, cases[i].n);
        feed_bytes(&w, &b);
        CHECK_TEXT(cases[i].text, session(&w, 0)->reason, "the reason");
        world_end(&w);
    }
}

/* RFC 4724: the peer names a family that it may keep forwarding; a helper names none. */
static void test_graceful_restart(void **state)
{
    (void)state;
    static const struct {
        const char *gr;
        int reason;
        bool expected;
    } cases[] = {
        {"4006007800010180", 4, true},
        {"4006007800010180", 2, true},
        {"4006007800010180", 3, false},
        {"40020078", 4, false},
        {NULL, 4, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        struct neighbour peer = first;
        peer.gr = cases[i].gr;
        begin(&w);
        peer_up(&w, &peer);
        take_events(&w);
        put_peer_down(&b, &peer, cases[i].reason);
        feed_bytes(&w, &b);
        CHECK((strstr(w.rib.events.list[0].text,
                      "; the router may keep forwarding (graceful restart)") != NULL) ==
                  cases[i].expected,
              "%zu: %s", i, w.rib.events.list[0].text);
        world_end(&w);
    }
}

/* The session may be older than the BMP session; a wrong time is not taken. */
static void test_up_since(void **state)
{
    (void)state;
    struct world w;
    struct neighbour peer = first;
    begin(&w);
    int64_t now = w.now.wall.ns;
    peer.time = (uint32_t)(now / NS_PER_S) - 300;
    peer_up(&w, &peer);
    CHECK_INT(peer.time * NS_PER_S, session(&w, 0)->since.ns,
              "before the router connected");
    put_peer_down(&b, &peer, 4);
    feed_bytes(&w, &b);
    peer_up(&w, &peer);
    CHECK(session(&w, 0)->since.ns >= now, "FRR 8: of the boot");
    world_end(&w);
    begin(&w);
    peer_up(&w, &first);
    CHECK(session(&w, 0)->since.ns < w.now.wall.ns, "not in the future");
    world_end(&w);
}

static void put_peer_up_of(const struct neighbour *p, const uint8_t *rest, size_t n)
{
    size_t at = begin_message(&b, 3);
    put_peer(&b, p);
    for (int i = 0; i < 20; i++)
        put(&b, 1, 0);
    for (size_t i = 0; i < n; i++)
        put(&b, 1, rest[i]);
    end_message(&b, at);
}

/* A Peer Up counts, whatever its OPENs and TLVs are. */
static void test_peer_up_contents(void **state)
{
    (void)state;
    struct world w;
    static const uint8_t version_5[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                        255, 255, 255, 255, 255, 255, 0,   29,  1,   5,
                                        0,   0,   0,   0,   0,   0,   0,   0,   0};
    begin(&w);
    put_peer_up_of(&first, NULL, 0);
    feed_bytes(&w, &b);
    CHECK_INT(SESSION_UP, session(&w, 0)->state, "without OPENs");
    put_peer_down(&b, &first, 4);
    put_peer_up_of(&first, version_5, sizeof version_5);
    feed_bytes(&w, &b);
    CHECK_INT(SESSION_UP, session(&w, 0)->state, "with an odd OPEN, and none");
    put_peer_down(&b, &first, 4);
    put_peer_up(&b, &first, 65001, false);
    size_t length = b.n; /* behind it: an unknown TLV, a table name, a TLV that is cut */
    static const uint8_t tlvs[] = {0xab, 0xcd, 0,   1,   9, 0, 3, 0,
                                   3,    'r',  'e', 'd', 0, 0, 0, 9};
    for (size_t i = 0; i < sizeof tlvs; i++)
        put(&b, 1, tlvs[i]);
    for (size_t at = 0; at < length;) { /* the last message is the Peer Up */
        size_t len = (size_t)b.at[at + 1] << 24 | (size_t)b.at[at + 2] << 16 |
                     (size_t)b.at[at + 3] << 8 | b.at[at + 4];
        if (at + len == length)
            put_length(&b, at + 1, 4, len + sizeof tlvs);
        at += len;
    }
    feed_bytes(&w, &b);
    CHECK_INT(SESSION_UP, session(&w, 0)->state, "with TLVs");
    CHECK_TEXT("red", session(&w, 0)->name, "the table's name");
    CHECK_INT(0, w.feed.bad, "none of it is malformed");
    world_end(&w);
}

/* ---- UPDATEs ---- */

/* Contents that are malformed end no session; attributes that are withdraw (RFC 7606). */
static void test_malformed(void **state)
{
    (void)state;
    struct world w;
    static const uint8_t communities_of_3[] = {0x40, 2, 0, 0xc0, 8, 3, 1, 2, 3},
                         cut[] = {0x40, 2, 200, 2}, nlri[] = {24, 13, 107, 6},
                         long_nlri[] = {33, 13, 107, 6, 1};
    begin(&w);
    peer_up(&w, &first);
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    pass(&w, 7000);
    take_events(&w);
    put_update(&first, cut, sizeof cut, nlri, sizeof nlri);
    put_update(&first, NULL, 0, long_nlri, sizeof long_nlri);
    feed_bytes(&w, &b);
    CHECK_INT(2, w.rib.routers[0].bad_messages, "counted");
    CHECK_TEXT("", take_events(&w), "and ignored");
    put_update(&first, communities_of_3, sizeof communities_of_3, nlri, sizeof nlri);
    feed_bytes(&w, &b);
    CHECK_TEXT("PrefixWithdrawalEvent", take_events(&w), "treated as withdrawn");
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    CHECK_TEXT("PrefixAnnouncementEvent", take_events(&w), "the session goes on");
    size_t at = begin_message(&b, 0); /* half of a per-peer header */
    put(&b, 8, 0);
    end_message(&b, at);
    at = begin_message(&b, 0); /* a BGP message whose length is wrong */
    put_peer(&b, &first);
    size_t bgp = begin_bgp(&b, 2);
    put_length(&b, bgp + 16, 2, 4000);
    end_message(&b, at);
    feed_bytes(&w, &b);
    CHECK_INT(5, w.rib.routers[0].bad_messages, "counted");
    world_end(&w);
}

/* A prefix that an UPDATE withdraws and announces is not withdrawn (RFC 4271, section 4.3),
 * in the fields of IPv4 and in those of RFC 4760. */
static void test_withdrawn_and_announced(void **state)
{
    (void)state;
    struct world w;
    struct announcement a = {.path = "65002 8075", .next_hop = first.address};
    begin(&w);
    peer_up(&w, &first);
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    announce(&w, &first, "52.96.0.0/14", "65002 8075");
    pass(&w, 7000);
    take_events(&w);
    for (int mp = 0; mp < 2; mp++) {
        size_t at = begin_message(&b, 0);
        put_peer(&b, &first);
        size_t bgp = begin_bgp(&b, 2), withdrawn = b.n;
        put(&b, 2, 0);
        if (mp == 0) {
            put_prefix(&b, "52.96.0.0/14");
            put_prefix(&b, "13.107.6.0/24");
        }
        put_length(&b, withdrawn, 2, b.n - withdrawn - 2);
        size_t attributes = b.n;
        put(&b, 2, 0);
        put_attributes(&b, &a);
        if (mp == 1) {
            put(&b, 6, 0x800f0a000101); /* MP_UNREACH_NLRI, 10 bytes, IPv4 unicast */
            put_prefix(&b, "52.96.0.0/14");
            put_prefix(&b, "13.107.6.0/24");
        }
        put_length(&b, attributes, 2, b.n - attributes - 2);
        put_prefix(&b, "13.107.6.0/24");
        end_bgp(&b, bgp);
        end_message(&b, at);
        feed_bytes(&w, &b);
        CHECK_TEXT("PrefixWithdrawalEvent", take_events(&w),
                   mp == 0 ? "of the other one" : "of the other one, by MP_UNREACH_NLRI");
        announce(&w, &first, "52.96.0.0/14", "65002 8075");
        take_events(&w);
    }
    world_end(&w);
}

/* IPv4 prefixes with an IPv4, an IPv6, a VRF's and no next hop in MP_REACH (RFC 8950). */
static void test_next_hops(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        const char *expected;
    } cases[] = {
        {4, "32.1.13.184"}, /* the first bytes of it */
        {16, "2001:db8::2"}, {32, "2001:db8::2"}, {24, "2001:db8::2"},
        {48, "2001:db8::2"}, {12, "32.1.13.184"}, {0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world w;
        uint8_t attributes[96] = {0x40, 2, 6, 2, 1, 0, 0, 0x1f, 0x8b, 0x80, 14};
        static const uint8_t hop[16] = {0x20, 1, 0x0d, 0xb8, [15] = 2};
        size_t n = 11, rd = cases[i].len % 16 == 8 || cases[i].len == 12 ? 8 : 0;
        rd = cases[i].len == 48 ? 8 : rd;
        attributes[n++] = (uint8_t)(5 + cases[i].len + 4);
        attributes[n + 1] = attributes[n + 2] = 1; /* IPv4 unicast */
        n += 3;
        attributes[n++] = (uint8_t)cases[i].len;
        memcpy(attributes + n + rd, hop, cases[i].len < 16 ? cases[i].len - rd : 16);
        n += cases[i].len + 1;
        static const uint8_t nlri[] = {24, 13, 107, 6};
        memcpy(attributes + n, nlri, 4);
        begin(&w);
        peer_up(&w, &first);
        put_update(&first, attributes, n + 4, NULL, 0);
        feed_bytes(&w, &b);
        char text[ADDRESS_TEXT_MAX];
        CHECK(w.rib.n_prefixes == 1, "a prefix, next hop of %zu bytes", cases[i].len);
        CHECK_TEXT(cases[i].expected,
                   endpoint_address(text, &w.rib.prefixes[0].paths[0].path->next_hop),
                   "its next hop");
        world_end(&w);
    }
}

/* An extended message (RFC 8654) with 5,000 prefixes, in pieces; several BGP messages in one
 * Route Monitoring, one of them no UPDATE; zeros in place of the marker. */
static void test_long_and_several(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    peer_up(&w, &first);
    size_t at = begin_message(&b, 0);
    put_peer(&b, &first);
    size_t bgp = begin_bgp(&b, 2);
    put(&b, 2, 0);
    put(&b, 2, 13);
    put(&b, 7, 0x40020a02020000);
    put(&b, 6, 0xfdea00001f8b);
    for (uint32_t i = 0; i < 5000; i++)
        put(&b, 4, 24u << 24 | ((100u << 16) + i)); /* 100.x.y.0/24: not watched */
    put(&b, 4, 24u << 24 | 13u << 16 | 107u << 8 | 6u);
    end_bgp(&b, bgp);
    bgp = begin_bgp(&b, 5); /* ROUTE-REFRESH */
    put(&b, 4, 0x00010001);
    end_bgp(&b, bgp);
    bgp = begin_bgp(&b, 2);
    memset(b.at + bgp, 0, 16);
    put(&b, 2, 0);
    put(&b, 2, 13);
    put(&b, 7, 0x40020a02020000);
    put(&b, 6, 0xfdea00001f8b);
    put(&b, 3, 0x0e3460); /* 52.96.0.0/14 */
    end_bgp(&b, bgp);
    end_message(&b, at);
    for (size_t from = 0, end = 0; end < b.n;) {
        end = b.n - end < 999 ? b.n : end + 999;
        ssize_t used = feed_take(&w.feed, b.at + from, end - from, w.now);
        CHECK(used >= 0, "in pieces");
        from += (size_t)used;
    }
    b.n = 0;
    CHECK_INT(5002, w.rib.peers[0].announced, "all are counted");
    CHECK_INT(2, w.rib.n_prefixes, "those that are watched are kept");
    world_end(&w);
}

/* ---- other messages ---- */

static void test_statistics(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    peer_up(&w, &first);
    size_t at = begin_message(&b, 1);
    put_peer(&b, &first);
    put(&b, 4, 9); /* more than there are */
    put(&b, 4, 0xfffb0003);
    put(&b, 3, 0); /* FRR's own type */
    put(&b, 4, 0x0009000b);
    put(&b, 3, 0x000101);
    put(&b, 8, 900000);
    put(&b, 4, 0x0009000b);
    put(&b, 3, 0x000201);
    put(&b, 8, 200000);
    put(&b, 4, 0x0009000b);
    put(&b, 3, 0x000180); /* VPN */
    put(&b, 8, 5);
    put(&b, 4, 0x000b0004);
    put(&b, 4, 7);          /* withdrawals that GoBGP counts as errors */
    put(&b, 4, 0x00070008); /* cut */
    end_message(&b, at);
    feed_bytes(&w, &b);
    CHECK_INT(1100000, session(&w, 0)->adj_rib_in, "unicast of both families");
    CHECK_INT(0, w.feed.bad, "no fault");
    at = begin_message(&b, 1);
    put_peer(&b, &first);
    put(&b, 4, 2);
    put(&b, 4, 0x0009000b);
    put(&b, 3, 0x000101);
    put(&b, 8, 900000);
    put(&b, 4, 0x00070008);
    put(&b, 8, 1234567);
    end_message(&b, at);
    feed_bytes(&w, &b);
    CHECK_INT(1234567, session(&w, 0)->adj_rib_in, "the total, if there is one");
    world_end(&w);
}

static void test_other_messages(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    peer_up(&w, &first);
    size_t at = begin_message(&b, 6); /* Route Mirroring: an UPDATE, and lost messages */
    put_peer(&b, &first);
    put(&b, 8, 0);
    end_message(&b, at);
    at = begin_message(&b, 200);
    put(&b, 8, 0);
    end_message(&b, at);
    at = begin_message(&b, 200);
    end_message(&b, at);
    at = begin_message(&b, 5); /* Termination */
    put(&b, 6, 0x000100020001);
    end_message(&b, at);
    feed_bytes(&w, &b);
    CHECK(w.feed.ended && w.feed.bad == 0, "taken");
    CHECK_INT(SESSION_UP, session(&w, 0)->state, "nothing changed");
    world_end(&w);
}

/* ---- several BMP sessions of a router ---- */

static struct feed other_feed(struct world *w)
{
    return feed_of(&w->rib, &w->feed.address);
}

static void take(struct world *w, struct feed *f)
{
    CHECK_INT(b.n, feed_take(f, b.at, b.n, w->now), "all is taken");
    b.n = 0;
    w->now.mono.ns += NS_PER_MS;
    w->now.wall.ns += NS_PER_MS;
}

/* FRR has one for each VRF. */
static void test_session_for_each_vrf(void **state)
{
    (void)state;
    struct world w;
    struct neighbour red = {0xc6336406, 65003, 1, 0, 0x0000fde900000064, NULL};
    begin(&w);
    peer_up(&w, &first);
    struct feed f = other_feed(&w);
    put_initiation(&b, "r1");
    put_peer_up(&b, &red, 65001, false);
    take(&w, &f);
    CHECK_TEXT("edgelat.bgp.session.established edgelat.bgp.session.established",
               take_events(&w), "the router is connected once");
    CHECK(!feed_is_replaced(&w.feed) && !feed_is_replaced(&f), "both stay");
    feed_end(&f, "closed by the router", w.now);
    CHECK_TEXT("edgelat.bmp.router.lost", take_events(&w), "one of two");
    CHECK(w.rib.routers[0].connected, "the router is still there");
    CHECK_INT(SESSION_UP, session(&w, 0)->state, "of the first session");
    CHECK_INT(SESSION_UNKNOWN, session(&w, 1)->state, "of the second");
    pass(&w, 120000);
    CHECK_INT(2, count_sessions(&w), "not forgotten while it may come back");
    CHECK(!feed_is_replaced(&w.feed), "stays");
    world_end(&w);
}

/* A router that comes back before its old session is known to be dead. */
static void test_half_open(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    peer_up(&w, &first);
    announce(&w, &first, "13.107.6.0/24", "65002 8075");
    pass(&w, 7000);
    take_events(&w);
    struct feed f = other_feed(&w);
    put_initiation(&b, "r1");
    put_peer_up(&b, &first, 65001, false);
    take(&w, &f);
    struct announcement a = {.path = "65002 8075", .next_hop = first.address};
    put_route(&b, &first, "13.107.6.0/24", &a, 0);
    take(&w, &f);
    pass(&w, 7000);
    put_route(&b, &first, "13.107.6.0/24", NULL,
              0); /* the old one is not heard any more */
    take(&w, &w.feed);
    feed_end(&w.feed, "the router no longer answers", w.now);
    CHECK_TEXT("", take_events(&w), "nothing has changed");
    CHECK_INT(SESSION_UP, session(&w, 0)->state, "up");
    CHECK_TEXT("13.107.6.0/24 65002 8075 via 198.51.100.2", paths(&w), "announced");
    CHECK(!feed_is_replaced(&f), "the new one stays");
    world_end(&w);
}

/* Two that report the same: when the newer one ends, the older one must begin again. */
static void test_two_of_the_same(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    peer_up(&w, &first);
    struct feed f = other_feed(&w);
    put_initiation(&b, "r1");
    put_peer_up(&b, &first, 65001, false);
    take(&w, &f);
    CHECK(!feed_is_replaced(&w.feed), "both stay");
    feed_end(&f, "closed by the router", w.now);
    CHECK(feed_is_replaced(&w.feed), "the older one is to be closed");
    feed_end(&w.feed, "replaced", w.now);
    CHECK(!w.rib.routers[0].connected, "none is left");
    struct feed again = other_feed(&w);
    put_initiation(&b, "r1");
    put_peer_up(&b, &first, 65001, false);
    take(&w, &again);
    CHECK(!feed_is_replaced(&again), "the next one stays");
    CHECK_INT(0, session(&w, 0)->flaps, "no flap");
    world_end(&w);
}

/* A router with another name takes the place of its former self. */
static void test_renamed(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    feed_end(&w.feed, "closed by the router", w.now);
    struct feed f = other_feed(&w), behind = other_feed(&w);
    put_initiation(&b, "r1-new");
    take(&w, &f);
    CHECK(!rib_has_problems(&w.rib), "the former name is not lost for ever");
    put_initiation(&b, "r2"); /* another one behind the same address */
    take(&w, &behind);
    CHECK(w.rib.routers[0].connected && w.rib.routers[1].connected, "both are connected");
    feed_end(&behind, "closed by the router", w.now);
    CHECK(rib_has_problems(&w.rib), "it is missed");
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frr_10),
        cmocka_unit_test(test_bird),
        cmocka_unit_test(test_gobgp),
        cmocka_unit_test(test_policy_of_each_family),
        cmocka_unit_test(test_refused_by_policy),
        cmocka_unit_test(test_loc_rib_first),
        cmocka_unit_test(test_vrfs),
        cmocka_unit_test(test_peer_types),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_as_numbers),
        cmocka_unit_test(test_down_reasons),
        cmocka_unit_test(test_peer_up_contents),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_withdrawn_and_announced),
        cmocka_unit_test(test_loc_rib_of_frr_10),
        cmocka_unit_test(test_next_hops),
        cmocka_unit_test(test_long_and_several),
        cmocka_unit_test(test_statistics),
        cmocka_unit_test(test_other_messages),
        cmocka_unit_test(test_session_for_each_vrf),
        cmocka_unit_test(test_half_open),
        cmocka_unit_test(test_two_of_the_same),
        cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_graceful_restart),
        cmocka_unit_test(test_up_since),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
