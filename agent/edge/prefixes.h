/*
 * The Microsoft service that an address belongs to: the longest matching prefix of
 * prefixes.csv, IPv4 and IPv6.
 */
#ifndef EDGELAT_EDGE_PREFIXES_H
#define EDGELAT_EDGE_PREFIXES_H

#include "core/endpoint.h"
#include "edge/datafile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PREFIXES_MAX = 16384, PREFIX_TEXT_MAX = ADDRESS_TEXT_MAX + 4 };

struct prefix {
    uint8_t bytes[16]; /* IPv4 as ::ffff:0:0/96 (RFC 4291, 2.5.5.2) */
    uint8_t bits;      /* length, of those 128 */
    bool inferred;     /* from samples, not published by Microsoft */
    uint32_t line;     /* in the file */
    uint16_t up;       /* index + 1 of the next shorter prefix that covers it; 0: none */
    char service[24];  /* "exchange", "teams", "backbone" */
    char text[PREFIX_TEXT_MAX]; /* "13.107.6.152/31" */
};

struct prefixes { /* start with { 0 }, end with prefixes_free() */
    struct prefix *all;
    size_t n, room;
    char version[DATAFILE_VERSION_MAX]; /* "": not read */
};

/* Returns the number of problems; invalid rows are left out. */
size_t prefixes_parse(struct prefixes *out, const struct datafile_source *from);
void prefixes_free(struct prefixes *p);

/* Reads the field of a data file into bytes, bits and text of `p`; `field` is changed. False:
 * no prefix, which was reported. */
bool prefixes_read(struct datafile *f, char *field, struct prefix *p);

/* The longest matching prefix, or NULL. */
const struct prefix *prefixes_find(const struct prefixes *p,
                                   const struct endpoint *address);

#endif
