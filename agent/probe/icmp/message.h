/*
 * Encodes ICMP and ICMPv6 echo requests; decodes echo replies and errors. Pure; all
 * reading is bounded.
 *
 * After id and sequence number an echo carries a tag (random, of this process: the socket
 * filter drops replies of others by it) and a nonce (random, of this probe: without it a
 * reply cannot be forged). The rest of the payload is zero, which does not change the
 * checksum, and is compared in the reply: the kernel does not verify the checksum of
 * packets for a raw socket.
 */
#ifndef EDGELAT_PROBE_ICMP_MESSAGE_H
#define EDGELAT_PROBE_ICMP_MESSAGE_H

#include "base/wire.h"
#include "core/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ECHO_PAYLOAD_MIN 16   /* tag, nonce and four zero bytes */
#define ECHO_PAYLOAD_MAX 1472 /* 1500 with the IPv4 header */
#define ECHO_HEAD_LEN    (8 + ECHO_PAYLOAD_MIN)
#define ECHO_ID_OFFSET   4 /* in the message */
#define ECHO_TAG_OFFSET  8

/* The upper byte of each id is that of the process: the socket filter recognises by it
 * errors that quote too little to contain the tag. Never 0. */
#define ECHO_MARK(tag) ((uint8_t)((tag) % 255 + 1))

enum { ICMP4_ECHO_REPLY = 0, ICMP6_ECHO_REPLY = 129 };

struct echo {
    uint16_t id, seq;
    uint32_t tag;
    uint64_t nonce;
};

/* The request's first ECHO_HEAD_LEN bytes. The kernel computes the checksum of
 * ICMPv6. */
void echo_write(uint8_t out[ECHO_HEAD_LEN], enum family family, const struct echo *echo);

enum icmp_what { ICMP_OTHER, ICMP_IS_REPLY, ICMP_IS_ERROR };

struct icmp_message {
    enum icmp_what what;
    struct echo echo; /* of the reply, or quoted by the error */
    bool whole;       /* tag and nonce are known: an error may quote less */

    /* of a reply */
    uint16_t payload_bytes; /* after the header */
    uint16_t damaged_at;    /* first byte of the payload that differs; 0: none */

    /* of an error */
    uint8_t type, code;
    uint32_t mtu;                /* of the next link, where the error says so, else 0 */
    struct endpoint quoted_to;   /* where the quoted request went */
    struct endpoint quoted_from; /* and came from; FAMILY_NONE: not known */
};

/* Reads a message that begins with its ICMP header; ICMP_OTHER: cut short or foreign. */
struct icmp_message icmp_read(struct wire w, enum family family);

/* The same with the IPv4 header in front, as raw sockets deliver it. */
struct icmp_message icmp_read_raw4(struct wire w);

/* Tag and nonce of the echo request that begins with its ICMP header; false: it is none.
 */
bool icmp_read_quoted(struct icmp_message *m, struct wire w, enum family family);

/* One clause: "host unreachable", "TTL exceeded"; static. */
const char *icmp_error_text(enum family family, uint8_t type, uint8_t code);

#endif
