/*
 * The status socket, of AF_UNIX: whoever may connect is sent one answer (answer.h), made
 * when he is let in. Nothing is read from him. At most STATUS_CLIENTS_MAX are served at a
 * time, the others wait; one who does not read is dropped after STATUS_CLIENT_NS.
 *
 * The file is for its owner and group, mode 0660. It goes when the socket is destroyed,
 * if it is still the one that was made; one that a dead agent has left is replaced. What
 * is no socket, or is answered by somebody, stays.
 */
#ifndef EDGELAT_STATUS_SOCKET_H
#define EDGELAT_STATUS_SOCKET_H

#include "base/text.h"
#include "core/time.h"

#include <uv.h>

#define STATUS_CLIENTS_MAX 4
#define STATUS_CLIENT_NS   (2 * NS_PER_S)

struct status_socket;

/* Fills in the answer; it is the socket's then. */
typedef void status_ask_cb(struct text *answer, void *user);

/* Returns 0 or -errno: -EADDRINUSE: another agent answers there, -EEXIST: it is no
 * socket, -ENAMETOOLONG. */
int status_socket_create(struct status_socket **out, uv_loop_t *loop, const char *path,
                         status_ask_cb *on_ask, void *user);
void status_socket_destroy(struct status_socket *s); /* NULL is fine */

/* For who asks, blocking: a socket that gives up sending, and reading, after
 * `timeout_ns`; or -errno, -EAGAIN: that was over. */
int status_connect(const char *path, int64_t timeout_ns);

#endif
