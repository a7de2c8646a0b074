/*
 * One measurement: a result (a singleton of RFC 2330). It is a value, copied down the
 * line; what it says about the path is in `outcome`, how long things took in `delays`.
 * Loss is an outcome, never a delay; "this host could not send" is not loss.
 */
#ifndef EDGELAT_CORE_RESULT_H
#define EDGELAT_CORE_RESULT_H

#include "core/endpoint.h"
#include "core/kind.h"
#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>

enum outcome {
    OUTCOME_REPLY,        /* answered within the waiting time */
    OUTCOME_LOSS,         /* not answered within the waiting time (RFC 2681, RFC 7680) */
    OUTCOME_REFUSED,      /* the target itself declined: TCP reset, or an ICMP error that
                             only a host that got the probe sends (port unreachable) */
    OUTCOME_UNREACHABLE,  /* somebody on the path reported that the probe did not arrive:
                             ICMP unreachable, prohibited, TTL exceeded */
    OUTCOME_TLS_ERROR,    /* connected, but no TLS session or no trusted certificate */
    OUTCOME_HTTP_ERROR,   /* TLS stood, but no HTTP answer that makes sense */
    OUTCOME_NOT_MEASURED, /* nothing was sent: it is about this host, not about the path
                           */
    OUTCOME_COUNT
};

const char *outcome_name(enum outcome outcome); /* "reply", "loss", ... */

/*
 * Whether the probe is lost. A packet that does not arrive is lost, whether or not a
 * router reports it (RFC 7680, 2.4; `ping` counts the same way), so OUTCOME_UNREACHABLE is
 * lost as OUTCOME_LOSS is. A refusal and a failed TLS or HTTP exchange came from the
 * target: the path carried them.
 */
bool outcome_is_lost(enum outcome outcome);

/* Sums over counts by outcome: the probes that were sent, those that were lost, and those
 * that the target answered with something else than a reply. */
uint64_t outcomes_sent(const uint64_t outcomes[OUTCOME_COUNT]);
uint64_t outcomes_lost(const uint64_t outcomes[OUTCOME_COUNT]);
uint64_t outcomes_failed(const uint64_t outcomes[OUTCOME_COUNT]);

#define DELAY_UNDEFINED INT64_C(-1)
#define POP_TEXT_MAX    16

/* What an HTTPS result knows besides its delays; all zero or "" where it does not. */
struct http_facts {
    uint16_t status;      /* of the reply, 0 is none */
    char version[8];      /* "1.1", "2" */
    char tls_version[8];  /* "1.2", "1.3" */
    char issuer[64];      /* organisation or common name of who issued the certificate */
    int32_t expires_days; /* of the certificate; valid when `issuer` is not empty;
                             negative is past */
    char cache[24];       /* X-Cache, as sent */
    bool proxy; /* the request went through an HTTP proxy, or should have: rtt, dns and
                   connect, which would be the proxy's, are undefined */
    bool warm;  /* a second request on the same connection was timed as well */
};

struct result {
    struct wall
        time; /* when the probe was sent; when it should have been, if not measured */
    uint32_t stream; /* the sender's number for (target, kind, family) */
    enum outcome outcome;
    struct endpoint to;
    int64_t delays[DELAYS_MAX]; /* ns, in the order of the kind's names; DELAY_UNDEFINED
                                   or >= 0 */
    char pop[POP_TEXT_MAX]; /* PoP that the answer named ("LON", "SG1"), "" when it named
                               none */
    const char *pop_basis;  /* what named it: "X-MSEdge-Ref"; static, NULL is nothing */
    const char *foreign;    /* the mark of another network in the reply ("CF-RAY of
                               Cloudflare"), which then names no PoP; static; NULL: none */
    char cause[96];         /* one plain clause on what went wrong, or is odd with
                               a reply; "" after one that is as it should be */
    uint8_t lost_packets;   /* retransmissions the kernel made for it: packets that were
                             lost, besides the probe itself when that is lost */
    bool kernel_time; /* the first delay is from kernel stamps, not from our own clock */
    struct http_facts http;
};

/* A result with every delay undefined. */
struct result result_of(uint32_t stream, const struct endpoint *to, struct wall time,
                        enum outcome outcome);

#endif
