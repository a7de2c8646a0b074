/*
 * Names to addresses (c-ares), on the loop, never blocking, with the result that
 * getaddrinfo() of this host has for both families (AF_UNSPEC): /etc/hosts first, then
 * DNS by /etc/resolv.conf with its servers, search list and options, which is read again
 * when it changes (config/resolv_conf.h). Other servers may be given in place of its own.
 *
 * A server that refuses, fails or is lame (it neither has the zone nor asks others) is
 * passed over at once, one that is silent after 1.2 s. No cache: the answer says how long
 * it holds and the caller decides when to ask again; what one lookup costs is a delay of
 * its own.
 */
#ifndef EDGELAT_NET_RESOLVER_H
#define EDGELAT_NET_RESOLVER_H

#include "core/resolution.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

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
