/*
 * What is expected of a host that `edgelat probe` asks: the limit of its delay, from the
 * configuration, else Microsoft's by its service; and what is usual here, from the agent that
 * runs on this host. Quietly nothing where neither is known.
 */
#ifndef EDGELAT_CMD_EXPECTED_H
#define EDGELAT_CMD_EXPECTED_H

#include "core/endpoint.h"

#include <stdint.h>

struct expected;

struct expected *expected_read(void); /* blocks for at most a few seconds */
void expected_free(struct expected *e);

/* For the median of the first delay; 0: none. `source` is "" for the configuration; valid until
 * the next call. */
int64_t expected_limit(struct expected *e, const char *host, const char **source);

/* The median of the last 24 hours, else of the last window; DELAY_UNDEFINED: unknown. */
int64_t expected_usual(const struct expected *e, const char *host, const char *kind,
                       enum family family);

#endif
