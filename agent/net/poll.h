/*
 * A socket that belongs to a library (c-ares, libcurl) or to a probe, watched on the
 * loop.
 *
 * libuv takes a socket off the loop when poll() reports an error on it (POLLERR: refused,
 * reset, an error queue), so an error is given on as "readable and writable", for the
 * owner to find by reading, and the watch goes on when the owner keeps the socket.
 */
#ifndef EDGELAT_NET_POLL_H
#define EDGELAT_NET_POLL_H

#include <stdbool.h>
#include <uv.h>

struct poll;
typedef void poll_cb(struct poll *p, bool readable, bool writable, void *user);

/* Watches for nothing yet. NULL when the loop cannot watch `fd`. */
struct poll *poll_open(uv_loop_t *loop, int fd, poll_cb *cb, void *user);
void poll_want(struct poll *p, bool read, bool write);
int poll_fd(const struct poll *p);

/* No callback after it returns, also from inside it; `fd` is not closed and may be closed
 * at once. NULL is fine. */
void poll_close(struct poll *p);

#endif
