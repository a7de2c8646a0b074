#include "core/media.h"

#include "core/emodel.h"
#include "core/time.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define SURE 0.05 /* the chance at which an excess of loss is no coincidence */

const struct media_measure_names media_measure_names[MEDIA_MEASURES] = {
    [MEDIA_DELAY] = {"rtt", "round-trip delay"},
    [MEDIA_LOSS] = {"loss", "loss in 15 s"},
    [MEDIA_BURST_LOSS] = {"burst_loss", "loss in the worst 200 ms"},
    [MEDIA_VARIATION] = {"delay_variation", "delay variation"},
    [MEDIA_REORDERING] = {"reordering", "reordering"},
};

const char *const media_verdict_names[] = {"not_judged", "within", "cannot_tell", "over"};

static bool is_lost(const struct media_packet *p)
{
    return p->rtt_ns == DELAY_UNDEFINED;
}

/* ---- loss ---- */

static void count_losses(struct media_quality *q, const struct media_packet *p, size_t n)
{
    uint32_t run = 0, bursts = 0;
    for (size_t i = 0; i < n; i++) {
        q->not_measured += !p[i].measured;
        if (!p[i].measured)
            continue;
        q->sent++;
        if (!is_lost(&p[i])) {
            run = 0;
            continue;
        }
        q->lost++;
        bursts += run++ == 0;
        if (run > q->longest_burst)
            q->longest_burst = run;
    }
    q->received = q->sent - q->lost;
    q->burst_ratio = 1;
    if (bursts > 0 && q->lost < q->sent) {
        double mean = (double)q->lost / bursts;
        double random = 1 / (1 - (double)q->lost / q->sent);
        q->burst_ratio = mean > random ? mean / random : 1;
    }
}

/* ---- windows of 200 ms ---- */

struct window_of_media {
    uint32_t sent, lost, pairs;
    int64_t differences_ns;
};

static void add_pair(struct window_of_media *w, const struct media_packet *a,
                     const struct media_packet *b)
{
    if (!a->measured || !b->measured || is_lost(a) || is_lost(b))
        return;
    w->pairs++;
    w->differences_ns += llabs(b->rtt_ns - a->rtt_ns);
}

static void close_window(struct media_quality *q, const struct window_of_media *w)
{
    q->windows += w->sent > 0;
    if ((uint64_t)w->lost * (q->worst_sent > 0 ? q->worst_sent : 1) >
        (uint64_t)q->worst_lost * w->sent) {
        q->worst_lost = w->lost;
        q->worst_sent = w->sent;
    }
    if (w->pairs > 0 && w->differences_ns / w->pairs > q->variation_worst_ns)
        q->variation_worst_ns = w->differences_ns / w->pairs;
}

static void divide(struct media_quality *q, const struct media_packet *p, size_t n)
{
    struct window_of_media whole = {0}, w = {0};
    int64_t number = 0;
    q->variation_worst_ns = DELAY_UNDEFINED;
    for (size_t i = 0; i < n; i++) {
        if (p[i].sent_ns / MEDIA_WINDOW_NS != number) {
            close_window(q, &w);
            w = (struct window_of_media){0};
            number = p[i].sent_ns / MEDIA_WINDOW_NS;
        }
        w.sent += p[i].measured;
        w.lost += p[i].measured && is_lost(&p[i]);
        if (i > 0) {
            add_pair(&w, &p[i - 1], &p[i]);
            add_pair(&whole, &p[i - 1], &p[i]);
        }
    }
    close_window(q, &w);
    q->variation_ns =
        whole.pairs > 0 ? whole.differences_ns / whole.pairs : DELAY_UNDEFINED;
}

/* ---- delays ---- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* RFC 4737: a packet that arrives after one that was sent later. */
static uint32_t count_reordered(const struct media_packet *p, size_t n)
{
    uint32_t reordered = 0;
    int64_t first_later = INT64_MAX;
    for (size_t i = n; i-- > 0;) {
        if (!p[i].measured || is_lost(&p[i]))
            continue;
        reordered += p[i].arrival > first_later;
        if (p[i].arrival < first_later)
            first_later = p[i].arrival;
    }
    return reordered;
}

/* The buffer delays all packets to the shortest round trip plus its length; what comes
 * later is discarded. */
static void estimate(struct media_quality *q, const int64_t *sorted)
{
    size_t in_time = 0;
    for (int64_t buffer = MEDIA_BUFFER_MIN_NS; buffer <= MEDIA_BUFFER_MAX_NS;
         buffer += MEDIA_BUFFER_STEP_NS) {
        while (in_time < q->received && sorted[in_time] <= q->min_ns + buffer)
            in_time++;
        int64_t delay = MEDIA_PACE_NS + q->min_ns / 2 + buffer;
        double loss = 1 - (double)in_time / q->sent;
        double rating = emodel_rating(&emodel_g711, (double)delay / (double)NS_PER_MS,
                                      loss, q->burst_ratio);
        if (buffer > MEDIA_BUFFER_MIN_NS && rating <= q->rating)
            continue;
        q->rating = rating;
        q->buffer_ns = buffer;
        q->discarded = q->received - (uint32_t)in_time;
        q->mouth_to_ear_ns = delay;
    }
    q->mos = emodel_mos(q->rating);
}

void media_quality_of(struct media_quality *out, const struct media_packet *packets,
                      size_t n)
{
    int64_t sorted[MEDIA_PACKETS];
    size_t m = 0;
    assert(n <= MEDIA_PACKETS);
    *out = (struct media_quality){.min_ns = DELAY_UNDEFINED,
                                  .median_ns = DELAY_UNDEFINED,
                                  .p95_ns = DELAY_UNDEFINED,
                                  .max_ns = DELAY_UNDEFINED};
    count_losses(out, packets, n);
    divide(out, packets, n);
    out->reordered = count_reordered(packets, n);
    for (size_t i = 0; i < n; i++)
        if (packets[i].measured && !is_lost(&packets[i]))
            sorted[m++] = packets[i].rtt_ns;
    if (m == 0)
        return;
    qsort(sorted, m, sizeof *sorted, compare);
    out->min_ns = sorted[0];
    out->median_ns = sorted[(m - 1) / 2];
    out->p95_ns = sorted[(95 * m + 99) / 100 - 1];
    out->max_ns = sorted[m - 1];
    estimate(out, sorted);
}

/* ---- limits ---- */

double media_value(const struct media_quality *q, enum media_measure measure)
{
    switch (measure) {
    case MEDIA_DELAY:
        return q->median_ns == DELAY_UNDEFINED ? NAN : (double)q->median_ns;
    case MEDIA_LOSS:
        return q->sent == 0 ? NAN : (double)q->lost / q->sent;
    case MEDIA_BURST_LOSS:
        return q->sent == 0         ? NAN
               : q->worst_sent == 0 ? 0
                                    : (double)q->worst_lost / q->worst_sent;
    case MEDIA_VARIATION:
        return q->variation_ns == DELAY_UNDEFINED ? NAN : (double)q->variation_ns;
    case MEDIA_REORDERING:
        return q->received == 0 ? NAN : (double)q->reordered / q->received;
    case MEDIA_MEASURES:
        break;
    }
    return NAN;
}

/* The chance of `k` or more out of `n` at the share `p` of each. */
static double chance_of(uint32_t k, uint32_t n, double p)
{
    double term = pow(1 - p, n), below = 0;
    for (uint32_t i = 0; i < k; i++) {
        below += term;
        term *= (double)(n - i) / (i + 1) * p / (1 - p);
    }
    return below < 1 ? 1 - below : 0;
}

/* True when such an excess over twice the limit is no coincidence. The worst of many
 * windows was chosen, so its chance is that many times as large (Bonferroni). */
static bool is_sure(const struct media_quality *q, enum media_measure measure,
                    double twice)
{
    switch (measure) {
    case MEDIA_LOSS:
        return chance_of(q->lost, q->sent, twice) < SURE;
    case MEDIA_BURST_LOSS:
        return chance_of(q->worst_lost, q->worst_sent, twice) * q->windows < SURE;
    case MEDIA_REORDERING:
        return chance_of(q->reordered, q->received, twice) < SURE;
    default:
        return true;
    }
}

enum media_verdict media_judge(const struct media_quality *q, enum media_measure measure,
                               const struct media_limits *limits)
{
    double value = media_value(q, measure), most = limits->of[measure].most;
    double twice = measure == MEDIA_DELAY ? most : 2 * most; /* it is of a round trip */
    if (isnan(value) || most <= 0)
        return MEDIA_NOT_JUDGED;
    if (value <= most)
        return MEDIA_WITHIN;
    return value > twice && is_sure(q, measure, twice) ? MEDIA_OVER : MEDIA_UNSURE;
}

/* ---- bursts of a day ---- */

#define DAY_NS           (86400 * NS_PER_S)
#define BURST_LONGEST_NS (MEDIA_PACKETS * MEDIA_PACE_NS + 5 * NS_PER_S)

struct wall media_slot_time(uint64_t seed, uint32_t per_day, int64_t slot)
{
    int64_t length = DAY_NS / per_day;
    uint64_t x = seed + (uint64_t)slot * 0x9e3779b97f4a7c15u; /* SplitMix64 */
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    int64_t day = slot / per_day, of_day = slot % per_day;
    return (struct wall){day * DAY_NS + of_day * length +
                         (int64_t)(x % (uint64_t)(length - BURST_LONGEST_NS))};
}

int64_t media_slot_over(uint64_t seed, uint32_t per_day, struct wall now)
{
    int64_t length = DAY_NS / per_day;
    int64_t of_day = now.ns % DAY_NS / length;
    if (of_day >= per_day) /* the rest of a day that the slots do not divide */
        of_day = per_day - 1;
    int64_t slot = now.ns / DAY_NS * per_day + of_day;
    return media_slot_time(seed, per_day, slot).ns <= now.ns ? slot : slot - 1;
}
