/*
 * The delays that real users have, from TCP handshakes with Microsoft's addresses that pass an
 * interface of a gateway or a mirror port: outside, from SYN to SYN-ACK, is the way from here to
 * Microsoft; inside, from SYN-ACK to ACK, the way from here to the user (Wi-Fi). Karn's rule (RFC 6298,
 * 3): a SYN or SYN-ACK that was sent again gives no delay of its side. Handshakes of this host itself
 * are counted, but give no delays: its probes are no users.
 *
 * Private by construction: of a connection that is not yet complete, a keyed hash of addresses and
 * ports is kept, at most HANDSHAKE_KEEP_NS; afterwards only the delay. Pure.
 */
#ifndef EDGELAT_TRAFFIC_HANDSHAKES_H
#define EDGELAT_TRAFFIC_HANDSHAKES_H

#include "base/text.h"
#include "core/batch.h"
#include "core/histogram.h"
#include "core/time.h"
#include "edge/prefixes.h"

enum {
    HANDSHAKES_PENDING = 4096, /* the oldest of a bucket is replaced */
    HANDSHAKE_SERVICES_MAX = 16,
    HANDSHAKE_OWN_MAX = 64,
    HANDSHAKE_VALUES_MAX = HANDSHAKE_SERVICES_MAX * 5 + 2,
};
#define HANDSHAKE_KEEP_NS (20 * NS_PER_S)

enum handshake_side { HANDSHAKE_OUTSIDE, HANDSHAKE_INSIDE, HANDSHAKE_SIDES };
const char *handshake_side_name(enum handshake_side side); /* "outside", "inside" */

struct handshake_service {
    char name[24];
    struct histogram delays[HANDSHAKE_SIDES];
    uint64_t again[HANDSHAKE_SIDES]; /* packets that were sent again: outside SYN */
    uint64_t connections, reported;  /* complete; of others than this host */
    uint64_t again_reported[HANDSHAKE_SIDES];
    bool begun;
    int64_t p50_ns[HANDSHAKE_SIDES]; /* since the start; DELAY_UNDEFINED: none */
    struct self_label labels[HANDSHAKE_SIDES][2];
};

struct handshake_packet { /* as captured, from the network header on */
    const uint8_t *bytes;
    size_t len;
    uint16_t protocol; /* EtherType, of the kernel */
    int64_t wall_ns;   /* of the packet */
    struct mono now;   /* when it is read: an oracle for steps of the wall clock */
};

struct handshakes { /* start with handshakes_begin(), end with handshakes_free() */
    const struct prefixes *prefixes; /* borrowed */
    struct handshake_pending *pending;
    uint64_t key[2];
    struct endpoint own[HANDSHAKE_OWN_MAX]; /* addresses of this host */
    size_t n_own;
    struct handshake_service services[HANDSHAKE_SERVICES_MAX];
    size_t n;
    uint64_t others, self;                 /* complete connections, since the start */
    uint64_t others_before, others_window; /* in the last window */
};

void handshakes_begin(struct handshakes *h, const struct prefixes *prefixes,
                      const uint64_t key[2]);
void handshakes_free(struct handshakes *h);

void handshakes_take(struct handshakes *h, const struct handshake_packet *packet);

/* Metric rows of the window; texts and histograms live as long as `h`. Call
 * handshakes_reported() when the rows have been encoded. */
size_t handshakes_window(struct handshakes *h, bool delta,
                         struct self_value values[HANDSHAKE_VALUES_MAX]);
void handshakes_reported(struct handshakes *h, bool delta);

/* Appends lines for people; `interface` is where they are seen. */
void handshakes_text(const struct handshakes *h, const char *interface, struct text *out);

#endif
