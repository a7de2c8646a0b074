/*
 * One disk job of the spool on libuv's thread pool: moves the batches that leave, writes
 * one batch, applies the bounds of the history.
 */
#ifndef EDGELAT_SPOOL_JOB_H
#define EDGELAT_SPOOL_JOB_H

#include "spool/queue.h"
#include "spool/store.h"

#include <uv.h>

struct leaving {
    uint64_t id;
    enum signal signal;
    enum leave how;
};

struct leavings { /* start with { 0 }; free() `all` */
    struct leaving *all;
    size_t n, room;
};

void leavings_add(struct leavings *l, struct leaving one);

struct spool_job;
typedef void spool_job_cb(struct spool_job *j, void *user);

struct spool_job {
    uint64_t id; /* of the batch that is written, 0: none */
    enum signal signal;
    void *bytes; /* owned by the queue while the batch is in it */
    size_t len;

    /* the outcome */
    int write_rc, leave_rc;
    bool left;                /* batches had to leave; */
    struct leavings leavings; /* these could not */
    struct history_counters history;

    bool clock_trusted;
    uv_work_t request;
    uv_sem_t ended;
    struct store *store;
    spool_job_cb *on_ended;
    void *user;
};

/*
 * Begins a job. It owns `leavings`; `w` is NULL when there is nothing to write;
 * `clock_trusted` as in store_tidy(). `on_ended` comes once; the job is freed after it.
 */
struct spool_job *spool_job_begin(uv_loop_t *loop, struct store *store,
                                  struct leavings leavings, const struct waiting *w,
                                  bool clock_trusted, spool_job_cb *on_ended, void *user);

/* Waits for the job, or does it here if no thread has begun it. `on_ended` does not come;
 * the job is freed when the loop has turned. */
void spool_job_wait(struct spool_job *j);

#endif
