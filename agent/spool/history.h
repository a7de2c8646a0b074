/*
 * The history: batches that a collector has accepted, kept for `edgelat report`, bounded in
 * bytes and age; the oldest are dropped and counted. One file a batch, as it was sent,
 * moved from the spool under the same name (STATE_DIR/spool to STATE_DIR/history, one
 * rename).
 */
#ifndef EDGELAT_SPOOL_HISTORY_H
#define EDGELAT_SPOOL_HISTORY_H

#include "core/time.h"
#include "otlp/signal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history_limits {
    uint64_t bytes; /* 0: no history; files of an earlier run are removed */
    int64_t age_ns; /* as the spool's */
};

struct history_counters {
    uint64_t batches, bytes; /* now */
    uint64_t dropped;        /* for the bounds */
};

/*
 * Writing: called by the spool, whose lock covers it. Blocking, without a loop, one call at
 * a time, in any thread.
 */
struct history;

/* Scans the folder; files that are no batches are ignored. A missing folder is made when
 * it is needed. */
struct history *history_open(const char *state_dir, struct history_limits limits,
                             struct mono now);
void history_close(struct history *h); /* NULL is fine */

/* Moves the file `from` in as `name` (batch_file.h). Returns 0 or -errno. */
int history_take(struct history *h, const char *from, const char *name, struct mono now);

/* The wall clock is trusted; `wall` and `now` are the same moment. */
void history_trust_clock(struct history *h, struct wall wall, struct mono now);

void history_keep_bounds(struct history *h, struct mono now);

/* The disk is full: drops some of the oldest. False when none is left. */
bool history_give_way(struct history *h);

struct history_counters history_counters(const struct history *h);

/*
 * Reading: by any user who may read the folder, also beside a running agent. It includes
 * the batches that still wait in the spool: in an outage they are the interesting ones.
 */
struct history_batch {
    uint64_t id;
    enum signal signal;
    int64_t time_ns; /* wall clock, when it was spooled: the end of its window */
    void *bytes;     /* protobuf, unpacked; free() them */
    size_t len;
};

struct history_reader;

/* The batches since `since_ns`, by signal. Returns 0, or -errno: neither folder can be
 * read. */
int history_read(struct history_reader **out, const char *state_dir,
                 const int64_t since_ns[SIGNALS]);

/* The next batch, in the order in which they were made; false at the end. */
bool history_next(struct history_reader *r, struct history_batch *out);

/* Files that were read and are torn, up to now. */
size_t history_skipped(const struct history_reader *r);

/* Files that could not be read, up to now, and folders that could not be listed; `*rc` is
 * the last -errno of them. */
size_t history_unreadable(const struct history_reader *r, int *rc);
void history_read_end(struct history_reader *r); /* NULL is fine */

#endif
