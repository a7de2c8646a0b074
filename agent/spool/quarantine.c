#include "spool/quarantine.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "spool/batch_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SAME_NAME_MAX = 1000 };

/* Path of `name` below the spool and `sub` ("" or "bad/"). Returns `out`. */
static const char *path_of(char out[PATH_MAX], const struct quarantine *q,
                           const char *sub, const char *name)
{
    snprintf(out, PATH_MAX, "%s/%s%s", q->spool, sub, name);
    return out;
}

/* A path in bad/ that no file has: a foreign file may have the name of one that is there.
 */
static void free_path(char out[PATH_MAX], const struct quarantine *q, const char *name)
{
    size_t len = strlen(path_of(out, q, "bad/", name));
    for (unsigned i = 1; i < SAME_NAME_MAX && access(out, F_OK) == 0; i++)
        snprintf(out + len, PATH_MAX - len, ".%u", i);
}

int quarantine_take(const struct quarantine *q, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX], bad[PATH_MAX];
    free_path(to, q, name);
    return file_move(path_of(from, q, "", name), to, path_of(bad, q, "", "bad"));
}

struct bad_file {
    int64_t time_ns;
    uint64_t bytes; /* 0: too large for a batch, so foreign */
    char name[256];
};

static int by_time(const void *a, const void *b)
{
    const struct bad_file *x = a, *y = b;
    if (x->time_ns != y->time_ns)
        return x->time_ns < y->time_ns ? -1 : 1;
    return strcmp(x->name, y->name);
}

static struct bad_file *list_files(const struct quarantine *q, size_t *n)
{
    char path[PATH_MAX];
    struct bad_file *files = NULL;
    size_t room = 0;
    *n = 0;
    DIR *dir = opendir(path_of(path, q, "", "bad"));
    if (dir == NULL)
        return NULL;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
        struct stat stat;
        if (fstatat(dirfd(dir), e->d_name, &stat, AT_SYMLINK_NOFOLLOW) < 0 ||
            S_ISDIR(stat.st_mode))
            continue;
        files = mem_grow(files, &room, *n + 1, sizeof *files);
        files[*n].time_ns = batch_file_time(&stat);
        files[*n].bytes = stat.st_size <= BATCH_FILE_MAX ? (uint64_t)stat.st_size : 0;
        text_copy(files[*n].name, sizeof files->name, e->d_name);
        (*n)++;
    }
    closedir(dir);
    return files;
}

static bool too_much(const struct quarantine_limits *l, uint64_t count, uint64_t bytes)
{
    return l->count > 0 && (count > l->count || bytes > l->bytes);
}

void quarantine_trim(const struct quarantine *q)
{
    char path[PATH_MAX];
    size_t n;
    uint64_t bytes = 0;
    struct bad_file *files = list_files(q, &n);
    if (files == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        bytes += files[i].bytes;
    if (too_much(&q->limits, n, bytes))
        qsort(files, n, sizeof *files, by_time);
    for (size_t i = 0; too_much(&q->limits, n - i, bytes); i++) {
        unlink(path_of(path, q, "bad/", files[i].name));
        bytes -= files[i].bytes;
    }
    free(files);
}
