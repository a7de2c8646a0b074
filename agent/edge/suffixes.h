/*
 * Whose a host is, by its name, read from suffixes.csv: Microsoft's edge, an Azure
 * region, or another company's network. Meant for the last name of a CNAME chain; earlier
 * names only answer DNS and say nothing of who answers the client.
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
    char text[HOST_TEXT_MAX]; /* lower case; ".x" the names under x, "-x" those that end
                                 so, "x" that name alone */
    enum suffix_verdict verdict;
    char service[24]; /* "exchange"; of a foreign one whose it is: "akamai" */
};

struct suffixes { /* all zero is an empty one; ends with suffixes_free() */
    struct suffix *all;
    size_t n, room;
    char version[DATAFILE_VERSION_MAX]; /* "" while there is none */
};

/* Returns the number of problems; what is wrong is left out. */
size_t suffixes_parse(struct suffixes *out, const struct datafile_source *from);
void suffixes_free(struct suffixes *s);

/* The longest one that fits `name`, in any case, with or without the dot at its end;
 * NULL: none does. */
const struct suffix *suffixes_find(const struct suffixes *s, const char *name);

#endif
