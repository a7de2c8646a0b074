/*
 * Receives flow records of routers: IPFIX, NetFlow v9, NetFlow v5 and sFlow v5, by UDP in the
 * agent's loop. Off unless [traffic] flows is set. Datagrams from addresses that are not in
 * exporters of [traffic] are discarded unread; the receiver never answers. A turn of the loop
 * reads at most FLOW_RECEIVER_TURN datagrams, so that a flood delays no probe: the kernel
 * drops the rest, and says how many.
 */
#ifndef EDGELAT_TRAFFIC_FLOW_RECEIVER_H
#define EDGELAT_TRAFFIC_FLOW_RECEIVER_H

#include "config/config.h"
#include "edge/edge_data.h"
#include "traffic/exporters.h"

#include <uv.h>

enum { FLOW_RECEIVER_BATCH = 32, FLOW_RECEIVER_TURN = 128 };

struct flow_receiver;

/* Borrows the configuration and the data. Returns 0 or -errno, of a socket. */
int flow_receiver_create(struct flow_receiver **out, uv_loop_t *loop,
                         const struct config *config, const struct edge_data *edge_data);
void flow_receiver_destroy(struct flow_receiver *r); /* NULL is fine */

uint16_t flow_receiver_port(const struct flow_receiver *r, size_t socket);

/* As of now. */
struct exporters *flow_receiver_exporters(struct flow_receiver *r);

#endif
