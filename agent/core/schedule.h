/*
 * The schedule of probes. Each stream is periodic with a random phase (RFC 3432) or
 * Poisson (RFC 2330, 11.1.1), and open loop: a slow reply never delays the next probe.
 * The time of a probe follows from the stream's own grid, not from the time when it was
 * taken, so there is no drift over a day. Random numbers come from a seed.
 *
 * A late probe is still sent if it is less than SCHEDULE_PAUSE_NS late; of several such
 * probes of a stream only the last one is. After a longer pause (a suspend, a SIGSTOP, a
 * busy hour) every stream waits for the next point of its grid: there is no burst. Probes
 * not sent are counted, by arithmetic and not in a loop.
 */
#ifndef EDGELAT_CORE_SCHEDULE_H
#define EDGELAT_CORE_SCHEDULE_H

#include "core/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_PAUSE_NS NS_PER_S

/*
 * Poisson: a gap is SCHEDULE_GAP_LEAST of the interval plus an exponential with a mean of
 * (1 - SCHEDULE_GAP_LEAST) of it. So the mean gap is the interval, and the target never
 * gets two probes at once.
 */
enum pattern { PATTERN_PERIODIC, PATTERN_POISSON };
#define SCHEDULE_GAP_LEAST 0.1

struct due {
    size_t stream;
    struct mono at; /* when it was due: now or shortly before */
    /* Earlier probes of this stream that are skipped; with PATTERN_POISSON the expected
     * number. */
    uint64_t missed;
};

struct schedule;

struct schedule *schedule_create(enum pattern pattern, uint64_t seed);
void schedule_destroy(struct schedule *s);

/*
 * Sets a stream's interval; 0 pauses it. Streams are numbered from 0, and there is memory
 * for all up to the greatest number. A paused stream resumes at a random phase within its
 * interval (within `first_within_ns` if that is shorter and not 0). A running stream keeps
 * the time of its next probe if that is within the new interval.
 */
void schedule_set(struct schedule *s, size_t stream, int64_t interval_ns,
                  int64_t first_within_ns, struct mono now);

/* When the next probe is due; false when every stream is paused. */
bool schedule_next(const struct schedule *s, struct mono *at);

/* Takes the next probe that is due at `now`; false when there is none. Call until
 * false. */
bool schedule_take(struct schedule *s, struct mono now, struct due *out);

#endif
