/*
 * A window: all results of one stream within one period, and their summary. A result
 * belongs to the window that is open when its outcome is known: a probe sent at the end
 * of one minute and answered in the next counts in the next, so none is counted twice or
 * forgotten.
 *
 * Percentiles are exact order statistics (nearest rank) while a window holds at most
 * WINDOW_EXACT_MAX values, and within 0.2 % of them after that (core/tally.h). The loss ratio is lost
 * / sent, where `sent` excludes OUTCOME_NOT_MEASURED and outcome_is_lost() defines lost
 * (a refusal is not). Delay variation is RFC 3393 applied to round trips: the difference
 * between the delays of two probes sent in succession to one address, both answered.
 */
#ifndef EDGELAT_CORE_WINDOW_H
#define EDGELAT_CORE_WINDOW_H

#include "core/counter.h"
#include "core/histogram.h"
#include "core/kind.h"
#include "core/percentile.h"
#include "core/result.h"
#include "core/tally.h"

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_EXACT_MAX       512 /* 4 kB; a tally of so many may take half */
#define WINDOW_VARIATION_SCALE 2   /* buckets 19 % wide */
#define WINDOW_MISSED_MAX      0.05
#define WINDOW_WAITING_MAX_NS  (10 * NS_PER_S)

struct delay_summary { /* ns; DELAY_UNDEFINED if count is 0 */
    uint32_t count;
    /* Values known only to be longer than a bound (censored), not in `count`, and the least
     * of their bounds. A percentile among them is a bound, and not supported. */
    uint32_t over;
    int64_t over_ns;
    int64_t min_ns, max_ns, mean_ns;
    int64_t percentile_ns[PERCENTILES];
    /* The 95 % intervals of supported percentiles, core/percentile.h. */
    int64_t low_ns[PERCENTILES], high_ns[PERCENTILES];
    bool is_over[PERCENTILES];
    bool supported[PERCENTILES];
    bool exact; /* percentiles are values of the sample, not steps of a tally */
};

static inline int64_t delay_median(const struct delay_summary *s)
{
    return s->count > 0 ? s->percentile_ns[P50] : DELAY_UNDEFINED;
}

/* Sets counts, percentiles and intervals from a tally; an interval ends at the bounds of
 * its steps. A percentile among censored values is `over_ns`, which the caller has set. */
void delay_summary_percentiles(struct delay_summary *s, const struct tally *t);

struct summary {
    struct wall start, end;
    uint32_t outcomes[OUTCOME_COUNT];
    uint32_t sent;     /* all results except OUTCOME_NOT_MEASURED */
    uint32_t received; /* OUTCOME_REPLY */
    /* OUTCOME_HTTP_ERROR with a 5xx, and the status of the last one (0: none). */
    uint32_t server_errors;
    uint32_t counters[COUNTERS];
    /* The most probes lost in succession, in sending order. A burst that began in an
     * earlier window counts in full, so it can exceed the losses of this window. */
    uint32_t longest_burst;
    uint16_t server_error; /* see `server_errors` */
    bool interrupted;      /* the host slept, was stopped, or its clock stepped */
    /* The host was too busy to measure: window_busy(), or more than WINDOW_MISSED_MAX of
     * the probes were missed while it was not interrupted. */
    bool busy;
    double loss_ratio; /* 0..1; NaN when nothing was sent */
    /* At the end, as a series has no room for more than its delays. */
    struct delay_summary delays[DELAYS_MAX];
    struct delay_summary variation; /* of the first delay ("rtt"), absolute values */
};

/* The bytes of a summary with `n` delays only, and no variation. */
static inline size_t summary_bytes(size_t n)
{
    return offsetof(struct summary, delays) + n * sizeof(struct delay_summary);
}

/* The probes that the target answered, however badly: a reply, a refusal, a server error,
 * or a connection whose reply was slow. */
uint64_t summary_answered(const struct summary *s);

struct window;

struct window *window_create(const struct kind *kind, struct wall start);
void window_destroy(struct window *w);

void window_add(struct window *w, const struct result *result);
void window_count(struct window *w, enum counter what, uint64_t n);

/* A lost probe was answered after the waiting time: COUNTER_LATE. Its delay counts as
 * longer than that for a kind whose first delay is DELAY_ROUND_TRIP; a late handshake may
 * be that of a repeated SYN. */
void window_late(struct window *w, int64_t waiting_ns);
void window_interrupted(struct window *w);
void window_busy(struct window *w); /* the host handled a due event late */

/* The waiting time of the probes; WINDOW_WAITING_MAX_NS unless it is set. For so long, and a
 * little, results are queued to be sorted. */
void window_waits(struct window *w, int64_t waiting_ns);

/* Keeps up to `most` values of each delay exact, 8 bytes each, in place of
 * WINDOW_EXACT_MAX. */
void window_keep_exact(struct window *w, size_t most);

/* Drops the open window's values of delay `i`; for the first delay also the variation. */
void window_leave_out(struct window *w, size_t i);

/* Summarises the open window; `end` becomes summary.end. Nothing is reset. */
void window_summary(const struct window *w, struct wall end, struct summary *out);

/*
 * Add the values of the open window, delay `i` of the kind or the delay variation, to the
 * histogram of a series. The window itself has histograms only when it holds more than
 * WINDOW_EXACT_MAX values. For the variation `into` is made coarse
 * (WINDOW_VARIATION_SCALE): it spans many decades, and in a store with one series per
 * bucket it would cost twice as much as the delay itself.
 */
void window_merge_delay(const struct window *w, size_t i, struct histogram *into);
void window_merge_variation(const struct window *w, struct histogram *into);

/* The same values, for percentiles. */
void window_tally_delay(const struct window *w, size_t i, struct tally *into);

/* Begins the next window at `start`; keeps the memory and the sending order of the last
 * probes. */
void window_reset(struct window *w, struct wall start);

/* Moves its start back to `latest` if it is later: the clock was wrong. */
void window_began_by(struct window *w, struct wall latest);

#endif
