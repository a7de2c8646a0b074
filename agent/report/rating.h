/*
 * How good a target was in the dataset, against the limits that count for it: which PoPs
 * served it, its delay and loss over the period, and when it was bad. Bad is what the
 * agent's events call down, degraded or flapping, and a window in which nothing answered.
 */
#ifndef EDGELAT_REPORT_RATING_H
#define EDGELAT_REPORT_RATING_H

#include "core/loss.h"
#include "report/dataset.h"

enum { RATING_POPS_MAX = 4 };

struct incident { /* bad from ... to ... */
    int64_t start_ns, end_ns;
    bool down;                           /* nothing answered, at some time of it */
    const struct dataset_event *because; /* how it began; NULL: no event says so */
    uint32_t streams; /* that events tell of: a bit each, as the target has them */
};

struct rating {
    const struct dataset_target *target;
    const char *kind, *delay; /* whose figures these are; NULL: no delay is known */
    bool round_trip;          /* that delay is one: limits are about those */
    int64_t p50_ns, p95_ns;   /* DELAY_UNDEFINED where that is so */
    struct rating_loss {
        const char *kind;
        struct loss_count count; /* packets or probes, core/loss.h */
        uint64_t probes, failed;
        bool lossy;                /* past its limit, over the period */
    } losses[DATASET_STREAMS_MAX]; /* one a kind */
    size_t n_losses;
    struct limits limits; /* 0 is none */
    bool slow, lossy;     /* over its limits, for the period as a whole */
    struct {
        const char *pop;
        double share;        /* of the windows of which the PoP is known */
    } pops[RATING_POPS_MAX]; /* the most frequent first */
    size_t n_pops;
    struct incident *incidents; /* in the order of time, apart from each other */
    size_t n_incidents, incidents_room;
};

void rating_make(struct rating *out, const struct dataset *p,
                 const struct dataset_target *t, const struct limits *limits);
void rating_free(struct rating *r);

int64_t rating_bad_ns(const struct rating *r); /* the sum of the incidents */

/* When no target answered at all; free() `all`. */
struct intervals rating_all_down(const struct dataset *p);

#endif
