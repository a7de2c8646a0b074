/*
 * `edgelat probe stun --media`: bursts of packets like those of a call, to one host after
 * the other, compared with Microsoft's limits for media of Teams.
 */
#ifndef EDGELAT_CMD_MEDIA_H
#define EDGELAT_CMD_MEDIA_H

#include "core/target.h"

#include <stdbool.h>
#include <stddef.h>

/* Returns the exit code; errors have been reported. Ctrl-C ends it with what is known. */
int media_run(const struct target *targets, size_t n, bool json);

#endif
