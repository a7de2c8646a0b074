/*
 * A window: all results of one stream between two closings, and the summary made of them.
 * Results come in as they are decided; they belong to the window that is open when they
 * come (a probe sent at the end of one minute and answered in the next counts in the
 * next: nothing is counted twice or forgotten).
 *
 * Percentiles: exact order statistics (nearest rank) while a window holds at most
 * WINDOW_EXACT_MAX values, from the histogram after that. Loss ratio = lost / (sent - not
 * measured); outcome_is_lost() says which count, a refusal does not. Delay variation
 * is RFC 3393 applied to round trips: the difference between the delays of two probes
 * sent one after the other, both answered.
 */
#ifndef EDGELAT_CORE_WINDOW_H
#define EDGELAT_CORE_WINDOW_H

#include "core/counter.h"
#include "core/histogram.h"
#include "core/kind.h"
#include "core/result.h"

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_EXACT_MAX       128
#define WINDOW_VARIATION_SCALE 2 /* buckets 19 % wide */
#define WINDOW_MISSED_MAX      0.05

enum { P50, P90, P95, P99, PERCENTILES };
extern const double percentile_quantile[PERCENTILES];  /* 0.5, 0.9, 0.95, 0.99 */
extern const char *const percentile_name[PERCENTILES]; /* "p50", ... */

/* Whether `count` values are enough to state it: an order statistic bounds it from above
 * with 95 % confidence (binomial). */
bool percentile_supported(size_t percentile, uint64_t count);

struct delay_summary { /* ns; DELAY_UNDEFINED where count is 0 */
    uint64_t count;
    int64_t min_ns, max_ns, mean_ns;
    int64_t percentile_ns[PERCENTILES];
    bool supported[PERCENTILES];
};

struct summary {
    struct wall start, end;
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t sent;     /* all results but OUTCOME_NOT_MEASURED */
    uint64_t received; /* OUTCOME_REPLY */
    uint64_t counters[COUNTERS];
    uint64_t longest_burst; /* most probes lost one after the other, in the order of
                               sending; one that began in an earlier window counts in
                               full, so it can be more than this window lost */
    bool interrupted;  /* the host slept, was stopped, or its clock stepped inside the
                          window */
    bool busy;         /* the host was too busy to measure: window_busy(), or more than
                          WINDOW_MISSED_MAX of the probes were missed while it was not interrupted
                        */
    double loss_ratio; /* 0..1; NaN when nothing was sent */
    struct delay_summary delays[DELAYS_MAX];
    struct delay_summary variation; /* of the first delay ("rtt"), absolute values */
};

struct window;

struct window *window_create(const struct kind *kind, struct wall start);
void window_destroy(struct window *w);

void window_add(struct window *w, const struct result *result);
void window_count(struct window *w, enum counter what, uint64_t n);
void window_interrupted(struct window *w);
void window_busy(struct window *w); /* the host came late to what was due */

/* Forgets what the open window holds of delay `i`; of the first one the variation, too.
 */
void window_leave_out(struct window *w, size_t i);

/* What stands in the open window now; `end` becomes summary.end. Nothing is reset. */
void window_summary(const struct window *w, struct wall end, struct summary *out);

/*
 * Adds the values of the open window, delay `i` of the kind or the delay variation, to a
 * histogram (of a series). The window itself has histograms only when it holds more than
 * WINDOW_EXACT_MAX values. Variation makes `into` coarse (WINDOW_VARIATION_SCALE): it
 * spans many decades, and at a store with a series for each bucket it would cost twice as
 * much as the delay itself.
 */
void window_merge_delay(const struct window *w, size_t i, struct histogram *into);
void window_merge_variation(const struct window *w, struct histogram *into);

/* Begins the next window at `start`; the memory is kept. The order of sending is
 * remembered across. */
void window_reset(struct window *w, struct wall start);

/* It began at `latest`, if not before: the clock that said otherwise was wrong. */
void window_began_by(struct window *w, struct wall latest);

#endif
