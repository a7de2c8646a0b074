/*
 * The agent's own metrics (edgelat.agent.*), one set per window: the counters of its modules,
 * its CPU time and memory. The names are in otlp/names.h, the table in edgelat(7).
 */
#ifndef EDGELAT_DAEMON_SELF_METRICS_H
#define EDGELAT_DAEMON_SELF_METRICS_H

#include "core/batch.h"
#include "core/budget.h"
#include "daemon/measurer.h"
#include "daemon/mtu_finder.h"
#include "daemon/path_tracer.h"
#include "ship/shipper.h"
#include "spool/spool.h"

enum { SELF_METRICS_MAX = 38 }; /* rows: one metric with one attribute value */

struct agent_counters { /* totals since the agent started */
    struct measurer_counters measurer;
    struct spool_counters spool;
    struct shipper_counters shipper; /* all 0 without a collector */
    bool swept;                      /* `doors` is set: measurer_summary() */
    struct doors_summary doors;
    struct path_tracer_counters paths; /* all 0 if paths are not traced */
    struct mtu_finder_counters mtus;   /* all 0 if it is not searched */
    const struct budget *budget;       /* NULL: none */
};

struct cpu_time {
    double user_s, system_s;
};

struct self_total { /* of one row; its texts are static */
    const char *name, *attribute, *attribute_value;
    double value;
};

struct self_metrics {
    struct cpu_time began; /* CPU time when the agent started */
    uint64_t busy_windows, interrupted_windows, events_dropped;
    struct self_total totals[SELF_METRICS_MAX]; /* last reported */
    size_t n_totals;
    struct wall whole; /* the last batch with the sums that are 0; 0: none yet */
};

void self_metrics_begin(struct self_metrics *s);

/*
 * Counts the window (busy, interrupted, events dropped) and writes the rows of the batch;
 * returns how many. With batch->delta, sums are the increase since the previous window;
 * otherwise those that are still 0 are only in the first batch and every SERIES_REPEAT_NS.
 */
size_t self_metrics_window(struct self_metrics *s, const struct batch *batch,
                           const struct agent_counters *counters,
                           struct self_value values[SELF_METRICS_MAX]);

/*
 * Replaces each total by its increase since that row was last reported; the first time, by
 * the whole total. A row is identified by its name and attribute, so any row may be absent
 * from a window. Gauges are unchanged.
 */
void self_metrics_delta(struct self_metrics *s, struct self_value *values, size_t n);

#endif
