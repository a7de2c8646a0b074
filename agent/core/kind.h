/*
 * What the pure core knows of a kind of probe: its words and its habits. The probe
 * modules define the kinds and the program hands their list down, so configuration,
 * windows and export know a new kind by name without naming it.
 */
#ifndef EDGELAT_CORE_KIND_H
#define EDGELAT_CORE_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KINDS_MAX  8
#define DELAYS_MAX 8

struct kind {
    const char *name;               /* "icmp", "tcp", "https" */
    const char *delays[DELAYS_MAX]; /* names of what one result measures, NULL-ended,
                                       "rtt" first */
    bool has_port;                  /* probes go to the target's port */
    int64_t interval_ns;      /* between two probes of the nearest targets, by default */
    int64_t slow_interval_ns; /* of all the other targets, by default */
    bool handshakes;          /* "rtt" is a TCP handshake's, see core/intercept.h */
    bool tells_pop;          /* its answers name the PoP, so it is the first to be sent */
    uint32_t packets, bytes; /* that one probe makes at most, see core/limits.h ... */
    uint32_t payloads;       /* ... besides the target's payload, so many times */
};

struct kinds { /* in the order in which they are shown and numbered */
    const struct kind *list[KINDS_MAX];
    size_t n;
};

#define KIND_NONE SIZE_MAX

size_t kinds_find(const struct kinds *kinds, const char *name); /* index or KIND_NONE */
size_t kind_delays(const struct kind *kind); /* how many delays it measures */
size_t kind_delay(const struct kind *kind, const char *name); /* index, or KIND_NONE */

#endif
