/*
 * The BMP station: listens for routers (RFC 7854), in the agent's loop. Off unless [bmp]
 * listen is set. Routers that are not in the allow-list are disconnected at once, and so are
 * those beyond STATION_ROUTERS_MAX or STATION_PER_ADDRESS_MAX. The station never sends.
 *
 * A session ends with one line in the log when a message has a wrong version or length, when
 * a message or the Initiation is not complete within STATION_STALL_NS, or when TCP keepalive gets no answer
 * (after 35 s). Between whole messages a router may be silent for any time: BMP has no
 * keepalive. Memory is bounded by the number of sessions and BMP_MESSAGE_MAX.
 */
#ifndef EDGELAT_ROUTE_STATION_H
#define EDGELAT_ROUTE_STATION_H

#include "config/config.h"
#include "edge/edge_data.h"
#include "route/rib.h"

#include <uv.h>

enum { STATION_ROUTERS_MAX = RIB_ROUTERS_MAX, STATION_PER_ADDRESS_MAX = 8 };
enum { STATION_VALUES_MAX = RIB_VALUES_MAX + 3 };
#define STATION_STALL_NS (60 * NS_PER_S)

struct station;

/* Borrows the configuration and the data. Returns 0 or -errno, of the listening socket. */
int station_create(struct station **out, uv_loop_t *loop, const struct config *config,
                   const struct edge_data *edge_data);
void station_destroy(struct station *s); /* NULL is fine */

uint16_t station_port(const struct station *s);
const struct rib *station_rib(const struct station *s);

struct station_counters {
    uint64_t messages, bad_messages, refused;
};
struct station_counters station_counters(const struct station *s);

/* Ends the window: moves its events to `events` and writes its metric rows, as
 * rib_window(). */
size_t station_window(struct station *s, bool delta, struct events *events,
                      struct self_value values[STATION_VALUES_MAX]);

#endif
