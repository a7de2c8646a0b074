#include "net/network.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define TOLD_MAX 3

static bool same(const struct network_item *a, const struct network_item *b)
{
    return a->part == b->part && a->interface == b->interface && a->family == b->family &&
           endpoint_same_address(&a->address, &b->address) &&
           a->prefix_len == b->prefix_len && a->metric == b->metric;
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

void network_free(struct network *n)
{
    free(n->items);
    *n = (struct network){0};
}

/* ---- in words ---- */

static void say_address(struct text *out, const struct network_item *item)
{
    char address[ADDRESS_TEXT_MAX];
    text_add(out, "%s", endpoint_address(address, &item->address));
    if (item->part == NETWORK_ADDRESS)
        text_add(out, "/%u", item->prefix_len);
}

static void say_hop(struct text *out, const struct network_item *route, bool interface)
{
    bool gateway = route->address.family != FAMILY_NONE;
    say_address(out, route);
    if (interface || !gateway)
        text_add(out, gateway ? " by %s" : "%s", route->name);
}

static const char *route_name(const struct network_item *route)
{
    return route->family == FAMILY_IPV6 ? "the IPv6 default route" : "the default route";
}

void network_item_text(struct text *out, const struct network_item *item)
{
    switch (item->part) {
    case NETWORK_LINK:
        text_add(out, "link %s", item->name);
        return;
    case NETWORK_ROUTE:
        text_add(out, "%s %s", route_name(item),
                 item->address.family != FAMILY_NONE ? "" : "by ");
        say_hop(out, item, true);
        return;
    case NETWORK_ADDRESS:
        text_add(out, "address ");
        say_address(out, item);
        text_add(out, " of %s", item->name);
        return;
    }
}

static void say_one(struct text *out, const struct network_item *item, bool there)
{
    network_item_text(out, item);
    if (item->part == NETWORK_LINK)
        text_add(out, there ? " is up" : " is down");
    else
        text_add(out, there ? " is new" : " is gone");
}

/* One route instead of another, or one address. */
static void say_move(struct text *out, const struct network_item *from,
                     const struct network_item *to)
{
    bool one_interface = from->interface == to->interface;
    if (from->part == NETWORK_ADDRESS) {
        text_add(out, "the address of %s went from ", from->name);
        say_address(out, from);
        text_add(out, " to ");
        say_address(out, to);
    } else if (one_interface && endpoint_same_address(&from->address, &to->address)) {
        text_add(out, "the metric of ");
        network_item_text(out, from);
        text_add(out, " went from %u to %u", from->metric, to->metric);
    } else {
        text_add(out, "%s went from ", route_name(from));
        say_hop(out, from, !one_interface);
        text_add(out, " to ");
        say_hop(out, to, true);
    }
}

/* ---- what is different ---- */

static struct network without(const struct network *all, const struct network *these)
{
    struct network rest = {0};
    for (size_t i = 0; i < all->n; i++)
        if (!network_has(these, &all->items[i]))
            network_add(&rest, &all->items[i]);
    return rest;
}

/* Takes what came in place of `gone` out of `came`; false: nothing did. */
static bool take_successor(struct network_item *out, struct network *came,
                           const struct network_item *gone)
{
    if (gone->part == NETWORK_LINK)
        return false;
    for (size_t i = 0; i < came->n; i++) {
        const struct network_item *c = &came->items[i];
        if (c->part != gone->part || c->family != gone->family ||
            (c->part == NETWORK_ADDRESS && c->interface != gone->interface))
            continue;
        *out = *c;
        came->items[i] = came->items[--came->n];
        return true;
    }
    return false;
}

struct telling {
    struct text *out;
    size_t told;
};

/* Whether the next one is to be told as well. */
static bool next(struct telling *t)
{
    if (t->told++ >= TOLD_MAX)
        return false;
    if (t->told > 1)
        text_add(t->out, ", ");
    return true;
}

static void tell_part(struct telling *t, enum network_part part,
                      const struct network *gone, struct network *came)
{
    for (size_t i = 0; i < gone->n; i++) {
        const struct network_item *item = &gone->items[i];
        struct network_item successor;
        if (item->part != part)
            continue;
        bool moved = take_successor(&successor, came, item);
        if (!next(t))
            continue;
        if (moved)
            say_move(t->out, item, &successor);
        else
            say_one(t->out, item, false);
    }
    for (size_t i = 0; i < came->n; i++)
        if (came->items[i].part == part && next(t))
            say_one(t->out, &came->items[i], true);
}

size_t network_compare(struct text *out, const struct network *before,
                       const struct network *after)
{
    struct telling t = {out, 0};
    struct network gone = without(before, after), came = without(after, before);
    for (int part = NETWORK_LINK; part <= NETWORK_ADDRESS; part++)
        tell_part(&t, (enum network_part)part, &gone, &came);
    if (t.told > TOLD_MAX)
        text_add(out, " and %zu more", t.told - TOLD_MAX);
    network_free(&gone);
    network_free(&came);
    return t.told;
}
