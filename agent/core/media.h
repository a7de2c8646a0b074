/*
 * What a stream of packets like that of a call met: MEDIA_PACKETS packets, one each
 * MEDIA_PACE_NS, sent to a host that returns each of them. Loss, bursts of loss, delay
 * variation, reordering, an estimated MOS (core/emodel.h), and how that compares with
 * limits for media. Pure.
 *
 * A packet crosses the path twice, and the limits are for one direction. So what was seen
 * is within a limit if the round trip is within it; it is over the limit only if the round
 * trip exceeds twice the limit (of loss and reordering: significantly, as a burst has few
 * packets), since then one direction must exceed it. Between them nobody can tell.
 */
#ifndef EDGELAT_CORE_MEDIA_H
#define EDGELAT_CORE_MEDIA_H

#include "core/result.h"
#include "core/target.h"

#include <stdbool.h>
#include <stdint.h>

#define MEDIA_PACE_NS   (20 * NS_PER_MS) /* 50 packets a second, as audio has */
#define MEDIA_WINDOW_NS (200 * NS_PER_MS)

enum { MEDIA_PACKETS = 750, MEDIA_WINDOWS = 75 };

/* A de-jitter buffer (RFC 3550 clients) is between these, and as long as is best. */
#define MEDIA_BUFFER_MIN_NS  (20 * NS_PER_MS)
#define MEDIA_BUFFER_MAX_NS  (200 * NS_PER_MS)
#define MEDIA_BUFFER_STEP_NS (10 * NS_PER_MS)

struct media_packet {
    bool measured;   /* false: this host did not send it; it is left out */
    int64_t sent_ns; /* since the first one */
    int64_t rtt_ns;  /* DELAY_UNDEFINED: lost */
    int64_t arrival; /* of the reply: any number that grows with time */
};

struct media_quality {
    uint32_t sent, received, lost;
    uint32_t not_measured;
    uint32_t reordered; /* replies that came after that of a later packet (RFC 4737) */
    uint32_t longest_burst;          /* packets lost in a row */
    uint32_t worst_lost, worst_sent; /* of the 200 ms with the largest share of loss */
    uint32_t windows;                /* of 200 ms, in which packets were sent */
    double burst_ratio;              /* see emodel_rating(); 1 without loss */

    /* Of the round trip; DELAY_UNDEFINED when nothing was received. */
    int64_t min_ns, median_ns, p95_ns, max_ns;
    /* Mean of |difference| between successive packets (RFC 5481, IPDV; RFC 3550 smooths
     * the same); DELAY_UNDEFINED without two in a row. */
    int64_t variation_ns;
    int64_t variation_worst_ns; /* the largest of the windows of 200 ms */

    /* Estimate with the de-jitter buffer that is best for the MOS. 0: nothing came. */
    double mos, rating;
    int64_t buffer_ns;
    uint32_t discarded;      /* came too late for this buffer */
    int64_t mouth_to_ear_ns; /* one packet of 20 ms, half of the round trip, the buffer */
};

/* `n` up to MEDIA_PACKETS, in the order of sending. */
void media_quality_of(struct media_quality *out, const struct media_packet *packets,
                      size_t n);

enum media_measure {
    MEDIA_DELAY,      /* median round trip */
    MEDIA_LOSS,       /* of the whole burst: 15 s */
    MEDIA_BURST_LOSS, /* of the worst 200 ms */
    MEDIA_VARIATION,  /* of the whole burst */
    MEDIA_REORDERING,
    MEDIA_MEASURES
};

struct media_measure_names {
    const char *key;  /* in JSON and events */
    const char *text; /* in sentences */
};

extern const struct media_measure_names media_measure_names[MEDIA_MEASURES];

struct media_limits {
    struct media_limit {
        double most; /* ns, or a share from 0 to 1; 0: no limit */
        char source[LIMIT_SOURCE_MAX];
    } of[MEDIA_MEASURES];
};

enum media_verdict {
    MEDIA_NOT_JUDGED, /* no limit, or nothing was received */
    MEDIA_WITHIN,
    MEDIA_UNSURE, /* more than the limit, but too little to tell */
    MEDIA_OVER,
};

extern const char *const media_verdict_names[]; /* "within", ... */

enum media_verdict media_judge(const struct media_quality *q, enum media_measure measure,
                               const struct media_limits *limits);

/* The value that is judged: ns, or a share from 0 to 1; NaN: there is none. */
double media_value(const struct media_quality *q, enum media_measure measure);

/*
 * When an agent sends bursts: a day of UTC has `per_day` slots of equal length, numbered
 * through all days; in each lies one time, at random by `seed`. media_slot_over() returns
 * the last slot whose time is not after `now`. `per_day` from 1 to MEDIA_BURSTS_MAX.
 */
enum { MEDIA_BURSTS_MAX = 24 };

struct wall media_slot_time(uint64_t seed, uint32_t per_day, int64_t slot);
int64_t media_slot_over(uint64_t seed, uint32_t per_day, struct wall now);

#endif
