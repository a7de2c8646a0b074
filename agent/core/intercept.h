/*
 * Does the target itself answer our TCP handshakes? A proxy, firewall or satellite modem
 * that completes them itself gives a short delay that says nothing about the path to
 * Microsoft. Three observations, and what each can and cannot tell:
 *
 *   - The decoy: it "connects" to a port that nobody serves. A middlebox, for sure.
 *   - TLS on the same connection takes far longer than the handshake: a middlebox that
 *     passes TLS on. Some other causes are excluded first. A TLS session costs both ends'
 *     processors some milliseconds besides its round trip, so INTERCEPT_CRYPTO_NS is taken
 *     off; TLS 1.2 takes two round trips. A reply as fast as the handshake clears it, and
 *     so does ICMP as fast as the handshake: the server is only slow at TLS.
 *   - ICMP takes far longer than the handshake. By itself that proves nothing: routers
 *     and edges answer ICMP late (low priority, RFC 1812 section 4.3.2.8 lets them limit
 *     it) or by another path. TLS decides. Where TLS is quick, so is the path, with one
 *     exception: a middlebox that decrypts has its own TLS, but its replies still come
 *     from behind it. So replies that take as long as ICMP leave the question open, and
 *     so does ICMP with TCP alone: INTERCEPT_UNSURE, whose delays are kept.
 *
 * "Far longer": handshakes take less than half of it, and at least INTERCEPT_LEAST_NS
 * less. The minima of at least INTERCEPT_SAMPLES each, of the same time, are compared:
 * queues and a busy server come and go above the minimum. Half leaves room for different
 * equal-cost paths, 1 ms for a LAN, where half is nothing.
 *
 * The first comparison counts at once; later its result changes only when
 * INTERCEPT_AGAINST comparisons in a row say the opposite. When ICMP falls silent, it
 * counts no more after INTERCEPT_STALE comparisons of TLS.
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

/* The one to try of a target on `port`. */
uint16_t intercept_decoy_port(uint16_t port);

#define INTERCEPT_TEXT_MAX 160

enum intercept_verdict {
    INTERCEPT_NO,     /* nothing speaks for it */
    INTERCEPT_UNSURE, /* the delays fit a middlebox as well as slow ICMP */
    INTERCEPT_YES,
};

struct intercept_minimum { /* of what came since the last comparison */
    int64_t ns;            /* where n > 0 */
    uint32_t n;
};

struct intercept_comparison {
    struct intercept_minimum handshake, beyond, reply;
    int64_t handshake_ns, beyond_ns; /* as they were compared last */
    int64_t reply_ns;                /* with them; DELAY_UNDEFINED: none */
    bool judged, verdict;
    uint32_t against; /* comparisons in a row against the verdict */
    uint32_t idle;    /* comparisons of the other one since the last */
};

struct intercept { /* of a (target, family); { 0 } knows nothing */
    struct intercept_comparison echo, tls;
    const struct kind *echo_kind;   /* of the round trips of `echo`; NULL: none came */
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

enum intercept_verdict intercept_verdict(const struct intercept *i);

bool intercepted(const struct intercept *i); /* INTERCEPT_YES */

/* "a middlebox 2.0 ms away answers the handshakes (ICMP takes 30.1 ms)", "cannot tell
 * whether ..."; "" for INTERCEPT_NO. `kinds`: what else could be probed. Returns `out`. */
const char *intercept_text(char out[INTERCEPT_TEXT_MAX], const struct intercept *i,
                           const struct kinds *kinds);

/*
 * Number of the delay that says how far the target is: the first one. While a middlebox
 * answers the handshakes, TLS, which goes all the way; a kind without TLS then has no
 * such delay, and the first one is undefined.
 */
size_t intercept_distance(const struct kind *kind, const struct intercept *i);

/* Whether this delay is a handshake's, and so the middlebox's. */
bool intercept_leaves_out(const struct kind *kind, size_t delay);

#endif
