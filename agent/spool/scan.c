#include "spool/scan.h"

#include "base/file.h"
#include "base/text.h"
#include "otlp/gzip.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct folder_scan {
    const char *dir;
    int folder; /* the same, open */
    const struct quarantine *bad;
};

static bool begins_like_gzip(int folder, const char *name)
{
    unsigned char start[2];
    struct stat stat;
    int fd = file_open(folder, name, FILE_NO_LINK, &stat);
    if (fd < 0)
        return true; /* checked again when it is read */
    ssize_t n = read(fd, start, sizeof start);
    close(fd);
    bool all = n == sizeof start || n == stat.st_size; /* else it cannot be read now */
    return !all || gzip_is(start, (size_t)n);
}

/* A temporary file of file_write_whole(). */
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

/* `bad`, `lost+found` stay: only a folder with the number of a batch is in the way. */
static bool not_ours(const char *name, const struct stat *stat)
{
    return S_ISDIR(stat->st_mode) && !isdigit((unsigned char)name[0]);
}

/* A file that cannot be moved stays, and is not read. */
static void put_aside(const struct folder_scan *s, const char *name, const char *why,
                      struct scan_result *found)
{
    if (found->set_aside++ == 0) {
        text_copy(found->example, sizeof found->example, name);
        found->why = why;
    }
    quarantine_take(s->bad, name);
}

static void sort_in(const struct folder_scan *s, const char *name,
                    struct scan_result *found)
{
    struct stat stat;
    struct batch_file batch;
    if (fstatat(s->folder, name, &stat, AT_SYMLINK_NOFOLLOW) < 0 || not_ours(name, &stat))
        return;
    if (strcmp(name, "lock") == 0 || /* of versions before this one */
        (is_begun(name) && !S_ISDIR(stat.st_mode))) {
        unlinkat(s->folder, name, 0); /* the batch never counted as written */
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

/* A number belongs to one batch: a second file of it is foreign. */
static void keep_one_each(const struct folder_scan *s, struct scan_result *found)
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

static int add_ids(const struct folder_scan *s, const char *sub, struct batch_ids *ids)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", s->dir, sub);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return batch_ids_find(ids, fd);
    /* Missing or not readable: nothing can be moved into it either. */
    return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
}

/* A number that has been given is not given again, whatever has it: the next batch would
 * take the place of that file. */
static int find_highest(const struct folder_scan *s, uint64_t *highest)
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

static void put_higher_aside(const struct folder_scan *s, struct scan_result *found)
{
    char name[BATCH_FILE_NAME_MAX];
    struct batch_files *f = &found->batches;
    for (; f->n > 0 && f->all[f->n - 1].id > found->highest; f->n--) {
        const struct batch_file *b = &f->all[f->n - 1];
        put_aside(s, batch_file_name(name, b->id, b->signal),
                  "a number that was never given", found);
    }
}

int scan_folder(const char *path, int folder, const struct quarantine *bad,
                struct scan_result *found)
{
    const struct folder_scan scan = {path, folder, bad}, *s = &scan;
    DIR *dir = opendir(path);
    if (dir == NULL)
        return -errno;
    for (const struct dirent *e; errno = 0, (e = readdir(dir)) != NULL;)
        sort_in(s, e->d_name, found);
    int rc = -errno;
    closedir(dir);
    if (rc == 0)
        rc = find_highest(s, &found->highest);
    if (rc < 0)
        return rc;
    batch_files_sort(&found->batches);
    keep_one_each(s, found);
    put_higher_aside(s, found);
    quarantine_trim(s->bad);
    return 0;
}
