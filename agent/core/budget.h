/*
 * The bytes and packets that the agent may send and receive in a day (UTC), for metered links.
 * Pure.
 *
 * One account has both: a packet counts as at least so many bytes that the packets of a day are
 * within their limit when the bytes are. So neither is ever exceeded.
 *
 * Counted at the IP level, both directions, IP headers included, before anything is sent, at
 * the upper bound of the kind (struct kind, from captures); what the kernel counted for a
 * connection replaces it afterwards. Counted: probes of all kinds, bursts like a call, handshakes
 * of the sweep, lookups of names, of routers and of their AS, traces, searches of MTUs. Not
 * counted: shipping of batches, retransmissions of DNS queries, and what does not come from the
 * agent (ARP, DHCP).
 *
 * Nothing is spent before its time: at most what the day has given so far and what the next
 * BUDGET_AHEAD_NS give. So a day that begins badly does not end silent. A part,
 * BUDGET_OTHER, is for all but probes, which cannot take it.
 *
 * Survives restarts and crashes: only what the state file has granted is spent, and the file
 * is written first (budget_grant()). After a crash the whole grant counts as spent. Without a
 * readable file the day so far counts as spent.
 *
 * A new day begins with a later day of the wall clock, but within a process not before the
 * monotonic clock has reached its midnight too (less BUDGET_SLACK_NS), and an hour after that at
 * the latest: a clock that is set to and fro gives no further budgets. Across restarts the wall
 * clock is believed.
 */
#ifndef EDGELAT_CORE_BUDGET_H
#define EDGELAT_CORE_BUDGET_H

#include "base/text.h"
#include "core/kind.h"
#include "core/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUDGET_OTHER    0.2 /* of the budget */
#define BUDGET_GRANT    0.05
#define BUDGET_AHEAD_NS (3600 * NS_PER_S)
#define BUDGET_SLACK_NS (600 * NS_PER_S)

/* One lookup: a query and an answer of 700 bytes, larger than those of Microsoft's names; and at
 * most one TCP handshake that is closed at once. */
struct budget_amount {
    double bytes, packets; /* both directions */
};
#define BUDGET_LOOKUP    ((struct budget_amount){800, 2})
#define BUDGET_HANDSHAKE ((struct budget_amount){600, 7})

/* Bursts like a call are among the paths: all but probes share a part of the budget. */
enum budget_use { BUDGET_PROBES, BUDGET_PATHS, BUDGET_NAMES, BUDGET_USES };

struct budget {          /* start with budget_begin() */
    double limit;        /* bytes a day; 0: no limit, and everything is allowed */
    double packet_bytes; /* that a packet counts as at least; 0: no limit of packets */
    int64_t day;         /* of `spent`, since 1970 */
    double spent[BUDGET_USES];
    double granted;                  /* by the state file, for this day */
    struct mono day_began, day_ends; /* by the clocks when it began */
    uint64_t refused;                /* since the start */
};

/* `limit` of a day; packets 0: no limit of them. */
void budget_begin(struct budget *b, struct budget_amount limit, struct wall wall,
                  struct mono now);

/* Reads the state file; false: it is damaged, and is as good as none. Call it after
 * budget_begin(). */
bool budget_read(struct budget *b, const char *text, size_t len);

/* True when the state file must be written to go on; then `text` is its new content, and
 * after it was written budget_granted() is called. `stop`: the process ends. */
bool budget_grant(const struct budget *b, bool stop, struct text *text, double *granted);
void budget_granted(struct budget *b, double granted);

/* What it counts as, in bytes. `b` NULL: its bytes. */
double budget_cost(const struct budget *b, struct budget_amount a);

/* The most that a probe of the kind takes; the payload goes both ways. */
struct budget_amount budget_of_kind(const struct kind *kind, uint32_t payload_bytes);

/* Takes it, or nothing: false. `b` NULL: everything is allowed. */
bool budget_take(struct budget *b, enum budget_use use, struct budget_amount a,
                 struct wall wall, struct mono now);

/* Gives back what was taken and not used. `b` NULL is fine. */
void budget_settle(struct budget *b, enum budget_use use, struct budget_amount taken,
                   struct budget_amount used);

/* What probes may spend a second from now on. */
double budget_rate(struct budget *b, struct wall wall, struct mono now);

double budget_spent(const struct budget *b); /* of the day, all uses */

/* ---- who gets it ---- */

struct budget_stream {
    double bytes;  /* of one probe */
    double rate;   /* wanted, a second; then what it gets */
    double weight; /* how much its next probe tells, compared with others */
};

/*
 * Divides `bytes_s` among streams: the rates of probes that maximise the sum of weight x
 * log(rate), none above what is wanted. So each stream gets bytes in proportion to its weight,
 * and what cheap ones do not need goes to the others; expensive probes become rare and never
 * stop.
 */
void budget_share(struct budget_stream *streams, size_t n, double bytes_s);

#endif
