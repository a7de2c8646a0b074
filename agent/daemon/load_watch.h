/*
 * Feeds core/load_curve.h: each second the rates of the interface of the default route, from
 * its counters (traffic/interfaces.h), and the round trips to targets that were measured in it.
 */
#ifndef EDGELAT_DAEMON_LOAD_WATCH_H
#define EDGELAT_DAEMON_LOAD_WATCH_H

#include "config/config.h"
#include "core/batch.h"
#include "core/load_curve.h"
#include "daemon/measurer.h"
#include "traffic/interfaces.h"

enum { LOAD_ROWS_MAX = LOAD_DIRECTIONS * LOAD_BINS };

struct load_watch;

struct load_watch *load_watch_create(const struct config *config);
void load_watch_destroy(struct load_watch *w); /* NULL is fine */

void load_watch_result(struct load_watch *w, const struct target *target,
                       const struct result *result);

/* Call it once a second. Another interface begins a new curve. */
void load_watch_second(struct load_watch *w, const struct measurer *m,
                       const struct interfaces *all);

/* Judges, and writes the metric rows of the window; their texts live as long as `w`. */
size_t load_watch_window(struct load_watch *w, struct wall at, struct events *events,
                         struct self_value values[LOAD_ROWS_MAX]);

void load_watch_text(const struct load_watch *w, struct text *out);

#endif
