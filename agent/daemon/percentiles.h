/*
 * The file `percentiles` of the state folder: the delays of the last three days
 * (core/rolling.h), so that percentiles of long periods survive a restart. Written each
 * hour on a thread (up to 2.4 MB in the shipped configuration, at most ROLLING_FILE_MAX) and
 * when the agent stops; a power failure costs at most the last hour.
 */
#ifndef EDGELAT_DAEMON_PERCENTILES_H
#define EDGELAT_DAEMON_PERCENTILES_H

#include "core/rolling.h"

#include <uv.h>

struct percentiles;

/* Loads the file into the set, which is borrowed. A damaged file is logged and removed. */
struct percentiles *percentiles_open(uv_loop_t *loop, const char *state_dir,
                                     struct rolling_set *set);

/* Call after each window: saves in the background once an hour. */
void percentiles_window(struct percentiles *p);

/* Saves and frees; waits for a save under way. NULL is fine. */
void percentiles_close(struct percentiles *p);

#endif
