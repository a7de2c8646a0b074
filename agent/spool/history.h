/*
 * The history: batches that a collector has taken, kept on this machine to be looked at
 * later (`edgelat report`), bounded in bytes and age; the oldest go silently and are
 * counted. One file a batch, as it was sent and under the name that it had in the spool,
 * from which it is moved (STATE_DIR/spool to STATE_DIR/history, one rename).
 */
#ifndef EDGELAT_SPOOL_HISTORY_H
#define EDGELAT_SPOOL_HISTORY_H

#include "core/time.h"
#include "otlp/signal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history_limits {
    uint64_t bytes; /* 0: there is no history, and what an earlier run kept goes */
    int64_t age_ns; /* as the spool's */
};

struct history_counters {
    uint64_t batches, bytes; /* now */
    uint64_t dropped;        /* for the bounds */
};

/*
 * Keeping it: the spool's part, whose lock covers it. Blocking, without a loop, one call
 * at a time, in whatever thread.
 */
struct history;

/* Finds what is there; what is no batch is passed over, and a folder that is not there is
 * made when it is needed. */
struct history *history_open(const char *state_dir, struct history_limits limits,
                             struct mono now);
void history_close(struct history *h); /* NULL is fine */

/* Takes the file `from` in as `name` (batch_file.h). Returns 0 or -errno. */
int history_take(struct history *h, const char *from, const char *name, struct mono now);

/* The wall clock is believed; `wall` and `now` are the same moment. */
void history_trust_clock(struct history *h, struct wall wall, struct mono now);

void history_keep_bounds(struct history *h, struct mono now);

/* The disk is full: some of the oldest go. False when none is left. */
bool history_give_way(struct history *h);

struct history_counters history_counters(const struct history *h);

/*
 * Reading it, by anybody who may read the folder, beside a running agent too. What still
 * waits in the spool belongs to it: in an outage it is what matters.
 */
struct history_batch {
    uint64_t id;
    enum signal signal;
    int64_t
        time_ns; /* wall clock: when it was spooled, which is when its window closed */
    void *bytes; /* protobuf, unpacked; free() them */
    size_t len;
};

struct history_reader;

/* The batches since `since_ns`. Returns 0, or -errno: neither folder can be read. */
int history_read(struct history_reader **out, const char *state_dir, int64_t since_ns);

/* The next one in the order in which they were made; false at the end. */
bool history_next(struct history_reader *r, struct history_batch *out);

/* Files that were read and are torn, up to now. */
size_t history_skipped(const struct history_reader *r);

/* Files that could not be read, up to now, and folders that could not be listed; `*rc` is
 * the last -errno of them. */
size_t history_unreadable(const struct history_reader *r, int *rc);
void history_read_end(struct history_reader *r); /* NULL is fine */

#endif
