/*
 * Asks the DNS servers of the host where they lead the services: runs the pure
 * edge/resolver_watch.h with real queries and TCP handshakes, one at a time. Each query
 * goes to one server, so neither the hosts file nor other servers take part.
 */
#ifndef EDGELAT_DAEMON_RESOLVER_CHECKER_H
#define EDGELAT_DAEMON_RESOLVER_CHECKER_H

#include "core/batch.h"
#include "core/budget.h"
#include "edge/edge_data.h"
#include "edge/resolver_watch.h"

#include <uv.h>

struct resolver_checker;

/* The events of the open window. */
typedef struct events *resolver_checker_events(void *user);

/* `config`, `edge_data` and `budget` are borrowed; a query or handshake that the budget
 * cannot pay is left out. Paused at first. */
struct resolver_checker *
resolver_checker_create(uv_loop_t *loop, const struct config *config,
                        const struct edge_data *edge_data, struct budget *budget,
                        resolver_checker_events *events, void *user);
void resolver_checker_destroy(struct resolver_checker *c); /* NULL is fine */

/* A window has closed; the servers of the host. */
void resolver_checker_window(struct resolver_checker *c, const struct batch *batch,
                             const struct watched_server *servers, size_t n);

void resolver_checker_moved(struct resolver_checker *c); /* into another network */
void resolver_checker_pause(struct resolver_checker *c, bool paused); /* idempotent */

#endif
