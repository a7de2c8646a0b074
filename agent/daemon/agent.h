/*
 * The agent's life: owns the measurer, reporter, spool, shipper and status server, starts
 * and stops them on one loop, and applies the kill switch. Never blocks.
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
 * logging in one line what failed and what to do.
 */
int agent_create(struct agent **out, uv_loop_t *loop, const struct config *config,
                 const struct edge_data *edge_data);

/*
 * Closes the open window, appends it to the spool and tries once to ship the spool.
 * `on_stopped` comes once, later, within AGENT_STOP_NS; batches not accepted by then stay
 * in the spool.
 */
#define AGENT_STOP_NS (4 * INT64_C(1000000000))
void agent_stop(struct agent *a, agent_stopped_cb *on_stopped, void *user);

struct agent_progress {
    /* batches: accepted by the collector since the start; in the spool now */
    uint64_t accepted, waiting;
    const char *stopped; /* why probing is stopped, as a clause; NULL: it is not */
};
struct agent_progress agent_progress(const struct agent *a);

void agent_destroy(struct agent *a); /* no callback after it returns; NULL is fine */

#endif
