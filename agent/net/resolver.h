/*
 * Names to addresses (c-ares), on the loop, never blocking, with the result that
 * getaddrinfo() of this host has for both families (AF_UNSPEC): /etc/hosts first, then
 * DNS by /etc/resolv.conf with its servers, search list and options, which is read again
 * when it changes (core/resolv_conf.h). Other servers may be given in place of its own.
 *
 * A server that refuses, fails or is lame (it neither has the zone nor asks others) is
 * passed over at once, one that is silent after 1.2 s. No cache: the answer says how long
 * it holds and the caller decides when to ask again; what one lookup costs is a delay of
 * its own.
 */
#ifndef EDGELAT_NET_RESOLVER_H
#define EDGELAT_NET_RESOLVER_H

#include "core/endpoint.h"
#include "core/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

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

/* `r` is valid during the call only. */
typedef void resolver_cb(const struct resolution *r, void *user);

struct resolver;
struct lookup;

/*
 * `servers`: "192.0.2.1 [2001:db8::1]:5353 fe80::1%eth0", separated by spaces or commas;
 * NULL or "" is the system's. Returns 0, -EINVAL: a server is not an address, or -E2BIG.
 * What else is missing (no descriptor, an interface that is gone) is an error of each
 * lookup.
 */
int resolver_create(struct resolver **out, uv_loop_t *loop, const char *servers);

/* No callback after it returns; lookups under way are forgotten. NULL is fine. */
void resolver_destroy(struct resolver *r);

/*
 * The address to probe of an answer for `host`: `used` while it is among them, else the
 * first. A name of the internet (host_is_local()) has no loopback or link-local address:
 * those are passed over, and where there is nothing else, FAMILY_NONE with `*unfit` the
 * address that was answered (FAMILY_NONE: none was).
 */
struct endpoint resolution_choose(const struct resolution *r, const char *host,
                                  const struct endpoint *used, struct endpoint *unfit);

/*
 * Asks for addresses of `family`; `port` is put into them. Exactly one callback comes,
 * later, never from inside this call, unless the lookup is cancelled. An address literal,
 * also with a zone ("fe80::1%eth0"), is answered without a question and without CNAMEs;
 * without zone with a TTL of UINT32_MAX. Gives up after 5 s in all; with single-request
 * of resolv.conf they begin when the lookup's turn comes.
 */
struct lookup *resolver_lookup(struct resolver *r, const char *host, enum family family,
                               uint16_t port, resolver_cb *cb, void *user);

void lookup_cancel(struct lookup *l); /* the callback will not come; not after it came */

#endif
