/*
 * Reads values from OTLP requests with protobuf-c's own functions.
 */
#ifndef EDGELAT_TEST_OTLP_VALUES_H
#define EDGELAT_TEST_OTLP_VALUES_H

#include "check.h"

#include "otlp/gzip.h"
#include "otlp/metrics.h"
#include "proto/otlp.pb-c.h"

/* Unpacks a gzipped request; fails if it is not one. */
static inline ProtobufCMessage *decode(enum signal signal, const void *bytes, size_t len)
{
    void *plain;
    size_t plain_len;
    CHECK_INT(0, gzip_unpack(bytes, len, OTLP_BYTES_MAX, &plain, &plain_len),
              "it is gzip");
    void *m =
        signal == SIGNAL_METRICS
            ? (void *)otlp__export_metrics_service_request__unpack(NULL, plain_len, plain)
            : (void *)otlp__export_logs_service_request__unpack(NULL, plain_len, plain);
    CHECK(m != NULL, "it is protobuf");
    free(plain);
    return m;
}

static inline const char *attribute(Otlp__KeyValue *const *list, size_t n,
                                    const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i]->key, key) == 0)
            return list[i]->value->string_value;
    return "";
}

/* The last point of a metric with this attribute ("": any). */
static inline double value(const Otlp__ExportMetricsServiceRequest *m, const char *name,
                           const char *key, const char *word)
{
    const Otlp__ScopeMetrics *scope = m->resource_metrics[0]->scope_metrics[0];
    double found = NAN;
    for (size_t i = 0; i < scope->n_metrics; i++) {
        const Otlp__Metric *x = scope->metrics[i];
        if (strcmp(x->name, name) != 0)
            continue;
        bool sum = x->data_case == OTLP__METRIC__DATA_SUM;
        Otlp__NumberDataPoint **points =
            sum ? x->sum->data_points : x->gauge->data_points;
        size_t n = sum ? x->sum->n_data_points : x->gauge->n_data_points;
        for (size_t p = 0; p < n; p++)
            if (*key == '\0' ||
                strcmp(attribute(points[p]->attributes, points[p]->n_attributes, key),
                       word) == 0)
                found = points[p]->value_case == OTLP__NUMBER_DATA_POINT__VALUE_AS_INT
                            ? (double)points[p]->as_int
                            : points[p]->as_double;
    }
    return found;
}

static inline void check_value(const Otlp__ExportMetricsServiceRequest *m,
                               double expected, const char *name, const char *key,
                               const char *word)
{
    CHECK_NEAR(expected, value(m, name, key, word), 0, name);
}

#endif
