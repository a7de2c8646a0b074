/*
 * The batches that wait in the spool, oldest first: those on disk, then those only in
 * memory (being written, or the disk fails). Of a batch on disk only id, signal, size and
 * times are in memory.
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
    int64_t time_ns; /* when it was added, by the clock of the queue's owner */
    void *bytes;     /* NULL: on disk */
    size_t len;
    /* Failed reads of its file in a row, and when the next one is due. */
    int64_t again_ns;
    unsigned tries;
    /* Time of its file by the wall clock, which may have been wrong; 0: added in this run. */
    int64_t stamp_ns;
    /* How often it was passed over, and until when. */
    int64_t later_ns;
    unsigned passes;
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

/* Removes `w`. Returns its bytes, for free(); NULL when they are on disk. */
void *queue_remove(struct queue *q, struct waiting *w);

/* The oldest one in memory is on disk now. Returns its bytes, for free(). */
void *queue_written(struct queue *q);

/* The wall clock is trusted: the age of batches from an earlier run is that of their
 * files, and at least their time in this run. `wall` and `now_ns` are the same moment. */
void queue_age(struct queue *q, int64_t wall_ns, int64_t now_ns);

void queue_free(struct queue *q);

#endif
