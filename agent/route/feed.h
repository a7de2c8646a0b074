/*
 * One BMP session: bytes of a router in, calls of the RIB out. Pure; the station reads and
 * keeps the bytes. A message with a wrong version or length ends the session: `error` says
 * so. One whose content is malformed is ignored and counted.
 */
#ifndef EDGELAT_ROUTE_FEED_H
#define EDGELAT_ROUTE_FEED_H

#include "route/rib.h"

struct feed {
    struct rib *rib;
    struct endpoint address; /* of the router */
    size_t router;       /* RIB_ROUTERS_MAX until its Initiation, or its first message */
    uint64_t connection; /* of the RIB */
    uint64_t messages, bad;
    const char *bad_last; /* what was malformed last; static */
    uint64_t skip;        /* bytes of a message that is not decoded */
    const char *error;    /* static */
    bool ended;           /* a Termination has come */
};

struct feed feed_of(struct rib *rib, const struct endpoint *address);

/*
 * Takes all whole messages. Returns how many bytes were used, the rest is to be given again
 * with more behind it; or -EBADMSG, or -EBUSY: too many routers are connected.
 */
ssize_t feed_take(struct feed *f, const uint8_t *bytes, size_t len, struct instant now);

bool feed_is_connected(const struct feed *f); /* its router is known */

/* True when the session is to be closed: see "BMP sessions" in rib.h. */
bool feed_is_replaced(const struct feed *f);

/* The session ended; `why` is a clause. */
void feed_end(struct feed *f, const char *why, struct instant now);

#endif
