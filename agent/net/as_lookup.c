#include "net/as_lookup.h"

#include "base/mem.h"
#include "base/text.h"
#include "edge/as_path.h"
#include "net/clock.h"

#include <stdlib.h>

#define KEPT_NS   (24 * 3600 * NS_PER_S)
#define FAILED_NS (600 * NS_PER_S) /* asked again after an error */

struct as_asked { /* of DNS */
    struct as_lookup *owner;
    struct endpoint address;
    struct lookup *lookup; /* NULL: answered */
    struct mono until;     /* when it is asked again */
    struct as_origin origins;
};

struct as_lookup {
    struct as_database *database;
    struct resolver *resolver; /* NULL: DNS is not asked */
    struct budget *budget;     /* NULL: no limit */
    struct as_asked *asked[AS_LOOKUP_MAX];
    size_t n, waiting;
    void (*notify)(void *user);
    void *user;
};

const char *as_source_name(enum as_source s)
{
    static const char *const names[] = {[AS_SOURCE_NONE] = "none",
                                        [AS_SOURCE_DATABASE] = "database",
                                        [AS_SOURCE_DNS] = "dns"};
    return names[s];
}

uint32_t as_answer_certain(const struct as_answer *a, const struct origins *origins)
{
    bool microsofts = a->origins.n > 0;
    for (size_t i = 0; i < a->origins.n; i++)
        microsofts = microsofts && origins_are_microsofts(origins, a->origins.as[i]);
    return microsofts || (a->origins.n == 1 && !as_name_is_exchange(a->name))
               ? a->origins.as[0]
               : 0;
}

struct as_lookup *as_lookup_create(const char *database, struct resolver *resolver)
{
    struct as_lookup *l = mem_zalloc(sizeof *l);
    l->database = as_database_create(database);
    l->resolver = resolver;
    return l;
}

static void forget(struct as_asked *a)
{
    if (a->lookup != NULL)
        lookup_cancel(a->lookup);
    free(a);
}

void as_lookup_destroy(struct as_lookup *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->n; i++)
        forget(l->asked[i]);
    as_database_destroy(l->database);
    free(l);
}

size_t as_lookup_waiting(const struct as_lookup *l)
{
    return l->waiting;
}

void as_lookup_notify(struct as_lookup *l, void (*cb)(void *user), void *user)
{
    l->notify = cb;
    l->user = user;
}

void as_lookup_pay(struct as_lookup *l, struct budget *budget)
{
    l->budget = budget;
}

const char *as_lookup_problem(struct as_lookup *l)
{
    return as_database_problem(l->database);
}

const char *as_lookup_about(struct as_lookup *l)
{
    return as_database_about(l->database);
}

/* ---- DNS ---- */

static void on_origin(const struct resolution *r, void *user)
{
    struct as_asked *a = user;
    struct as_lookup *l = a->owner;
    a->lookup = NULL;
    a->until = (struct mono){mono_now().ns +
                             (r->error != NULL && r->temporary ? FAILED_NS : KEPT_NS)};
    a->origins = (struct as_origin){.n = 0};
    for (size_t i = 0; i < r->n_texts; i++) {
        struct as_origin one;
        if (as_origin_read(&one, r->texts[i], &a->address))
            as_origin_add(&a->origins, &one);
    }
    if (--l->waiting == 0 && l->notify != NULL)
        l->notify(l->user);
}

static void ask(struct as_asked *a)
{
    char name[HOST_TEXT_MAX];
    if (!budget_take(a->owner->budget, BUDGET_NAMES, BUDGET_LOOKUP, wall_now(),
                     mono_now()))
        return;
    as_origin_name(name, &a->address);
    a->owner->waiting++;
    a->lookup = resolver_text(a->owner->resolver, name, on_origin, a);
}

/* The one of `address`; at first, and once a day, it is asked. NULL: too many. */
static struct as_asked *asked_of(struct as_lookup *l, const struct endpoint *address)
{
    struct mono now = mono_now();
    size_t i = 0;
    while (i < l->n && !endpoint_same_address(&l->asked[i]->address, address))
        i++;
    if (i == AS_LOOKUP_MAX) /* make room for those of today */
        for (i = 0; i < AS_LOOKUP_MAX; i++)
            if (l->asked[i]->lookup == NULL && now.ns >= l->asked[i]->until.ns) {
                forget(l->asked[i]);
                l->asked[i] = l->asked[--l->n];
                i = l->n;
                break;
            }
    if (i == AS_LOOKUP_MAX)
        return NULL;
    if (i == l->n) {
        l->asked[l->n++] = mem_zalloc(sizeof(struct as_asked));
        l->asked[i]->owner = l;
        l->asked[i]->address = *address;
    }
    if (l->asked[i]->lookup == NULL && now.ns >= l->asked[i]->until.ns)
        ask(l->asked[i]);
    return l->asked[i];
}

/* ---- both ---- */

struct as_answer as_lookup_find(struct as_lookup *l, const struct endpoint *address)
{
    struct as_answer answer = {.source = AS_SOURCE_NONE};
    struct as_found found;
    if (as_database_find(l->database, address, &found)) {
        answer.source = AS_SOURCE_DATABASE;
        answer.origins = (struct as_origin){.as = {found.as}, .n = 1};
        text_copy(answer.name, sizeof answer.name, found.name);
        return answer;
    }
    if (l->resolver == NULL ||
        (address->family != FAMILY_IPV4 && address->family != FAMILY_IPV6) ||
        endpoint_is_private(address) || endpoint_nobodys(address) != NULL)
        return answer;
    struct as_asked *a = asked_of(l, address);
    if (a != NULL && a->origins.n > 0) {
        answer.source = AS_SOURCE_DNS;
        answer.origins = a->origins;
    }
    return answer;
}
