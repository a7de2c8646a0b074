/*
 * A kind of probe as the pure core sees it: its names and properties. The probe modules
 * define the kinds and the program passes their list down, so configuration, windows,
 * reports and export work with a new kind without naming it.
 *
 * The default of each property (0) is the conservative one: the kind is off until the
 * configuration names it, its silence is loss, and its delays are not compared with those
 * of other kinds.
 */
#ifndef EDGELAT_CORE_KIND_H
#define EDGELAT_CORE_KIND_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KINDS_MAX  6 /* one more than there are: 300 bytes a target each */
#define DELAYS_MAX 9

#define WAITING_NS INT64_C(2000000000)

/* What a delay measures; core/intercept.h compares delays by their roles. */
enum delay_role {
    DELAY_OTHER,
    DELAY_HANDSHAKE,  /* the TCP handshake, which a middlebox may have answered */
    DELAY_ROUND_TRIP, /* a round trip to the target itself, past every middlebox */
    DELAY_TLS,        /* the TLS handshake after DELAY_HANDSHAKE, with a certificate */
    DELAY_REPLY,      /* from a request to its first byte, on the same connection */
    DELAY_TUNNEL,     /* an HTTP proxy's lookup of the target and its handshake with it */
};

/* The settings of a target that only some kinds use. */
enum kind_setting {
    USES_PORT = 1,
    USES_PAYLOAD = 2, /* payload_bytes, dont_fragment */
    USES_DSCP = 4,
    USES_TLS = 8,    /* server_name, ca_file */
    USES_HTTP = 16,  /* path, proxy */
    USES_MEDIA = 32, /* bursts like the packets of a call, core/media.h */
    USES_TTL = 64,
    USES_QUERY = 128, /* query */
};

struct kind {
    const char *name; /* in configuration and export: "icmp" */
    /* Names of the delays of a result, NULL-terminated; the first is KIND_ROUND_TRIP. */
    const char *delays[DELAYS_MAX];
    unsigned uses;            /* flags of enum kind_setting */
    int64_t interval_ns;      /* default between two probes of the nearest targets */
    int64_t slow_interval_ns; /* default of all other targets */
    int64_t waiting_ns;       /* default waiting time; 0: WAITING_NS */
    const char *label;        /* in sentences: "ICMP" */
    const char *examples;     /* for `edgelat probe --help`, whole lines; NULL: none */
    size_t main_delay;        /* index of the delay that reports show */
    enum delay_role roles[DELAYS_MAX]; /* of `delays` */
    bool on_by_default;                /* used by targets that name no kinds */
    /* Networks drop its probes silently: if it was never answered, its silence is not
     * counted while another kind probes the target, and alone it proves less
     * (core/silence.h). */
    bool may_be_filtered;
    /* A probe is one packet and its answer: a retransmission means a lost packet, and its
     * loss is the loss of the path. */
    bool single_packets;
    bool of_resolver;        /* its targets are DNS servers, not doors to the edge */
    bool tells_pop;          /* its answers name the PoP, so it is sent first */
    uint32_t packets, bytes; /* maximum of one probe, see core/limits.h, ... */
    uint32_t payloads;       /* ... plus the target's payload this many times */
    uint16_t port;           /* default, if it uses one; 0: 443 */
    /* Probes of a target a second that the agent sends at most, in all its families; 0:
     * only the limits of core/limits.h. */
    double most_per_s;
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

/* The name of the kind's main delay; KIND_ROUND_TRIP for a kind that is not in the list,
 * since batches may come from another version. */
const char *kinds_main_delay(const struct kinds *kinds, const char *name);

/* The kinds that use any of these settings (enum kind_setting). */
struct kinds kinds_using(const struct kinds *kinds, unsigned settings);

/* The kinds that measure more than TCP handshakes, which a middlebox may answer. */
struct kinds kinds_past_middlebox(const struct kinds *kinds);

/* Append their names, or their labels, separated by `between`, and by `last` before the
 * last one: "icmp, tcp and https". */
void kinds_add_names(struct text *out, const struct kinds *kinds, const char *between,
                     const char *last);
void kinds_add_labels(struct text *out, const struct kinds *kinds, const char *between,
                      const char *last);

/* True when it measures TCP handshakes and nothing else. */
bool kind_only_handshakes(const struct kind *kind);

size_t kind_delays(const struct kind *kind); /* number of delays it measures */

/* Index of the first delay with this role, or KIND_NONE. */
size_t kind_delay(const struct kind *kind, enum delay_role role);

#endif
