/*
 * What the files of the dataset share: how a point of a request becomes a value in it.
 */
#ifndef EDGELAT_REPORT_DATASET_STATE_H
#define EDGELAT_REPORT_DATASET_STATE_H

#include "proto/otlp.pb-c.h"
#include "report/dataset.h"

struct
    dataset_counters { /* the counters of a place, and what its last batch says of a window */
    struct dataset_counts now, before;
    uint64_t start_ns, before_start_ns; /* of the counters; 0: none yet */
    uint64_t time_ns, before_time_ns;   /* of the batch; 0: none yet */
    uint64_t window_ns;                 /* when the window began; 0: unknown */
    int64_t p50_ns, p95_ns;
    bool delta, has_loss;
};

struct decoded { /* attributes */
    Otlp__KeyValue *const *list;
    size_t n;
};

#define attributes_of(point)                                                             \
    ((struct decoded){(point)->attributes, (point)->n_attributes})

/* The text of one, cut and cleaned, "" where there is none. Returns `out`. */
const char *dataset_text(char *out, size_t room, struct decoded a, const char *key);

struct dataset_lookup { /* where a point belongs */
    struct dataset_target *target;
    struct dataset_stream *stream;
    struct dataset_series *series;
};

/* Made where they are not there. NULL, false: it belongs nowhere. */
struct dataset_target *dataset_target_of(struct dataset *p, struct decoded a);
bool dataset_lookup(struct dataset *p, struct decoded a, struct dataset_lookup *out);

/* Whether it is a sample of the period. */
bool dataset_in_period(const struct dataset *p, uint64_t time_ns);

/* The batch of `time_ns` begins, or goes on; false when it is older than the last one.
 */
bool dataset_begin_batch(struct dataset *p, struct dataset_stream *s,
                         struct dataset_series *series, uint64_t time_ns);

void dataset_count(struct dataset_counters *t, const Otlp__NumberDataPoint *point,
                   const char *what, bool delta);
void dataset_end_batch(struct dataset *p, struct dataset_stream *s,
                       struct dataset_series *series);

/* Of the delay that the kind is about, also the percentiles of the window. */
void dataset_add_delay(struct dataset *p, const struct dataset_lookup *at,
                       const char *delay,
                       const Otlp__ExponentialHistogramDataPoint *point, bool delta);
void dataset_end_delay(struct dataset_delay *c);

void dataset_add_self(struct dataset *p, const Otlp__Metric *metric);
void dataset_add_logs(struct dataset *p, const Otlp__ResourceLogs *from);

#endif
