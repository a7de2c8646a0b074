/*
 * What the files of the past share: how a point of a request becomes a value in it.
 */
#ifndef EDGELAT_REPORT_DATASET_STATE_H
#define EDGELAT_REPORT_DATASET_STATE_H

#include "proto/otlp.pb-c.h"
#include "report/dataset.h"

struct tally { /* the counters of a place, and what its last batch says of a window */
    struct past_counts now, before;
    uint64_t start_ns, before_start_ns; /* of the counters; 0: none yet */
    uint64_t time_ns, before_time_ns;   /* of the batch; 0: none yet */
    uint64_t window_ns;                 /* when the window began; 0: unknown */
    int64_t p50_ns, p95_ns;
    bool delta, tells_loss;
};

struct decoded { /* attributes */
    Otlp__KeyValue *const *list;
    size_t n;
};

#define attributes_of(point)                                                             \
    ((struct decoded){(point)->attributes, (point)->n_attributes})

/* The text of one, cut and cleaned, "" where there is none. Returns `out`. */
const char *past_text(char *out, size_t room, struct decoded a, const char *key);

struct spot { /* where a point belongs */
    struct past_target *target;
    struct stream *stream;
    struct place *place;
};

/* Made where they are not there. NULL, false: it belongs nowhere. */
struct past_target *past_target_of(struct past *p, struct decoded a);
bool past_find(struct past *p, struct decoded a, struct spot *out);

/* Whether it is a moment of the period. */
bool past_in_period(const struct past *p, uint64_t time_ns);

/* The batch of `time_ns` begins, or goes on; false when it is older than the last one.
 */
bool past_turn(struct past *p, struct stream *s, struct place *place, uint64_t time_ns);

void past_count(struct tally *t, const Otlp__NumberDataPoint *point, const char *what,
                bool delta);
void past_settle(struct past *p, struct stream *s, struct place *place);

/* Of the delay that the kind is about, also the percentiles of the window. */
void past_add_course(struct past *p, const struct spot *at, const char *delay,
                     const Otlp__ExponentialHistogramDataPoint *point, bool delta);
void past_end_course(struct course *c);

void past_add_self(struct past *p, const Otlp__Metric *metric);
void past_add_logs(struct past *p, const Otlp__ResourceLogs *from);

#endif
