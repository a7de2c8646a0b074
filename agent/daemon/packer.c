#include "daemon/packer.h"

#include "base/log.h"
#include "base/mem.h"
#include "core/time.h"
#include "net/timer.h"

#include <malloc.h>
#include <stdlib.h>

/* Then a window is sent, too, unless the collector is slow. */
#define TRIM_AFTER_NS (2 * NS_PER_S)

struct part {
    void *bytes;
    size_t len;
};

struct pack { /* of one batch and signal */
    uv_work_t request;
    uv_sem_t ended;
    struct packer *packer; /* NULL: it is in the spool already */
    struct pack *next;
    enum signal signal;
    struct otlp_work *work; /* NULL: it is done */
    struct part *done;
    size_t n_done, room;
};

struct packer {
    uv_loop_t *loop;
    struct spool *spool;
    /* The first is in the pool if `working`. */
    struct pack *first, **last;
    bool working;
    uv_timer_t *trim;
};

static void add_part(void *bytes, size_t len, void *user)
{
    struct pack *k = user;
    k->done = mem_grow(k->done, &k->room, k->n_done + 1, sizeof *k->done);
    k->done[k->n_done++] = (struct part){bytes, len};
}

static void encode(struct pack *k)
{
    otlp_metrics_end(k->work, add_part, k);
    k->work = NULL;
}

static void work(uv_work_t *request)
{
    struct pack *k = request->data;
    encode(k);
    uv_sem_post(&k->ended);
}

/* Adds the first to the spool and takes it off the queue. */
static void deliver_first(struct packer *p)
{
    struct pack *k = p->first;
    p->first = k->next;
    if (p->first == NULL)
        p->last = &p->first;
    for (size_t i = 0; i < k->n_done; i++) {
        if (k->signal == SIGNAL_METRICS)
            log_debug("agent", "window closed: %zu bytes of metrics", k->done[i].len);
        spool_add(p->spool, k->signal, k->done[i].bytes, k->done[i].len);
    }
    k->packer = NULL;
}

static void pack_free(struct pack *k)
{
    uv_sem_destroy(&k->ended);
    free(k->done);
    free(k);
}

static void on_worked(uv_work_t *request, int status);

static void begin_next(struct packer *p)
{
    while (p->first != NULL && p->first->work == NULL) {
        struct pack *k = p->first;
        deliver_first(p);
        pack_free(k);
    }
    p->working = p->first != NULL;
    if (p->working)
        uv_queue_work(p->loop, &p->first->request, work, on_worked);
}

/* Returns the memory of closing and sending a window to the system. */
static void on_trim(uv_timer_t *timer)
{
    (void)timer;
    malloc_trim(0);
}

static void on_worked(uv_work_t *request, int status)
{
    (void)status;
    struct pack *k = request->data;
    struct packer *p = k->packer;
    if (p != NULL) {
        deliver_first(p);
        begin_next(p);
        timer_in(p->trim, on_trim, TRIM_AFTER_NS);
    }
    pack_free(k);
}

static struct pack *pack_add(struct packer *p, enum signal signal)
{
    struct pack *k = mem_zalloc(sizeof *k);
    k->request.data = k;
    k->packer = p;
    k->signal = signal;
    if (uv_sem_init(&k->ended, 0) < 0)
        abort(); /* no memory */
    *p->last = k;
    p->last = &k->next;
    return k;
}

void packer_metrics(struct packer *p, const struct batch *batch,
                    const struct otlp_resource *resource,
                    const struct metric_choice *choice)
{
    packer_flush(p);
    pack_add(p, SIGNAL_METRICS)->work = otlp_metrics_begin(batch, resource, choice);
    begin_next(p);
}

void packer_add(struct packer *p, enum signal signal, void *bytes, size_t len)
{
    add_part(bytes, len, pack_add(p, signal));
    if (!p->working)
        begin_next(p);
}

void packer_flush(struct packer *p)
{
    while (p->first != NULL) {
        struct pack *k = p->first;
        bool queued = p->working; /* then on_worked() frees it, later */
        p->working = false;
        if (queued && uv_cancel((uv_req_t *)&k->request) != 0)
            uv_sem_wait(&k->ended);
        else if (k->work != NULL)
            encode(k);
        deliver_first(p);
        if (!queued)
            pack_free(k);
    }
}

struct packer *packer_create(uv_loop_t *loop, struct spool *spool)
{
    struct packer *p = mem_zalloc(sizeof *p);
    p->loop = loop;
    p->spool = spool;
    p->last = &p->first;
    p->trim = timer_new(loop, p);
    uv_unref((uv_handle_t *)p->trim);
    return p;
}

void packer_destroy(struct packer *p)
{
    if (p == NULL)
        return;
    packer_flush(p);
    timer_close(p->trim);
    free(p);
}
