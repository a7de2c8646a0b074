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

struct save { /* one write, on a thread */
    uv_work_t request;
    uv_sem_t ended;
    struct percentiles *owner; /* NULL: it was closed */
    int folder, rc;
    void *bytes;
    size_t len;
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

static void load(struct percentiles *p)
{
    char *bytes;
    size_t len;
    int rc =
        file_read(p->folder, FILE_NAME, FILE_NO_LINK, ROLLING_FILE_MAX, &bytes, &len);
    if (rc == -ENOENT)
        return;
    bool good = rc == 0 && rolling_load(p->set, wall_now(), bytes, len);
    if (rc == 0)
        free(bytes);
    if (good)
        return;
    log_warn("agent",
             "%s/" FILE_NAME ": %s; it is removed, and the percentiles of the last hour, "
             "day and three days begin anew",
             p->dir, rc < 0 ? file_error(rc) : "damaged, or written by another version");
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

static void write_file(uv_work_t *request)
{
    struct save *s = request->data;
    s->rc = file_write_whole(s->folder, FILE_NAME, s->bytes, s->len);
    uv_sem_post(&s->ended);
}

static void on_written(uv_work_t *request, int status)
{
    (void)status;
    struct save *s = request->data;
    if (s->owner != NULL) {
        report(s->owner, s->rc);
        s->owner->save = NULL;
    }
    uv_sem_destroy(&s->ended);
    free(s->bytes);
    free(s);
}

void percentiles_window(struct percentiles *p)
{
    struct mono now = mono_now();
    if (p->folder < 0 || p->save != NULL || now.ns - p->saved.ns < SAVE_NS)
        return;
    struct save *s = mem_zalloc(sizeof *s);
    p->saved = now;
    p->save = s;
    s->request.data = s;
    s->owner = p;
    s->folder = p->folder;
    s->bytes = rolling_save(p->set, wall_now(), &s->len);
    uv_sem_init(&s->ended, 0);
    uv_queue_work(p->loop, &s->request, write_file, on_written);
}

void percentiles_close(struct percentiles *p)
{
    if (p == NULL)
        return;
    if (p->save != NULL) {
        p->save->owner = NULL;
        if (uv_cancel((uv_req_t *)&p->save->request) != 0)
            uv_sem_wait(&p->save->ended);
    }
    if (p->folder >= 0) {
        size_t len;
        void *bytes = rolling_save(p->set, wall_now(), &len);
        report(p, file_write_whole(p->folder, FILE_NAME, bytes, len));
        free(bytes);
        close(p->folder);
    }
    free(p);
}
