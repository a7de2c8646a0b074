/* What a web server sends back, head and body, over a connection on loopback and through
 * libcurl, as a probe has it. */
#include "edge/pop.h"
#include "net/http.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REPLY_MAX = 1000, BYTES_MAX = 16 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void on_header(const char *name, const char *value, size_t value_len, void *user)
{
    struct pop pop;
    char text[POP_TEXT_MAX];
    (void)user;
    assert(name[0] != '\0');
    if (pop_from_header(&pop, name, value, value_len))
        assert(strlen(pop_text(text, &pop)) >= 2);
}

static void on_reply(const struct http_reply *reply, void *user)
{
    bool *replied = user;
    *replied = true;
    assert((reply->failure == HTTP_OK) == (reply->error[0] == '\0'));
    assert(reply->failure != HTTP_OK || reply->status != 0);
    assert(reply->failure != HTTP_FAILED_LOCAL); /* a peer is never this host's fault */
    assert(!reply->head || reply->status >= 200);
    assert(reply->body_len <= REPLY_MAX);
    assert(reply->retry_after_ns >= 0);
}

/* Both ends of a connection; the first one is ours, and leaves no trace when it closes.
 */
static void connect_ends(int ends[2])
{
    static int listener = -1;
    static struct sockaddr_in at = {.sin_family = AF_INET};
    static socklen_t at_len = sizeof at;
    if (listener < 0) {
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listener = socket(AF_INET, SOCK_STREAM, 0);
        assert(bind(listener, (struct sockaddr *)&at, at_len) == 0);
        assert(listen(listener, 1) == 0);
        getsockname(listener, (struct sockaddr *)&at, &at_len);
    }
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(ends[0], SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
               sizeof(struct linger));
    connect(ends[0], (struct sockaddr *)&at, at_len);
    ends[1] = accept(listener, NULL, NULL);
    assert(ends[0] >= 0 && ends[1] >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static uv_loop_t loop;
    static struct http *http;
    int ends[2];
    bool replied = false;
    if (http == NULL) {
        uv_loop_init(&loop);
        assert(http_create(&http, &loop) == 0);
    }
    if (len > BYTES_MAX)
        return 0;
    connect_ends(ends);
    assert(write(ends[1], bytes, len) == (ssize_t)len);
    shutdown(ends[1], SHUT_WR);
    const struct http_request request = {
        .url = "http://edge.example/",
        .proxy = "",
        .timeout_ns = 5 * NS_PER_S,
        .reply_max = REPLY_MAX,
        .cut_reply = true,
        .socket = ends[0],
        .repeat = true,
    };
    http_start(http, &request, on_header, on_reply, &replied);
    while (!replied)
        uv_run(&loop, UV_RUN_ONCE);
    close(ends[1]);
    uv_run(&loop, UV_RUN_NOWAIT);
    return 0;
}
