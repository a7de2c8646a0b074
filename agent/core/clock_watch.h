/*
 * Watches the wall clock of this host against the Date of HTTP replies (RFC 9110, section
 * 6.6.1), which arrive with probes and exports anyway. Pure. Reports as an event that the
 * clock is wrong, or right again: from 300 s on, sign-in fails (Kerberos, RFC 4120; tokens).
 *
 * A reply from a cache has an old Date, never a future one. So the clock is behind by the
 * median of the last Dates, and ahead only if all of them say so, by the most recent one.
 * One server may be wrong itself: two at least have to say so, and of a server that is
 * asked more often than others only the last CLOCK_DATES_OF_ONE are kept.
 */
#ifndef EDGELAT_CORE_CLOCK_WATCH_H
#define EDGELAT_CORE_CLOCK_WATCH_H

#include "core/event.h"
#include "core/time.h"

#define CLOCK_WRONG_NS (60 * NS_PER_S) /* edgelat's own, as of `edgelat diagnose` */

enum {
    CLOCK_DATES = 9,
    CLOCK_DATES_LEAST = 5,
    CLOCK_DATES_OF_ONE = 4,
    CLOCK_DATES_MEMORY = 100, /* a Date is forgotten after so many newer ones */
};

struct clock_watch { /* start with { 0 } */
    struct clock_date {
        char server[HOST_TEXT_MAX];
        int64_t ahead_ns;
        size_t number;
    } dates[CLOCK_DATES]; /* the oldest first */
    size_t n, came;       /* kept; in all */
    bool wrong;
};

/* The last reply, of `server`, had a Date so far ahead of the wall clock. Call it as often
 * as you like: the same reply again counts once. */
void clock_watch_date(struct clock_watch *w, const char *server, int64_t ahead_ns);

/* By how much the clock is behind; negative: ahead; 0: right within CLOCK_WRONG_NS, or it
 * cannot be told: too few Dates, or only one server says so. */
int64_t clock_watch_behind_ns(const struct clock_watch *w);

/* At the end of a window: adds an event if that has changed. */
void clock_watch_window(struct clock_watch *w, struct wall at, struct events *events);

#endif
