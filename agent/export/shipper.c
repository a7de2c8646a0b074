#include "export/shipper.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/backoff.h"
#include "core/time.h"
#include "export/courier.h"
#include "export/failover.h"
#include "export/otlp_read.h"
#include "export/otlp_split.h"
#include "export/said.h"
#include "net/timer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BACKOFF_LEAST_NS    NS_PER_S
#define BACKOFF_MOST_NS     (300 * NS_PER_S)
#define UNUSABLE_LEAST_NS   (60 * NS_PER_S)
#define RETRY_AFTER_MOST_NS (3600 * NS_PER_S)

enum { TOO_MANY_REQUESTS = 429 };

struct shipper {
    struct spool *spool;
    struct {
        struct courier *courier;
        struct said said;
    } to[COLLECTORS_MAX];
    struct failover failover;
    struct random random;
    int64_t gap_ns;   /* at least that much from one batch to the next */
    uv_timer_t timer; /* the next go: active is back-off, or at once */

    bool sending;
    size_t chosen;         /* collector of the batch that is under way */
    struct spooled batch;  /* its bytes; of a halved one those of the half to be sent */
    struct otlp_half rest; /* then the other half */
    bool halved;
    int64_t began_ns;  /* when it was sent */
    unsigned failures; /* back-offs in a row */
    bool passing; /* of the collectors tried since then one may come back by itself, or
                     was not even asked */

    bool flushing, idle;
    shipper_idle_cb *on_idle;
    void *user;
    struct shipper_counters counters;
    enum probing probing;
    char stop_reason[STOP_REASON_MAX];
};

/* ---- when the next go is ---- */

static void go(struct shipper *s);

static void on_timer(uv_timer_t *timer)
{
    struct shipper *s = timer->data;
    if (!s->idle) {
        go(s);
        return;
    }
    s->idle = false;
    s->on_idle(s->user);
}

static void go_in(struct shipper *s, int64_t wait_ns)
{
    timer_in(&s->timer, on_timer, wait_ns);
}

/* The flush is over. On the timer: on_idle may take everything down. */
static void be_idle(struct shipper *s)
{
    s->flushing = false;
    s->idle = true;
    go_in(s, 0);
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

/* The way is open: the next one, but not faster than agreed. */
static void go_on(struct shipper *s)
{
    int64_t wait_ns = s->began_ns + s->gap_ns - (int64_t)uv_hrtime();
    s->failures = 0;
    go_in(s, wait_ns > 0 ? wait_ns : 0);
}

/* ---- one batch ---- */

static uint64_t waiting(const struct shipper *s)
{
    return spool_counters(s->spool).waiting;
}

static void forget_bytes(struct shipper *s)
{
    free(s->batch.bytes);
    free(s->rest.bytes);
    s->batch.bytes = s->rest.bytes = NULL;
    s->halved = false;
}

/* The collector finds it too large: it is sent in two requests, once. */
static bool halve(struct shipper *s)
{
    struct otlp_half halves[2];
    if (s->halved || !otlp_split(s->batch.signal, s->batch.bytes, s->batch.len, halves))
        return false;
    log_debug("shipper", "export to %s: a batch of %zu bytes is too large, sent in two",
              courier_host(s->to[s->chosen].courier), s->batch.len);
    free(s->batch.bytes);
    s->batch.bytes = halves[0].bytes;
    s->batch.len = halves[0].len;
    s->rest = halves[1];
    s->halved = true;
    return true;
}

/* True: there is another half. */
static bool next_half(struct shipper *s)
{
    if (s->rest.bytes == NULL)
        return false;
    free(s->batch.bytes);
    s->batch.bytes = s->rest.bytes;
    s->batch.len = s->rest.len;
    s->rest.bytes = NULL;
    return true;
}

/* True: another collector is to have it at once. */
static bool fail_over(struct shipper *s, const struct verdict *v)
{
    if (v->status == TOO_MANY_REQUESTS || v->stop) { /* it is there, and is to be heard */
        failover_worked(&s->failover, s->chosen);
        return false;
    }
    return failover_failed(&s->failover, s->chosen, v->kind == VERDICT_UNUSABLE,
                           (int64_t)uv_hrtime());
}

static void failed(struct shipper *s, const struct verdict *v)
{
    char now[URL_TEXT_MAX + 32];
    const char *host = courier_host(s->to[s->chosen].courier);
    struct said *said = &s->to[s->chosen].said;
    int64_t wait_ns = 0;
    s->counters.failed++;
    s->passing |= v->kind == VERDICT_AGAIN || v->local;
    bool change = false;
    if (fail_over(s, v)) {
        change = s->failover.failed == 1; /* since one worked */
        snprintf(now, sizeof now, "%s takes over",
                 courier_host(s->to[s->failover.current].courier));
    } else {
        wait_ns = back_off(s, v->retry_after_ns);
        snprintf(now, sizeof now, "next try in %" PRId64 " s",
                 (wait_ns + NS_PER_S - 1) / NS_PER_S);
    }
    said_failed(said, s->batch.signal, host, v, now, change, waiting(s));
    forget_bytes(s);
    if (s->flushing && wait_ns > 0)
        be_idle(s);
    else
        go_in(s, wait_ns);
}

static void accepted(struct shipper *s, const struct verdict *v)
{
    s->counters.accepted++;
    s->counters.rejected_points += (uint64_t)v->rejected_points;
    spool_done(s->spool, s->batch.id);
    said_accepted(&s->to[s->chosen].said, s->batch.signal,
                  courier_host(s->to[s->chosen].courier), v, waiting(s));
}

static void refused(struct shipper *s, const struct verdict *v)
{
    struct wall time = otlp_read_time(s->batch.signal, s->batch.bytes, s->batch.len);
    s->counters.refused++;
    spool_refused(s->spool, s->batch.id);
    said_refused(&s->to[s->chosen].said, s->batch.signal,
                 courier_host(s->to[s->chosen].courier), v, time, waiting(s));
}

static void note_probing(struct shipper *s, const struct verdict *v)
{
    if (!v->stop && v->kind != VERDICT_ACCEPTED)
        return;
    s->probing = v->stop ? PROBING_STOPPED : PROBING_ALLOWED;
    text_copy(s->stop_reason, sizeof s->stop_reason, v->reason);
}

static void on_done(const struct verdict *v, void *user)
{
    struct shipper *s = user;
    s->sending = false;
    note_probing(s, v);
    if (v->kind == VERDICT_AGAIN || v->kind == VERDICT_UNUSABLE) {
        failed(s, v);
        return;
    }
    failover_worked(&s->failover, s->chosen);
    bool accepts = v->kind == VERDICT_ACCEPTED;
    if (accepts ? next_half(s) : v->too_large && halve(s)) {
        go_on(s);
        return;
    }
    if (accepts)
        accepted(s, v);
    else
        refused(s, v);
    forget_bytes(s);
    go_on(s);
}

static void go(struct shipper *s)
{
    struct verdict cannot;
    if (s->batch.bytes == NULL && !spool_first(s->spool, &s->batch)) {
        if (s->flushing && !spool_writing(s->spool)) /* else on_ready wakes us */
            be_idle(s);
        return;
    }
    s->began_ns = (int64_t)uv_hrtime();
    s->chosen = failover_choose(&s->failover, s->began_ns);
    s->sending = courier_send(s->to[s->chosen].courier, &s->batch, on_done, s, &cannot);
    if (!s->sending)
        failed(s, &cannot);
}

/* ---- from outside ---- */

void shipper_wake(struct shipper *s)
{
    if (!s->sending && !uv_is_active((uv_handle_t *)&s->timer))
        go(s);
}

void shipper_flush(struct shipper *s, shipper_idle_cb *on_idle, void *user)
{
    s->flushing = true;
    s->on_idle = on_idle;
    s->user = user;
    if (!s->sending)
        go_in(s, 0);
}

struct shipper_counters shipper_counters(const struct shipper *s)
{
    return s->counters;
}

size_t shipper_collectors(const struct shipper *s,
                          struct shipper_collector out[COLLECTORS_MAX])
{
    for (size_t i = 0; i < s->failover.n; i++) {
        const struct said *said = &s->to[i].said;
        out[i] = (struct shipper_collector){
            .host = courier_host(s->to[i].courier),
            .in_use = i == s->failover.current,
            .accepted = said->accepted,
            .heard = said->heard,
            .verdict = said->of[said->signal].state,
            .why = said->of[said->signal].why,
            .step = said->step != NULL ? said->step : "",
        };
    }
    return s->failover.n;
}

int64_t shipper_retry_ns(const struct shipper *s)
{
    bool planned = s->failures > 0 && uv_is_active((const uv_handle_t *)&s->timer);
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
        s->to[i].courier = courier_create(http, &config->collectors[i]);
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
        courier_destroy(s->to[i].courier);
    forget_bytes(s);
    uv_close((uv_handle_t *)&s->timer, free_shipper);
}
