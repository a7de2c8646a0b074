#include "spool/batch_file.h"

#include "base/file.h"
#include "base/mem.h"
#include "core/time.h"
#include "net/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_DIGITS = 20 };

/* ---- its name ---- */

const char *batch_file_name(char out[BATCH_FILE_NAME_MAX], uint64_t id,
                            enum signal signal)
{
    snprintf(out, BATCH_FILE_NAME_MAX, "%0*" PRIu64 "-%s.pb.gz", NAME_DIGITS, id,
             signal_name(signal));
    return out;
}

bool batch_file_named(const char *name, uint64_t *id, enum signal *signal)
{
    char again[BATCH_FILE_NAME_MAX];
    *id = strtoull(name, NULL, 10);
    if (*id == 0)
        return false;
    for (*signal = 0; *signal < SIGNALS; ++*signal)
        if (strcmp(name, batch_file_name(again, *id, *signal)) == 0)
            return true;
    return false;
}

int64_t batch_file_time(const struct stat *stat)
{
    int64_t seconds = stat->st_mtim.tv_sec;
    if (seconds >= INT64_MAX / NS_PER_S)
        return INT64_MAX;
    if (seconds <= INT64_MIN / NS_PER_S)
        return INT64_MIN;
    return seconds * NS_PER_S + stat->st_mtim.tv_nsec;
}

int64_t batch_file_stamp(const struct batch_file *f, int64_t *latest_ns)
{
    if (wall_is_set((struct wall){f->time_ns}) && f->time_ns > *latest_ns)
        *latest_ns = f->time_ns;
    return *latest_ns;
}

const char *batch_file_foreign(const char *name, const struct stat *stat,
                               struct batch_file *out)
{
    if (!batch_file_named(name, &out->id, &out->signal))
        return "not the name of a batch";
    if (!S_ISREG(stat->st_mode))
        return "not a file";
    if (stat->st_size == 0)
        return "empty";
    if (stat->st_size > BATCH_FILE_MAX)
        return "too large for a batch";
    out->time_ns = batch_file_time(stat);
    out->len = (size_t)stat->st_size;
    return NULL;
}

/* ---- numbers ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

uint64_t batch_file_last(uint64_t *ids, size_t n)
{
    uint64_t last = 0;
    if (n > 0)
        qsort(ids, n, sizeof *ids, by_number);
    for (size_t i = 0; i < n && ids[i] - last <= BATCH_FILE_GAP; i++)
        last = ids[i];
    return last;
}

int batch_ids_find(struct batch_ids *ids, int folder)
{
    uint64_t id;
    enum signal signal;
    DIR *dir = fdopendir(folder);
    if (dir == NULL) {
        int rc = -errno;
        close(folder);
        return rc;
    }
    for (const struct dirent *e; errno = 0, (e = readdir(dir)) != NULL;)
        if (batch_file_named(e->d_name, &id, &signal)) {
            ids->all = mem_grow(ids->all, &ids->room, ids->n + 1, sizeof *ids->all);
            ids->all[ids->n++] = id;
        }
    int rc = -errno;
    closedir(dir);
    return rc;
}

/* ---- many of them ---- */

void batch_files_add(struct batch_files *f, const struct batch_file *one)
{
    f->all = mem_grow(f->all, &f->room, f->n + 1, sizeof *f->all);
    f->all[f->n++] = *one;
}

static int by_id(const void *a, const void *b)
{
    const struct batch_file *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->signal > y->signal) - (x->signal < y->signal);
}

void batch_files_sort(struct batch_files *f)
{
    if (f->n > 0)
        qsort(f->all, f->n, sizeof *f->all, by_id);
}

int batch_files_find(struct batch_files *f, const char *dir_path)
{
    DIR *dir = opendir(dir_path);
    if (dir == NULL)
        return -errno;
    for (const struct dirent *e; errno = 0, (e = readdir(dir)) != NULL;) {
        struct stat stat;
        struct batch_file one;
        if (fstatat(dirfd(dir), e->d_name, &stat, AT_SYMLINK_NOFOLLOW) == 0 &&
            batch_file_foreign(e->d_name, &stat, &one) == NULL)
            batch_files_add(f, &one);
    }
    int rc = -errno;
    closedir(dir);
    return rc;
}

/* ---- its bytes ---- */

int batch_file_read(const char *path, void **bytes, size_t *len)
{
    char *read = NULL;
    int rc = file_read(AT_FDCWD, path, FILE_NO_LINK, BATCH_FILE_MAX, &read, len);
    *bytes = read;
    if (rc == 0 && *len == 0) {
        free(read);
        rc = -EBADMSG;
    }
    return rc == -EFBIG || rc == -ELOOP || rc == -EMEDIUMTYPE || rc == -EISDIR ? -EBADMSG
                                                                               : rc;
}
