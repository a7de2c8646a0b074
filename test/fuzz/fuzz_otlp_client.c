/* All that a collector sends back for a batch, over a connection on loopback: what
 * becomes of it for the log and for the kill switch. */
#include "safe.h"
#include "ship/otlp_client.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES_MAX = 16 << 10 };

static struct {
    uv_loop_t loop;
    struct otlp_client *client;
    int listener;
} bed;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void begin(void)
{
    static struct collector collector = {.proxy = "none", .timeout_ns = 5 * NS_PER_S};
    static struct http *http;
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t at_len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bed.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert(bind(bed.listener, (struct sockaddr *)&at, at_len) == 0);
    assert(listen(bed.listener, 1) == 0);
    getsockname(bed.listener, (struct sockaddr *)&at, &at_len);
    snprintf(collector.url, sizeof collector.url, "http://127.0.0.1:%u",
             ntohs(at.sin_port));
    uv_loop_init(&bed.loop);
    assert(http_create(&http, &bed.loop) == 0);
    bed.client = otlp_client_create(http, &collector);
}

static void on_done(const struct verdict *v, void *user)
{
    bool *done = user;
    *done = true;
    assert(!v->stop || (v->status == 403 && v->kind == VERDICT_AGAIN));
    assert(v->status != 0 || v->kind == VERDICT_AGAIN);
    assert_safe(v->why);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static char body[] = "batch";
    struct spooled batch = {.id = 1, .bytes = body, .len = sizeof body};
    struct verdict cannot;
    bool done = false;
    int peer = -1;
    if (bed.client == NULL)
        begin();
    if (len > BYTES_MAX)
        return 0;
    assert(otlp_client_send(bed.client, &batch, on_done, &done, &cannot));
    while (!done) {
        uv_run(&bed.loop, peer < 0 ? UV_RUN_NOWAIT : UV_RUN_ONCE);
        if (peer >= 0 || (peer = accept(bed.listener, NULL, NULL)) < 0)
            continue;
        assert(write(peer, bytes, len) == (ssize_t)len);
        shutdown(peer, SHUT_WR);
    }
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
               sizeof(struct linger));
    close(peer);
    return 0;
}
