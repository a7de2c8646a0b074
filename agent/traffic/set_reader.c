#include "traffic/set_reader.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/clock.h"
#include "net/timer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct set_reader;

struct set_question { /* outlives the reader until libuv has closed the pipe */
    uv_pipe_t pipe;
    uv_connect_t connect;
    struct set_reader *reader; /* NULL: over */
    struct text answer;
    char piece[16384];
};

struct set_reader {
    uv_loop_t *loop;
    const char *path;
    struct rates rates;
    struct set_counters counters;
    struct set_question *question; /* NULL: none is under way */
    uv_timer_t *timer;
    struct mono last;        /* answer */
    char why[SET_ERROR_MAX]; /* why there are no counters; "": there are */
};

static void on_closed(uv_handle_t *pipe)
{
    struct set_question *q = pipe->data;
    text_free(&q->answer);
    free(q);
}

static void end_question(struct set_question *q)
{
    if (q->reader == NULL)
        return;
    q->reader->question = NULL;
    q->reader = NULL;
    uv_close((uv_handle_t *)&q->pipe, on_closed);
}

/* Logs each change once; "": it works. */
static void set_state(struct set_reader *r, const char *why)
{
    if (strcmp(r->why, why) == 0)
        return;
    if (*why == '\0')
        log_info("traffic", "counters of nftables are read from %s", r->path);
    else
        log_warn("traffic", "no counters of nftables: %s", why);
    text_copy(r->why, sizeof r->why, why);
}

static void take_answer(struct set_reader *r, const struct text *answer)
{
    char why[SET_ERROR_MAX] = "";
    struct mono now = mono_now();
    uint64_t resets = r->counters.resets;
    rates_turn(&r->rates, now);
    if (set_counters_take(&r->counters, text_string(answer), answer->len,
                          now.ns - r->last.ns, why)) {
        r->last = now;
        why[0] = '\0';
    }
    if (r->counters.resets > resets)
        log_info("traffic", "the counters of nftables began again at 0");
    set_state(r, why);
}

static void on_failure(struct set_question *q, int rc)
{
    char why[SET_ERROR_MAX];
    snprintf(why, sizeof why, "%s: %s; start edgelat-traffic.service", q->reader->path,
             uv_strerror(rc));
    set_state(q->reader, why);
    end_question(q);
}

static void on_room(uv_handle_t *pipe, size_t suggested, uv_buf_t *out)
{
    struct set_question *q = pipe->data;
    (void)suggested;
    *out = uv_buf_init(q->piece, sizeof q->piece);
}

static void on_read(uv_stream_t *pipe, ssize_t n, const uv_buf_t *piece)
{
    struct set_question *q = pipe->data;
    if (q->reader == NULL || n == 0)
        return;
    if (n > 0 && q->answer.len + (size_t)n <= SET_ANSWER_MAX) {
        text_add_bytes(&q->answer, piece->base, (size_t)n);
        return;
    }
    if (n < 0 && n != UV_EOF) {
        on_failure(q, (int)n);
        return;
    }
    take_answer(q->reader, &q->answer);
    end_question(q);
}

static void on_connected(uv_connect_t *connect, int rc)
{
    struct set_question *q = connect->data;
    if (q->reader == NULL)
        return;
    if (rc == 0)
        rc = uv_read_start((uv_stream_t *)&q->pipe, on_room, on_read);
    if (rc < 0)
        on_failure(q, rc);
}

static void on_timer(uv_timer_t *timer)
{
    struct set_reader *r = timer->data;
    if (r->question != NULL) {
        set_state(r, "the helper does not answer; restart edgelat-traffic.service");
        end_question(r->question);
    }
    struct set_question *q = mem_zalloc(sizeof *q);
    uv_pipe_init(r->loop, &q->pipe, 0);
    q->pipe.data = q->connect.data = q;
    q->reader = r;
    r->question = q;
    uv_pipe_connect(&q->connect, &q->pipe, r->path, on_connected);
}

/* ---- the window ---- */

size_t set_reader_window(struct set_reader *r, bool delta,
                         struct self_value values[SET_READER_VALUES_MAX])
{
    return rates_window(&r->rates, delta, mono_now(), values);
}

void set_reader_flush(struct set_reader *r)
{
    rates_flush(&r->rates);
}

const struct rates *set_reader_rates(const struct set_reader *r)
{
    return &r->rates;
}

void set_reader_text(const struct set_reader *r, struct text *out)
{
    for (size_t i = 0; i < r->rates.n; i++) {
        const struct rate_row *row = &r->rates.rows[i];
        text_add(out, "%s, %s: %.1f MB forwarded, %.3f Mbit/s in the last window\n",
                 row->service, row->direction == RATE_TRANSMIT ? "to" : "from",
                 (double)row->total.bytes / 1e6, 8 * row->last_rate / 1e6);
    }
}

size_t set_reader_problems(const struct set_reader *r, struct text *out)
{
    if (r->why[0] != '\0')
        text_add(out, "traffic through this host is not counted: %s\n", r->why);
    return r->why[0] != '\0';
}

/* ---- create and destroy ---- */

struct set_reader *set_reader_create(uv_loop_t *loop, const struct config *config,
                                     const struct edge_data *edge_data)
{
    struct set_reader *r = mem_zalloc(sizeof *r);
    r->loop = loop;
    r->path = config->traffic_counters;
    rates_begin(&r->rates, mono_now());
    r->counters =
        (struct set_counters){.prefixes = &edge_data->prefixes, .rates = &r->rates};
    r->timer = timer_new(loop, r);
    uv_timer_start(r->timer, on_timer, 0, SET_READER_MS);
    return r;
}

void set_reader_destroy(struct set_reader *r)
{
    if (r == NULL)
        return;
    if (r->question != NULL)
        end_question(r->question);
    timer_close(r->timer);
    rates_free(&r->rates);
    free(r);
}
