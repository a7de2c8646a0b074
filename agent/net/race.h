/*
 * Which of several addresses of one host answers: TCP connections to them, begun in
 * order, one each RACE_STAGGER_NS or as soon as the one before has failed, all of which
 * stay under way (RFC 8305, 5, "Connection Attempt Delay"). The first that is made wins;
 * all are closed. libcurl does this between IPv4 and IPv6 only, and in 7.88, driven by
 * events, a first address that drops packets takes the whole time.
 */
#ifndef EDGELAT_NET_RACE_H
#define EDGELAT_NET_RACE_H

#include "core/endpoint.h"
#include "core/time.h"

#include <stddef.h>
#include <uv.h>

#define RACE_MAX        16
#define RACE_STAGGER_NS (250 * NS_PER_MS)
#define RACE_NONE       SIZE_MAX

struct race;

/* `winner`: an index, or RACE_NONE: none was connected within the limit. The race is gone
 * then. */
typedef void race_cb(size_t winner, void *user);

/* 1 to RACE_MAX addresses, copied. Exactly one callback comes, later, unless the race is
 * cancelled. */
struct race *race_begin(uv_loop_t *loop, const struct endpoint *addresses, size_t n,
                        int64_t limit_ns, race_cb *cb, void *user);
void race_cancel(struct race *r);

#endif
