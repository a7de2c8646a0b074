/*
 * The answer of DNS to one question, as a plain value: net/resolver.h makes it,
 * edge/explorer.h decides what follows from it.
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
#define RESOLUTION_ABSENT_TTL_S  60 /* of "no address of that family" */

struct resolution {
    const char
        *error;     /* NULL: fine; else one plain clause, e.g. "no such name"; static */
    bool temporary; /* the error may pass (no server answered), the name may well exist */
    struct endpoint addresses[RESOLUTION_ADDRESSES_MAX]; /* in the order to try them */
    size_t n;              /* 0 with no error: the name has no address of that family */
    struct endpoint unfit; /* the first that is not of one host, which is left out, as
                              0.0.0.0; FAMILY_NONE: there was none */
    char cnames[RESOLUTION_CNAMES_MAX][HOST_TEXT_MAX]; /* the chain, first link first:
                                                          what was asked is not in it,
                                                          visible ASCII, whatever came */
    size_t n_cnames;
    char last[HOST_TEXT_MAX]; /* of the chain, or the name asked for: who has the
                                 addresses; "" of the hosts file and of a literal */
    char servers[RESOLUTION_SERVERS_MAX]; /* who was asked: "192.0.2.1, 192.0.2.2:5353" or
                                             "hosts file"; "" of an address literal */
    uint32_t ttl_s;  /* least TTL of the chain and the addresses; 0 is "do not keep"; of
                        "no address" a guess */
    int64_t took_ns; /* from the question to the answer */
};

/*
 * The address to probe of an answer for `host`: `used` while it is among them, else the
 * first. A name of the internet (host_is_local()) has no loopback or link-local address:
 * those are passed over, and where there is nothing else, FAMILY_NONE with `*unfit` the
 * address that was answered (FAMILY_NONE: none was).
 */
struct endpoint resolution_choose(const struct resolution *r, const char *host,
                                  const struct endpoint *used, struct endpoint *unfit);

#endif
