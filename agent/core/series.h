/*
 * The set of all series (stream, PoP), cumulative since their start. While the PoP is
 * unknown, the address takes its place in the key: two addresses may be two PoPs. Results
 * are added in parts: the results of one stream from one address and PoP, which is a
 * whole window unless address or PoP changed inside it. A part is added to the totals of
 * its series at once, so it is exported with the next batch, however early it was closed.
 *
 * When one series has several parts in a window (the address changed, or the PoP changed
 * and changed back) its summary covers all of them: counts are added, the longest burst
 * is the longest of a part, percentiles come from a tally (core/tally.h). A series without a
 * result for SERIES_KEEP_NS is dropped; if it comes back, it begins again with a new
 * start time.
 *
 * DNS answers and PoP headers come from outside, so the number of series is bounded, as
 * OpenTelemetry's SDKs bound theirs (metrics SDK, "Cardinality limits"): at most
 * SERIES_PLACES_MAX per stream, and at most SERIES_SPARE_MAX in total beyond the first of
 * each stream. At a bound the series that was idle for longest is dropped, if that is
 * SERIES_IDLE_NS or more. If there is none, the part is added to the overflow series of
 * its stream, which has no PoP: no result is lost, and the sums over all series of a
 * stream stay exact. So there are never more than SERIES_SPARE_MAX series plus two per
 * stream.
 *
 * Histograms fill with outliers: the buckets in use, each of which some receivers keep as a
 * series of its own, double in a week. So those of a series begin again with a new start
 * time every SERIES_HISTOGRAMS_NS, each series at a time of its own; the batch before has
 * them all. No point of 0 comes first, as it would have the time of the point before, and
 * rate() sees a reset where a count falls. Counts of probes go on.
 *
 * With delta temporality every series begins again with each window, and series without a
 * part in the closed window are not returned.
 */
#ifndef EDGELAT_CORE_SERIES_H
#define EDGELAT_CORE_SERIES_H

#include "core/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_KEEP_NS           (24 * 3600 * NS_PER_S)
#define SERIES_REPEAT_NS         (240 * NS_PER_S)
#define SERIES_IDLE_NS           (3600 * NS_PER_S)
#define SERIES_HISTOGRAMS_NS     (8 * 3600 * NS_PER_S)
#define SERIES_PHASES_COARSER    1
#define SERIES_VARIATION_COARSER 3
#define SERIES_VARIATION_ZERO    13
#define SILENT_LOSSES            10 /* losses after which silence is too long for chance */

enum {
    SERIES_PLACES_MAX = 16,
    SERIES_SPARE_MAX = 512,
};

struct series_part {
    uint32_t stream;
    const struct target *target;
    const struct kind *kind;
    struct endpoint to; /* its family is that of the series */
    const char *pop;    /* "": unknown */
    const struct window *window;
    const struct summary *summary; /* of that window */
    bool own_answers;              /* answers are the target's, not a middlebox's */
    bool early;                    /* closed before its window's end: more may follow */
};

struct series_set;

/* `rolling` is borrowed: the values of each series for percentiles over longer periods. */
struct series_set *series_set_create(bool delta, struct rolling_set *rolling);

/*
 * The scale of the main delay's histograms of series that begin from now on, at most and by
 * default HISTOGRAM_SCALE. That of the other delays of a kind is coarser by
 * SERIES_PHASES_COARSER, as they are measured once a minute: on a busy line (log-normal, 15 %)
 * chance moves p50, p90 and p95 of an hour by 2.5, 3.3 and 4.3 % (standard deviation), and
 * scale 2, if the receiver interpolates, by 1.5, 3.3 and 4.6 %. On a quiet line and over a
 * day scale 2 is the larger error, at most 9.1 %. That of the variation is coarser by
 * SERIES_VARIATION_COARSER, and values up to 2^-SERIES_VARIATION_ZERO s (122 us) are one
 * bucket: no application feels them, and with octaves down to nanoseconds they were a third
 * of the buckets.
 */
void series_set_scale(struct series_set *l, int scale);

/*
 * Percentiles of periods are stated of the first and the main delay of a kind only, two of
 * the eight of HTTPS, as the memory of all is bounded (core/rolling.h). Through a proxy of
 * all: another one is shown there.
 */
void series_set_main_periods(struct series_set *l);
void series_set_reader(struct series_set *l, struct series_reader reader);
void series_set_destroy(struct series_set *l);

/*
 * Adds a part. A part without any result is ignored unless its series exists. Returns
 * true when the part created the first overflow series of its target.
 */
bool series_set_add(struct series_set *l, const struct series_part *part);

/* Moves the start of series and of their window summaries back to `latest` if it is
 * later. */
void series_set_began_by(struct series_set *l, struct wall latest);

/*
 * Ends the window: sets `in_window` of the series with a part since the last call.
 * Returns all series, ordered by stream and PoP; never NULL, and valid until the next
 * call on the set.
 */
const struct series *const *series_set_close(struct series_set *l, struct mono now,
                                             size_t *n);

/* Total number of results added to overflow series. */
uint64_t series_set_overflowed(const struct series_set *l);

#endif
