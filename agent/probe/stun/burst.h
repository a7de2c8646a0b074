/*
 * A burst of STUN requests like the packets of a call: MEDIA_PACKETS to one address, one
 * each MEDIA_PACE_NS, and what became of them (core/media.h). It has a prober of its own,
 * so its packets count in no window. Pace and number are compiled in: a burst is 15 s and
 * up to MEDIA_PACKETS * 248 bytes in both directions together.
 */
#ifndef EDGELAT_PROBE_STUN_BURST_H
#define EDGELAT_PROBE_STUN_BURST_H

#include "core/media.h"
#include "core/target.h"

#include <uv.h>

struct burst;

struct burst_end {
    struct wall began;
    struct media_quality quality;
    struct endpoint mapped; /* this host as the server sees it; FAMILY_NONE: unknown */
    uint32_t late, duplicates;
    bool busy;       /* this host could not keep the pace, or dropped packets */
    bool refused;    /* the server itself declined one: nothing listens at its port */
    char cause[192]; /* of that, else of the last probe that failed; "": none */
};

typedef void burst_cb(const struct burst_end *end, void *user);

/* Begins at once, over the uplink, which outlives it (NULL: by the system's routes).
 * `on_end` comes once, later, when the last packet is answered or its waiting time is over.
 * `dscp`: of the packets. */
struct burst *burst_start(uv_loop_t *loop, const struct endpoint *to,
                          const struct uplink *uplink, uint8_t dscp, burst_cb *on_end,
                          void *user);

struct burst_progress {
    uint32_t sent, received, lost;
};

struct burst_progress burst_progress(const struct burst *b);

/* The end as it is now, without the packets in flight. */
void burst_so_far(const struct burst *b, struct burst_end *out);

/* on_end does not come any more. NULL is fine; also from inside of on_end. */
void burst_destroy(struct burst *b);

#endif
