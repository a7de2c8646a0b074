/*
 * The result of one measurement (a singleton of RFC 2330), as a value. Loss is an
 * outcome, never a delay; a probe that this host could not send is not lost.
 */
#ifndef EDGELAT_CORE_RESULT_H
#define EDGELAT_CORE_RESULT_H

#include "core/endpoint.h"
#include "core/kind.h"
#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>

enum outcome {
    OUTCOME_REPLY, /* answered within the waiting time */
    OUTCOME_LOSS,  /* not answered within the waiting time (RFC 2681, RFC 7680) */
    /* The target itself declined: TCP reset, or an ICMP error that only the destination
     * host sends (port unreachable). */
    OUTCOME_REFUSED,
    /* A router reported that the probe did not arrive: ICMP unreachable, prohibited, TTL
     * exceeded. */
    OUTCOME_UNREACHABLE,
    OUTCOME_TLS_ERROR,    /* connected, but no TLS session or no trusted certificate */
    OUTCOME_HTTP_ERROR,   /* TLS session, but no valid HTTP reply, or a 5xx */
    OUTCOME_NOT_MEASURED, /* nothing was sent: a fault of this host, not of the path */
    /* Connected, but no reply within the waiting time: its delay is longer than that. */
    OUTCOME_SLOW,
    OUTCOME_COUNT
};

const char *outcome_name(enum outcome outcome); /* "reply", "loss", ... */

/*
 * True for OUTCOME_LOSS and OUTCOME_UNREACHABLE. A packet that does not arrive is lost,
 * whether or not a router reports it (RFC 7680, 2.4; `ping` counts the same way). A
 * refusal, a failed TLS or HTTP exchange and a slow reply are not loss: the path carried the probe.
 */
bool outcome_is_lost(enum outcome outcome);

/* Sums over counts by outcome: probes sent, probes lost, and probes that the target
 * answered with something other than a reply. */
uint64_t outcomes_sent(const uint32_t outcomes[OUTCOME_COUNT]);
uint64_t outcomes_lost(const uint32_t outcomes[OUTCOME_COUNT]);
uint64_t outcomes_failed(const uint32_t outcomes[OUTCOME_COUNT]);

#define DELAY_UNDEFINED INT64_C(-1)
#define POP_TEXT_MAX    16
#define ISSUER_TEXT_MAX 64

/* True for 5xx, a failure of the server (RFC 9110, section 15.6). 4xx are answers. */
static inline bool result_status_fails(int status)
{
    return status >= 500;
}

/* Facts of an HTTPS result besides its delays; zero or "" if unknown. */
struct http_facts {
    uint16_t status;              /* of the reply; 0: none */
    char version[8];              /* "1.1", "2" */
    char tls_version[8];          /* "1.2", "1.3" */
    char issuer[ISSUER_TEXT_MAX]; /* of the certificate: organisation or common name */
    int32_t expires_days; /* of the certificate, if `issuer` is set; negative: expired */
    char cache[24];       /* X-Cache, as sent */
    /* The request went, or should have gone, through an HTTP proxy: rtt, dns and connect
     * would be those of the proxy and are undefined. */
    bool proxy;
    uint16_t proxy_status; /* of the proxy's refusal of CONNECT; 0: it did not refuse */
    bool warm;             /* a second request on the same connection was timed as well */
};

/* Facts of a STUN response; zero if unknown. */
struct stun_facts {
    struct endpoint mapped; /* our address and port as the server sees them */
    struct endpoint local;  /* of the socket: what a NAT has mapped */
    uint16_t error;         /* code of an error response; 0: a success response */
    uint16_t tcp_port;      /* of a loss: TCP that answers while UDP is silent; 0: none */
};

/* Facts of the answer of a DNS server (RFC 1035, section 4.1.1). */
struct dns_facts {
    uint8_t rcode;
    uint16_t answers; /* records */
    bool truncated;   /* it did not fit into a datagram */
    bool tcp;         /* and came by TCP */
};

/* The router that reported by ICMP that a TCP connection does not arrive, and the address of
 * this host that it reported it to; FAMILY_NONE: no report, or one of this host itself. */
struct icmp_source {
    struct endpoint by, to;
};

struct result {
    struct wall time;        /* when the probe was sent, or was due if not measured */
    uint32_t stream;         /* the sender's number for (target, kind, family) */
    uint64_t number;         /* of the prober's probes, from 1 */
    const struct kind *kind; /* by which it was measured; NULL: not known */
    enum outcome outcome;
    struct endpoint to;
    /* ns, in the order of the kind's names; DELAY_UNDEFINED or >= 0. */
    int64_t delays[DELAYS_MAX];
    /* Lower bounds of undefined delays that were still running when the waiting time
     * ended (censored values); 0: none. */
    int64_t longer_than[DELAYS_MAX];
    char pop[POP_TEXT_MAX]; /* PoP that the answer names ("LON", "SG1"); "": none */
    const char *pop_basis;  /* source of `pop`: "X-MSEdge-Ref"; static; NULL: none */
    /* The mark of another network in the reply ("CF-RAY of Cloudflare"), which then names
     * no PoP; static; NULL: none. */
    const char *foreign;
    /* One clause: the cause of a failure, or an oddity of a reply; "": a normal reply. */
    char cause[192];
    struct icmp_source reporter; /* of an unreachable one */
    /* Packets lost besides the probe itself, by retransmissions of the kernel, as far as it
     * is certain that those were needed. */
    uint8_t lost_packets;
    /* All packets of the probe, both directions, and their bytes with IP headers; at least what
     * was on the wire. 0: not known. */
    uint32_t wire_packets, wire_bytes;
    bool kernel_time; /* the first delay is from kernel timestamps, not our own clock */
    struct http_facts http;
    struct stun_facts stun;
    struct dns_facts dns;
};

/* A result with every delay undefined. */
struct result result_of(uint32_t stream, const struct endpoint *to, struct wall time,
                        enum outcome outcome);

/* A delay in ms with three significant digits, always in ms: "0.045", "3.12", "31.2", "312",
 * "1084"; "-" if it is negative or not finite. Returns `out`. */
#define DELAY_TEXT_MAX 24
const char *delay_text(char out[DELAY_TEXT_MAX], double ms);

struct json;
void delay_json(struct json *j, const char *key, int64_t ns); /* in ms, or null */

#endif
