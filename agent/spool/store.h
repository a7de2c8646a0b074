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
 * Opens the spool of `state_dir`, making it (mode 0700) where it is missing, locks it and
 * finds what it holds. Returns 0 or -errno; -EWOULDBLOCK: another process has it. A disk
 * that is full or read-only is no failure yet: what is there can be read.
 */
int store_open(struct store **out, const char *state_dir, struct history_limits limits,
               struct scan_result *found);
void store_close(struct store *s); /* NULL is fine */
const char *store_dir(const struct store *s);

/* Bounds of bad/, from now on; the oldest goes first. Before, it has none. */
void store_bound_bad(struct store *s, uint64_t count, uint64_t bytes);

/* Returns 0 or -errno, and may then be tried again with the same id. Makes the folder
 * again where somebody has removed it; on a full disk the history gives way. */
int store_write(struct store *s, uint64_t id, enum signal signal, const void *bytes,
                size_t len);

/* The whole batch, for free(). Returns 0, -EBADMSG: it was read and is not whole, -ENOENT
 * or -ENOTDIR: it is gone, or -errno: it cannot be read now. */
int store_read(const struct store *s, uint64_t id, enum signal signal, void **bytes,
               size_t *len);

/* Where a batch goes that leaves the spool. Where it never can be moved (another disk, a
 * file in the place of the folder) it is removed. */
enum leave { LEAVE_GONE, LEAVE_BAD, LEAVE_HISTORY };

/* 0 or -errno: it is still there. One that is not there is fine. */
int store_leave(struct store *s, uint64_t id, enum signal signal, enum leave how);

/* Of the history, whose bounds are kept by this; `clock_trusted`: ages count by the wall
 * clock as well. */
struct history_counters store_tidy(struct store *s, bool clock_trusted);

#endif
