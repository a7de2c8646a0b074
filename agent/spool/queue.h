/*
 * What waits in the spool, oldest first: the batches on disk, then those that are only in
 * memory yet (being written, or the disk fails). Of a batch on disk only its id, signal,
 * size and time are held.
 */
#ifndef EDGELAT_SPOOL_QUEUE_H
#define EDGELAT_SPOOL_QUEUE_H

#include "otlp/signal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct waiting {
    uint64_t id;
    enum signal signal;
    int64_t time_ns; /* when it came, by the clock of whoever has the queue */
    void *bytes;     /* NULL: on disk */
    size_t len;
    int64_t again_ns; /* its file could not be read: not tried before then */
    unsigned tries;   /* in a row that failed */
    int64_t stamp_ns; /* its file's time by the wall clock, which may have been wrong; 0:
                         it came in this run */
    int64_t later_ns; /* passed over until then ... */
    unsigned passes;  /* ... so many times */
};

struct queue { /* start with { 0 } */
    struct waiting *all;
    size_t head, n, room; /* all[head] to all[n - 1] */
    size_t in_memory;     /* the last ones */
    uint64_t bytes, memory_bytes;
};

size_t queue_count(const struct queue *q);
struct waiting *queue_oldest(struct queue *q);           /* NULL: empty */
struct waiting *queue_oldest_in_memory(struct queue *q); /* NULL: none */
struct waiting *queue_find(struct queue *q, uint64_t id);

void queue_add(struct queue *q, struct waiting w); /* ids only rise; `bytes` are taken */

/* Takes `w` out; returns its bytes, the caller's, NULL when they are on disk. */
void *queue_remove(struct queue *q, struct waiting *w);

/* The oldest in memory is on disk now; returns its bytes, the caller's. */
void *queue_written(struct queue *q);

/* The wall clock is believed: those that an earlier run wrote are as old as their files
 * say, at least as old as they have waited in this one. `wall` and `now_ns` are the same
 * moment. */
void queue_age(struct queue *q, int64_t wall_ns, int64_t now_ns);

void queue_free(struct queue *q);

#endif
