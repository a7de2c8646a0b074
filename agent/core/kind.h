/*
 * What the pure core knows of a kind of probe: its names and its properties. The probe
 * modules define the kinds and the program hands their list down, so configuration,
 * windows, reports and export work with a new kind without naming it.
 *
 * A property that a kind does not state is the careful one: the kind is off until the
 * configuration names it, its silence is loss, and its delays are not compared with
 * those of others.
 */
#ifndef EDGELAT_CORE_KIND_H
#define EDGELAT_CORE_KIND_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KINDS_MAX  8
#define DELAYS_MAX 8

/* What a delay says about the path: which ones core/intercept.h compares. */
enum delay_role {
    DELAY_OTHER,
    DELAY_HANDSHAKE,  /* of a TCP handshake, which a middlebox may have answered */
    DELAY_ROUND_TRIP, /* to the target itself, past every middlebox */
    DELAY_TLS,   /* of the TLS handshake after DELAY_HANDSHAKE; shows a certificate */
    DELAY_REPLY, /* from a request to its first byte, on the same connection */
};

/* The settings of a target that only some kinds use. */
enum kind_setting {
    USES_PORT = 1,
    USES_PAYLOAD = 2, /* payload_bytes, dont_fragment */
    USES_DSCP = 4,
    USES_TLS = 8,   /* server_name, ca_file */
    USES_HTTP = 16, /* path, proxy */
};

struct kind {
    const char *name;               /* in configuration and export: "icmp" */
    const char *delays[DELAYS_MAX]; /* names of what one result measures, NULL-ended;
                                       the first is KIND_ROUND_TRIP */
    unsigned uses;                  /* of enum kind_setting */
    int64_t interval_ns;      /* between two probes of the nearest targets, by default */
    int64_t slow_interval_ns; /* of all the other targets, by default */
    const char *label;        /* in sentences: "ICMP" */
    const char *examples;     /* of `edgelat probe`, whole lines; NULL: none */
    size_t main_delay;        /* number of the delay that a report is about */
    enum delay_role roles[DELAYS_MAX]; /* of `delays` */
    bool on_by_default;                /* used by targets that name no kinds */
    bool may_be_filtered; /* networks drop its probes silently: without any answer ever,
                                it says nothing while another kind probes the target */
    bool single_packets;  /* a probe is one packet and its answer: one that is sent again
                                was lost, and its loss is that of the path */
    bool tells_pop;       /* its answers name the PoP, so it is the first to be sent */
    uint32_t packets, bytes; /* that one probe makes at most, see core/limits.h ... */
    uint32_t payloads;       /* ... besides the target's payload, so many times */
};

#define KIND_ROUND_TRIP "rtt"

struct kinds { /* in the order in which they are shown and numbered */
    const struct kind *list[KINDS_MAX];
    size_t n;
};

#define KIND_NONE SIZE_MAX

size_t kinds_find(const struct kinds *kinds, const char *name); /* index or KIND_NONE */

/* The first kind that has a delay of this role, or NULL. */
const struct kind *kinds_with(const struct kinds *kinds, enum delay_role role);

/* The name of the kind's main delay; KIND_ROUND_TRIP of a kind that is not in the list:
 * batches may come from another version. */
const char *kinds_main_delay(const struct kinds *kinds, const char *name);

/* Those that use any of these settings (enum kind_setting). */
struct kinds kinds_using(const struct kinds *kinds, unsigned settings);

/* Those that tell more than TCP handshakes, which a middlebox may answer. */
struct kinds kinds_past_middlebox(const struct kinds *kinds);

/* Adds their names, or their labels, with `between` between two, `last` before the last
 * one: "icmp, tcp and https". */
void kinds_add_names(struct text *out, const struct kinds *kinds, const char *between,
                     const char *last);
void kinds_add_labels(struct text *out, const struct kinds *kinds, const char *between,
                      const char *last);

/* Whether all that it measures is a TCP handshake. */
bool kind_only_handshakes(const struct kind *kind);

size_t kind_delays(const struct kind *kind); /* how many delays it measures */

/* Number of the first delay of this role, or KIND_NONE. */
size_t kind_delay(const struct kind *kind, enum delay_role role);

#endif
