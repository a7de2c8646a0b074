/*
 * The queue holds what waits, in order; the store holds the files. Everything that touches
 * the disk, except reading the oldest batch, is a job on the thread pool, one at a time:
 * first the files that leave, then the oldest batch that is only in memory.
 *
 * A batch whose first write is under way is not handed out: it is on disk before it is
 * sent. While the disk fails, batches are handed out from memory.
 */
#include "spool/spool.h"

#include "base/mem.h"
#include "core/backoff.h"
#include "core/time.h"
#include "net/clock.h"
#include "spool/job.h"
#include "spool/log.h"
#include "spool/queue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX (8u << 20) /* while the disk fails */

/* Failing reads: the time limit of one call, as the loop waits for it; then retries after
 * 1 s, doubled each time, at most REREAD_MOST_NS. */
#define REREAD_BUDGET_NS (50 * NS_PER_MS)
#define REREAD_MOST_NS   (300 * NS_PER_S)

#define PASS_LEAST_NS (60 * NS_PER_S)
#define PASS_MOST_NS  (3600 * NS_PER_S)

struct spool {
    const char *dir; /* the store's */
    struct store *store;
    struct spool_limits limits;
    struct queue queue;
    uint64_t last_id;
    struct leavings leavings;    /* of the next job */
    struct spool_job *job;       /* under way, or NULL */
    bool write_next;             /* requested meanwhile */
    uv_timer_t retry;            /* the next write, after one that failed */
    uv_timer_t reread;           /* the next read, after all that were tried failed */
    unsigned rereads;            /* such calls in a row */
    int failing;                 /* -errno of the last write, 0: the disk is fine */
    int stuck;                   /* -errno of the last move out of the spool */
    bool dropping[SPOOL_CAUSES]; /* logged, and none was accepted since */
    bool missing, unreadable;
    bool clock_trusted;  /* ages count by the wall clock as well */
    uint64_t handed_out; /* the batch that spool_first() returned last; 0: none open */
    bool out_dropped;    /* that one was dropped meanwhile; not counted yet */
    enum spool_cause out_cause;
    struct history_counters history;
    struct spool_counters counters; /* except waiting and history */
    spool_ready_cb *on_ready;
    void *user;
};

/* ---- jobs ---- */

static void finish(struct spool *s, struct spool_job *j);

static void on_job(struct spool_job *j, void *user)
{
    struct spool *s = user;
    finish(s, j);
    if (s->on_ready != NULL)
        s->on_ready(s->user);
}

/* The next job. `write`: writes a batch from memory, too. Batches that could not leave wait
 * for a job that writes. */
static void begin(struct spool *s, bool write)
{
    if (s->job != NULL) {
        s->write_next |= write;
        return;
    }
    const struct waiting *w =
        write || s->write_next ? queue_oldest_in_memory(&s->queue) : NULL;
    bool leaving = s->leavings.n > 0 && s->stuck == 0;
    if (w == NULL && !leaving)
        return;
    s->write_next = false;
    struct leavings leavings = s->leavings;
    s->leavings = (struct leavings){0};
    s->job = spool_job_begin(s->retry.loop, s->store, leavings, w, s->clock_trusted,
                             on_job, s);
}

static void on_retry(uv_timer_t *timer)
{
    begin(timer->data, true);
}

static void finish_leaving(struct spool *s, const struct spool_job *j)
{
    for (size_t i = 0; i < j->leavings.n; i++)
        leavings_add(&s->leavings, j->leavings.all[i]);
    if (j->left) {
        spool_log_left(s->dir, s->stuck, j->leave_rc);
        s->stuck = j->leave_rc;
    }
}

static void finish_writing(struct spool *s, const struct spool_job *j)
{
    bool gone = queue_find(&s->queue, j->id) == NULL; /* accepted or dropped meanwhile */
    if (j->write_rc == 0) {
        s->counters.written++;
        free(gone ? j->bytes : queue_written(&s->queue));
    } else {
        s->counters.write_errors++;
        if (gone)
            free(j->bytes);
        uv_timer_start(&s->retry, on_retry, SPOOL_RETRY_MS, 0);
    }
    spool_log_written(s->dir, s->failing, j->write_rc, s->queue.in_memory);
    s->failing = j->write_rc;
}

/* Applies the outcome to the queue; then the next job. */
static void finish(struct spool *s, struct spool_job *j)
{
    s->job = NULL;
    s->history = j->history;
    finish_leaving(s, j);
    if (j->id != 0)
        finish_writing(s, j);
    begin(s, s->failing == 0);
}

/* ---- leaving ---- */

const char *const spool_cause_names[SPOOL_CAUSES] = {
    [SPOOL_FULL] = "full",           [SPOOL_OLD] = "old",
    [SPOOL_NO_MEMORY] = "no_memory", [SPOOL_TOO_LARGE] = "too_large",
    [SPOOL_REMOVED] = "removed",
};

void spool_add_causes(struct text *out, const struct spool_counters *c)
{
    static const char *const texts[SPOOL_CAUSES] = {
        [SPOOL_FULL] = "beyond `size` or `batches`",
        [SPOOL_OLD] = "older than `age`",
        [SPOOL_NO_MEMORY] = "beyond the memory, as the disk failed",
        [SPOOL_TOO_LARGE] = "too large",
        [SPOOL_REMOVED] = "removed by others",
    };
    const char *before = "";
    for (size_t i = 0; i < SPOOL_CAUSES; i++) {
        if (c->dropped_by[i] == 0)
            continue;
        text_add(out, "%s%" PRIu64 " %s", before, c->dropped_by[i], texts[i]);
        before = ", ";
    }
}

static void count_dropped(struct spool *s, enum spool_cause cause)
{
    s->counters.dropped_by[cause]++;
    s->counters.dropped++;
}

static void leave(struct spool *s, struct waiting *w, enum leave how)
{
    leavings_add(&s->leavings, (struct leaving){w->id, w->signal, how});
    bool being_written = s->job != NULL && s->job->id == w->id;
    void *bytes = queue_remove(&s->queue, w);
    if (!being_written) /* else finish_writing() frees them */
        free(bytes);
}

/* One that is handed out may still be accepted. */
static void drop(struct spool *s, struct waiting *w, enum spool_cause cause,
                 const char *why)
{
    if (w->id == s->handed_out) {
        s->out_dropped = true;
        s->out_cause = cause;
    } else {
        count_dropped(s, cause);
    }
    if (!s->dropping[cause])
        spool_log_dropping(s->dir, why, queue_count(&s->queue));
    s->dropping[cause] = true;
    leave(s, w, LEAVE_GONE);
}

static void keep_bounds(struct spool *s)
{
    int64_t now = mono_now().ns;
    for (struct waiting *w; (w = queue_oldest(&s->queue)) != NULL;) {
        if (queue_count(&s->queue) > s->limits.count)
            drop(s, w, SPOOL_FULL, "more batches than `batches` allows");
        else if (s->queue.bytes > s->limits.bytes)
            drop(s, w, SPOOL_FULL, "more bytes than `size` allows");
        else if (s->limits.age_ns > 0 && now - w->time_ns > s->limits.age_ns)
            drop(s, w, SPOOL_OLD, "older than `age` allows");
        else
            break;
    }
    while (s->queue.memory_bytes > MEMORY_MAX)
        drop(s, queue_oldest_in_memory(&s->queue), SPOOL_NO_MEMORY,
             "no more memory while the disk fails or is slow");
}

/* The batch that was settled; NULL: it was dropped meanwhile. */
static struct waiting *settle(struct spool *s, uint64_t id)
{
    if (id == s->handed_out) {
        s->handed_out = 0;
        s->out_dropped = false;
    }
    return queue_find(&s->queue, id);
}

static void log_taken(struct spool *s)
{
    static const bool none[SPOOL_CAUSES];
    struct text causes = {0};
    if (memcmp(s->dropping, none, sizeof none) == 0)
        return;
    memset(s->dropping, 0, sizeof s->dropping);
    spool_add_causes(&causes, &s->counters);
    spool_log_taken(s->dir, s->counters.dropped, text_string(&causes));
    text_free(&causes);
}

void spool_done(struct spool *s, uint64_t id)
{
    struct waiting *w = settle(s, id);
    if (w == NULL)
        return;
    leave(s, w, LEAVE_HISTORY);
    log_taken(s);
    begin(s, s->failing == 0);
}

void spool_refused(struct spool *s, uint64_t id)
{
    struct waiting *w = settle(s, id);
    if (w == NULL)
        return;
    s->counters.set_aside++;
    leave(s, w, LEAVE_BAD);
    begin(s, s->failing == 0);
}

uint64_t spool_newest(const struct spool *s, enum signal signal)
{
    for (size_t i = s->queue.n; i > s->queue.head; i--)
        if (s->queue.all[i - 1].signal == signal)
            return s->queue.all[i - 1].id;
    return 0;
}

bool spool_pass_over(struct spool *s, uint64_t id)
{
    struct waiting *w = queue_find(&s->queue, id);
    if (w == NULL)
        return true;
    if (w->passes == SPOOL_PASSES_MAX)
        return false;
    w->later_ns =
        mono_now().ns + backoff_limit_ns(PASS_LEAST_NS, PASS_MOST_NS, w->passes++);
    return true;
}

/* ---- adding, and the next one ---- */

void spool_add(struct spool *s, enum signal signal, void *bytes, size_t len)
{
    if (len == 0 || len > SPOOL_BATCH_MAX) {
        spool_log_too_large(s->dir, len);
        count_dropped(s, SPOOL_TOO_LARGE);
        free(bytes);
        return;
    }
    queue_add(&s->queue, (struct waiting){.id = ++s->last_id,
                                          .signal = signal,
                                          .time_ns = mono_now().ns,
                                          .bytes = bytes,
                                          .len = len});
    keep_bounds(s);
    begin(s, true);
}

/* ---- reading ---- */

/* The file was removed by others: if it comes back, the next start finds it. */
static void forget_missing(struct spool *s, struct waiting *w, int rc)
{
    if (!s->missing)
        spool_log_unreadable(s->dir, w, rc);
    s->missing = true;
    count_dropped(s, SPOOL_REMOVED);
    free(queue_remove(&s->queue, w));
}

static int64_t reread_wait_ns(unsigned tries)
{
    return backoff_limit_ns(NS_PER_S, REREAD_MOST_NS, tries);
}

static void on_reread(uv_timer_t *timer)
{
    struct spool *s = timer->data;
    if (s->on_ready != NULL)
        s->on_ready(s->user);
}

/* No batch can be read now: arms the next attempt. */
static void plan_reread(struct spool *s, bool all_failed, bool cut_short)
{
    int64_t now = mono_now().ns, at = INT64_MAX;
    for (size_t i = s->queue.head; i < s->queue.n; i++) {
        struct waiting *w = &s->queue.all[i];
        if (all_failed) /* it is the disk, not this file: they keep their order */
            w->again_ns = 0;
        else if (w->again_ns > now && w->again_ns < at)
            at = w->again_ns;
    }
    if (all_failed)
        at = now + reread_wait_ns(s->rereads++);
    else if (cut_short)
        at = now + NS_PER_S;
    if (at < INT64_MAX)
        uv_timer_start(&s->reread, on_reread, (uint64_t)((at - now) / NS_PER_MS + 1), 0);
}

/* A disk error says nothing about the file: it is kept and retried. */
static void postpone(struct spool *s, struct waiting *w, int rc, int64_t now_ns)
{
    if (!s->unreadable)
        spool_log_unreadable(s->dir, w, rc);
    s->unreadable = true;
    w->again_ns = now_ns + reread_wait_ns(w->tries++);
}

static void note_read(struct spool *s, struct waiting *w)
{
    size_t left = 0;
    s->missing = false;
    s->rereads = 0;
    if (w->tries == 0)
        return;
    w->tries = 0;
    w->again_ns = 0;
    for (size_t i = s->queue.head; i < s->queue.n; i++)
        left += s->queue.all[i].tries > 0;
    if (left > 0)
        return;
    s->unreadable = false;
    spool_log_readable(s->dir);
}

static bool about_process(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM;
}

static bool is_wanted(const struct waiting *w, const struct spool_wish *wish, int64_t now)
{
    return w->again_ns <= now && w->later_ns <= now && !wish->paused[w->signal] &&
           w->id > wish->after[w->signal];
}

/* The oldest wanted one, or the first of them that can be read. */
static bool read_first(struct spool *s, const struct spool_wish *wish,
                       struct spooled *out)
{
    int64_t began = mono_now().ns, now = began;
    size_t at = 0, failed = 0;
    bool process = false;
    while (at < queue_count(&s->queue) && !process && now - began < REREAD_BUDGET_NS) {
        struct waiting *w = &s->queue.all[s->queue.head + at];
        out->id = w->id;
        out->signal = w->signal;
        out->len = w->len;
        if (!is_wanted(w, wish, now)) {
            at++;
            continue;
        }
        if (w->bytes != NULL) { /* as are all behind it */
            if (s->failing < 0)
                out->bytes = mem_copy(w->bytes, w->len);
            if (s->failing < 0)
                return true;
            break;
        }
        int rc = store_read(s->store, w->id, w->signal, &out->bytes, &out->len);
        if (rc == 0) {
            note_read(s, w);
            return true;
        }
        if (rc == -ENOENT || rc == -ENOTDIR) {
            forget_missing(s, w, rc);
        } else if (rc == -EBADMSG) {
            spool_log_unreadable(s->dir, w, rc);
            s->counters.set_aside++;
            leave(s, w, LEAVE_BAD);
        } else {
            postpone(s, w, rc, now);
            process = about_process(rc);
            failed++;
            at++;
        }
        now = mono_now().ns;
    }
    bool end = at >= queue_count(&s->queue) - s->queue.in_memory;
    plan_reread(s, failed > 0 && (end || process), !end);
    begin(s, s->failing == 0);
    return false;
}

bool spool_next(struct spool *s, const struct spool_wish *wish, struct spooled *out)
{
    if (s->out_dropped) /* it was not accepted */
        count_dropped(s, s->out_cause);
    s->handed_out = 0;
    s->out_dropped = false;
    keep_bounds(s);
    bool there = read_first(s, wish, out);
    if (there)
        s->handed_out = out->id;
    return there;
}

void spool_trust_clock(struct spool *s)
{
    queue_age(&s->queue, wall_now().ns, mono_now().ns);
    s->clock_trusted = true; /* the history's part is done by the next job */
    keep_bounds(s);
    begin(s, s->failing == 0);
}

bool spool_first(struct spool *s, struct spooled *out)
{
    static const struct spool_wish any;
    return spool_next(s, &any, out);
}

bool spool_writing(const struct spool *s)
{
    return s->failing == 0 && s->queue.in_memory > 0;
}

struct spool_counters spool_counters(const struct spool *s)
{
    struct spool_counters c = s->counters;
    c.waiting = queue_count(&s->queue);
    c.waiting_bytes = s->queue.bytes;
    c.disk_fails = s->failing < 0;
    if (c.waiting > 0) {
        const struct waiting *w = &s->queue.all[s->queue.head];
        int64_t now = wall_now().ns, waited_ns = mono_now().ns - w->time_ns;
        bool stamped = w->stamp_ns != 0 && w->stamp_ns < now;
        c.oldest.ns = stamped ? w->stamp_ns : now - waited_ns;
    }
    c.history = s->history.batches;
    c.history_bytes = s->history.bytes;
    c.history_dropped = s->history.dropped;
    return c;
}

/* ---- begin and end ---- */

static void add_found(struct spool *s, const struct batch_files *found)
{
    int64_t now = mono_now().ns, latest = 0;
    for (size_t i = 0; i < found->n; i++) {
        const struct batch_file *f = &found->all[i];
        queue_add(&s->queue, (struct waiting){.id = f->id,
                                              .signal = f->signal,
                                              .time_ns = now,
                                              .stamp_ns = batch_file_stamp(f, &latest),
                                              .len = f->len});
    }
}

int spool_open(struct spool **out, uv_loop_t *loop, const char *state_dir,
               struct spool_limits limits, spool_ready_cb *on_ready, void *user)
{
    struct store *store;
    struct scan_result found;
    int rc = store_open(&store, state_dir, limits.history,
                        (struct quarantine_limits){limits.count, limits.bytes}, &found);
    if (rc == -EWOULDBLOCK)
        spool_log_in_use(state_dir);
    if (rc < 0)
        return rc;
    struct spool *s = mem_zalloc(sizeof *s);
    s->store = store;
    s->dir = store_dir(store);
    s->limits = limits;
    s->on_ready = on_ready;
    s->user = user;
    s->last_id = found.highest;
    s->counters.set_aside = found.set_aside;
    uv_timer_init(loop, &s->retry);
    s->retry.data = s;
    uv_timer_init(loop, &s->reread);
    s->reread.data = s;
    add_found(s, &found.batches);
    free(found.batches.all);
    spool_log_found(s->dir, &found);
    s->history = store_tidy(store, false);
    keep_bounds(s);
    begin(s, false);
    *out = s;
    return 0;
}

static void finish_now(struct spool *s)
{
    struct spool_job *j = s->job;
    if (j == NULL)
        return;
    spool_job_wait(j);
    finish(s, j);
}

static void free_spool(uv_handle_t *timer)
{
    struct spool *s = timer->data;
    free(s);
}

void spool_close(struct spool *s)
{
    if (s == NULL)
        return;
    s->failing = s->stuck = 0; /* one more attempt */
    finish_now(s);
    if (s->job == NULL)
        begin(s, true);
    while (s->job != NULL) /* each begins the next, until one fails */
        finish_now(s);
    if (s->queue.in_memory > 0)
        spool_log_lost(s->dir, s->queue.in_memory);
    queue_free(&s->queue);
    free(s->leavings.all);
    store_close(s->store);
    uv_close((uv_handle_t *)&s->retry, NULL);
    uv_close((uv_handle_t *)&s->reread, free_spool);
}
