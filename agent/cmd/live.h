/*
 * A session of live probes from the command line: resolves the hosts, sends the probes,
 * prints each result as it arrives, then the summaries. Uses the agent's probe kinds.
 */
#ifndef EDGELAT_CMD_LIVE_H
#define EDGELAT_CMD_LIVE_H

#include "core/target.h"

#include <stdbool.h>

struct live {
    size_t kinds[KINDS_MAX], n_kinds; /* numbers in the table of kinds */
    struct target *targets;           /* one per host, target.ipv4/.ipv6 as requested */
    size_t n;
    uint32_t count; /* probes per target and kind; 0: until Ctrl-C */
    int64_t interval_ns;
    bool every_family; /* probe each requested family; else the first that works */
    bool json;
    bool quiet;     /* only the summaries */
    bool unix_time; /* in place of the local time */
};

/* Returns the exit code; errors have been reported. Ctrl-C and SIGTERM end it with the
 * summaries; Ctrl-\ (SIGQUIT) prints the counts so far on standard error. */
int live_run(const struct live *live);

#endif
