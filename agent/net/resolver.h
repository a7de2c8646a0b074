/*
 * Resolves names (c-ares) on the loop without blocking, with the same result as
 * getaddrinfo() of this host for both families (AF_UNSPEC): /etc/hosts first, then DNS
 * as set in /etc/resolv.conf (servers, search list, options), which is read again when
 * it changes (config/resolv_conf.h). Other servers may be given instead. A name that
 * these do not have is looked up in the other sources of nsswitch.conf, if there are any
 * (net/system_lookup.h), within another 5 s.
 *
 * A server that refuses, fails or is lame (neither authoritative nor recursive) is
 * skipped at once, a silent one after 1.2 s. There is no cache: the answer contains the
 * TTL and the caller decides when to resolve again. The duration of each lookup is a
 * delay metric of its own.
 */
#ifndef EDGELAT_NET_RESOLVER_H
#define EDGELAT_NET_RESOLVER_H

#include "core/resolution.h"
#include "core/uplink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

/* `r` is valid only during the call. */
typedef void resolver_cb(const struct resolution *r, void *user);

struct resolver;
struct lookup;
struct dns_server; /* config/resolv_conf.h */

/*
 * `servers`: "192.0.2.1 [2001:db8::1]:5353 fe80::1%eth0", separated by spaces or commas;
 * NULL or "": the system's. Returns 0; -EINVAL: a server is not an address; -E2BIG: too
 * many servers. Other errors (no descriptor, a missing interface) are reported by each
 * lookup.
 */
int resolver_create(struct resolver **out, uv_loop_t *loop, const char *servers);

/* The servers that it asks, in their order; `out` has room for DNS_SERVERS_MAX. Returns
 * their number. */
size_t resolver_servers(const struct resolver *r, struct dns_server *out);

/*
 * The same after reading resolv.conf again if it has changed, link-local ones with their
 * scope; one whose interface is missing is left out. If that file names systemd-resolved's
 * stub alone (127.0.0.53), also the servers behind it, of UPSTREAM_CONF.
 */
#define UPSTREAM_CONF "/run/systemd/resolve/resolv.conf"
size_t resolver_servers_behind(struct resolver *r, struct dns_server *out);

/* Asks the servers over the uplink from now on. Lookups in progress fail. */
void resolver_use_uplink(struct resolver *r, const struct uplink *uplink);

/* Drops lookups in progress; no callback after it returns. NULL is fine. */
void resolver_destroy(struct resolver *r);

/*
 * Resolves `host` to addresses of `family`, with `port` set. `cb` is called exactly
 * once, later, never from inside this call, unless the lookup is cancelled. An address
 * literal, with or without a zone ("fe80::1%eth0"), is answered without a query and
 * without CNAMEs; without a zone its TTL is UINT32_MAX. The limit is 5 s in all; with
 * `single-request` of resolv.conf it starts when the turn of the lookup comes.
 */
struct lookup *resolver_lookup(struct resolver *r, const char *host, enum family family,
                               uint16_t port, resolver_cb *cb, void *user);

/*
 * Finds the name of an address (PTR, RFC 1035 section 3.5), in `last` of the answer; the
 * rest as resolver_lookup(). The hosts file is not read.
 */
struct lookup *resolver_name(struct resolver *r, const struct endpoint *address,
                             resolver_cb *cb, void *user);

/* Finds the TXT records of `name`, which ends with a dot, in `texts` of the answer; the rest
 * as resolver_name(). */
struct lookup *resolver_text(struct resolver *r, const char *name, resolver_cb *cb,
                             void *user);

/* No callback follows. Must not be called after the callback. */
void lookup_cancel(struct lookup *l);

#endif
