/*
 * Does the target itself answer our TCP handshakes? A proxy, firewall or satellite modem
 * that completes them itself gives a short delay that says nothing about the way to
 * Microsoft. It betrays itself in three ways:
 *
 *   - ICMP, which passes it, takes far longer than its handshakes. Where there is ICMP,
 *     it decides: also a proxy that decrypts, whose TLS is as near as its handshakes, is
 *     found out, and a server that is only slow at TLS is not blamed.
 *   - TLS on the same connection takes far longer than the handshake. A TLS session costs
 *     both ends' processors some milliseconds besides its round trip (TLS 1.3), so
 *     INTERCEPT_CRYPTO_NS is taken off first. Replies to requests are no evidence against
 *     it (the edge may have to ask a server behind it), but one that came as fast as the
 *     handshake clears it.
 *   - It "connects" to a port that nobody serves (the decoy).
 *
 * "Far longer": handshakes take less than half of it, and at least INTERCEPT_LEAST_NS
 * less. The minima of at least INTERCEPT_SAMPLES each, of the same time, are compared:
 * queues, a router's slow path for ICMP and a busy server come and go above the minimum.
 * Half leaves room for ICMP and TCP on different equal-cost ways, 1 ms for a LAN, where
 * half is nothing.
 *
 * The first comparison counts at once; later the verdict changes only when
 * INTERCEPT_AGAINST comparisons in a row say the opposite. When ICMP falls silent, TLS
 * decides after INTERCEPT_STALE comparisons of its own.
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
 * The decoy: nobody serves these (IANA has never assigned them, and nothing is known to
 * use them). The second one is for a target that is probed on the first.
 */
#define INTERCEPT_DECOY_PORT       4
#define INTERCEPT_DECOY_OTHER_PORT 6

#define INTERCEPT_TEXT_MAX 128

struct intercept_minimum { /* of what came since the last comparison */
    int64_t ns;            /* where n > 0 */
    uint32_t n;
};

struct intercept_comparison {
    struct intercept_minimum handshake, beyond, reply;
    int64_t handshake_ns, beyond_ns; /* as they were compared last */
    bool judged, verdict;
    uint32_t against; /* comparisons in a row against the verdict */
    uint32_t idle;    /* comparisons of the other one since the last */
};

struct intercept { /* of a (target, family); { 0 } knows nothing */
    struct intercept_comparison echo, tls;
    struct intercept_minimum decoy; /* n > 0: it connected */
};

/* Takes a result; the kind says what its delays are. */
void intercept_add(struct intercept *i, const struct kind *kind,
                   const struct result *result);

/* What came of connecting to the decoy port: its handshake, or DELAY_UNDEFINED. */
void intercept_decoy(struct intercept *i, int64_t handshake_ns);

/* The way is another one: samples are dropped, the verdict stands until there are new
 * ones. */
void intercept_forget(struct intercept *i);

bool intercepted(const struct intercept *i);

/* "a middlebox 2.0 ms away answers the handshakes (ICMP takes 30.1 ms)"; "" when not
 * intercepted. Returns `out`. */
const char *intercept_text(char out[INTERCEPT_TEXT_MAX], const struct intercept *i);

/* Whether this delay ("rtt", "connect") is the handshake's, and so the middlebox's. */
bool intercept_leaves_out(const struct kind *kind, size_t delay);

#endif
