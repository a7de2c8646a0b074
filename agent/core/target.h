/*
 * A target: a host name and how to probe it. A plain value made by the configuration or
 * the command line. (target, kind, family) is a stream: the unit that is scheduled,
 * windowed and exported.
 */
#ifndef EDGELAT_CORE_TARGET_H
#define EDGELAT_CORE_TARGET_H

#include "core/endpoint.h"
#include "core/kind.h"
#include "core/uplink.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TARGET_NAME_MAX  HOST_TEXT_MAX /* often the host name */
#define WORD_TEXT_MAX    64            /* a service, a site, a provider */
#define TARGET_NAME_OF   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define HOST_TEXT_MAX    254 /* RFC 1035: 253 characters */
#define PATH_TEXT_MAX    256
#define FILE_TEXT_MAX    256
#define PROXY_TEXT_MAX   256
#define TARGETS_MAX      256
#define LIMIT_SOURCE_MAX 128

/* Name and host of the target that stands for the default gateway (`gateway`); the host is
 * systemd's word for it (nss-myhostname). */
#define GATEWAY_NAME "gateway"
#define GATEWAY_HOST "_gateway"

/* A target above a limit is degraded; 0: no limit. The sources name the origin of each
 * limit; NULL: the configuration. */
struct limits {
    int64_t delay_ns;     /* for the median of a window's first delay */
    int64_t variation_ns; /* for the mean of its delay variation */
    double loss_ratio;    /* for the packets of a path, see core/path_loss.h */
    double distance_km;   /* how much farther than the nearest metro the PoP may be */
    const char *delay_source, *variation_source, *loss_source, *distance_source;
    /* Microsoft's limit is for media in windows of 15 s and 200 ms; here it is applied to
     * probes of a signalling service. */
    bool delay_of_media, variation_of_media, loss_of_media;
};

/* The texts are not its own; most are of base/intern.h. */
struct target {
    const char *name; /* unique; characters of TARGET_NAME_OF, below TARGET_NAME_MAX */
    const char *host; /* name or address literal, below HOST_TEXT_MAX */
    /* Requested in TLS (SNI) and HTTP (Host) instead of host; NULL or "": host. */
    const char *server_name;
    char service[WORD_TEXT_MAX]; /* e.g. "exchange"; "": none */
    const char *path;            /* of the HTTPS request, begins with '/' */
    const char *query;   /* that a DNS server is asked for; NULL or "": the kind's */
    const char *ca_file; /* PEM, replaces the system's CAs; NULL or "": the system's */
    /* For HTTPS: a URL, "none", or NULL or "": the environment's. */
    const char *proxy;
    uint16_t port;                  /* 0: the default of each kind, see target_port() */
    bool ipv4, ipv6;                /* the families to probe */
    bool kinds[KINDS_MAX];          /* the kinds to probe with, by their index */
    int64_t interval_ns[KINDS_MAX]; /* while it is among the nearest */
    int64_t slow_interval_ns[KINDS_MAX]; /* while it is not */
    int64_t waiting_ns[KINDS_MAX];       /* waiting time: a later answer is late */
    uint16_t payload_bytes; /* of an ICMP echo, after its header; 16 to 1400 */
    uint8_t dscp;           /* 0 to 63 */
    uint8_t ttl;            /* or hop limit; 0: the system's default */
    bool dont_fragment;
    bool over_uplinks;           /* probe it over each uplink, too: core/uplinks.h */
    const struct uplink *uplink; /* borrowed; NULL: the system's routes */
    struct limits limits;
    bool discovered; /* added by discovery, not configured */
    /* The default gateway: its silence is no outage, and only core/last_metre.h judges
     * it. */
    bool gateway;
    /* Its kinds that use HTTP go through a proxy, which resolves the name. */
    bool proxied;
};

/* Defaults for all fields except name and host: both families, the kinds that are on by
 * default. */
struct target target_default(const struct kinds *kinds);

/* The port that a kind probes; 0: it has none. NULL: that of a handshake with TCP. */
uint16_t target_port(const struct target *t, const struct kind *kind);

/* Sets the waiting time of every kind. */
void target_wait(struct target *t, int64_t waiting_ns);

/* The longest waiting time of a kind that is probed every `interval_ns`: probes of one
 * stream do not pile up. Never shorter than WAITING_NS. */
int64_t waiting_longest_ns(int64_t interval_ns);

/* True when any of the target's kinds has a delay of this role. */
bool target_measures(const struct target *t, const struct kinds *kinds,
                     enum delay_role role);

/* True when its probes of this kind go through the proxy. */
bool target_goes_by_proxy(const struct target *t, const struct kind *kind);

/* True when all its kinds are those of DNS servers (kind.of_resolver). */
bool target_is_resolver(const struct target *t, const struct kinds *kinds);

/* "exchange", "exchange over lte": the target, and the uplink unless it is NULL. */
enum { TARGET_OVER_TEXT_MAX = TARGET_NAME_MAX + sizeof " over " + UPLINK_NAME_MAX };
const char *target_over_text(char out[TARGET_OVER_TEXT_MAX], const struct target *t);

/* True when both have the same host name or address. */
bool target_same_host(const struct target *a, const struct target *b);

#endif
