#include "edge/discovery.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/pipeline.h"
#include "edge/candidates.h"
#include "edge/site.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHAINS_MAX (64 << 10) /* bytes of them; longer answers come from nobody well */

/* Exchange answers with up to eight. */
enum { HEARD_MAX = 8 };

struct heard { /* of a target, by its number */
    struct endpoint all[2][HEARD_MAX];
    size_t n[2];
    bool zone;                 /* its name or its chain shows a PoP */
    const struct metro *metro; /* that a reply told; NULL: none did */
};

struct discovery {
    const struct config *config;
    const struct knowledge *knowledge;
    const struct kinds *kinds;
    struct site site;
    struct found *found[PIPELINE_ADDED_MAX];
    size_t n;
    struct heard *heard; /* by the pipeline's numbers */
    struct text chains;  /* of the targets, heard since the look began */
    bool chosen;
    const struct metro *hint;    /* around which it is looked; NULL: unknown */
    const struct metro *nearest; /* in this network, as it was measured; NULL: not yet */
};

/* ---- what is there ---- */

static const struct target *configured(const struct discovery *d, const char *host)
{
    for (size_t t = 0; t < d->config->n_targets; t++)
        if (strcasecmp(d->config->targets[t].host, host) == 0)
            return &d->config->targets[t];
    return NULL;
}

static struct found *find_host(const struct discovery *d, const char *host)
{
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->found[i]->target.host, host) == 0)
            return d->found[i];
    return NULL;
}

static bool is_taken(const struct discovery *d, const char *name)
{
    for (size_t t = 0; t < d->config->n_targets; t++)
        if (strcmp(d->config->targets[t].name, name) == 0)
            return true;
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->found[i]->target.name, name) == 0)
            return true;
    return false;
}

static bool is_full(const struct discovery *d)
{
    size_t wanted = 0;
    for (size_t i = 0; i < d->n; i++)
        wanted += d->found[i]->wanted;
    return wanted >= PIPELINE_ADDED_AT_A_TIME;
}

/* NULL: no more are taken. One whose name is another target's is called as its host. */
static struct found *add(struct discovery *d, const struct target *target)
{
    if (d->n == PIPELINE_ADDED_MAX)
        return NULL;
    struct found *f = mem_zalloc(sizeof *f);
    f->target = *target;
    if (is_taken(d, target->name))
        text_copy(f->target.name, sizeof f->target.name, target->host);
    f->target.discovered = true;
    f->number = SIZE_MAX;
    f->wanted = true;
    knowledge_limits(d->knowledge, &f->target);
    return d->found[d->n++] = f;
}

/* ---- front doors by metro ---- */

/* Asked as the workload's own target is asked, but for its name. */
static struct target door_target(const struct discovery *d, const struct workload *w,
                                 const struct candidate_door *door)
{
    const struct target *own = configured(d, w->host);
    struct target t = own != NULL ? *own : workload_target(w, d->kinds);
    text_copy(t.host, sizeof t.host, door->host);
    if (t.server_name[0] == '\0')
        text_copy(t.server_name, sizeof t.server_name, door->server_name);
    int len = snprintf(t.name, sizeof t.name, "%s-%s", w->name, door->metro->code);
    for (int i = 0; i < len && i < TARGET_NAME_MAX - 1; i++)
        t.name[i] = (char)tolower((unsigned char)t.name[i]);
    return t;
}

/* A target's own name leads there. */
static bool is_served(const struct discovery *d, const char *host)
{
    return strcasestr(text_string(&d->chains), host) != NULL;
}

/* The target with this number of the pipeline, or NULL. */
static const struct target *target_of(struct discovery *d, size_t number)
{
    const struct found *f = discovery_by_number(d, number);
    return number < d->config->n_targets ? &d->config->targets[number]
           : f != NULL                   ? &f->target
                                         : NULL;
}

static bool share_address(const struct heard *a, const struct heard *b)
{
    for (size_t f = 0; f < 2; f++)
        for (size_t i = 0; i < a->n[f]; i++)
            for (size_t k = 0; k < b->n[f]; k++)
                if (endpoint_same_address(&a->all[f][i], &b->all[f][k]))
                    return true;
    return false;
}

/* The door is what the target with that number leads to. */
static bool is_door_of(struct discovery *d, const struct found *door, size_t number)
{
    static const struct heard nothing;
    const struct target *own = target_of(d, number);
    const struct found *f = discovery_by_number(d, number);
    if (own == NULL || (f != NULL && f->metro != NULL))
        return false;
    bool same_service =
        own->service[0] != '\0' && strcmp(own->service, door->target.service) == 0;
    if (!same_service && strcasecmp(own->host, door->target.server_name) != 0)
        return false;
    const struct heard *of_own = &d->heard[number];
    const struct heard *of_door =
        door->number != SIZE_MAX ? &d->heard[door->number] : &nothing;
    const struct metro *metro = of_door->metro != NULL ? of_door->metro : door->metro;
    return share_address(of_own, of_door) || (!of_own->zone && of_own->metro != NULL &&
                                              catalogue_same_metro(of_own->metro, metro));
}

/* True: some were. */
static bool drop_served_doors(struct discovery *d)
{
    bool changed = false;
    size_t targets = d->config->n_targets + d->n;
    for (size_t i = 0; i < d->n; i++) {
        struct found *door = d->found[i];
        for (size_t t = 0; t < targets && door->metro != NULL && door->wanted; t++)
            if (is_door_of(d, door, t)) {
                door->wanted = door->named = false;
                changed = true;
            }
    }
    return changed;
}

bool discovery_addresses(struct discovery *d, size_t number, enum family family,
                         const struct endpoint *all, size_t n, bool zone)
{
    struct heard *h = &d->heard[number];
    size_t f = family == FAMILY_IPV6;
    h->n[f] = n < HEARD_MAX ? n : HEARD_MAX;
    for (size_t i = 0; i < h->n[f]; i++)
        h->all[f][i] = all[i];
    if (n > 0)
        h->zone = zone;
    return drop_served_doors(d);
}

bool discovery_told(struct discovery *d, size_t number, const char *pop)
{
    const struct metro *m = catalogue_of_pop(&d->knowledge->metros, pop, POP_EXCHANGE);
    struct heard *h = &d->heard[number];
    if (m == NULL || m == h->metro)
        return false;
    h->metro = m;
    return drop_served_doors(d);
}

static void want_door(struct discovery *d, const struct workload *w,
                      const struct candidate_door *door)
{
    if (is_served(d, door->host) || is_full(d))
        return;
    struct found *f = find_host(d, door->host);
    if (f == NULL && configured(d, door->host) == NULL) {
        struct target t = door_target(d, w, door);
        f = add(d, &t);
    }
    if (f == NULL)
        return;
    f->metro = door->metro;
    f->wanted = true;
}

static void choose_doors(struct discovery *d, struct position around)
{
    struct candidate_door *doors =
        mem_alloc(d->config->front_doors * DOORS_A_METRO * sizeof *doors);
    const struct workloads *all = &d->knowledge->workloads;
    for (size_t i = 0; i < d->n; i++)
        if (d->found[i]->metro != NULL)
            d->found[i]->wanted = d->found[i]->named = false;
    for (size_t w = 0; w < all->n; w++) {
        if (all->all[w].by_metro[0] == '\0')
            continue;
        size_t n = candidates_by_metro(doors, &d->knowledge->metros, &all->all[w], around,
                                       d->config->front_doors);
        for (size_t i = 0; i < n; i++)
            want_door(d, &all->all[w], &doors[i]);
    }
    free(doors);
    drop_served_doors(d);
}

static bool is_located(const struct discovery *d)
{
    return d->site.nearest.metro != NULL;
}

bool discovery_choose(struct discovery *d)
{
    if (d->chosen || d->config->front_doors == 0 || !(is_located(d) || d->hint != NULL))
        return false;
    d->chosen = true;
    choose_doors(d, is_located(d) ? d->site.at : d->hint->at);
    return true;
}

static bool is_door(struct discovery *d, size_t number)
{
    const struct found *f = discovery_by_number(d, number);
    return f != NULL && f->metro != NULL;
}

void discovery_hint(struct discovery *d, size_t number, const char *pop)
{
    if (d->hint == NULL && !is_door(d, number))
        d->hint = catalogue_of_pop(&d->knowledge->metros, pop, POP_FRONT_DOOR);
}

bool discovery_nearest(struct discovery *d, const char *pop)
{
    const struct metro *m = catalogue_of_pop(&d->knowledge->metros, pop, POP_FRONT_DOOR);
    if (m == NULL || is_located(d) || d->config->front_doors == 0)
        return false;
    bool same = d->hint != NULL && catalogue_same_metro(m, d->hint);
    d->nearest = d->hint = m;
    d->chosen &= same;
    return !same;
}

void discovery_moved(struct discovery *d)
{
    d->nearest = NULL;
    for (size_t i = 0; i < d->config->n_targets + PIPELINE_ADDED_MAX; i++)
        d->heard[i].metro = NULL;
}

bool discovery_chain(struct discovery *d, size_t number, const char *chain)
{
    bool changed = false;
    if (chain[0] == '\0' || is_served(d, chain) || d->chains.len > CHAINS_MAX ||
        is_door(d, number))
        return false;
    text_add(&d->chains, "%s\n", chain);
    for (size_t i = 0; i < d->n; i++) {
        struct found *f = d->found[i];
        if (f->metro != NULL && f->wanted && is_served(d, f->target.host)) {
            f->wanted = f->named = false;
            changed = true;
        }
    }
    return changed;
}

void discovery_begin(struct discovery *d)
{
    d->chosen = false;
    d->hint = d->nearest;
    text_clear(&d->chains);
}

bool discovery_named(struct discovery *d, struct found *f)
{
    if (!f->wanted)
        return false;
    for (size_t i = 0; i < d->n; i++) {
        const struct found *other = d->found[i];
        if (other != f && other->named && f->metro != NULL && other->metro != NULL &&
            catalogue_same_metro(other->metro, f->metro)) {
            f->wanted = false;
            return false;
        }
    }
    f->named = true;
    return true;
}

/* ---- the whole ---- */

struct discovery *discovery_create(const struct config *config,
                                   const struct knowledge *knowledge,
                                   const struct kinds *kinds)
{
    struct discovery *d = mem_zalloc(sizeof *d);
    d->config = config;
    d->knowledge = knowledge;
    d->kinds = kinds;
    d->heard = mem_zalloc((config->n_targets + PIPELINE_ADDED_MAX) * sizeof *d->heard);
    site_read(&d->site, &knowledge->metros, config->location, &config->peering, NULL,
              NULL);
    const struct workloads *w = &knowledge->workloads;
    for (size_t i = 0; config->workloads && i < w->n; i++) {
        struct target t = workload_target(&w->all[i], kinds);
        if (configured(d, t.host) == NULL)
            add(d, &t);
    }
    return d;
}

void discovery_destroy(struct discovery *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->n; i++)
        free(d->found[i]);
    text_free(&d->chains);
    free(d->heard);
    free(d);
}

size_t discovery_count(const struct discovery *d)
{
    return d->n;
}

struct found *discovery_found(struct discovery *d, size_t i)
{
    return d->found[i];
}

struct found *discovery_by_number(struct discovery *d, size_t number)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->found[i]->number == number)
            return d->found[i];
    return NULL;
}
