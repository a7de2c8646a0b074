/*
 * Logs of the spool: what changed, in which folder, and what to do.
 */
#ifndef EDGELAT_SPOOL_LOG_H
#define EDGELAT_SPOOL_LOG_H

#include "spool/queue.h"
#include "spool/scan.h"

#include <stddef.h>
#include <stdint.h>

#define SPOOL_RETRY_MS 5000 /* between attempts, while the disk fails */

/* A write ended with `rc` (-errno), the one before it with `before`; 0 is fine. */
void spool_log_written(const char *dir, int before, int rc, size_t in_memory);

/* The same for moving batches out of the spool. */
void spool_log_left(const char *dir, int before, int rc);

void spool_log_dropping(const char *dir, const char *why, size_t waiting);
/* Accepted again. `causes`: spool_add_causes() */
void spool_log_taken(const char *dir, uint64_t dropped, const char *causes);
void spool_log_too_large(const char *dir, size_t len);

/* A batch is gone, is not whole (-EBADMSG), or its file cannot be read now. */
void spool_log_unreadable(const char *dir, const struct waiting *w, int rc);
void spool_log_readable(const char *dir); /* all can be read again */
void spool_log_in_use(const char *state_dir);
void spool_log_found(const char *dir, const struct scan_result *found);
void spool_log_lost(const char *dir, size_t n);

#endif
