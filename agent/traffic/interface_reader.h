/*
 * Reads the counters of network interfaces each second: of those that carry the route to a
 * target, and those of [traffic] interfaces. Needs no privilege. A reading of an interface takes
 * about 2 us of CPU.
 */
#ifndef EDGELAT_TRAFFIC_INTERFACE_READER_H
#define EDGELAT_TRAFFIC_INTERFACE_READER_H

#include "config/config.h"
#include "edge/edge_data.h"
#include "traffic/interfaces.h"

#include <uv.h>

struct interface_reader;

/* Returns 0 or -errno: the kernel has no rtnetlink for this process. */
int interface_reader_create(struct interface_reader **out, uv_loop_t *loop,
                            const struct config *config,
                            const struct edge_data *edge_data);
void interface_reader_destroy(struct interface_reader *r); /* NULL is fine */

/* Reads all again and looks up the routes to the addresses of the targets, then writes the metric
 * rows of the window, as interfaces_window(). */
size_t interface_reader_window(struct interface_reader *r, const struct batch *batch,
                               struct self_value values[INTERFACES_VALUES_MAX]);

const struct interfaces *interface_reader_interfaces(const struct interface_reader *r);

#endif
