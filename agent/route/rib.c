#include "route/rib.h"

#include "base/mem.h"
#include "base/text.h"
#include "otlp/names.h"
#include "route/rib_paths.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A peer that a router does not mention for so long after it has connected is no longer
 * there. */
#define FORGOTTEN_NS (60 * NS_PER_S)

const char *session_state_name(enum session_state state)
{
    return state == SESSION_UP ? "up" : state == SESSION_DOWN ? "down" : "unknown";
}

bool rib_is_session(const struct rib_peer *p)
{
    return p->address.family != FAMILY_NONE;
}

const char *rib_router_name(const struct rib *r, size_t router)
{
    return r->routers[router].name;
}

/* ---- routers ---- */

static void forget_peer(struct rib *r, struct rib_peer *p)
{
    rib_paths_forget(r, p);
    *p = (struct rib_peer){.used = false};
    rib_paths_choose(r);
}

static void forget_router(struct rib *r, size_t router)
{
    for (size_t i = 0; i < RIB_PEERS_MAX; i++)
        if (r->peers[i].used && r->peers[i].router == router)
            forget_peer(r, &r->peers[i]);
}

/* The router's place; else that of its former name; else a free one; else that of the one
 * that was lost first. */
static size_t find_router(const struct rib *r, const struct endpoint *address,
                          const char *name)
{
    size_t free_one = RIB_ROUTERS_MAX, lost = RIB_ROUTERS_MAX, former = RIB_ROUTERS_MAX;
    bool beside = false; /* others have the address, too, as behind NAT */
    for (size_t i = 0; i < RIB_ROUTERS_MAX; i++) {
        const struct rib_router *is = &r->routers[i];
        if (is->used && endpoint_same_address(&is->address, address)) {
            if (strcmp(is->name, name) == 0)
                return i;
            beside = beside || is->connected || former < RIB_ROUTERS_MAX;
            former = i;
        }
        if (!is->used && free_one == RIB_ROUTERS_MAX)
            free_one = i;
        if (is->used && !is->connected &&
            (lost == RIB_ROUTERS_MAX || is->since.ns < r->routers[lost].since.ns))
            lost = i;
    }
    if (former < RIB_ROUTERS_MAX && !beside)
        return former;
    return free_one < RIB_ROUTERS_MAX ? free_one : lost;
}

/* Counts the time since the last turn for the availability. */
static void count_time(struct rib_peer *p, struct instant now)
{
    int64_t ns = now.mono.ns - p->turned.ns;
    p->turned = now.mono;
    if (p->state == SESSION_UNKNOWN)
        return;
    p->known_ns += ns;
    if (p->state == SESSION_UP)
        p->up_ns += ns;
}

/* Its BMP session ended. */
static void lose_peer(struct rib *r, struct rib_peer *p, struct instant now)
{
    count_time(p, now);
    if (p->state != SESSION_UNKNOWN) {
        p->last_known = p->state;
        p->known_since = p->since;
        p->since = now.wall;
    }
    p->state = SESSION_UNKNOWN;
    p->reported = p->took_over = false;
    p->connection = 0;
    p->lost = now.mono;
    memset(p->dumps, 0, sizeof p->dumps);
    rib_paths_stale(r, p);
}

void rib_disconnect(struct rib *r, size_t router, uint64_t connection, const char *why,
                    struct instant now)
{
    struct rib_router *is = &r->routers[router];
    size_t lost = 0;
    for (size_t i = 0; i < RIB_PEERS_MAX; i++) {
        struct rib_peer *p = &r->peers[i];
        if (!p->used || p->router != router || p->connection != connection)
            continue;
        lost++;
        if (p->took_over)
            is->replaced = connection - 1;
        lose_peer(r, p, now);
    }
    is->connected = --is->open > 0;
    if (!is->connected)
        is->since = now.wall;
    else if (lost == 0)
        return;
    struct event *e = rib_event(r, EVENT_BMP_LOST, SEVERITY_WARN, NULL, now);
    event_text(e, ATTR_BGP_ROUTER, is->name);
    event_say(e,
              "router %s: %s ended: %s; its BGP sessions are unknown until it connects "
              "again",
              is->name, is->connected ? "one of its BMP sessions" : "BMP session", why);
}

size_t rib_connect(struct rib *r, const struct endpoint *address, const char *name,
                   uint64_t *connection, struct instant now)
{
    char text[ADDRESS_TEXT_MAX];
    if (name[0] == '\0')
        name = endpoint_address(text, address);
    size_t at = find_router(r, address, name);
    if (at == RIB_ROUTERS_MAX)
        return at;
    struct rib_router *is = &r->routers[at];
    bool same = is->used && endpoint_same_address(&is->address, address) &&
                strcmp(is->name, name) == 0;
    if (!same) {
        forget_router(r, at);
        *is = (struct rib_router){
            .used = true, .number = ++r->numbers, .address = *address};
        text_copy(is->name, sizeof is->name, name);
    }
    *connection = ++r->connections;
    is->connects++;
    is->connected_at = now.mono;
    is->connected = true;
    if (is->open++ > 0)
        return at;
    is->since = now.wall;
    struct event *e = rib_event(r, EVENT_BMP_CONNECTED, SEVERITY_INFO, NULL, now);
    event_text(e, ATTR_BGP_ROUTER, is->name);
    event_say(e, "router %s reports its BGP sessions", is->name);
    return at;
}

/* ---- peers ---- */

/* Unnumbered sessions have the same link-local address on several links. */
static bool is_peer(const struct rib_peer *p, size_t router, const struct bmp_peer *is)
{
    return p->used && p->router == router &&
           (p->type == BMP_LOC_RIB_TYPE) == (is->type == BMP_LOC_RIB_TYPE) &&
           endpoint_same_address(&p->address, &is->address) &&
           (!endpoint_is_link_local(&is->address) || p->bgp_id == is->bgp_id) &&
           memcmp(p->distinguisher, is->distinguisher, sizeof p->distinguisher) == 0;
}

const char *rib_vrf(char out[RIB_VRF_TEXT_MAX], const struct rib_peer *p)
{
    struct wire w = wire_from(p->distinguisher, sizeof p->distinguisher);
    static const uint8_t none[sizeof p->distinguisher];
    out[0] = '\0';
    if (memcmp(p->distinguisher, none, sizeof none) == 0)
        return out;
    if (p->type == BMP_LOCAL) { /* a number of the router */
        snprintf(out, RIB_VRF_TEXT_MAX, "%llu", (unsigned long long)wire_u64(&w));
        return out;
    }
    uint16_t type = wire_u16(&w); /* RFC 4364, section 4.2 */
    unsigned long first = type == 0 ? wire_u16(&w) : wire_u32(&w);
    unsigned long second = type == 0 ? wire_u32(&w) : wire_u16(&w);
    if (type == 1)
        snprintf(out, RIB_VRF_TEXT_MAX, "%lu.%lu.%lu.%lu:%lu", first >> 24,
                 first >> 16 & 255, first >> 8 & 255, first & 255, second);
    else
        snprintf(out, RIB_VRF_TEXT_MAX, "%lu:%lu", first, second);
    return out;
}

bool rib_has_adj_rib(const struct rib *r, const struct rib_peer *p, enum family family)
{
    for (size_t i = 0; i < RIB_PEERS_MAX; i++) {
        const struct rib_peer *other = &r->peers[i];
        if (other->used && other->has_adj_rib[family == FAMILY_IPV6] &&
            other->router == p->router &&
            memcmp(other->distinguisher, p->distinguisher, sizeof p->distinguisher) == 0)
            return true;
    }
    return false;
}

static void begin_dump(struct rib_peer *p, struct instant now)
{
    for (size_t f = 0; f < 2; f++)
        p->dumps[f] = (struct rib_dump){.began = now.mono, .second = now.mono};
}

/* The AS of the peer, where the header has none, or AS_TRANS (RFC 6793). */
static uint32_t peer_as(const struct rib_peer *p, uint32_t in_header)
{
    enum { AS_TRANS = 23456 };
    return (in_header == 0 || in_header == AS_TRANS) && p->open_as != 0 ? p->open_as
                                                                        : in_header;
}

struct rib_peer *rib_peer(struct rib *r, size_t router, uint64_t connection,
                          const struct bmp_peer *is, struct instant now)
{
    struct rib_peer *p = NULL, *unused = NULL;
    for (size_t i = 0; i < RIB_PEERS_MAX && p == NULL; i++) {
        if (is_peer(&r->peers[i], router, is))
            p = &r->peers[i];
        else if (unused == NULL && !r->peers[i].used)
            unused = &r->peers[i];
    }
    if (p == NULL && unused == NULL) {
        r->not_kept++;
        return NULL;
    }
    if (p == NULL) {
        p = unused;
        *p = (struct rib_peer){.used = true,
                               .router = router,
                               .number = ++r->numbers,
                               .type = is->type,
                               .address = is->address,
                               .turned = now.mono,
                               .availability = NAN};
        memcpy(p->distinguisher, is->distinguisher, sizeof p->distinguisher);
    }
    if (p->connection > connection)
        return NULL;
    if (p->connection < connection) {
        bool took_over = p->connection != 0;
        if (took_over)
            lose_peer(r, p, now);
        p->connection = connection;
        p->took_over = took_over;
    }
    if (!p->reported) { /* the first message since the router has connected */
        p->reported = true;
        begin_dump(p, now);
    }
    p->as = peer_as(p, is->as);
    p->bgp_id = is->bgp_id;
    return p;
}

static void set_state(struct rib_peer *p, enum session_state state, struct instant now)
{
    count_time(p, now);
    p->state = p->last_known = state;
    p->since = now.wall;
}

static const char *peer_text(char out[96], const struct rib_peer *p)
{
    char address[ADDRESS_TEXT_MAX];
    snprintf(out, 96, "%s (AS%lu)", endpoint_address(address, &p->address),
             (unsigned long)p->as);
    return out;
}

static void count_flap(struct rib *r, struct rib_peer *p, struct instant now)
{
    char who[96];
    struct mono first = p->flap_at[p->flaps % RIB_FLAPS];
    p->flap_at[p->flaps % RIB_FLAPS] = now.mono;
    p->flaps++;
    if (p->flapping || p->flaps < RIB_FLAPS)
        return;
    first = p->flap_at[p->flaps % RIB_FLAPS]; /* the oldest of the last RIB_FLAPS */
    if (now.mono.ns - first.ns > RIB_FLAP_NS)
        return;
    p->flapping = true;
    struct event *e = rib_event(r, EVENT_BGP_FLAPPING, SEVERITY_WARN, p, now);
    event_number(e, ATTR_BGP_FLAPS, (double)p->flaps);
    event_say(e, "BGP session of router %s with %s is flapping: lost %d times in %lld s",
              rib_router_name(r, p->router), peer_text(who, p), RIB_FLAPS,
              (long long)((now.mono.ns - first.ns) / NS_PER_S));
}

static void report_lost(struct rib *r, struct rib_peer *p, struct instant now)
{
    char who[96];
    size_t watched = rib_paths_count(r, p);
    struct event *e = rib_event(r, EVENT_BGP_LOST, SEVERITY_ERROR, p, now);
    event_number(e, ATTR_BGP_FLAPS, (double)p->flaps + 1);
    event_change(e, "up", "down");
    event_say(e, "BGP session of router %s with %s is down: %s; %zu watched route%s lost",
              rib_router_name(r, p->router), peer_text(who, p), p->reason, watched,
              watched == 1 ? "" : "s");
    count_flap(r, p, now);
}

/* A BGP identifier is an address, whose bytes are in network order. */
void rib_peer_up(struct rib *r, struct rib_peer *p, const struct bmp_peer_up *up,
                 struct instant now)
{
    char who[96], before[16];
    /* BIRD has no local port where it has connected itself. */
    bool known = p->remote_port != 0 && up->remote_port != 0;
    bool another =
        known && (p->local_port != up->local_port || p->remote_port != up->remote_port);
    p->local_port = up->local_port;
    p->remote_port = up->remote_port;
    if (up->sent.as != 0)
        r->routers[p->router].local_as = p->local_as = up->sent.as;
    if (up->received.as != 0)
        p->open_as = up->received.as;
    p->as = peer_as(p, p->as);
    text_copy(p->name, sizeof p->name, up->name);
    for (size_t f = 0; f < 2; f++)
        p->may_have_ids[f] =
            (up->sent.add_path[f] & 1) != 0 && (up->received.add_path[f] & 2) != 0;
    p->keeps_forwarding = up->sent.graceful_restart && up->received.keeps_forwarding;
    if (p->state != SESSION_UP) {
        memset(p->forms, 0, sizeof p->forms);
        begin_dump(p, now);
    }
    if (p->state == SESSION_UP)
        return;
    if (another && p->last_known == SESSION_UP && rib_is_session(p)) {
        text_copy(p->reason, sizeof p->reason, "lost while the router was not connected");
        report_lost(r, p, now);
        p->last_known = SESSION_DOWN;
    }
    text_copy(before, sizeof before, session_state_name(p->last_known));
    bool was_up = p->last_known == SESSION_UP;
    if (was_up) { /* it has not changed while the router was not connected */
        set_state(p, SESSION_UP, now);
        p->since = p->known_since;
        return;
    }
    bool first = p->last_known == SESSION_UNKNOWN;
    set_state(p, SESSION_UP, now);
    if (first && up->since.ns > 0 && up->since.ns < now.wall.ns &&
        now.mono.ns - r->routers[p->router].connected_at.ns < RIB_DUMP_LEAST_NS)
        p->since = up->since; /* before the router connected */
    if (!rib_is_session(p))
        return;
    struct event *e = rib_event(r, EVENT_BGP_ESTABLISHED, SEVERITY_INFO, p, now);
    event_number(e, ATTR_BGP_FLAPS, (double)p->flaps);
    event_change(e, before, "up");
    event_say(e, "BGP session of router %s with %s is up", rib_router_name(r, p->router),
              peer_text(who, p));
}

/* Its state cannot be known any more. */
static void end_reports(struct rib *r, struct rib_peer *p, struct instant now)
{
    char who[96];
    if (rib_is_session(p)) {
        struct event *e = rib_event(r, EVENT_BGP_UNMONITORED, SEVERITY_INFO, p, now);
        event_say(e, "router %s no longer reports its BGP session with %s",
                  rib_router_name(r, p->router), peer_text(who, p));
    }
    forget_peer(r, p);
}

void rib_peer_down(struct rib *r, struct rib_peer *p, const struct bmp_peer_down *down,
                   struct instant now)
{
    if (down->code == BMP_DOWN_UNMONITORED) {
        end_reports(r, p, now);
        return;
    }
    bool was_up = p->last_known == SESSION_UP, was_down = p->last_known == SESSION_DOWN;
    struct wall since = p->state == SESSION_UNKNOWN ? p->known_since : p->since;
    set_state(p, SESSION_DOWN, now);
    if (was_down) /* only an attempt to connect again has failed */
        p->since = since;
    else
        snprintf(p->reason, sizeof p->reason, "%s%s", down->reason,
                 p->keeps_forwarding && was_up && !down->notified
                     ? "; the router may keep forwarding (graceful restart)"
                     : "");
    begin_dump(p, now);
    if (was_up && rib_is_session(p))
        report_lost(r, p, now);
    rib_paths_withdraw(r, p, RIB_ALL_PATHS, FAMILY_NONE, "the BGP session is down", now);
}

/* ---- table dumps ---- */

static void end_dump(struct rib *r, struct rib_peer *p, size_t f, struct instant now)
{
    enum family family = f == 0 ? FAMILY_IPV4 : FAMILY_IPV6;
    p->dumps[f].over = true;
    if (p->has_post[f])
        rib_paths_drop_refused(r, p, family);
    rib_paths_withdraw(r, p, RIB_STALE_PATHS, family,
                       "not in the table any more after a reconnect", now);
    rib_paths_report(r, p, family, now);
}

void rib_end_of_rib(struct rib_peer *p, enum bmp_view view, enum family family)
{
    if (view == BMP_POST_POLICY)
        p->has_post[family == FAMILY_IPV6] = true;
}

static void check_dump(struct rib *r, struct rib_peer *p, size_t f, struct instant now)
{
    struct rib_dump *d = &p->dumps[f];
    if (d->over || now.mono.ns - d->second.ns < NS_PER_S)
        return;
    if (p->state != SESSION_DOWN && d->in_second < RIB_DUMP_ROUTES &&
        now.mono.ns - d->began.ns >= RIB_DUMP_LEAST_NS)
        end_dump(r, p, f, now);
    d->second = now.mono;
    d->in_second = 0;
}

void rib_count(struct rib *r, struct rib_peer *p, enum bmp_view view, enum family family,
               size_t announced, size_t withdrawn, struct instant now)
{
    size_t f = family == FAMILY_IPV6;
    struct rib_dump *d = &p->dumps[f];
    if ((view == BMP_PRE_POLICY || view == BMP_POST_POLICY) && !p->has_adj_rib[f]) {
        p->has_adj_rib[f] = true;
        rib_paths_choose(r); /* those of the Loc-RIB do not count any more */
    }
    p->has_post[f] = p->has_post[f] || view == BMP_POST_POLICY;
    if (!d->over) {
        check_dump(r, p, f, now);
        d->in_second += (uint32_t)(announced + withdrawn);
    }
    if (view == BMP_OUT || view == BMP_OUT_PRE_POLICY ||
        (view == BMP_PRE_POLICY && p->has_post[f]))
        return;
    p->announced += announced;
    p->withdrawn += withdrawn;
}

void rib_turn(struct rib *r, struct instant now)
{
    r->now = now;
    for (size_t i = 0; i < RIB_PEERS_MAX; i++) {
        struct rib_peer *p = &r->peers[i];
        const struct rib_router *router = &r->routers[p->router];
        if (!p->used || !router->connected)
            continue;
        if (p->reported) {
            check_dump(r, p, 0, now);
            check_dump(r, p, 1, now);
        } else if (router->connected_at.ns >= p->lost.ns &&
                   now.mono.ns - router->connected_at.ns > FORGOTTEN_NS) {
            rib_paths_withdraw(r, p, RIB_ALL_PATHS, FAMILY_NONE,
                               "the router has this peer no longer", now);
            forget_peer(r, p);
            continue;
        }
        struct mono last = p->flap_at[(p->flaps + RIB_FLAPS - 1) % RIB_FLAPS];
        if (p->flapping && now.mono.ns - last.ns > RIB_FLAP_NS)
            p->flapping = false;
    }
}

/* ---- metrics ---- */

enum { LABELS_MAX = 8 };

struct rib_labels { /* of a row; its texts */
    struct self_label list[LABELS_MAX];
    char router[BMP_NAME_MAX], peer[ADDRESS_TEXT_MAX], as[16];
    char prefix[BGP_PREFIX_TEXT_MAX], vrf[RIB_VRF_TEXT_MAX];
};

static size_t peer_labels(const struct rib *r, const struct rib_peer *p,
                          struct rib_labels *l)
{
    size_t n = 0;
    text_copy(l->router, sizeof l->router, rib_router_name(r, p->router));
    l->list[n++] = (struct self_label){ATTR_BGP_ROUTER, l->router};
    if (rib_is_session(p)) {
        endpoint_address(l->peer, &p->address);
        snprintf(l->as, sizeof l->as, "%lu", (unsigned long)p->as);
        l->list[n++] = (struct self_label){ATTR_PEER_ADDRESS, l->peer};
        l->list[n++] = (struct self_label){ATTR_BGP_PEER_AS, l->as};
    }
    if (*rib_location(r, p) != '\0')
        l->list[n++] = (struct self_label){ATTR_BGP_LOCATION, rib_location(r, p)};
    if (*rib_vrf(l->vrf, p) != '\0')
        l->list[n++] = (struct self_label){ATTR_BGP_VRF, l->vrf};
    return n;
}

struct rows {
    struct rib *rib;
    struct self_value *list;
    size_t n;
};

static struct self_value *add_row(struct rows *rows, const struct rib_peer *p,
                                  const char *name, const char *unit,
                                  const char *description, double value)
{
    struct rib_labels *l = &rows->rib->labels[rows->n];
    struct self_value *v = &rows->list[rows->n++];
    *v = (struct self_value){
        .name = name, .unit = unit, .description = description, .value = value};
    v->labels = l->list;
    v->n_labels = peer_labels(rows->rib, p, l);
    return v;
}

static void add_sum(struct rows *rows, const struct rib_peer *p, const char *name,
                    const char *unit, const char *description, const char *change,
                    bool delta, uint64_t total, uint64_t *reported)
{
    struct self_value *v = add_row(rows, p, name, unit, description,
                                   (double)(delta ? total - *reported : total));
    v->monotonic = true;
    v->begins = *reported == 0 && total > 0;
    v->attribute = change != NULL ? ATTR_BGP_CHANGE : NULL;
    v->attribute_value = change;
    *reported = total;
}

static bool is_here(const struct rib *r, const struct rib_prefix *p, size_t peer)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->paths[i].peer == peer && rib_path_is_usable(r, p, &p->paths[i]))
            return true;
    return false;
}

static bool is_known(const struct rib_prefix *p, size_t peer)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->paths[i].peer == peer && p->paths[i].view != BMP_OUT &&
            p->paths[i].view != BMP_LOC_RIB)
            return true;
    return false;
}

static bool has_room(const struct rows *rows)
{
    bool has = rows->n < RIB_VALUES_MAX;
    rows->rib->values_left_out += !has;
    return has;
}

static struct self_value *add_prefix_row(struct rows *rows, const struct rib_prefix *p,
                                         const struct rib_peer *peer, const char *name,
                                         const char *description, double value)
{
    struct rib_labels *l = &rows->rib->labels[rows->n];
    struct self_value *v = add_row(rows, peer, name, "", description, value);
    bgp_prefix_text(l->prefix, &p->prefix);
    l->list[v->n_labels++] = (struct self_label){ATTR_PREFIX, l->prefix};
    l->list[v->n_labels++] = (struct self_label){ATTR_SERVICE, p->watched->service};
    return v;
}

static void add_announced_rows(struct rows *rows, bool registered)
{
    struct rib *r = rows->rib;
    for (size_t i = 0; i < r->n_prefixes; i++)
        for (size_t k = 0; k < RIB_PEERS_MAX; k++) {
            const struct rib_prefix *p = &r->prefixes[i];
            if (p->watched->registered == registered && r->peers[k].used &&
                rib_is_session(&r->peers[k]) && is_known(p, k) && has_room(rows))
                add_prefix_row(rows, p, &r->peers[k], METRIC_PREFIX_ANNOUNCED,
                               "Whether the peer announces the prefix", is_here(r, p, k));
        }
}

static void add_origin_row(struct rows *rows, const struct rib_prefix *p)
{
    const char *state = origin_state_name(rib_prefix_origin_state(rows->rib, p));
    const struct rib_path *path = rib_prefix_path(rows->rib, p);
    if (state == NULL || !has_room(rows))
        return;
    struct self_value *v = add_prefix_row(
        rows, p, &rows->rib->peers[path->peer], METRIC_PREFIX_ORIGIN,
        "The AS that originates the active path, and whether it may by RPKI",
        path->path->origin_as);
    v->attribute = ATTR_ORIGIN_VALIDATION;
    v->attribute_value = state;
}

/* Rows of one metric stand one after the other. */
#define EACH_PEER(rows, p)                                                               \
    for (struct rib_peer *p = (rows).rib->peers; p < (rows).rib->peers + RIB_PEERS_MAX;  \
         p++)                                                                            \
        if (p->used && rib_is_session(p) && (rows).n < RIB_VALUES_MAX)

size_t rib_window(struct rib *r, bool delta, struct instant now,
                  struct self_value values[RIB_VALUES_MAX])
{
    struct rows rows = {.rib = r, .list = values};
    r->window_start = now.mono;
    r->dropped_last = r->dropped - r->dropped_before;
    r->dropped_before = r->dropped;
    for (size_t i = 0; i < RIB_PEERS_MAX; i++) {
        struct rib_peer *p = &r->peers[i];
        count_time(p, now);
        p->availability = p->known_ns > 0 ? (double)p->up_ns / (double)p->known_ns : NAN;
        p->up_ns = p->known_ns = 0;
    }
    EACH_PEER(rows, p)
    if (p->state != SESSION_UNKNOWN)
        add_row(&rows, p, METRIC_BGP_UP, "", "Whether the BGP session is up",
                p->state == SESSION_UP);
    EACH_PEER(rows, p)
    if (!isnan(p->availability))
        add_row(&rows, p, METRIC_BGP_AVAILABILITY, "1",
                "Part of the window in which the BGP session was up", p->availability);
    EACH_PEER(rows, p)
    add_sum(&rows, p, METRIC_BGP_FLAPS, "{flap}", "How often the BGP session was lost",
            NULL, delta, p->flaps, &p->flaps_reported);
    EACH_PEER(rows, p)
    add_row(&rows, p, METRIC_BGP_ROUTES, "{route}",
            "Watched routes received from the peer", (double)rib_paths_count(r, p));
    EACH_PEER(rows, p)
    if (p->has_adj_rib_in)
        add_row(
            &rows, p, METRIC_BGP_RECEIVED, "{route}",
            "Routes received from the peer, watched or not, as the router counts them",
            (double)p->adj_rib_in);
    EACH_PEER(rows, p)
    {
        if (rows.n + 2 > RIB_VALUES_MAX)
            break;
        add_sum(&rows, p, METRIC_BGP_UPDATES, "{route}",
                "Routes announced and withdrawn by the peer, watched or not", "announced",
                delta, p->announced, &p->announced_reported);
        add_sum(&rows, p, METRIC_BGP_UPDATES, "{route}",
                "Routes announced and withdrawn by the peer, watched or not", "withdrawn",
                delta, p->withdrawn, &p->withdrawn_reported);
    }
    r->values_left_out = 0;
    add_announced_rows(&rows, true);
    add_announced_rows(&rows, false);
    for (size_t i = 0; r->is.validator != NULL && i < r->n_prefixes; i++)
        add_origin_row(&rows, &r->prefixes[i]);
    return rows.n;
}

/* ---- begin and end ---- */

void rib_begin(struct rib *r, const struct rib_setup *setup, struct instant now)
{
    *r = (struct rib){.is = *setup, .began = now, .now = now, .window_start = now.mono};
    r->peers = mem_zalloc(RIB_PEERS_MAX * sizeof *r->peers);
    r->labels = mem_zalloc(RIB_VALUES_MAX * sizeof *r->labels);
}

void rib_free(struct rib *r)
{
    rib_paths_free(r);
    events_free(&r->events);
    free(r->peers);
    free(r->labels);
    *r = (struct rib){.n_prefixes = 0};
}
