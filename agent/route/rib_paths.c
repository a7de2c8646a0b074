#include "route/rib_paths.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/event_names.h"
#include "edge/as_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMUNITY_AS = 8075, COMMUNITY_VALUE = 8007 };

const char *const rib_check_names[CHECKS] = {
    "long_path",     "private_as",        "prepended",      "unexpected_origin",
    "more_specific", "community_missing", "origin_invalid",
};

static const struct rib_peer *peer_of(const struct rib *r, const struct rib_path *path)
{
    return &r->peers[path->peer];
}

/* 0: unknown. A router may have another AS number for some peers. The header of a Loc-RIB
 * has the router's own (RFC 9069, section 4.1). */
static uint32_t local_as_of(const struct rib *r, const struct rib_peer *p)
{
    uint32_t of_router = r->routers[p->router].local_as;
    return p->local_as != 0                       ? p->local_as
           : of_router == 0 && !rib_is_session(p) ? p->as
                                                  : of_router;
}

/* ---- which path is active ---- */

bool rib_path_is_usable(const struct rib *r, const struct rib_prefix *p,
                        const struct rib_path *path)
{
    return path->use != PATH_GONE && !path->loop && path->view != BMP_OUT &&
           (path->view != BMP_LOC_RIB ||
            !rib_has_adj_rib(r, peer_of(r, path), bgp_prefix_family(&p->prefix)));
}

static bool is_same_table(const struct rib_peer *a, const struct rib_peer *b)
{
    return a->router == b->router &&
           memcmp(a->distinguisher, b->distinguisher, sizeof a->distinguisher) == 0;
}

/* Whether the Loc-RIB of the path's router has it. */
static bool is_chosen(const struct rib *r, const struct rib_prefix *p,
                      const struct rib_path *path)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct rib_path *loc = &p->paths[i];
        if (loc->view == BMP_LOC_RIB && loc->use != PATH_GONE &&
            is_same_table(peer_of(r, loc), peer_of(r, path)) &&
            endpoint_same_address(&loc->path->next_hop, &path->path->next_hop) &&
            bgp_path_same_as(loc->path, path->path))
            return true;
    }
    return false;
}

const char *rib_location(const struct rib *r, const struct rib_peer *p)
{
    const struct peering *peering = r->is.peering;
    if (endpoint_is_listed(r->is.primary_peers, &p->address))
        return peering->primary[0] != '\0' ? peering->primary : "primary";
    if (endpoint_is_listed(r->is.backup_peers, &p->address))
        return peering->backup[0] != '\0' ? peering->backup : "backup";
    return "";
}

static bool is_external(const struct rib *r, const struct rib_peer *p)
{
    return rib_is_session(p) && p->as != local_as_of(r, p);
}

/* Whether the peer of the path, or the next hop that an internal peer has left as it was, is
 * in the list. */
static bool is_over(const struct rib *r, const struct rib_path *path, const char *list)
{
    const struct rib_peer *peer = peer_of(r, path);
    return endpoint_is_listed(list, &peer->address) ||
           (!is_external(r, peer) && endpoint_is_listed(list, &path->path->next_hop));
}

enum location { LOCATION_NONE, LOCATION_PRIMARY, LOCATION_BACKUP };

static enum location location_of(const struct rib *r, const struct rib_path *path)
{
    return is_over(r, path, r->is.primary_peers)  ? LOCATION_PRIMARY
           : is_over(r, path, r->is.backup_peers) ? LOCATION_BACKUP
                                                  : LOCATION_NONE;
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static bool has_final_pref(const struct rib_path *path)
{
    return path->view == BMP_POST_POLICY && path->path->has_local_pref;
}

/* Whether what is known of the local preferences agrees with a policy that prefers the
 * primary location: that of the other path may be the default. */
static bool may_follow_location(const struct rib_path *primary,
                                const struct rib_path *backup)
{
    enum { DEFAULT_LOCAL_PREF = 100 };
    return !(has_final_pref(primary) &&
             primary->path->local_pref <= DEFAULT_LOCAL_PREF) &&
           !(has_final_pref(backup) && backup->path->local_pref >= DEFAULT_LOCAL_PREF);
}

/* Negative: the router prefers `a`; 0: it cannot be told. */
static int compare(const struct rib *r, const struct rib_path *a,
                   const struct rib_path *b, bool *configured)
{
    const struct bgp_path *x = a->path, *y = b->path;
    bool same_as = x->n_as > 0 && y->n_as > 0 && x->as[0] == y->as[0];
    enum location of_a = location_of(r, a), of_b = location_of(r, b);
    bool a_first = of_a == LOCATION_PRIMARY && of_b == LOCATION_BACKUP;
    bool b_first = of_b == LOCATION_PRIMARY && of_a == LOCATION_BACKUP;
    int by = 0;
    *configured = false;
    if (has_final_pref(a) && has_final_pref(b)) {
        by = order(y->local_pref, x->local_pref);
        if (by == 0)
            by = order(x->length, y->length);
        if (by == 0)
            by = order(x->origin, y->origin);
        if (by == 0 && same_as)
            by = order(x->has_med ? x->med : 0, y->has_med ? y->med : 0);
        if (by == 0)
            by = is_external(r, peer_of(r, b)) - is_external(r, peer_of(r, a));
    } else if ((a_first && may_follow_location(a, b)) ||
               (b_first && may_follow_location(b, a))) {
        by = a_first ? -1 : 1;
        *configured = true;
    }
    return by;
}

/* The path of `list` that is preferred to all others of it; NULL: it cannot be told. */
static struct rib_path *find_best(const struct rib *r, struct rib_path *const *list,
                                  size_t n, bool *configured)
{
    for (size_t i = 0; i < n; i++) {
        bool best = true, by_location;
        *configured = false;
        for (size_t k = 0; k < n && best; k++) {
            best = k == i || compare(r, list[i], list[k], &by_location) < 0;
            *configured = *configured || (k != i && by_location);
        }
        if (best)
            return list[i];
    }
    return NULL;
}

/* Whether no other path of the list is preferred to it. */
static bool may_be_best(const struct rib *r, const struct rib_path *path,
                        struct rib_path *const *list, size_t n)
{
    bool configured;
    for (size_t i = 0; i < n; i++)
        if (list[i] != path && compare(r, path, list[i], &configured) > 0)
            return false;
    return true;
}

/* The usable paths of the table that has the path `at`. */
static size_t list_table(const struct rib *r, struct rib_prefix *p, size_t at,
                         struct rib_path *list[RIB_PREFIX_PATHS_MAX])
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        if (rib_path_is_usable(r, p, &p->paths[i]) &&
            is_same_table(peer_of(r, &p->paths[i]), peer_of(r, &p->paths[at])))
            list[n++] = &p->paths[i];
    return n;
}

static bool has_loc_rib(const struct rib *r, const struct rib_prefix *p,
                        const struct rib_peer *of)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->paths[i].view == BMP_LOC_RIB && p->paths[i].use != PATH_GONE &&
            is_same_table(peer_of(r, &p->paths[i]), of))
            return true;
    return false;
}

/* Moves those that the Loc-RIB has to the front; returns how many. */
static size_t sort_chosen(const struct rib *r, const struct rib_prefix *p,
                          struct rib_path **list, size_t n)
{
    size_t chosen = 0;
    for (size_t i = 0; i < n; i++) {
        struct rib_path *path = list[i];
        if (!is_chosen(r, p, path))
            continue;
        list[i] = list[chosen];
        list[chosen++] = path;
    }
    return chosen;
}

static void choose_in_table(const struct rib *r, struct rib_prefix *p, size_t at)
{
    struct rib_path *list[RIB_PREFIX_PATHS_MAX], *active = NULL, *backup;
    bool configured = false, by_location;
    size_t n = list_table(r, p, at, list), chosen = sort_chosen(r, p, list, n);
    if (n == 1 || chosen == 1)
        active = list[0];
    else if (!has_loc_rib(r, p, peer_of(r, list[0])))
        active = find_best(r, list, n, &configured);
    for (size_t i = 0; i < n; i++) {
        bool may = chosen > 0 ? i < chosen : may_be_best(r, list[i], list, n);
        list[i]->role = active == NULL && may ? PATH_CANDIDATE : PATH_OTHER;
        list[i]->configured = false;
    }
    if (active == NULL)
        return;
    active->role = PATH_ACTIVE;
    active->configured = configured;
    for (size_t i = 0; i < n; i++)
        if (list[i] == active)
            list[i] = list[--n];
    backup = find_best(r, list, n, &by_location);
    if (backup != NULL)
        backup->role = PATH_BACKUP;
}

static void choose(const struct rib *r, struct rib_prefix *p)
{
    for (size_t i = 0; i < p->n; i++) {
        p->paths[i].role = PATH_NO_ROLE;
        p->paths[i].configured = false;
    }
    for (size_t i = 0; i < p->n; i++)
        if (p->paths[i].role == PATH_NO_ROLE && rib_path_is_usable(r, p, &p->paths[i]))
            choose_in_table(r, p, i);
}

void rib_paths_choose(struct rib *r)
{
    for (size_t i = 0; i < r->n_prefixes; i++)
        choose(r, &r->prefixes[i]);
}

/* ---- what is wrong with a path ---- */

static bool is_microsofts(uint32_t as, const void *origins)
{
    return origins_are_microsofts(origins, as);
}

size_t rib_as_hops(const struct rib *r, const struct bgp_path *path)
{
    struct as_path is =
        as_path_of_route(path->as, bgp_path_kept(path), is_microsofts, r->is.origins);
    return is.state == AS_HOPS_EXACT ? is.hops : SIZE_MAX;
}

enum origin_state rib_origin_state(const struct rib *r, const struct rib_prefix *p,
                                   const struct rib_peer *peer,
                                   const struct bgp_path *path)
{
    /* The origin of an empty path is the router itself (RFC 6811, section 2). */
    uint32_t as = path->n_as > 0 ? path->origin_as : local_as_of(r, peer);
    if (r->is.validator == NULL || (path->n_as == 0 && as == 0))
        return ORIGIN_NOT_VALIDATED;
    return rtr_validate(r->is.validator->rtr, &p->prefix, as);
}

const struct rib_path *rib_prefix_path(const struct rib *r, const struct rib_prefix *p)
{
    const struct rib_path *first = NULL;
    for (size_t i = 0; i < p->n; i++) {
        const struct rib_path *path = &p->paths[i];
        if (!rib_path_is_in_use(path))
            continue;
        if (rib_origin_state(r, p, peer_of(r, path), path->path) == ORIGIN_INVALID)
            return path;
        first = first == NULL ? path : first;
    }
    return first;
}

enum origin_state rib_prefix_origin_state(const struct rib *r, const struct rib_prefix *p)
{
    const struct rib_path *path = rib_prefix_path(r, p);
    return path != NULL ? rib_origin_state(r, p, peer_of(r, path), path->path)
                        : ORIGIN_NOT_VALIDATED;
}

/* `agreed`: may be private, because neighbours have agreed on it. */
static unsigned check_as_path(const struct bgp_path *path, uint32_t agreed)
{
    return (path->length > RIB_PATH_LIMIT ? CHECK_LONG : 0u) |
           (bgp_path_has_private_as(path, agreed) ? CHECK_PRIVATE_AS : 0u) |
           (bgp_path_is_prepended(path) ? CHECK_PREPENDED : 0u);
}

static unsigned check(const struct rib *r, const struct rib_prefix *p, enum bmp_view view,
                      const struct rib_peer *peer, const struct bgp_path *path)
{
    const struct watched *w = p->watched;
    bool specific = p->prefix.bits > w->prefix.bits;
    unsigned invalid =
        rib_origin_state(r, p, peer, path) == ORIGIN_INVALID ? CHECK_INVALID : 0u;
    if (view == BMP_OUT) {
        bool missing = !bgp_path_has_community(path, COMMUNITY_AS, COMMUNITY_VALUE);
        return !w->registered ? 0
                              : check_as_path(path, local_as_of(r, peer)) |
                                    (missing ? CHECK_COMMUNITY : 0u);
    }
    bool foreign = path->origin_as != 0 &&
                   origins_judge(r->is.origins, p->prefix.bytes, p->prefix.bits,
                                 path->origin_as, !w->registered) == ORIGIN_UNEXPECTED;
    uint32_t neighbour = rib_is_session(peer) ? peer->as : path->as[0];
    return check_as_path(path, neighbour) | invalid | (foreign ? CHECK_ORIGIN : 0u) |
           (specific && (w->registered || foreign) ? CHECK_MORE_SPECIFIC : 0u);
}

unsigned rib_faults(unsigned checks, const struct watched *watched)
{
    const unsigned of_registered = CHECK_LONG | CHECK_PRIVATE_AS | CHECK_PREPENDED;
    return watched->registered ? checks : checks & ~of_registered;
}

static const struct {
    const char *name;
    enum severity severity;
    const char *text;
} check_events[CHECKS] = {
    {EVENT_ROUTE_LONG, SEVERITY_WARN, "AS path longer than 3"},
    {EVENT_ROUTE_PRIVATE_AS, SEVERITY_WARN, "private AS number in the AS path"},
    {EVENT_ROUTE_PREPENDED, SEVERITY_WARN, "AS path is prepended"},
    {EVENT_ROUTE_ORIGIN, SEVERITY_ERROR,
     "originated by an unexpected AS: possible hijack or leak"},
    {EVENT_ROUTE_SPECIFIC, SEVERITY_ERROR,
     "more specific than the known prefix: possible hijack or leak"},
    {EVENT_ROUTE_COMMUNITY, SEVERITY_WARN, "without the community 8075:8007"},
    {EVENT_ROUTE_INVALID, SEVERITY_ERROR,
     "origin invalid by RPKI (RFC 6811): possible hijack or leak"},
};

const char *rib_check_text(unsigned bit)
{
    return check_events[bit].text;
}

/* ---- events ---- */

static void set_observed(struct event *e, const struct rib *r, const struct rib_peer *p)
{
    e->scope.router = r->routers[p->router].number;
    e->scope.session = rib_is_session(p) ? p->number : 0;
}

struct event *rib_event(struct rib *r, const char *name, enum severity severity,
                        const struct rib_peer *p, struct instant now)
{
    bool of_prefix = event_traits(name).layer == LAYER_ROUTES ||
                     strncmp(name, EVENT_ROUTE_PREFIX, strlen(EVENT_ROUTE_PREFIX)) == 0;
    size_t most = !of_prefix                   ? RIB_EVENTS_MAX
                  : severity >= SEVERITY_ERROR ? RIB_PREFIX_EVENTS_MAX
                                               : RIB_ROUTINE_EVENTS_MAX;
    r->dropped += r->events.n >= most;
    struct event *e = events_add_below(&r->events, most, name, severity, now.wall, NULL);
    if (p == NULL)
        return e;
    char address[ADDRESS_TEXT_MAX], vrf[RIB_VRF_TEXT_MAX];
    set_observed(e, r, p);
    event_text(e, ATTR_BGP_ROUTER, rib_router_name(r, p->router));
    if (rib_is_session(p)) {
        event_text(e, ATTR_PEER_ADDRESS, endpoint_address(address, &p->address));
        event_number(e, ATTR_BGP_PEER_AS, p->as);
    }
    if (*rib_location(r, p) != '\0')
        event_text(e, ATTR_BGP_LOCATION, rib_location(r, p));
    if (*rib_vrf(vrf, p) != '\0')
        event_text(e, ATTR_BGP_VRF, vrf);
    return e;
}

static void change_as(struct event *e, uint32_t from, uint32_t to)
{
    char before[16], after[16];
    snprintf(before, sizeof before, "%lu", (unsigned long)from);
    snprintf(after, sizeof after, "%lu", (unsigned long)to);
    event_change(e, before, after);
}

static const char *source_text(char out[96], const struct rib *r,
                               const struct rib_path *path)
{
    char address[ADDRESS_TEXT_MAX];
    const struct rib_peer *p = peer_of(r, path);
    if (rib_is_session(p))
        snprintf(out, 96, "%s (AS%lu)", endpoint_address(address, &p->address),
                 (unsigned long)p->as);
    else
        snprintf(out, 96, "%s itself", rib_router_name(r, p->router));
    return out;
}

/* An event of the prefix and this path of it: "PREFIX (service) WHAT". */
static struct event *add_event(struct rib *r, const struct rib_prefix *p,
                               const struct rib_path *path, const char *name,
                               enum severity severity, const char *what,
                               struct instant now)
{
    char prefix[BGP_PREFIX_TEXT_MAX], as_path[BGP_PATH_TEXT_MAX], source[96];
    char next_hop[ADDRESS_TEXT_MAX];
    struct event *e = rib_event(r, name, severity, peer_of(r, path), now);
    bgp_prefix_text(prefix, &p->prefix);
    bgp_path_text(as_path, path->path);
    if (!p->watched->registered) /* the site is in a registered one: all targets */
        e->scope.prefix = bgp_prefix_address(&p->prefix, &e->scope.bits);
    event_text(e, ATTR_PREFIX, prefix);
    event_text(e, ATTR_ROUTE_AS_PATH, as_path);
    event_text(e, ATTR_ROUTE_NEXT_HOP, endpoint_address(next_hop, &path->path->next_hop));
    event_say(e, "%s (%s) %s %s, AS path %s", prefix, p->watched->service, what,
              source_text(source, r, path), as_path[0] != '\0' ? as_path : "empty");
    return e;
}

/* Reports what is new of these checks. `when`: a clause, or NULL. */
static void add_checks(struct rib *r, struct rib_prefix *p, const struct rib_path *path,
                       unsigned checks, const char *when, struct instant now)
{
    unsigned news = checks & ~p->checks;
    p->checks |= checks;
    for (unsigned i = 0; i < CHECKS; i++) {
        if ((news >> i & 1) == 0)
            continue;
        bool fault = rib_faults(1u << i, p->watched) != 0;
        struct event *e = add_event(r, p, path, check_events[i].name,
                                    fault ? check_events[i].severity : SEVERITY_INFO,
                                    path->view == BMP_OUT ? "to" : "from", now);
        event_append(e, ": %s", check_events[i].text);
        if (when != NULL)
            event_append(e, ": %s", when);
    }
}

static bool is_dumped(const struct rib *r, const struct rib_prefix *p,
                      const struct rib_path *path)
{
    return peer_of(r, path)->dumps[bgp_prefix_family(&p->prefix) == FAMILY_IPV6].over;
}

/* Forgets what was reported and is no longer so. Of withdrawn paths it is: a flap is no news. */
static void forget_checks(struct rib_prefix *p)
{
    unsigned all = 0;
    for (size_t i = 0; i < p->n; i++)
        all |= p->paths[i].checks;
    p->checks &= all;
}

void rib_paths_report(struct rib *r, const struct rib_peer *peer, enum family family,
                      struct instant now)
{
    for (size_t i = 0; i < r->n_prefixes; i++) {
        struct rib_prefix *p = &r->prefixes[i];
        for (size_t k = 0; k < p->n && bgp_prefix_family(&p->prefix) == family; k++) {
            const struct rib_path *path = &p->paths[k];
            unsigned faults = rib_faults(path->checks, p->watched);
            if (peer_of(r, path) != peer || path->use != PATH_HERE)
                continue;
            add_checks(r, p, path, faults, "since before this agent saw the session",
                       now);
            p->checks |= path->checks; /* facts of the table are no news */
        }
    }
}

struct role_holder { /* of a role, before or after a change */
    bool is;
    size_t at, peer;
    uint32_t path_id, origin;
    char text[96]; /* its source */
};

/* In the table of the path `of`. */
static struct role_holder find_role(const struct rib *r, const struct rib_prefix *p,
                                    size_t of, enum path_role role)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct rib_path *path = &p->paths[i];
        if (path->role != role ||
            !is_same_table(peer_of(r, path), peer_of(r, &p->paths[of])))
            continue;
        struct role_holder h = {.is = true,
                                .at = i,
                                .peer = path->peer,
                                .path_id = path->path_id,
                                .origin = path->path->origin_as};
        source_text(h.text, r, path);
        return h;
    }
    return (struct role_holder){.is = false};
}

static bool is_other(const struct role_holder *a, const struct role_holder *b)
{
    return a->peer != b->peer || a->path_id != b->path_id;
}

/* Counts the usable paths, and their different next hops. */
static size_t count_ways(const struct rib *r, const struct rib_prefix *p, size_t *ways)
{
    size_t n = 0;
    *ways = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (!rib_path_is_usable(r, p, &p->paths[i]))
            continue;
        bool is_new = true;
        for (size_t k = 0; k < i; k++)
            is_new = is_new && !(rib_path_is_usable(r, p, &p->paths[k]) &&
                                 endpoint_same_address(&p->paths[k].path->next_hop,
                                                       &p->paths[i].path->next_hop));
        n++;
        *ways += is_new;
    }
    return n;
}

struct before {
    struct role_holder active, backup;
    size_t paths, ways;
};

static struct before before_change(const struct rib *r, const struct rib_prefix *p,
                                   size_t changed)
{
    struct before b = {.active = find_role(r, p, changed, PATH_ACTIVE),
                       .backup = find_role(r, p, changed, PATH_BACKUP)};
    b.paths = count_ways(r, p, &b.ways);
    return b;
}

/* What the change of one path did to the choice: another path, perhaps of another peer. */
struct choice {
    const char *name;
    enum severity severity;
    const char *what;
};

static struct event *add_choice(struct rib *r, const struct rib_prefix *p, size_t at,
                                size_t changed, const struct choice *is,
                                struct instant now)
{
    struct event *e =
        add_event(r, p, &p->paths[at], is->name, is->severity, is->what, now);
    set_observed(e, r, peer_of(r, &p->paths[changed]));
    return e;
}

/* Sets the origin of the active path in all paths of the table; returns the last known one. */
static uint32_t take_last_origin(const struct rib *r, struct rib_prefix *p, size_t of,
                                 uint32_t origin)
{
    uint32_t last = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (!is_same_table(peer_of(r, &p->paths[i]), peer_of(r, &p->paths[of])))
            continue;
        if (p->paths[i].last_origin != 0)
            last = p->paths[i].last_origin;
        p->paths[i].last_origin = origin;
    }
    return last;
}

/* After the event of the changed path itself. */
static void report_choice(struct rib *r, struct rib_prefix *p, size_t changed,
                          const struct before *was, bool silent, struct instant now)
{
    static const struct choice origin_as = {EVENT_PREFIX_ORIGIN, SEVERITY_CRITICAL,
                                            "has another origin AS from"};
    static const struct choice active_path = {EVENT_PREFIX_ACTIVE_PATH, SEVERITY_INFO,
                                              "active path is now from"};
    static const struct choice backup_path = {EVENT_PREFIX_BACKUP_PATH, SEVERITY_INFO,
                                              "backup path is now from"};
    static const struct choice one_way = {
        EVENT_ROUTE_REDUNDANCY, SEVERITY_WARN,
        "has all paths through one router now, one from"};
    struct role_holder active = find_role(r, p, changed, PATH_ACTIVE),
                       backup = find_role(r, p, changed, PATH_BACKUP);
    size_t ways, paths = count_ways(r, p, &ways);
    if (active.is && active.origin != 0) {
        uint32_t last = take_last_origin(r, p, changed, active.origin);
        if (!silent && last != 0 && last != active.origin) {
            struct event *e = add_choice(r, p, active.at, changed, &origin_as, now);
            change_as(e, last, active.origin);
        }
    }
    if (silent)
        return;
    if (was->active.is && active.is && is_other(&was->active, &active)) {
        struct event *e = add_choice(r, p, active.at, changed, &active_path, now);
        event_change(e, was->active.text, active.text);
        if (p->paths[active.at].configured)
            event_append(e, ": as configured in [bmp], the router does not report it");
    }
    if (was->active.is && backup.is &&
        (!was->backup.is || is_other(&was->backup, &backup))) {
        struct event *e = add_choice(r, p, backup.at, changed, &backup_path, now);
        event_change(e, was->backup.text, backup.text);
    }
    if (was->ways > 1 && ways == 1 && paths > 1) {
        size_t at = (size_t)(rib_prefix_path(r, p) - p->paths);
        struct event *e = add_choice(r, p, at, changed, &one_way, now);
        event_number(e, ATTR_ROUTE_PATHS, (double)paths);
    }
}

/* ---- change ---- */

static void path_remove(struct rib *r, struct rib_prefix *p, size_t at)
{
    free(p->paths[at].path);
    memmove(&p->paths[at], &p->paths[at + 1], (p->n - at - 1) * sizeof *p->paths);
    p->n--;
    r->n_paths--;
    choose(r, p);
}

/* Whether events name it a backup route. */
static bool is_backup(const struct rib *r, const struct rib_path *path, bool only_one)
{
    enum location location = location_of(r, path);
    return !only_one && (location == LOCATION_NONE ? !rib_path_is_in_use(path)
                                                   : location == LOCATION_BACKUP);
}

static void withdraw(struct rib *r, struct rib_prefix *p, size_t at, bool silent,
                     const char *why, struct instant now)
{
    struct before was = before_change(r, p, at);
    struct rib_path *path = &p->paths[at];
    if (path->use == PATH_GONE)
        return;
    if (rib_path_is_usable(r, p, path) && !silent) {
        bool backup = is_backup(r, path, was.paths == 1);
        struct event *e = add_event(
            r, p, path, backup ? EVENT_PREFIX_BACKUP_WITHDRAWAL : EVENT_PREFIX_WITHDRAWAL,
            SEVERITY_WARN, backup ? "backup route withdrawn by" : "withdrawn by", now);
        if (path->role == PATH_CANDIDATE)
            event_append(e, ": one of %zu paths, it cannot be told which was active",
                         was.paths);
        if (why != NULL)
            event_append(e, ": %s", why);
    }
    path->use = PATH_GONE;
    path->since = now.wall;
    choose(r, p);
    report_choice(r, p, at, &was, silent, now);
}

static void announce(struct rib *r, struct rib_prefix *p, size_t at,
                     const struct bgp_path *to, bool silent, struct instant now)
{
    struct before was = before_change(r, p, at);
    struct rib_path *path = &p->paths[at];
    const struct rib_peer *peer = peer_of(r, path);
    bool had = rib_path_is_usable(r, p, path);
    struct bgp_path old = *path->path;
    uint32_t local_as = local_as_of(r, peer);
    if (path->use == PATH_GONE || !bgp_path_same_as(&old, to) ||
        !endpoint_same_address(&old.next_hop, &to->next_hop))
        path->since = now.wall;
    *path->path = *to;
    path->use = PATH_HERE;
    path->loop = local_as != 0 && rib_is_session(peer) && peer->as != local_as &&
                 path->view != BMP_OUT && bgp_path_has_as(to, local_as);
    choose(r, p);
    bool is = rib_path_is_usable(r, p, path);
    bool backup = is_backup(r, path, was.paths == 0 || (was.paths == 1 && had));
    path->checks = is || path->view == BMP_OUT ? check(r, p, path->view, peer, to) : 0;
    if (is && !had && !silent)
        add_event(r, p, path,
                  backup ? EVENT_PREFIX_BACKUP_ANNOUNCEMENT : EVENT_PREFIX_ANNOUNCEMENT,
                  SEVERITY_INFO, backup ? "backup route announced by" : "announced by",
                  now);
    /* report_choice() compares the origin of the active path. */
    if (is && path->role != PATH_ACTIVE && !silent && old.origin_as != 0 &&
        to->origin_as != 0 && old.origin_as != to->origin_as) {
        bool other = backup || path->role != PATH_CANDIDATE;
        struct event *e = add_event(
            r, p, path, other ? EVENT_PREFIX_BACKUP_ORIGIN : EVENT_PREFIX_ORIGIN,
            other ? SEVERITY_ERROR : SEVERITY_CRITICAL,
            other ? "backup route has another origin AS from"
                  : "has another origin AS from",
            now);
        change_as(e, old.origin_as, to->origin_as);
    }
    if (is && had && !silent && !endpoint_same_address(&old.next_hop, &to->next_hop)) {
        struct event *e = add_event(r, p, path, EVENT_ROUTE_NEXT_HOP, SEVERITY_INFO,
                                    "has another next hop from", now);
        char before[ADDRESS_TEXT_MAX], after[ADDRESS_TEXT_MAX];
        event_change(e, endpoint_address(before, &old.next_hop),
                     endpoint_address(after, &to->next_hop));
    }
    report_choice(r, p, at, &was, silent, now);
    forget_checks(p);
    if (!silent && (is || path->view == BMP_OUT))
        add_checks(r, p, path, path->checks, NULL, now);
}

void rib_validate(struct rib *r, struct instant now)
{
    for (size_t i = 0; i < r->n_prefixes; i++) {
        struct rib_prefix *p = &r->prefixes[i];
        for (size_t k = 0; k < p->n; k++) {
            struct rib_path *path = &p->paths[k];
            bool judged = path->view == BMP_OUT || rib_path_is_usable(r, p, path);
            if (judged && path->use != PATH_GONE)
                path->checks = check(r, p, path->view, peer_of(r, path), path->path);
            if (is_dumped(r, p, path))
                add_checks(r, p, path, path->checks & CHECK_INVALID, NULL, now);
        }
        forget_checks(p);
    }
}

/* ---- lookup ---- */

static size_t prefix_index(const struct rib *r, const struct bgp_prefix *prefix,
                           bool *found)
{
    size_t low = 0, high = r->n_prefixes;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int by = bgp_prefix_order(&r->prefixes[middle].prefix, prefix);
        if (by == 0) {
            *found = true;
            return middle;
        }
        if (by < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Removes what is gone, to make room. */
static void sweep_gone(struct rib *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->n_prefixes; i++) {
        struct rib_prefix *p = &r->prefixes[i];
        for (size_t k = p->n; k-- > 0;)
            if (p->paths[k].use == PATH_GONE)
                path_remove(r, p, k);
        if (p->n > 0)
            r->prefixes[kept++] = *p;
        else
            free(p->paths);
    }
    r->n_prefixes = kept;
}

static size_t room_for(const struct watched *watched, size_t most)
{
    return watched->registered ? most : most - RIB_RESERVED;
}

static struct rib_prefix *prefix_get(struct rib *r, const struct bgp_prefix *prefix,
                                     const struct watched *watched, bool add)
{
    bool found;
    size_t at = prefix_index(r, prefix, &found);
    if (found)
        return &r->prefixes[at];
    if (!add)
        return NULL;
    if (r->n_prefixes >= room_for(watched, RIB_PREFIXES_MAX)) {
        sweep_gone(r);
        at = prefix_index(r, prefix, &found);
        if (r->n_prefixes >= room_for(watched, RIB_PREFIXES_MAX))
            return NULL;
    }
    r->prefixes = mem_grow(r->prefixes, &r->room, r->n_prefixes + 1, sizeof *r->prefixes);
    memmove(&r->prefixes[at + 1], &r->prefixes[at],
            (r->n_prefixes - at) * sizeof *r->prefixes);
    r->n_prefixes++;
    r->prefixes[at] = (struct rib_prefix){.prefix = *prefix, .watched = watched};
    return &r->prefixes[at];
}

enum path_class { CLASS_IN, CLASS_OUT, CLASS_LOC_RIB };

static enum path_class class_of(enum bmp_view view)
{
    return view == BMP_OUT ? CLASS_OUT : view == BMP_LOC_RIB ? CLASS_LOC_RIB : CLASS_IN;
}

/* The path of the peer with this id; else one that is gone or stale, whose id may have
 * changed with a restart of the session. */
static size_t path_index(const struct rib_prefix *p, size_t peer, enum path_class class,
                         uint32_t path_id, bool any_id)
{
    size_t other = PATH_NONE;
    for (size_t i = 0; i < p->n; i++) {
        const struct rib_path *path = &p->paths[i];
        if (path->peer != peer || class_of(path->view) != class)
            continue;
        if (path->path_id == path_id)
            return i;
        if (any_id && path->use != PATH_HERE)
            other = i;
    }
    return other;
}

static size_t path_add(struct rib *r, struct rib_prefix *p)
{
    for (size_t i = 0; p->n == RIB_PREFIX_PATHS_MAX && i < p->n; i++)
        if (p->paths[i].use == PATH_GONE)
            path_remove(r, p, i);
    if (p->n == RIB_PREFIX_PATHS_MAX || r->n_paths >= room_for(p->watched, RIB_PATHS_MAX))
        return PATH_NONE;
    p->paths = mem_grow(p->paths, &p->room, p->n + 1, sizeof *p->paths);
    p->paths[p->n] = (struct rib_path){.path = mem_zalloc(sizeof(struct bgp_path))};
    r->n_paths++;
    return p->n++;
}

/* A post-policy route takes the place of the pre-policy ones. Returns whether there was
 * any. */
static bool replace_pre_policy(struct rib *r, struct rib_prefix *p, size_t peer,
                               uint32_t path_id)
{
    bool any = false;
    for (size_t i = p->n; i-- > 0;) {
        if (p->paths[i].peer != peer || p->paths[i].view != BMP_PRE_POLICY)
            continue;
        if (any) {
            path_remove(r, p, i);
            continue;
        }
        any = true;
        p->paths[i].view = BMP_POST_POLICY;
        p->paths[i].path_id = path_id;
    }
    return any;
}

static struct bgp_path without_own_as(const struct rib *r, const struct rib_peer *p,
                                      enum bmp_view view, const struct bgp_path *path)
{
    struct bgp_path is = *path;
    uint32_t local = local_as_of(r, p), other = r->routers[p->router].local_as;
    bool external = rib_is_session(p) && p->as != local;
    bool own = local != 0
                   ? is.as[0] == local || is.as[0] == other
                   : external && is.n_as > 1 && is.as[0] != p->as && is.as[1] == p->as;
    if (is.n_as > 0 && own && view != BMP_OUT)
        bgp_path_drop_first(&is);
    return is;
}

void rib_route(struct rib *r, struct rib_peer *peer, enum bmp_view view,
               const struct watched *watched, const struct bgp_prefix *prefix,
               uint32_t path_id, const struct bgp_path *path, struct instant now)
{
    size_t index = (size_t)(peer - r->peers);
    enum path_class class = class_of(view);
    bool ipv6 = bgp_prefix_family(prefix) == FAMILY_IPV6;
    if (view == BMP_OUT_PRE_POLICY || (view == BMP_PRE_POLICY && peer->has_post[ipv6]))
        return;
    if (path != NULL && r->n_paths >= room_for(watched, RIB_PATHS_MAX))
        sweep_gone(r);
    struct rib_prefix *p = prefix_get(r, prefix, watched, path != NULL);
    if (p == NULL) {
        r->not_kept += path != NULL;
        return;
    }
    /* Another choice of the router is an event, its choices in a table dump are none. */
    bool silent = class == CLASS_LOC_RIB && !peer->dumps[ipv6].over;
    if (view == BMP_POST_POLICY)
        silent = replace_pre_policy(r, p, index, path_id);
    size_t at = path_index(p, index, class, path_id, path != NULL);
    if (path == NULL) {
        if (at != PATH_NONE)
            withdraw(r, p, at, silent, NULL, now);
        return;
    }
    if (at == PATH_NONE) {
        silent = silent || !peer->dumps[ipv6].over;
        at = path_add(r, p);
        if (at == PATH_NONE) {
            r->not_kept++;
            return;
        }
        p->paths[at].peer = index;
    }
    p->paths[at].path_id = path_id;
    p->paths[at].view = view;
    struct bgp_path is = without_own_as(r, peer, view, path);
    announce(r, p, at, &is, silent, now);
}

/* ---- all paths of a peer ---- */

void rib_paths_withdraw(struct rib *r, const struct rib_peer *peer, enum rib_which which,
                        enum family family, const char *why, struct instant now)
{
    size_t index = (size_t)(peer - r->peers);
    for (size_t i = 0; i < r->n_prefixes; i++) {
        struct rib_prefix *p = &r->prefixes[i];
        if (family != FAMILY_NONE && bgp_prefix_family(&p->prefix) != family)
            continue;
        for (size_t k = 0; k < p->n; k++)
            if (p->paths[k].peer == index &&
                (which == RIB_ALL_PATHS || p->paths[k].use == PATH_STALE))
                withdraw(r, p, k, false, why, now);
    }
}

void rib_paths_stale(struct rib *r, const struct rib_peer *peer)
{
    for (size_t i = 0; i < r->n_prefixes; i++)
        for (size_t k = 0; k < r->prefixes[i].n; k++) {
            struct rib_path *path = &r->prefixes[i].paths[k];
            if (path->peer == (size_t)(peer - r->peers) && path->use == PATH_HERE)
                path->use = PATH_STALE;
        }
}

void rib_paths_forget(struct rib *r, const struct rib_peer *peer)
{
    for (size_t i = 0; i < r->n_prefixes; i++)
        for (size_t k = r->prefixes[i].n; k-- > 0;)
            if (r->prefixes[i].paths[k].peer == (size_t)(peer - r->peers))
                path_remove(r, &r->prefixes[i], k);
    sweep_gone(r);
}

void rib_paths_drop_refused(struct rib *r, const struct rib_peer *peer,
                            enum family family)
{
    for (size_t i = 0; i < r->n_prefixes; i++)
        for (size_t k = r->prefixes[i].n; k-- > 0;) {
            const struct rib_path *path = &r->prefixes[i].paths[k];
            if (path->peer == (size_t)(peer - r->peers) && path->view == BMP_PRE_POLICY &&
                bgp_prefix_family(&r->prefixes[i].prefix) == family)
                path_remove(r, &r->prefixes[i], k);
        }
    sweep_gone(r);
}

size_t rib_paths_count(const struct rib *r, const struct rib_peer *peer)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_prefixes; i++)
        for (size_t k = 0; k < r->prefixes[i].n; k++) {
            const struct rib_path *path = &r->prefixes[i].paths[k];
            n += path->peer == (size_t)(peer - r->peers) && path->use == PATH_HERE &&
                 path->view != BMP_OUT;
        }
    return n;
}

void rib_paths_free(struct rib *r)
{
    for (size_t i = 0; i < r->n_prefixes; i++) {
        for (size_t k = 0; k < r->prefixes[i].n; k++)
            free(r->prefixes[i].paths[k].path);
        free(r->prefixes[i].paths);
    }
    free(r->prefixes);
}
