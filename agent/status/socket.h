/*
 * The status socket (AF_UNIX): each client receives one answer (answer.h), made when it is
 * accepted. Nothing is read from clients. At most STATUS_CLIENTS_MAX are served at a time,
 * the others wait; a client that does not read is dropped after STATUS_CLIENT_NS.
 *
 * A socket of STATUS_STREAM keeps its clients and sends each a further answer at every
 * status_socket_publish(). A client that has not read the last one by then is dropped.
 *
 * The file has mode 0660. It is removed when the socket is destroyed, unless it was
 * replaced by another file. The stale socket of a dead agent is replaced; a socket of a
 * live process and any other type of file are left alone.
 */
#ifndef EDGELAT_STATUS_SOCKET_H
#define EDGELAT_STATUS_SOCKET_H

#include "base/text.h"
#include "core/time.h"

#include <uv.h>

#define STATUS_CLIENTS_MAX 4
#define STATUS_CLIENT_NS   (2 * NS_PER_S)

struct status_socket;

/* Fills in the answer; the socket then owns it. */
typedef void status_ask_cb(struct text *answer, void *user);

enum status_mode { STATUS_ONCE, STATUS_STREAM };

/* Returns 0 or -errno: -EADDRINUSE (another agent answers there), -EEXIST (not a socket),
 * -ENAMETOOLONG. */
int status_socket_create(struct status_socket **out, uv_loop_t *loop, const char *path,
                         enum status_mode mode, status_ask_cb *on_ask, void *user);
void status_socket_publish(struct status_socket *s);
void status_socket_destroy(struct status_socket *s); /* NULL is fine */

/* For clients. Blocks. Returns a socket whose sends and reads time out after `timeout_ns`,
 * or -errno; -EAGAIN: timed out. */
int status_connect(const char *path, int64_t timeout_ns);

#endif
