/*
 * Encodes and compresses batches on libuv's thread pool and adds them to the spool, in the
 * order in which they came: a batch of 600 series costs more than 10 ms, which would be in
 * the delays of probes under way.
 */
#ifndef EDGELAT_DAEMON_PACKER_H
#define EDGELAT_DAEMON_PACKER_H

#include "otlp/metrics.h"
#include "spool/spool.h"

#include <uv.h>

struct packer;

/* Borrows the spool, which outlives it. */
struct packer *packer_create(uv_loop_t *loop, struct spool *spool);

/* Does first what still waits, as on a host that is too busy. The series of the batch and
 * the texts of the resource must not change before packer_flush(). */
void packer_metrics(struct packer *p, const struct batch *batch,
                    const struct otlp_resource *resource,
                    const struct metric_choice *choice);

/* Queues a request that is compressed already; takes ownership of `bytes`. */
void packer_add(struct packer *p, enum signal signal, void *bytes, size_t len);

/* Waits for the work under way and does the rest, so that the spool has everything. */
void packer_flush(struct packer *p);

/* Flushes. NULL is fine. */
void packer_destroy(struct packer *p);

#endif
