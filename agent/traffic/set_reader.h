/*
 * Asks the helper (`edgelat traffic serve`) for the counters of the nftables sets every
 * SET_READER_MS, by its socket: so the agent itself needs no CAP_NET_ADMIN. Off unless
 * [traffic] counters is set. What the helper sends is bounded and only numbers.
 */
#ifndef EDGELAT_TRAFFIC_SET_READER_H
#define EDGELAT_TRAFFIC_SET_READER_H

#include "config/config.h"
#include "edge/edge_data.h"
#include "traffic/set_counters.h"

#include <uv.h>

enum { SET_READER_MS = 2000, SET_READER_VALUES_MAX = RATES_VALUES_MAX };

struct set_reader;

struct set_reader *set_reader_create(uv_loop_t *loop, const struct config *config,
                                     const struct edge_data *edge_data);
void set_reader_destroy(struct set_reader *r); /* NULL is fine */

/* Metric rows of the window, as rates_window(). */
size_t set_reader_window(struct set_reader *r, bool delta,
                         struct self_value values[SET_READER_VALUES_MAX]);

/* Counts what is still spread: the agent ends. */
void set_reader_flush(struct set_reader *r);

/* Sums by service and direction, and rates of the last window. */
const struct rates *set_reader_rates(const struct set_reader *r);

/* Appends a line for each service and direction; and the problem, if there is one: 1. */
void set_reader_text(const struct set_reader *r, struct text *out);
size_t set_reader_problems(const struct set_reader *r, struct text *out);

#endif
