/*
 * Watches a socket of a library (c-ares, libcurl) or of a probe on the loop.
 *
 * libuv stops watching a socket when poll() reports an error on it (POLLERR: refused,
 * reset, an error queue). Errors are therefore passed on as "readable and writable": the
 * owner finds the error by reading, and watching continues if the owner keeps the
 * socket.
 */
#ifndef EDGELAT_NET_POLL_H
#define EDGELAT_NET_POLL_H

#include <stdbool.h>
#include <uv.h>

struct poll;
typedef void poll_cb(struct poll *p, bool readable, bool writable, void *user);

/* Starts without any event; see poll_want(). NULL: the loop cannot watch `fd`. */
struct poll *poll_open(uv_loop_t *loop, int fd, poll_cb *cb, void *user);
void poll_want(struct poll *p, bool read, bool write);
int poll_fd(const struct poll *p);

/* No callback after it returns, even when called from inside the callback. Does not
 * close `fd`; the caller may do so at once. NULL is fine. */
void poll_close(struct poll *p);

#endif
