/*
 * The kind "dns": asks a DNS server for an IPv4 address of the target's `query`, as an
 * application would (recursion desired, RFC 1035), once, by UDP; a truncated answer is
 * fetched by TCP. The delay is from the query to the answer, by the kernel's stamps.
 *
 * The server is the target, so NXDOMAIN is a reply; an answer that helps no application
 * (SERVFAIL, REFUSED, ...) is OUTCOME_REFUSED.
 *
 * Each query has a socket of its own, connected to the server and closed with the answer.
 * So the kernel drops what comes from elsewhere, and draws a new source port of 28,232 by
 * default (ip_local_port_range). With the random id of 16 bits, one forged packet in 1.8
 * billion hits (RFC 5452, section 9.2), and its question must be the same. A query
 * without an answer keeps its socket as long as the prober watches for a late one.
 */
#ifndef EDGELAT_PROBE_DNS_DNS_H
#define EDGELAT_PROBE_DNS_DNS_H

#include "probe/probe.h"

#define DNS_QUERY "teams.microsoft.com" /* without `query` */

extern const struct probe_kind dns_kind;

#endif
