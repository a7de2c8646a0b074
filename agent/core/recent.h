/*
 * What the ranking of the nearest knows of a stream: its last RECENT_WINDOWS windows in
 * which anything was sent. Windows without a probe are no recent, so a stream that is
 * probed slowly keeps its place between two probes.
 */
#ifndef EDGELAT_CORE_RECENT_H
#define EDGELAT_CORE_RECENT_H

#include "core/nearest.h"
#include "core/window.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECENT_WINDOWS 5

struct recent { /* { 0 } is none */
    struct window_stats {
        uint64_t sent, lost, answered; /* answered: replies and refusals */
        int64_t min_ns;                /* of the distance, or DELAY_UNDEFINED */
    } windows[RECENT_WINDOWS];
    size_t at;   /* the newest of them */
    bool closed; /* and whether the next summary belongs to the next one */
};

/* Adds what a window, or a part of one, told; its delay number `distance` says how far it
 * is. */
void recent_add(struct recent *e, const struct summary *summary, size_t distance);

void recent_close(struct recent *e); /* the window has ended */

/*
 * The minimum and the loss over all windows of one stream. An outage that is over (most
 * was lost in the oldest windows, and one after them was better) says nothing about the
 * way: it is left out of `sent` and `lost`, with the window in which it ended, so that
 * what was down at first is ranked as soon as it is there. One in the middle counts until
 * it is the oldest: what goes down again and again is not near.
 */
struct window_stats recent_sum(const struct recent *e);

/*
 * A target's candidate from the sums of its `n` streams: the lowest of all delays, and
 * the losses of the streams that got any answer. A stream that never did (ICMP is
 * filtered, no IPv6 on the way) says nothing about the distance of a target that answers
 * otherwise; where no stream got an answer, all count.
 */
struct candidate recent_candidate(const struct window_stats *streams, size_t n);

#endif
