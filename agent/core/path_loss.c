#include "core/path_loss.h"

#include <math.h>
#include <string.h>

#define EXCESS_SHARE                                                                     \
    0.75 /* of `lost`, how far the chart is past its threshold at an alarm:
                             Wald's excess, which test/sim/test_loss.c checks */
#define DAY_S   (24 * 3600.0)
#define MONTH_S (30 * DAY_S)

static double from_odds(double odds)
{
    return odds / (1 + odds);
}

/* The threshold for a mean time of `packets` to an alarm at a drift of -`drift` a packet:
 * (e^h - h - 1) / drift, Page's chart by Wald's approximation. */
static double threshold_for(double packets, double drift)
{
    double h = log1p(packets * drift);
    for (int i = 0; i < 3; i++) /* h + 1 is small beside e^h */
        h = log(packets * drift + h + 1);
    return h;
}

void path_loss_set(struct path_loss *l, double limit, double rate)
{
    if ((float)limit == l->limit && (float)rate == l->rate)
        return;
    l->limit = (float)limit;
    l->rate = (float)rate;
    if (limit <= 0 || limit >= 1 || rate <= 0) {
        l->limit = 0;
        return;
    }
    double odds = limit / (1 - limit);
    double p0 = from_odds(PATH_LOSS_BELOW * odds), p1 = from_odds(PATH_LOSS_ABOVE * odds);
    double lost = log(p1 / p0), arrived = log((1 - p1) / (1 - p0));
    double drift = -(p0 * lost + (1 - p0) * arrived);
    double packets = PATH_LOSS_QUIET_MONTHS * MONTH_S * rate;
    double threshold = threshold_for(packets, drift) - EXCESS_SHARE * lost;
    l->lost = (float)lost;
    l->arrived = (float)arrived;
    l->threshold = (float)fmax(threshold, 1.5 * lost);
    l->burst_least = (int32_t)fmax(ceil(-log(DAY_S * rate) / log(limit)), 2);
}

void path_loss_outage(struct path_loss *l)
{
    l->outage = true;
}

void path_loss_break(struct path_loss *l)
{
    l->queued = 0;
    l->run = 0;
}

void path_loss_forget(struct path_loss *l)
{
    struct path_loss new = {.limit = l->limit,
                            .rate = l->rate,
                            .arrived = l->arrived,
                            .lost = l->lost,
                            .threshold = l->threshold,
                            .burst_least = l->burst_least};
    *l = new;
}

/* ---- bursts ---- */

static void decay(struct path_loss *l, struct wall now)
{
    double half_lives =
        (double)(now.ns - l->penalty_at.ns) / (double)PATH_LOSS_HALF_LIFE_NS;
    if (half_lives <= 0)
        return;
    l->penalty = (float)(l->penalty * exp2(-half_lives));
    l->penalty_at = now;
    l->bursts = l->bursts && l->penalty >= PATH_LOSS_BURSTS_OVER;
    if (l->penalty < PATH_LOSS_BURSTS_OVER / 2)
        l->n_bursts = l->longest = 0;
}

/* The run of losses ended with the packet before the one sent at `next`. */
static void end_run(struct path_loss *l, struct wall next)
{
    uint32_t run = l->run;
    l->run = 0;
    if (l->level || (int32_t)run < l->burst_least || l->outage)
        return;
    decay(l, next);
    l->penalty_at = next;
    l->penalty += 1;
    l->first_burst = l->n_bursts == 0 ? l->run_began : l->first_burst;
    l->n_bursts++;
    l->longest = run > l->longest ? run : l->longest;
    l->bursts |= l->penalty > PATH_LOSS_BURSTS;
}

/* ---- the level ---- */

static void begin_counts(struct path_loss *l, struct wall at)
{
    memset(l->since, 0, sizeof l->since);
    l->began = at;
}

static struct path_loss_counts count_all(const struct path_loss *l)
{
    struct path_loss_counts all = {0};
    for (size_t k = 0; k < KINDS_MAX; k++) {
        all.sent += l->since[k].sent;
        all.lost += l->since[k].lost;
    }
    return all;
}

/* How the mirrored chart goes: as the loss to detect, or half of what was seen. */
static double to_hold(const struct path_loss *l)
{
    double p1 = from_odds(PATH_LOSS_ABOVE * l->limit / (1 - l->limit));
    struct path_loss_counts all = count_all(l);
    return fmax(p1, all.sent > 0 ? (double)all.lost / all.sent / 2 : 0);
}

static void take_back(struct path_loss *l, bool lost)
{
    double p0 = from_odds(PATH_LOSS_BELOW * l->limit / (1 - l->limit)), p1 = to_hold(l);
    double on_lost = log(p1 / p0), on_arrived = log((1 - p1) / (1 - p0));
    double drift = p1 * on_lost + (1 - p1) * on_arrived;
    l->better -= (float)(lost ? on_lost : on_arrived);
    l->better = fmaxf(l->better, 0);
    if (l->better < threshold_for(PATH_LOSS_HELD_S * l->rate, drift))
        return;
    l->level = false;
    l->worse = l->better = 0;
}

static uint32_t to_packet(struct wall sent, size_t kind, bool lost)
{
    return ((uint32_t)(sent.ns / 4) & ~15U) | (uint32_t)(kind & 7) << 1 | lost;
}

static struct wall sent_at(const struct path_loss *l, uint32_t packet)
{
    uint32_t age = to_packet(l->newest, 0, false) - (packet & ~15U);
    return (struct wall){l->newest.ns - INT64_C(4) * age};
}

static void walk(struct path_loss *l, uint32_t packet)
{
    struct wall at = sent_at(l, packet);
    size_t kind = packet >> 1 & 7;
    bool lost = packet & 1, after_loss = l->run > 0;
    if (!l->level && l->worse <= 0)
        begin_counts(l, at);
    l->since[kind].sent++;
    l->since[kind].lost += lost;
    if (!lost && after_loss)
        end_run(l, at);
    l->outage = l->outage && lost;
    if (lost && l->run++ == 0)
        l->run_began = at;
    if (after_loss)
        return;
    float step = lost ? l->lost : l->arrived;
    l->news += step;
    if (l->level) {
        take_back(l, lost);
        return;
    }
    float threshold =
        l->expected ? fminf(PATH_LOSS_EXPECTED, l->threshold) : l->threshold;
    l->worse = fmaxf(l->worse + step, 0);
    if (l->worse > threshold) {
        l->level = true;
        l->better = 0;
    }
}

static void walk_oldest(struct path_loss *l, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        walk(l, l->queue[i]);
    l->queued -= n;
    memmove(l->queue, l->queue + n, l->queued * sizeof *l->queue);
}

void path_loss_add(struct path_loss *l, size_t kind, struct wall sent, bool lost)
{
    if (l->limit <= 0)
        return;
    bool stepped_back = l->queued > 0 && l->newest.ns - sent.ns > PATH_LOSS_ORDER_NS;
    uint32_t old = stepped_back ? l->queued : 0;
    while (old < l->queued && sent.ns - sent_at(l, l->queue[old]).ns > PATH_LOSS_ORDER_NS)
        old++;
    walk_oldest(l, old == 0 && l->queued == PATH_LOSS_QUEUE ? 1 : old);

    if (l->queued == 0 || sent.ns > l->newest.ns)
        l->newest = sent;
    size_t at = l->queued++;
    for (; at > 0 && sent_at(l, l->queue[at - 1]).ns > sent.ns; at--)
        l->queue[at] = l->queue[at - 1];
    l->queue[at] = to_packet(sent, kind, lost);
}

/* ---- all paths of the site ---- */

double path_loss_take_news(struct path_loss *l)
{
    double news = l->news;
    l->news = 0;
    return news;
}

bool path_loss_site_window(struct path_loss_site *s, double news)
{
    s->chart = fmin(fmax(s->chart + news, 0), 2 * PATH_LOSS_SITE_THRESHOLD);
    return s->chart > PATH_LOSS_SITE_THRESHOLD;
}

void path_loss_expect(struct path_loss *l, bool site_loses)
{
    l->expected = site_loses;
}

/* ---- what it says ---- */

struct path_loss_verdict path_loss_verdict(struct path_loss *l, size_t kind,
                                           struct wall now)
{
    const struct path_loss_counts *c = &l->since[kind];
    struct path_loss_verdict v = {.is = PATH_LOSS_NONE};
    decay(l, now);
    if (l->level && c->sent > 0 && (double)c->lost > (double)l->limit * c->sent) {
        struct path_loss_counts all = count_all(l);
        v = (struct path_loss_verdict){.is = PATH_LOSS_LEVEL,
                                       .since = l->began,
                                       .sent = all.sent,
                                       .lost = all.lost,
                                       .interval = loss_interval(all.lost, all.sent),
                                       .own_sent = c->sent,
                                       .own_lost = c->lost};
    } else if (l->bursts && !l->level) {
        v = (struct path_loss_verdict){.is = PATH_LOSS_IN_BURSTS,
                                       .since = l->first_burst,
                                       .bursts = l->n_bursts,
                                       .longest = l->longest};
    }
    return v;
}
