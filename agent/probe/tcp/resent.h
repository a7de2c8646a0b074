/*
 * Which of its SYNs a host answered, and which are lost. The kernel sends a SYN again after
 * 1 s (RFC 6298, 2.1), lost or not: where the round-trip delay is longer, each handshake has
 * more than one (RFC 6298, 5.7; RFC 5682 calls it a spurious timeout). Pure.
 */
#ifndef EDGELAT_PROBE_TCP_RESENT_H
#define EDGELAT_PROBE_TCP_RESENT_H

#include <stdint.h>

/*
 * The round-trip delay of a handshake whose SYN was sent again: `answered_ns` is that of its
 * timestamps, `known_ns` that of an earlier probe; 0: none. A host whose SYN-ACK was lost
 * repeats it after 1 s with the timestamp of the first SYN, so from 1 s on timestamps cannot
 * tell a slow path from a lost SYN-ACK; the known delay does. 0: cannot be told.
 */
int64_t resent_rtt_ns(int64_t answered_ns, int64_t known_ns);

/*
 * The SYNs before the one that was answered: they or their answers are lost. `n` were sent
 * again, the answer came `took_ns` after the first SYN, `rtt_ns` is resent_rtt_ns(); 0: not
 * known, and then it cannot be told, which is 0 as well. What was sent after the one that was answered is not lost.
 */
uint8_t resent_lost(uint32_t n, int64_t took_ns, int64_t rtt_ns);

/* The same without an answer for `waited_ns`: of those that were sent again, how many have
 * waited for well over a round trip. The first SYN is the probe itself. */
uint8_t resent_unanswered(uint32_t n, int64_t waited_ns, int64_t rtt_ns);

#endif
