/*
 * The answer of DNS to one question, as a plain value. net/resolver.h creates it,
 * edge/explorer.h acts on it.
 */
#ifndef EDGELAT_CORE_RESOLUTION_H
#define EDGELAT_CORE_RESOLUTION_H

#include "core/endpoint.h"
#include "core/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESOLUTION_ADDRESSES_MAX 32
#define RESOLUTION_CNAMES_MAX    12
#define RESOLUTION_SERVERS_MAX   128
#define RESOLUTION_TEXTS_MAX     6
#define RESOLUTION_TEXT_MAX      160
#define RESOLUTION_ABSENT_TTL_S  60 /* of "no address of that family" */

struct resolution {
    const char *error; /* NULL: none; else one clause, e.g. "no such name"; static */
    bool temporary;    /* a temporary error (no server answered): the name may exist */
    struct endpoint addresses[RESOLUTION_ADDRESSES_MAX]; /* in the order to try them */
    size_t n; /* 0 without an error: the name has no address of that family */
    /* The first address left out because it is not the address of a single host, such as
     * 0.0.0.0; FAMILY_NONE: none. */
    struct endpoint unfit;
    /* The CNAME chain, first link first, without the name asked for; made visible by
     * text_visible(). */
    char cnames[RESOLUTION_CNAMES_MAX][HOST_TEXT_MAX];
    size_t n_cnames;
    /* The name that has the addresses: the last of the chain, or the name asked for; ""
     * if the answer is from the hosts file or the name is an address literal. */
    char last[HOST_TEXT_MAX];
    /* The TXT records that were asked for, their strings joined, one line; truncated. */
    char texts[RESOLUTION_TEXTS_MAX][RESOLUTION_TEXT_MAX];
    size_t n_texts;
    /* The servers asked: "192.0.2.1, 192.0.2.2:5353", or "hosts file"; "" for an address
     * literal. */
    char servers[RESOLUTION_SERVERS_MAX];
    /* Least TTL of the chain and the addresses; 0: do not cache; an estimate if there is
     * no address. */
    uint32_t ttl_s;
    int64_t took_ns; /* from the question to the answer */
};

/* What is kept of the answer that a target's address came from. */
struct dns_answer {
    const char *chain;   /* the CNAMEs, "a -> b"; "": none */
    const char *servers; /* the servers asked */
};

#define RESOLUTION_CHAIN_MAX 256

/* A block with copies, truncated to RESOLUTION_CHAIN_MAX and _SERVERS_MAX with their ends;
 * free() it. */
struct dns_answer *resolution_keep(const char *chain, const char *servers);

/* An empty one for NULL. */
const struct dns_answer *resolution_kept(const struct dns_answer *answer);

/*
 * Returns the address to probe for `host`: `used` while it is among the addresses, else
 * the first. An internet name (not host_is_local()) cannot have a loopback or link-local
 * address: those are skipped. Returns FAMILY_NONE if no address is left. `*unfit` is the
 * first address that was left out or skipped (FAMILY_NONE: none).
 */
struct endpoint resolution_choose(const struct resolution *r, const char *host,
                                  const struct endpoint *used, struct endpoint *unfit);

/* Copies the addresses that may be probed for `host`, as above, at most `max`. Returns how
 * many. */
size_t resolution_addresses(const struct resolution *r, const char *host,
                            struct endpoint *out, size_t max);

#endif
