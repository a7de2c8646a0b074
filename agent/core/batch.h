/*
 * What one export carries, as a value: every series, cumulative since it began (or, as
 * delta, what is new in this window), and the summary of the window that has just closed.
 * Cumulative, so a batch that comes twice counts once and one that is lost costs
 * resolution and not data. A series is (target, kind, family, PoP): when the PoP of a
 * target changes a new series begins and two PoPs are never blended into one percentile.
 * While no PoP is known the address is its place.
 */
#ifndef EDGELAT_CORE_BATCH_H
#define EDGELAT_CORE_BATCH_H

#include "core/event.h"
#include "core/flap.h"
#include "core/histogram.h"
#include "core/intercept.h"
#include "core/owner.h"
#include "core/target.h"
#include "core/window.h"

struct series {
    const struct target *target;
    const struct kind *kind;
    enum family family;
    struct endpoint to;     /* the address used last */
    char pop[POP_TEXT_MAX]; /* "" is unknown */
    bool overflow;     /* of all addresses for which there was no series, core/series.h */
    struct wall start; /* when the series began: OTLP start_time_unix_nano */
    /* cumulative: */
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t counters[COUNTERS];
    struct histogram delays[DELAYS_MAX];
    struct histogram variation;

    /* Where probes without a port (ICMP) were never answered, while the target itself
     * answers by this kind in the same family and PoP: they are filtered on the way,
     * which is no data and not an outage. Else NULL. */
    const struct kind *silent_while;
    bool silence_is_news;  /* with this window it is too long for chance; once a series */
    bool in_window;        /* whether it had a part in the window that has just closed: */
    struct summary window; /* of that; of several parts together, see core/series.h */
};

/* What was asked of DNS for a target's address. */
struct dns_answer {
    char chain[256];   /* the CNAMEs, "a -> b", cut where longer; "" is none */
    char servers[128]; /* who was asked */
};

struct target_address_state { /* where a target is in one family */
    struct endpoint to;       /* FAMILY_NONE: it has no address */
    char pop[POP_TEXT_MAX];   /* "" is unknown */
    const char *basis; /* how it is known: "cname", "X-MSEdge-Ref"; NULL: unknown */
    struct dns_answer dns;
    struct owner owner;         /* what answers there */
    struct intercept intercept; /* whether a middlebox answers its handshakes */
    bool answers; /* it did in the window, itself: the rest is of now and not the last */
};

struct target_state { /* one a target, in the order of the configuration; those
                         that were added follow */
    const struct target *target;
    char pop[POP_TEXT_MAX];
    bool up; /* any kind got an answer (reply or refusal) in the window; a middlebox is
                none */
    bool measured;  /* anything was sent that could tell */
    uint32_t rank;  /* 1 is the nearest; 0: not eligible */
    int64_t min_ns; /* recent of the ranking, DELAY_UNDEFINED when none; with it what
                       was sent and lost, without streams that are silent while others
                       are answered */
    uint64_t sent, lost;
    struct owner
        owner;        /* of the family that is ranked, or else may be; one that is no PoP
                         where no family may be one: then it has no rank and no PoP */
    bool intercepted; /* a middlebox answers the handshakes, in one family at least: their
                         delays are left out */
    char interception[INTERCEPT_TEXT_MAX]; /* one clause on it, or that it cannot be told;
                                              "" when nothing speaks for one */
    struct target_address_state addresses[2]; /* IPv4, IPv6 */
    enum state states[2][KINDS_MAX];          /* of the streams, by family and kind */
};

struct self_value {   /* of the agent itself: edgelat.agent.* */
    const char *name; /* METRIC_AGENT_CPU_TIME */
    const char *unit; /* UCUM: "s", "By", "{batch}"; "" of what is yes or no */
    const char *description;
    bool monotonic; /* a sum since the agent's start, else a gauge */
    double value;
    const char *attribute, *attribute_value; /* one attribute, or NULL */
};

struct batch { /* borrowed views; valid until the pipeline is called again */
    struct wall agent_start;
    struct wall window_start,
        time;               /* the window that has closed; `time` stamps every point */
    bool interrupted, busy; /* the window of any stream was, see struct summary */
    bool first;             /* none was closed before: sums of `self` begin at 0 */
    bool delta;             /* series begin with this window; sums of `self`, too */
    const struct series *const *series;
    size_t n_series;
    uint64_t overflowed; /* results in overflow series, since the start of the agent */
    const struct target_state *targets;
    size_t n_targets;
    const struct event *events; /* that became known in the window */
    size_t n_events;            /* at most EVENTS_MAX */
    uint64_t events_dropped;
    const struct self_value *self; /* filled in by the shell */
    size_t n_self;
};

#endif
