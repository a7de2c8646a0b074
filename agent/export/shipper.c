#include "export/shipper.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/random.h"
#include "core/time.h"
#include "export/header_file.h"
#include "export/verdict.h"
#include "net/timer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REPLY_MAX            (64u << 10)
#define BACKOFF_LEAST_NS     NS_PER_S
#define BACKOFF_MOST_NS      (300 * NS_PER_S)
#define UNUSABLE_LEAST_NS    (60 * NS_PER_S)
#define RETRY_AFTER_MOST_NS  (3600 * NS_PER_S)
#define BACKOFF_DOUBLING_MAX 10

enum state { STATE_NEW = -1 }; /* else an enum verdict_kind */

struct shipper {
    struct http *http;
    struct spool *spool;
    struct collector collector;
    char base[URL_TEXT_MAX]; /* the signal's path comes behind it */
    char host[URL_TEXT_MAX]; /* for the log: without user and password */
    struct header_file header;
    struct random random;
    uv_timer_t timer; /* the next go: active is back-off, or at once */

    struct http_exchange *exchange; /* under way, or NULL */
    struct spooled batch;           /* its bytes */
    unsigned failures;              /* in a row */
    struct said {
        int state;      /* last verdict */
        char why[320];  /* and why: the same is not said twice */
        bool rejecting; /* the collector does not take all points */
    } said[SIGNALS];

    bool flushing, idle;
    shipper_idle_cb *on_idle;
    void *user;
    struct shipper_counters counters;
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

static int64_t doubled(int64_t least_ns, unsigned times)
{
    int64_t wait =
        least_ns << (times < BACKOFF_DOUBLING_MAX ? times : BACKOFF_DOUBLING_MAX);
    return wait < BACKOFF_MOST_NS ? wait : BACKOFF_MOST_NS;
}

/* Full jitter: 300 sites that lost one collector do not come back in step. */
static int64_t back_off(struct shipper *s, enum verdict_kind kind, int64_t retry_after_ns)
{
    unsigned before = s->failures++;
    if (kind == VERDICT_UNUSABLE)
        return UNUSABLE_LEAST_NS +
               random_below(&s->random,
                            doubled(UNUSABLE_LEAST_NS, before + 1) - UNUSABLE_LEAST_NS);
    if (retry_after_ns > RETRY_AFTER_MOST_NS)
        retry_after_ns = RETRY_AFTER_MOST_NS;
    if (retry_after_ns > 0)
        return retry_after_ns + random_below(&s->random, retry_after_ns / 10);
    return random_below(&s->random, doubled(BACKOFF_LEAST_NS, before));
}

/* ---- changes of state, said once ---- */

static bool is_news(struct shipper *s, int state, const char *why)
{
    struct said *last = &s->said[s->batch.signal];
    bool news = last->state != state || strcmp(last->why, why) != 0;
    last->state = state;
    text_copy(last->why, sizeof last->why, why);
    return news;
}

static uint64_t waiting(const struct shipper *s)
{
    return spool_counters(s->spool).waiting;
}

/* What somebody could do; "" when it passes by itself. */
static const char *next_step(const struct shipper *s, enum verdict_kind kind,
                             const struct http_reply *reply)
{
    bool tls = strncmp(s->base, "https:", 6) == 0;
    if (reply->failure == HTTP_FAILED_TLS)
        return "; look at `ca_file` and the collector's certificate";
    if (reply->failure == HTTP_FAILED_REPLY && tls && s->collector.cert_file[0] == '\0')
        return "; if it asks for a client certificate, set `cert_file` and `key_file`";
    if (kind != VERDICT_UNUSABLE || reply->failure != HTTP_OK)
        return "";
    if (reply->status == 401 || reply->status == 403)
        return "; look at `header_file`: is the token right?";
    return "; look at `url` in [collector]";
}

static void say_failed(struct shipper *s, enum verdict_kind kind, const char *why,
                       const char *step, int64_t wait_ns)
{
    const char *form =
        "export to %s: %s%s; next try in %" PRId64 " s, %" PRIu64 " batches waiting";
    int64_t wait_s = (wait_ns + NS_PER_S - 1) / NS_PER_S;
    if (is_news(s, (int)kind, why))
        log_warn("shipper", form, s->host, why, step, wait_s, waiting(s));
    else
        log_debug("shipper", form, s->host, why, step, wait_s, waiting(s));
}

static void say_accepted(struct shipper *s, const struct verdict *v)
{
    struct said *last = &s->said[s->batch.signal];
    bool first = last->state == STATE_NEW;
    const char *signal = signal_name(s->batch.signal);
    if (is_news(s, VERDICT_ACCEPTED, ""))
        log_info("shipper", "export of %s to %s works%s, %" PRIu64 " batches waiting",
                 signal, s->host, first ? "" : " again", waiting(s));
    if (v->rejected_points > 0 && !last->rejecting)
        log_warn("shipper",
                 "export to %s: %" PRId64 " points of the %s were not taken: %s; see the "
                 "collector's log",
                 s->host, v->rejected_points, signal, v->why);
    else if (v->why[0] != '\0')
        log_debug("shipper",
                  "export to %s: accepted, %" PRId64 " points not taken; it says: %s",
                  s->host, v->rejected_points, v->why);
    last->rejecting = v->rejected_points > 0;
}

static void say_refused(struct shipper *s, const struct verdict *v)
{
    const char *form =
        "export to %s: the batch of %s is refused: %s%s; set aside in bad/, %" PRIu64
        " batches waiting";
    const char *signal = signal_name(s->batch.signal);
    const char *step = s->batch.signal == SIGNAL_LOGS
                           ? "; where it takes no logs, set `events = no`"
                           : "";
    if (is_news(s, VERDICT_REFUSED, v->why))
        log_warn("shipper", form, s->host, signal, v->why, step, waiting(s));
    else
        log_debug("shipper", form, s->host, signal, v->why, step, waiting(s));
}

/* ---- one batch ---- */

static void failed(struct shipper *s, enum verdict_kind kind, const char *why,
                   const char *step, int64_t retry_after_ns)
{
    int64_t wait_ns = back_off(s, kind, retry_after_ns);
    s->counters.failed++;
    say_failed(s, kind, why, step, wait_ns);
    if (s->flushing)
        be_idle(s);
    else
        go_in(s, wait_ns);
}

static void on_reply(const struct http_reply *reply, void *user)
{
    struct shipper *s = user;
    struct verdict v = verdict_of(reply, s->batch.signal);
    s->exchange = NULL;
    free(s->batch.bytes);
    s->batch.bytes = NULL;
    if (v.kind == VERDICT_AGAIN || v.kind == VERDICT_UNUSABLE) {
        failed(s, v.kind, v.why, next_step(s, v.kind, reply), reply->retry_after_ns);
        return;
    }
    s->failures = 0;
    if (v.kind == VERDICT_ACCEPTED) {
        s->counters.accepted++;
        s->counters.rejected_points += (uint64_t)v.rejected_points;
        spool_done(s->spool, s->batch.id);
        say_accepted(s, &v);
    } else {
        s->counters.refused++;
        spool_refused(s->spool, s->batch.id);
        say_refused(s, &v);
    }
    go_in(s, 0);
}

static void post(struct shipper *s)
{
    const struct collector *c = &s->collector;
    const char *const headers[] = {
        "Content-Type: application/x-protobuf",
        "Content-Encoding: gzip",
        "User-Agent: edgelat/" EDGELAT_VERSION,
        c->header_file[0] != '\0' ? s->header.line : NULL,
        NULL,
    };
    char url[URL_TEXT_MAX + SIGNAL_PATH_MAX];
    snprintf(url, sizeof url, "%s%s", s->base, signal_path(s->batch.signal));
    const struct http_request request = {
        .url = url,
        .body = s->batch.bytes,
        .body_len = s->batch.len,
        .headers = headers,
        .ca_file = c->ca_file,
        .cert_file = c->cert_file,
        .key_file = c->key_file,
        .timeout_ns = c->timeout_ns,
        .reply_max = REPLY_MAX,
        .cut_reply = true, /* the status is what counts */
        .socket = -1,
    };
    s->exchange = http_start(s->http, &request, NULL, on_reply, s);
}

static void go(struct shipper *s)
{
    if (!spool_first(s->spool, &s->batch)) {
        if (s->flushing && !spool_writing(s->spool)) /* else on_ready wakes us */
            be_idle(s);
        return;
    }
    int rc = 0;
    if (s->collector.header_file[0] != '\0')
        rc = header_file_read(&s->header, s->collector.header_file);
    if (rc == 0) {
        post(s);
        return;
    }
    char why[FILE_TEXT_MAX + 128];
    snprintf(why, sizeof why, "header_file %s: %s", s->collector.header_file,
             rc == -EBADMSG ? "it holds no 'Name: value' line" : strerror(-rc));
    free(s->batch.bytes);
    s->batch.bytes = NULL;
    failed(s, VERDICT_UNUSABLE, why, "; mend the file, it is read again by itself", 0);
}

/* ---- from outside ---- */

void shipper_wake(struct shipper *s)
{
    if (s->exchange == NULL && !uv_is_active((uv_handle_t *)&s->timer))
        go(s);
}

void shipper_flush(struct shipper *s, shipper_idle_cb *on_idle, void *user)
{
    s->flushing = true;
    s->on_idle = on_idle;
    s->user = user;
    if (s->exchange == NULL)
        go_in(s, 0);
}

struct shipper_counters shipper_counters(const struct shipper *s)
{
    return s->counters;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void cut_slashes(char *url)
{
    for (size_t len = strlen(url); len > 0 && url[len - 1] == '/';)
        url[--len] = '\0';
}

static void set_base(struct shipper *s, const char *url)
{
    text_copy(s->base, sizeof s->base, url);
    cut_slashes(s->base);
    for (enum signal i = 0; i < SIGNALS; i++)
        if (ends_with(s->base, signal_path(i))) { /* as some write it */
            s->base[strlen(s->base) - strlen(signal_path(i))] = '\0';
            cut_slashes(s->base);
        }

    const char *host = strstr(s->base, "://");
    host = host != NULL ? host + 3 : s->base;
    text_copy(s->host, sizeof s->host, host);
    s->host[strcspn(s->host, "/?#")] = '\0';
    char *at = strrchr(s->host, '@');
    if (at != NULL)
        memmove(s->host, at + 1, strlen(at + 1) + 1);
}

int shipper_create(struct shipper **out, uv_loop_t *loop, struct http *http,
                   struct spool *spool, const struct collector *collector, uint64_t seed)
{
    struct shipper *s = mem_zalloc(sizeof *s);
    int rc = uv_timer_init(loop, &s->timer);
    if (rc < 0) {
        free(s);
        return rc;
    }
    s->timer.data = s;
    s->http = http;
    s->spool = spool;
    s->collector = *collector;
    s->random = random_from(seed);
    for (enum signal i = 0; i < SIGNALS; i++)
        s->said[i].state = STATE_NEW;
    set_base(s, collector->url);
    *out = s;
    return 0;
}

static void free_shipper(uv_handle_t *timer)
{
    struct shipper *s = timer->data;
    header_file_forget(&s->header);
    free(s);
}

void shipper_destroy(struct shipper *s)
{
    if (s == NULL)
        return;
    if (s->exchange != NULL)
        http_cancel(s->exchange);
    free(s->batch.bytes);
    uv_close((uv_handle_t *)&s->timer, free_shipper);
}
