/*
 * The AS of the routers of a path: from the AS database (net/as_database.h), else, only if
 * the configuration allows it, from the DNS of Team Cymru (edge/as_origin.h), who then sees
 * these addresses. Answers of DNS are kept for a day.
 */
#ifndef EDGELAT_NET_AS_LOOKUP_H
#define EDGELAT_NET_AS_LOOKUP_H

#include "core/budget.h"
#include "edge/as_origin.h"
#include "edge/origins.h"
#include "net/as_database.h"
#include "net/resolver.h"

enum as_source { AS_SOURCE_NONE, AS_SOURCE_DATABASE, AS_SOURCE_DNS };

const char *as_source_name(enum as_source s); /* "none", "database", "dns" */

struct as_answer {
    enum as_source source; /* AS_SOURCE_NONE: not known */
    /* One; several if several networks announce the prefix. */
    struct as_origin origins;
    char name[AS_NAME_MAX]; /* of the holder; "": not known */
};

/* The AS that counts on a path; 0: it is not known for certain, or is an exchange's. */
uint32_t as_answer_certain(const struct as_answer *a, const struct origins *origins);

struct as_lookup;

/* `database`: a file, or "" for the usual places. `resolver` is borrowed and outlives it;
 * NULL: DNS is not asked. */
struct as_lookup *as_lookup_create(const char *database, struct resolver *resolver);
void as_lookup_destroy(struct as_lookup *l); /* NULL is fine */

/*
 * What is known of the address now. Asks DNS if that is needed and possible, for a later
 * call; at most AS_LOOKUP_MAX addresses are kept.
 */
enum { AS_LOOKUP_MAX = 512 };
struct as_answer as_lookup_find(struct as_lookup *l, const struct endpoint *address);

/* Questions that DNS has not answered yet; `cb` comes when there is none any more. */
size_t as_lookup_waiting(const struct as_lookup *l);
void as_lookup_notify(struct as_lookup *l, void (*cb)(void *user), void *user);

/* Questions are paid from the budget, which is borrowed; one that it cannot pay is asked later. */
void as_lookup_pay(struct as_lookup *l, struct budget *budget);

/* As as_database_problem() and as_database_about(). */
const char *as_lookup_problem(struct as_lookup *l);
const char *as_lookup_about(struct as_lookup *l);

#endif
