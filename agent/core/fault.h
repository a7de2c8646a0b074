/*
 * The faults of a site's way to Microsoft, under one name each: `edgelat diagnose`, `edgelat
 * status` and the report name the same fault alike. Scripts select by the names, which are
 * stable. The order is that in which a packet meets them, the most basic first. Pure.
 */
#ifndef EDGELAT_CORE_FAULT_H
#define EDGELAT_CORE_FAULT_H

#include <stdbool.h>

enum fault {
    FAULT_NO_ROUTE,
    FAULT_LINK_DUPLEX,
    FAULT_LINK_ERRORS,
    FAULT_LINK_SIGNAL,
    FAULT_GATEWAY_SILENT,
    FAULT_GATEWAY_LOSS,
    FAULT_GATEWAY_SLOW,
    FAULT_NO_DNS,
    FAULT_RESOLVER_DEAD,
    FAULT_RESOLVER_LOSS, /* answers come, to queries that were sent again */
    FAULT_RESOLVER_SLOW,
    FAULT_RESOLVER_LIES,
    FAULT_RESOLVER_FAR, /* it sends this site to a distant PoP */
    FAULT_PORTAL,
    FAULT_PROXY_FAILS,
    FAULT_PROXY, /* traffic goes through a proxy */
    FAULT_VPN,
    FAULT_ADDRESS_OUTSIDE, /* not in the registered prefixes */
    FAULT_BACKUP_POP,
    FAULT_CONNECTIONS, /* new connections are limited; other packets pass */
    FAULT_PATH_LOSS,
    FAULT_LARGE_LOSS, /* of large packets only */
    FAULT_JITTER,     /* delay variation */
    FAULT_PROVIDER_SLOW,
    FAULT_PATH_BROKEN, /* nothing answers behind the first hops */
    FAULT_FAR_DOOR,    /* another front door answers sooner */
    FAULT_CLOCK,
    FAULT_INTERCEPTED, /* TLS, by the issuer */
    FAULT_MIDDLEBOX,   /* answers TCP handshakes itself */
    FAULT_MTU,
    FAULT_IPV4_BROKEN, /* and IPv6 works */
    FAULT_IPV6_BROKEN,
    FAULT_IPV6_SLOW,
    FAULT_SERVICE_DOWN,
    FAULT_SERVICE_ADDRESS, /* some of its addresses do not answer */
    FAULT_SERVICE_ERRORS,  /* 5xx, or 429 */
    FAULT_SERVICE_TLS,
    FAULT_SERVICE_LOSS,
    FAULT_SERVICE_SLOW,
    FAULT_UDP_BLOCKED,
    FAULT_MEDIA,
    FAULT_LOAD, /* delay under load */
    FAULTS,
    FAULT_NONE = FAULTS
};

const char *fault_name(enum fault f);    /* "gateway_loss", for scripts */
const char *fault_title(enum fault f);   /* "First hop loses packets", for people */
const char *fault_segment(enum fault f); /* "local network" */
const char *fault_whom(enum fault f);    /* to call */

#define FAULT_BIT(fault) (UINT64_C(1) << (fault))

/* Where `a` is the case, `b` follows from it: a captive portal breaks TLS, a lossy first hop
 * slows every service. */
bool fault_explains(enum fault a, enum fault b);

/* The fault that is the case after an event with this name and `after`, as event_leaves()
 * has it; FAULT_NONE: none of these, or it depends on the streams. */
enum fault fault_of_event(const char *name, const char *after);

#endif
