/*
 * The AS of an address by DNS, as Team Cymru publishes it from the BGP tables of its peers
 * (https://www.team-cymru.com/ip-asn-mapping): a TXT record under origin.asn.cymru.com,
 *
 *     "8075 | 13.104.0.0/14 | US | arin | 2015-03-26"
 *
 * with the origins of the prefix, separated by spaces, and one record for each prefix that
 * covers the address. Pure; the text comes from outside.
 */
#ifndef EDGELAT_EDGE_AS_ORIGIN_H
#define EDGELAT_EDGE_AS_ORIGIN_H

#include "core/endpoint.h"
#include "core/target.h"

enum { AS_ORIGINS_MAX = 4 };

struct as_origin {
    uint32_t as[AS_ORIGINS_MAX]; /* of several the order is that of the record */
    size_t n;                    /* 0: none */
    uint8_t bits;                /* of the prefix */
};

/* Writes the name to ask for, with a dot at the end. */
void as_origin_name(char out[HOST_TEXT_MAX], const struct endpoint *address);

/* Reads one record. False: not as above, its prefix does not cover the address, or is
 * shorter than any that is announced. */
bool as_origin_read(struct as_origin *out, const char *text,
                    const struct endpoint *address);

/* Adds a record to what others of the same answer told: the longest prefix decides, and the
 * origins of records with the same length are joined. */
void as_origin_add(struct as_origin *all, const struct as_origin *one);

#endif
