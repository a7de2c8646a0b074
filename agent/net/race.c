#include "net/race.h"

#include "base/mem.h"
#include "net/socket.h"
#include "net/timer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct race {
    struct runner {
        struct endpoint to;
        struct race *race;
        uv_tcp_t tcp;
        uv_connect_t connect;
    } runners[RACE_MAX];
    const struct uplink *uplink;
    size_t n, begun, failed;
    uv_timer_t timer; /* next attempt, or the limit */
    int64_t until_ns;
    size_t open; /* handles */
    bool over;
    race_cb *cb;
    void *user;
};

static void race_closed(uv_handle_t *handle)
{
    struct race *r = handle->data;
    if (--r->open == 0)
        free(r);
}

static void race_close(struct race *r)
{
    r->over = true;
    uv_close((uv_handle_t *)&r->timer, race_closed);
    for (size_t i = 0; i < r->begun; i++)
        uv_close((uv_handle_t *)&r->runners[i].tcp, race_closed);
}

static void race_end(struct race *r, size_t winner)
{
    race_close(r);
    r->cb(winner, r->user);
}

static void race_timer(uv_timer_t *timer);

static void race_wait(struct race *r, int64_t wait_ns)
{
    int64_t left_ns = r->until_ns - (int64_t)uv_hrtime();
    bool nothing_next = r->begun == r->n && r->failed < r->n;
    timer_in(&r->timer, race_timer,
             nothing_next || left_ns < wait_ns ? left_ns : wait_ns);
}

static void runner_connected(uv_connect_t *connect, int status)
{
    struct runner *is = connect->data;
    struct race *r = is->race;
    if (r->over)
        return;
    if (status == 0)
        race_end(r, (size_t)(is - r->runners));
    else if (++r->failed == r->n)
        race_end(r, RACE_NONE);
    else if (r->begun < r->n)
        race_wait(r, 0);
}

static int start_connection(struct runner *is, const struct uplink *uplink)
{
    struct sockaddr_storage sa;
    sockaddr_of(&sa, &is->to);
    if (uplink != NULL) {
        int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int rc =
            fd < 0 ? -errno : socket_use_uplink(fd, (enum family)is->to.family, uplink);
        if (rc == 0)
            rc = uv_tcp_open(&is->tcp, fd);
        if (rc != 0) {
            close(fd);
            return rc;
        }
    }
    return uv_tcp_connect(&is->connect, &is->tcp, (struct sockaddr *)&sa,
                          runner_connected);
}

/* An attempt that fails at once (no route, for example) is not in progress. */
static void race_next(struct race *r)
{
    struct runner *next = &r->runners[r->begun++];
    next->connect.data = next;
    next->race = r;
    uv_tcp_init(r->timer.loop, &next->tcp);
    next->tcp.data = r;
    r->open++;
    bool fails = start_connection(next, r->uplink) < 0;
    r->failed += fails;
    race_wait(r, fails ? 0 : RACE_STAGGER_NS);
}

static void race_timer(uv_timer_t *timer)
{
    struct race *r = timer->data;
    if (r->failed == r->n || (int64_t)uv_hrtime() >= r->until_ns)
        race_end(r, RACE_NONE);
    else if (r->begun < r->n)
        race_next(r);
    else
        race_wait(r, 0);
}

struct race *race_begin(uv_loop_t *loop, const struct uplink *uplink,
                        const struct endpoint *addresses, size_t n, int64_t limit_ns,
                        race_cb *cb, void *user)
{
    struct race *r = mem_zalloc(sizeof *r);
    assert(n > 0 && n <= RACE_MAX);
    for (size_t i = 0; i < n; i++)
        r->runners[i].to = addresses[i];
    r->uplink = uplink;
    r->n = n;
    r->cb = cb;
    r->user = user;
    r->until_ns = (int64_t)uv_hrtime() + limit_ns;
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    r->open = 1;
    timer_in(&r->timer, race_timer, 0);
    return r;
}

void race_cancel(struct race *r)
{
    race_close(r);
}
