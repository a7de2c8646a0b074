/*
 * The usual delays here, from the status of the agent that runs on this host (the JSON of
 * `edgelat status --json`): for each stream the median of its first delay over the last 24
 * hours, else over the last window, by the host of the target. Pure.
 */
#ifndef EDGELAT_DIAGNOSE_USUAL_H
#define EDGELAT_DIAGNOSE_USUAL_H

#include "base/json_read.h"
#include "diagnose/facts.h"

struct usual_delay {
    char host[HOST_TEXT_MAX];
    char kind[16];
    enum family family;
    int64_t median_ns;
};

enum { USUAL_MAX = 8 * TARGETS_MAX };

/* Returns how many were found. */
size_t usual_read(struct usual_delay out[USUAL_MAX], struct json_span status);

/* DELAY_UNDEFINED: not among them. */
int64_t usual_of(const struct usual_delay *list, size_t n, const char *host,
                 const char *kind, enum family family);

#endif
