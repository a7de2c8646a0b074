#include "diagnose/load_round.h"

#include "base/mem.h"
#include "base/text.h"
#include "net/clock.h"

#include <stdlib.h>

/* Of one download; a longer one is cut, below the limit of net/guard.h. */
#define PIECE_MAX (512 << 10)

struct load_connection {
    struct load_round *round;
    struct http_exchange *http; /* NULL: none is under way */
};

struct load_round {
    struct http *http;
    const struct load_urls *urls;
    struct mono began;
    uint64_t bytes;
    size_t next, failures;
    char error[160];
    struct load_connection connections[LOAD_CONNECTIONS];
};

static size_t under_way(const struct load_round *l)
{
    size_t n = 0;
    for (size_t i = 0; i < LOAD_CONNECTIONS; i++)
        n += l->connections[i].http != NULL;
    return n;
}

static bool may_go_on(const struct load_round *l)
{
    return mono_now().ns - l->began.ns < LOAD_NS && l->failures < LOAD_CONNECTIONS &&
           l->bytes + (under_way(l) + 1) * PIECE_MAX <= LOAD_BYTES;
}

static void download(struct load_connection *c);

static void on_reply(const struct http_reply *reply, void *user)
{
    struct load_connection *c = user;
    struct load_round *l = c->round;
    c->http = NULL;
    l->bytes += reply->body_len;
    if (reply->failure != HTTP_OK) {
        l->failures++;
        text_copy(l->error, sizeof l->error, reply->error);
    }
    if (may_go_on(l))
        download(c);
}

static void download(struct load_connection *c)
{
    struct load_round *l = c->round;
    const struct http_request request = {
        .url = l->urls->list[l->next++ % l->urls->n],
        .timeout_ns = LOAD_NS,
        .reply_max = PIECE_MAX,
        .cut_reply = true,
        .fresh = true, /* a connection of its own: they share the line, not a window */
        .socket = -1,
    };
    c->http = http_start(l->http, &request, NULL, on_reply, c);
}

struct load_round *load_round_start(struct http *http, const struct load_urls *urls)
{
    struct load_round *l = mem_zalloc(sizeof *l);
    *l = (struct load_round){.http = http, .urls = urls, .began = mono_now()};
    for (size_t i = 0; i < LOAD_CONNECTIONS && urls->n > 0; i++) {
        l->connections[i].round = l;
        download(&l->connections[i]);
    }
    return l;
}

bool load_round_over(struct load_round *l)
{
    return under_way(l) == 0;
}

uint64_t load_round_bytes(const struct load_round *l, const char **error)
{
    *error = l->error;
    return l->bytes;
}

void load_round_destroy(struct load_round *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < LOAD_CONNECTIONS; i++)
        if (l->connections[i].http != NULL)
            http_cancel(l->connections[i].http);
    free(l);
}
