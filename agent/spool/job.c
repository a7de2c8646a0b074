#include "spool/job.h"

#include "base/mem.h"

#include <stdlib.h>

void leavings_add(struct leavings *l, struct leaving one)
{
    l->all = mem_grow(l->all, &l->room, l->n + 1, sizeof *l->all);
    l->all[l->n++] = one;
}

/* Those that cannot leave stay in `leavings`. */
static void leave(struct spool_job *j)
{
    struct leavings *l = &j->leavings;
    size_t stuck = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct leaving *one = &l->all[i];
        int rc = store_leave(j->store, one->id, one->signal, one->how);
        if (rc < 0) {
            j->leave_rc = rc;
            l->all[stuck++] = *one;
        }
    }
    l->n = stuck;
}

static void work(uv_work_t *request)
{
    struct spool_job *j = request->data;
    leave(j);
    if (j->id != 0)
        j->write_rc = store_write(j->store, j->id, j->signal, j->bytes, j->len);
    j->history = store_tidy(j->store, j->clock_trusted);
    uv_sem_post(&j->ended);
}

static void on_worked(uv_work_t *request, int status)
{
    (void)status;
    struct spool_job *j = request->data;
    if (j->on_ended != NULL)
        j->on_ended(j, j->user);
    uv_sem_destroy(&j->ended);
    free(j->leavings.all);
    free(j);
}

struct spool_job *spool_job_begin(uv_loop_t *loop, struct store *store,
                                  struct leavings leavings, const struct waiting *w,
                                  bool clock_trusted, spool_job_cb *on_ended, void *user)
{
    struct spool_job *j = mem_zalloc(sizeof *j);
    j->request.data = j;
    j->store = store;
    j->leavings = leavings;
    j->left = leavings.n > 0;
    j->clock_trusted = clock_trusted;
    j->on_ended = on_ended;
    j->user = user;
    if (w != NULL) {
        j->id = w->id;
        j->signal = w->signal;
        j->bytes = w->bytes;
        j->len = w->len;
    }
    if (uv_sem_init(&j->ended, 0) < 0)
        abort(); /* no memory */
    uv_queue_work(loop, &j->request, work, on_worked);
    return j;
}

void spool_job_wait(struct spool_job *j)
{
    if (uv_cancel((uv_req_t *)&j->request) == 0)
        work(&j->request);
    uv_sem_wait(&j->ended);
    j->on_ended = NULL;
}
