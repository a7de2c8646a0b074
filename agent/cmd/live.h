/*
 * A session of live probes from the command line: resolves the hosts, sends, prints each
 * result as it comes, then the summaries. The probes are the agent's own.
 */
#ifndef EDGELAT_CMD_LIVE_H
#define EDGELAT_CMD_LIVE_H

#include "core/target.h"

#include <stdbool.h>

struct live {
    size_t kind;            /* number in the table of kinds */
    struct target *targets; /* one a host, target.ipv4/.ipv6 as asked for */
    size_t n;
    uint32_t count; /* probes a target; 0: until Ctrl-C */
    int64_t interval_ns;
    bool
        every_family; /* probe each family that is asked for; else the first that works */
    bool json;
};

/* Returns the exit code; what could not be done has been said. Ctrl-C and
 * SIGTERM end it with the summaries. */
int live_run(const struct live *live);

#endif
