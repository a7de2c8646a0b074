/*
 * The counters of a window besides outcomes. To add one: add a line to the enum, its
 * names to counter.c, and call window_count() where it happens. Windows, series, export,
 * reports and printed summaries use the table.
 */
#ifndef EDGELAT_CORE_COUNTER_H
#define EDGELAT_CORE_COUNTER_H

#include <stdint.h>

enum counter {
    COUNTER_LATE,         /* replies to probes that were counted as lost */
    COUNTER_DUPLICATES,   /* further replies to probes that were answered */
    COUNTER_REORDERED,    /* replies that came after the reply to a later probe */
    COUNTER_LOST_PACKETS, /* kernel retransmissions, including those of lost probes */
    COUNTER_MISSED,       /* probes that were due but not sent in time */
    COUNTERS,
};

struct counter_names {
    const char *attribute; /* exported: edgelat.anomaly */
    const char *key;       /* in a JSON summary */
    const char *text;      /* in a text summary; NULL: the text has its own sentence */
};

extern const struct counter_names counter_names[COUNTERS];

/* Returns the counter exported under this name, or COUNTERS when there is none. */
enum counter counter_of(const char *attribute);

void counters_add(uint32_t to[COUNTERS], const uint32_t from[COUNTERS]);

#endif
