/*
 * STUN messages (RFC 8489): writes a Binding request, reads the response. Pure; all
 * reading is bounded.
 *
 * A server of RFC 3489 knows no magic cookie: to it the cookie is part of the transaction
 * id, so its response begins with the same 16 bytes, and has a MAPPED-ADDRESS in place of
 * an XOR-MAPPED-ADDRESS.
 */
#ifndef EDGELAT_PROBE_STUN_MESSAGE_H
#define EDGELAT_PROBE_STUN_MESSAGE_H

#include "base/wire.h"
#include "core/endpoint.h"

#include <stdbool.h>
#include <stdint.h>

enum { STUN_ID_LEN = 12, STUN_REQUEST_LEN = 20, STUN_PORT = 3478 };

/* Longest response that is read; coturn answers with 56 to 120 bytes. */
enum { STUN_RESPONSE_MAX = 1500 };

struct stun_id { /* of a transaction: bytes from a random source */
    uint8_t bytes[STUN_ID_LEN];
};

/* A request without attributes: servers may not reject any, and the packet is the
 * smallest. */
void stun_write_request(uint8_t out[STUN_REQUEST_LEN], const struct stun_id *id);

enum stun_class {
    STUN_NOT,     /* no STUN message, or none with the magic cookie */
    STUN_REQUEST, /* or indication: an echo service, or a peer that tests us */
    STUN_SUCCESS,
    STUN_ERROR,
};

struct stun_message {
    enum stun_class class;
    struct stun_id id;
    struct endpoint mapped; /* our address as the server sees it; FAMILY_NONE: not said */
    uint16_t error;         /* 300 to 699 of ERROR-CODE; 0: none */
    /* The attributes do not fit: those before are read. The id tells which request was
     * answered nevertheless. */
    bool damaged;
};

/* Reads a message, or the beginning of one that an ICMP error quotes. Unknown attributes
 * are skipped. */
struct stun_message stun_read(struct wire w);

#endif
