/*
 * Reads the extensions of an ICMP error (RFC 4884): the MPLS label stack (RFC 4950) of the
 * packet that the error quotes. Pure; all reading is bounded; other objects are skipped.
 */
#ifndef EDGELAT_PROBE_ICMP_EXTENSION_H
#define EDGELAT_PROBE_ICMP_EXTENSION_H

#include "base/wire.h"
#include "core/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MPLS_LABELS_MAX = 8 }; /* further labels are left out */

struct mpls_label {
    uint32_t label;        /* 20 bits */
    uint8_t traffic_class; /* 3 bits; "experimental" before RFC 5462 */
    bool bottom;
    uint8_t ttl;
};

struct icmp_extension {
    size_t n_labels;
    struct mpls_label labels[MPLS_LABELS_MAX];
};

/* Reads the extension structure, which ends with the message. False and no labels: not
 * version 2, a wrong checksum (0: none), or an object that does not fit. */
bool icmp_extension_read(struct icmp_extension *out, struct wire w);

/*
 * The same in a whole ICMP error that begins with its header: the length of the quoted
 * packet, in units of 4 bytes for IPv4 and 8 for IPv6, is in the header (RFC 4884, 4).
 * False also without an extension, or with a quoted packet of less than 128 bytes.
 */
bool icmp_extension_find(struct icmp_extension *out, struct wire w, enum family family);

#endif
