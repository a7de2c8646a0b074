/*
 * The folder bad/ of the spool: files that are no batches, or that no collector accepts.
 * A person may read, send again or delete them. Blocking, without a loop.
 */
#ifndef EDGELAT_SPOOL_QUARANTINE_H
#define EDGELAT_SPOOL_QUARANTINE_H

#include <stdint.h>

struct quarantine {                  /* { .spool = ... } */
    const char *spool;               /* the spool's folder; borrowed */
    uint64_t count_most, bytes_most; /* bounds; 0: none yet */
    uint64_t count, bytes; /* at most so much is in it: files are deleted by hand */
};

/* Moves a file of the spool into it, whatever its name. Returns 0 or -errno. */
int quarantine_take(struct quarantine *q, const char *name);

/* Counts what is in it, and deletes the oldest files beyond the bounds. */
void quarantine_trim(struct quarantine *q);

/* Sets the bounds, and trims. */
void quarantine_bound(struct quarantine *q, uint64_t count, uint64_t bytes);

#endif
