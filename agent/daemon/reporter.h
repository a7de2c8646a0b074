/*
 * Reports one closed window: logs state changes, adds the agent's own metrics and the
 * events of the edge, encodes both signals and appends them to the spool (daemon/packer.h).
 */
#ifndef EDGELAT_DAEMON_REPORTER_H
#define EDGELAT_DAEMON_REPORTER_H

#include "config/config.h"
#include "core/batch.h"
#include "core/clock_watch.h"
#include "core/last_metre.h"
#include "daemon/load_watch.h"
#include "daemon/self_metrics.h"
#include "edge/edge_data.h"
#include "edge/mtu_watch.h"
#include "edge/path_watch.h"
#include "otlp/metrics.h"
#include "route/station.h"
#include "spool/spool.h"
#include "traffic/exporters.h"
#include "traffic/handshakes.h"
#include "traffic/interface_reader.h"
#include "traffic/set_reader.h"

#include "daemon/media_monitor.h"

struct reporter;

/* Borrows its arguments and the texts of `resource`; they outlive the reporter. */
struct reporter *reporter_create(uv_loop_t *loop, const struct config *config,
                                 const struct edge_data *edge_data,
                                 const struct otlp_resource *resource,
                                 struct spool *spool);
void reporter_destroy(struct reporter *c); /* NULL is fine; flushes */

/* Waits until the spool has all batches, which libuv's thread pool encodes and compresses:
 * before the series of the last one change, and at the end. */
void reporter_flush(struct reporter *c);

struct reporter_sources { /* NULL: off */
    struct station *station;
    struct exporters *exporters;
    struct interface_reader *interfaces;
    struct set_reader *sets;
    struct handshakes *handshakes;
    struct path_watch *paths;
    const struct mtu_watch *mtus;
    struct media_monitor *media;
    struct load_watch *load;
    struct clock_watch *clock;
    const struct metre_gateway *gateways; /* two: ipv4, ipv6 */
};

/* Reports the window, with what the sources have told in it and what is known of the paths.
 * Returns the subject of the first event that requires a survey, valid until the next call,
 * or NULL. */
const char *reporter_take(struct reporter *c, const struct batch *measured,
                          const struct agent_counters *counters,
                          const struct reporter_sources *from);

/* What the last window says of the last metre. */
const struct last_metre *reporter_last_metre(const struct reporter *c);

/* All events of the last window. */
const struct events *reporter_events(const struct reporter *c);

#endif
