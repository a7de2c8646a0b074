#include "status/socket.h"

#include "base/mem.h"
#include "net/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    struct text answer;
    struct status_socket *socket;
    bool writing;
    unsigned open; /* handles; 0: this slot is free */
};

struct status_socket {
    uv_pipe_t listener;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    dev_t device; /* of the file that bind() made; with the inode */
    ino_t inode;
    struct client clients[STATUS_CLIENTS_MAX];
    bool waits; /* a client found no free slot */
    bool ending;
    unsigned open; /* handles, including those of clients */
    enum status_mode mode;
    status_ask_cb *on_ask;
    void *user;
};

/* ---- clients ---- */

static void accept_client(struct status_socket *s);

static void on_closed(uv_handle_t *handle)
{
    struct client *c = handle->data;
    struct status_socket *s = c->socket;
    s->open--;
    if (--c->open == 0) {
        text_free(&c->answer);
        if (s->waits && !s->ending) {
            s->waits = false;
            accept_client(s);
        }
    }
    if (s->open == 0)
        free(s);
}

static void client_close(struct client *c)
{
    if (uv_is_closing((uv_handle_t *)&c->pipe))
        return;
    uv_close((uv_handle_t *)&c->pipe, on_closed);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void on_timer(uv_timer_t *timer)
{
    client_close(timer->data);
}

static void on_written(uv_write_t *write, int status)
{
    struct client *c = write->data;
    c->writing = false;
    if (status < 0 || c->socket->mode == STATUS_ONCE)
        client_close(c);
    else if (!uv_is_closing((uv_handle_t *)&c->timer))
        uv_timer_stop(&c->timer);
}

static void answer(struct client *c)
{
    struct status_socket *s = c->socket;
    text_clear(&c->answer);
    s->on_ask(&c->answer, s->user);
    c->writing = true;
    uv_buf_t buffer = uv_buf_init(c->answer.bytes, (unsigned)c->answer.len);
    c->write.data = c;
    if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &buffer, 1, on_written) < 0)
        client_close(c);
    else
        timer_in(&c->timer, on_timer, STATUS_CLIENT_NS);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
    static char ignored[64];
    (void)handle, (void)size;
    *out = uv_buf_init(ignored, sizeof ignored);
}

static void on_read(uv_stream_t *pipe, ssize_t n, const uv_buf_t *buffer)
{
    (void)buffer;
    if (n < 0)
        client_close(pipe->data);
}

void status_socket_publish(struct status_socket *s)
{
    for (size_t i = 0; s != NULL && i < STATUS_CLIENTS_MAX; i++) {
        struct client *c = &s->clients[i];
        if (c->open == 0 || uv_is_closing((uv_handle_t *)&c->pipe))
            continue;
        if (c->writing)
            client_close(c);
        else
            answer(c);
    }
}

static struct client *free_slot(struct status_socket *s)
{
    for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
        if (s->clients[i].open == 0)
            return &s->clients[i];
    return NULL;
}

/* libuv reports no further connection until this one is accepted. */
static void accept_client(struct status_socket *s)
{
    struct client *c = free_slot(s);
    if (c == NULL) {
        s->waits = true;
        return;
    }
    *c = (struct client){.socket = s, .open = 2};
    s->open += 2;
    uv_pipe_init(s->listener.loop, &c->pipe, 0);
    uv_timer_init(s->listener.loop, &c->timer);
    c->pipe.data = c->timer.data = c;
    if (uv_accept((uv_stream_t *)&s->listener, (uv_stream_t *)&c->pipe) < 0)
        client_close(c);
    else
        answer(c);
    if (s->mode == STATUS_STREAM && !uv_is_closing((uv_handle_t *)&c->pipe))
        uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read); /* its end of file */
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0)
        accept_client(listener->data);
}

/* ---- the file ---- */

static int open_socket(struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!text_copy(address->sun_path, sizeof address->sun_path, path))
        return -ENAMETOOLONG;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd < 0 ? -errno : fd;
}

int status_connect(const char *path, int64_t timeout_ns)
{
    struct sockaddr_un address;
    struct timeval timeout = {.tv_sec = timeout_ns / NS_PER_S,
                              .tv_usec = timeout_ns % NS_PER_S / NS_PER_US};
    int fd = open_socket(&address, path);
    if (fd < 0)
        return fd;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

/* Removes the socket of a dead agent. A live agent accepts, or its backlog is full
 * (EAGAIN). */
static int remove_stale(const char *path)
{
    struct stat is;
    if (lstat(path, &is) == 0 && !S_ISSOCK(is.st_mode))
        return -EEXIST;
    int fd = status_connect(path, NS_PER_MS);
    if (fd >= 0)
        close(fd);
    if (fd != -ECONNREFUSED)
        return fd >= 0 || fd == -EAGAIN ? -EADDRINUSE : fd;
    return unlink(path) < 0 ? -errno : 0;
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
    const struct sockaddr *to = (const struct sockaddr *)address;
    int rc = bind(fd, to, sizeof *address) < 0 ? -errno : 0;
    if (rc == -EADDRINUSE) {
        rc = remove_stale(address->sun_path);
        if (rc == 0)
            rc = bind(fd, to, sizeof *address) < 0 ? -errno : 0;
    }
    if (rc == 0 && chmod(address->sun_path, 0660) < 0) { /* nobody can connect yet */
        rc = -errno;
        unlink(address->sun_path);
    }
    return rc;
}

/* ---- create and destroy ---- */

static void on_listener_closed(uv_handle_t *listener)
{
    struct status_socket *s = listener->data;
    if (--s->open == 0)
        free(s);
}

int status_socket_create(struct status_socket **out, uv_loop_t *loop, const char *path,
                         enum status_mode mode, status_ask_cb *on_ask, void *user)
{
    struct sockaddr_un address;
    int fd = open_socket(&address, path);
    if (fd < 0)
        return fd;
    int rc = bind_to(fd, &address);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    struct status_socket *s = mem_zalloc(sizeof *s);
    struct stat file;
    text_copy(s->path, sizeof s->path, path);
    if (lstat(path, &file) == 0) {
        s->device = file.st_dev;
        s->inode = file.st_ino;
    }
    s->mode = mode;
    s->on_ask = on_ask;
    s->user = user;
    s->open = 1;
    s->listener.data = s;
    uv_pipe_init(loop, &s->listener, 0);
    uv_pipe_open(&s->listener, fd);
    rc = uv_listen((uv_stream_t *)&s->listener, STATUS_CLIENTS_MAX, on_connection);
    if (rc < 0) {
        status_socket_destroy(s);
        return rc;
    }
    *out = s;
    return 0;
}

void status_socket_destroy(struct status_socket *s)
{
    if (s == NULL)
        return;
    struct stat file;
    s->ending = true;
    if (lstat(s->path, &file) == 0 && file.st_dev == s->device && file.st_ino == s->inode)
        unlink(s->path); /* otherwise the file was replaced */
    for (size_t i = 0; i < STATUS_CLIENTS_MAX; i++)
        if (s->clients[i].open > 0)
            client_close(&s->clients[i]);
    uv_close((uv_handle_t *)&s->listener, on_listener_closed);
}
