/*
 * The agent: measures, encodes each closed window, and ships it through the spool. Owns
 * nothing that blocks; everything turns on one loop.
 */
#ifndef EDGELAT_DAEMON_AGENT_H
#define EDGELAT_DAEMON_AGENT_H

#include "config/config.h"
#include "edge/edge_data.h"

#include <stdint.h>
#include <uv.h>

struct agent;

typedef void agent_stopped_cb(void *user);

/*
 * `config` and `edge_data` are borrowed and outlive the agent. Returns 0, or -errno after
 * saying in one line on standard error what could not be done and the next step.
 */
int agent_create(struct agent **out, uv_loop_t *loop, const struct config *config,
                 const struct edge_data *edge_data);

/*
 * Closes the open window, puts it into the spool and tries once to ship what waits there.
 * `on_stopped` comes once, within AGENT_STOP_NS; what was not accepted by then stays in
 * the spool.
 */
#define AGENT_STOP_NS (4 * INT64_C(1000000000))
void agent_stop(struct agent *a, agent_stopped_cb *on_stopped, void *user);

struct agent_progress {
    uint64_t accepted, waiting; /* batches: taken by the collector since the start, and in
                                   the spool now */
    const char *stopped;        /* why nothing is probed, as a clause; NULL: it is */
};
struct agent_progress agent_progress(const struct agent *a);

void agent_destroy(struct agent *a); /* no callback after it returns; NULL is fine */

#endif
