/*
 * The content of one export, as a value: every series, cumulative since its start (with
 * delta temporality: since the last window), and the summary of the window that has just
 * closed. Series are cumulative so that a batch delivered twice counts once, and a lost
 * batch costs resolution but no data. A series is (target, kind, family, PoP): when the
 * PoP of a target changes, a new series begins, so two PoPs are never mixed in one
 * percentile. While the PoP is unknown, the address takes its place in the key. What goes
 * through an HTTP proxy has neither: one series, of the family "proxy".
 */
#ifndef EDGELAT_CORE_BATCH_H
#define EDGELAT_CORE_BATCH_H

#include "core/addresses.h"
#include "core/delay_ring.h"
#include "core/event.h"
#include "core/flap.h"
#include "core/histogram.h"
#include "core/intercept.h"
#include "core/owner.h"
#include "core/path_mtu.h"
#include "core/path_state.h"
#include "core/resolution.h"
#include "core/rolling.h"
#include "core/target.h"
#include "core/uplink_state.h"
#include "core/window.h"

struct series {
    const struct target *target;
    const struct kind *kind;
    enum family family;
    struct endpoint to;     /* the address used last */
    char pop[POP_TEXT_MAX]; /* "": unknown */
    struct wall start;      /* OTLP start_time_unix_nano */

    /* Cumulative; a stream that is probed ten times a second takes 13 years to 2^32. */
    uint32_t outcomes[OUTCOME_COUNT];
    uint32_t counters[COUNTERS];
    struct histogram *delays; /* kind_delays() of them */
    struct histogram variation;
    struct wall histograms_start; /* theirs: they begin again, see core/series.h */
    bool histograms_end;          /* after this batch, which has them all */

    /* Set when probes of a kind that may be filtered (ICMP) were never answered while the
     * target answers probes of this other kind in the same family and PoP: the network
     * filters them, so there is no data, and no outage. Else NULL. */
    const struct kind *silent_while;
    bool
        silence_significant; /* the silence is now too long for chance; true once a series */
    bool overflow;           /* holds the results above the series limit, core/series.h */
    /*
     * What stands as in the batch before is left out of this one: counts of 0, and the burst
     * of no loss in two windows. It is sent every SERIES_REPEAT_NS, within the five minutes
     * for which Prometheus and VictoriaMetrics take the last value of a series, so no series
     * ends there. An exported count that rises is in each batch with results.
     */
    bool brief;
    bool in_window; /* the window that has just closed has results of the series */
    bool lossless;  /* nor had the window with results before that a loss */

    bool due[PERIODS]; /* the period is to be exported with this batch: */
    bool main_periods; /* percentiles of the first and the main delay only */
    struct period_summary *periods[PERIODS]; /* series_period(); NULL: of no delay any */

    /* If in_window, of all its parts, see core/series.h. Bits, by delay: its histogram was
     * empty before, and it has a new least or greatest value; SERIES_VARIATION of that of
     * the variation. */
    uint16_t begun, extreme;
    int64_t
        *medians_ns; /* by delay, of those without a place; DELAY_UNDEFINED: no value */
    /* Its delays by series_place(). At the end, as a series has no memory for more, and
     * none for its variation: not to be copied as a whole. */
    struct summary window;
};

enum { SERIES_VARIATION = DELAYS_MAX };

/* The number of delays that percentiles are kept of, ... */
static inline size_t series_places(const struct series *s)
{
    return !s->main_periods ? kind_delays(s->kind) : s->kind->main_delay == 0 ? 1 : 2;
}

/* ... and which of them a delay is; SIZE_MAX: none. */
static inline size_t series_place(const struct series *s, size_t delay)
{
    if (!s->main_periods || delay == 0)
        return delay;
    return delay == s->kind->main_delay ? 1 : SIZE_MAX;
}

/* Of period `p` and a delay; NULL: nothing can be stated. */
static inline struct period_summary *series_period(const struct series *s, size_t p,
                                                   size_t delay)
{
    size_t place = series_place(s, delay);
    return s->periods[p] == NULL || place == SIZE_MAX ? NULL : &s->periods[p][place];
}

/* The same of the window. */
static inline const struct delay_summary *series_window(const struct series *s,
                                                        size_t delay)
{
    size_t place = series_place(s, delay);
    return place == SIZE_MAX ? NULL : &s->window.delays[place];
}

/*
 * Something that still reads the series of the last batch, such as another
 * thread. settle() returns when it has done so: it is called before any of them changes or
 * is freed. { NULL }: nobody.
 */
struct series_reader {
    void (*settle)(void *user);
    void *user;
};

struct address_state { /* of one of the addresses of a name, core/addresses.h */
    struct endpoint to;
    enum state state;          /* STATE_DOWN: it is silent while others answer */
    uint32_t unanswered;       /* probes of a kind that others answer, and it has never */
    bool current;              /* in the last answer of DNS */
    bool has_slot;             /* it gets series of its own: struct address_slots */
    int64_t min_ns, median_ns; /* of its last round trips; DELAY_UNDEFINED: none */
};

/* HTTP responses by status, cumulative like series. The last entry has those of further
 * statuses, with status 0. */
enum { STATUSES_MAX = 8 };

struct status_count {
    uint16_t status; /* 0 in the last entry, or if the entry is not in use */
    uint32_t n;
    uint32_t before; /* of `n`, those before the window */
};

/* The state of a target in one address family, or through the proxy. What it points to is
 * of now, not of the end of the window. */
struct target_address_state {
    struct endpoint to;     /* FAMILY_NONE: it has no address */
    char pop[POP_TEXT_MAX]; /* "": unknown */
    struct wall
        pop_since;     /* the first answer from it, or the CNAME chain that names it */
    const char *basis; /* source of `pop`: "cname", "X-MSEdge-Ref"; NULL: unknown */
    const struct dns_answer *dns;        /* NULL: none; target_dns() */
    const struct owner *owner;           /* of what answers there; NULL: target_owner() */
    const char *issuer;                  /* of the last certificate; target_issuer() */
    const struct status_count *statuses; /* STATUSES_MAX of them; NULL: none */
    bool issuer_foreign; /* it is not one that the service uses: TLS is intercepted */
    /* Whether a middlebox answers its handshakes; NULL: target_intercept(). */
    const struct intercept *intercept;
    bool answers;                    /* the target itself answered in the window */
    const struct address_state *all; /* of the name, `to` among them */
    size_t n_all;
    bool guessed; /* a found name whose server has not proved itself yet */
    /* Of TCP handshakes, by kind; NULL: none since the PoP or the network changed, or no
     * other target may be a door of the same service. */
    const struct delay_ring *handshakes[KINDS_MAX];
};

/* One for each target: the configured ones in their order, then the discovered ones. */
struct target_state {
    const struct target *target;
    char pop[POP_TEXT_MAX];
    /* Any kind got an answer (reply or refusal) in the window. The answer of a middlebox
     * does not count. */
    bool up;
    bool measured; /* at least one probe was sent whose silence would mean "down" */
    uint32_t rank; /* 1 is the nearest; 0: not eligible */
    /* The values that the ranking used: the minimum delay of recent windows
     * (DELAY_UNDEFINED: none), and the probes sent and lost, without streams that are
     * silent while others are answered. */
    int64_t min_ns;
    uint64_t sent, lost;
    /* Of the family that is ranked or may be. If no family may be a PoP, the owner is not
     * a PoP, and the target has no rank and no PoP. */
    const struct owner *owner; /* NULL: target_verdict() */
    bool intercepted; /* a middlebox answers handshakes in a family: delays left out */
    /* One clause about the middlebox, or why it cannot be decided; "": no sign of one. */
    char interception[INTERCEPT_TEXT_MAX];
    struct target_address_state addresses[FAMILY_SLOTS];
    uint8_t states[FAMILY_SLOTS][KINDS_MAX]; /* enum state of streams, by family, kind */
};

/* Empty if there is none. */
static inline const struct dns_answer *target_dns(const struct target_address_state *a)
{
    return resolution_kept(a->dns);
}

static inline const struct owner *target_owner(const struct target_address_state *a)
{
    static const struct owner none;
    return a->owner != NULL ? a->owner : &none;
}

static inline const struct owner *target_verdict(const struct target_state *t)
{
    static const struct owner none;
    return t->owner != NULL ? t->owner : &none;
}

/* "": no certificate was seen. */
static inline const char *target_issuer(const struct target_address_state *a)
{
    return a->issuer != NULL ? a->issuer : "";
}

static inline const struct intercept *
target_intercept(const struct target_address_state *a)
{
    static const struct intercept none;
    return a->intercept != NULL ? a->intercept : &none;
}

/* The number of addresses that are silent while others answer. */
static inline size_t target_silent_addresses(const struct target_address_state *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n_all; i++)
        n += a->all[i].state == STATE_DOWN;
    return n;
}

/* In any family. */
static inline bool target_has_address(const struct target_state *t)
{
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        if (t->addresses[f].to.family != FAMILY_NONE)
            return true;
    return false;
}

/* What the PoP that serves a target costs against the nearest front door of the same
 * service, in one family: edge/gain.h. */
struct edge_gain {
    const struct target *target;
    enum family family;
    bool known;                  /* the delays of this window tell it: */
    int64_t ns, low_ns, high_ns; /* medians, 95 % interval; below 0: the door is slower */
    bool suboptimal;             /* a finding: held, and not taken back */
};

struct unsent; /* core/unsent.h */

struct self_label {
    const char *name, *value;
};

/* A metric that is no target's: of the agent itself (edgelat.agent.*), of BGP sessions. */
struct self_value {
    const char *name; /* METRIC_AGENT_CPU_TIME */
    const char *unit; /* UCUM: "s", "By", "{batch}"; "" for a yes/no value */
    const char *description;
    bool monotonic; /* a sum since the agent's start, else a gauge */
    double value;
    const char *attribute, *attribute_value; /* one attribute, or NULL */
    const struct self_label *labels;         /* further attributes */
    size_t n_labels;
    bool begins; /* the first value of a sum: 0 precedes it, as in the first batch */
    const struct histogram *histogram; /* of seconds, instead of `value`; or NULL */
};

/* Borrowed views; valid until the next call on the pipeline, the series for as long as struct
 * series_reader says. */
struct batch {
    struct wall agent_start;
    struct wall window_start, time; /* the closed window; `time` stamps every point */
    int64_t window_ns;              /* its length as configured */
    bool interrupted, busy;         /* the window of any stream was, see struct summary */
    bool first;                     /* the first batch: sums of `self` begin at 0 */
    bool delta;                     /* series and the sums of `self` cover this window */
    const struct series *const *series;
    size_t n_series;
    uint64_t overflowed; /* results in overflow series, since the start of the agent */
    const struct target_state *targets;
    size_t n_targets;
    const struct event *events; /* of the window */
    size_t n_events;            /* at most EVENTS_MAX */
    uint64_t events_dropped;
    const struct path_mtu *mtus; /* filled in by the daemon */
    size_t n_mtus;
    const struct self_value *self; /* filled in by the daemon */
    size_t n_self;
    const struct edge_gain *gains; /* filled in by the daemon */
    size_t n_gains;
    const struct path_state *const *paths; /* filled in by the daemon */
    size_t n_paths;
    const struct uplinks_report *uplinks; /* filled in by the daemon; NULL: none */
    const struct unsent *unsent;          /* filled in by the daemon; NULL: not known */
};

#endif
