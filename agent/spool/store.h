/*
 * The spool's files, one a batch; blocking, without a loop. A file is written whole or
 * not at all: temporary name, fsync, rename, fsync of the folder. store_write() and
 * store_leave() run one at a time, in whatever thread; store_read() may run beside them.
 * Below the state folder there are `spool`, `spool/bad` and `history`.
 */
#ifndef EDGELAT_SPOOL_STORE_H
#define EDGELAT_SPOOL_STORE_H

#include "spool/history.h"
#include "spool/scan.h"

#include <stddef.h>
#include <stdint.h>

struct store;

/*
 * Opens the spool of `state_dir` (made with mode 0700 if missing), locks it and scans it.
 * Returns 0 or -errno; -EWOULDBLOCK: another process has it. A full or read-only disk is
 * no failure yet: its batches can be read.
 */
int store_open(struct store **out, const char *state_dir, struct history_limits history,
               struct quarantine_limits bad, struct scan_result *found);
void store_close(struct store *s); /* NULL is fine */
const char *store_dir(const struct store *s);

/* Returns 0 or -errno, and may then be tried again with the same id. Makes the
 * folder again if it was removed; on a full disk the history is shortened. */
int store_write(struct store *s, uint64_t id, enum signal signal, const void *bytes,
                size_t len);

/* Reads the whole batch, for free(). Returns 0; -EBADMSG: it was read and is not whole;
 * -ENOENT or -ENOTDIR: it is gone; or another -errno: it cannot be read now. */
int store_read(const struct store *s, uint64_t id, enum signal signal, void **bytes,
               size_t *len);

/* Where a batch goes when it leaves the spool. If it can never be moved there (another
 * disk, a file in place of the folder) it is removed. */
enum leave { LEAVE_GONE, LEAVE_BAD, LEAVE_HISTORY };

/* Returns 0, also if the batch is gone already, or -errno: it is still there. */
int store_leave(struct store *s, uint64_t id, enum signal signal, enum leave how);

/* Applies the bounds of the history. `clock_trusted`: ages count by the wall clock, too.
 */
struct history_counters store_tidy(struct store *s, bool clock_trusted);

#endif
