/*
 * One query to a DNS server as bytes, and the head of its answer: for those who send it
 * themselves. RFC 1035, section 4.1.
 */
#ifndef EDGELAT_NET_RESOLVER_QUERY_H
#define EDGELAT_NET_RESOLVER_QUERY_H

#include "base/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESOLVER_QUERY_MAX (12 + 255 + 4) /* header, name, type and class */

/* Writes a query for the records of `type` (ns_t_a, ...), recursion desired, without
 * EDNS. Returns its length; 0: DNS cannot hold the name. */
size_t resolver_query_write(uint8_t out[RESOLVER_QUERY_MAX], const char *name, int type,
                            uint16_t id);

enum resolver_match {
    RESOLVER_OTHER, /* no answer to this query */
    RESOLVER_ECHO,  /* the query itself */
    RESOLVER_MATCH,
};

struct resolver_head {
    uint8_t rcode;
    bool truncated;
    uint16_t answers; /* records, as the header says */
};

/*
 * Whether `message`, or its beginning, answers `query`: the same id and the same
 * question, in any case (RFC 5452, section 9.1). The caller checks that it comes from the
 * server that was asked. `*head` is set for RESOLVER_MATCH.
 */
enum resolver_match resolver_query_match(struct resolver_head *head, struct wire query,
                                         struct wire message);

#endif
