/*
 * Asks getaddrinfo() for a name, on libuv's thread pool: the last resort for names that
 * neither the hosts file nor DNS has, but another source of nsswitch.conf(5), as mDNS,
 * sss or myhostname. One call at a time: it may block for long, and the pool's threads
 * write the spool, too.
 */
#ifndef EDGELAT_NET_SYSTEM_LOOKUP_H
#define EDGELAT_NET_SYSTEM_LOOKUP_H

#include "core/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* True when this host has such a source; logged once. */
bool system_lookup_helps(void);

struct system_lookup;

/* `n`: 0: not found. */
typedef void system_lookup_cb(const struct endpoint *found, size_t n, void *user);

/* `cb` comes once, later, unless cancelled. NULL: another one is under way, or libuv
 * refuses. */
struct system_lookup *system_lookup_start(uv_loop_t *loop, const char *host,
                                          enum family family, uint16_t port,
                                          system_lookup_cb *cb, void *user);

/* No callback follows; the call itself may go on for some seconds. NULL is fine. */
void system_lookup_cancel(struct system_lookup *s);

#endif
