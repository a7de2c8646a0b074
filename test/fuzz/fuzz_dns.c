/* What a DNS server answers, through c-ares: all of the message but its id, behind a byte
 * that says what was asked. No socket is opened. */
#include "net/resolver_answer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/uio.h>

#define SOCKET 1000 /* c-ares only gives it back to us */

static struct {
    const uint8_t *bytes;
    size_t len;
    uint8_t id[2];
    bool given;
} answer;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static ares_socket_t open_socket(int domain, int type, int protocol, void *user)
{
    (void)domain, (void)protocol, (void)user;
    return type == SOCK_DGRAM ? SOCKET : -1;
}

static int close_socket(ares_socket_t fd, void *user)
{
    (void)fd, (void)user;
    return 0;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t len,
                          void *user)
{
    (void)fd, (void)to, (void)len, (void)user;
    return 0;
}

static ares_ssize_t take_question(ares_socket_t fd, const struct iovec *v, int n,
                                  void *user)
{
    (void)fd, (void)n, (void)user;
    memcpy(answer.id, v[0].iov_base, sizeof answer.id);
    return (ares_ssize_t)v[0].iov_len;
}

static ares_ssize_t give_answer(ares_socket_t fd, void *out, size_t room, int flags,
                                struct sockaddr *from, ares_socklen_t *from_len,
                                void *user)
{
    (void)fd, (void)flags, (void)user;
    if (answer.given || room < answer.len + 2) {
        errno = EAGAIN;
        return -1;
    }
    answer.given = true;
    if (from != NULL) {
        struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53)};
        server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        memcpy(from, &server, sizeof server);
        *from_len = sizeof server;
    }
    memcpy(out, answer.id, 2);
    memcpy((uint8_t *)out + 2, answer.bytes, answer.len);
    return (ares_ssize_t)answer.len + 2;
}

static void on_answer(void *user, int status, int timeouts, struct ares_addrinfo *info)
{
    struct resolution *a = user;
    (void)timeouts;
    if (status == ARES_SUCCESS)
        answer_take(a, info, 443);
    else
        answer_error(a, status);
    if (info != NULL)
        ares_freeaddrinfo(info);
}

static ares_channel channel_of_ours(void)
{
    static const struct ares_socket_functions sockets = {
        open_socket, close_socket, connect_socket, give_answer, take_question};
    static ares_channel channel;
    struct ares_options options = {.lookups = "b", .tries = 1};
    if (channel != NULL)
        return channel;
    assert(ares_init_options(&channel, &options, ARES_OPT_LOOKUPS | ARES_OPT_TRIES) ==
           ARES_SUCCESS);
    ares_set_socket_functions(channel, &sockets, NULL);
    assert(ares_set_servers_csv(channel, "127.0.0.1") == ARES_SUCCESS);
    return channel;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct resolution a = {0};
    ares_channel channel = channel_of_ours();
    if (len == 0)
        return 0;
    struct ares_addrinfo_hints hints = {
        .ai_family = bytes[0] & 1 ? AF_INET6 : AF_INET,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = ARES_AI_CANONNAME | ARES_AI_NOSORT,
    };
    answer.bytes = bytes + 1;
    answer.len = len - 1;
    answer.given = false;
    ares_getaddrinfo(channel, "edge.example", NULL, &hints, on_answer, &a);
    ares_process_fd(channel, SOCKET, ARES_SOCKET_BAD);
    ares_cancel(channel);
    assert(a.n <= RESOLUTION_ADDRESSES_MAX && a.n_cnames <= RESOLUTION_CNAMES_MAX);
    for (size_t i = 0; i < a.n_cnames; i++)
        for (const char *c = a.cnames[i]; *c != '\0'; c++)
            assert(*c > ' ' && *c <= '~');
    return 0;
}
