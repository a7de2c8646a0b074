/*
 * Builds OTLP requests: attributes, and data points metric by metric. All memory is of the
 * builder's arenas; texts are borrowed from the caller. A text that is too long or not UTF-8
 * is copied and corrected, as one bad text makes a receiver refuse the whole request.
 *
 * An attribute stands in every point of a series, so it is packed once. Points
 * are packed here, as protobuf-c computes sizes again on every level, and so that attributes
 * and times stand together: gzip sees one repetition then, a third fewer bytes a point.
 */
#ifndef EDGELAT_OTLP_BUILDER_H
#define EDGELAT_OTLP_BUILDER_H

#include "core/histogram.h"
#include "core/target.h"
#include "core/time.h"
#include "otlp/arena.h"
#include "proto/otlp.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTRIBUTE_TEXT_MAX 512 /* bytes of a value */
#define ATTRIBUTES_MAX     20
#define METRICS_MAX        128

struct packed { /* an encoded message: length and bytes, as behind a tag */
    uint8_t *bytes;
    size_t len;
};

struct point_block; /* of NumberDataPoint or ExponentialHistogramDataPoint */

struct metric { /* its points so far */
    const char *name, *unit, *description;
    Otlp__Metric__DataCase type;
    struct point_block *first, *last; /* NULL: none */
    size_t len;                       /* as they are written */
};

struct builder { /* start with { .time = ... }, end with builder_free() */
    struct arena arena, points;
    struct wall time; /* stamps every point */
    bool delta;       /* sums and histograms; else cumulative */
    struct metric metrics[METRICS_MAX];
    size_t n_metrics;
    size_t bytes; /* of the points */
};

void builder_clear(struct builder *b);  /* no points; metrics stay */
void builder_forget(struct builder *b); /* attributes and texts; points have copies */
void builder_free(struct builder *b);

/*
 * Writes a request of all metrics that have points, in pieces, and returns its length.
 * Requests that follow each other are one, as protobuf joins their lists.
 */
typedef void builder_write_cb(const void *bytes, size_t len, void *user);
size_t builder_write(struct builder *b, const Otlp__Resource *resource,
                     const Otlp__InstrumentationScope *scope, builder_write_cb *write,
                     void *user);

/* What is sent of a number of seconds, also of the sum of many delays: the nearest multiple
 * of 2^-24 s, at most 30 ns away, as what is below does not compress. Other values, as a
 * ratio that alerts compare with 0.05, are sent as they are. */
double builder_seconds(double s);

struct attributes { /* start with { 0 }; a copy may be added to on its own */
    struct packed list[ATTRIBUTES_MAX]; /* KeyValue */
    size_t n;
    const struct shared_attributes *shared; /* come before those; NULL: none */
};

/* Keeps the attributes so far, as those of a series, once for all points that get them or a
 * copy, in place of a copy in each: they are most of a point. Once at most. */
void attributes_share(struct builder *b, struct attributes *a);

void attribute_text(struct builder *b, struct attributes *to, const char *key,
                    const char *text);
void attribute_text_if(struct builder *b, struct attributes *to, const char *key,
                       const char *text); /* nothing for "" */
void attribute_time_if(struct builder *b, struct attributes *to, const char *key,
                       struct wall time); /* as RFC 3339; nothing for 0 */
void attribute_integer(struct builder *b, struct attributes *to, const char *key,
                       int64_t number);
void attribute_number(struct builder *b, struct attributes *to, const char *key,
                      double number);
void attribute_bool(struct builder *b, struct attributes *to, const char *key,
                    bool truth);

/* The attributes of a target in every signal: name, service, host. */
struct attributes attributes_of_target(struct builder *b, const struct target *t);

/* Adds the attributes to `message` as its field number `tag`. */
void attributes_attach(struct builder *b, const struct attributes *a,
                       ProtobufCMessage *message, uint32_t tag);

/* A text as a value, corrected if need be. */
Otlp__AnyValue *builder_text(struct builder *b, const char *text);

/* `metric` is an index into builder.metrics; `start` is when counting began. */
void point_count(struct builder *b, size_t metric, const struct attributes *a,
                 struct wall start, uint64_t count);
void point_value(struct builder *b, size_t metric, const struct attributes *a,
                 struct wall start, double value);
void point_histogram(struct builder *b, size_t metric, const struct attributes *a,
                     struct wall start, const struct histogram *h, bool extremes);

#endif
