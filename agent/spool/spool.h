/*
 * The spool: keeps batches on disk until a collector has accepted them, first in, first
 * out. One file a batch, with the bytes that are sent (gzip, whose CRC-32 and length show
 * a torn file), written whole: temporary name, fsync, rename, fsync of the folder, on
 * libuv's thread pool. Files that are no whole batch when the spool is opened, and batches
 * that the collector refuses, are moved to `bad/`, counted and logged. `bad/` has the same
 * bounds in bytes and count as the spool. Beyond a bound the oldest batch is dropped,
 * counted and logged. While the disk fails, up to 8 MiB of batches wait in memory.
 *
 * Power may fail at any instant. A batch counts as written, and is handed out, when all
 * four calls have returned: its bytes are on disk before it has its name, and the name is
 * on disk before the batch is sent. Before that the disk has nothing of it, a temporary
 * file, or all of it. A batch that has left may come back, because leaving is not synced:
 * the same bytes are then sent again. Only the open window is lost. test_spool_power.c
 * tries every state in which a disk may be left.
 *
 * File name: SEQUENCE-SIGNAL.pb.gz (metrics, logs), twenty digits, so that `ls` shows the
 * order; one sequence for all signals.
 */
#ifndef EDGELAT_SPOOL_SPOOL_H
#define EDGELAT_SPOOL_SPOOL_H

#include "base/text.h"
#include "core/time.h"
#include "spool/batch_file.h"
#include "spool/history.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define SPOOL_BATCH_MAX BATCH_FILE_MAX /* a larger one is dropped */

struct spool_limits {
    uint64_t bytes, count;
    /* 0: no limit. By the monotonic clock, since the batch was added or the spool opened;
     * after spool_trust_clock() by the time of its file. */
    int64_t age_ns;
    struct history_limits history;
};

/* Why a batch is lost. */
enum spool_cause {
    SPOOL_FULL,      /* beyond `size` or `batches` */
    SPOOL_OLD,       /* beyond `age` */
    SPOOL_NO_MEMORY, /* the disk fails or is slow */
    SPOOL_TOO_LARGE, /* one batch of more than SPOOL_BATCH_MAX */
    SPOOL_REMOVED,   /* from the disk, by others */
    SPOOL_CAUSES
};

struct spool_counters {
    uint64_t waiting, waiting_bytes; /* now, with those still being written */
    struct wall oldest;              /* when the oldest of them was made; 0: none waits */
    uint64_t written;
    /* Lost, by cause and in all; not those that had been handed out and were accepted. */
    uint64_t dropped_by[SPOOL_CAUSES], dropped;
    uint64_t set_aside; /* refused by the collector, or no whole batch */
    uint64_t write_errors;
    bool disk_fails;                 /* the last write failed: batches are in memory */
    uint64_t history, history_bytes; /* accepted batches, now */
    uint64_t history_dropped;
};

struct spool;

/* A batch is on disk (or, while the disk fails, kept in memory): spool_first() may have
 * something new. */
typedef void spool_ready_cb(void *user);

/*
 * Opens the folder `spool` of `state_dir`, making it (mode 0700) where it is missing;
 * finds what is waiting. Returns 0, or -errno: the folder cannot be made or read, or
 * (-EWOULDBLOCK) another process has it.
 */
int spool_open(struct spool **out, uv_loop_t *loop, const char *state_dir,
               struct spool_limits limits, spool_ready_cb *on_ready, void *user);

/* Waits for the write under way, then writes what is only in memory (one try), so that
 * nothing is lost; no callback comes. NULL is fine. */
void spool_close(struct spool *s);

/* Adds a batch; `bytes` (from malloc) become the spool's. */
void spool_add(struct spool *s, enum signal signal, void *bytes, size_t len);

/*
 * The oldest batch, read whole; false when nothing waits or it is just being written. The
 * bytes are the caller's to free(). It stays in the spool until spool_done() or
 * spool_refused() is called with its `id`.
 */
struct spooled {
    uint64_t id;
    enum signal signal;
    void *bytes;
    size_t len;
};
bool spool_first(struct spool *s, struct spooled *out);

/* Which batches may be sent: of a signal that is not paused, those with an id above
 * `after`. The oldest of them is next. */
struct spool_wish {
    bool paused[SIGNALS];
    uint64_t after[SIGNALS]; /* 0: any */
};
bool spool_next(struct spool *s, const struct spool_wish *wish, struct spooled *out);

/* Id of the newest of a signal; 0: none waits. */
uint64_t spool_newest(const struct spool *s, enum signal signal);

/* Passes a batch over: it is not handed out for a minute, the next time for two, then
 * four, an hour at most. False: that was done SPOOL_PASSES_MAX times, which is hours. */
#define SPOOL_PASSES_MAX 10
bool spool_pass_over(struct spool *s, uint64_t id);

void spool_done(struct spool *s, uint64_t id); /* accepted: goes, into the history */
void spool_refused(
    struct spool *s,
    uint64_t id); /* never to be sent again: set aside in `bad/`, bounded */

/* The wall clock has proved itself (core/clock_proof.h): the age of what earlier runs
 * wrote counts from then on, in the history too. */
void spool_trust_clock(struct spool *s);

/* A write is under way: `on_ready` will come. */
bool spool_writing(const struct spool *s);

struct spool_counters spool_counters(const struct spool *s);

extern const char *const spool_cause_names[SPOOL_CAUSES];

/* Adds "5 older than `age`, 3 too large": what was dropped, by cause. */
void spool_add_causes(struct text *out, const struct spool_counters *c);

#endif
