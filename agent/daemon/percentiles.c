#include "daemon/percentiles.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "percentiles"
#define SAVE_NS   (3600 * NS_PER_S)

struct save { /* one file: the loop makes its pieces, a thread writes them */
    uv_work_t request;
    uv_sem_t written;          /* of the piece under way */
    struct percentiles *owner; /* NULL: it was closed */
    struct rolling_saver *saver;
    struct file_writer file;
    enum rolling_saved next;
    const void *bytes;
    size_t len;
    int rc;
};

struct percentiles {
    uv_loop_t *loop;
    const char *dir;
    int folder; /* -1: cannot be opened */
    struct rolling_set *set;
    struct mono saved;
    struct save *save; /* under way, or NULL */
    bool failed;       /* the last save did, and this was logged */
};

static void report(struct percentiles *p, int rc)
{
    if (rc < 0 && !p->failed)
        log_warn("agent",
                 "%s/" FILE_NAME
                 ": %s; after a restart the percentiles of the last hour, "
                 "day and three days begin anew",
                 p->dir, strerror(-rc));
    p->failed = rc < 0;
}

struct percentiles_file {
    int fd, rc;
};

static size_t read_piece(void *user, void *bytes, size_t room)
{
    struct percentiles_file *r = user;
    ssize_t n;
    do
        n = read(r->fd, bytes, room);
    while (n < 0 && errno == EINTR);
    r->rc = n < 0 ? -errno : 0;
    return n > 0 ? (size_t)n : 0;
}

static void load(struct percentiles *p)
{
    struct stat stat;
    struct percentiles_file r = {
        .fd = file_open(p->folder, FILE_NAME, FILE_NO_LINK, &stat)};
    if (r.fd == -ENOENT)
        return;
    bool good = r.fd >= 0 &&
                rolling_load(p->set, wall_now(), (size_t)stat.st_size, read_piece, &r);
    if (r.fd >= 0)
        close(r.fd);
    else
        r.rc = r.fd;
    if (good)
        return;
    log_warn("agent",
             "%s/" FILE_NAME ": %s; it is removed, and the percentiles of the last hour, "
             "day and three days begin anew",
             p->dir,
             r.rc < 0 ? file_error(r.rc) : "damaged, or written by another version");
    unlinkat(p->folder, FILE_NAME, 0);
}

struct percentiles *percentiles_open(uv_loop_t *loop, const char *state_dir,
                                     struct rolling_set *set)
{
    struct percentiles *p = mem_zalloc(sizeof *p);
    p->loop = loop;
    p->dir = state_dir;
    p->set = set;
    p->saved = mono_now();
    p->folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->folder < 0)
        report(p, -errno);
    else
        load(p);
    return p;
}

/* ---- save ---- */

static struct save *save_begin(struct percentiles *p)
{
    struct save *s = mem_zalloc(sizeof *s);
    s->owner = p;
    s->request.data = s;
    s->saver = rolling_saver_create(p->set, wall_now());
    s->file = file_writer_of(p->folder, FILE_NAME);
    return s;
}

static void save_free(struct save *s)
{
    rolling_saver_destroy(s->saver);
    free(s);
}

static void save_take(struct save *s)
{
    s->next = rolling_saver_next(s->saver, &s->bytes, &s->len);
}

static void save_write(struct save *s)
{
    if (s->next == ROLLING_PIECE)
        s->rc = file_put(&s->file, s->bytes, s->len);
    else if (s->next == ROLLING_SAVED)
        s->rc = file_commit(&s->file);
    else
        file_drop(&s->file);
}

static void write_piece(uv_work_t *request)
{
    struct save *s = request->data;
    save_write(s);
    uv_sem_post(&s->written);
}

static void on_written(uv_work_t *request, int status);

static void save_next_piece(struct save *s)
{
    save_take(s);
    uv_sem_init(&s->written, 0);
    uv_queue_work(s->owner->loop, &s->request, write_piece, on_written);
}

static void on_written(uv_work_t *request, int status)
{
    (void)status;
    struct save *s = request->data;
    struct percentiles *p = s->owner;
    uv_sem_destroy(&s->written);
    if (p != NULL && s->next == ROLLING_PIECE && s->rc == 0) {
        save_next_piece(s);
        return;
    }
    if (p != NULL) {
        p->save = NULL;
        if (s->next != ROLLING_CHANGED)
            report(p, s->rc);
        else
            p->saved.ns -= SAVE_NS; /* after the next window again */
    }
    save_free(s);
}

void percentiles_window(struct percentiles *p)
{
    struct mono now = mono_now();
    if (p->folder < 0 || p->save != NULL || now.ns - p->saved.ns < SAVE_NS)
        return;
    p->saved = now;
    p->save = save_begin(p);
    save_next_piece(p->save);
}

void percentiles_close(struct percentiles *p)
{
    if (p == NULL)
        return;
    if (p->save != NULL) {
        p->save->owner = NULL;
        if (uv_cancel((uv_req_t *)&p->save->request) != 0)
            uv_sem_wait(&p->save->written);
        file_drop(&p->save->file);
    }
    if (p->folder >= 0) {
        struct save *s = save_begin(p);
        do {
            save_take(s);
            save_write(s);
        } while (s->next == ROLLING_PIECE && s->rc == 0);
        report(p, s->rc);
        save_free(s);
        close(p->folder);
    }
    free(p);
}
