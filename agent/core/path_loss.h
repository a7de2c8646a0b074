/*
 * Whether a path loses more than its limit, packet by packet: a sequential test, as a
 * handful of probes a minute proves nothing in any fixed number of windows.
 *
 * Level. A CUSUM (Page 1954, "Continuous inspection schemes") of Wald's log-likelihood
 * ratio (Wald 1947, "Sequential analysis", 5.2; for counts: Reynolds and Stoumbos 1999,
 * "A CUSUM chart for monitoring a proportion when inspecting continuously") between a
 * loss at half the odds of the limit and one at PATH_LOSS_ABOVE times its odds; they are
 * about equal at 1.25 times the limit. Thresholds follow from the limit and the rate: one
 * false alarm in PATH_LOSS_QUIET_MONTHS at half the limit, by Wald's bound with his
 * correction for the excess. The state is taken back by the mirrored chart, which compares
 * with half of the loss that was seen, so that it is held while the loss persists and a
 * heavy loss that ended is taken back soon.
 *
 * Bursts are kept apart from the level. Losses come in runs (Gilbert 1960; RFC 3357), so
 * the chart takes only packets whose predecessor arrived: an outage of any length is one
 * loss. With independent loss that costs the share that is lost and changes nothing else.
 * A run that is too long for chance at the limit (less than one a day) is a burst, unless
 * it was reported as down: each outage is one of both. Bursts
 * are damped as flaps are (RFC 2439, 4.2): each adds 1 to a penalty with a half-life of
 * PATH_LOSS_HALF_LIFE_NS; several in an hour or two are a finding of their own.
 *
 * A path is an address of a (target, family). Of a name with several addresses the one in
 * use gets three quarters of the probes (core/addresses.h). Its kinds that send single packets (icmp, tcp) share one
 * test: the packets take the same path, and one kind alone at six packets a minute cannot
 * tell 5 % of loss from 1 % in half an hour with so few false alarms, whatever the method.
 * A SYN that was sent again is a lost packet. Where only one of the kinds loses (ICMP is
 * limited), its own share says so: path_loss_verdict() answers for each.
 *
 * Loss is most often that of the access line, which all paths share. The site has a chart
 * of its own, of the sum over its paths; while that is over its threshold, a path needs
 * less evidence of its own. One bad path does not move it: the others speak against it.
 *
 * Figures of test/sim/test_loss.c, which prints more; limit 2 %, a path is probed by icmp
 * and tcp, 12 packets a minute; a window of a minute, and the second one in core/flap.h:
 *
 *   loss    found after     95 % within   four paths of a site   held, of the time
 *   1 %     8 times in 24 months
 *   3 %     67 minutes      160 minutes
 *   5 %     21              42            10, 95 % within 17     99.3 %
 *   10 %    9               15            5, 95 % within 7       100 %
 *   20 %    5               7                                    100 %
 *
 * Outages of 20 to 40 s, two to ten an hour, are a level in less than 0.1 % of the time.
 * Losses that last shorter than the time between two probes look alike, whatever they are.
 */
#ifndef EDGELAT_CORE_PATH_LOSS_H
#define EDGELAT_CORE_PATH_LOSS_H

#include "core/kind.h"
#include "core/loss.h"
#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>

#define PATH_LOSS_BELOW          0.5 /* of the odds of the limit */
#define PATH_LOSS_ABOVE          2.5
#define PATH_LOSS_QUIET_MONTHS   5.0
#define PATH_LOSS_HELD_S         (24 * 3600.0) /* held in the mean, at the loss to detect */
#define PATH_LOSS_EXPECTED       3.0           /* of a path, while the site loses */
#define PATH_LOSS_SITE_THRESHOLD 12.0
#define PATH_LOSS_HALF_LIFE_NS   (45 * 60 * NS_PER_S)
#define PATH_LOSS_BURSTS         3.0 /* over it the path loses in bursts ... */
#define PATH_LOSS_BURSTS_OVER    0.8 /* ... and below it no longer */
#define PATH_LOSS_ORDER_NS       (11 * NS_PER_S) /* the longest waiting time, and a little */

enum { PATH_LOSS_QUEUE = 32 };

struct path_loss { /* { 0 } knows nothing; about 280 bytes */
    /* Of the limit and the rate: what a packet that arrived, and one that was lost, add
     * to the logarithm of the likelihood ratio; the threshold; packets a second. */
    float limit, rate, arrived, lost, threshold;
    int32_t burst_least; /* packets in a row */

    /* Packets that are not walked yet, by time of sending: losses are known a waiting time
     * later than replies. Of the time the lowest 32 bits in units of 4 ns, which span 17 s;
     * the lowest four are replaced by the kind and whether it was lost. */
    uint32_t queue[PATH_LOSS_QUEUE];
    uint32_t queued;

    float worse, better; /* the two charts */
    float news;          /* added to `worse` without its bound, since it was last taken */
    bool expected;       /* the site loses: PATH_LOSS_EXPECTED is the threshold */
    bool level;          /* it loses more than the limit */
    bool bursts;
    bool outage; /* the run of losses was reported as down */
    struct path_loss_counts {
        uint32_t sent, lost;
    } since[KINDS_MAX]; /* all packets of each kind since `began` */
    uint32_t run;       /* lost in a row up to here */
    float penalty;      /* of bursts, as it was at `penalty_at` */
    struct wall began;  /* when the loss began, by the chart; while there is none, when
                               the chart was last at 0 */
    struct wall run_began;
    struct wall newest; /* of the queue */

    struct wall penalty_at;
    struct wall first_burst; /* of those that the penalty still holds, about */
    uint32_t n_bursts, longest;
};

/*
 * The limit (a share, 0: no limit, nothing is judged) and how many packets a second all
 * kinds together send. To be called before the first packet, and when either changes.
 */
void path_loss_set(struct path_loss *l, double limit, double rate);

/* A packet of that kind sent at `sent`; in any order within PATH_LOSS_ORDER_NS. */
void path_loss_add(struct path_loss *l, size_t kind, struct wall sent, bool lost);

/* The path is reported as down; to be called before path_loss_add(). */
void path_loss_outage(struct path_loss *l);

/* The host slept: the packets before and after are no neighbours. */
void path_loss_break(struct path_loss *l);

/* The path has changed: forgets all but limit and rate. */
void path_loss_forget(struct path_loss *l);

struct path_loss_verdict {
    enum path_loss_finding {
        PATH_LOSS_NONE,
        PATH_LOSS_LEVEL,
        PATH_LOSS_IN_BURSTS,
    } is;
    struct wall since;
    /* In a level: the packets since then of all kinds that share the test, as the level is
     * theirs, the interval of their loss, and those of that kind. */
    uint32_t sent, lost;
    struct loss_interval interval;
    uint32_t own_sent, own_lost;
    uint32_t bursts, longest; /* of the bursts: how many, the longest in packets */
};

/*
 * All paths of the site together: { 0 } knows nothing. A window has ended: moves the
 * chart by the news of its paths, and returns whether the site as a whole loses.
 */
struct path_loss_site {
    double chart;
};
double path_loss_take_news(struct path_loss *l);
bool path_loss_site_window(struct path_loss_site *s, double news);
void path_loss_expect(struct path_loss *l, bool site_loses);

/*
 * The verdict on that kind at `now`. PATH_LOSS_LEVEL only if the kind's own share is over
 * the limit. That of all kinds may be below it: a level is held until it has surely ended,
 * and begins early while the site loses.
 */
struct path_loss_verdict path_loss_verdict(struct path_loss *l, size_t kind,
                                           struct wall now);

#endif
