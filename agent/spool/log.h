/*
 * What the log says of the spool: what changed, in which folder, and what to do about it.
 */
#ifndef EDGELAT_SPOOL_LOG_H
#define EDGELAT_SPOOL_LOG_H

#include "spool/queue.h"
#include "spool/scan.h"

#include <stddef.h>
#include <stdint.h>

#define SPOOL_RETRY_MS 5000 /* to the next try, while the disk fails */

/* A write ended with `rc` (-errno), the one before it with `before`; 0 is fine. */
void spool_log_written(const char *dir, int before, int rc, size_t in_memory);

/* The same of those that should have left. */
void spool_log_left(const char *dir, int before, int rc);

void spool_log_dropping(const char *dir, const char *why, size_t waiting);
void spool_log_taken(const char *dir, uint64_t dropped); /* which is over */
void spool_log_too_large(const char *dir, size_t len);

/* A batch that is gone, that is not whole (-EBADMSG), or whose file cannot be read now. */
void spool_log_unreadable(const char *dir, const struct waiting *w, int rc);
void spool_log_readable(const char *dir); /* all can be read again */
void spool_log_in_use(const char *state_dir);
void spool_log_found(const char *dir, const struct scan_result *found);
void spool_log_lost(const char *dir, size_t n);

#endif
