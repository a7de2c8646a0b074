#include "route/rib_show.h"

#include "base/json.h"
#include "route/rib_paths.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *state_of(const struct rib_prefix *p)
{
    return p->active != PATH_NONE ? "announced" : "withdrawn";
}

static const char *role_of_path(const struct rib *r, const struct rib_prefix *p,
                                size_t at)
{
    const struct rib_path *path = &p->paths[at];
    return path->use == PATH_GONE        ? "withdrawn"
           : path->loop                  ? "loop"
           : path->view == BMP_OUT       ? "sent"
           : at == p->active             ? "active"
           : at == p->backup             ? "backup"
           : rib_path_is_usable(r, path) ? "other"
                                         : "loc_rib";
}

/* Whether a peer has announced the prefix, now or before. */
static bool is_received(const struct rib_prefix *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->paths[i].view != BMP_OUT && !p->paths[i].loop)
            return true;
    return false;
}

enum {
    ROUTERS_LOST,
    SESSIONS_DOWN,
    PREFIXES_WITHDRAWN,
    PATHS_HIJACKED,
    PATHS_ODD,
    PROBLEMS
};

static void count_problems(const struct rib *r, size_t n[PROBLEMS])
{
    memset(n, 0, PROBLEMS * sizeof *n);
    for (size_t i = 0; i < RIB_ROUTERS_MAX; i++)
        n[ROUTERS_LOST] += r->routers[i].used && !r->routers[i].connected;
    for (size_t i = 0; i < RIB_PEERS_MAX; i++)
        n[SESSIONS_DOWN] += r->peers[i].used && rib_is_session(&r->peers[i]) &&
                            r->peers[i].state == SESSION_DOWN;
    for (size_t i = 0; i < r->n_prefixes; i++) {
        const struct rib_prefix *p = &r->prefixes[i];
        n[PREFIXES_WITHDRAWN] += p->active == PATH_NONE && is_received(p);
        for (size_t k = 0; k < p->n; k++) {
            unsigned checks = p->paths[k].use != PATH_GONE ? p->paths[k].checks : 0;
            bool hijacked = (checks & (CHECK_ORIGIN | CHECK_MORE_SPECIFIC)) != 0;
            n[PATHS_HIJACKED] += hijacked;
            n[PATHS_ODD] += checks != 0 && !hijacked;
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

void rib_summary(const struct rib *r, struct text *out)
{
    static const char *const texts[PATHS_ODD][2] = {
        {"router is not connected", "routers are not connected"},
        {"BGP session is down", "BGP sessions are down"},
        {"watched prefix is withdrawn", "watched prefixes are withdrawn"},
        {"path may be hijacked or leaked", "paths may be hijacked or leaked"},
    };
    const char *comma = "";
    size_t n[PROBLEMS];
    count_problems(r, n);
    for (size_t i = 0; i < PATHS_ODD; i++) {
        if (n[i] == 0)
            continue;
        text_add(out, "%s%zu %s", comma, n[i], texts[i][n[i] > 1]);
        comma = ", ";
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
    json_object(j, NULL);
    add_address(j, "peer", &p->address);
    json_unsigned(j, "peer_as", p->as);
    json_string(j, "router", rib_router_name(r, p->router));
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

static void add_checks(struct json *j, unsigned checks)
{
    json_array(j, "problems");
    for (unsigned i = 0; i < CHECKS; i++)
        if (checks >> i & 1)
            json_string(j, NULL, rib_check_names[i]);
    json_array_end(j);
}

static void add_path(struct json *j, const struct rib *r, const struct rib_prefix *p,
                     size_t at)
{
    const struct rib_path *path = &p->paths[at];
    const struct rib_peer *peer = &r->peers[path->peer];
    json_object(j, NULL);
    json_string(j, "role", role_of_path(r, p, at));
    add_address(j, "peer", &peer->address);
    json_string(j, "router", rib_router_name(r, peer->router));
    json_text(j, "location", rib_location(r, peer));
    json_array(j, "as_path");
    for (size_t i = 0; i < bgp_path_kept(path->path); i++)
        json_unsigned(j, NULL, path->path->as[i]);
    json_array_end(j);
    json_number(j, "origin_as",
                path->path->origin_as != 0 ? (double)path->path->origin_as : NAN);
    add_address(j, "next_hop", &path->path->next_hop);
    json_number(j, "local_pref",
                path->path->has_local_pref ? (double)path->path->local_pref : NAN);
    json_number(j, "med", path->path->has_med ? (double)path->path->med : NAN);
    add_communities(j, path->path);
    json_bool(j, "stale", path->use == PATH_STALE);
    add_time(j, "since", path->since);
    add_checks(j, path->use != PATH_GONE ? path->checks : 0);
    json_object_end(j);
}

void rib_json(const struct rib *r, const char *listen, struct text *out)
{
    char prefix[BGP_PREFIX_TEXT_MAX];
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_string(&j, "listen", listen);
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
        json_string(&j, "state", state_of(p));
        json_array(&j, "paths");
        for (size_t k = 0; k < p->n; k++)
            add_path(&j, r, p, k);
        json_array_end(&j);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_unsigned(&j, "not_kept", r->not_kept);
    json_object_end(&j);
    text_add(out, "\n");
}

/* ---- text ---- */

static void show_session(struct text *out, const struct rib *r, const struct rib_peer *p)
{
    char address[ADDRESS_TEXT_MAX], since[WALL_TEXT_MAX], available[16] = "-";
    if (!isnan(p->availability))
        snprintf(available, sizeof available, "%.1f %%", 100 * p->availability);
    text_add(out, "  %-24s %-11lu %-16s %-8s %5llu %8s %8zu  %s%s%s\n",
             endpoint_address(address, &p->address), (unsigned long)p->as,
             rib_router_name(r, p->router), session_state_name(p->state),
             (unsigned long long)p->flaps, available, rib_paths_count(r, p),
             p->since.ns != 0 ? wall_text(since, p->since) : "-",
             *rib_location(r, p) != '\0' ? "  " : "", rib_location(r, p));
}

static void show_path(struct text *out, const struct rib *r, const struct rib_prefix *p,
                      size_t at)
{
    char address[ADDRESS_TEXT_MAX], next_hop[ADDRESS_TEXT_MAX],
        as_path[BGP_PATH_TEXT_MAX];
    const struct rib_path *path = &p->paths[at];
    const struct rib_peer *peer = &r->peers[path->peer];
    text_add(out, "    %-9s from %s, next hop %s, AS path %s", role_of_path(r, p, at),
             rib_is_session(peer) ? endpoint_address(address, &peer->address)
                                  : rib_router_name(r, peer->router),
             endpoint_address(next_hop, &path->path->next_hop),
             bgp_path_text(as_path, path->path));
    for (unsigned i = 0; i < CHECKS && path->use != PATH_GONE; i++)
        if (path->checks >> i & 1)
            text_add(out, "; %s", rib_check_text(i));
    text_add(out, "%s\n", path->use == PATH_STALE ? "; stale" : "");
}

void rib_text(const struct rib *r, const char *listen, struct text *out)
{
    char text[WALL_TEXT_MAX], prefix[BGP_PREFIX_TEXT_MAX];
    size_t sessions = 0, routers = 0;
    text_add(out, "BMP station on %s\n", listen);
    for (size_t i = 0; i < RIB_ROUTERS_MAX; i++) {
        const struct rib_router *is = &r->routers[i];
        if (!is->used)
            continue;
        routers++;
        text_add(out, "  router %s: %s since %s, %llu messages, %llu malformed\n",
                 is->name, is->connected ? "connected" : "not connected",
                 wall_text(text, is->since), (unsigned long long)is->messages,
                 (unsigned long long)is->bad_messages);
    }
    if (routers == 0)
        text_add(out, "  no router has connected yet; point its BMP there "
                      "(edgelat.conf(5), section [bmp])\n");
    for (size_t i = 0; i < RIB_PEERS_MAX; i++) {
        const struct rib_peer *p = &r->peers[i];
        if (!p->used || !rib_is_session(p))
            continue;
        if (sessions++ == 0)
            text_add(out, "\nBGP sessions:\n  %-24s %-11s %-16s %-8s %5s %8s %8s  %s\n",
                     "PEER", "AS", "ROUTER", "STATE", "FLAPS", "UP", "WATCHED", "SINCE");
        show_session(out, r, p);
    }
    if (r->n_prefixes > 0)
        text_add(out, "\nWatched prefixes:\n");
    for (size_t i = 0; i < r->n_prefixes; i++) {
        const struct rib_prefix *p = &r->prefixes[i];
        text_add(out, "  %s (%s): %s\n", bgp_prefix_text(prefix, &p->prefix),
                 p->watched->service, state_of(p));
        for (size_t k = 0; k < p->n; k++)
            if (p->paths[k].view != BMP_LOC_RIB || k == p->active)
                show_path(out, r, p, k);
    }
    if (r->not_kept > 0)
        text_add(out, "\n%llu watched routes are beyond the limits and not kept\n",
                 (unsigned long long)r->not_kept);
}
