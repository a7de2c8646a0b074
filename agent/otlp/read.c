#include "otlp/read.h"

#include "base/mem.h"
#include "otlp/gzip.h"

#include <stdlib.h>

enum { MALLOC_OVERHEAD = 16 }; /* millions of tiny pieces count as what they take */

static void *take(void *budget, size_t size)
{
    size_t *left = budget;
    if (size > *left || *left - size < MALLOC_OVERHEAD)
        return NULL;
    *left -= size + MALLOC_OVERHEAD;
    return mem_alloc(size);
}

static void give_back(void *budget, void *memory)
{
    (void)budget; /* what was taken once stays spent */
    free(memory);
}

static const ProtobufCMessageDescriptor *descriptor(enum signal signal)
{
    return signal == SIGNAL_LOGS ? &otlp__export_logs_service_request__descriptor
                                 : &otlp__export_metrics_service_request__descriptor;
}

ProtobufCMessage *otlp_read(enum signal signal, const void *bytes, size_t len)
{
    size_t left = OTLP_MEMORY_MAX;
    ProtobufCAllocator bounded = {
        .alloc = take, .free = give_back, .allocator_data = &left};
    if (len > OTLP_BYTES_MAX)
        return NULL;
    return protobuf_c_message_unpack(descriptor(signal), &bounded, len, bytes);
}

void otlp_read_free(ProtobufCMessage *request)
{
    ProtobufCAllocator a = {.alloc = take, .free = give_back};
    protobuf_c_message_free_unpacked(request, &a);
}

/* The latest one: a series that begins has a point from before. */
static uint64_t time_of_points(Otlp__NumberDataPoint *const *points, size_t n)
{
    uint64_t latest = 0;
    for (size_t i = 0; i < n; i++)
        if (points[i]->time_unix_nano > latest)
            latest = points[i]->time_unix_nano;
    return latest;
}

static uint64_t time_of_metric(const Otlp__Metric *m)
{
    if (m->data_case == OTLP__METRIC__DATA_GAUGE)
        return time_of_points(m->gauge->data_points, m->gauge->n_data_points);
    if (m->data_case == OTLP__METRIC__DATA_SUM)
        return time_of_points(m->sum->data_points, m->sum->n_data_points);
    return 0;
}

static uint64_t time_of_metrics(const Otlp__ExportMetricsServiceRequest *request)
{
    for (size_t r = 0; r < request->n_resource_metrics; r++) {
        const Otlp__ResourceMetrics *from = request->resource_metrics[r];
        for (size_t s = 0; s < from->n_scope_metrics; s++)
            for (size_t m = 0; m < from->scope_metrics[s]->n_metrics; m++) {
                uint64_t time = time_of_metric(from->scope_metrics[s]->metrics[m]);
                if (time != 0)
                    return time;
            }
    }
    return 0;
}

static uint64_t time_of_logs(const Otlp__ExportLogsServiceRequest *request)
{
    for (size_t r = 0; r < request->n_resource_logs; r++) {
        const Otlp__ResourceLogs *from = request->resource_logs[r];
        for (size_t s = 0; s < from->n_scope_logs; s++)
            if (from->scope_logs[s]->n_log_records > 0)
                return from->scope_logs[s]->log_records[0]->observed_time_unix_nano;
    }
    return 0;
}

struct wall otlp_read_time(enum signal signal, const void *bytes, size_t len)
{
    void *plain;
    uint64_t ns = 0;
    if (gzip_unpack(bytes, len, OTLP_BYTES_MAX, &plain, &len) < 0)
        return (struct wall){0};
    ProtobufCMessage *request = otlp_read(signal, plain, len);
    if (request != NULL && signal == SIGNAL_LOGS)
        ns = time_of_logs((const Otlp__ExportLogsServiceRequest *)request);
    else if (request != NULL)
        ns = time_of_metrics((const Otlp__ExportMetricsServiceRequest *)request);
    otlp_read_free(request);
    free(plain);
    return (struct wall){ns <= INT64_MAX ? (int64_t)ns : 0};
}
