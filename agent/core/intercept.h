/*
 * Does the target itself answer our TCP handshakes? A proxy, firewall or satellite modem
 * that completes them itself gives a short delay that says nothing about the path to
 * Microsoft. Three observations, and what each can and cannot tell:
 *
 *   - The decoy: a connection to a port that no service uses succeeds. This proves a
 *     middlebox.
 *   - TLS on the same connection takes far longer than the handshake: a middlebox that
 *     forwards TLS. Other causes are excluded first. A TLS session costs both ends some
 *     milliseconds of CPU besides its round trip, so INTERCEPT_CRYPTO_NS is subtracted;
 *     TLS 1.2 takes two round trips. A reply as fast as the handshake excludes a
 *     middlebox, and so does ICMP as fast as the handshake: the server is only slow at
 *     TLS.
 *   - ICMP takes far longer than the handshake. By itself that proves nothing: routers
 *     and edges answer ICMP late (low priority, RFC 1812 section 4.3.2.8 lets them limit
 *     it) or by another path. TLS decides: if TLS is quick, so is the path. The exception
 *     is a middlebox that decrypts: TLS is its own, but its replies come from the server
 *     behind it. So the verdict is INTERCEPT_UNSURE, and the delays are kept, when
 *     replies take as long as ICMP, and when there is only ICMP and TCP to compare.
 *
 * "Far longer": the handshake takes less than half, and at least INTERCEPT_LEAST_NS less.
 * The minima of at least INTERCEPT_SAMPLES each, from the same period, are compared:
 * queueing and server load only add to the minimum. The factor of two allows for
 * different equal-cost paths; the 1 ms for a LAN, where half of the delay is nothing.
 *
 * The first comparison decides at once; later the result changes only after
 * INTERCEPT_AGAINST comparisons in a row with the opposite result. When ICMP stops
 * answering, its result is dropped after INTERCEPT_STALE comparisons of TLS.
 */
#ifndef EDGELAT_CORE_INTERCEPT_H
#define EDGELAT_CORE_INTERCEPT_H

#include "core/kind.h"
#include "core/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERCEPT_SAMPLES   3
#define INTERCEPT_AGAINST   2
#define INTERCEPT_STALE     4
#define INTERCEPT_LEAST_NS  NS_PER_MS
#define INTERCEPT_CRYPTO_NS (10 * NS_PER_MS)

/*
 * The decoy ports: IANA has never assigned them and no known service uses them. The
 * second one is for a target that is probed on the first.
 */
#define INTERCEPT_DECOY_PORT       4
#define INTERCEPT_DECOY_OTHER_PORT 6

/* The decoy port for a target that is probed on `port`. */
uint16_t intercept_decoy_port(uint16_t port);

#define INTERCEPT_TEXT_MAX 160

enum intercept_verdict {
    INTERCEPT_NO,     /* no sign of a middlebox */
    INTERCEPT_UNSURE, /* the delays fit a middlebox as well as slow ICMP */
    INTERCEPT_YES,
};

struct intercept_minimum { /* of the samples since the last comparison */
    int64_t ns;            /* valid if n > 0 */
    uint32_t n;
};

struct intercept_comparison {
    struct intercept_minimum handshake, beyond, reply;
    int64_t handshake_ns, beyond_ns; /* of the last comparison */
    int64_t reply_ns;                /* of the last comparison; DELAY_UNDEFINED: none */
    bool judged, verdict;
    uint32_t against; /* comparisons in a row against the verdict */
    uint32_t idle;    /* comparisons of TLS since the last one of this */
};

struct intercept { /* of a (target, family); start with { 0 } */
    bool proxied;  /* there is a proxy in between, so that TLS measures the distance */
    struct intercept_comparison echo, tls;
    const struct kind *echo_kind;   /* of the round trips of `echo`; NULL: none yet */
    struct intercept_minimum decoy; /* n > 0: the decoy port accepted a connection */
};

/* Adds a result of this kind. */
void intercept_add(struct intercept *i, const struct kind *kind,
                   const struct result *result);

/* The result of connecting to the decoy port: the handshake's delay, or DELAY_UNDEFINED
 * when there was none. */
void intercept_decoy(struct intercept *i, int64_t handshake_ns);

/* The path has changed: drops the samples; the verdict stands until there are new
 * ones. */
void intercept_forget(struct intercept *i);

enum intercept_verdict intercept_verdict(const struct intercept *i);

bool intercepted(const struct intercept *i); /* INTERCEPT_YES */

/* "a middlebox 2.0 ms away answers the handshakes (ICMP takes 30.1 ms)", "cannot tell
 * whether ..."; "" for INTERCEPT_NO. `kinds`: all kinds that could be probed. Returns
 * `out`. */
const char *intercept_text(char out[INTERCEPT_TEXT_MAX], const struct intercept *i,
                           const struct kinds *kinds);

/*
 * Index of the delay that measures the distance to the target: the first one. Through a
 * proxy, and while a middlebox answers the handshakes, it is TLS, which reaches the target; a kind without
 * TLS then has no such delay, and its first one is undefined.
 */
size_t intercept_distance(const struct kind *kind, const struct intercept *i);

/* True for the delay of a handshake, which a middlebox would have answered. */
bool intercept_leaves_out(const struct kind *kind, size_t delay);

#endif
