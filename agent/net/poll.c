#include "net/poll.h"

#include "base/mem.h"

#include <stdlib.h>

struct poll {
    uv_poll_t handle;
    int fd;
    int events; /* wanted */
    poll_cb *cb;
    void *user;
};

static void on_event(uv_poll_t *handle, int status, int events)
{
    struct poll *p = handle->data;
    bool error = status < 0;
    p->cb(p, error || (events & UV_READABLE) != 0, error || (events & UV_WRITABLE) != 0,
          p->user);
    if (error && p->events != 0 && !uv_is_closing((uv_handle_t *)handle))
        uv_poll_start(handle, p->events, on_event);
}

struct poll *poll_open(uv_loop_t *loop, int fd, poll_cb *cb, void *user)
{
    struct poll *p = mem_zalloc(sizeof *p);
    if (uv_poll_init(loop, &p->handle, fd) < 0) {
        free(p);
        return NULL;
    }
    p->handle.data = p;
    p->fd = fd;
    p->cb = cb;
    p->user = user;
    return p;
}

void poll_want(struct poll *p, bool read, bool write)
{
    p->events = (read ? UV_READABLE : 0) | (write ? UV_WRITABLE : 0);
    if (p->events == 0)
        uv_poll_stop(&p->handle);
    else
        uv_poll_start(&p->handle, p->events, on_event);
}

int poll_fd(const struct poll *p)
{
    return p->fd;
}

static void free_poll(uv_handle_t *handle)
{
    free(handle->data);
}

void poll_close(struct poll *p)
{
    if (p == NULL)
        return;
    /* at once: the descriptor number may be reused by a new handle */
    uv_poll_stop(&p->handle);
    uv_close((uv_handle_t *)&p->handle, free_poll);
}
