/* Requests to `edgelat collect` over connections on loopback, byte by byte as they come:
 * heads, bodies of any coding and length. What is taken was announced, and each such
 * request is answered with HTTP. The receiver has a thread and a loop of its own. */
#include "collector/receiver.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BYTES_MAX = 64 << 10 };

static atomic_size_t taken;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void on_batch(enum signal signal, const ProtobufCMessage *request, size_t bytes,
                     void *user)
{
    (void)user;
    assert(signal < SIGNALS && request != NULL && bytes <= RECEIVER_BODY_MAX);
    taken++;
}

static void *serve(void *receiver)
{
    receiver_run(receiver);
    return NULL;
}

static uint16_t begin(void)
{
    static struct receiver *receiver; /* until the process ends */
    struct endpoint at;
    const char *why;
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN); /* as collector/collect.c does */
    assert(endpoint_parse(&at, "127.0.0.1", 0));
    assert(receiver_create(&receiver, &at, NULL, on_batch, NULL, &why) == 0);
    assert(pthread_create(&thread, NULL, serve, receiver) == 0);
    return receiver_port(receiver);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct sockaddr_in at = {.sin_family = AF_INET};
    char answer[4096];
    size_t got = 0, before = taken;
    if (at.sin_port == 0) {
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        at.sin_port = htons(begin());
    }
    if (len > BYTES_MAX)
        return 0;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    send(fd, bytes, len, MSG_NOSIGNAL); /* it may have hung up */
    shutdown(fd, SHUT_WR);
    ssize_t n;
    while ((n = recv(fd, answer, sizeof answer, 0)) > 0 || (n < 0 && errno == EINTR)) {
        assert(got > 0 || n < 5 || memcmp(answer, "HTTP/", 5) == 0);
        got += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    assert(taken == before || got > 0);
    return 0;
}
