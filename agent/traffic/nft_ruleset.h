/*
 * The rules of nftables that count traffic to and from Microsoft on a gateway: a table of our own,
 * in which each direction and family has a set of address ranges with counters. Ranges do not
 * overlap, as sets with intervals require: a prefix inside of another one of another service is
 * cut out of it. The first address of a range leads back to its service (prefixes_find()). Pure.
 *
 * Packets are counted where they are forwarded (hook forward, priority raw): not those of this host
 * itself, nor those that a flow table or the hardware forwards past the hooks.
 */
#ifndef EDGELAT_TRAFFIC_NFT_RULESET_H
#define EDGELAT_TRAFFIC_NFT_RULESET_H

#include "base/text.h"
#include "edge/prefixes.h"
#include "traffic/rates.h"

#define NFT_TABLE "edgelat"

enum { NFT_SETS = 4 };

struct nft_set_name {
    const char *name; /* "to4" */
    enum rate_direction direction;
    enum family family;
};
extern const struct nft_set_name nft_sets[NFT_SETS];

/* Input of `nft -f`: replaces the table in one transaction. Returns the number of ranges. */
size_t nft_ruleset(const struct prefixes *prefixes, struct text *out);

/* The same, removes it, if it is there. */
void nft_ruleset_remove(struct text *out);

#endif
