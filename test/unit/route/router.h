/* A router in a test: writes BMP messages byte by byte as RFC 7854 and RFC 4271 have them,
 * without the code under test, and feeds them to a RIB. */
#ifndef EDGELAT_TEST_ROUTER_H
#define EDGELAT_TEST_ROUTER_H

#include "route/feed.h"

#include "check.h"

struct bytes {
    uint8_t at[70000];
    size_t n;
};

static inline void put(struct bytes *b, size_t len, uint64_t value)
{
    for (size_t i = 0; i < len; i++)
        b->at[b->n++] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static inline void put_length(struct bytes *b, size_t at, size_t len, size_t value)
{
    for (size_t i = 0; i < len; i++)
        b->at[at + i] = (uint8_t)(value >> 8 * (len - 1 - i));
}

static inline size_t begin_message(struct bytes *b, int type)
{
    size_t at = b->n;
    put(b, 1, 3);
    put(b, 4, 0);
    put(b, 1, (uint64_t)type);
    return at;
}

static inline void end_message(struct bytes *b, size_t at)
{
    put_length(b, at + 1, 4, b->n - at);
}

static inline size_t begin_bgp(struct bytes *b, int type)
{
    size_t at = b->n;
    put(b, 8, UINT64_MAX);
    put(b, 8, UINT64_MAX);
    put(b, 2, 0);
    put(b, 1, (uint64_t)type);
    return at;
}

static inline void end_bgp(struct bytes *b, size_t at)
{
    put_length(b, at + 16, 2, b->n - at);
}

struct neighbour { /* a BGP peer of the router */
    uint32_t address, as;
    int type, flags;
    uint64_t distinguisher;
    const char *ipv6; /* its address, in place of the other */
    uint32_t ports;   /* local and remote port of the session */
    uint32_t time;    /* of the header, in seconds; 0: a wrong one */
    const char *gr;   /* bytes of the capability of graceful restart in both OPENs */
};

static inline void put_address(struct bytes *b, const struct neighbour *p)
{
    struct endpoint e = {.family = FAMILY_NONE};
    if (p->ipv6 != NULL)
        CHECK(endpoint_parse(&e, p->ipv6, 0), "%s", p->ipv6);
    for (size_t i = 0; i < 16; i++)
        put(b, 1, e.bytes[i]);
    if (p->ipv6 == NULL)
        put_length(b, b->n - 4, 4, p->address);
}

static inline void put_peer(struct bytes *b, const struct neighbour *p)
{
    put(b, 1, (uint64_t)p->type);
    put(b, 1, (uint64_t)p->flags);
    put(b, 8, p->distinguisher);
    put_address(b, p);
    put(b, 4, p->as);
    put(b, 4, p->address);
    put(b, 4, p->time != 0 ? p->time : 0x12345678);
    put(b, 4, 0);
}

static inline void put_open(struct bytes *b, uint32_t as, bool add_path, const char *gr)
{
    size_t at = begin_bgp(b, 1), more = gr != NULL ? strlen(gr) / 2 : 0;
    size_t size = (add_path ? 14 : 8) + more;
    if (as == 0) { /* FRR's, where it has not kept the OPEN */
        end_bgp(b, at);
        return;
    }
    put(b, 1, 4);
    put(b, 2, as > 65535 ? 23456 : as);
    put(b, 2, 90);
    put(b, 4, 0xc0000201);
    put(b, 1, size);
    put(b, 1, 2);
    put(b, 1, size - 2);
    put(b, 2, 65 << 8 | 4);
    put(b, 4, as);
    if (add_path)
        put(b, 6, UINT64_C(69) << 40 | UINT64_C(4) << 32 | 0x00010103);
    for (size_t i = 0; i < more; i++)
        put(b, 1, strtoul((char[]){gr[2 * i], gr[2 * i + 1], 0}, NULL, 16));
    end_bgp(b, at);
}

static inline void put_initiation(struct bytes *b, const char *name)
{
    size_t at = begin_message(b, 4);
    put(b, 2, 2);
    put(b, 2, strlen(name));
    while (*name != '\0')
        put(b, 1, (uint8_t)*name++);
    end_message(b, at);
}

static inline void put_peer_up(struct bytes *b, const struct neighbour *p,
                               uint32_t local_as, bool add_path)
{
    size_t at = begin_message(b, 3);
    put_peer(b, p);
    for (int i = 0; i < 16; i++)
        put(b, 1, 0);
    put(b, 4, p->ports);
    put_open(b, local_as, add_path, p->gr);
    put_open(b, p->as, add_path, p->gr);
    end_message(b, at);
}

static inline void put_peer_down_with(struct bytes *b, const struct neighbour *p,
                                      int reason, const char *data, size_t n)
{
    size_t at = begin_message(b, 2);
    put_peer(b, p);
    put(b, 1, (uint64_t)reason);
    for (size_t i = 0; i < n; i++)
        put(b, 1, (uint8_t)data[i]);
    end_message(b, at);
}

static inline void put_peer_down(struct bytes *b, const struct neighbour *p, int reason)
{
    put_peer_down_with(b, p, reason, "\0", 2);
}

struct announcement {
    const char *path; /* "65002 8075" */
    uint32_t next_hop, local_pref, community;
};

static inline void put_attributes(struct bytes *b, const struct announcement *a)
{
    put(b, 4, 0x40010100); /* ORIGIN IGP */
    size_t at = b->n;
    put(b, 3, 0x400200);
    size_t segment = b->n, n = 0;
    for (const char *p = a->path; *p != '\0';) {
        char *end;
        if (n++ == 0)
            put(b, 2, 0x0200);
        put(b, 4, strtoul(p, &end, 10));
        p = end + strspn(end, " ");
    }
    b->at[at + 2] = (uint8_t)(b->n - segment);
    if (n > 0)
        b->at[segment + 1] = (uint8_t)n;
    put(b, 3, 0x400304);
    put(b, 4, a->next_hop);
    if (a->local_pref > 0) {
        put(b, 3, 0x400504);
        put(b, 4, a->local_pref);
    }
    if (a->community > 0) {
        put(b, 3, 0xc00804);
        put(b, 4, a->community);
    }
}

static inline void put_prefix(struct bytes *b, const char *text)
{
    struct endpoint e;
    char address[ADDRESS_TEXT_MAX];
    const char *slash = strchr(text, '/');
    snprintf(address, sizeof address, "%.*s", (int)(slash - text), text);
    CHECK(endpoint_parse(&e, address, 0), "%s is an address", address);
    int bits = atoi(slash + 1);
    put(b, 1, (uint64_t)bits);
    for (int i = 0; i < (bits + 7) / 8; i++)
        put(b, 1, e.bytes[i]);
}

/* `a` NULL: a withdrawal. `id` 0: without path ids. */
static inline void put_route(struct bytes *b, const struct neighbour *p,
                             const char *prefix, const struct announcement *a,
                             uint32_t id)
{
    size_t at = begin_message(b, 0);
    put_peer(b, p);
    size_t bgp = begin_bgp(b, 2), withdrawn = b->n;
    put(b, 2, 0);
    if (a == NULL) {
        if (id > 0)
            put(b, 4, id);
        put_prefix(b, prefix);
        put_length(b, withdrawn, 2, b->n - withdrawn - 2);
    }
    size_t attributes = b->n;
    put(b, 2, 0);
    if (a != NULL) {
        put_attributes(b, a);
        put_length(b, attributes, 2, b->n - attributes - 2);
        if (id > 0)
            put(b, 4, id);
        put_prefix(b, prefix);
    }
    end_bgp(b, bgp);
    end_message(b, at);
}

/* ---- the RIB ---- */

struct world {
    struct watch watch;
    struct rib rib;
    struct feed feed;
    struct instant now;
    struct peering peering;
    struct origins origins;
};

static inline void pass(struct world *w, int64_t ms)
{
    for (; ms > 0; ms -= 250) {
        int64_t step = ms < 250 ? ms : 250;
        w->now.mono.ns += step * NS_PER_MS;
        w->now.wall.ns += step * NS_PER_MS;
        rib_turn(&w->rib, w->now);
    }
}

static inline void feed_bytes(struct world *w, struct bytes *b)
{
    ssize_t used = feed_take(&w->feed, b->at, b->n, w->now);
    CHECK(used == (ssize_t)b->n, "used %zd of %zu bytes: %s", used, b->n,
          w->feed.error != NULL ? w->feed.error : "");
    b->n = 0;
    w->now.mono.ns += NS_PER_MS;
    w->now.wall.ns += NS_PER_MS;
}

static inline void world_begin(struct world *w)
{
    static const char *const microsoft[] = {"13.107.6.152/31", "52.96.0.0/14",
                                            "2603:1006::/40"};
    struct prefixes list = {0};
    struct prefix all[3] = {0};
    *w = (struct world){.now = {{10 * NS_PER_S}, {1000 * NS_PER_S}}};
    for (size_t i = 0; i < 3; i++) {
        char address[ADDRESS_TEXT_MAX];
        struct endpoint e;
        const char *slash = strchr(microsoft[i], '/');
        snprintf(address, sizeof address, "%.*s", (int)(slash - microsoft[i]),
                 microsoft[i]);
        CHECK(endpoint_parse(&e, address, 0), "%s", address);
        struct bgp_prefix p = bgp_prefix_of(&e, (uint8_t)atoi(slash + 1));
        memcpy(all[i].bytes, p.bytes, 16);
        all[i].bits = p.bits;
        strcpy(all[i].service, "exchange");
    }
    list.all = all;
    list.n = 3;
    strcpy(w->peering.primary, "Ashburn");
    strcpy(w->peering.backup, "Chicago");
    watch_build(&w->watch, "203.0.112.0/23", &list);
    static struct origin expected[] = {{.microsoft = true, .as = 8075},
                                       {.microsoft = true, .as = 8068}};
    w->origins = (struct origins){.all = expected, .n = 2};
    struct rib_setup setup = {.watch = &w->watch,
                              .peering = &w->peering,
                              .origins = &w->origins,
                              .routers = "203.0.113.1",
                              .primary_peers = "198.51.100.2",
                              .backup_peers = "198.51.100.6"};
    rib_begin(&w->rib, &setup, w->now);
    struct endpoint router;
    CHECK(endpoint_parse(&router, "203.0.113.1", 0), "the router's address");
    w->feed = feed_of(&w->rib, &router);
}

static inline void world_end(struct world *w)
{
    rib_free(&w->rib);
    watch_free(&w->watch);
}

/* The names of the events since the last call, in order, separated by spaces. */
static inline const char *take_events(struct world *w)
{
    static char names[8192];
    names[0] = '\0';
    for (size_t i = 0; i < w->rib.events.n; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s",
                 i > 0 ? " " : "", w->rib.events.list[i].name);
    w->rib.events.n = 0;
    return names;
}

#endif
