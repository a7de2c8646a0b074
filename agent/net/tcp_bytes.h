/*
 * What a TCP connection has put on the wire, by TCP_INFO (Linux 4.19). A file of its own, because
 * the kernel's struct tcp_info and glibc's cannot be included together.
 */
#ifndef EDGELAT_NET_TCP_BYTES_H
#define EDGELAT_NET_TCP_BYTES_H

#include <stdint.h>

/* What comes after it was read: close_notify of both, FINs and their acknowledgements. */
#define TCP_BYTES_CLOSING   1000
#define TCP_PACKETS_CLOSING 8

struct tcp_wire {
    uint32_t packets, bytes;
};

/*
 * Upper bound of all packets, both directions, and of their bytes: data, and for each segment
 * the headers of IPv6 and TCP with time stamps; and what closing takes. 0: not known.
 */
struct tcp_wire tcp_wire_of(int socket);

/* Retransmissions, but for those of segments that the peer reports as received twice (RFC 2883):
 * they were not lost, only late. A SYN is never reported. 0 as well: not known. */
uint32_t tcp_lost_of(int socket);

#endif
