/*
 * The dataset: the contents of OTLP batches, for each target over time. Add requests in
 * the order in which the agent made them; a batch that is added twice counts once.
 * Cumulative counts become counts for each window: the difference to the previous batch.
 * A new start time is a counter reset. What a counter held before the period is
 * subtracted. Delta counts are used as they are. The percentiles of the period come from
 * the histograms. The median of a window comes from the increase of the histogram, unless
 * the sender exports it (edgelat.probe.delay.quantile). Higher percentiles of a window are
 * not kept: six values have none. What is kept is the highest value.
 *
 * Batches are untrusted input: texts are truncated and cleaned, numbers are bounded, and
 * values beyond the DATASET_..._MAX below are dropped and counted in `left_out`.
 */
#ifndef EDGELAT_REPORT_DATASET_H
#define EDGELAT_REPORT_DATASET_H

#include "core/addresses.h"
#include "core/counter.h"
#include "core/event.h"
#include "core/histogram.h"
#include "core/media.h"
#include "core/result.h"
#include "core/rolling.h"
#include "core/target.h"
#include "otlp/signal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DATASET_TARGETS_MAX = TARGETS_MAX,
    DATASET_STREAMS_MAX = 16, /* of a target: kinds times families */
    DATASET_SERIES_MAX = 64,  /* of a stream */
    DATASET_DELAYS_MAX = DELAYS_MAX,
    DATASET_EVENTS_MAX = 10000,
    DATASET_LASTS_MAX = 1024,
    DATASET_SAMPLES_MAX = 4000000, /* a month of 10 s windows of 15 streams */
    DATASET_INTERVALS_MAX = 20000, /* of one list; when full, the last one is extended */
    DATASET_SELVES_MAX = 64,
    DATASET_RUNS_MAX = 4096,
    DATASET_SESSIONS_MAX = 64,
    DATASET_PREFIXES_MAX = 512,
    DATASET_TRAFFIC_MAX = 160,
    DATASET_ENTRIES_MAX = 2048, /* of a target */
    DATASET_MEDIA_MAX = 8192,   /* a month of ten times the most a day */
};
#define DATASET_WORD_MAX 64
/* Slow streams are probed each five minutes and show a change so much later. */
#define DATASET_TOGETHER_NS INT64_C(400000000000)
#define DATASET_LATEST_NS   (INT64_C(1) << 62) /* in 2116: sums of times do not overflow */

struct dataset_counts {
    uint32_t outcomes[OUTCOME_COUNT];
    uint32_t counters[COUNTERS];
};

/* One window of one series. */
struct sample {
    int64_t start_ns, end_ns;
    /* Of the kind's main delay; DELAY_UNDEFINED without an answer. `highest_ns` is the
     * longest delay as the histogram tells it, or the highest percentile sent. */
    int64_t p50_ns, highest_ns;
    /* Probes. Both 0 while unanswered ICMP is not counted as loss, see core/batch.h. */
    uint32_t sent, lost;
    uint32_t failed;                /* probes answered with something else than a reply */
    uint32_t packets, packets_lost; /* `sent` and `lost` as core/loss.h counts them */
    uint32_t series;                /* index into the stream's series */
};

/* One delay of one series over the period. */
struct dataset_delay {
    char name[DATASET_WORD_MAX];
    struct histogram sum;
    /* Of the current cumulative counter, not yet in `sum`: its state when the period or
     * the counter began, and its newest state. */
    struct histogram base, last;
    uint64_t start_ns, time_ns;
    bool running; /* a cumulative counter has been seen */
    bool is_main; /* of its kind */
};

/* The newest percentiles of a rolling period, as the agent states them. */
struct dataset_period {
    uint64_t time_ns; /* 0: none is stated */
    struct {
        int64_t ns, low_ns, high_ns; /* 0: not stated */
    } percentiles[PERCENTILES];
};

/* One PoP (or address) that a stream was measured to. */
struct dataset_series {
    char pop[POP_TEXT_MAX];         /* "unknown": `address` identifies the series */
    char address[ADDRESS_TEXT_MAX]; /* "" if the PoP is known */
    struct dataset_counts sum;      /* over the period */
    uint64_t unanswered;            /* probes without an answer, not counted as loss */
    struct dataset_delay delays[DATASET_DELAYS_MAX];
    size_t n_delays;
    struct dataset_period periods[PERIODS]; /* of the kind's main delay */
    struct dataset_counters *counters;      /* private; NULL after dataset_end() */
};

/* One probe kind and family of a target. */
struct dataset_stream {
    char kind[DATASET_WORD_MAX], family[DATASET_WORD_MAX]; /* "tcp", "ipv4" */
    struct dataset_series *series[DATASET_SERIES_MAX];
    size_t n_series;
    struct sample *samples; /* sorted by time */
    size_t n, room;
};

struct interval {
    int64_t start_ns, end_ns;
};

/* Sorted by time; they neither overlap nor touch. */
struct intervals {
    struct interval *all;
    size_t n, room;
};

/* Adds an interval that starts no earlier than the last one; merges it with the last one
 * if they overlap or touch. */
void intervals_add(struct intervals *to, int64_t start_ns, int64_t end_ns);

/* The times that are in both. */
struct intervals intervals_both(const struct intervals *a, const struct intervals *b);

/* The times of `a` that are not in `b`. */
struct intervals intervals_without(const struct intervals *a, const struct intervals *b);

/* The times that are in either. */
struct intervals intervals_either(const struct intervals *a, const struct intervals *b);

/* Total length in ns. */
int64_t intervals_sum(const struct intervals *s);

/* The addresses of a name in one family, as of the newest window that states them. */
struct dataset_addresses {
    uint64_t time_ns; /* 0: never, as of names with one address */
    uint64_t all, silent;
    int64_t since_ns; /* the first window in a row with a silent one */
    char list[ADDRESSES_MAX][ADDRESS_TEXT_MAX]; /* silent ones that have a series */
    size_t n_listed;
};

/* Where the path entered Microsoft's network, from the first to the last window in a row
 * with this entry. */
struct dataset_entry {
    int64_t first_ns, last_ns;
    char family[8];
    char metro[POP_TEXT_MAX];
};

struct dataset_target {
    char name[TARGET_NAME_MAX], service[WORD_TEXT_MAX], host[HOST_TEXT_MAX];
    uint32_t rank;    /* the newest one; 0: none */
    bool intercepted; /* at any time in the period */
    bool foreign;     /* a network other than the edge answered, at any time */
    char
        tls_by[DATASET_WORD_MAX]; /* issuer that intercepted TLS, at any time; "": none */
    int64_t last_seen_ns;         /* end of the newest batch that contains the target */
    struct intervals down;        /* windows without an answer */
    struct intervals beyond[FAMILY_SLOTS]; /* windows whose loss or rise of delay arose
                                              beyond the default gateway */
    struct dataset_stream streams[DATASET_STREAMS_MAX];
    size_t n_streams;
    struct dataset_addresses addresses[2]; /* by family_slot() */
    /* The newest windows in which a nearer front door was a finding, and was none. */
    uint64_t suboptimal_ns[FAMILY_SLOTS], optimal_ns[FAMILY_SLOTS];
    struct dataset_entry *entries; /* in the order of their times, for each family */
    size_t n_entries, entries_room;
};

struct dataset_event {
    int64_t time_ns;     /* when what it reports began */
    int64_t detected_ns; /* its order */
    int severity;        /* SeverityNumber of OpenTelemetry */
    char name[DATASET_WORD_MAX], target[TARGET_NAME_MAX], kind[DATASET_WORD_MAX],
        family[DATASET_WORD_MAX];
    char before[DATASET_WORD_MAX], after[DATASET_WORD_MAX], text[EVENT_TEXT_MAX];

    struct event_traits is;
    bool charged_to_site; /* its loss or delay was already there at the default gateway */
    /* Set by dataset_end(). */
    /* The first event of the same change, of another stream of the target; NULL: itself. A
     * state that several streams reach within DATASET_TOGETHER_NS is one change. */
    const struct dataset_event *repeats;
    /* Only for events that change the state of a stream: whether it is the first such
     * event of its stream, and the following one or NULL. */
    bool first;
    const struct dataset_event *next;
};

/* A burst like a call, to `target`. What it does not state is NaN. */
struct dataset_media {
    int64_t time_ns; /* when it began */
    char target[TARGET_NAME_MAX], family[8], text[EVENT_TEXT_MAX];
    enum media_verdict verdict;    /* of the agent, by its limits */
    double mos, longest_burst;     /* packets lost in a row */
    double values[MEDIA_MEASURES]; /* seconds, and shares from 0 to 1 */
};

struct media_count {
    size_t all, of[MEDIA_OVER + 1]; /* by their verdict */
};

/* The part of a window in which a BGP session was up. */
struct availability {
    int64_t start_ns, end_ns;
    double up; /* 0 to 1 */
};

/* A BGP session of a router, as the BMP station reported it. */
struct dataset_session {
    char router[DATASET_WORD_MAX], peer[DATASET_WORD_MAX], as[DATASET_WORD_MAX],
        location[DATASET_WORD_MAX];
    struct availability *windows; /* in the order of their time */
    size_t n, room;
    double flaps;                           /* in the period */
    uint64_t flaps_start_ns, flaps_time_ns; /* of the newest point */
    double flaps_last;
};

struct dataset_prefix { /* a watched one, whose origin was validated by RPKI */
    char prefix[DATASET_WORD_MAX], service[DATASET_WORD_MAX];
    char state
        [16]; /* of the newest window in the period: "valid", "invalid", "not_found" */
    uint32_t origin_as;
    int64_t since_ns, time_ns; /* first and last of these windows */
    bool from_start;           /* none of another state before */
};

/* A window of an interface or service; bytes a second. */
struct traffic_window {
    int64_t start_ns, end_ns;
    double mean, highest;
};

enum traffic_counts { TRAFFIC_BYTES, TRAFFIC_ERRORS, TRAFFIC_DROPS, TRAFFIC_COUNTS };

struct traffic_count {
    double sum;                 /* in the period */
    uint64_t start_ns, time_ns; /* of the newest point */
    double last;
};

/* A direction of an interface (`link`), or of a service from one source. */
struct dataset_traffic {
    bool link;
    char name[DATASET_WORD_MAX], source[DATASET_WORD_MAX], direction[DATASET_WORD_MAX];
    struct traffic_window *windows; /* in the order of their time */
    size_t n, room;
    struct traffic_count counts[TRAFFIC_COUNTS];
};

/* One of the agent's own metrics (edgelat.agent.*), by attribute. */
struct dataset_self {
    char name[DATASET_WORD_MAX], attribute[DATASET_WORD_MAX];
    bool is_sum;
    double sum;       /* increase in the period */
    double last, max; /* of the values */
    uint64_t start_ns, time_ns;
};

/*
 * The outages of the site, sorted by time: no target answered (the site's line was down),
 * or none over a family while another one worked. They need two targets or more, and two
 * windows; they begin with the first unanswered probe and end with the first answer, if
 * events tell these.
 */
struct outages {
    struct intervals line, family[FAMILY_SLOTS]; /* by family_slot() */
};

/* Loss or delay that arose between the host and its default gateway. */
struct dataset_metre {
    int64_t start_ns, end_ns;
    enum family family; /* FAMILY_NONE: both */
    char state[16];     /* "slow", "lossy", "down" */
    char text[EVENT_TEXT_MAX];
};

struct dataset {
    const struct kinds *kinds;
    int64_t since_ns, until_ns; /* the requested period */
    /* From the newest batch. */
    char instance[DATASET_WORD_MAX], host[HOST_TEXT_MAX], site[WORD_TEXT_MAX],
        version[DATASET_WORD_MAX];
    struct dataset_target *targets[DATASET_TARGETS_MAX];
    size_t n_targets;
    struct dataset_event *events; /* sorted by time */
    size_t n_events, events_room;
    struct dataset_media *media; /* sorted by time */
    size_t n_media, media_room;
    uint32_t *event_slots; /* private to dataset_agent.c: hash table of the events */
    /* The last event of each name, target, kind and family that leaves something or changes
     * a state: before the period, and until its end. */
    struct dataset_lasts {
        struct dataset_event *all;
        size_t n, room;
    } before, last;
    /* What is the case at the end of the period, since the agent's last start; sorted by
     * time. Set by dataset_end(). */
    struct dataset_open {
        enum event_leaves leaves;
        const struct dataset_event *event; /* time_ns 0: older than the history */
    } * open;
    size_t n_open;
    size_t n_samples; /* of all streams */
    struct dataset_self selves[DATASET_SELVES_MAX];
    size_t n_selves;
    struct dataset_session *sessions[DATASET_SESSIONS_MAX];
    size_t n_sessions;
    struct dataset_prefix *prefixes; /* in the order of their first window */
    size_t n_prefixes, prefixes_room;
    struct dataset_traffic *traffic[DATASET_TRAFFIC_MAX];
    size_t n_traffic;
    struct intervals covered;    /* times with a window */
    struct outages outages;      /* set by dataset_end() */
    struct dataset_metre *metre; /* sorted by time; set by dataset_end() */
    size_t n_metre, metre_room;
    int64_t window_ns;              /* length of the longest window */
    int64_t runs[DATASET_RUNS_MAX]; /* start times of the agent; not with delta counts */
    size_t n_runs;
    struct point_reader *reader; /* private */
    size_t batches, left_out;
    bool any_agent; /* accept several agents; set it if the identity may have changed */
};

/*
 * Creates a dataset for the period from `since_ns` (not before 1970) to `until_ns`. Add
 * batches from one hour before the period on, so that cumulative counters have a first
 * value, and all older events: a finding may have begun long before the period. `kinds`
 * must outlive it. Never NULL.
 */
struct dataset *dataset_create(const struct kinds *kinds, int64_t since_ns,
                               int64_t until_ns);
void dataset_free(struct dataset *p); /* NULL is fine */

/*
 * Adds one uncompressed request. Returns 0, -EBADMSG if it is not a request of that
 * signal, or -EXDEV if another agent sent it than the first one and `any_agent` is not
 * set.
 */
int dataset_add(struct dataset *p, enum signal signal, const void *bytes, size_t len);

/* Call after the last batch. Sorts targets by rank, then by name. */
void dataset_end(struct dataset *p);

/* The agent's own metric with that name and attribute ("": without one), or NULL. */
const struct dataset_self *dataset_self(const struct dataset *p, const char *name,
                                        const char *attribute);

/* The number of runs of the agent that began until `time_ns`. */
size_t dataset_runs_until(const struct dataset *p, int64_t time_ns);

/* When the agent ran until that was running at `time_ns`: the next start, or the period's end. */
int64_t dataset_run_end(const struct dataset *p, int64_t time_ns);

/* The mean of the period, and the highest second with its window. */
struct traffic_window dataset_traffic_all(const struct dataset_traffic *t);

/* The time of the session that is known, and how much of it the session was down; in ns. */
int64_t dataset_session_known(const struct dataset_session *s, int64_t *down_ns);

/* True if it is a DNS server, not a service: by its kinds. */
bool dataset_is_resolver(const struct dataset *p, const struct dataset_target *t);

struct media_count dataset_media_of(const struct dataset *p, const char *target);

/* The delay of that name in a series, or NULL. */
const struct dataset_delay *dataset_delay(const struct dataset_series *p,
                                          const char *delay);

#endif
