/*
 * The result of a sweep of front doors (doors.h) as a text file, so that a restart
 * measures the few that may be the nearest instead of asking for all names again:
 *
 *     edgelat doors 1
 *     network 9f86d081884c7d65
 *     swept 1795424400
 *     families ipv4 ipv6
 *     lhr-efz.ms-acdc.office.com 203.0.113.75 2001:db8::75 9012345
 *     qqq-efz.ms-acdc.office.com - - -
 *     end 2
 *
 * `network` identifies the network in which it was found (net/network.h), `swept` is in
 * seconds since 1970, a row has a name, its addresses and its least handshake in ns
 * ("-": none). Names that no server answered for are not in it. Pure.
 */
#ifndef EDGELAT_EDGE_KEPT_DOORS_H
#define EDGELAT_EDGE_KEPT_DOORS_H

#include "base/text.h"
#include "core/endpoint.h"
#include "core/time.h"
#include "edge/workloads.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEPT_DOORS_MAX = 1024, KEPT_DOORS_BYTES_MAX = 1 << 18 };

struct kept_door {
    char host[HOST_TEXT_MAX];
    struct endpoint to[2]; /* IPv4, IPv6; FAMILY_NONE: it has none */
    int64_t rtt_ns;        /* DELAY_UNDEFINED: it did not answer */
};

struct kept_doors { /* start with { 0 }; end with kept_doors_free() */
    uint64_t network;
    struct wall swept;
    bool families[2]; /* that the names were asked for in: IPv4, IPv6 */
    struct kept_door *all;
    size_t n, room;
};

void kept_doors_add(struct kept_doors *k, const struct kept_door *door);
void kept_doors_free(struct kept_doors *k);

void kept_doors_write(struct text *out, const struct kept_doors *k);

/* Returns 0, or the number of the first line that is not as above (the last line + 1:
 * lines are missing); `out` is then empty. */
size_t kept_doors_read(struct kept_doors *out, const char *bytes, size_t len);

/* Why they cannot be used now, as a clause; NULL: they can. `network` 0: not known. */
const char *kept_doors_unfit(const struct kept_doors *k, uint64_t network,
                             struct wall now, int64_t oldest_ns);

#endif
