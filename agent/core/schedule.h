/*
 * When which stream is probed. Each stream is periodic with a random phase (RFC 3432) or
 * Poisson (RFC 2330, 11.1.1), and open loop: a slow reply never delays the next probe. A
 * probe's time follows from the stream's own grid and not from when it was taken, so
 * there is no drift over a day. Chance comes from a seed.
 *
 * When the host was too slow, a probe is still sent if it is less than SCHEDULE_PAUSE_NS
 * late, and of several such probes of a stream only the last one. After a longer pause (a
 * suspend, a SIGSTOP, a busy hour) every stream waits for the next point of its grid that
 * lies ahead: no burst. What was not sent is counted, by arithmetic and not by looping.
 */
#ifndef EDGELAT_CORE_SCHEDULE_H
#define EDGELAT_CORE_SCHEDULE_H

#include "core/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_PAUSE_NS NS_PER_S

/*
 * Poisson: the gaps are SCHEDULE_GAP_LEAST of the interval plus an exponential of mean
 * (1 - SCHEDULE_GAP_LEAST) of it, so that the mean is the interval and the far end never
 * sees two probes at once.
 */
enum pattern { PATTERN_PERIODIC, PATTERN_POISSON };
#define SCHEDULE_GAP_LEAST 0.1

struct due {
    size_t stream;
    struct mono at;  /* when it should be sent: now or a little before */
    uint64_t missed; /* probes of this stream that fell due before that and are not sent
                        any more; with PATTERN_POISSON as many as were to be expected */
};

struct schedule;

struct schedule *schedule_create(size_t streams, enum pattern pattern, uint64_t seed);
void schedule_destroy(struct schedule *s);

/*
 * Sets a stream's interval, 0 rests it. A stream that rested begins at a random phase
 * within its interval (within `first_within_ns` if that is shorter and not 0); one that
 * only changes its interval keeps its next probe if that lies within the new one.
 */
void schedule_set(struct schedule *s, size_t stream, int64_t interval_ns,
                  int64_t first_within_ns, struct mono now);

/* When the next probe is due; false when every stream rests. */
bool schedule_next(const struct schedule *s, struct mono *at);

/* Takes the next probe that is due at `now`; false when none is. Call until false. */
bool schedule_take(struct schedule *s, struct mono now, struct due *out);

#endif
