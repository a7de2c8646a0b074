/*
 * The kill switch: whether the agent may probe. Whoever runs the host stops it by a file
 * (stop_file in [agent]), the collector by its answer (otlp/stop.h); it goes on when
 * neither says stop any more. The collector's word is kept in the state folder: an agent
 * that starts again does not probe before the collector has answered. A clock that was
 * never set stops it too: what is measured would have happened in 1970.
 */
#ifndef EDGELAT_DAEMON_KILL_SWITCH_H
#define EDGELAT_DAEMON_KILL_SWITCH_H

#include "config/config.h"
#include "otlp/stop.h"

#include <stdbool.h>

struct kill_switch {
    const struct config *config;
    bool clock, file, collector;  /* who says stop */
    char reason[STOP_REASON_MAX]; /* the collector's, "" is none */
    char text[FILE_TEXT_MAX + STOP_REASON_MAX + 64];
};

/* Begins with what is remembered, where there is a collector that could lift it. */
void kill_switch_begin(struct kill_switch *b, const struct config *config);

/* Looks whether the file is there, and at the clock. */
void kill_switch_check(struct kill_switch *b);

/* Takes what the collector said last; `reason` as in shipper_probing(). */
void kill_switch_collector(struct kill_switch *b, enum probing word, const char *reason);

/* Why nothing may be probed, as a clause, valid until the next call; NULL: go. */
const char *kill_switch_reason(const struct kill_switch *b);

#endif
