/*
 * Gaps in the sequence numbers of an exporter: what was lost on the way. What is counted
 * differs: IPFIX counts the data records before the message (RFC 7011, 3.1), NetFlow v9 and
 * sFlow datagrams, NetFlow v5 flows; some IPFIX exporters leave options records out, or count
 * messages, and softflowd includes the message's own records. So a number is in order if it
 * follows under any of these rules.
 */
#ifndef EDGELAT_TRAFFIC_SEQUENCE_H
#define EDGELAT_TRAFFIC_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A larger jump is a restart of the exporter and no loss; so are that many numbers in a row
 * that follow each other, but are lower than one before. */
enum { SEQUENCE_JUMP_MAX = 1000000, SEQUENCE_RESTART = 3 };

struct sequence { /* start with { 0 } */
    bool known;
    bool includes_own; /* a number includes its own datagram */
    uint32_t last, steps[3];
    uint32_t late_last, late_steps[3]; /* of the last datagram that came late */
    uint8_t late;                      /* so many of them in a row */
};

/*
 * Takes the number of a datagram, whose content advances the sequence by one of `steps`.
 * Adds to `lost` how many were lost before it, and subtracts a datagram that was counted as
 * lost and arrives late.
 */
void sequence_take(struct sequence *s, uint32_t number, const uint32_t steps[3],
                   uint64_t *lost);

/* The size of the step is not known: the next number cannot be judged. */
void sequence_forget(struct sequence *s);

/* A restart by the uptime in the header of NetFlow v5 and v9: it goes back by more than
 * UPTIME_LATE_MS, which is no datagram that comes late, and not because it wraps after 49 days
 * (by the time of day in the header). */
enum { UPTIME_LATE_MS = 10000, UPTIME_WRAP_MS = 60000 };

struct uptime { /* start with { 0 } */
    bool known;
    uint32_t ms, export_s;
};

/* Whether the exporter has started again since the last call; notes the time. */
bool uptime_restarted(struct uptime *u, uint32_t ms, uint32_t export_s);

#endif
