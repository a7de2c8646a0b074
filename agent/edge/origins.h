/*
 * The AS numbers that are expected to originate a prefix, read from origins.csv: those of
 * Microsoft's prefixes, and of others, such as the site's own, where the file names them.
 * Another origin of a route may be a hijack or a leak.
 */
#ifndef EDGELAT_EDGE_ORIGINS_H
#define EDGELAT_EDGE_ORIGINS_H

#include "edge/prefixes.h"

enum { ORIGINS_MAX = 4096 };

struct origin {
    struct prefix prefix; /* bits 0 in the row "microsoft" */
    bool microsoft;       /* of all prefixes in prefixes.csv without a row of their own */
    uint32_t as;
};

struct origins { /* start with { 0 }, end with origins_free() */
    struct origin *all;
    size_t n, room;
    char version[DATAFILE_VERSION_MAX]; /* "": not read */
};

/* Returns the number of problems; invalid rows are left out. */
size_t origins_parse(struct origins *out, const struct datafile_source *from);
void origins_free(struct origins *o);

enum origin_verdict { ORIGIN_UNKNOWN, ORIGIN_EXPECTED, ORIGIN_UNEXPECTED };

/*
 * Judges a route to the first `bits` bits of `bytes` (as struct prefix has them) that `as`
 * originates. The rows of the longest prefix that covers the route decide, all of them if it
 * has several; without one, and if `microsoft`, the rows "microsoft". ORIGIN_UNKNOWN: no row.
 */
enum origin_verdict origins_judge(const struct origins *o, const uint8_t bytes[16],
                                  uint8_t bits, uint32_t as, bool microsoft);

/* True if `as` is in a row "microsoft". */
bool origins_are_microsofts(const struct origins *o, uint32_t as);

#endif
