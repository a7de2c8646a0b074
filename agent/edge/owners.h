/*
 * Decides whose network answers for a target: Microsoft's edge or another one. The first
 * of these that applies decides (sources: README.md beside this file):
 *
 *   1. the address: a private one, or one that no internet host has
 *   2. a mark of another network in the reply (reply.h)
 *   3. the last name of the CNAME chain, by suffixes.csv
 *   4. the address, by prefixes.csv; the file is incomplete, so an address outside of it
 *      decides nothing
 *   5. the AS that originates the address
 *
 * A mark stays with the target until a reply without a mark comes, or until its address
 * is known to be the edge: the next address of a content delivery network is foreign too.
 */
#ifndef EDGELAT_EDGE_OWNERS_H
#define EDGELAT_EDGE_OWNERS_H

#include "core/owner.h"
#include "edge/prefixes.h"
#include "edge/suffixes.h"

#include <stddef.h>
#include <stdint.h>

struct owner_clues {    /* the evidence about a target, in one family */
    const char *mark;   /* struct reply's `foreign`; NULL: none */
    const char *name;   /* the last name of the CNAME chain, or the host */
    struct endpoint to; /* FAMILY_NONE: none */
    uint32_t as;        /* 0: unknown */
};

/* The owner of an address that no internet host has (endpoint_nobodys()). */
struct owner owners_filtered(const struct endpoint *to);

struct owner owners_judge(const struct suffixes *suffixes,
                          const struct prefixes *prefixes,
                          const struct owner_clues *clues);

/* The clues of all targets, by number and family. */
struct owners;

/* For at most `room` targets; the tables are borrowed and must outlive it. */
struct owners *owners_create(const struct suffixes *suffixes,
                             const struct prefixes *prefixes, size_t room);
void owners_destroy(struct owners *f); /* NULL is fine */

/* Adds a DNS answer: the last name of the chain (or the host), and the address. */
struct owner owners_resolved(struct owners *f, size_t target, enum family family,
                             const char *name, const struct endpoint *to);

/* Adds a reply; `mark` as in struct owner_clues. A reply from an address that is no
 * longer the target's is ignored. */
struct owner owners_replied(struct owners *f, size_t target, enum family family,
                            const struct endpoint *from, const char *mark);

/* By the clues so far; a verdict takes more memory than they do, so none is kept. */
struct owner owners_of(const struct owners *f, size_t target, enum family family);

#endif
