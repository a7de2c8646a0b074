#include "daemon/self_metrics.h"

#include "core/series.h"
#include "otlp/names.h"

#include <assert.h>
#include <string.h>
#include <uv.h>

static struct cpu_time cpu_time_now(void)
{
    uv_rusage_t usage;
    uv_getrusage(&usage);
    return (struct cpu_time){
        .user_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
        .system_s = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6,
    };
}

enum { DOOR_ROWS = 4 };

static size_t add_doors(const struct doors_summary *d, struct self_value *values)
{
    const struct {
        const char *state;
        size_t n;
    } rows[DOOR_ROWS] = {{"asked", d->names},
                         {"exist", d->exist},
                         {"answering", d->answering},
                         {"left", d->left}};
    for (size_t i = 0; i < DOOR_ROWS; i++)
        values[i] = (struct self_value){
            METRIC_AGENT_FRONT_DOORS,
            "{name}",
            "Front doors by what the last sweep learned; left: may be nearer",
            false,
            (double)rows[i].n,
            ATTR_FRONT_DOOR_STATE,
            rows[i].state};
    return DOOR_ROWS;
}

enum { BUDGET_ROWS = 2 };

static size_t add_budget(const struct budget *b, struct self_value *values)
{
    values[0] = (struct self_value){METRIC_AGENT_BUDGET_LIMIT,
                                    "By",
                                    "Bytes that probing may take in a day",
                                    false,
                                    b->limit,
                                    NULL,
                                    NULL};
    values[1] =
        (struct self_value){METRIC_AGENT_BUDGET_USED,
                            "By",
                            "Bytes that probing has taken of the budget since 00:00 UTC",
                            false,
                            budget_spent(b),
                            NULL,
                            NULL};
    return BUDGET_ROWS;
}

static size_t add_all(const struct self_metrics *s, const struct batch *batch,
                      const struct agent_counters *counters, struct self_value *values)
{
    const struct measurer_counters *m = &counters->measurer;
    const struct spool_counters *spool = &counters->spool;
    const struct shipper_counters *ship = &counters->shipper;
    struct cpu_time cpu = cpu_time_now();
    size_t resident;
    uv_resident_set_memory(&resident);

    const struct self_value all[] = {
        {METRIC_AGENT_CPU_TIME, "s", "CPU time of the agent", true,
         cpu.user_s - s->began.user_s, ATTR_CPU_MODE, "user"},
        {METRIC_AGENT_CPU_TIME, "s", "CPU time of the agent", true,
         cpu.system_s - s->began.system_s, ATTR_CPU_MODE, "system"},
        {METRIC_AGENT_MEMORY_RESIDENT, "By", "Resident memory of the agent", false,
         (double)resident, NULL, NULL},
        {METRIC_AGENT_PROBING, "",
         "0 while a stop order or an unset clock stops all probing", false, m->probing,
         NULL, NULL},
        {METRIC_AGENT_LOOP_LAG, "s", "Longest delay of the event loop in the last window",
         false, (double)m->loop_lag_max_ns / 1e9, NULL, NULL},
        {METRIC_AGENT_WINDOWS, "{window}",
         "Windows in which this host could not measure accurately", true,
         (double)s->busy_windows, ATTR_WINDOW_STATE, "busy"},
        {METRIC_AGENT_WINDOWS, "{window}",
         "Windows in which this host could not measure accurately", true,
         (double)s->interrupted_windows, ATTR_WINDOW_STATE, "interrupted"},
        {METRIC_AGENT_DNS_LOOKUPS, "{lookup}", "DNS lookups", true,
         (double)m->names.lookups, NULL, NULL},
        {METRIC_AGENT_DNS_FAILURES, "{lookup}", "DNS lookups that failed", true,
         (double)m->names.failures, NULL, NULL},
        {METRIC_AGENT_PROBE_FOREIGN, "{packet}", "Packets received that answer no probe",
         true, (double)m->prober.foreign, NULL, NULL},
        {METRIC_AGENT_PROBE_DAMAGED, "{packet}",
         "Answers whose payload differs from the probe", true, (double)m->prober.damaged,
         NULL, NULL},
        {METRIC_AGENT_PROBE_TIMESTAMP_FALLBACKS, "{probe}",
         "Probes timestamped by the agent, not the kernel", true,
         (double)m->prober.timestamp_fallbacks, NULL, NULL},
        {METRIC_AGENT_PATH_TRACES, "{trace}", "Traces of paths", true,
         (double)counters->paths.traces, NULL, NULL},
        {METRIC_AGENT_PATH_PACKETS, "{packet}", "Packets sent to trace paths", true,
         (double)counters->paths.packets, NULL, NULL},
        {METRIC_AGENT_PATH_MTU_PACKETS, "{packet}", "Packets sent to find path MTUs",
         true, (double)counters->mtus.packets, NULL, NULL},
        {METRIC_AGENT_SPOOL_WAITING, "{batch}", "Batches waiting in the spool", false,
         (double)spool->waiting, NULL, NULL},
        {METRIC_AGENT_SPOOL_SIZE, "By", "Size of the batches waiting in the spool", false,
         (double)spool->waiting_bytes, NULL, NULL},
        {METRIC_AGENT_SPOOL_DROPPED, "{batch}",
         "Batches dropped at the limits of the spool", true, (double)spool->dropped, NULL,
         NULL},
        {METRIC_AGENT_SPOOL_SET_ASIDE, "{batch}",
         "Batches set aside as refused or damaged", true, (double)spool->set_aside, NULL,
         NULL},
        {METRIC_AGENT_SPOOL_WRITE_ERRORS, "{error}",
         "Batches that could not be written to disk", true, (double)spool->write_errors,
         NULL, NULL},
        {METRIC_AGENT_EXPORT_RESULTS, "{batch}", "Batches by the answer of the collector",
         true, (double)ship->accepted, ATTR_EXPORT_RESULT, "accepted"},
        {METRIC_AGENT_EXPORT_RESULTS, "{batch}", "Batches by the answer of the collector",
         true, (double)ship->refused, ATTR_EXPORT_RESULT, "refused"},
        {METRIC_AGENT_EXPORT_RESULTS, "{batch}", "Batches by the answer of the collector",
         true, (double)ship->failed, ATTR_EXPORT_RESULT, "failed"},
        {METRIC_AGENT_EXPORT_REJECTED_POINTS, "{point}",
         "Points that the collector rejected in batches it accepted", true,
         (double)ship->rejected_points, NULL, NULL},
        {METRIC_AGENT_HISTORY_SIZE, "By", "Size of the history for reports", false,
         (double)spool->history_bytes, NULL, NULL},
        {METRIC_AGENT_HISTORY_DROPPED, "{batch}",
         "Batches dropped at the limits of the history", true,
         (double)spool->history_dropped, NULL, NULL},
        {METRIC_AGENT_EVENTS_DROPPED, "{event}", "Events beyond the limit of a window",
         true, (double)s->events_dropped, NULL, NULL},
        {METRIC_AGENT_SERIES_COUNT, "{series}", "Series that the agent holds", false,
         (double)batch->n_series, NULL, NULL},
        {METRIC_AGENT_SERIES_OVERFLOWED, "{probe}", "Results counted in overflow series",
         true, (double)batch->overflowed, NULL, NULL},
    };
    _Static_assert(sizeof all / sizeof *all + DOOR_ROWS + BUDGET_ROWS <= SELF_METRICS_MAX,
                   "room for all of them");
    memcpy(values, all, sizeof all);
    size_t n = sizeof all / sizeof *all;
    n += counters->swept ? add_doors(&counters->doors, &values[n]) : 0;
    return n + (counters->budget != NULL && counters->budget->limit > 0
                    ? add_budget(counters->budget, &values[n])
                    : 0);
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* The row's total when it was last reported; 0 for a new row. */
static double *reported_total(struct self_metrics *s, const struct self_value *row)
{
    for (size_t i = 0; i < s->n_totals; i++) {
        struct self_total *t = &s->totals[i];
        if (strcmp(t->name, row->name) == 0 &&
            is_same_text(t->attribute, row->attribute) &&
            is_same_text(t->attribute_value, row->attribute_value))
            return &t->value;
    }
    assert(s->n_totals < SELF_METRICS_MAX);
    struct self_total *t = &s->totals[s->n_totals++];
    *t = (struct self_total){row->name, row->attribute, row->attribute_value, 0};
    return &t->value;
}

void self_metrics_delta(struct self_metrics *s, struct self_value *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!values[i].monotonic)
            continue;
        double *reported = reported_total(s, &values[i]), total = values[i].value;
        values[i].value -= *reported;
        *reported = total;
    }
}

/* Leaves out sums that are still 0; one that has grown begins with 0. */
static size_t leave_out_zeros(struct self_metrics *s, const struct batch *batch,
                              struct self_value *values, size_t n)
{
    bool brief = s->whole.ns != 0 && batch->time.ns - s->whole.ns < SERIES_REPEAT_NS;
    size_t kept = 0;
    if (!brief)
        s->whole = batch->time;
    for (size_t i = 0; i < n; i++) {
        if (values[i].monotonic && values[i].value <= 0 && brief)
            continue;
        if (values[i].monotonic) {
            double *reported = reported_total(s, &values[i]);
            values[i].begins = *reported <= 0 && values[i].value > 0;
            *reported = values[i].value;
        }
        values[kept++] = values[i];
    }
    return kept;
}

void self_metrics_begin(struct self_metrics *s)
{
    *s = (struct self_metrics){.began = cpu_time_now()};
}

size_t self_metrics_window(struct self_metrics *s, const struct batch *batch,
                           const struct agent_counters *counters,
                           struct self_value values[SELF_METRICS_MAX])
{
    s->busy_windows += batch->busy;
    s->interrupted_windows += batch->interrupted;
    s->events_dropped += batch->events_dropped;
    size_t n = add_all(s, batch, counters, values);
    if (batch->delta)
        self_metrics_delta(s, values, n);
    else
        n = leave_out_zeros(s, batch, values, n);
    return n;
}
