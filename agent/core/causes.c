#include "core/causes.h"

#include "base/text.h"
#include "core/event_names.h"

#include <stdio.h>
#include <string.h>

#define BIT(layer) (1u << (layer))

/* The layers that may explain an event of each. The network of the host is not that of the
 * routers, and DNS does not follow routes. */
static const unsigned explained_by[] = {
    [LAYER_ROUTES] = BIT(LAYER_BGP_SESSION),
    [LAYER_LAST_METRE] = BIT(LAYER_HOST),
    [LAYER_PATH] = BIT(LAYER_HOST) | BIT(LAYER_LAST_METRE) | BIT(LAYER_BGP_SESSION) |
                   BIT(LAYER_ROUTES),
    [LAYER_NAME] = BIT(LAYER_HOST),
    [LAYER_POP] = BIT(LAYER_HOST) | BIT(LAYER_BGP_SESSION) | BIT(LAYER_ROUTES) |
                  BIT(LAYER_PATH) | BIT(LAYER_NAME),
    [LAYER_PROBES] = BIT(LAYER_PROBES) - BIT(LAYER_HOST),
};

static bool in_scope(const struct event_scope *s, const struct endpoint *to)
{
    return s->prefix.family == to->family &&
           endpoint_same_prefix(s->prefix.bytes, to->bytes, s->bits);
}

static bool has_address_in(const struct target_state *t, const struct event_scope *s)
{
    return in_scope(s, &t->addresses[family_slot(s->prefix.family)].to);
}

static const struct target_state *state_of(const struct target *target,
                                           const struct target_state *targets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (targets[i].target == target)
            return &targets[i];
    return NULL;
}

static bool same_family(enum family a, enum family b)
{
    return a == FAMILY_NONE || b == FAMILY_NONE || a == b;
}

static bool agree(uint32_t a, uint32_t b)
{
    return a == 0 || b == 0 || a == b;
}

/* A target without a state has no known address: whether it is in the prefix, nobody can tell. */
static bool concerns(const struct possible_cause *c, const struct event *e,
                     const struct target_state *targets, size_t n)
{
    const struct target_state *t = state_of(e->target, targets, n);
    bool scoped = c->scope.prefix.family != FAMILY_NONE && e->target != NULL;
    return same_family(c->family, e->family) &&
           (c->target == NULL || e->target == NULL || c->target == e->target) &&
           agree(c->scope.router, e->scope.router) &&
           agree(c->scope.session, e->scope.session) &&
           (!scoped || (t != NULL && has_address_in(t, &c->scope)));
}

static bool in_time(const struct possible_cause *c, const struct event *e)
{
    int64_t later_ns = event_began(e).ns - c->since.ns;
    bool routes = event_traits(e->name).layer == LAYER_ROUTES;
    return later_ns >= -(routes ? CAUSE_TOGETHER_NS : CAUSE_AFTER_NS) &&
           later_ns <= CAUSE_BEFORE_NS;
}

struct change {
    const char *name, *after; /* after NULL: any */
};

/* What came up, and what was lost: the first explain none of the second. */
static const struct change ups[] = {
    {EVENT_BGP_ESTABLISHED, NULL},
    {EVENT_PREFIX_ANNOUNCEMENT, NULL},
    {EVENT_PREFIX_BACKUP_ANNOUNCEMENT, NULL},
    {EVENT_PATH_INTERRUPTED, "reached"},
    {EVENT_LAST_METRE, "fine"},
};
static const struct change losses[] = {
    {EVENT_PREFIX_WITHDRAWAL, NULL},         {EVENT_PREFIX_BACKUP_WITHDRAWAL, NULL},
    {EVENT_PATH_INTERRUPTED, "silent"},      {EVENT_PATH_INTERRUPTED, "loop"},
    {EVENT_PATH_INTERRUPTED, "unreachable"}, {EVENT_STATE_CHANGED, "down"},
};

static bool is_among(const struct event *e, const struct change *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].name, e->name) == 0 &&
            (list[i].after == NULL || strcmp(list[i].after, e->after) == 0))
            return true;
    return false;
}

static bool is_better(const struct possible_cause *a, const struct possible_cause *b)
{
    if (b == NULL || a->layer != b->layer)
        return b == NULL || a->layer < b->layer;
    return a->since.ns >= b->since.ns; /* at one time: the one that was reported later */
}

static void find(const struct causes *c, struct event *e,
                 const struct target_state *targets, size_t n)
{
    const struct possible_cause *best = NULL;
    enum event_layer layer = event_traits(e->name).layer;
    bool loss = is_among(e, losses, sizeof losses / sizeof *losses);
    for (size_t i = 0; i < c->n; i++) {
        const struct possible_cause *p = &c->list[i];
        if ((explained_by[layer] & BIT(p->layer)) != 0 && in_time(p, e) &&
            !(loss && p->came_up) && concerns(p, e, targets, n) && is_better(p, best))
            best = p;
    }
    if (best == NULL)
        return;
    char since[WALL_TEXT_MAX];
    e->cause = (struct event_cause){best->name, best->since};
    event_append(e, "; probably because of %s at %.8s UTC", best->name,
                 wall_text(since, best->since) + 11);
}

static void keep(struct causes *c, const struct event *e)
{
    enum event_layer layer = event_traits(e->name).layer;
    bool first_lookup = layer == LAYER_NAME && e->before[0] == '\0';
    bool first_seen =
        strcmp(e->name, EVENT_BGP_ESTABLISHED) == 0 && strcmp(e->before, "unknown") == 0;
    if (layer == LAYER_NONE || layer == LAYER_PROBES || first_lookup || first_seen)
        return;
    if (c->n == CAUSES_MAX)
        memmove(c->list, c->list + 1, --c->n * sizeof *c->list);
    c->list[c->n++] = (struct possible_cause){
        .name = e->name,
        .layer = layer,
        .came_up = is_among(e, ups, sizeof ups / sizeof *ups),
        .since = event_began(e),
        .target = e->target,
        .family = e->family != FAMILY_NONE ? e->family : e->scope.prefix.family,
        .scope = e->scope,
    };
}

static void list_targets(struct event *e, const struct target_state *targets, size_t n)
{
    struct text out = {0};
    for (size_t i = 0; i < n; i++)
        if (has_address_in(&targets[i], &e->scope))
            text_add(&out, "%s%s", out.len > 0 ? " " : "", targets[i].target->name);
    if (out.len > 0)
        event_text(e, ATTR_TARGETS, out.bytes);
    text_free(&out);
}

void causes_find(struct causes *c, struct events *events,
                 const struct target_state *targets, size_t n_targets)
{
    for (size_t i = 0; i < events->n; i++)
        keep(c, &events->list[i]);
    for (size_t i = 0; i < events->n; i++) {
        struct event *e = &events->list[i];
        find(c, e, targets, n_targets);
        if (e->scope.prefix.family != FAMILY_NONE)
            list_targets(e, targets, n_targets);
    }
}
