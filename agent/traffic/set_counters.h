/*
 * What the helper of `edgelat traffic serve` answers: the counters of the nftables sets as lines
 * of text, "transmit 13.107.6.152 1200", with the first address of a range and its bytes, then
 * "end"; or "error" and a clause. Packets are not told: the kernel counts segments of TCP
 * that are not yet cut as one. The agent adds up the bytes by service; counters that fall
 * began again at 0. Pure.
 */
#ifndef EDGELAT_TRAFFIC_SET_COUNTERS_H
#define EDGELAT_TRAFFIC_SET_COUNTERS_H

#include "base/text.h"
#include "edge/prefixes.h"
#include "net/nft_set.h"
#include "traffic/rates.h"

enum { SET_ANSWER_MAX = 2 << 20, SET_SUMS_MAX = 64, SET_ERROR_MAX = 160 };

struct set_sum { /* of a service and direction */
    struct rate_row *row;
    uint64_t last, now;
};

struct set_counters {                /* start with { .prefixes, .rates } */
    const struct prefixes *prefixes; /* borrowed */
    struct rates *rates;             /* borrowed */
    struct set_sum sums[SET_SUMS_MAX];
    size_t n;
    bool begun; /* an answer was taken: later ones are compared with it */
    uint64_t resets;
};

/* The line of an element; nothing if it counted nothing. */
void set_counters_add(struct text *answer, enum rate_direction direction,
                      const struct nft_element *element);
void set_counters_end(struct text *answer);
void set_counters_error(struct text *answer, const char *clause);

/* Takes an answer that covers the time since the one before. Call rates_turn() before. False: it
 * is an error, or malformed; `why` says so. The first answer only tells what they hold. */
bool set_counters_take(struct set_counters *c, const char *bytes, size_t len,
                       int64_t elapsed_ns, char why[SET_ERROR_MAX]);

#endif
