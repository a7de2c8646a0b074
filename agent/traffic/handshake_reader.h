/*
 * Sees the handshakes of users on an interface (handshakes.h). Off unless [traffic] handshakes is set;
 * needs CAP_NET_RAW. The interface may come and go. Where it cannot be seen, the problem says why.
 */
#ifndef EDGELAT_TRAFFIC_HANDSHAKE_READER_H
#define EDGELAT_TRAFFIC_HANDSHAKE_READER_H

#include "config/config.h"
#include "edge/edge_data.h"
#include "traffic/handshakes.h"

#include <uv.h>

struct handshake_reader;

struct handshake_reader *handshake_reader_create(uv_loop_t *loop,
                                                 const struct config *config,
                                                 const struct edge_data *edge_data);
void handshake_reader_destroy(struct handshake_reader *r); /* NULL is fine */

struct handshakes *handshake_reader_handshakes(struct handshake_reader *r);

/* Appends the problem, if there is one: 1. */
size_t handshake_reader_problems(const struct handshake_reader *r, struct text *out);

#endif
