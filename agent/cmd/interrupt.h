/*
 * Ends long-running commands on Ctrl-C (SIGINT), SIGTERM, SIGHUP unless it is ignored
 * (nohup), or when the reader of standard output closes it, as `head` does.
 */
#ifndef EDGELAT_CMD_INTERRUPT_H
#define EDGELAT_CMD_INTERRUPT_H

#include <uv.h>

enum { INTERRUPT_SIGNALS = 3 };

typedef void interrupt_cb(void *user);

struct interrupt {
    uv_signal_t signals[INTERRUPT_SIGNALS];
    int watch; /* an epoll(7) descriptor with standard output, or -1 */
    struct poll *poll;
    interrupt_cb *cb;
    void *user;
};

/* The callback comes from the loop, possibly more than once. SIGPIPE is ignored from now on,
 * because a socket may be closed by its peer, too. */
void interrupt_start(struct interrupt *i, uv_loop_t *loop, interrupt_cb *cb, void *user);

/* No callback after it returns; `i` must stay valid until the loop is closed. */
void interrupt_stop(struct interrupt *i);

#endif
