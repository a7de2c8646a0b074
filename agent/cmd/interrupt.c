#include "cmd/interrupt.h"

#include "net/poll.h"

#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

static const int numbers[INTERRUPT_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

static void on_signal(uv_signal_t *handle, int number)
{
    struct interrupt *i = handle->data;
    (void)number;
    i->cb(i->user);
}

static void on_unread(struct poll *poll, bool readable, bool writable, void *user)
{
    struct interrupt *i = user;
    (void)readable, (void)writable;
    poll_want(poll, false, false);
    i->cb(i->user);
}

/*
 * An error or hang-up on standard output makes the epoll descriptor readable. The loop
 * does not watch standard output itself: libuv would set O_NONBLOCK for all processes that
 * share it. A regular file cannot be watched and has no reader that could close it.
 */
static void watch_output(struct interrupt *i, uv_loop_t *loop)
{
    struct epoll_event nothing_else = {.events = 0};
    i->watch = epoll_create1(EPOLL_CLOEXEC);
    if (i->watch < 0)
        return;
    if (epoll_ctl(i->watch, EPOLL_CTL_ADD, STDOUT_FILENO, &nothing_else) == 0)
        i->poll = poll_open(loop, i->watch, on_unread, i);
    if (i->poll != NULL)
        poll_want(i->poll, true, false);
}

static bool is_ignored(int number)
{
    struct sigaction now;
    return sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void interrupt_start(struct interrupt *i, uv_loop_t *loop, interrupt_cb *cb, void *user)
{
    *i = (struct interrupt){.watch = -1, .cb = cb, .user = user};
    signal(SIGPIPE, SIG_IGN);
    for (size_t n = 0; n < INTERRUPT_SIGNALS; n++) {
        uv_signal_init(loop, &i->signals[n]);
        i->signals[n].data = i;
        if (numbers[n] != SIGHUP || !is_ignored(SIGHUP))
            uv_signal_start(&i->signals[n], on_signal, numbers[n]);
    }
    watch_output(i, loop);
}

void interrupt_stop(struct interrupt *i)
{
    for (size_t n = 0; n < INTERRUPT_SIGNALS; n++)
        uv_close((uv_handle_t *)&i->signals[n], NULL);
    poll_close(i->poll);
    if (i->watch >= 0)
        close(i->watch);
}
