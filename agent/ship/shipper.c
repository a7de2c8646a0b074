#include "ship/shipper.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/backoff.h"
#include "core/time.h"
#include "net/timer.h"
#include "otlp/read.h"
#include "otlp/split.h"
#include "ship/failover.h"
#include "ship/log.h"
#include "ship/otlp_client.h"
#include "ship/retry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BACKOFF_LEAST_NS    NS_PER_S
#define BACKOFF_MOST_NS     (300 * NS_PER_S)
#define UNUSABLE_LEAST_NS   (60 * NS_PER_S)
#define RETRY_AFTER_MOST_NS (3600 * NS_PER_S)

/* How often waiting batches are checked while nothing can be sent. */
#define CHECK_NS (60 * NS_PER_S)

/* Halvings of one batch: 2^20 points are more than a batch has. */
#define PARTS_MAX 20

enum { TOO_MANY_REQUESTS = 429 };

struct shipper {
    struct spool *spool;
    struct {
        struct otlp_client *client;
        struct ship_log log;
        bool trusted[SIGNALS]; /* it has accepted a batch of that signal */
    } to[COLLECTORS_MAX];
    struct signal_backoff { /* one signal may wait while the other one is sent */
        struct retry retry;
        int64_t until_ns; /* of uv_hrtime(): not sent before */
    } signals[SIGNALS];
    struct failover failover;
    struct random random;
    int64_t gap_ns;   /* least time between two batches */
    uv_timer_t timer; /* the next attempt; active during back-off */

    bool sending;
    size_t chosen;                    /* collector of the batch under way */
    struct spooled batch;             /* of a halved one, the part to be sent */
    struct otlp_half rest[PARTS_MAX]; /* its other parts, the last one first */
    size_t n_rest;
    bool resting;      /* the timer waits for a signal: a new batch is sent at once */
    int64_t began_ns;  /* when the batch was sent */
    unsigned failures; /* back-offs in a row */
    bool passing;      /* one of the failures since then is temporary */

    bool flushing, idle;
    shipper_idle_cb *on_idle;
    void *user;
    struct shipper_counters counters;
    enum probing probing;
    char stop_reason[STOP_REASON_MAX];
};

/* ---- the next attempt ---- */

static void send_next(struct shipper *s);

static void on_timer(uv_timer_t *timer)
{
    struct shipper *s = timer->data;
    if (!s->idle) {
        send_next(s);
        return;
    }
    s->idle = false;
    s->on_idle(s->user);
}

static void send_in(struct shipper *s, int64_t wait_ns)
{
    timer_in(&s->timer, on_timer, wait_ns);
}

/* The flush is over. Reported from the timer, as on_idle may destroy the shipper. */
static void report_idle(struct shipper *s)
{
    s->flushing = false;
    s->idle = true;
    send_in(s, 0);
}

static int64_t back_off(struct shipper *s, int64_t retry_after_ns)
{
    unsigned before = s->failures++;
    bool passing = s->passing;
    s->passing = false;
    if (!passing)
        return UNUSABLE_LEAST_NS +
               random_below(&s->random, backoff_limit_ns(UNUSABLE_LEAST_NS,
                                                         BACKOFF_MOST_NS, before + 1) -
                                            UNUSABLE_LEAST_NS);
    if (retry_after_ns > RETRY_AFTER_MOST_NS)
        retry_after_ns = RETRY_AFTER_MOST_NS;
    if (retry_after_ns > 0)
        return retry_after_ns + random_below(&s->random, retry_after_ns / 10);
    return backoff_ns(&s->random, BACKOFF_LEAST_NS, BACKOFF_MOST_NS, before);
}

/* The next batch, not faster than `catch_up`. */
static void send_on(struct shipper *s)
{
    int64_t wait_ns = s->began_ns + s->gap_ns - (int64_t)uv_hrtime();
    s->failures = 0;
    send_in(s, wait_ns > 0 ? wait_ns : 0);
}

/* ---- one batch ---- */

static uint64_t waiting(const struct shipper *s)
{
    return spool_counters(s->spool).waiting;
}

static void forget_bytes(struct shipper *s)
{
    free(s->batch.bytes);
    s->batch.bytes = NULL;
    while (s->n_rest > 0)
        free(s->rest[--s->n_rest].bytes);
}

/* Sends a batch that is too large in two requests; each may be halved again, down to one
 * series. */
static bool halve(struct shipper *s)
{
    struct otlp_half halves[2];
    if (s->n_rest == PARTS_MAX ||
        !otlp_split(s->batch.signal, s->batch.bytes, s->batch.len, halves))
        return false;
    log_debug("shipper", "export to %s: a batch of %zu bytes is too large, sent in two",
              otlp_client_host(s->to[s->chosen].client), s->batch.len);
    free(s->batch.bytes);
    s->batch.bytes = halves[0].bytes;
    s->batch.len = halves[0].len;
    s->rest[s->n_rest++] = halves[1];
    return true;
}

/* True: there is another part. */
static bool next_part(struct shipper *s)
{
    if (s->n_rest == 0)
        return false;
    free(s->batch.bytes);
    s->n_rest--;
    s->batch.bytes = s->rest[s->n_rest].bytes;
    s->batch.len = s->rest[s->n_rest].len;
    return true;
}

/* True: the batch goes to another collector at once. */
static bool fail_over(struct shipper *s, const struct verdict *v)
{
    if (v->status == TOO_MANY_REQUESTS || v->stop) { /* it works, and its answer counts */
        failover_worked(&s->failover, s->chosen);
        return false;
    }
    return failover_failed(&s->failover, s->chosen, v->kind == VERDICT_UNUSABLE,
                           (int64_t)uv_hrtime());
}

/* The next collector gets the batch at once. */
static void take_over(struct shipper *s, const struct verdict *v)
{
    char now[URL_TEXT_MAX + 32];
    struct verdict unusable = *v;
    if (v->kind == VERDICT_REFUSED)
        unusable.kind = VERDICT_UNUSABLE;
    s->counters.failed++;
    snprintf(now, sizeof now, "%s takes over",
             otlp_client_host(s->to[s->failover.current].client));
    ship_log_failed(&s->to[s->chosen].log, s->batch.signal,
                    otlp_client_host(s->to[s->chosen].client), &unusable, now,
                    s->failover.failed == 1 /* since one worked */, waiting(s));
    forget_bytes(s);
    send_in(s, 0);
}

static void failed(struct shipper *s, const struct verdict *v)
{
    char now[64];
    s->passing |= v->kind == VERDICT_AGAIN || v->local;
    if (fail_over(s, v)) {
        take_over(s, v);
        return;
    }
    int64_t wait_ns = back_off(s, v->retry_after_ns);
    s->counters.failed++;
    snprintf(now, sizeof now, "next try in %" PRId64 " s",
             (wait_ns + NS_PER_S - 1) / NS_PER_S);
    ship_log_failed(&s->to[s->chosen].log, s->batch.signal,
                    otlp_client_host(s->to[s->chosen].client), v, now, false, waiting(s));
    forget_bytes(s);
    if (s->flushing && wait_ns > 0)
        report_idle(s);
    else
        send_in(s, wait_ns);
}

static struct signal_backoff *backoff_of(struct shipper *s)
{
    return &s->signals[s->batch.signal];
}

static void accepted(struct shipper *s, const struct verdict *v)
{
    s->counters.accepted++;
    retry_accepted(&backoff_of(s)->retry, s->batch.id);
    spool_done(s->spool, s->batch.id);
    ship_log_accepted(&s->to[s->chosen].log, s->batch.signal,
                      otlp_client_host(s->to[s->chosen].client), v, waiting(s));
}

static void refused(struct shipper *s, const struct verdict *v)
{
    struct wall time = otlp_read_time(s->batch.signal, s->batch.bytes, s->batch.len);
    s->counters.refused++;
    spool_refused(s->spool, s->batch.id);
    ship_log_refused(&s->to[s->chosen].log, s->batch.signal,
                     otlp_client_host(s->to[s->chosen].client), v, time, waiting(s));
}

/* After a refusal the signal waits, longer with each in a row; not after the first one
 * that sets a batch aside. */
static int64_t rest(struct shipper *s, bool believed)
{
    struct signal_backoff *backoff = backoff_of(s);
    unsigned failures = backoff->retry.failures;
    int64_t wait_ns =
        believed && failures == 1
            ? 0
            : backoff_ns(&s->random, BACKOFF_LEAST_NS, BACKOFF_MOST_NS, failures - 1);
    backoff->until_ns = (int64_t)uv_hrtime() + wait_ns;
    return wait_ns;
}

/* A refusal that does not count against the batch: it is kept. */
static void keep_refused(struct shipper *s, const struct verdict *v)
{
    char now[64];
    bool trusted = s->to[s->chosen].trusted[s->batch.signal];
    struct verdict unusable = *v;
    int64_t wait_ns = rest(s, false);
    unusable.kind = VERDICT_UNUSABLE;
    if (unusable.step[0] == '\0')
        unusable.step = trusted
                            ? "; it refuses one after the other: see its log"
                            : "; it has accepted none yet: look at `url` in [collector]";
    s->counters.failed++;
    snprintf(now, sizeof now, "%s wait, next try in %" PRId64 " s",
             signal_name(s->batch.signal), (wait_ns + NS_PER_S - 1) / NS_PER_S);
    ship_log_failed(&s->to[s->chosen].log, s->batch.signal,
                    otlp_client_host(s->to[s->chosen].client), &unusable, now, false,
                    waiting(s));
}

/* A batch that fails while others are accepted. */
static void pass_over(struct shipper *s, const struct verdict *v)
{
    s->counters.failed++;
    if (spool_pass_over(s->spool, s->batch.id))
        ship_log_failed(&s->to[s->chosen].log, s->batch.signal,
                        otlp_client_host(s->to[s->chosen].client), v,
                        "others are accepted: it is passed over and tried later", false,
                        waiting(s));
    else
        refused(s, v);
}

/* A failure that may be due to the batch. True: handled, others need not wait. */
static bool blame_batch(struct shipper *s, const struct verdict *v)
{
    bool is_refused = v->kind == VERDICT_REFUSED;
    enum retry_act act = retry_failed(&backoff_of(s)->retry, s->batch.id, is_refused,
                                      s->to[s->chosen].trusted[s->batch.signal],
                                      spool_newest(s->spool, s->batch.signal));
    if (act == RETRY_WAIT && !is_refused)
        return false;
    if (act == RETRY_WAIT) {
        keep_refused(s, v);
        return true;
    }
    failover_worked(&s->failover, s->chosen);
    if (act == RETRY_SET_ASIDE)
        refused(s, v);
    else
        pass_over(s, v);
    rest(s, is_refused);
    return true;
}

static void note_probing(struct shipper *s, const struct verdict *v)
{
    if (!v->stop && v->kind != VERDICT_ACCEPTED)
        return;
    s->probing = v->stop ? PROBING_STOPPED : PROBING_ALLOWED;
    text_copy(s->stop_reason, sizeof s->stop_reason, v->reason);
}

/* Metrics refused by a collector that has never accepted any go to another one. Logs do
 * not: a collector without logs keeps the metrics. */
static bool refused_elsewhere(struct shipper *s, const struct verdict *v)
{
    if (v->kind != VERDICT_REFUSED || s->batch.signal != SIGNAL_METRICS ||
        s->to[s->chosen].trusted[SIGNAL_METRICS])
        return false;
    return failover_failed(&s->failover, s->chosen, true, (int64_t)uv_hrtime());
}

static void on_done(const struct verdict *v, void *user)
{
    struct shipper *s = user;
    s->sending = false;
    note_probing(s, v);
    if (v->kind == VERDICT_ACCEPTED) {
        failover_worked(&s->failover, s->chosen);
        s->to[s->chosen].trusted[s->batch.signal] = true;
        s->counters.rejected_points += (uint64_t)v->rejected_points;
        if (!next_part(s)) {
            accepted(s, v);
            forget_bytes(s);
        }
        send_on(s);
        return;
    }
    if (v->too_large && halve(s)) {
        failover_worked(&s->failover, s->chosen);
        send_on(s);
        return;
    }
    if (refused_elsewhere(s, v)) {
        take_over(s, v);
        return;
    }
    uint64_t before = s->counters.refused;
    if (!v->of_batch || !blame_batch(s, v)) {
        failed(s, v);
        return;
    }
    forget_bytes(s);
    if (s->flushing && s->counters.refused == before)
        report_idle(s);
    else
        send_on(s);
}

/* ---- the next batch ---- */

static bool take_next(struct shipper *s, int64_t now_ns)
{
    struct spool_wish wish = {0};
    for (enum signal i = 0; i < SIGNALS; i++) {
        wish.paused[i] = !s->flushing && s->signals[i].until_ns > now_ns;
        wish.after[i] = s->signals[i].retry.after;
    }
    if (spool_next(s->spool, &wish, &s->batch))
        return true;
    bool again = false;
    for (enum signal i = 0; i < SIGNALS; i++) {
        again |= wish.after[i] > 0 && !wish.paused[i];
        if (!wish.paused[i])
            retry_wrap(&s->signals[i].retry);
        wish.after[i] = s->signals[i].retry.after;
    }
    return again && spool_next(s->spool, &wish, &s->batch);
}

/* Nothing can be sent: waits until a signal may be sent again, or CHECK_NS. `now_ns` is the
 * time at which take_next() found them waiting. */
static void wait_for_signals(struct shipper *s, int64_t now_ns)
{
    int64_t wait_ns = CHECK_NS;
    if (waiting(s) == 0)
        return;
    for (enum signal i = 0; i < SIGNALS; i++) {
        int64_t left_ns = s->signals[i].until_ns - now_ns;
        if (left_ns > 0 && left_ns < wait_ns)
            wait_ns = left_ns;
    }
    s->resting = true;
    send_in(s, wait_ns);
}

static void send_next(struct shipper *s)
{
    struct verdict cannot;
    int64_t now_ns = (int64_t)uv_hrtime();
    s->resting = false;
    if (s->batch.bytes == NULL && !take_next(s, now_ns)) {
        if (!s->flushing)
            wait_for_signals(s, now_ns);
        else if (!spool_writing(s->spool)) /* else on_ready calls shipper_wake() */
            report_idle(s);
        return;
    }
    s->began_ns = now_ns;
    s->chosen = failover_choose(&s->failover, s->began_ns);
    s->sending =
        otlp_client_send(s->to[s->chosen].client, &s->batch, on_done, s, &cannot);
    if (!s->sending)
        failed(s, &cannot);
}

/* ---- from outside ---- */

void shipper_wake(struct shipper *s)
{
    if (s->sending || (uv_is_active((uv_handle_t *)&s->timer) && !s->resting))
        return;
    uv_timer_stop(&s->timer);
    send_next(s);
}

void shipper_flush(struct shipper *s, shipper_idle_cb *on_idle, void *user)
{
    s->flushing = true;
    s->resting = false;
    s->on_idle = on_idle;
    s->user = user;
    if (!s->sending)
        send_in(s, 0);
}

struct shipper_counters shipper_counters(const struct shipper *s)
{
    return s->counters;
}

/* One that is not accepted, else the last one. */
static enum signal worst_signal(const struct ship_log *log)
{
    for (enum signal i = 0; i < SIGNALS; i++)
        if (log->of[i].begun && log->of[i].state != VERDICT_ACCEPTED)
            return i;
    return log->signal;
}

size_t shipper_collectors(const struct shipper *s,
                          struct shipper_collector out[COLLECTORS_MAX])
{
    for (size_t i = 0; i < s->failover.n; i++) {
        const struct ship_log *log = &s->to[i].log;
        enum signal signal = worst_signal(log);
        const struct ship_log_signal *of = &log->of[signal], *rejects = of;
        for (enum signal k = 0; k < SIGNALS; k++)
            if (log->of[k].rejected > rejects->rejected)
                rejects = &log->of[k];
        out[i] = (struct shipper_collector){
            .host = otlp_client_host(s->to[i].client),
            .in_use = i == s->failover.current,
            .accepted = log->accepted,
            .last_answer = log->last_answer,
            .signal = signal,
            .verdict = of->state,
            .why = of->why,
            .step = of->step != NULL ? of->step : "",
            .rejected = rejects->rejected,
            .rejected_why = rejects->reason,
        };
    }
    return s->failover.n;
}

int64_t shipper_retry_ns(const struct shipper *s)
{
    bool failing = s->failures > 0;
    for (enum signal i = 0; i < SIGNALS; i++)
        failing |= s->signals[i].retry.failures > 0;
    bool planned = failing && uv_is_active((const uv_handle_t *)&s->timer);
    return planned ? (int64_t)uv_timer_get_due_in(&s->timer) * NS_PER_MS : -1;
}

enum probing shipper_probing(const struct shipper *s, const char **reason)
{
    *reason = s->stop_reason;
    return s->probing;
}

int shipper_create(struct shipper **out, uv_loop_t *loop, struct http *http,
                   struct spool *spool, const struct config *config, uint64_t seed)
{
    struct shipper *s = mem_zalloc(sizeof *s);
    int rc = uv_timer_init(loop, &s->timer);
    if (rc < 0) {
        free(s);
        return rc;
    }
    s->timer.data = s;
    s->spool = spool;
    s->random = random_from(seed);
    if (config->shipping.catch_up > 0)
        s->gap_ns = NS_PER_S / config->shipping.catch_up;
    s->failover.n = config->n_collectors;
    for (size_t i = 0; i < config->n_collectors; i++)
        s->to[i].client = otlp_client_create(http, &config->collectors[i]);
    *out = s;
    return 0;
}

static void free_shipper(uv_handle_t *timer)
{
    free(timer->data);
}

void shipper_destroy(struct shipper *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->failover.n; i++)
        otlp_client_destroy(s->to[i].client);
    forget_bytes(s);
    uv_close((uv_handle_t *)&s->timer, free_shipper);
}
