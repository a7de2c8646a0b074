/*
 * Turns the pure pipeline with real clocks, names and sockets: keeps the targets' names
 * resolved, sends the probes that are due, feeds the results back, and closes the
 * windows. `edgelat run` ships what comes out; `edgelat nearest` prints it.
 *
 * It looks around for what is near (discovery.h) when it begins, each hour, when the
 * network of the host changes and when somebody has reason to (measurer_look()); within
 * LOOKING_NS all that was found is ranked, and the log says what is nearest. Where that
 * is nothing, as DNS or the way out is not there yet, it looks again a minute later.
 */
#ifndef EDGELAT_MEASURER_H
#define EDGELAT_MEASURER_H

#include "core/batch.h"
#include "core/config.h"
#include "edge/knowledge.h"
#include "names.h"
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
    struct names_counters names;
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
                    const struct knowledge *knowledge, struct http *http,
                    struct measurer_events events);

/* Looks around again; `what` has moved, for the log. Where that is within a minute of the
 * last time, when the minute is over. */
void measurer_look(struct measurer *m, const char *what);

/*
 * Stops all probing, looking around and asking for names; windows close as before. `why`
 * is a clause; it goes into the log and into an event, once. What is under way ends
 * within its waiting time. To resume is to look around anew.
 */
void measurer_pause(struct measurer *m, const char *why);
void measurer_resume(struct measurer *m);

/* Closes the open window now; on_batch comes from inside this call. */
void measurer_close_window(struct measurer *m);

struct measurer_counters measurer_counters(struct measurer *m);

/* names_failure() of a target of the configuration, by its number there. */
const char *measurer_failure(const struct measurer *m, size_t target);

/* No callback after it returns; NULL is fine. The open window is lost: close it before.
 */
void measurer_destroy(struct measurer *m);

#endif
