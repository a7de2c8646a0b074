/*
 * What the STUN probes of the targets tell besides delay (core/media_watch.h), and bursts
 * like a call (probe/stun/burst.h) to one of these targets after the other: at most
 * `bursts_per_day` in a day of UTC, at random times that are fixed for a day and agent, so
 * that no restart adds one. A burst is a multiple of what the limits of core/limits.h
 * allow to one host in its 15 s; MEDIA_BURSTS_MAX a day is compiled in.
 */
#ifndef EDGELAT_DAEMON_MEDIA_MONITOR_H
#define EDGELAT_DAEMON_MEDIA_MONITOR_H

#include "core/batch.h"
#include "core/budget.h"
#include "core/media.h"
#include "core/media_watch.h"

#include <uv.h>

/* Values of media_monitor_values(): public addresses, blocked targets, a burst. */
enum { MEDIA_MONITOR_VALUES_MAX = EGRESS_MAX + MEDIA_WATCH_MAX + 8 };

struct media_monitor;

/* The events of the open window. */
typedef struct events *media_monitor_events(void *user);

/* Paused at first. `seed`: of this agent. `limits` are copied. `budget` is borrowed: a burst
 * that it cannot pay is left out; NULL: no limit. */
struct media_monitor *media_monitor_create(uv_loop_t *loop, uint32_t bursts_per_day,
                                           uint64_t seed,
                                           const struct media_limits *limits,
                                           struct budget *budget,
                                           media_monitor_events *events, void *user);
void media_monitor_destroy(struct media_monitor *m); /* NULL is fine */

/* A result of the address in use of a target, or of one over an uplink. */
void media_monitor_result(struct media_monitor *m, const struct target *target,
                          const struct result *result);

/* A window has closed: the targets' addresses. */
void media_monitor_window(struct media_monitor *m, const struct batch *batch);

/* What is exported of the closed window. Returns how many; valid until the next call. */
size_t media_monitor_values(struct media_monitor *m,
                            struct self_value values[MEDIA_MONITOR_VALUES_MAX]);

void media_monitor_moved(struct media_monitor *m); /* this host is in another network */

const struct media_watch *media_monitor_watch(const struct media_monitor *m);

/* Idempotent. A burst under way is dropped. */
void media_monitor_pause(struct media_monitor *m, bool paused);

#endif
