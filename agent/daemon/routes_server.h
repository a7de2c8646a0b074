/*
 * Answers `edgelat routes`: a socket beside the status socket, with the same protocol
 * (status/answer.h). It exists only while the BMP station is on.
 */
#ifndef EDGELAT_DAEMON_ROUTES_SERVER_H
#define EDGELAT_DAEMON_ROUTES_SERVER_H

#include "config/config.h"
#include "route/station.h"

#include <uv.h>

#define ROUTES_SOCKET_MAX (sizeof((struct config *)0)->status_socket + sizeof ".routes")

/* The path of the socket: that of the status socket and ".routes". Returns `out`. */
const char *routes_socket_path(char out[ROUTES_SOCKET_MAX], const char *status_socket);

struct routes_server;

/* If the socket cannot be created, logs once what to do and serves no clients. */
struct routes_server *routes_server_create(uv_loop_t *loop, const struct config *config,
                                           const struct station *station);
void routes_server_destroy(struct routes_server *s); /* NULL is fine */

#endif
