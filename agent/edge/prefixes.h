/*
 * Which service of Microsoft's an address belongs to: the longest prefix of prefixes.csv
 * that covers it, IPv4 and IPv6.
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
    uint8_t bits;      /* of those 128 */
    bool inferred;     /* from samples, not from a list of Microsoft's */
    uint32_t line;     /* where it stands in the file */
    uint16_t up;       /* the next shorter one that covers it: its index + 1; 0 is none */
    char service[24];  /* "exchange", "teams", "backbone" */
    char text[PREFIX_TEXT_MAX]; /* "13.107.6.152/31" */
};

struct prefixes { /* all zero is an empty one; ends with prefixes_free() */
    struct prefix *all;
    size_t n, room;
    char version[DATAFILE_VERSION_MAX]; /* "" while there is none */
};

/* Returns the number of problems; what is wrong is left out. */
size_t prefixes_parse(struct prefixes *out, const struct datafile_source *from);
void prefixes_free(struct prefixes *p);

/* NULL: no prefix covers it. */
const struct prefix *prefixes_find(const struct prefixes *p,
                                   const struct endpoint *address);

#endif
