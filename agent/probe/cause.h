/*
 * Texts and outcomes for errors of the kernel and for ICMP errors, the same for every kind.
 */
#ifndef EDGELAT_PROBE_CAUSE_H
#define EDGELAT_PROBE_CAUSE_H

#include "core/result.h"
#include "core/uplink.h"

#include <stddef.h>
#include <stdint.h>

/* Why this host could not send: one plain clause for an errno, positive or negative. */
void cause_not_sent(char *cause, size_t size, int error);

/* The same for a probe over an uplink, or, if that is NULL, by the system's routes. */
void cause_not_sent_by(char *cause, size_t size, int error, const struct uplink *uplink);

struct icmp_report { /* an ICMP or ICMPv6 error about a probe */
    uint8_t type, code;
    uint32_t mtu;        /* of the next link, where the error says so, else 0 */
    struct endpoint by;  /* who sent it */
    struct endpoint own; /* this host's address that the probe came from; FAMILY_NONE:
                            not known */
};

/*
 * What the error means for the probe to `to`, with a clause in `cause` (RFC 792, RFC 1812,
 * RFC 4443):
 *
 *   - sent by the target: port or protocol unreachable, prohibited, header not understood.
 *     It got the probe and declined it: OUTCOME_REFUSED.
 *   - sent by this host itself: "host unreachable" is the kernel's report that the next
 *     hop does not answer ARP or neighbour discovery. The probe was handed to the first
 *     link of the path and did not get through: OUTCOME_UNREACHABLE, as `ping` counts it.
 *     Any other error is this host's own firewall: OUTCOME_NOT_MEASURED.
 *   - all else: OUTCOME_UNREACHABLE. Also a firewall's "prohibited" or "port unreachable":
 *     the probe did not reach the target.
 */
enum outcome cause_icmp_error(char *cause, size_t size, const struct icmp_report *report,
                              const struct endpoint *to);

#endif
