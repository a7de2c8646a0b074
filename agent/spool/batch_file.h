/*
 * A batch as a file, in the spool and in the history: the very bytes that are sent, gzip,
 * named SEQUENCE-SIGNAL.pb.gz with twenty digits, so that `ls` shows the order. Blocking.
 */
#ifndef EDGELAT_SPOOL_BATCH_FILE_H
#define EDGELAT_SPOOL_BATCH_FILE_H

#include "otlp/signal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define BATCH_FILE_MAX      (4u << 20) /* bytes; a larger one is foreign */
#define BATCH_FILE_NAME_MAX 48
#define BATCH_FILE_ROOM     320 /* of a path below the state folder */

struct batch_file {
    uint64_t id;
    enum signal signal;
    int64_t time_ns; /* wall clock, when it was written; clamped to 1677 to 2262 */
    size_t len;
};

/* Returns `out`; ids are one sequence for all signals. */
const char *batch_file_name(char out[BATCH_FILE_NAME_MAX], uint64_t id,
                            enum signal signal);

/* False: not a name of a batch. */
bool batch_file_named(const char *name, uint64_t *id, enum signal *signal);

/* When the file was changed last; clamped to what int64_t holds. */
int64_t batch_file_time(const struct stat *stat);

/* NULL and `*out`: a batch, judged by name and size; else what the file is. */
const char *batch_file_foreign(const char *name, const struct stat *stat,
                               struct batch_file *out);

/*
 * When it was made, for its age, by the time of its file and of those before it in the
 * sequence, of which `*latest_ns` (0 at first) is the latest: it was made after them, so
 * a file that was written while the clock was behind is not older than they are. 0: it
 * says nothing, as it is from before there was an edgelat.
 */
int64_t batch_file_stamp(const struct batch_file *f, int64_t *latest_ns);

/*
 * The last number of a sequence that was counted up, of which `n` are found (in any
 * order, sorted here); 0 when there is none. One that is more than BATCH_FILE_GAP above
 * the one before it (or above 0) was not counted: that file, and all above it, have
 * another origin. At two batches a second the gap is 68 years, so that there is always a
 * next number, and what is written now is never taken for foreign.
 */
#define BATCH_FILE_GAP (UINT64_C(1) << 32)
uint64_t batch_file_last(uint64_t *ids, size_t n);

/* Numbers of the files of a folder, for that. */
struct batch_ids { /* start with { 0 }; free() `all` */
    uint64_t *all;
    size_t n, room;
};

/* Adds those of an open folder, which it closes. Returns 0 or -errno: some may be
 * missing. */
int batch_ids_find(struct batch_ids *ids, int folder);

struct batch_files { /* start with { 0 }; free() `all` */
    struct batch_file *all;
    size_t n, room;
};

void batch_files_add(struct batch_files *f, const struct batch_file *one);
void batch_files_sort(struct batch_files *f); /* by id, then signal */

/* Adds those of a folder, unsorted; other files are ignored. Returns 0 or -errno. */
int batch_files_find(struct batch_files *f, const char *dir);

/*
 * What it holds, for free(); gzip_check() or gzip_unpack() tells whether it is whole.
 * Returns 0, -EBADMSG: it is no such file, or -errno: it is not there (-ENOENT, -ENOTDIR)
 * or cannot be read now, which says nothing about its content.
 */
int batch_file_read(const char *path, void **bytes, size_t *len);

#endif
