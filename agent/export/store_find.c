#include "base/mem.h"
#include "base/text.h"
#include "core/time.h"
#include "export/gzip.h"
#include "export/spool.h"
#include "export/store_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t written_ns(const struct stat *stat)
{
    return (int64_t)stat->st_mtim.tv_sec * NS_PER_S + stat->st_mtim.tv_nsec;
}

/* ---- bad/ ---- */

int store_move_bad(const struct store *s, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX];
    store_path(from, s, "", name);
    store_path(to, s, "bad/", name);
    if (rename(from, to) == 0)
        return 0;
    if (errno != ENOENT || mkdir(store_path(to, s, "", "bad"), 0700) < 0)
        return -errno;
    return rename(from, store_path(to, s, "bad/", name)) < 0 ? -errno : 0;
}

struct bad_file {
    int64_t time_ns;
    char name[256];
};

static int by_time(const void *a, const void *b)
{
    const struct bad_file *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return strcmp(x->name, y->name);
}

static struct bad_file *list_bad(const struct store *s, size_t *n)
{
    char path[PATH_MAX];
    struct bad_file *files = NULL;
    size_t room = 0;
    *n = 0;
    DIR *dir = opendir(store_path(path, s, "", "bad"));
    if (dir == NULL)
        return NULL;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        struct stat stat;
        if (fstatat(dirfd(dir), e->d_name, &stat, AT_SYMLINK_NOFOLLOW) < 0 ||
            S_ISDIR(stat.st_mode))
            continue;
        files = mem_grow(files, &room, *n + 1, sizeof *files);
        files[*n].time_ns = written_ns(&stat);
        text_copy(files[*n].name, sizeof files->name, e->d_name);
        (*n)++;
    }
    closedir(dir);
    return files;
}

void store_trim_bad(const struct store *s)
{
    char path[PATH_MAX];
    size_t n;
    struct bad_file *files = list_bad(s, &n);
    if (n > STORE_BAD_MAX) {
        qsort(files, n, sizeof *files, by_time);
        for (size_t i = 0; i < n - STORE_BAD_MAX; i++)
            unlink(store_path(path, s, "bad/", files[i].name));
    }
    free(files);
}

/* A name in bad/ is not given again: the next batch set aside would replace it. */
static uint64_t highest_bad(const struct store *s)
{
    size_t n;
    uint64_t highest = 0, id;
    enum signal signal;
    struct bad_file *files = list_bad(s, &n);
    for (size_t i = 0; i < n; i++)
        if (store_name_read(files[i].name, &id, &signal) && id > highest)
            highest = id;
    free(files);
    return highest;
}

/* ---- what is in the folder ---- */

static bool begins_like_gzip(int folder, const char *name)
{
    unsigned char start[2];
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno != ELOOP; /* it is looked at again when it is read */
    ssize_t n = read(fd, start, sizeof start);
    close(fd);
    return n < 0 || gzip_is(start, (size_t)n);
}

/* NULL: it is a batch, as far as one can see without unpacking all of it. */
static const char *why_bad(int folder, const char *name, const struct stat *stat,
                           struct stored *out)
{
    if (!store_name_read(name, &out->id, &out->signal))
        return "not the name of a batch";
    if (!S_ISREG(stat->st_mode))
        return "not a file";
    if (stat->st_size == 0)
        return "empty";
    if (stat->st_size > SPOOL_BATCH_MAX)
        return "too large for a batch";
    return begins_like_gzip(folder, name) ? NULL : "not gzip";
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Where it cannot be moved it stays, and is not read. */
static void put_aside(const struct store *s, const char *name, const char *why,
                      struct store_found *found)
{
    if (found->set_aside++ == 0) {
        text_copy(found->example, sizeof found->example, name);
        found->why = why;
    }
    store_move_bad(s, name);
}

static void look_at(const struct store *s, int folder, const char *name, size_t *room,
                    struct store_found *found)
{
    struct stat stat;
    if (strcmp(name, "lock") == 0 ||
        fstatat(folder, name, &stat, AT_SYMLINK_NOFOLLOW) < 0 || S_ISDIR(stat.st_mode))
        return;
    if (ends_with(name, ".tmp")) { /* the batch was never said to be written */
        unlinkat(folder, name, 0);
        return;
    }
    struct stored batch = {.time_ns = written_ns(&stat), .len = (size_t)stat.st_size};
    const char *why = why_bad(folder, name, &stat, &batch);
    if (why != NULL) {
        put_aside(s, name, why, found);
        return;
    }
    found->batches = mem_grow(found->batches, room, found->n + 1, sizeof *found->batches);
    found->batches[found->n++] = batch;
}

static int by_id(const void *a, const void *b)
{
    const struct stored *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->signal > y->signal) - (x->signal < y->signal);
}

/* A number is one batch's: whoever made a second file of it was not us. */
static void keep_one_each(const struct store *s, struct store_found *found)
{
    char name[STORE_NAME_MAX];
    size_t kept = 1;
    for (size_t i = 1; i < found->n; i++) {
        const struct stored *b = &found->batches[i];
        if (b->id == found->batches[kept - 1].id)
            put_aside(s, store_name(name, b->id, b->signal), "a number given twice",
                      found);
        else
            found->batches[kept++] = *b;
    }
    found->n = kept;
}

int store_find(struct store *s, struct store_found *found)
{
    *found = (struct store_found){0};
    size_t room = 0;
    DIR *dir = opendir(s->dir);
    if (dir == NULL)
        return -errno;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        look_at(s, dirfd(dir), e->d_name, &room, found);
    closedir(dir);
    if (found->n > 0) {
        qsort(found->batches, found->n, sizeof *found->batches, by_id);
        keep_one_each(s, found);
    }
    store_trim_bad(s);
    found->highest = highest_bad(s);
    if (found->n > 0 && found->batches[found->n - 1].id > found->highest)
        found->highest = found->batches[found->n - 1].id;
    return 0;
}
