/*
 * The folder bad/ of the spool: files that are no batches, or that no collector accepts.
 * A person may read, send again or delete them. Blocking, without a loop.
 */
#ifndef EDGELAT_SPOOL_QUARANTINE_H
#define EDGELAT_SPOOL_QUARANTINE_H

#include <stdint.h>

struct quarantine_limits {
    uint64_t count, bytes; /* count 0: no limits */
};

struct quarantine {
    const char *spool; /* the spool's folder; borrowed */
    struct quarantine_limits limits;
};

/* Moves a file of the spool into it, whatever its name. Returns 0 or -errno. */
int quarantine_take(const struct quarantine *q, const char *name);

/* Deletes the oldest files beyond the limits. */
void quarantine_trim(const struct quarantine *q);

#endif
