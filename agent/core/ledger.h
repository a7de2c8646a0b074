/*
 * The ledger: every series (stream, PoP), cumulative since it began. While no PoP is
 * known the address stands for it: two addresses may be two PoPs. What is posted to it is
 * a part: the results of one stream on one address and PoP, which is a whole window
 * unless address or PoP changed inside it. A part is added to the totals of its series at
 * once, so it is exported with the next batch however early it was closed.
 *
 * When one series has several parts in a window (the address changed, or the PoP went and
 * came back) its summary is that of all of them: counts add up, the longest burst is the
 * longest of a part, percentiles come from the histograms. One that had no result for
 * LEDGER_KEEP_NS is dropped; should it come back, it begins anew with another start.
 *
 * As delta every series begins anew with each window, and those without a part in the
 * window that has closed are not returned.
 */
#ifndef EDGELAT_CORE_LEDGER_H
#define EDGELAT_CORE_LEDGER_H

#include "core/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEDGER_KEEP_NS (24 * 3600 * NS_PER_S)
#define SILENT_LOSSES  10 /* after which silence is no chance */

struct part {
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

struct ledger;

struct ledger *ledger_create(bool delta);
void ledger_destroy(struct ledger *l);

/* A part without any result is told only where its series is there already. */
void ledger_post(struct ledger *l, const struct part *part);

/* All series, and what was posted of this window, began at `latest`, if not before. */
void ledger_began_by(struct ledger *l, struct wall latest);

/*
 * Ends the window: what was posted since the last call gets `in_window`. Returns all
 * series, by stream and PoP; valid until the ledger is called again.
 */
const struct series *const *ledger_close(struct ledger *l, struct mono now, size_t *n);

#endif
