/*
 * The ledger: every series (stream, PoP), cumulative since it began. While no PoP is
 * known the address stands for it: two addresses may be two PoPs. What is posted to it is
 * a part: the results of one stream on one address and PoP, which is a whole window
 * unless address or PoP changed inside it. A part is added to the totals of its series at
 * once, so it is exported with the next batch however early it was closed.
 *
 * When one series has several parts in a window (the address changed, or the PoP went and
 * came back) its summary is that of all of them: counts add up, the longest burst is the
 * longest of a part, percentiles come from the histograms. A series that had no result
 * for SERIES_KEEP_NS is dropped; should it come back, it begins anew with another start.
 *
 * DNS answers and PoP headers come from outside, so the number of series is bounded, as
 * OpenTelemetry's SDKs bound theirs (metrics SDK, "Cardinality limits"):
 * SERIES_PLACES_MAX a stream, and SERIES_SPARE_MAX in all beyond the first of each
 * stream. At a bound the series that was idle for longest is dropped, if that is
 * SERIES_IDLE_NS or more. If there is none, the part is added to the overflow series of
 * its stream, which has no PoP: no result is lost, and the sums over all series of a
 * stream stay exact. So there are never more than SERIES_SPARE_MAX series and two a
 * stream.
 *
 * As delta every series begins anew with each window, and those without a part in the
 * window that has closed are not returned.
 */
#ifndef EDGELAT_CORE_SERIES_H
#define EDGELAT_CORE_SERIES_H

#include "core/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_KEEP_NS (24 * 3600 * NS_PER_S)
#define SERIES_IDLE_NS (3600 * NS_PER_S)
#define SILENT_LOSSES  10 /* after which silence is no chance */

enum {
    SERIES_PLACES_MAX = 16,
    SERIES_SPARE_MAX = 512,
};

struct series_part {
    uint32_t stream;
    const struct target *target;
    const struct kind *kind;
    struct endpoint to; /* its family is the series' */
    const char *pop;    /* "" is unknown */
    const struct window *window;
    const struct summary *summary; /* of that window */
    bool own_answers;              /* those of the target, not of a middlebox */
    bool early;                    /* closed before its window's end: more may follow */
};

struct series_set;

struct series_set *series_set_create(bool delta);
void series_set_destroy(struct series_set *l);

/*
 * A part without any result is told only where its series is there already. True when it
 * made the first overflow series of its target.
 */
bool series_set_add(struct series_set *l, const struct series_part *part);

/* All series, and what was posted of this window, began at `latest`, if not before. */
void series_set_began_by(struct series_set *l, struct wall latest);

/*
 * Ends the window: what was posted since the last call gets `in_window`. Returns all
 * series, by stream and PoP; valid until the ledger is called again.
 */
const struct series *const *series_set_close(struct series_set *l, struct mono now,
                                             size_t *n);

/* Results that were added to overflow series, ever. */
uint64_t series_set_overflowed(const struct series_set *l);

#endif
