/*
 * Finds an address of a host that answers, by racing TCP connections (RFC 8305, section
 * 5, "Connection Attempt Delay"): attempts start in order, each RACE_STAGGER_NS after
 * the previous one or as soon as it fails, and all stay in progress. The first
 * connection wins; all are closed. libcurl races only IPv4 against IPv6, and in 7.88,
 * when driven by events, a first address that drops packets uses up the whole timeout.
 */
#ifndef EDGELAT_NET_RACE_H
#define EDGELAT_NET_RACE_H

#include "core/endpoint.h"
#include "core/time.h"
#include "core/uplink.h"

#include <stddef.h>
#include <uv.h>

#define RACE_MAX        16
#define RACE_STAGGER_NS (250 * NS_PER_MS)
#define RACE_NONE       SIZE_MAX

struct race;

/* `winner`: an index, or RACE_NONE if no attempt succeeded within the limit. The race is
 * freed. */
typedef void race_cb(size_t winner, void *user);

/* Takes 1 to RACE_MAX addresses and copies them; over the uplink, which outlives it (NULL:
 * by the system's routes). `cb` is called exactly once, later, unless cancelled. */
struct race *race_begin(uv_loop_t *loop, const struct uplink *uplink,
                        const struct endpoint *addresses, size_t n, int64_t limit_ns,
                        race_cb *cb, void *user);
void race_cancel(struct race *r);

#endif
