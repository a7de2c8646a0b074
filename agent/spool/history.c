#include "spool/history.h"

#include "base/file.h"
#include "base/mem.h"
#include "spool/batch_file.h"
#include "spool/queue.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIVE_BYTES (1u << 20) /* at once, when the disk is full */

struct history {
    char dir[PATH_MAX - BATCH_FILE_ROOM];
    struct history_limits limits;
    struct queue kept;
    uint64_t dropped;
};

static const char *path_of(char out[PATH_MAX], const struct history *h, const char *name)
{
    snprintf(out, PATH_MAX, "%s/%s", h->dir, name);
    return out;
}

static void note(struct history *h, const struct batch_file *batch, struct mono now,
                 int64_t stamp_ns)
{
    queue_add(&h->kept, (struct waiting){.id = batch->id,
                                         .signal = batch->signal,
                                         .time_ns = now.ns,
                                         .stamp_ns = stamp_ns,
                                         .len = batch->len});
}

/* A file that cannot be removed is no longer counted: the others keep the bounds. */
static void drop_oldest(struct history *h)
{
    char path[PATH_MAX], name[BATCH_FILE_NAME_MAX];
    struct waiting *w = queue_oldest(&h->kept);
    unlink(path_of(path, h, batch_file_name(name, w->id, w->signal)));
    queue_remove(&h->kept, w);
    h->dropped++;
}

void history_trust_clock(struct history *h, struct wall wall, struct mono now)
{
    queue_age(&h->kept, wall.ns, now.ns);
}

void history_keep_bounds(struct history *h, struct mono now)
{
    for (const struct waiting *w; (w = queue_oldest(&h->kept)) != NULL;) {
        bool old = h->limits.age_ns > 0 && now.ns - w->time_ns > h->limits.age_ns;
        if (!old && h->kept.bytes <= h->limits.bytes)
            return;
        drop_oldest(h);
    }
}

bool history_give_way(struct history *h)
{
    if (queue_count(&h->kept) == 0)
        return false;
    uint64_t before = h->kept.bytes;
    while (queue_count(&h->kept) > 0 && before - h->kept.bytes < GIVE_BYTES)
        drop_oldest(h);
    return true;
}

int history_take(struct history *h, const char *from, const char *name, struct mono now)
{
    char to[PATH_MAX];
    struct stat stat;
    struct batch_file batch;
    if (h->limits.bytes == 0)
        return -ENOTSUP;
    path_of(to, h, name);
    int rc = file_move(from, to, h->dir);
    if (rc < 0)
        return rc;
    if (lstat(to, &stat) == 0 && batch_file_foreign(name, &stat, &batch) == NULL)
        note(h, &batch, now, 0);
    return 0;
}

struct history *history_open(const char *state_dir, struct history_limits limits,
                             struct mono now)
{
    int64_t latest = 0;
    struct history *h = mem_zalloc(sizeof *h);
    struct batch_files found = {0};
    snprintf(h->dir, sizeof h->dir, "%s/history", state_dir);
    h->limits = limits;
    batch_files_find(&found, h->dir); /* unreadable: as if empty */
    batch_files_sort(&found);
    for (size_t i = 0; i < found.n; i++)
        note(h, &found.all[i], now, batch_file_stamp(&found.all[i], &latest));
    free(found.all);
    return h;
}

void history_close(struct history *h)
{
    if (h == NULL)
        return;
    queue_free(&h->kept);
    free(h);
}

struct history_counters history_counters(const struct history *h)
{
    return (struct history_counters){
        .batches = queue_count(&h->kept), .bytes = h->kept.bytes, .dropped = h->dropped};
}
