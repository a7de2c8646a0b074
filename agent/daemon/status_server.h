/*
 * Answers clients of the status socket: combines the closed windows and the counters of the
 * modules into one snapshot.
 */
#ifndef EDGELAT_DAEMON_STATUS_SERVER_H
#define EDGELAT_DAEMON_STATUS_SERVER_H

#include "config/config.h"
#include "core/batch.h"
#include "core/last_metre.h"
#include "daemon/kill_switch.h"
#include "daemon/load_watch.h"
#include "daemon/measurer.h"
#include "daemon/media_monitor.h"
#include "daemon/mtu_finder.h"
#include "daemon/path_tracer.h"
#include "route/station.h"
#include "ship/shipper.h"
#include "spool/spool.h"
#include "traffic/flow_receiver.h"
#include "traffic/handshake_reader.h"
#include "traffic/interface_reader.h"
#include "traffic/set_reader.h"

#include <uv.h>

struct status_server;

struct status_server_sources { /* borrowed; they outlive the status server */
    const struct config *config;
    const char *instance_id, *host_name;
    const struct kill_switch *kill_switch;
    const struct spool *spool;
    const struct shipper *shipper;      /* NULL: no collector */
    struct measurer *const *measurer;   /* points to NULL until measuring begins */
    struct station *const *station;     /* points to NULL while the BMP station is off */
    struct flow_receiver *const *flows; /* points to NULL while no flows are received */
    struct set_reader *const *sets;     /* points to NULL while no sets are read */
    struct handshake_reader *const *handshakes; /* points to NULL while it is off */
    struct interface_reader *const *interfaces; /* points to NULL while none is read */
    struct path_tracer *const *paths; /* points to NULL while paths are not traced */
    struct mtu_finder *const *mtus;   /* points to NULL while it is off */
    struct media_monitor *const *media;
    const struct budget *budget;
    struct load_watch **load;
};

/*
 * The path of the second socket: that of the status socket and ".windows". A client gets the
 * JSON of `edgelat status` as one line, with "history" (medians of the last windows) and
 * "histogram" (bars of equal width on a logarithmic scale) in each stream, and another line
 * whenever a window has closed. Returns `out`.
 */
#define STATUS_WINDOWS_MAX (sizeof((struct config *)0)->status_socket + sizeof ".windows")
const char *status_windows_path(char out[STATUS_WINDOWS_MAX], const char *status_socket);

/* If the socket cannot be created, logs once what to do and serves no clients. */
struct status_server *status_server_create(uv_loop_t *loop,
                                           const struct status_server_sources *from);

/* Destroy it before the measurer, which owns the discovered targets. NULL is fine. */
void status_server_destroy(struct status_server *a);

/* Adds a closed window. */
void status_server_window(struct status_server *a, const struct batch *batch,
                          const struct events *events, const struct last_metre *metre,
                          int64_t loop_lag_ns);

#endif
