/*
 * What a DNS server answers, in our words. Bytes in, values out: RFC 1035 section 4.
 */
#ifndef EDGELAT_NET_RESOLVER_ANSWER_H
#define EDGELAT_NET_RESOLVER_ANSWER_H

#include "net/resolver.h"

#include <ares.h>

enum resolver_answer {
    RESOLVER_FOUND,      /* addresses */
    RESOLVER_NO_ADDRESS, /* the name is there, without an address of that family */
    RESOLVER_NO_NAME,    /* there is no such name */
    RESOLVER_FAILED,     /* this server is of no use for the question: `error` says why */
};

/*
 * Reads the answer to a question for an address of `family`; `port` is put into the
 * addresses. What `a` had before is forgotten but for `servers` and `took_ns`.
 *
 * A server that neither has the zone (AA) nor asks others (RA) and answers without a
 * record is lame: RESOLVER_FAILED, as in glibc's res_send().
 */
enum resolver_answer resolver_answer_read(struct resolution *a, const uint8_t *bytes,
                                          size_t len, enum family family, uint16_t port);

/* For what c-ares says instead of an answer. */
enum resolver_answer resolver_answer_missing(struct resolution *a, int status);

/* For addresses that nobody may be probed at. */
void resolver_answer_no_host(struct resolution *a);

#endif
