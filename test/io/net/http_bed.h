/*
 * Runs one HTTP request on its own loop and stores the result.
 */
#ifndef EDGELAT_TEST_HTTP_BED_H
#define EDGELAT_TEST_HTTP_BED_H

#include "net/http.h"

#include "check.h"
#include "io/net/child.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

struct got {
    int calls;
    struct http_reply reply;
    char error[320], body[128], msedge[128];
    int headers;
    bool dated;       /* it had a Date, ... */
    int64_t ahead_ns; /* ... so far ahead of our clock */
};

static inline void on_header(const char *name, const char *value, size_t len, void *user)
{
    struct got *g = user;
    g->headers++;
    if (strcasecmp(name, "x-msedge-ref") == 0)
        snprintf(g->msedge, sizeof g->msedge, "%.*s", (int)len, value);
}

static inline void on_reply(const struct http_reply *reply, void *user)
{
    struct got *g = user;
    g->calls++;
    g->reply = *reply;
    snprintf(g->error, sizeof g->error, "%s", reply->error);
    snprintf(g->body, sizeof g->body, "%.*s", (int)reply->body_len, reply->body);
}

static inline struct got fetch(const struct http_request *request)
{
    uv_loop_t loop;
    struct http *h;
    struct got g = {0};
    uv_loop_init(&loop);
    CHECK_INT(0, http_create(&h, &loop), "created");
    http_start(h, request, on_header, on_reply, &g);
    CHECK_INT(0, g.calls, "never from inside the call");
    while (g.calls == 0)
        uv_run(&loop, UV_RUN_ONCE);
    g.dated = http_clock_ahead(h, &g.ahead_ns) != NULL;
    http_destroy(h);
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK_INT(1, g.calls, "exactly one reply");
    CHECK_INT(0, uv_loop_close(&loop), "every handle is closed");
    return g;
}

static inline int connected_to(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int error = -1;
    socklen_t len = sizeof error;
    connect(fd, (struct sockaddr *)&a, sizeof a);
    poll(&p, 1, 1000);
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    CHECK(p.revents == POLLOUT && error == 0, "cannot connect to %u", port);
    return fd;
}

/* Number of TCP retransmissions on a connection so far. */
static inline unsigned sent_again(int socket)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    CHECK_INT(0, getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &len), "TCP_INFO");
    return info.tcpi_total_retrans;
}

#endif
