/*
 * Queries to one DNS server (c-ares), on the loop and timed by the kernel's stamps, so
 * that a busy loop does not lengthen their delays. c-ares handles ids, ports, UDP, and
 * TCP when an answer is truncated (RFC 7766, section 5).
 */
#ifndef EDGELAT_NET_RESOLVER_CHANNEL_H
#define EDGELAT_NET_RESOLVER_CHANNEL_H

#include "config/resolv_conf.h"
#include "core/time.h"
#include "core/uplink.h"

#include <ares.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct dns_reply {
    int status;           /* of c-ares: ARES_SUCCESS, ARES_ETIMEOUT, ... */
    const uint8_t *bytes; /* the message, whatever its rcode; NULL: none */
    size_t len;
    struct mono sent; /* just before the first packet of the query */
    /* From there to the last packet of the answer, including what TCP takes after a
     * truncated one; -1 without bytes. */
    int64_t took_ns;
    bool kernel_time; /* `took_ns` is from the kernel's stamps of both packets */
    bool truncated;   /* the answer by UDP did not fit */
    bool tcp;         /* the answer came by TCP */
};

/* `reply` is valid only during the call, which may close the channel. */
typedef void dns_reply_cb(const struct dns_reply *reply, void *user);

struct resolver_channel;

/*
 * Over the uplink (NULL: by the system's routes). Of `conf` only use_vc and edns0 count. A query ends with ARES_ETIMEOUT after 5 s; it is
 * sent once. NULL: c-ares does not start.
 */
struct resolver_channel *resolver_channel_open(uv_loop_t *loop,
                                               const struct uplink *uplink,
                                               const struct dns_server *to,
                                               const struct resolv_conf *conf);

/* True when no query is under way. */
bool resolver_channel_is_idle(const struct resolver_channel *c);

/* Every query still under way ends with ARES_EDESTRUCTION before it returns. NULL is fine. */
void resolver_channel_close(struct resolver_channel *c);

/*
 * Asks for the records of `type` (ns_t_a, ...). `cb` comes exactly once, never from inside
 * this call. False: no file descriptor was left to watch the socket; `cb` comes
 * nevertheless.
 */
bool resolver_channel_query(struct resolver_channel *c, const char *name, int type,
                            dns_reply_cb *cb, void *user);

#endif
