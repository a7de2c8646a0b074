/*
 * What a window counts besides outcomes. To add a counter: its line in the enum, its
 * names in counter.c, and window_count() where it happens; windows, series, export,
 * reports and printed summaries go by the table.
 */
#ifndef EDGELAT_CORE_COUNTER_H
#define EDGELAT_CORE_COUNTER_H

#include <stdint.h>

enum counter {
    COUNTER_LATE,         /* replies to probes that were counted as lost */
    COUNTER_DUPLICATES,   /* further replies to probes that were answered */
    COUNTER_REORDERED,    /* replies that a later probe's reply overtook */
    COUNTER_LOST_PACKETS, /* kernel retransmissions, inside lost probes as well */
    COUNTER_MISSED,       /* probes that were due but not sent in time */
    COUNTERS,
};

struct counter_names {
    const char *attribute; /* exported: edgelat.anomaly */
    const char *key;       /* of a summary in JSON */
    const char *text;      /* of a summary in text; NULL: the text has its own sentence */
};

extern const struct counter_names counter_names[COUNTERS];

/* The counter exported by that name; COUNTERS: there is none. */
enum counter counter_of(const char *attribute);

void counters_add(uint64_t to[COUNTERS], const uint64_t from[COUNTERS]);

#endif
