/*
 * What the agent knows of itself, as plain values: how the targets did in their last
 * windows, what waits, what became of the batches, the last events. Whoever has it fills
 * in what is of this moment and shows it, as JSON for scripts or as text for people.
 * There is no secret in it: a collector goes by its host. Pure.
 */
#ifndef EDGELAT_STATUS_SNAPSHOT_H
#define EDGELAT_STATUS_SNAPSHOT_H

#include "base/text.h"
#include "config/config.h"
#include "core/batch.h"
#include "ship/shipper.h"
#include "spool/spool.h"

#define SNAPSHOT_EVENTS 5

struct snapshot_stream { /* as it was in its last window with a result */
    struct wall end;     /* of that window; 0: there was none */
    struct endpoint to;
    char pop[POP_TEXT_MAX];
    bool silent; /* never answered while other kinds are: filtered, no outage */
    uint64_t sent, lost, failed, not_measured; /* as core/result.h counts them */
    double loss_ratio;
    struct delay_summary delay; /* the kind's first */
};

struct snapshot_target {
    struct target_state is;                       /* when the last window closed */
    struct snapshot_stream streams[2][KINDS_MAX]; /* by family and kind */
    const char *failure; /* why its name has no address, of this moment; NULL: none */
};

struct snapshot_event {
    struct wall time;
    enum severity severity;
    const char *name;
    char subject[EVENT_SUBJECT_MAX], text[EVENT_TEXT_MAX];
};

struct snapshot { /* by snapshot_begin() */
    const struct config *config;
    const struct kinds *kinds;
    const char *instance_id, *host_name;
    struct wall since;

    /* by snapshot_window() */
    struct wall window_start, window_end; /* the last one that closed; 0: none has */
    bool interrupted, busy;
    int64_t loop_lag_ns;
    struct snapshot_target *targets;
    size_t n_targets, targets_room;
    struct snapshot_event events[SNAPSHOT_EVENTS]; /* the last ones, in a ring */
    uint64_t n_events;                             /* ever */

    /* of the moment at which it is shown */
    struct wall now;
    const char *stopped; /* why nothing is probed, as a clause; NULL: it is */
    struct spool_counters spool;
    struct shipper_counters exports;
    struct shipper_collector collectors[COLLECTORS_MAX];
    size_t n_collectors; /* 0: batches are kept in the spool */
    int64_t retry_ns;    /* until the next try after one that failed; -1: none is due */
    uint64_t memory_bytes;
    double cpu_s;
};

/* Knows the targets of the configuration only. All are borrowed. */
void snapshot_begin(struct snapshot *s, const struct config *config,
                    const struct kinds *kinds, struct wall since);

/* A window has closed. The targets are borrowed, for as long as the snapshot is there. */
void snapshot_window(struct snapshot *s, const struct batch *batch,
                     const struct events *events, int64_t loop_lag_ns);
void snapshot_free(struct snapshot *s);

/* Whether there is something to say of the target: a front door that was guessed and has
 * no address is none. Its state is the worst of its streams that have an address. */
bool snapshot_shows(const struct snapshot_target *t);
enum state snapshot_state(const struct snapshot_target *t);

/* The stream, when it was measured and its target has an address in the family, or NULL.
 */
const struct snapshot_stream *snapshot_stream(const struct snapshot_target *t,
                                              size_t family, size_t kind);

/*
 * What is wrong, one line each with what to do next, and how many lines that is. While
 * probing is stopped nothing is log of the targets.
 */
size_t snapshot_findings(const struct snapshot *s, struct text *lines);

/* Whether nothing was measured yet, so that nothing found does not mean that all is well:
 * before the first window with a result. */
bool snapshot_too_early(const struct snapshot *s);

void snapshot_json(const struct snapshot *s, const char *findings, struct text *out);
void snapshot_text(const struct snapshot *s, const char *findings, struct text *out);

#endif
