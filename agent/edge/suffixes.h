/*
 * The owner of a host by its name, read from suffixes.csv: Microsoft's edge, an Azure
 * region, or another company's network. For the last name of a CNAME chain only: earlier
 * names only redirect in DNS and do not identify the server.
 */
#ifndef EDGELAT_EDGE_SUFFIXES_H
#define EDGELAT_EDGE_SUFFIXES_H

#include "core/target.h"
#include "edge/datafile.h"

#include <stddef.h>

enum { SUFFIXES_MAX = 1024 };

enum suffix_verdict {
    SUFFIX_EDGE,
    SUFFIX_FALLBACK, /* the edge's fallback in a datacentre, which may be far */
    SUFFIX_REGION,
    SUFFIX_FOREIGN,
    SUFFIX_EITHER, /* may be any of these */
};

struct suffix {
    /* Lower case; ".x": the names under x, "-x": names ending in it, "x": only that
     * name. */
    char *text;
    enum suffix_verdict verdict;
    char service[24]; /* "exchange"; for a foreign one its owner: "akamai" */
};

struct suffixes { /* start with { 0 }, end with suffixes_free() */
    struct suffix *all;
    size_t n, room;
    char version[DATAFILE_VERSION_MAX]; /* "": not read */
};

/* Returns the number of problems; invalid rows are left out. */
size_t suffixes_parse(struct suffixes *out, const struct datafile_source *from);
void suffixes_free(struct suffixes *s);

/* The longest suffix that matches `name`, in any case, with or without a trailing dot, or
 * NULL. */
const struct suffix *suffixes_find(const struct suffixes *s, const char *name);

#endif
