#include "net/network.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define REPORTED_MAX 3

static bool same(const struct network_item *a, const struct network_item *b)
{
    return a->part == b->part && a->interface == b->interface && a->family == b->family &&
           endpoint_same_address(&a->address, &b->address) &&
           endpoint_same_address(&a->to, &b->to) && a->prefix_len == b->prefix_len &&
           a->metric == b->metric;
}

bool network_has(const struct network *n, const struct network_item *item)
{
    for (size_t i = 0; i < n->n; i++)
        if (same(&n->items[i], item))
            return true;
    return false;
}

void network_add(struct network *n, const struct network_item *item)
{
    if (n->n == NETWORK_ITEMS_MAX || network_has(n, item))
        return;
    n->items = mem_grow(n->items, &n->room, n->n + 1, sizeof *n->items);
    n->items[n->n++] = *item;
}

void network_forget_route(struct network *n, const struct endpoint *to)
{
    for (size_t i = n->n; i-- > 0 && to->family != FAMILY_NONE;)
        if (endpoint_same_address(&n->items[i].to, to))
            n->items[i] = n->items[--n->n];
}

void network_free(struct network *n)
{
    free(n->items);
    *n = (struct network){0};
}

/* ---- descriptions ---- */

static void add_address(struct text *out, const struct network_item *item)
{
    char address[ADDRESS_TEXT_MAX];
    text_add(out, "%s", endpoint_address(address, &item->address));
    if (item->part == NETWORK_ADDRESS)
        text_add(out, "/%u", item->prefix_len);
}

static void add_hop(struct text *out, const struct network_item *route, bool interface)
{
    bool gateway = route->address.family != FAMILY_NONE;
    add_address(out, route);
    if (interface || !gateway)
        text_add(out, gateway ? " by %s" : "%s", route->name);
}

static void add_route(struct text *out, const struct network_item *route)
{
    char to[ADDRESS_TEXT_MAX];
    if (route->to.family != FAMILY_NONE)
        text_add(out, "the route to %s", endpoint_address(to, &route->to));
    else
        text_add(out, "the %sdefault route", route->family == FAMILY_IPV6 ? "IPv6 " : "");
}

void network_item_text(struct text *out, const struct network_item *item)
{
    switch (item->part) {
    case NETWORK_LINK:
        text_add(out, "link %s", item->name);
        return;
    case NETWORK_ROUTE:
        add_route(out, item);
        text_add(out, item->address.family != FAMILY_NONE ? " " : " by ");
        add_hop(out, item, true);
        return;
    case NETWORK_ADDRESS:
        text_add(out, "address ");
        add_address(out, item);
        text_add(out, " of %s", item->name);
        return;
    }
}

static void add_one(struct text *out, const struct network_item *item, bool there)
{
    network_item_text(out, item);
    if (item->part == NETWORK_LINK)
        text_add(out, there ? " is up" : " is down");
    else
        text_add(out, there ? " is new" : " is gone");
}

/* ---- the routes in use ---- */

static bool is_default(const struct network_item *item)
{
    return item->part == NETWORK_ROUTE && item->to.family == FAMILY_NONE;
}

/* Of several default routes, those with the lowest metric are in use. */
static bool has_better_default(const struct network *all,
                               const struct network_item *route)
{
    for (size_t i = 0; i < all->n; i++)
        if (is_default(&all->items[i]) && all->items[i].family == route->family &&
            all->items[i].metric < route->metric)
            return true;
    return false;
}

static bool is_default_too(const struct network *used, const struct network_item *route)
{
    struct network_item as_default = *route;
    as_default.to = (struct endpoint){0};
    return network_has(used, &as_default);
}

static struct network routes_in_use(const struct network *all)
{
    struct network used = {0};
    for (int specific = 0; specific < 2; specific++)
        for (size_t i = 0; i < all->n; i++) {
            struct network_item route = all->items[i];
            bool wanted = specific
                              ? route.part == NETWORK_ROUTE && !is_default(&route)
                              : is_default(&route) && !has_better_default(all, &route);
            route.metric = 0;
            if (wanted && !(specific && is_default_too(&used, &route)))
                network_add(&used, &route);
        }
    return used;
}

static bool in_subnet(const struct endpoint *e, const struct network_item *address)
{
    return e->family == address->family &&
           endpoint_same_prefix(e->bytes, address->address.bytes, address->prefix_len);
}

/* Source address as chosen by the kernel: set by the route, else one in the subnet of
 * the gateway, else the first of the interface. NULL: none. */
static const struct network_item *ipv4_source(const struct network *all,
                                              const struct network_item *route)
{
    const struct network_item *first = NULL, *near = NULL;
    for (size_t i = 0; i < all->n; i++) {
        const struct network_item *a = &all->items[i];
        if (a->part != NETWORK_ADDRESS || a->family != FAMILY_IPV4)
            continue;
        if (endpoint_same_address(&a->address, &route->source))
            return a;
        if (a->interface != route->interface)
            continue;
        if (first == NULL)
            first = a;
        if (near == NULL && in_subnet(&route->address, a))
            near = a;
    }
    return near != NULL ? near : first;
}

/* The routes in use and their source addresses. */
static struct network in_use(const struct network *all)
{
    struct network used = routes_in_use(all);
    for (size_t r = 0, routes = used.n; r < routes; r++) {
        struct network_item route = used.items[r];
        const struct network_item *source = ipv4_source(all, &route);
        if (route.family == FAMILY_IPV4 && source != NULL)
            network_add(&used, source);
        for (size_t i = 0; route.family == FAMILY_IPV6 && i < all->n; i++)
            if (all->items[i].part == NETWORK_ADDRESS &&
                all->items[i].family == FAMILY_IPV6 &&
                all->items[i].interface == route.interface)
                network_add(&used, &all->items[i]);
    }
    return used;
}

bool network_gateway(const struct network *n, enum family family,
                     struct network_item *out)
{
    for (size_t i = 0; i < n->n; i++) {
        const struct network_item *r = &n->items[i];
        if (!is_default(r) || r->family != family || has_better_default(n, r) ||
            r->address.family == FAMILY_NONE)
            continue;
        *out = *r;
        if (endpoint_is_link_local(&r->address))
            out->address.scope = r->interface;
        return true;
    }
    return false;
}

bool network_uplink(const struct network *n, char name[INTERFACE_NAME_MAX])
{
    const struct network_item *best = NULL;
    for (size_t i = 0; i < n->n; i++) {
        const struct network_item *r = &n->items[i];
        if (is_default(r) && !has_better_default(n, r) &&
            (best == NULL || (best->family == FAMILY_IPV6 && r->family == FAMILY_IPV4)))
            best = r;
    }
    if (best != NULL)
        text_copy(name, INTERFACE_NAME_MAX, best->name);
    return best != NULL;
}

static bool carries_default(const struct network *n, uint32_t interface)
{
    bool any = false;
    for (size_t i = 0; i < n->n; i++) {
        any |= is_default(&n->items[i]);
        if (is_default(&n->items[i]) && n->items[i].interface == interface)
            return true;
    }
    return !any;
}

bool network_expects_route(const struct network *n, enum family family)
{
    for (size_t i = 0; i < n->n; i++) {
        const struct network_item *a = &n->items[i];
        bool local = endpoint_nobodys(&a->address) != NULL ||
                     (family == FAMILY_IPV6 && endpoint_is_private(&a->address));
        if (a->part == NETWORK_ADDRESS && a->family == family && !local &&
            carries_default(n, a->interface))
            return true;
    }
    return false;
}

void network_lack_text(struct text *out, const struct network *n)
{
    const struct network_item *link = NULL, *address = NULL, *route = NULL;
    for (size_t i = n->n; i-- > 0;) {
        const struct network_item *item = &n->items[i];
        if (item->part == NETWORK_LINK)
            link = item;
        else if (is_default(item))
            route = item;
        else if (item->part == NETWORK_ADDRESS &&
                 endpoint_nobodys(&item->address) == NULL)
            address = item;
    }
    if (link == NULL) {
        text_add(out, "no network interface is up; check cable or Wi-Fi: ip link");
    } else if (address == NULL) {
        text_add(out,
                 "interface %s has no address; check DHCP or its configuration: ip "
                 "address",
                 link->name);
    } else if (route == NULL) {
        text_add(out, "there is no default route, though %s has the address ",
                 address->name);
        add_address(out, address);
        text_add(out, "; add one: ip route");
    } else {
        network_item_text(out, route);
        text_add(out, " is not used; look at the rules: ip rule; ip route");
    }
}

static bool carries_route(const struct network *used, uint32_t interface,
                          enum family family)
{
    for (size_t i = 0; i < used->n; i++)
        if (used->items[i].part == NETWORK_ROUTE &&
            used->items[i].interface == interface &&
            (family == FAMILY_NONE || used->items[i].family == family))
            return true;
    return false;
}

bool network_uses(const struct network *n, uint32_t interface)
{
    struct network used = routes_in_use(n);
    bool uses = carries_route(&used, interface, FAMILY_NONE);
    network_free(&used);
    return uses;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash =
            (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(1099511628211); /* FNV-1a */
    return hash;
}

uint64_t network_place(const struct network *n)
{
    struct network used = in_use(n);
    uint64_t place = 0; /* the sum does not depend on the order */
    for (size_t i = 0; i < used.n; i++) {
        const struct network_item *item = &used.items[i];
        uint64_t hash = UINT64_C(14695981039346656037) ^ item->part;
        hash = hash_bytes(hash, &item->interface, sizeof item->interface);
        hash = hash_bytes(hash, &item->family, sizeof item->family);
        hash = hash_bytes(hash, &item->prefix_len, sizeof item->prefix_len);
        hash = hash_bytes(hash, item->address.bytes, sizeof item->address.bytes);
        hash = hash_bytes(hash, item->to.bytes, sizeof item->to.bytes);
        place += hash;
    }
    network_free(&used);
    return place;
}

static enum family family_in_use(const struct network *n)
{
    enum family family = FAMILY_NONE;
    for (size_t i = 0; i < n->n; i++)
        if (is_default(&n->items[i]) && family != FAMILY_IPV4)
            family = (enum family)n->items[i].family;
    return family;
}

/* The item without what changes in one network; an address becomes its prefix. */
static struct network_item lasting(const struct network_item *item)
{
    struct network_item i = *item;
    i.interface = i.metric = 0;
    for (size_t k = 0; i.part == NETWORK_ADDRESS && k < sizeof i.address.bytes; k++) {
        int bits = i.prefix_len - 8 * (int)k;
        i.address.bytes[k] &= bits >= 8   ? 0xff
                              : bits <= 0 ? 0
                                          : (uint8_t)(0xff00 >> bits);
    }
    return i;
}

/* The default routes of the family, and the prefixes of its source addresses. */
static struct network lasting_items(const struct network *n, enum family family)
{
    struct network plain = {0}, items = {0};
    for (size_t i = 0; i < n->n; i++)
        if (n->items[i].part != NETWORK_ROUTE || is_default(&n->items[i]))
            network_add(&plain, &n->items[i]);
    struct network used = in_use(&plain);
    for (size_t i = 0; i < used.n; i++) {
        struct network_item item = lasting(&used.items[i]);
        if (item.family == family)
            network_add(&items, &item);
    }
    network_free(&plain);
    network_free(&used);
    return items;
}

uint64_t network_identity(const struct network *n)
{
    struct network items = lasting_items(n, family_in_use(n));
    uint64_t identity = 0; /* the sum does not depend on the order */
    for (size_t i = 0; i < items.n; i++) {
        const struct network_item *item = &items.items[i];
        uint64_t hash = UINT64_C(14695981039346656037) ^ item->part;
        hash = hash_bytes(hash, &item->family, sizeof item->family);
        hash = hash_bytes(hash, &item->prefix_len, sizeof item->prefix_len);
        hash = hash_bytes(hash, item->address.bytes, sizeof item->address.bytes);
        if (item->part == NETWORK_ROUTE && item->address.family == FAMILY_NONE)
            hash = hash_bytes(hash, item->name, strlen(item->name));
        identity += hash;
    }
    network_free(&items);
    return identity;
}

/* Describes the replacement of a route or an address. */
static void add_move(struct text *out, const struct network_item *from,
                     const struct network_item *to)
{
    bool one_interface = from->interface == to->interface;
    if (from->part == NETWORK_ADDRESS) {
        text_add(out, "the address of %s went from ", from->name);
        add_address(out, from);
        text_add(out, " to ");
        add_address(out, to);
    } else {
        add_route(out, from);
        text_add(out, " went from ");
        add_hop(out, from, !one_interface);
        text_add(out, " to ");
        add_hop(out, to, true);
    }
}

/* ---- differences ---- */

static struct network without(const struct network *all, const struct network *these)
{
    struct network rest = {0};
    for (size_t i = 0; i < all->n; i++)
        if (!network_has(these, &all->items[i]))
            network_add(&rest, &all->items[i]);
    return rest;
}

/* Removes the replacement of `gone` from `came` and stores it in `out`; false: none. */
static bool take_successor(struct network_item *out, struct network *came,
                           const struct network_item *gone)
{
    if (gone->part == NETWORK_LINK)
        return false;
    for (size_t i = 0; i < came->n; i++) {
        const struct network_item *c = &came->items[i];
        if (c->part != gone->part || c->family != gone->family ||
            !endpoint_same_address(&c->to, &gone->to) ||
            (c->part == NETWORK_ADDRESS && c->interface != gone->interface))
            continue;
        *out = *c;
        came->items[i] = came->items[--came->n];
        return true;
    }
    return false;
}

struct report_list {
    struct text *out;
    size_t reported;
};

/* True if the report_next difference is reported, too. */
static bool report_next(struct report_list *t)
{
    if (t->reported++ >= REPORTED_MAX)
        return false;
    if (t->reported > 1)
        text_add(t->out, ", ");
    return true;
}

static void add_part(struct report_list *t, enum network_part part,
                     const struct network *gone, struct network *came)
{
    for (size_t i = 0; i < gone->n; i++) {
        const struct network_item *item = &gone->items[i];
        struct network_item successor;
        if (item->part != part)
            continue;
        bool moved = take_successor(&successor, came, item);
        if (!report_next(t))
            continue;
        if (moved)
            add_move(t->out, item, &successor);
        else
            add_one(t->out, item, false);
    }
    for (size_t i = 0; i < came->n; i++)
        if (came->items[i].part == part && report_next(t))
            add_one(t->out, &came->items[i], true);
}

/* Drops addresses of an interface that carries a route only before or only after: the
 * change of the route already says so. */
static struct network of_both(const struct network *differences,
                              const struct network *before, const struct network *after)
{
    struct network kept = {0};
    for (size_t i = 0; i < differences->n; i++) {
        const struct network_item *item = &differences->items[i];
        if (item->part == NETWORK_ROUTE ||
            (carries_route(before, item->interface, item->family) &&
             carries_route(after, item->interface, item->family)))
            network_add(&kept, item);
    }
    return kept;
}

/* Adds links of routes in use that are up in `one` but not in `other`. */
static void add_links(struct network *out, const struct network *one,
                      const struct network *other, const struct network *before,
                      const struct network *after)
{
    for (size_t i = 0; i < one->n; i++) {
        const struct network_item *item = &one->items[i];
        if (item->part == NETWORK_LINK && !network_has(other, item) &&
            (carries_route(before, item->interface, FAMILY_NONE) ||
             carries_route(after, item->interface, FAMILY_NONE)))
            network_add(out, item);
    }
}

size_t network_compare(struct text *out, const struct network *before,
                       const struct network *after)
{
    struct report_list t = {out, 0};
    struct network used_before = in_use(before), used_after = in_use(after);
    struct network all_gone = without(&used_before, &used_after);
    struct network all_came = without(&used_after, &used_before);
    struct network gone = of_both(&all_gone, &used_before, &used_after);
    struct network came = of_both(&all_came, &used_before, &used_after);
    add_links(&gone, before, after, &used_before, &used_after);
    add_links(&came, after, before, &used_before, &used_after);
    for (int part = NETWORK_LINK; part <= NETWORK_ADDRESS; part++)
        add_part(&t, (enum network_part)part, &gone, &came);
    if (t.reported > REPORTED_MAX)
        text_add(out, " and %zu more", t.reported - REPORTED_MAX);
    network_free(&used_before);
    network_free(&used_after);
    network_free(&all_gone);
    network_free(&all_came);
    network_free(&gone);
    network_free(&came);
    return t.reported;
}
