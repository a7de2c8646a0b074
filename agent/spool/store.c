#include "spool/store.h"

#include "base/file.h"
#include "base/mem.h"
#include "net/clock.h"
#include "otlp/gzip.h"
#include "otlp/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct store {
    char dir[PATH_MAX - BATCH_FILE_ROOM]; /* of the spool */
    int folder;                           /* open and locked; -1: cannot be made yet */
    struct history *history;
    bool clock_trusted; /* the history knows */
    struct quarantine bad;
};

/* ---- the folder ---- */

static int make_folders(const char *dir)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", dir);
    for (char *slash = path; (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
        *slash = '\0';
        int rc = file_make_folder(path, 0755);
        if (rc < 0)
            return rc;
    }
    return file_make_folder(path, 0700);
}

static int lock_folder(struct store *s)
{
    int fd = file_lock_folder(AT_FDCWD, s->dir);
    if (fd < 0)
        return fd;
    if (s->folder >= 0)
        close(s->folder);
    s->folder = fd;
    return 0;
}

/* Makes sure that the folder exists and is locked, also after it was removed. */
static int hold_folder(struct store *s)
{
    struct stat named, held;
    if (s->folder >= 0 && stat(s->dir, &named) == 0 && fstat(s->folder, &held) == 0 &&
        named.st_ino == held.st_ino && named.st_dev == held.st_dev)
        return 0;
    int rc = make_folders(s->dir);
    return rc < 0 ? rc : lock_folder(s);
}

static bool disk_says_no(int rc)
{
    return rc == -EROFS || rc == -ENOSPC || rc == -EDQUOT;
}

int store_open(struct store **out, const char *state_dir, struct history_limits history,
               struct quarantine_limits bad, struct scan_result *found)
{
    struct store *s = mem_zalloc(sizeof *s);
    s->folder = -1;
    s->bad = (struct quarantine){s->dir, bad};
    *found = (struct scan_result){0};
    int n = snprintf(s->dir, sizeof s->dir, "%s/spool", state_dir);
    int rc = n < (int)sizeof s->dir ? hold_folder(s) : -ENAMETOOLONG;
    if (rc == 0)
        rc = scan_folder(s->dir, s->folder, &s->bad, found);
    if (rc < 0 && !disk_says_no(rc)) {
        store_close(s);
        return rc;
    }
    s->history = history_open(state_dir, history, mono_now());
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    if (s->folder >= 0)
        close(s->folder);
    history_close(s->history);
    free(s);
}

const char *store_dir(const struct store *s)
{
    return s->dir;
}

/* ---- one batch ---- */

int store_write(struct store *s, uint64_t id, enum signal signal, const void *bytes,
                size_t len)
{
    char name[BATCH_FILE_NAME_MAX];
    int rc = hold_folder(s);
    if (rc < 0)
        return rc;
    batch_file_name(name, id, signal);
    rc = file_write_whole(s->folder, name, bytes, len);
    if ((rc == -ENOSPC || rc == -EDQUOT) && history_give_way(s->history))
        rc = file_write_whole(s->folder, name, bytes, len);
    return rc;
}

static const char *batch_path(char out[PATH_MAX], const struct store *s, uint64_t id,
                              enum signal signal)
{
    char name[BATCH_FILE_NAME_MAX];
    snprintf(out, PATH_MAX, "%s/%s", s->dir, batch_file_name(name, id, signal));
    return out;
}

int store_read(const struct store *s, uint64_t id, enum signal signal, void **bytes,
               size_t *len)
{
    char path[PATH_MAX];
    int rc = batch_file_read(batch_path(path, s, id, signal), bytes, len);
    struct stat folder;
    if ((rc == -ENOENT || rc == -ENOTDIR) &&
        (stat(s->dir, &folder) < 0 || !S_ISDIR(folder.st_mode)))
        return -ESTALE; /* the folder is missing: says nothing about the file */
    if (rc == 0 && gzip_check(*bytes, *len, OTLP_BYTES_MAX) < 0) {
        free(*bytes);
        rc = -EBADMSG;
    }
    return rc;
}

static int remove_file(const char *path)
{
    struct stat stat;
    if (unlink(path) == 0)
        return 0;
    int rc = -errno; /* a read-only disk fails first, also for a missing file */
    return lstat(path, &stat) < 0 && (errno == ENOENT || errno == ENOTDIR) ? 0 : rc;
}

/* The disk has trouble, now: the file may be moved later. Else there is something in the
 * place of the folder, or it is on another disk. */
static bool is_trouble(int rc)
{
    return rc == -EIO || rc == -ESTALE || rc == -ENOMEM || rc == -EINTR ||
           rc == -EMFILE || rc == -ENFILE || rc == -EROFS;
}

int store_leave(struct store *s, uint64_t id, enum signal signal, enum leave how)
{
    char path[PATH_MAX], name[BATCH_FILE_NAME_MAX];
    int rc = -ENOTSUP;
    batch_path(path, s, id, signal);
    batch_file_name(name, id, signal);
    if (how == LEAVE_HISTORY)
        rc = history_take(s->history, path, name, mono_now());
    if (how == LEAVE_BAD) /* it was not accepted: a full disk alone must not lose it */
        rc = quarantine_take(&s->bad, name);
    if (rc == 0 && how == LEAVE_BAD)
        quarantine_trim(&s->bad);
    bool full = rc == -ENOSPC || rc == -EDQUOT;
    if (rc == 0 || is_trouble(rc) || (full && how == LEAVE_BAD))
        return rc;
    return remove_file(path);
}

struct history_counters store_tidy(struct store *s, bool clock_trusted)
{
    if (clock_trusted && !s->clock_trusted)
        history_trust_clock(s->history, wall_now(), mono_now());
    s->clock_trusted = clock_trusted;
    history_keep_bounds(s->history, mono_now());
    return history_counters(s->history);
}
