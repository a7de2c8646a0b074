/*
 * The path MTU to a target as of its last search, as a value: what the batch of a window
 * exports of it. edge/mtu_watch.h creates it.
 */
#ifndef EDGELAT_CORE_PATH_MTU_H
#define EDGELAT_CORE_PATH_MTU_H

#include "core/target.h"
#include "core/time.h"

#include <stdint.h>

enum mtu_limit { /* what stops larger packets */
                 MTU_LIMIT_NONE,
                 MTU_LIMIT_REPORTED, /* a router: fragmentation needed, packet too big */
                 MTU_LIMIT_HOST,     /* this host's interface or route */
                 MTU_LIMIT_BLACK_HOLE, /* they vanish */
};

const char *
mtu_limit_name(enum mtu_limit l); /* "none", "reported", "host", "black_hole" */

struct path_mtu { /* of a target in one address family */
    const struct target *target;
    enum family family;
    struct wall searched; /* the last search that could tell it */
    uint16_t bytes;       /* of IP packets; 0: not known yet */
    enum mtu_limit limit;
};

#endif
