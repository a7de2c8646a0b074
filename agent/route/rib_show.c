#include "route/rib_show.h"

#include "base/json.h"
#include "route/rib_paths.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Whether a peer has announced the prefix, now or before. */
static bool is_received(const struct rib *r, const struct rib_prefix *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->paths[i].view != BMP_OUT && !p->paths[i].loop &&
            (p->paths[i].view != BMP_LOC_RIB ||
             !rib_has_adj_rib(r, &r->peers[p->paths[i].peer],
                              bgp_prefix_family(&p->prefix))))
            return true;
    return false;
}

bool rib_prefix_is_withdrawn(const struct rib *r, const struct rib_prefix *p)
{
    return rib_prefix_path(r, p) == NULL && is_received(r, p);
}

static const char *state_of(const struct rib *r, const struct rib_prefix *p)
{
    return rib_prefix_path(r, p) != NULL   ? "announced"
           : rib_prefix_is_withdrawn(r, p) ? "withdrawn"
                                           : "sent";
}

static const char *role_name(const struct rib_path *path)
{
    static const char *const names[] = {[PATH_NO_ROLE] = "loc_rib",
                                        [PATH_OTHER] = "other",
                                        [PATH_BACKUP] = "backup",
                                        [PATH_CANDIDATE] = "candidate",
                                        [PATH_ACTIVE] = "active"};
    return path->use == PATH_GONE  ? "withdrawn"
           : path->loop            ? "loop"
           : path->view == BMP_OUT ? "sent"
                                   : names[path->role];
}

enum {
    ROUTERS_MISSING, /* 1: none has ever connected */
    ROUTERS_LOST,
    SESSIONS_DOWN,
    PREFIXES_WITHDRAWN,
    PATHS_HIJACKED,
    PATHS_FAULTY,
    VALIDATOR_FAILED,
    PROBLEMS
};

static size_t count_routers(const struct rib *r)
{
    size_t n = 0;
    for (size_t i = 0; i < RIB_ROUTERS_MAX; i++)
        n += r->routers[i].used;
    return n;
}

static unsigned faults_of(const struct rib_prefix *p, const struct rib_path *path)
{
    return path->use != PATH_GONE ? rib_faults(path->checks, p->watched) : 0;
}

static void count_problems(const struct rib *r, size_t n[PROBLEMS])
{
    memset(n, 0, PROBLEMS * sizeof *n);
    n[ROUTERS_MISSING] = r->is.routers[0] != '\0' && count_routers(r) == 0;
    n[VALIDATOR_FAILED] = r->is.validator != NULL && r->is.validator->why[0] != '\0';
    for (size_t i = 0; i < RIB_ROUTERS_MAX; i++)
        n[ROUTERS_LOST] += r->routers[i].used && !r->routers[i].connected;
    for (size_t i = 0; i < RIB_PEERS_MAX; i++)
        n[SESSIONS_DOWN] += r->peers[i].used && rib_is_session(&r->peers[i]) &&
                            r->peers[i].state == SESSION_DOWN;
    for (size_t i = 0; i < r->n_prefixes; i++) {
        const struct rib_prefix *p = &r->prefixes[i];
        n[PREFIXES_WITHDRAWN] += rib_prefix_is_withdrawn(r, p);
        for (size_t k = 0; k < p->n; k++) {
            unsigned faults = faults_of(p, &p->paths[k]);
            bool hijacked =
                (faults & (CHECK_ORIGIN | CHECK_MORE_SPECIFIC | CHECK_INVALID)) != 0;
            n[PATHS_HIJACKED] += hijacked;
            n[PATHS_FAULTY] += faults != 0 && !hijacked;
        }
    }
}

bool rib_has_problems(const struct rib *r)
{
    size_t n[PROBLEMS], all = 0;
    count_problems(r, n);
    for (size_t i = 0; i < PROBLEMS; i++)
        all += n[i];
    return all > 0;
}

/* "the RPKI validator 192.0.2.20:323 has failed since 2026-11-29T10:00:00.000Z: ..." */
static void add_validator_problem(const struct validator *v, struct text *out)
{
    char since[WALL_TEXT_MAX];
    text_add(
        out,
        "the RPKI validator %s is not reached since %s: %s, so %s; check that it runs "
        "and lets this host in, or correct validator in [bmp]",
        v->address, wall_text(since, v->since), v->why,
        v->rtr->has_data ? "its last data count until they expire"
                         : "origins are not validated");
}

static void add_left_out(const struct rib *r, struct text *out)
{
    text_add(
        out,
        "%zu series of edgelat.prefix are left out of the metrics, at most %d rows of "
        "BGP are sent, those of registered prefixes first",
        r->values_left_out, RIB_VALUES_MAX);
}

void rib_summary(const struct rib *r, struct text *out)
{
    static const char *const texts[VALIDATOR_FAILED][2] = {
        {"no router has connected", "no router has connected"},
        {"router is not connected", "routers are not connected"},
        {"BGP session is down", "BGP sessions are down"},
        {"watched prefix is withdrawn", "watched prefixes are withdrawn"},
        {"path may be hijacked or leaked", "paths may be hijacked or leaked"},
        {"path of a registered prefix breaks a rule of Peering Service",
         "paths of registered prefixes break a rule of Peering Service"},
    };
    const char *comma = "";
    size_t n[PROBLEMS];
    count_problems(r, n);
    if (n[ROUTERS_MISSING] > 0 && r->now.mono.ns - r->began.mono.ns >= RIB_EXPECTED_NS) {
        text_add(out, "%s", texts[ROUTERS_MISSING][0]);
        comma = ", ";
    }
    for (size_t i = ROUTERS_LOST; i < VALIDATOR_FAILED; i++) {
        if (n[i] == 0)
            continue;
        text_add(out, "%s%zu %s", comma, n[i], texts[i][n[i] > 1]);
        comma = ", ";
    }
    if (r->dropped_last > 0) {
        text_add(
            out, "%s%llu BGP event%s of the last window %s dropped, at most %d are kept",
            comma, (unsigned long long)r->dropped_last, r->dropped_last == 1 ? "" : "s",
            r->dropped_last == 1 ? "was" : "were", RIB_EVENTS_MAX);
        comma = ", ";
    }
    if (r->values_left_out > 0) {
        text_add(out, "%s", comma);
        add_left_out(r, out);
        comma = ", ";
    }
    if (n[VALIDATOR_FAILED] > 0) {
        text_add(out, "%s", comma);
        add_validator_problem(r->is.validator, out);
    }
}

/* ---- JSON ---- */

static void add_time(struct json *j, const char *key, struct wall time)
{
    char text[WALL_TEXT_MAX];
    json_string(j, key, time.ns != 0 ? wall_text(text, time) : NULL);
}

static void add_address(struct json *j, const char *key, const struct endpoint *e)
{
    char text[ADDRESS_TEXT_MAX];
    json_text(j, key, endpoint_address(text, e));
}

static void add_router(struct json *j, const struct rib_router *is)
{
    json_object(j, NULL);
    json_string(j, "router", is->name);
    add_address(j, "address", &is->address);
    json_bool(j, "connected", is->connected);
    add_time(j, "since", is->since);
    json_number(j, "local_as", is->local_as != 0 ? (double)is->local_as : NAN);
    json_unsigned(j, "connects", is->connects);
    json_unsigned(j, "messages", is->messages);
    json_unsigned(j, "bad_messages", is->bad_messages);
    json_object_end(j);
}

static void add_session(struct json *j, const struct rib *r, const struct rib_peer *p)
{
    char vrf[RIB_VRF_TEXT_MAX];
    json_object(j, NULL);
    add_address(j, "peer", &p->address);
    json_unsigned(j, "peer_as", p->as);
    json_string(j, "router", rib_router_name(r, p->router));
    json_text(j, "vrf", rib_vrf(vrf, p));
    json_text(j, "table", p->name);
    json_text(j, "location", rib_location(r, p));
    json_string(j, "state", session_state_name(p->state));
    add_time(j, "since", p->since);
    json_text(j, "reason", p->state == SESSION_DOWN ? p->reason : NULL);
    json_unsigned(j, "flaps", p->flaps);
    json_bool(j, "flapping", p->flapping);
    json_number(j, "availability", p->availability);
    json_unsigned(j, "announced", p->announced);
    json_unsigned(j, "withdrawn", p->withdrawn);
    json_number(j, "received_routes", p->has_adj_rib_in ? (double)p->adj_rib_in : NAN);
    json_unsigned(j, "watched_routes", rib_paths_count(r, p));
    json_object_end(j);
}

static void add_communities(struct json *j, const struct bgp_path *path)
{
    char text[48];
    json_array(j, "communities");
    for (size_t i = 0; i < path->n_communities && i < BGP_COMMUNITIES_MAX; i++) {
        uint32_t c = path->communities[i];
        snprintf(text, sizeof text, "%u:%u", (unsigned)(c >> 16), (unsigned)(c & 0xffff));
        json_string(j, NULL, text);
    }
    json_array_end(j);
    json_array(j, "large_communities");
    for (size_t i = 0; i < path->n_large && i < BGP_LARGE_MAX; i++) {
        const struct bgp_large_community *c = &path->large[i];
        snprintf(text, sizeof text, "%lu:%lu:%lu", (unsigned long)c->global,
                 (unsigned long)c->local[0], (unsigned long)c->local[1]);
        json_string(j, NULL, text);
    }
    json_array_end(j);
}

static void add_checks(struct json *j, const char *key, unsigned checks)
{
    json_array(j, key);
    for (unsigned i = 0; i < CHECKS; i++)
        if (checks >> i & 1)
            json_string(j, NULL, rib_check_names[i]);
    json_array_end(j);
}

/* Null: the path does not lead to Microsoft. */
static void add_hops(struct json *j, const struct rib *r, const struct rib_path *path)
{
    size_t hops = rib_as_hops(r, path->path);
    json_number(j, "as_hops", hops != SIZE_MAX ? (double)hops : NAN);
}

static void add_path(struct json *j, const struct rib *r, const struct rib_prefix *p,
                     size_t at)
{
    const struct rib_path *path = &p->paths[at];
    const struct rib_peer *peer = &r->peers[path->peer];
    char vrf[RIB_VRF_TEXT_MAX];
    json_object(j, NULL);
    json_string(j, "role", role_name(path));
    json_bool(j, "as_configured", path->configured);
    add_address(j, "peer", &peer->address);
    json_string(j, "router", rib_router_name(r, peer->router));
    json_text(j, "vrf", rib_vrf(vrf, peer));
    json_text(j, "location", rib_location(r, peer));
    json_array(j, "as_path");
    for (size_t i = 0; i < bgp_path_kept(path->path); i++)
        json_unsigned(j, NULL, path->path->as[i]);
    json_array_end(j);
    json_number(j, "origin_as",
                path->path->origin_as != 0 ? (double)path->path->origin_as : NAN);
    json_string(
        j, "origin_validation",
        origin_state_name(rib_origin_state(r, p, &r->peers[path->peer], path->path)));
    add_address(j, "next_hop", &path->path->next_hop);
    json_number(j, "local_pref",
                path->path->has_local_pref ? (double)path->path->local_pref : NAN);
    json_number(j, "med", path->path->has_med ? (double)path->path->med : NAN);
    add_communities(j, path->path);
    json_bool(j, "stale", path->use == PATH_STALE);
    add_time(j, "since", path->since);
    unsigned checks = path->use != PATH_GONE ? path->checks : 0;
    unsigned faults = faults_of(p, path);
    add_hops(j, r, path);
    add_checks(j, "problems", faults);
    add_checks(j, "facts", checks & ~faults);
    json_object_end(j);
}

/* Null: none is configured. */
static void add_validator(struct json *j, const struct validator *v)
{
    if (v == NULL) {
        json_string(j, "validator", NULL);
        return;
    }
    json_object(j, "validator");
    json_string(j, "address", v->address);
    json_string(j, "state",
                v->reached          ? "reached"
                : v->why[0] != '\0' ? "failed"
                                    : "connecting");
    add_time(j, "since", v->since);
    json_text(j, "error", v->why);
    json_bool(j, "has_data", v->rtr->has_data);
    json_unsigned(j, "prefixes", v->rtr->table.n);
    json_object_end(j);
}

void rib_json(const struct rib *r, const char *listen, struct text *out)
{
    char prefix[BGP_PREFIX_TEXT_MAX];
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_string(&j, "listen", listen);
    add_validator(&j, r->is.validator);
    json_array(&j, "routers");
    for (size_t i = 0; i < RIB_ROUTERS_MAX; i++)
        if (r->routers[i].used)
            add_router(&j, &r->routers[i]);
    json_array_end(&j);
    json_array(&j, "sessions");
    for (size_t i = 0; i < RIB_PEERS_MAX; i++)
        if (r->peers[i].used && rib_is_session(&r->peers[i]))
            add_session(&j, r, &r->peers[i]);
    json_array_end(&j);
    json_array(&j, "prefixes");
    for (size_t i = 0; i < r->n_prefixes; i++) {
        const struct rib_prefix *p = &r->prefixes[i];
        json_object(&j, NULL);
        json_string(&j, "prefix", bgp_prefix_text(prefix, &p->prefix));
        json_string(&j, "service", p->watched->service);
        json_bool(&j, "registered", p->watched->registered);
        json_string(&j, "watched", bgp_prefix_text(prefix, &p->watched->prefix));
        json_string(&j, "state", state_of(r, p));
        json_array(&j, "paths");
        for (size_t k = 0; k < p->n; k++)
            add_path(&j, r, p, k);
        json_array_end(&j);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_unsigned(&j, "not_kept", r->not_kept);
    json_unsigned(&j, "events_dropped", r->dropped);
    json_unsigned(&j, "series_left_out", r->values_left_out);
    json_object_end(&j);
    text_add(out, "\n");
}

/* ---- text ---- */

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static void show_router(struct text *out, const struct rib_router *is)
{
    char since[WALL_TEXT_MAX], address[ADDRESS_TEXT_MAX];
    endpoint_address(address, &is->address);
    text_add(out, "  router %s", is->name);
    if (strcmp(address, is->name) != 0)
        text_add(out, " (%s)", address);
    text_add(out, ": %s since %s\n", is->connected ? "connected" : "not connected",
             wall_text(since, is->since));
    text_add(out, "    %llu message%s, %llu malformed, %llu connection%s\n",
             (unsigned long long)is->messages, plural(is->messages),
             (unsigned long long)is->bad_messages, (unsigned long long)is->connects,
             plural(is->connects));
}

static bool has_connected(const struct rib *r, const struct endpoint *address)
{
    for (size_t i = 0; i < RIB_ROUTERS_MAX; i++)
        if (r->routers[i].used && endpoint_same_address(&r->routers[i].address, address))
            return true;
    return false;
}

/* The routers of the configuration that have never connected. */
static void show_missing(struct text *out, const struct rib *r)
{
    const char *list = r->is.routers;
    char address[ADDRESS_TEXT_MAX];
    for (struct endpoint e; endpoint_next(&list, &e);)
        if (!has_connected(r, &e))
            text_add(out, "  router %s: has not connected\n",
                     endpoint_address(address, &e));
    if (r->is.routers[0] == '\0' || count_routers(r) > 0)
        return;
    long long seconds = (r->now.mono.ns - r->began.mono.ns) / NS_PER_S;
    text_add(
        out,
        "\nNo router has connected in the %lld s since the agent started, so nothing "
        "is\nknown of BGP. Point the BMP of the router to the address above; see\n"
        "edgelat.conf(5), section [bmp].\n",
        seconds);
}

static void show_validator(struct text *out, const struct validator *v)
{
    char since[WALL_TEXT_MAX];
    size_t n = v->rtr->table.n;
    if (v->why[0] != '\0') {
        text_add(out, "  problem: ");
        add_validator_problem(v, out);
        text_add(out, "\n");
    } else if (v->reached) {
        text_add(out,
                 "  RPKI validator %s: reached since %s, %zu prefix%s for the watched "
                 "routes\n",
                 v->address, wall_text(since, v->since), n, n == 1 ? "" : "es");
    } else {
        text_add(out, "  RPKI validator %s: connecting\n", v->address);
    }
}

static void show_session(struct text *out, const struct rib *r, const struct rib_peer *p)
{
    char address[ADDRESS_TEXT_MAX], since[WALL_TEXT_MAX], vrf[RIB_VRF_TEXT_MAX];
    size_t watched = rib_paths_count(r, p);
    text_add(out, "  %s (AS%lu) of %s", endpoint_address(address, &p->address),
             (unsigned long)p->as, rib_router_name(r, p->router));
    if (*rib_vrf(vrf, p) != '\0')
        text_add(out, ", VRF %s", vrf);
    if (p->name[0] != '\0')
        text_add(out, ", table %s", p->name);
    if (*rib_location(r, p) != '\0')
        text_add(out, ", %s", rib_location(r, p));
    text_add(out, "\n    %s", session_state_name(p->state));
    if (p->since.ns != 0)
        text_add(out, " since %s", wall_text(since, p->since));
    if (p->state == SESSION_DOWN && p->reason[0] != '\0')
        text_add(out, ": %s", p->reason);
    text_add(out, "\n    ");
    if (!isnan(p->availability))
        text_add(out, "%.1f %% of the last window up, ", 100 * p->availability);
    text_add(out, "%llu flap%s%s, %zu watched route%s", (unsigned long long)p->flaps,
             plural(p->flaps), p->flapping ? " (flapping)" : "", watched,
             plural(watched));
    if (p->has_adj_rib_in)
        text_add(out, " of %llu", (unsigned long long)p->adj_rib_in);
    text_add(out, "\n");
}

static void show_checks(struct text *out, const struct rib_prefix *p,
                        const struct rib_path *path)
{
    unsigned faults = faults_of(p, path);
    for (unsigned i = 0; i < CHECKS && path->use != PATH_GONE; i++)
        if (path->checks >> i & 1)
            text_add(out, "              %s%s\n", faults >> i & 1 ? "problem: " : "",
                     rib_check_text(i));
}

static void show_path(struct text *out, const struct rib *r, const struct rib_prefix *p,
                      size_t at)
{
    char address[ADDRESS_TEXT_MAX], next_hop[ADDRESS_TEXT_MAX],
        as_path[BGP_PATH_TEXT_MAX];
    const struct rib_path *path = &p->paths[at];
    const struct rib_peer *peer = &r->peers[path->peer];
    size_t hops = rib_as_hops(r, path->path);
    bool several = count_routers(r) > 1; /* each has an active path */
    text_add(out, "    %-9s %s %s%s%s, next hop %s%s%s\n", role_name(path),
             path->view == BMP_OUT ? "to" : "from",
             rib_is_session(peer) ? endpoint_address(address, &peer->address)
                                  : rib_router_name(r, peer->router),
             several && rib_is_session(peer) ? " at " : "",
             several && rib_is_session(peer) ? rib_router_name(r, peer->router) : "",
             endpoint_address(next_hop, &path->path->next_hop),
             path->use == PATH_STALE ? ", stale" : "",
             path->configured ? ", as configured" : "");
    bgp_path_text(as_path, path->path);
    text_add(out, "              AS path %s", as_path[0] != '\0' ? as_path : "empty");
    if (hops != SIZE_MAX)
        text_add(out, ", %zu AS hop%s to Microsoft", hops, plural(hops));
    const char *origin = origin_state_text(rib_origin_state(r, p, peer, path->path));
    if (r->is.validator != NULL && path->view != BMP_OUT)
        text_add(out, ", origin %s by RPKI", origin);
    text_add(out, "\n");
    show_checks(out, p, path);
}

static bool has_candidates(const struct rib_prefix *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->paths[i].role == PATH_CANDIDATE)
            return true;
    return false;
}

static void show_prefix(struct text *out, const struct rib *r, const struct rib_prefix *p)
{
    char prefix[BGP_PREFIX_TEXT_MAX];
    text_add(out, "  %s (%s): %s%s\n", bgp_prefix_text(prefix, &p->prefix),
             p->watched->service, state_of(r, p),
             has_candidates(p) ? ", cannot tell which path is active" : "");
    for (size_t k = 0; k < p->n; k++)
        if (p->paths[k].view != BMP_LOC_RIB || p->paths[k].role != PATH_NO_ROLE)
            show_path(out, r, p, k);
}

void rib_text(const struct rib *r, const char *listen, struct text *out)
{
    size_t sessions = 0;
    text_add(out, "BMP station on %s\n", listen);
    for (size_t i = 0; i < RIB_ROUTERS_MAX; i++)
        if (r->routers[i].used)
            show_router(out, &r->routers[i]);
    show_missing(out, r);
    if (r->is.validator != NULL)
        show_validator(out, r->is.validator);
    for (size_t i = 0; i < RIB_PEERS_MAX; i++)
        if (r->peers[i].used && rib_is_session(&r->peers[i])) {
            text_add(out, "%s", sessions++ == 0 ? "\nBGP sessions:\n" : "");
            show_session(out, r, &r->peers[i]);
        }
    if (r->n_prefixes > 0)
        text_add(out, "\nWatched prefixes:\n");
    bool unknown = false;
    for (size_t i = 0; i < r->n_prefixes; i++) {
        show_prefix(out, r, &r->prefixes[i]);
        unknown = unknown || has_candidates(&r->prefixes[i]);
    }
    if (unknown)
        text_add(out,
                 "\n(cannot tell: the router may prefer any candidate, as by a local "
                 "preference that it does\nnot report. Let it send its Loc-RIB, or set "
                 "primary_peers and backup_peers in [bmp])\n");
    if (r->not_kept > 0)
        text_add(out, "\n%llu watched route%s not kept, beyond the limits\n",
                 (unsigned long long)r->not_kept, r->not_kept == 1 ? " is" : "s are");
    if (r->values_left_out > 0) {
        text_add(out, "\n");
        add_left_out(r, out);
        text_add(out, "\n");
    }
    if (r->dropped > 0)
        text_add(out, "\n%llu event%s dropped since the start: at most %d of a window\n",
                 (unsigned long long)r->dropped, r->dropped == 1 ? " was" : "s were",
                 RIB_EVENTS_MAX);
}
