/*
 * Decides when the path to each target is traced in each address family. Pure, and run
 * like the pipeline: path_schedule_next() returns when it is due, path_schedule_take()
 * one path to trace.
 *
 * Every path is traced once an interval, with PATH_JITTER of chance, so that neither the
 * paths of a site nor the sites fall into step; the first trace comes within
 * PATH_FIRST_NS. A reason (a shift, loss, another PoP, a BGP event) makes it due at once,
 * but at most once in PATH_REASON_NS; a trace that is not conclusive makes a further one
 * due after PATH_SOON_NS. Both take from an allowance of PATH_EXTRA traces a path and
 * hour. At most PATH_AT_ONCE traces are under way.
 */
#ifndef EDGELAT_EDGE_PATH_SCHEDULE_H
#define EDGELAT_EDGE_PATH_SCHEDULE_H

#include "core/endpoint.h"
#include "core/random.h"
#include "core/time.h"

#include <stdbool.h>
#include <stddef.h>

#define PATH_INTERVAL_NS (600 * NS_PER_S)
#define PATH_JITTER      0.1
#define PATH_FIRST_NS    (10 * NS_PER_S)
#define PATH_REASON_NS                                                                   \
    (30 * NS_PER_S) /* so that a moved entry is known within a minute */
#define PATH_SOON_NS (2 * NS_PER_S)

enum { PATH_AT_ONCE = 2, PATH_EXTRA = 30 };

struct path_due { /* of one path */
    size_t number;
    enum family family;
    bool wanted, under_way;
    struct mono at, reason; /* the next trace; the last one for a reason */
    bool had_reason;
    double allowance;     /* extra traces */
    struct mono credited; /* when it was last added to */
};

struct path_schedule { /* start with path_schedule_begin() */
    int64_t interval_ns;
    struct random random;
    bool paused;
    struct path_due *all;
    size_t n, room, under_way;
};

void path_schedule_begin(struct path_schedule *s, int64_t interval_ns, uint64_t seed);
void path_schedule_end(struct path_schedule *s);

/* Whether the path is traced: it has an address. */
void path_schedule_want(struct path_schedule *s, size_t number, enum family family,
                        bool wanted, struct mono now);

/* A reason to trace a path now. */
void path_schedule_reason(struct path_schedule *s, size_t number, enum family family,
                          struct mono now);

/* A reason to trace all paths of a family (FAMILY_NONE: of both). */
void path_schedule_reason_all(struct path_schedule *s, enum family family,
                              struct mono now);

/* False: nothing is due before another call. */
bool path_schedule_next(const struct path_schedule *s, struct mono *at);
bool path_schedule_take(struct path_schedule *s, struct mono now, size_t *number,
                        enum family *family);

/* A trace that was taken is over. `soon`: a further one would tell more. */
void path_schedule_done(struct path_schedule *s, size_t number, enum family family,
                        bool soon, struct mono now);

/* Nothing is due while paused; the caller ends what is under way. Resuming is a reason to
 * trace all. */
void path_schedule_pause(struct path_schedule *s, bool paused, struct mono now);

#endif
