#include "route/feed.h"

#include <errno.h>

struct feed feed_of(struct rib *rib, const struct endpoint *address)
{
    return (struct feed){.rib = rib, .address = *address, .router = RIB_ROUTERS_MAX};
}

bool feed_is_connected(const struct feed *f)
{
    return f->router < RIB_ROUTERS_MAX;
}

bool feed_is_replaced(const struct feed *f)
{
    return feed_is_connected(f) && f->rib->routers[f->router].replaced >= f->connection;
}

static int connect_router(struct feed *f, const char *name, struct instant now)
{
    if (feed_is_connected(f))
        return 0;
    f->error = "too many routers are connected";
    f->router = rib_connect(f->rib, &f->address, name, &f->connection, now);
    return f->router == RIB_ROUTERS_MAX ? -EBUSY : 0;
}

/* The message, or the rest of it, is ignored: the next one can be found in any case. */
static void malformed(struct feed *f, const char *what)
{
    f->bad++;
    f->bad_last = what;
    f->rib->routers[f->router].bad_messages++;
}

/* ---- routes ---- */

struct routes {
    struct feed *feed;
    struct rib_peer *peer;
    const struct bmp_peer *is;
    const struct bgp_update *update;
    struct instant now;
};

static bool list_form(const struct routes *r, struct wire list, enum family family,
                      enum bgp_nlri_form *form)
{
    size_t f = family == FAMILY_IPV6;
    *form = NLRI_PLAIN;
    if (list.left > 0)
        *form = bgp_nlri_form(list, family, &r->peer->forms[f][r->is->view],
                              r->peer->may_have_ids[f]);
    return *form != NLRI_UNKNOWN;
}

/* Whether the list has the prefix. */
static bool has_prefix(const struct routes *r, struct wire list, enum family family,
                       const struct bgp_prefix *prefix, uint32_t path_id)
{
    enum bgp_nlri_form form;
    struct bgp_prefix is;
    uint32_t id;
    if (family != bgp_prefix_family(prefix) || !list_form(r, list, family, &form))
        return false;
    while (bgp_nlri_next(&list, family, form, &is, &id))
        if (id == path_id && bgp_prefix_order(&is, prefix) == 0)
            return true;
    return false;
}

/* A prefix that the UPDATE announces, too, is not withdrawn (RFC 4271, section 4.3). */
static bool is_announced(const struct routes *r, const struct bgp_prefix *prefix,
                         uint32_t path_id)
{
    const struct bgp_update *u = r->update;
    return has_prefix(r, u->announced, FAMILY_IPV4, prefix, path_id) ||
           has_prefix(r, u->mp_announced, u->mp_announced_family, prefix, path_id);
}

/*
 * Hands the watched prefixes of a list to the RIB. The path is decoded for the first one;
 * malformed attributes withdraw the prefixes, as they do in the router (RFC 7606).
 */
static void take_list(const struct routes *r, struct wire list, enum family family,
                      bool withdrawn, bool mp)
{
    enum bgp_nlri_form form;
    struct bgp_prefix prefix;
    struct bgp_path path;
    uint32_t id;
    size_t n = 0;
    bool decoded = false, bad_path = false;
    if (list.left == 0 || family == FAMILY_NONE)
        return;
    if (!list_form(r, list, family, &form)) {
        malformed(r->feed, "an UPDATE with malformed prefixes");
        return;
    }
    for (struct wire w = list; bgp_nlri_next(&w, family, form, &prefix, &id);)
        n++;
    rib_count(r->feed->rib, r->peer, r->is->view, family, withdrawn ? 0 : n,
              withdrawn ? n : 0, r->now);
    while (bgp_nlri_next(&list, family, form, &prefix, &id)) {
        const struct watched *watched = watch_find(r->feed->rib->is.watch, &prefix);
        if (watched == NULL || (withdrawn && is_announced(r, &prefix, id)))
            continue;
        if (!withdrawn && !decoded) {
            bad_path = !bgp_path_read(&path, r->update, mp, r->is->two_byte_as);
            if (bad_path)
                malformed(r->feed, "an UPDATE with malformed path attributes");
            decoded = true;
        }
        rib_route(r->feed->rib, r->peer, r->is->view, watched, &prefix, id,
                  withdrawn || bad_path ? NULL : &path, r->now);
    }
}

static void take_update(struct feed *f, struct rib_peer *peer, const struct bmp_peer *is,
                        struct wire body, struct instant now)
{
    struct bgp_update u;
    if (!bgp_update_read(&u, body)) {
        malformed(f, "a malformed UPDATE");
        return;
    }
    struct routes r = {.feed = f, .peer = peer, .is = is, .update = &u, .now = now};
    enum family end = bgp_update_end_of_rib(&u);
    if (end != FAMILY_NONE)
        rib_end_of_rib(peer, is->view, end);
    take_list(&r, u.withdrawn, FAMILY_IPV4, true, false);
    take_list(&r, u.mp_withdrawn, u.mp_withdrawn_family, true, true);
    take_list(&r, u.announced, FAMILY_IPV4, false, false);
    take_list(&r, u.mp_announced, u.mp_announced_family, false, true);
}

static void take_routes(struct feed *f, struct rib_peer *peer, const struct bmp_peer *is,
                        struct wire w, struct instant now)
{
    while (w.left > 0) {
        uint8_t type;
        struct wire body;
        if (!bgp_message_read(&w, &type, &body)) {
            malformed(f, "a Route Monitoring without a whole BGP message");
            return;
        }
        if (type == BGP_UPDATE)
            take_update(f, peer, is, body, now);
    }
}

/* ---- messages ---- */

static void take_statistics(struct rib_peer *peer, struct wire w)
{
    struct bmp_statistics statistics;
    bmp_statistics_read(&statistics, w);
    if (statistics.has_adj_rib_in) {
        peer->has_adj_rib_in = true;
        peer->adj_rib_in = statistics.adj_rib_in;
    }
}

static void take_peer_up(struct feed *f, struct rib_peer *peer, struct wire w,
                         struct wall since, struct instant now)
{
    struct bmp_peer_up up;
    bmp_peer_up_read(&up, w);
    up.since = since;
    rib_peer_up(f->rib, peer, &up, now);
}

static void take_of_peer(struct feed *f, const struct bmp_message *m, struct instant now)
{
    struct wire w = m->body;
    struct bmp_peer is;
    struct bmp_peer_down down;
    if (!bmp_peer_read(&is, &w)) {
        malformed(f, "a message with a short per-peer header");
        return;
    }
    if (is.type >= BMP_PEER_TYPES)
        return;
    struct rib_peer *peer = rib_peer(f->rib, f->router, f->connection, &is, now);
    if (peer == NULL)
        return;
    switch (m->type) {
    case BMP_ROUTE_MONITORING:
        take_routes(f, peer, &is, w, now);
        break;
    case BMP_STATISTICS:
        take_statistics(peer, w);
        break;
    case BMP_PEER_UP:
        take_peer_up(f, peer, w, is.time, now);
        break;
    default:
        bmp_peer_down_read(&down, w);
        rib_peer_down(f->rib, peer, &down, now);
    }
}

static int take_message(struct feed *f, const struct bmp_message *m, struct instant now)
{
    char name[BMP_NAME_MAX] = "";
    if (m->type == BMP_INITIATION)
        bmp_initiation_read(name, m->body);
    int rc = connect_router(f, name, now);
    if (rc < 0)
        return rc;
    f->messages++;
    f->rib->routers[f->router].messages++;
    f->ended = f->ended || m->type == BMP_TERMINATION;
    if (!m->skipped && m->type != BMP_INITIATION && m->type != BMP_TERMINATION)
        take_of_peer(f, m, now);
    return 0;
}

ssize_t feed_take(struct feed *f, const uint8_t *bytes, size_t len, struct instant now)
{
    size_t at = 0;
    for (;;) {
        struct bmp_message m;
        if (f->skip > 0) {
            size_t n = f->skip < len - at ? (size_t)f->skip : len - at;
            f->skip -= n;
            at += n;
        }
        if (at == len)
            return (ssize_t)at;
        ssize_t used = bmp_next(&m, bytes + at, len - at);
        if (used == 0)
            return (ssize_t)at;
        if (used < 0) {
            f->error = "a message with a wrong version or length";
            if (feed_is_connected(f))
                f->rib->routers[f->router].bad_messages++;
            return used;
        }
        int rc = take_message(f, &m, now);
        if (rc < 0)
            return rc;
        at += (size_t)used;
        f->skip = m.skipped ? m.length - BMP_HEADER_BYTES : 0;
    }
}

void feed_end(struct feed *f, const char *why, struct instant now)
{
    if (feed_is_connected(f))
        rib_disconnect(f->rib, f->router, f->connection, why, now);
    f->router = RIB_ROUTERS_MAX;
}
