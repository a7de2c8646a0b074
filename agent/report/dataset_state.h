/*
 * Shared by the files of the dataset: adds the data points of a request to it.
 */
#ifndef EDGELAT_REPORT_DATASET_STATE_H
#define EDGELAT_REPORT_DATASET_STATE_H

#include "proto/otlp.pb-c.h"
#include "report/dataset.h"
#include "report/point_reader.h"

/* The counters of a series, and the window that its newest batch reports. */
struct dataset_counters {
    struct dataset_counts now, before;
    uint64_t start_ns, before_start_ns; /* of the counters; 0: none yet */
    uint64_t time_ns, before_time_ns;   /* of the batch; 0: none yet */
    uint64_t window_ns;                 /* start time of the window; 0: unknown */
    int64_t p50_ns, highest_ns;
    bool delta;
    bool has_loss; /* the batch contains a loss ratio for this series */
};

/* Sets `metre`; call it when events are sorted. */
void dataset_find_metre(struct dataset *p);

/* Sets `outages`; call it when samples and events are sorted. */
void dataset_find_outages(struct dataset *p);

/* The attributes of a data point. */
struct decoded {
    Otlp__KeyValue *const *list;
    size_t n;
    struct point_note *note; /* what they belong to, once it is known; NULL: no point's */
};

#define attributes_of(point)                                                             \
    ((struct decoded){(point)->attributes, (point)->n_attributes,                        \
                      point_reader_note((point)->attributes)})

/* Copies the text of attribute `key`, truncated and cleaned; "" if absent. Returns
 * `out`. */
const char *dataset_text(char *out, size_t room, struct decoded a, const char *key);

/* What a data point belongs to. */
struct dataset_lookup {
    struct dataset_target *target;
    struct dataset_stream *stream;
    struct dataset_series *series;
};

/* Find by attributes, or add. NULL and false: attributes are missing, or a limit is
 * reached. */
struct dataset_target *dataset_target_of(struct dataset *p, struct decoded a);
bool dataset_lookup(struct dataset *p, struct decoded a, struct dataset_lookup *out);

/* Whether a window that ends at `time_ns` belongs to the period. */
bool dataset_in_period(const struct dataset *p, uint64_t time_ns);

/* Begins or continues the batch of `time_ns`, and ends the previous one. False if it is
 * older than the last batch or later than the period. */
bool dataset_begin_batch(struct dataset *p, struct dataset_stream *s,
                         struct dataset_series *series, uint64_t time_ns);

/* Adds one count; the text of `attribute` names an outcome or a counter. */
void dataset_count(struct dataset_counters *t, const Otlp__NumberDataPoint *point,
                   const char *attribute, bool delta);

/* Adds the counts of the current batch to the period, and its window to the samples. */
void dataset_end_batch(struct dataset *p, struct dataset_stream *s,
                       struct dataset_series *series);

/* Adds a histogram. For the kind's main delay, computes the window's percentiles too. */
void dataset_add_delay(struct dataset *p, const struct dataset_lookup *at,
                       const Otlp__ExponentialHistogramDataPoint *point, bool delta);

/* Adds the increase of the current cumulative counter to the sum. */
void dataset_end_delay(struct dataset_delay *c);

/* Keeps the event, if it is the last of its subject. */
void dataset_note_last(struct dataset *p, struct dataset_lasts *s,
                       const struct dataset_event *e);

void dataset_add_self(struct dataset *p, const Otlp__Metric *metric);
void dataset_add_session(struct dataset *p, const Otlp__Metric *metric);
void dataset_add_prefix(struct dataset *p, const Otlp__NumberDataPoint *point);
void dataset_add_traffic(struct dataset *p, const Otlp__Metric *metric);
void dataset_free_traffic(struct dataset *p);
void dataset_add_media(struct dataset *p, const struct dataset_event *e,
                       const Otlp__LogRecord *record);
void dataset_end_media(struct dataset *p);
void dataset_add_logs(struct dataset *p, const Otlp__ResourceLogs *from);

#endif
