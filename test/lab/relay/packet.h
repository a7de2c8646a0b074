/*
 * IPv4 and IPv6 packets as bytes: what a router reads of them, and the packets that a
 * router or a middlebox makes itself. Addresses are 16 bytes, IPv4 mapped into
 * ::ffff:0:0/96.
 */
#ifndef LAB_RELAY_PACKET_H
#define LAB_RELAY_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 65535

struct address {
    uint8_t bytes[16];
};

struct packet {
    const uint8_t *bytes;
    size_t len;
    bool ipv6;
    struct address source, destination;
    uint8_t ttl;
    uint8_t protocol; /* of the first header after IP; 0 in a later fragment */
    size_t payload;   /* where that header begins */
};

/* ICMP errors in the words of both families. */
enum icmp_error { ICMP_TTL_EXCEEDED, ICMP_HOST_UNREACHABLE, ICMP_PROHIBITED };

bool address_parse(struct address *out, const char *text);
bool address_is_ipv4(const struct address *a);

/* False: not a whole IP packet. */
bool packet_read(struct packet *out, const uint8_t *bytes, size_t len);

bool packet_is_icmp(const struct packet *p);
bool packet_is_echo_request(const struct packet *p);
bool packet_is_tcp(const struct packet *p);
bool packet_is_tcp_syn(const struct packet *p); /* a first SYN, without ACK */

/* `hops` routers have passed it on; fewer than its TTL. `bytes` are those of `p`. */
void packet_age(uint8_t *bytes, const struct packet *p, unsigned hops);

/* The three write a packet to `out` of PACKET_MAX bytes and return its length. */
size_t packet_error(uint8_t *out, enum icmp_error error, const struct address *from,
                    const struct packet *cause);
size_t packet_echo_reply(uint8_t *out, const struct packet *request);
size_t packet_syn_ack(uint8_t *out, const struct packet *syn);

#endif
