/*
 * The folder of what the receiver has accepted: one file a batch, gzipped, named as in
 * the spool: SEQUENCE-SIGNAL.pb.gz (metrics, logs). A file is there whole or not at all;
 * it is not forced to the disk.
 */
#ifndef EDGELAT_COLLECTOR_RECEIVED_H
#define EDGELAT_COLLECTOR_RECEIVED_H

#include "otlp/signal.h"

#include <stddef.h>
#include <stdint.h>

struct received {
    int folder;        /* file descriptor */
    uint64_t sequence; /* of the last file */
};

/* Makes `dir` (mode 0700) where it is missing. Returns 0 or -errno. */
int received_open(struct received *out, const char *dir);
void received_close(struct received *r);

/* Returns 0 or -errno. */
int received_store(struct received *r, enum signal signal, const void *bytes, size_t len);

#endif
