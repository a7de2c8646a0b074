/*
 * The agent's own metrics (edgelat.agent.*), one set a window: what its modules count, and
 * its CPU time and memory. The names are in otlp/names.h, the table in edgelat(7).
 */
#ifndef EDGELAT_DAEMON_SELF_METRICS_H
#define EDGELAT_DAEMON_SELF_METRICS_H

#include "core/batch.h"
#include "daemon/measurer.h"
#include "ship/shipper.h"
#include "spool/spool.h"

enum { SELF_METRICS_MAX = 32 }; /* rows: a metric with one value of its attribute */

struct agent_counters { /* totals since the agent began */
    struct measurer_counters measurer;
    struct spool_counters spool;
    struct shipper_counters shipper; /* all 0 without a collector */
};

struct cpu_time {
    double user_s, system_s;
};

struct self_total { /* of one row; the texts are the row's, static */
    const char *name, *attribute, *attribute_value;
    double value;
};

struct self_metrics {
    struct cpu_time began; /* of the process: a reload keeps it */
    uint64_t busy_windows, interrupted_windows, events_dropped;
    struct self_total totals[SELF_METRICS_MAX]; /* sums as last reported, with delta */
    size_t n_totals;
};

void self_metrics_begin(struct self_metrics *s);

/*
 * Counts the window (busy, interrupted, events dropped) and writes the rows of the batch;
 * returns how many. With batch->delta sums are what is new since the window before.
 */
size_t self_metrics_window(struct self_metrics *s, const struct batch *batch,
                           const struct agent_counters *counters,
                           struct self_value values[SELF_METRICS_MAX]);

/*
 * Turns each sum from a total into what is new since that row was last reported, at first
 * all of it. A row is known by its name and attribute, so any row may be absent from a
 * window. Gauges stay.
 */
void self_metrics_delta(struct self_metrics *s, struct self_value *values, size_t n);

#endif
