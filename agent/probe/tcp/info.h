/*
 * What the kernel knows of a TCP connection. Its sample of the handshake begins in TCP
 * before the SYN goes down and ends in TCP after the SYN-ACK came up: it holds this
 * host's stack twice (1 us when busy, 5 to 15 when its processor has to wake up), and a
 * capture's copying. There is nothing nearer to the wire: SO_TIMESTAMPING stamps data
 * only, neither SYN nor SYN-ACK.
 *
 * A file of its own, as the kernel's header,
 * which has all of struct tcp_info, and glibc's, which libuv includes, exclude each
 * other.
 */
#ifndef EDGELAT_PROBE_TCP_INFO_H
#define EDGELAT_PROBE_TCP_INFO_H

#include <stdint.h>

struct tcp_sample {
    uint32_t rtt_us; /* least round trip seen; 0: none */
    uint32_t retransmissions;
};

struct tcp_sample tcp_sample_of(int socket); /* all 0 when the kernel does not say */

#endif
