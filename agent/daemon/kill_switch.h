/*
 * The kill switch: whether the agent may probe. The operator of the host stops probing by
 * a file (stop_file in [agent]), the collector by its answer (otlp/stop.h); probing resumes
 * when both are lifted. The collector's order is kept in the state folder, so a restarted
 * agent does not probe before the collector has lifted it. An unset clock stops probing
 * too: results would be stamped 1970.
 */
#ifndef EDGELAT_DAEMON_KILL_SWITCH_H
#define EDGELAT_DAEMON_KILL_SWITCH_H

#include "config/config.h"
#include "otlp/stop.h"

#include <stdbool.h>

struct kill_switch {
    const struct config *config;
    bool clock, file, collector;  /* causes that stop probing */
    char reason[STOP_REASON_MAX]; /* the collector's; "": none */
    char text[FILE_TEXT_MAX + STOP_REASON_MAX + 64];
};

/* Starts with the remembered order if there is a collector that could lift it. */
void kill_switch_begin(struct kill_switch *b, const struct config *config);

/* Checks the file and the clock. */
void kill_switch_check(struct kill_switch *b);

/* Takes the collector's last order; `reason` as in shipper_probing(). */
void kill_switch_collector(struct kill_switch *b, enum probing word, const char *reason);

/* Why probing is stopped, as a clause, valid until the next call; NULL: it is not. */
const char *kill_switch_reason(const struct kill_switch *b);

#endif
