/*
 * Receives TCP handshakes that pass an interface, of any host: AF_PACKET with a filter in the
 * kernel (packet(7)): SYN, SYN-ACK, and ACKs without data, among which is the third packet of each
 * handshake. Packets begin with the network header, whatever the type of the link; of IPv6 only
 * those without extension headers. VLAN tags (up to 4) and a PPPoE session may stand in front of
 * it. Needs CAP_NET_RAW. Fragments are left out.
 */
#ifndef EDGELAT_NET_PACKET_SOCKET_H
#define EDGELAT_NET_PACKET_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PACKET_BYTES_MAX = 104, PACKET_BATCH = 32 };

struct packet {
    uint8_t bytes[PACKET_BYTES_MAX];
    size_t len;
    uint16_t protocol; /* EtherType: IP, or of a VLAN tag or PPPoE in front of it */
    int64_t wall_ns;   /* the kernel's stamp; 0: none */
};

/* A non-blocking socket bound to the interface; -errno: -EPERM, -ENODEV, -EAFNOSUPPORT. */
int packet_socket_open(unsigned interface);

/* Returns the number of packets, 0 if there are none, or -errno: -ENETDOWN. */
ssize_t packet_socket_receive(int fd, struct packet packets[PACKET_BATCH]);

/* The packets that the kernel dropped since the last call. */
uint32_t packet_socket_drops(int fd);

#endif
