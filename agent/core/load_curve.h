/*
 * Latency under load, without making load: the delays of probes against the utilisation of the
 * uplink in the second in which they were measured, as a curve for each direction. Pure.
 *
 * A delay counts as its rise above the lowest one of its stream in the last one to two hours. It
 * belongs to the curve of a direction while the other one is used by less than LOAD_OTHER, and
 * only if the utilisation was the same in two seconds in succession (LOAD_STEADY): rates and
 * delays are not of exactly the same second.
 *
 * Buffer bloat (RFC 8033, section 1; J. Gettys, "Bufferbloat", 2011): the median rise in the
 * fullest bins is surely above that of the idle link by LOAD_BLOAT_NS, below which interactive
 * media hardly suffer. It ends below LOAD_FINE_NS. The knee is the utilisation from which on the
 * median rise is a quarter of that. Before the link was full in LOAD_EPISODES separate times, it
 * cannot be told.
 *
 * Utilisation is relative to the configured line rate, or to the highest rate of two seconds in
 * succession seen so far: a link that was never full is then never bloated, as its queue never
 * grew. A rate above it begins the curve anew. test/sim/test_load_curve.c prints the error rates.
 */
#ifndef EDGELAT_CORE_LOAD_CURVE_H
#define EDGELAT_CORE_LOAD_CURVE_H

#include "core/event.h"
#include "core/result.h"

enum { LOAD_BINS = 10, LOAD_BUCKETS = 40, LOAD_STREAMS_MAX = 64, LOAD_PENDING_MAX = 64 };
enum {
    LOAD_EPISODES = 6,
    LOAD_IDLE_LEAST = 60,
    LOAD_FULL_LEAST = 30,
    LOAD_BIN_LEAST = 15
};

#define LOAD_OTHER     0.5
#define LOAD_STEADY    0.15
#define LOAD_IDLE      0.3
#define LOAD_FULL      0.9
#define LOAD_BLOAT_NS  (30 * NS_PER_MS)
#define LOAD_FINE_NS   (20 * NS_PER_MS)
#define LOAD_FLOOR_NS  (3600 * NS_PER_S)
#define LOAD_APART_NS  (30 * NS_PER_S)        /* between two episodes */
#define LOAD_HALVES_NS (24 * 3600 * NS_PER_S) /* old delays count half after so long */

enum load_direction { LOAD_RECEIVE, LOAD_TRANSMIT, LOAD_DIRECTIONS };

enum load_state { LOAD_UNKNOWN, LOAD_HEALTHY, LOAD_BLOATED };
const char *load_state_name(enum load_state s); /* "cannot tell", "healthy", "bloated" */

struct load_bin { /* of a tenth of the utilisation */
    uint32_t n, buckets[LOAD_BUCKETS];
};

struct load_way {
    double line_rate, highest; /* bytes/s; line_rate 0: not configured */
    double before, last;       /* rates of the last two seconds */
    struct load_bin bins[LOAD_BINS];
    uint32_t episodes;
    struct mono full_at; /* the last full second */
    enum load_state state;
    int64_t rise_ns, knee_bin; /* as of the last judgement; -1: none */
};

struct load_floor { /* of a stream: target, kind and address */
    const struct target *target;
    struct endpoint to;
    int64_t now_ns, before_ns;
    struct mono began;
};

struct load_curve { /* start with load_curve_begin() */
    struct load_way ways[LOAD_DIRECTIONS];
    struct load_floor floors[LOAD_STREAMS_MAX];
    uint32_t
        streams[LOAD_STREAMS_MAX]; /* of each floor: looked through for each result */
    size_t n_floors, n_pending;
    int64_t pending_ns[LOAD_PENDING_MAX]; /* rises of the second that is not over */
    struct mono halved;
};

/* Line rates in bytes a second; 0: the highest one seen. */
void load_curve_begin(struct load_curve *c, const double line_rates[LOAD_DIRECTIONS]);

/* Another uplink: everything is forgotten, but the configured line rates. */
void load_curve_forget(struct load_curve *c);

/* A round-trip delay of a target behind the uplink. */
void load_curve_delay(struct load_curve *c, const struct target *target,
                      const struct result *r, struct mono now);

/* A second is over, with these rates of the uplink in bytes/s. */
void load_curve_second(struct load_curve *c, const double rates[LOAD_DIRECTIONS],
                       struct mono now);

/* Judges and reports changes as EVENT_BLOAT_RECEIVE and EVENT_BLOAT_TRANSMIT. */
void load_curve_window(struct load_curve *c, const char *interface, struct wall at,
                       struct events *events);

/* Median rise in a bin; DELAY_UNDEFINED: too few. */
int64_t load_bin_median_ns(const struct load_bin *b);

double load_line_rate(const struct load_way *w); /* configured or seen; 0: none */

/* "download: 3 ms more at 90 % of 48.1 Mbit/s ..." one line for each direction. */
void load_curve_text(const struct load_curve *c, const char *interface, struct text *out);

#endif
