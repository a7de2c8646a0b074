/*
 * What the kernel knows of a TCP connection. A file of its own, as the kernel's header,
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
