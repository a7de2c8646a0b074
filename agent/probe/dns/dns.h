/*
 * The kind "dns": asks a DNS server for an IPv4 address of the target's `query`, as an
 * application would (recursion desired, RFC 1035), once, by UDP; a truncated answer is
 * fetched by TCP. The delay is from the query to the answer, by the kernel's stamps.
 *
 * The server is the target, so NXDOMAIN is a reply; an answer that helps no application
 * (SERVFAIL, REFUSED, ...) is OUTCOME_REFUSED.
 */
#ifndef EDGELAT_PROBE_DNS_DNS_H
#define EDGELAT_PROBE_DNS_DNS_H

#include "probe/probe.h"

#define DNS_QUERY "teams.microsoft.com" /* without `query` */

extern const struct probe_kind dns_kind;

#endif
