/*
 * Parses the answer of a DNS server: bytes in, values out. RFC 1035, section 4.
 */
#ifndef EDGELAT_NET_RESOLVER_ANSWER_H
#define EDGELAT_NET_RESOLVER_ANSWER_H

#include "net/resolver.h"

#include <ares.h>

enum resolver_answer {
    RESOLVER_FOUND,      /* addresses */
    RESOLVER_NO_ADDRESS, /* the name exists, without an address of that family */
    RESOLVER_NO_NAME,    /* the name does not exist */
    RESOLVER_FAILED,     /* this server cannot answer the query; `error` says why */
};

/*
 * Parses the answer to a query for addresses of `family`, and sets `port` in them.
 * Clears `a` except `servers` and `took_ns`.
 *
 * A server that is neither authoritative (AA) nor recursive (RA) and answers without a
 * record is lame: RESOLVER_FAILED, as in res_send() of glibc.
 */
enum resolver_answer resolver_answer_read(struct resolution *a, const uint8_t *bytes,
                                          size_t len, enum family family, uint16_t port);

/* The same for a query for the name of an address (PTR); RESOLVER_FOUND: in `last`. */
enum resolver_answer resolver_answer_name(struct resolution *a, const uint8_t *bytes,
                                          size_t len);

/* The same for a query for TXT records; RESOLVER_FOUND: in `texts`. */
enum resolver_answer resolver_answer_text(struct resolution *a, const uint8_t *bytes,
                                          size_t len);

/* Writes the name under in-addr.arpa or ip6.arpa that has the PTR record of an address,
 * with a dot at the end. */
void resolver_answer_reverse(char out[HOST_TEXT_MAX], const struct endpoint *address);

/* Converts a status of c-ares that comes without an answer. */
enum resolver_answer resolver_answer_missing(struct resolution *a, int status);

/* Sets the error for addresses that must not be probed. */
void resolver_answer_no_host(struct resolution *a);

#endif
