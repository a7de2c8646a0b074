#include "net/guard.h"

#include "net/clock.h"

#include <assert.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Linux doubles this to the size of its initial buffer, so the receive window does not
 * grow. */
#define RECEIVE_BUFFER (64 << 10)

#define AGAIN_NS (10 * 1000000L)

#ifndef sigev_notify_thread_id /* glibc before 2.38 */
#define sigev_notify_thread_id _sigev_un._tid
#endif

static timer_t timer;
static unsigned users;
static struct guard *volatile entered;
static int64_t wary_until_ns; /* CLOCK_MONOTONIC; 0: no flood so far */

static uint64_t bytes_received(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
    return info.tcpi_bytes_received;
}

static bool has_sent(const struct guard *g, uint64_t bytes)
{
    for (size_t i = 0; i < GUARD_SOCKETS; i++)
        if (g->fd_plus_1[i] != 0 &&
            bytes_received(g->fd_plus_1[i] - 1) > g->bytes_before[i] + bytes)
            return true;
    return false;
}

static void disconnect(const struct guard *g)
{
    const struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    for (size_t i = 0; i < GUARD_SOCKETS; i++)
        if (g->fd_plus_1[i] != 0)
            (void)connect(g->fd_plus_1[i] - 1, &unspecified, sizeof unspecified);
}

static void on_signal(int number, siginfo_t *info, void *unused)
{
    int error = errno;
    struct guard *g = entered;
    (void)number, (void)unused;
    if (g != NULL && info->si_code == SI_TIMER && has_sent(g, GUARD_FLOOD_BYTES)) {
        g->verdict = GUARD_TOO_LONG;
        disconnect(g);
    }
    errno = error;
}

/* SIGVTALRM is meant for CPU time and is not used elsewhere. */
static int make_timer(void)
{
    struct sigaction action = {.sa_sigaction = on_signal,
                               .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGVTALRM};
    sigset_t ours;
    event.sigev_notify_thread_id = gettid();
    sigemptyset(&ours);
    sigaddset(&ours, SIGVTALRM);
    if (sigaction(SIGVTALRM, &action, NULL) < 0 ||
        timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) < 0)
        return -errno;
    pthread_sigmask(SIG_UNBLOCK, &ours, NULL); /* the parent may have blocked it */
    return 0;
}

int guard_start(void)
{
    int rc = users == 0 ? make_timer() : 0;
    users += rc == 0;
    return rc;
}

void guard_stop(void)
{
    assert(users > 0);
    if (--users == 0)
        timer_delete(timer);
}

/* ---- sockets ---- */

bool guard_add(struct guard *g, int fd)
{
    int size = RECEIVE_BUFFER;
    for (size_t i = 0; i < GUARD_SOCKETS; i++) {
        if (g->fd_plus_1[i] != 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        g->bytes_before[i] = 0;
        g->fd_plus_1[i] = fd + 1;
        return true;
    }
    return false;
}

void guard_forget(struct guard *g, int fd)
{
    for (size_t i = 0; i < GUARD_SOCKETS; i++)
        if (g->fd_plus_1[i] == fd + 1)
            g->fd_plus_1[i] = 0;
}

bool guard_is_empty(const struct guard *g)
{
    size_t i = 0;
    while (i < GUARD_SOCKETS && g->fd_plus_1[i] == 0)
        i++;
    return i == GUARD_SOCKETS;
}

/* ---- requests and their calls ---- */

void guard_begin(struct guard *g)
{
    g->verdict = GUARD_FINE;
    for (size_t i = 0; i < GUARD_SOCKETS; i++)
        if (g->fd_plus_1[i] != 0)
            g->bytes_before[i] = bytes_received(g->fd_plus_1[i] - 1);
}

static void run_timer(int64_t call_ns)
{
    const struct itimerspec when = {{0, call_ns == 0 ? 0 : AGAIN_NS}, {0, call_ns}};
    timer_settime(timer, 0, &when, NULL);
}

void guard_enter(struct guard *g)
{
    assert(entered == NULL);
    entered = g;
    bool wary = wary_until_ns != 0 && clock_ns(CLOCK_MONOTONIC) < wary_until_ns;
    run_timer(wary ? GUARD_WARY_NS : GUARD_CALL_NS);
}

void guard_leave(struct guard *g)
{
    run_timer(0);
    entered = NULL;
    if (g->verdict == GUARD_TOO_LONG)
        wary_until_ns = clock_ns(CLOCK_MONOTONIC) + GUARD_WARY_FOR_NS;
    if (g->verdict == GUARD_FINE && has_sent(g, GUARD_BYTES))
        g->verdict = GUARD_TOO_MUCH;
    if (g->verdict != GUARD_FINE)
        disconnect(g);
}
