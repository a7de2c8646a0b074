#include "edge/owners.h"

#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static struct owner
owner_make(enum owner_type type, const char *format, ...)
{
    struct owner f = {.type = type};
    va_list args;
    va_start(args, format);
    vsnprintf(f.why, sizeof f.why, format, args);
    va_end(args);
    return f;
}

/* ---- by name, address and AS ---- */

static struct owner by_name(const struct suffixes *suffixes, const char *name)
{
    const struct suffix *s = suffixes_find(suffixes, name);
    if (s == NULL)
        return (struct owner){0};
    switch (s->verdict) {
    case SUFFIX_EDGE:
        return owner_make(OWNER_EDGE, "%.80s of %s", name, s->service);
    case SUFFIX_FALLBACK:
        return owner_make(OWNER_EDGE, "%.80s of %s, its fallback in a datacentre", name,
                          s->service);
    case SUFFIX_REGION:
        return owner_make(OWNER_REGION, "%.80s of %s", name, s->service);
    case SUFFIX_FOREIGN:
        return owner_make(OWNER_FOREIGN, "%.80s of %s", name, s->service);
    case SUFFIX_EITHER:
        break;
    }
    return (struct owner){0};
}

/* Services that answer from Azure regions, as prefixes.csv names them. */
static bool is_of_region(const char *service)
{
    return strcmp(service, "entra") == 0;
}

static struct owner by_address(const struct prefixes *prefixes, const struct endpoint *to)
{
    const struct prefix *p = prefixes_find(prefixes, to);
    if (p == NULL)
        return (struct owner){0};
    return owner_make(is_of_region(p->service) ? OWNER_REGION : OWNER_EDGE,
                      "prefix %s of %s", p->text, p->service);
}

/* The members of AS-MICROSOFT (RADb) that are seen at the edge: both originate prefixes
 * of front ends. */
static struct owner by_as(uint32_t as)
{
    if (as == 0)
        return (struct owner){0};
    bool ours = as == 8068 || as == 8075;
    return owner_make(ours ? OWNER_EDGE : OWNER_FOREIGN, "AS%" PRIu32, as);
}

struct owner owners_filtered(const struct endpoint *to)
{
    char address[ADDRESS_TEXT_MAX];
    return owner_make(OWNER_FILTERED, "DNS answers %s, %s", endpoint_address(address, to),
                      endpoint_nobodys(to));
}

struct owner owners_judge(const struct suffixes *suffixes,
                          const struct prefixes *prefixes,
                          const struct owner_clues *clues)
{
    char address[ADDRESS_TEXT_MAX];
    if (endpoint_nobodys(&clues->to) != NULL && !host_is_local(clues->name))
        return owners_filtered(&clues->to);
    if (endpoint_is_private(&clues->to))
        return owner_make(OWNER_PRIVATE, "DNS answers %s, a private address",
                          endpoint_address(address, &clues->to));
    if (clues->mark != NULL)
        return owner_make(OWNER_FOREIGN, "%s", clues->mark);
    struct owner f = by_name(suffixes, clues->name);
    if (f.type == OWNER_UNKNOWN)
        f = by_address(prefixes, &clues->to);
    if (f.type == OWNER_UNKNOWN)
        f = by_as(clues->as);
    return f;
}

/* ---- all targets ---- */

struct answerer {
    char *name;
    struct endpoint to;
    const char *mark;
};

struct owners {
    const struct suffixes *suffixes;
    const struct prefixes *prefixes;
    size_t room;
    struct answerer *all[]; /* by family; NULL: nothing is known yet */
};

static struct owner decide(const struct owners *f, const struct answerer *k,
                           const char *mark)
{
    struct owner_clues clues = {
        .mark = mark, .name = k->name != NULL ? k->name : "", .to = k->to};
    return owners_judge(f->suffixes, f->prefixes, &clues);
}

struct owners *owners_create(const struct suffixes *suffixes,
                             const struct prefixes *prefixes, size_t room)
{
    struct owners *f = mem_zalloc(sizeof *f + room * sizeof *f->all);
    f->suffixes = suffixes;
    f->prefixes = prefixes;
    f->room = room;
    return f;
}

void owners_destroy(struct owners *f)
{
    for (size_t i = 0; f != NULL && i < f->room; i++) {
        for (size_t k = 0; f->all[i] != NULL && k < FAMILY_SLOTS; k++)
            free(f->all[i][k].name);
        free(f->all[i]);
    }
    free(f);
}

static struct answerer *answerer_of(struct owners *f, size_t target, enum family family)
{
    assert(target < f->room);
    if (f->all[target] == NULL)
        f->all[target] = mem_zalloc(FAMILY_SLOTS * sizeof **f->all);
    return &f->all[target][family_slot(family)];
}

struct owner owners_resolved(struct owners *f, size_t target, enum family family,
                             const char *name, const struct endpoint *to)
{
    struct answerer *k = answerer_of(f, target, family);
    bool moved = !endpoint_same_address(&k->to, to);
    free(k->name);
    k->name = mem_string(name);
    k->to = *to;
    if (moved && decide(f, k, NULL).type == OWNER_EDGE)
        k->mark = NULL;
    return decide(f, k, k->mark);
}

struct owner owners_replied(struct owners *f, size_t target, enum family family,
                            const struct endpoint *from, const char *mark)
{
    struct answerer *k = answerer_of(f, target, family);
    if (endpoint_same_address(&k->to, from))
        k->mark = mark;
    return decide(f, k, k->mark);
}

struct owner owners_of(const struct owners *f, size_t target, enum family family)
{
    assert(target < f->room);
    if (f->all[target] == NULL)
        return (struct owner){0};
    const struct answerer *k = &f->all[target][family_slot(family)];
    return decide(f, k, k->mark);
}
