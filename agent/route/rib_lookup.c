#include "route/rib_lookup.h"

#include "base/text.h"

#include <string.h>

enum { FULL_IPV4 = 32, FULL_IPV6 = 128 };

static struct bgp_prefix whole(const struct endpoint *address)
{
    return bgp_prefix_of(address, address->family == FAMILY_IPV4 ? FULL_IPV4 : FULL_IPV6);
}

static bool is_address(const struct endpoint *e)
{
    return e->family == FAMILY_IPV4 || e->family == FAMILY_IPV6;
}

bool rib_lookup(const struct rib *r, const struct endpoint *address,
                struct route_found *out)
{
    const struct rib_prefix *best = NULL;
    const struct rib_path *path = NULL;
    if (!is_address(address))
        return false;
    struct bgp_prefix host = whole(address);
    for (size_t i = 0; i < r->n_prefixes; i++) {
        const struct rib_prefix *p = &r->prefixes[i];
        if (bgp_prefix_covers(&p->prefix, &host) && rib_prefix_path(r, p) != NULL &&
            (best == NULL || p->prefix.bits > best->prefix.bits))
            best = p;
    }
    for (size_t i = 0; best != NULL && i < best->n; i++) {
        if (!rib_path_is_in_use(&best->paths[i]))
            continue;
        if (path != NULL && !bgp_path_same_as(path->path, best->paths[i].path))
            return false;
        path = path == NULL ? &best->paths[i] : path;
    }
    if (path == NULL)
        return false;
    *out = (struct route_found){.prefix = best->prefix,
                                .n_as = bgp_path_kept(path->path),
                                .origin_as = path->path->origin_as,
                                .peer = r->peers[path->peer].address};
    memcpy(out->as, path->path->as, sizeof out->as);
    text_copy(out->router, sizeof out->router,
              rib_router_name(r, r->peers[path->peer].router));
    return true;
}

/* ---- in the answer of the routes socket ---- */

static bool read_address(struct json_span value, struct endpoint *out)
{
    char text[ADDRESS_TEXT_MAX];
    return json_read_string(value, text, sizeof text) && endpoint_parse(out, text, 0);
}

static bool read_prefix(struct json_span value, struct bgp_prefix *out)
{
    char text[BGP_PREFIX_TEXT_MAX];
    return json_read_string(value, text, sizeof text) && bgp_prefix_parse(out, text);
}

static uint32_t read_as(struct json_span value)
{
    int64_t as;
    return json_read_integer(value, &as) && as > 0 && as <= UINT32_MAX ? (uint32_t)as : 0;
}

static void read_path(struct json_span path, struct route_found *out)
{
    struct json_span list = json_member(path, "as_path"), as = {0};
    for (out->n_as = 0; out->n_as < BGP_AS_MAX && json_next_item(list, &as);)
        out->as[out->n_as++] = read_as(as);
    out->origin_as = read_as(json_member(path, "origin_as"));
    if (!read_address(json_member(path, "peer"), &out->peer))
        out->peer = (struct endpoint){.family = FAMILY_NONE};
    json_read_string(json_member(path, "router"), out->router, sizeof out->router);
}

static bool is_in_use(struct json_span path)
{
    char role[16];
    return json_read_string(json_member(path, "role"), role, sizeof role) &&
           (strcmp(role, "active") == 0 || strcmp(role, "candidate") == 0);
}

/* Reads the first path in use. Returns how many are; `*agree`: with the same AS path. */
static size_t read_paths(struct json_span prefix, struct route_found *out, bool *agree)
{
    struct json_span paths = json_member(prefix, "paths"), path = {0};
    struct route_found other = *out;
    size_t n = 0;
    *agree = true;
    while (json_next_item(paths, &path)) {
        if (!is_in_use(path))
            continue;
        read_path(path, n++ == 0 ? out : &other);
        if (n > 1)
            *agree = *agree && other.n_as == out->n_as &&
                     memcmp(other.as, out->as, out->n_as * sizeof *out->as) == 0;
    }
    return n;
}

bool rib_lookup_answer(struct json_span answer, const struct endpoint *address,
                       struct route_found *out)
{
    struct json_span prefixes = json_member(answer, "prefixes"), item = {0};
    bool found = false, agree = false;
    if (!is_address(address))
        return false;
    struct bgp_prefix host = whole(address);
    while (json_next_item(prefixes, &item)) {
        struct route_found is = {0};
        bool same;
        if (!read_prefix(json_member(item, "prefix"), &is.prefix) ||
            !bgp_prefix_covers(&is.prefix, &host) ||
            (found && is.prefix.bits <= out->prefix.bits) ||
            read_paths(item, &is, &same) == 0)
            continue;
        *out = is;
        found = true;
        agree = same;
    }
    return found && agree;
}
