/*
 * Turns the pure explorer and the pure pipeline with real clocks, names and sockets: it
 * carries out the explorer's steps (lookups, handshakes, surveys), sends the probes that
 * are due, notes results and answers, and closes the windows. `edgelat run` ships what
 * comes out; `edgelat nearest` prints it. Callbacks only note; what follows is done by
 * the next turn of the explorer.
 */
#ifndef EDGELAT_DAEMON_MEASURER_H
#define EDGELAT_DAEMON_MEASURER_H

#include "config/config.h"
#include "core/batch.h"
#include "edge/edge_data.h"
#include "edge/explorer.h"
#include "net/http.h"
#include "probe/prober.h"

#include <uv.h>

struct measurer_events {
    /* A window has closed. The batch is a view, valid during the call; its `self` is
     * empty. */
    void (*on_batch)(const struct batch *batch, void *user);
    void *user;
};

struct measurer_counters {
    bool probing; /* not paused */
    struct prober_counters prober;
    struct explorer_counters names;
    int64_t loop_lag_max_ns; /* longest a timer came late since the last call of
                                measurer_counters() */
};

struct measurer;

/*
 * All but the events are borrowed and outlive the measurer. It is paused at first:
 * nothing is sent before measurer_resume(). Returns 0 or -errno (a DNS server in the
 * configuration that is no address).
 */
int measurer_create(struct measurer **out, uv_loop_t *loop, const struct config *config,
                    const struct edge_data *edge_data, struct http *http,
                    struct explorer_pace pace, struct measurer_events events);

/* Something has moved: a survey, not sooner than a minute after the last one. `what` is
 * for the log. */
void measurer_look(struct measurer *m, const char *what);

/*
 * Stops all probing and all lookups; windows close as before. `why` is a clause; it is
 * logged and reported as an event, once. Probes under way end within their waiting time.
 * To resume is to begin a survey.
 */
void measurer_pause(struct measurer *m, const char *why);
void measurer_resume(struct measurer *m);

/* Closes the open window now; on_batch comes from inside this call. */
void measurer_close_window(struct measurer *m);

struct measurer_counters measurer_counters(struct measurer *m);

/* explorer_failure() of a target of the configuration, by its number there. */
const char *measurer_failure(const struct measurer *m, size_t target);

/* explorer_summary(), by the ranking of the window that closed last. */
bool measurer_summary(const struct measurer *m, struct doors_summary *out);

/* No callback after it returns; NULL is fine. The open window is lost: close it before.
 */
void measurer_destroy(struct measurer *m);

#endif
