#include "export/store.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "export/gzip.h"
#include "export/otlp.h"
#include "export/spool.h"
#include "export/store_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_DIGITS = 20 };

const char *store_name(char out[STORE_NAME_MAX], uint64_t id, enum signal signal)
{
    snprintf(out, STORE_NAME_MAX, "%0*" PRIu64 "-%s.pb.gz", NAME_DIGITS, id,
             signal_name(signal));
    return out;
}

bool store_name_read(const char *name, uint64_t *id, enum signal *signal)
{
    char again[STORE_NAME_MAX];
    *id = strtoull(name, NULL, 10);
    if (*id == 0 || *id == UINT64_MAX) /* there is a next one */
        return false;
    for (*signal = 0; *signal < SIGNALS; ++*signal)
        if (strcmp(name, store_name(again, *id, *signal)) == 0)
            return true;
    return false;
}

const char *store_path(char out[PATH_MAX], const struct store *s, const char *sub,
                       const char *name)
{
    snprintf(out, PATH_MAX, "%s/%s%s", s->dir, sub, name);
    return out;
}

static const char *batch_path(char out[PATH_MAX], const struct store *s, uint64_t id,
                              enum signal signal)
{
    char name[STORE_NAME_MAX];
    return store_path(out, s, "", store_name(name, id, signal));
}

/* ---- the folder ---- */

static int make_folders(const char *dir)
{
    char path[PATH_MAX];
    text_copy(path, sizeof path, dir);
    for (char *slash = path; (slash = strchr(slash + 1, '/')) != NULL; *slash = '/') {
        *slash = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return -errno;
    }
    return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int lock_folder(struct store *s)
{
    char path[PATH_MAX];
    store_path(path, s, "", "lock");
    int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    s->lock_fd = fd;
    return 0;
}

/* The folder is there and is ours, also after somebody has removed it under us. */
static int hold_folder(struct store *s)
{
    char path[PATH_MAX];
    struct stat named, held;
    if (s->lock_fd >= 0 && stat(store_path(path, s, "", "lock"), &named) == 0 &&
        fstat(s->lock_fd, &held) == 0 && named.st_ino == held.st_ino &&
        named.st_dev == held.st_dev)
        return 0;
    int rc = make_folders(s->dir);
    return rc < 0 ? rc : lock_folder(s);
}

int store_open(struct store **out, const char *dir, struct store_found *found)
{
    struct store *s = mem_zalloc(sizeof *s);
    s->lock_fd = -1;
    int rc = text_copy(s->dir, sizeof s->dir, dir) ? hold_folder(s) : -ENAMETOOLONG;
    if (rc == 0 || rc == -EROFS || rc == -ENOSPC || rc == -EDQUOT)
        rc = store_find(s, found);
    if (rc < 0) {
        store_close(s);
        return rc;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s);
}

/* ---- one batch ---- */

int store_write(struct store *s, uint64_t id, enum signal signal, const void *bytes,
                size_t len)
{
    char name[STORE_NAME_MAX];
    int rc = hold_folder(s);
    if (rc < 0)
        return rc;
    int folder = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return -errno;
    store_name(name, id, signal);
    rc = file_write_whole(folder, name, bytes, len);
    close(folder);
    return rc;
}

static int read_all(int fd, void **bytes, size_t *len)
{
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return -errno;
    if (!S_ISREG(stat.st_mode) || stat.st_size < 1 || stat.st_size > SPOOL_BATCH_MAX)
        return -EBADMSG;
    size_t size = (size_t)stat.st_size, got = 0;
    uint8_t *room = mem_alloc(size);
    while (got < size) {
        ssize_t n = read(fd, room + got, size - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int rc = n < 0 ? -errno : -EBADMSG; /* shorter than it was just now */
            free(room);
            return rc;
        }
        got += (size_t)n;
    }
    *bytes = room;
    *len = size;
    return 0;
}

int store_read(const struct store *s, uint64_t id, enum signal signal, void **bytes,
               size_t *len)
{
    char path[PATH_MAX];
    int fd = open(batch_path(path, s, id, signal),
                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK /* a pipe has no end */);
    if (fd < 0)
        return -errno;
    int rc = read_all(fd, bytes, len);
    close(fd);
    if (rc == 0 && gzip_check(*bytes, *len, OTLP_BYTES_MAX) < 0) {
        free(*bytes);
        rc = -EBADMSG;
    }
    return rc;
}

int store_remove(struct store *s, uint64_t id, enum signal signal)
{
    char path[PATH_MAX];
    if (unlink(batch_path(path, s, id, signal)) == 0 || errno == ENOENT ||
        errno == ENOTDIR)
        return 0;
    return -errno;
}

int store_set_aside(struct store *s, uint64_t id, enum signal signal)
{
    char name[STORE_NAME_MAX];
    if (store_move_bad(s, store_name(name, id, signal)) < 0)
        return store_remove(s, id, signal); /* at least it is not sent again */
    store_trim_bad(s);
    return 0;
}
