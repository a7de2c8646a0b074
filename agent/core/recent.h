/*
 * The recent windows of a stream, which the ranking uses: the last RECENT_WINDOWS windows
 * in which anything was sent. Windows without a probe are skipped, so a slowly probed
 * stream keeps its rank between two probes.
 */
#ifndef EDGELAT_CORE_RECENT_H
#define EDGELAT_CORE_RECENT_H

#include "core/nearest.h"
#include "core/window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_WINDOWS 5

struct window_stats {
    uint32_t sent, lost, answered; /* fewer than 2^32; answered: replies and refusals */
    int64_t min_ns;                /* of the distance, or DELAY_UNDEFINED */
};

struct recent { /* start with { 0 }; arrays: 24 bytes less than structs with padding */
    int64_t min_ns[RECENT_WINDOWS];
    uint32_t sent[RECENT_WINDOWS], lost[RECENT_WINDOWS], answered[RECENT_WINDOWS];
    uint8_t at;  /* index of the newest window */
    bool closed; /* the newest window has ended: the next summary begins another */
};

/* Adds the summary of a window or of a part of one; `distance` is the index of the delay
 * that measures the distance. */
void recent_add(struct recent *e, const struct summary *summary, size_t distance);

void recent_close(struct recent *e); /* the window has ended */

/*
 * The minimum delay and the loss over all windows of one stream. An outage that is over
 * (most probes were lost in the oldest windows, and a later window was better) says
 * nothing about the path now: it is left out of `sent` and `lost`, with the window in
 * which it ended, so that a target that was down at first is ranked as soon as it is up.
 * An outage in the middle counts until it is the oldest: a target with repeated outages
 * should not rank well.
 */
struct window_stats recent_sum(const struct recent *e);

/*
 * A target's candidate from the sums of its `n` streams: the lowest of all delays, and
 * the loss of the streams that got any answer. A stream without any answer (ICMP is
 * filtered, no IPv6 on the path) says nothing about the distance of a target whose other
 * streams are answered; if no stream got an answer, all count.
 */
struct candidate recent_candidate(const struct window_stats *streams, size_t n);

#endif
