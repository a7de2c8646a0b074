#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/time.h"
#include "otlp/gzip.h"
#include "spool/store_state.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SAME_NAME_MAX = 1000 };

/* ---- bad/ ---- */

/* A path in bad/ that no file has: a foreign file may have the name of one that is there.
 */
static void free_path(char out[PATH_MAX], const struct store *s, const char *name)
{
    size_t len = strlen(store_path(out, s, "bad/", name));
    for (unsigned i = 1; i < SAME_NAME_MAX && access(out, F_OK) == 0; i++)
        snprintf(out + len, PATH_MAX - len, ".%u", i);
}

static int rename_bad(const struct store *s, const char *name, char to[PATH_MAX])
{
    char from[PATH_MAX], bad[PATH_MAX];
    store_path(from, s, "", name);
    free_path(to, s, name);
    if (rename(from, to) == 0)
        return 0;
    int rc =
        errno == ENOENT ? file_make_folder(store_path(bad, s, "", "bad"), 0700) : -errno;
    if (rc < 0)
        return rc;
    return rename(from, to) < 0 ? -errno : 0;
}

static uint64_t bad_size(const struct stat *stat)
{
    return stat->st_size <= BATCH_FILE_MAX ? (uint64_t)stat->st_size : 0;
}

int store_move_bad(struct store *s, const char *name)
{
    char to[PATH_MAX];
    struct stat stat;
    int rc = rename_bad(s, name, to);
    if (rc == 0 && lstat(to, &stat) == 0) {
        s->bad_count++;
        s->bad_bytes += bad_size(&stat);
    }
    return rc;
}

struct bad_file {
    int64_t time_ns;
    uint64_t bytes; /* 0 of one that is too large for a batch: somebody else's */
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
        files[*n].time_ns = batch_file_time(&stat);
        files[*n].bytes = bad_size(&stat);
        text_copy(files[*n].name, sizeof files->name, e->d_name);
        (*n)++;
    }
    closedir(dir);
    return files;
}

void store_trim_bad(struct store *s)
{
    char path[PATH_MAX];
    size_t n, i = 0;
    struct bad_file *files = list_bad(s, &n);
    s->bad_count = n;
    s->bad_bytes = 0;
    for (size_t k = 0; k < n; k++)
        s->bad_bytes += files[k].bytes;
    if (store_bad_is_full(s))
        qsort(files, n, sizeof *files, by_time);
    for (; store_bad_is_full(s) && i < n; i++) {
        unlink(store_path(path, s, "bad/", files[i].name));
        s->bad_count--;
        s->bad_bytes -= files[i].bytes;
    }
    free(files);
}

/* ---- what is in the folder ---- */

static bool begins_like_gzip(int folder, const char *name)
{
    unsigned char start[2];
    struct stat stat;
    int fd = file_open(folder, name, FILE_NO_LINK, &stat);
    if (fd < 0)
        return true; /* it is looked at again when it is read */
    ssize_t n = read(fd, start, sizeof start);
    close(fd);
    bool all = n == sizeof start || n == stat.st_size; /* else it cannot be read now */
    return !all || gzip_is(start, (size_t)n);
}

/* What file_write_whole() had begun. */
static bool is_begun(const char *name)
{
    char batch[BATCH_FILE_NAME_MAX];
    uint64_t id;
    enum signal signal;
    size_t len = strlen(name), end = strlen(".tmp");
    if (len <= end || strcmp(name + len - end, ".tmp") != 0 || len - end >= sizeof batch)
        return false;
    text_copy(batch, len - end + 1, name);
    return batch_file_named(batch, &id, &signal);
}

/* `bad`, `lost+found`: only a folder that has the number of a batch is in its way. */
static bool not_ours(const char *name, const struct stat *stat)
{
    return S_ISDIR(stat->st_mode) && !isdigit((unsigned char)name[0]);
}

/* Where it cannot be moved it stays, and is not read. */
static void put_aside(struct store *s, const char *name, const char *why,
                      struct store_found *found)
{
    if (found->set_aside++ == 0) {
        text_copy(found->example, sizeof found->example, name);
        found->why = why;
    }
    store_move_bad(s, name);
}

static void look_at(struct store *s, const char *name, struct store_found *found)
{
    struct stat stat;
    struct batch_file batch;
    if (fstatat(s->folder, name, &stat, AT_SYMLINK_NOFOLLOW) < 0 || not_ours(name, &stat))
        return;
    if (strcmp(name, "lock") == 0 || /* of versions before this one */
        (is_begun(name) && !S_ISDIR(stat.st_mode))) {
        unlinkat(s->folder, name, 0); /* the batch was never said to be written */
        return;
    }
    const char *why = batch_file_foreign(name, &stat, &batch);
    if (why == NULL && !begins_like_gzip(s->folder, name))
        why = "not gzip";
    if (why != NULL)
        put_aside(s, name, why, found);
    else
        batch_files_add(&found->batches, &batch);
}

/* A number is one batch's: whoever made a second file of it was not us. */
static void keep_one_each(struct store *s, struct store_found *found)
{
    char name[BATCH_FILE_NAME_MAX];
    struct batch_files *f = &found->batches;
    size_t kept = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct batch_file *b = &f->all[i];
        if (kept > 0 && b->id == f->all[kept - 1].id)
            put_aside(s, batch_file_name(name, b->id, b->signal), "a number given twice",
                      found);
        else
            f->all[kept++] = *b;
    }
    f->n = kept;
}

static int add_ids(const struct store *s, const char *sub, struct batch_ids *ids)
{
    char path[PATH_MAX];
    int fd = open(store_path(path, s, sub, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return batch_ids_find(ids, fd);
    /* Not there, or closed to us: nothing can be moved into it either. */
    return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
}

/* A number that has been given is not given again, whatever has it: the next batch would
 * take the place of that file. */
static int find_highest(const struct store *s, uint64_t *highest)
{
    struct batch_ids ids = {0};
    int rc = add_ids(s, "", &ids);
    if (rc == 0)
        rc = add_ids(s, "bad/", &ids);
    if (rc == 0)
        rc = add_ids(s, "../history/", &ids);
    *highest = batch_file_last(ids.all, ids.n);
    free(ids.all);
    return rc;
}

static void put_higher_aside(struct store *s, struct store_found *found)
{
    char name[BATCH_FILE_NAME_MAX];
    struct batch_files *f = &found->batches;
    for (; f->n > 0 && f->all[f->n - 1].id > found->highest; f->n--) {
        const struct batch_file *b = &f->all[f->n - 1];
        put_aside(s, batch_file_name(name, b->id, b->signal),
                  "a number that was never given", found);
    }
}

int store_find(struct store *s, struct store_found *found)
{
    DIR *dir = opendir(s->dir);
    if (dir == NULL)
        return -errno;
    for (const struct dirent *e; errno = 0, (e = readdir(dir)) != NULL;)
        look_at(s, e->d_name, found);
    int rc = -errno;
    closedir(dir);
    if (rc == 0)
        rc = find_highest(s, &found->highest);
    if (rc < 0)
        return rc;
    batch_files_sort(&found->batches);
    keep_one_each(s, found);
    put_higher_aside(s, found);
    store_trim_bad(s);
    return 0;
}
