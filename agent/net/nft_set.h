/*
 * Reads the counters of the elements of an nftables set, and what a table holds, by nfnetlink. The kernel wants
 * CAP_NET_ADMIN. Lengths are not trusted.
 */
#ifndef EDGELAT_NET_NFT_SET_H
#define EDGELAT_NET_NFT_SET_H

#include "core/endpoint.h"

#include <stddef.h>

struct nft_element {
    struct endpoint first; /* address of the interval */
    uint64_t bytes, packets;
};

typedef void nft_element_cb(const struct nft_element *element, void *user);

/* Parses one datagram of a dump; elements without a counter and ends of intervals are left out.
 * Returns 1 at the end of the dump, -errno if it failed (-EINTR: the set changed meanwhile), else
 * 0. */
int nft_set_parse(const void *bytes, size_t len, nft_element_cb *on_element, void *user);

/* Reads a set of a table of the family inet. Returns 0 or -errno: -EPERM, -ENOENT (no such
 * set). */
int nft_set_read(const char *table, const char *set, nft_element_cb *on_element,
                 void *user);

/* How many chains, sets and other objects a table of the family inet holds; -ENOENT: there is no
 * such table, -EPERM. nft_table_parse() parses the answer; -EBADMSG. */
int nft_table_holds(const char *table);
int nft_table_parse(const void *bytes, size_t len);

#endif
