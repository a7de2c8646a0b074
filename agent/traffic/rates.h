/*
 * Traffic to and from Microsoft by service, direction and source: sums since the start, and the
 * mean and the highest second of a window. Bytes of a flow record are spread over the length
 * of the flow, from the second in which the record comes: a record after ten minutes is no
 * spike, and consecutive records of one long flow join. So rates from flow records are as late
 * as the flow is long, at most RATES_SPREAD_S; longer flows are compressed into that. Pure.
 */
#ifndef EDGELAT_TRAFFIC_RATES_H
#define EDGELAT_TRAFFIC_RATES_H

#include "core/batch.h"
#include "core/time.h"

enum {
    RATES_MAX = 96, /* rows: service x direction x source; further ones are counted */
    RATES_SPREAD_S = 1800,
    RATES_VALUES = 5, /* metric rows of each */
    RATES_VALUES_MAX = RATES_MAX * RATES_VALUES,
    RATES_SERVICE_MAX = 24
};

enum rate_direction { RATE_RECEIVE, RATE_TRANSMIT, RATE_DIRECTIONS }; /* of the site */
const char *
rate_direction_name(enum rate_direction direction); /* "receive", "transmit" */

struct rate_amount {
    uint64_t bytes, packets, flows;
};

struct rate_row {
    char service[RATES_SERVICE_MAX];
    enum rate_direction direction;
    const char *source; /* static */

    struct rate_amount total, reported;
    bool begun;      /* reported before */
    bool bytes_only; /* packets and flows are not known */
    uint64_t window_bytes, highest_second;
    double last_rate;           /* mean of the last window */
    struct rate_amount due;     /* in the second that is not over */
    struct rate_spread *spread; /* what is due later; NULL: nothing was yet */
    struct self_label labels[3];
};

struct rates { /* start with rates_begin(), end with rates_free() */
    struct rate_row rows[RATES_MAX];
    size_t n;
    int64_t second;   /* that is not over, of the monotonic clock */
    int64_t window_s; /* whole seconds of the window so far */
    uint64_t not_kept;
};

void rates_begin(struct rates *r, struct mono now);
void rates_free(struct rates *r);

/* Finds the row, or adds it; NULL: too many. `source` is static. */
struct rate_row *rates_row(struct rates *r, const char *service,
                           enum rate_direction direction, const char *source);

/* Adds an amount, spread over `duration_ns` from the current second. */
void rates_add(struct rates *r, struct rate_row *row, const struct rate_amount *amount,
               int64_t duration_ns);

/* Ends the seconds that are over. Call it about every second, and before rates_add(). */
void rates_turn(struct rates *r, struct mono now);

/* Counts what is due later at once: the agent ends. */
void rates_flush(struct rates *r);

/* Writes the metric rows of the window that ends now; the texts live as long as `r`. */
size_t rates_window(struct rates *r, bool delta, struct mono now,
                    struct self_value values[RATES_VALUES_MAX]);

#endif
