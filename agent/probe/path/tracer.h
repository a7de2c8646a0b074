/*
 * Traces the path to one address on the loop, without privileges: a ping socket (or a raw
 * one where allowed), TCP handshakes or UDP packets whose TTL is too small, and the ICMP
 * errors of the routers from the socket's error queue, with the kernel's timestamps.
 *
 * All packets of a trace belong to one flow: the same addresses, ports or ICMP id and
 * checksum, and no IPv6 flow label. Routers with equal-cost paths therefore send all of
 * them along one path (Augustin et al., "Avoiding traceroute anomalies with Paris
 * traceroute", IMC 2006).
 *
 *   ICMP  echo requests; a router identifies the query by 8 quoted bytes.
 *   TCP   handshakes with `to.port`, one at a time from one port; closed with a reset.
 *   UDP   to `to.port`, one port for all; a router that quotes only the UDP header does
 *         not identify the query: from then on the queries are sent one at a time.
 */
#ifndef EDGELAT_PROBE_PATH_TRACER_H
#define EDGELAT_PROBE_PATH_TRACER_H

#include "core/uplink.h"
#include "probe/path/trace.h"

#include <uv.h>

enum tracer_method { TRACER_ICMP, TRACER_TCP, TRACER_UDP };

const char *tracer_method_name(enum tracer_method method); /* "icmp", "tcp", "udp" */

/* Whether this process may send ICMP echo requests of `family`: 0 or -errno. */
int tracer_icmp_allowed(enum family family);

struct tracer;

struct tracer_events {
    /* An address that has not answered before, within the trace. */
    void (*on_address)(const struct endpoint *address, void *user);
    /* Once, at the end; the trace is valid until tracer_destroy(). `cause`: one clause if
     * no packet left this host or passed its next hop, else NULL. */
    void (*on_over)(const struct trace *trace, const char *cause, void *user);
    void *user;
};

/* Whose TTLs are asked, and how often. */
struct tracer_extent {
    uint8_t ttl_max, queries;
};

extern const struct tracer_extent tracer_whole; /* every TTL, TRACE_QUERIES times */

/* Over the uplink, which outlives it (NULL: by the system's routes). Tracers by TCP or UDP
 * that exist at the same time have different source ports, so each is a flow of its own.
 * Returns 0 or -errno, also that of socket_use_uplink(). */
int tracer_start(struct tracer **out, uv_loop_t *loop, enum tracer_method method,
                 const struct endpoint *to, const struct uplink *uplink,
                 struct tracer_extent extent, const struct tracer_events *events);
void tracer_destroy(struct tracer *t); /* no callback after it returns; NULL is fine */

#endif
