/*
 * Runs the pure explorer and the pure pipeline with real clocks, names and sockets:
 * carries out the explorer's steps (lookups, handshakes, surveys), sends the probes that
 * are due, records results and answers, and closes the windows. `edgelat run` ships its
 * batches; `edgelat nearest` prints them. Callbacks only record; the explorer acts on its
 * next turn.
 */
#ifndef EDGELAT_DAEMON_MEASURER_H
#define EDGELAT_DAEMON_MEASURER_H

#include "config/config.h"
#include "core/batch.h"
#include "edge/edge_data.h"
#include "edge/explorer.h"
#include "edge/resolver_watch.h"
#include "net/http.h"
#include "net/network.h"
#include "probe/prober.h"

#include <uv.h>

struct measurer_events {
    /* Called when a window has closed. The batch is a view, valid during the call; its
     * `self` is empty. */
    void (*on_batch)(const struct batch *batch, void *user);
    /* Called before the series of the last batch change, for what still reads them. NULL is
     * fine. */
    void (*settle)(void *user);
    /* Called when a sweep has found front doors: measurer_keep(). NULL is fine. */
    void (*on_swept)(void *user);
    /* Each result of the address in use of a target, also of one over an uplink
     * (`target->uplink`), and a change of the host's network. NULL is fine. */
    void (*on_result)(const struct target *target, const struct result *result,
                      void *user);
    void (*on_moved)(void *user);
    void *user;
    enum prober_reading reading;
};

struct measurer_counters {
    bool probing; /* not paused */
    struct prober_counters prober;
    struct explorer_counters names;
    /* largest timer delay since the last call of measurer_counters() */
    int64_t loop_lag_max_ns;
};

struct measurer;

/*
 * All but the events are borrowed and outlive the measurer. `budget`: what may be sent; NULL: no
 * limit. It starts paused: nothing is
 * sent before measurer_resume(). Returns 0, or -EINVAL or -E2BIG when the DNS servers of
 * the configuration are not a list of addresses.
 */
int measurer_create(struct measurer **out, uv_loop_t *loop, const struct config *config,
                    const struct edge_data *edge_data, struct http *http,
                    struct explorer_pace pace, struct budget *budget,
                    struct measurer_events events);

/* The network that the host is in: netlink_identity(). */
uint64_t measurer_network(const struct measurer *m);

/* The default gateway of a family and its interface; false: there is none, or `gateway` of
 * [agent] is no. */
bool measurer_gateway(const struct measurer *m, enum family family,
                      struct network_item *out);

/* The interface of the default route, of IPv4 if there is one; false: there is none. */
bool measurer_uplink(const struct measurer *m, char name[INTERFACE_NAME_MAX]);

/* The DNS servers of the host that are probed, each once; `out` has room for
 * DNS_SERVERS_MAX. Returns how many. */
size_t measurer_resolvers(const struct measurer *m, struct watched_server *out);

/* explorer_resume(), before the first measurer_resume(); explorer_keep() with the network
 * and the time. */
bool measurer_restore(struct measurer *m, const struct kept_doors *kept);
bool measurer_keep(const struct measurer *m, struct kept_doors *out);

/* Begins a survey because `what` (for the log) has moved, at the earliest one minute after
 * the last survey. Does nothing while paused. */
void measurer_survey(struct measurer *m, const char *what);

/*
 * Stops all probes and lookups; windows still close. `why` is a clause; it is logged and
 * reported as an event, once. Probes in flight end within their waiting time. Resuming
 * begins a survey.
 */
void measurer_pause(struct measurer *m, const char *why);
void measurer_resume(struct measurer *m);

/* The events of the open window. Valid until it closes. */
struct events *measurer_events(struct measurer *m);

/* Closes the open window now; on_batch comes from inside this call. */
void measurer_close_window(struct measurer *m);

struct measurer_counters measurer_counters(struct measurer *m);

/* explorer_failure() of a target of the configuration, by its number there. */
const char *measurer_failure(const struct measurer *m, size_t target);

/* explorer_unanswered() */
bool measurer_unanswered(const struct measurer *m);

/* explorer_summary() for the ranking of the last closed window. */
bool measurer_summary(const struct measurer *m, struct doors_summary *out);

/* The delays of the last three days, to save and to load. */
struct rolling_set *measurer_rolling(struct measurer *m);

/* No callback after it returns; NULL is fine. The open window is lost unless it was closed
 * before. */
void measurer_destroy(struct measurer *m);

#endif
