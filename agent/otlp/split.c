/*
 * The request is decoded, every list in it made shorter, packed, and so again for the
 * other half. What was decoded has to be freed whole: lists are made long again.
 */
#include "otlp/split.h"

#include "base/mem.h"
#include "otlp/gzip.h"
#include "otlp/read.h"
#include "otlp/request.h"

#include <stdlib.h>

struct list { /* of a decoded message */
    size_t *n;
    void ***first;
    size_t all_n;
    void **all;
};

struct lists {
    struct list *list;
    size_t n, room;
    bool halves; /* one has two elements or more */
};

static void add(struct lists *l, size_t *n, void ***first)
{
    if (*n == 0)
        return;
    l->list = mem_grow(l->list, &l->room, l->n + 1, sizeof *l->list);
    l->list[l->n++] = (struct list){n, first, *n, *first};
    l->halves |= *n > 1;
}

static void add_metric(struct lists *l, Otlp__Metric *m)
{
    if (m->data_case == OTLP__METRIC__DATA_GAUGE)
        add(l, &m->gauge->n_data_points, (void ***)&m->gauge->data_points);
    else if (m->data_case == OTLP__METRIC__DATA_SUM)
        add(l, &m->sum->n_data_points, (void ***)&m->sum->data_points);
    else if (m->data_case == OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM)
        add(l, &m->exponential_histogram->n_data_points,
            (void ***)&m->exponential_histogram->data_points);
}

/* Their points; `whole`: the metrics themselves. */
static void add_metrics(struct lists *l, const Otlp__ExportMetricsServiceRequest *request,
                        bool whole)
{
    for (size_t r = 0; r < request->n_resource_metrics; r++) {
        const Otlp__ResourceMetrics *from = request->resource_metrics[r];
        for (size_t s = 0; s < from->n_scope_metrics; s++) {
            Otlp__ScopeMetrics *scope = from->scope_metrics[s];
            if (whole)
                add(l, &scope->n_metrics, (void ***)&scope->metrics);
            for (size_t m = 0; !whole && m < scope->n_metrics; m++)
                add_metric(l, scope->metrics[m]);
        }
    }
}

static void add_logs(struct lists *l, const Otlp__ExportLogsServiceRequest *request)
{
    for (size_t r = 0; r < request->n_resource_logs; r++) {
        const Otlp__ResourceLogs *from = request->resource_logs[r];
        for (size_t s = 0; s < from->n_scope_logs; s++)
            add(l, &from->scope_logs[s]->n_log_records,
                (void ***)&from->scope_logs[s]->log_records);
    }
}

static struct otlp_half pack_half(const ProtobufCMessage *request, const struct lists *l,
                                  bool second)
{
    struct otlp_half half;
    for (size_t i = 0; i < l->n; i++) {
        const struct list *list = &l->list[i];
        size_t middle = list->all_n / 2;
        *list->first = list->all + (second ? middle : 0);
        *list->n = second ? list->all_n - middle : middle;
    }
    half.bytes = otlp_request_pack(request, &half.len);
    return half;
}

static void restore(const struct lists *l)
{
    for (size_t i = 0; i < l->n; i++) {
        *l->list[i].first = l->list[i].all;
        *l->list[i].n = l->list[i].all_n;
    }
}

bool otlp_split(enum signal signal, const void *bytes, size_t len,
                struct otlp_half out[2])
{
    void *plain;
    struct lists lists = {0};
    if (gzip_unpack(bytes, len, OTLP_BYTES_MAX, &plain, &len) < 0)
        return false;
    ProtobufCMessage *request = otlp_read(signal, plain, len);
    free(plain);
    if (request != NULL && signal == SIGNAL_LOGS)
        add_logs(&lists, (const Otlp__ExportLogsServiceRequest *)request);
    else if (request != NULL)
        add_metrics(&lists, (const Otlp__ExportMetricsServiceRequest *)request, false);
    if (request != NULL && signal == SIGNAL_METRICS && !lists.halves) {
        lists.n = 0;
        add_metrics(&lists, (const Otlp__ExportMetricsServiceRequest *)request, true);
    }
    for (size_t i = 0; lists.halves && i < 2; i++)
        out[i] = pack_half(request, &lists, i == 1);
    restore(&lists);
    otlp_read_free(request);
    free(lists.list);
    return lists.halves;
}
