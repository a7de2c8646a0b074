/*
 * Reads TCP_INFO of a connection. The kernel's sample of the handshake begins in TCP
 * before the SYN goes down and ends in TCP after the SYN-ACK came up: it holds this
 * host's stack twice (1 us when busy, 5 to 15 when its processor has to wake up), and a
 * capture's copying. Nothing is nearer to the wire: SO_TIMESTAMPING stamps data only, neither
 * SYN nor SYN-ACK.
 *
 * A file of its own, because the kernel's header with the whole struct tcp_info and glibc's,
 * which libuv includes, cannot be included together.
 */
#ifndef EDGELAT_PROBE_TCP_INFO_H
#define EDGELAT_PROBE_TCP_INFO_H

#include <stdint.h>

struct tcp_sample {
    /* Of the handshake, as long as no data was sent; 0: none. Not the least one, which the
     * kernel keeps when a socket is connected again. When the SYN was sent again, it is that of
     * the one that was answered, in ms, by the timestamps that the answer echoes (RFC 7323);
     * 0 if the peer has none (Karn's algorithm). */
    uint32_t rtt_us;
    uint32_t retransmissions;
    uint32_t answered_ms; /* ago; later segments of the peer count as well */
};

struct tcp_sample tcp_sample_of(int socket); /* all 0 if the kernel does not report it */

#endif
