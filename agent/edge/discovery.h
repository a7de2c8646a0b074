/*
 * Discovery: which targets are ranked besides the configured ones, so that the nearest
 * PoPs are known and not only the one that DNS answers with. Two sorts: the workload
 * names that nobody has configured, and front doors by metro, whose names are guessed
 * from the codes of the metros nearest to the site or, where nobody has said where that
 * is, to the metro that serves it. A guess that does not resolve is quietly no target,
 * and one is ranked only once it has shown the workload's certificate (pipeline.h).
 *
 * It decides; whoever turns it does: adds, asks for names, lets rest.
 */
#ifndef EDGELAT_EDGE_DISCOVERY_H
#define EDGELAT_EDGE_DISCOVERY_H

#include "core/config.h"
#include "core/result.h"
#include "edge/knowledge.h"

#include <stdbool.h>
#include <stddef.h>

struct found {                 /* a target of ours */
    struct target target;      /* stays where it is */
    size_t number;             /* the pipeline's; SIZE_MAX: it is not there yet */
    const struct metro *metro; /* of a front door by metro, else NULL */
    bool wanted;               /* else it rests */
    bool named;                /* it has an address */
};

struct discovery;

/* All three are borrowed and outlive it. */
struct discovery *discovery_create(const struct config *config,
                                   const struct knowledge *knowledge,
                                   const struct kinds *kinds);
void discovery_destroy(struct discovery *d); /* NULL is fine */

/* A look begins: where the front doors are looked for is to be found out again. */
void discovery_begin(struct discovery *d);

/*
 * What was learned of the target with this number of the pipeline. Of a front door by
 * metro it says nothing: that one is where it is, and not where we are.
 *
 * The PoP ("LON") that serves it is a hint where we are. The CNAMEs that its name led
 * along: a front door that is among them is that target and no other one; true when one
 * that was wanted is not any more.
 */
void discovery_hint(struct discovery *d, size_t number, const char *pop);
bool discovery_chain(struct discovery *d, size_t number, const char *chain);

/*
 * DNS has answered for a target: a front door that has one of these addresses is that
 * target of the same service and no other one. `zone`: its name or chain shows a PoP. A
 * reply has told the PoP of a target: where no chain does (Exchange's of 2026), the front
 * door in the same metro is that target. True when a front door that was wanted is not
 * any more.
 */
bool discovery_addresses(struct discovery *d, size_t number, enum family family,
                         const struct endpoint *all, size_t n, bool zone);
bool discovery_told(struct discovery *d, size_t number, const char *pop);

/*
 * What turned out to be nearest, front doors included. The first PoP that answers need
 * not be near: this one is the hint from now on. True when it is in another metro than
 * the one around which was looked: front doors are to be chosen anew. In another network
 * it is void.
 */
bool discovery_nearest(struct discovery *d, const char *pop);
void discovery_moved(struct discovery *d);

/*
 * Chooses front doors, once a look, and once for another hint: true when `wanted` of what
 * was found may have changed. False as long as nothing is known of where we are.
 */
bool discovery_choose(struct discovery *d);

/* All that was found so far, also what is not wanted any more. */
size_t discovery_count(const struct discovery *d);
struct found *discovery_found(struct discovery *d, size_t i);

/* The one with this number of the pipeline, or NULL. */
struct found *discovery_by_number(struct discovery *d, size_t number);

/* It has an address: false when it is not wanted, also as another front door of its metro
 * has one already. */
bool discovery_named(struct discovery *d, struct found *f);

#endif
