#include "net/curl_multi.h"

#include "base/mem.h"
#include "net/poll.h"
#include "net/tls.h"

#include <stdlib.h>
#include <unistd.h>

struct multi {
    uv_loop_t *loop;
    CURLM *handle;
    uv_timer_t timer;
    multi_done_cb *on_done;
    struct guard guard; /* watches the sockets of the transfers */
    SSL_CTX *context;   /* offered to libcurl, or NULL */
    size_t transfers;
    bool destroyed;
};

static void collect(struct multi *m)
{
    CURLMsg *message;
    int left;
    while (!m->destroyed && (message = curl_multi_info_read(m->handle, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result; /* `message` is invalid after the removal */
        void *user = NULL;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &user);
        multi_remove(m, easy);
        m->on_done(easy, code, user);
    }
}

static void act(struct multi *m, curl_socket_t fd, int events)
{
    int running;
    guard_enter(&m->guard);
    tls_offer(m->context);
    curl_multi_socket_action(m->handle, fd, events, &running);
    tls_offer(NULL);
    guard_leave(&m->guard);
    collect(m);
}

static void on_event(struct poll *p, bool readable, bool writable, void *user)
{
    act(user, poll_fd(p),
        (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *assigned)
{
    (void)easy;
    struct multi *m = user;
    struct poll *p = assigned;
    if (what == CURL_POLL_REMOVE) {
        poll_close(p);
        curl_multi_assign(m->handle, fd, NULL);
        return 0;
    }
    if (p == NULL) {
        p = poll_open(m->loop, fd, on_event, m);
        if (p == NULL)
            return -1;
        curl_multi_assign(m->handle, fd, p);
    }
    poll_want(p, (what & CURL_POLL_IN) != 0, (what & CURL_POLL_OUT) != 0);
    return 0;
}

static void on_timer(uv_timer_t *timer)
{
    act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

/* Only starts the timer, even for 0 ms: libcurl must not be called from inside its own
 * callback. */
static int on_timeout(CURLM *handle, long ms, void *user)
{
    (void)handle;
    struct multi *m = user;
    if (ms < 0)
        return uv_timer_stop(&m->timer);
    uv_update_time(m->loop);
    uv_timer_start(&m->timer, on_timer, (uint64_t)ms, 0);
    return 0;
}

struct multi *multi_create(uv_loop_t *loop, multi_done_cb *on_done)
{
    CURLM *handle = curl_multi_init();
    if (handle == NULL)
        return NULL;
    struct multi *m = mem_zalloc(sizeof *m);
    m->loop = loop;
    m->handle = handle;
    m->on_done = on_done;
    uv_timer_init(loop, &m->timer);
    m->timer.data = m;
    curl_multi_setopt(handle, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(handle, CURLMOPT_SOCKETDATA, m);
    curl_multi_setopt(handle, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(handle, CURLMOPT_TIMERDATA, m);
    /* keep the last connection open */
    curl_multi_setopt(handle, CURLMOPT_MAXCONNECTS, 1L);
    return m;
}

void multi_offer(struct multi *m, SSL_CTX *context)
{
    m->context = context;
}

bool multi_is_empty(const struct multi *m)
{
    return m->transfers == 0 && guard_is_empty(&m->guard);
}

bool multi_opened(struct multi *m, int fd)
{
    return guard_add(&m->guard, fd);
}

int multi_close_socket(void *m, curl_socket_t fd)
{
    guard_forget(&((struct multi *)m)->guard, fd);
    return close(fd);
}

enum guard_verdict multi_verdict(const struct multi *m)
{
    return (enum guard_verdict)m->guard.verdict;
}

void multi_add(struct multi *m, CURL *easy)
{
    if (m->transfers++ == 0)
        guard_begin(&m->guard);
    curl_multi_add_handle(m->handle, easy);
}

void multi_remove(struct multi *m, CURL *easy)
{
    guard_enter(&m->guard); /* may read from the connection and close it */
    curl_multi_remove_handle(m->handle, easy);
    guard_leave(&m->guard);
    m->transfers--;
}

static void free_multi(uv_handle_t *timer)
{
    free(timer->data);
}

void multi_destroy(struct multi *m)
{
    if (m == NULL)
        return;
    /* collect() may be running; the memory stays valid until the timer has closed */
    m->destroyed = true;
    guard_enter(&m->guard);
    curl_multi_cleanup(m->handle);
    guard_leave(&m->guard);
    uv_close((uv_handle_t *)&m->timer, free_multi);
}
