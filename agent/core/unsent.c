#include "core/unsent.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void unsent_route(struct unsent *u, enum family family, enum unsent_route route)
{
    size_t slot = family_slot(family);
    u->now[slot] = route;
    u->lacked[slot] |= route != UNSENT_ROUTE;
    u->had[slot] |= route == UNSENT_ROUTE;
}

static void set_no_route(struct unsent *u, size_t number, size_t slot, bool is)
{
    if (number >= u->n) {
        if (!is)
            return;
        u->no_routes = mem_grow(u->no_routes, &u->room, number + 1, 1);
        memset(u->no_routes + u->n, 0, number + 1 - u->n);
        u->n = number + 1;
    }
    uint8_t bit = (uint8_t)(1U << slot);
    u->no_routes[number] =
        (uint8_t)(is ? u->no_routes[number] | bit : u->no_routes[number] & ~bit);
}

static bool has_no_route(const struct unsent *u, size_t number, size_t slot)
{
    return number < u->n && (u->no_routes[number] & 1U << slot) != 0;
}

void unsent_result(struct unsent *u, size_t number, const struct result *r, bool routed)
{
    bool unsent = r->outcome == OUTCOME_NOT_MEASURED;
    size_t slot = family_slot((enum family)r->to.family);
    size_t kind = r->kind != NULL ? kinds_find(u->kinds, r->kind->name) : KIND_NONE;
    set_no_route(u, number, slot, unsent && !routed);
    u->any |= unsent;
    if (unsent && kind != KIND_NONE)
        text_copy(u->last[kind][slot], UNSENT_TEXT_MAX, r->cause);
}

/* ---- a window has closed ---- */

/* Nothing that a service has an address for has a route. */
static bool is_offline(const struct unsent *u, const struct batch *b)
{
    size_t services = 0;
    if (u->now[SLOT_IPV4] == UNSENT_ROUTE || u->now[SLOT_IPV6] == UNSENT_ROUTE)
        return false;
    for (size_t t = 0; t < b->n_targets; t++) {
        const struct target_state *is = &b->targets[t];
        if (is->target->gateway || target_is_resolver(is->target, u->kinds))
            continue;
        services++;
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            if (is->addresses[f].to.family != FAMILY_NONE && !has_no_route(u, t, f))
                return false;
    }
    return services > 0;
}

/* Counts the addresses of a family that have no route. True: there are no others, or the
 * route was missing the whole window. */
static bool count_unrouted(struct unsent *u, size_t family, const struct batch *b)
{
    size_t others = 0;
    u->unrouted[family] = 0;
    for (size_t t = 0; t < b->n_targets; t++) {
        if (b->targets[t].addresses[family].to.family == FAMILY_NONE)
            continue;
        u->unrouted[family] += has_no_route(u, t, family);
        others += !has_no_route(u, t, family);
    }
    return others == 0 || !u->had[family] || u->now[family] == UNSENT_ROUTE;
}

static bool is_unsent(const struct unsent *u, const struct series *s)
{
    size_t slot = family_slot(s->family);
    return s->window.sent == 0 && s->window.outcomes[OUTCOME_NOT_MEASURED] > 0 &&
           (slot == SLOT_PROXY || !u->lacked[slot]);
}

static bool still_has_address(const struct unsent_cause *c, const struct batch *b)
{
    for (size_t t = 0; t < b->n_targets; t++)
        if (b->targets[t].target == c->target)
            return b->targets[t].addresses[family_slot(c->family)].to.family !=
                   FAMILY_NONE;
    return false;
}

/* A window without results of the stream changes nothing. */
static void find_cause(struct unsent *u, size_t kind, const struct batch *b)
{
    struct unsent_cause *c = &u->causes[kind];
    if (c->target == NULL && !u->any)
        return;
    if (c->target != NULL && !still_has_address(c, b))
        c->target = NULL;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < b->n_series; i++) {
            const struct series *s = b->series[i];
            if (!s->in_window || s->kind != u->kinds->list[kind])
                continue;
            bool same = c->target == s->target && c->family == s->family;
            bool unsent = is_unsent(u, s);
            if (pass == 0 && same && !unsent)
                c->target = NULL;
            if (pass == 1 && unsent && c->target == NULL)
                *c = (struct unsent_cause){s->target, s->kind, s->family, ""};
        }
    if (c->target != NULL)
        text_copy(c->text, sizeof c->text, u->last[kind][family_slot(c->family)]);
}

void unsent_close(struct unsent *u, const struct batch *b)
{
    bool decided = count_unrouted(u, SLOT_IPV4, b) & count_unrouted(u, SLOT_IPV6, b);
    u->offline = is_offline(u, b);
    for (size_t f = 0; f < 2; f++) {
        u->routes[f] = u->now[f];
        u->missing[f] = (decided || u->missing[f]) && !u->offline &&
                        u->routes[f] == UNSENT_NO_ROUTE && u->unrouted[f] > 0;
    }
    for (size_t k = 0; k < u->kinds->n; k++)
        find_cause(u, k, b);
    for (size_t f = 0; f < 2; f++) {
        u->had[f] = u->now[f] == UNSENT_ROUTE;
        u->lacked[f] = !u->had[f];
    }
    u->any = false;
}

void unsent_free(struct unsent *u)
{
    free(u->no_routes);
}

/* ---- texts ---- */

void unsent_offline_text(struct text *out)
{
    text_add(out, "this host has no route to the internet; check cable or Wi-Fi, the "
                  "address and the default route: ip address; ip route");
}

void unsent_route_text(struct text *out, const struct unsent *u, enum family family)
{
    bool v6 = family == FAMILY_IPV6;
    size_t n = u->unrouted[family_slot(family)];
    text_add(
        out,
        "no IPv%d route: the IPv%d addresses of %zu target%s are not measured; add a "
        "default route (ip -%d route), or set family = ipv%d for %s",
        v6 ? 6 : 4, v6 ? 6 : 4, n, n == 1 ? "" : "s", v6 ? 6 : 4, v6 ? 4 : 6,
        n == 1 ? "it" : "them");
}

void unsent_cause_text(struct text *out, const struct unsent_cause *c)
{
    text_add(out, "this host could not send %s to %s (%s): %s", c->kind->name,
             c->target->name, family_name(c->family), c->text);
}
