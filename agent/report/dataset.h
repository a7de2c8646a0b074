/*
 * The dataset: what batches tell of each target over time. Fed with OTLP requests in the
 * order in which they were made; a batch that comes twice counts once. Cumulative counts
 * become those of each window by differences: a new start time is a counter that began
 * anew, and what stood in one before the period is left out. Delta counts are taken as
 * they are. Percentiles come from the histograms, those of a window from what they grew by;
 * where the sender states one of a window, it is that.
 *
 * Anybody may have written the batches: texts are cut and cleaned, numbers held within
 * bounds, and values beyond the DATASET_..._MAX below are counted in `left_out`.
 */
#ifndef EDGELAT_REPORT_DATASET_H
#define EDGELAT_REPORT_DATASET_H

#include "core/counter.h"
#include "core/event.h"
#include "core/histogram.h"
#include "core/result.h"
#include "core/target.h"
#include "otlp/signal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DATASET_TARGETS_MAX = TARGETS_MAX,
    DATASET_STREAMS_MAX = 16, /* of a target: kinds and families */
    DATASET_SERIES_MAX = 64,  /* of a stream */
    DATASET_DELAYS_MAX = DELAYS_MAX,
    DATASET_EVENTS_MAX = 10000,
    DATASET_SAMPLES_MAX = 4000000, /* a month of 10 s windows of 15 streams */
    DATASET_INTERVALS_MAX = 20000, /* of one kind: then the last one is made longer */
    DATASET_SELVES_MAX = 64,
    DATASET_RUNS_MAX = 4096,
};
#define DATASET_WORD_MAX  64
#define DATASET_LATEST_NS (INT64_C(1) << 62) /* in 2116: sums of times have room */

struct dataset_counts {
    uint64_t outcomes[OUTCOME_COUNT];
    uint64_t counters[COUNTERS];
};

struct sample { /* a window of a stream in one place */
    int64_t start_ns, end_ns;
    int64_t p50_ns,
        p95_ns;          /* of the kind's main delay; DELAY_UNDEFINED without an answer */
    uint64_t sent, lost; /* 0 while the silence of ICMP says nothing, see batch.h */
    uint32_t series;     /* index into the stream's */
};

struct dataset_delay { /* one delay in one place, over the period */
    char name[DATASET_WORD_MAX];
    struct histogram sum;
    struct histogram base, last; /* of the counter that runs: what is in neither sum */
    uint64_t start_ns, time_ns;
    bool running;
};

struct dataset_series {
    char pop[POP_TEXT_MAX];         /* "unknown": then the address tells which */
    char address[ADDRESS_TEXT_MAX]; /* "" where the PoP is known */
    struct dataset_counts sum;      /* of the period */
    uint64_t unanswered;            /* probes whose silence says nothing */
    struct dataset_delay delays[DATASET_DELAYS_MAX];
    size_t n_delays;
    struct dataset_counters *counters; /* dataset.c's; NULL after dataset_end() */
};

struct dataset_stream {
    char kind[DATASET_WORD_MAX], family[DATASET_WORD_MAX]; /* "tcp", "ipv4" */
    struct dataset_series *series[DATASET_SERIES_MAX];
    size_t n_series;
    struct sample *samples; /* in the order of time */
    size_t n, room;
};

struct interval {
    int64_t start_ns, end_ns;
};

struct intervals { /* in the order of time, apart from each other */
    struct interval *all;
    size_t n, room;
};

/* Adds one that begins no earlier than the last one; neighbours become one. */
void intervals_add(struct intervals *to, int64_t start_ns, int64_t end_ns);
int64_t intervals_sum(const struct intervals *s);

struct dataset_target {
    char name[TARGET_NAME_MAX], service[WORD_TEXT_MAX], host[HOST_TEXT_MAX];
    uint32_t rank;         /* the last one; 0: none */
    bool intercepted;      /* ever */
    bool foreign;          /* another network than the edge answered, ever */
    int64_t last_seen_ns;  /* of the last batch with it */
    struct intervals down; /* windows in which nothing answered */
    struct dataset_stream streams[DATASET_STREAMS_MAX];
    size_t n_streams;
};

struct dataset_event {
    int64_t time_ns;
    int severity; /* OpenTelemetry's number */
    char name[DATASET_WORD_MAX], target[TARGET_NAME_MAX], kind[DATASET_WORD_MAX],
        family[DATASET_WORD_MAX];
    char before[DATASET_WORD_MAX], after[DATASET_WORD_MAX], text[EVENT_TEXT_MAX];

    /* by dataset_end() */
    bool repeats; /* an earlier one says the same of another stream */
    struct event_traits is;
    bool first;                       /* the first of its stream that does */
    const struct dataset_event *next; /* of its stream that does; NULL: the last */
};

struct dataset_self { /* a value of the agent itself */
    char name[DATASET_WORD_MAX], attribute[DATASET_WORD_MAX];
    bool is_sum;
    double sum;       /* that it grew by in the period */
    double last, max; /* of the values */
    uint64_t start_ns, time_ns;
};

struct dataset {
    const struct kinds *kinds;
    int64_t since_ns, until_ns; /* the period asked for */
    char instance[DATASET_WORD_MAX], host[HOST_TEXT_MAX], site[WORD_TEXT_MAX],
        version[DATASET_WORD_MAX]; /* as the newest batch has them */
    struct dataset_target *targets[DATASET_TARGETS_MAX];
    size_t n_targets;
    struct dataset_event *events; /* in the order of time */
    size_t n_events, events_room;
    uint32_t *event_slots; /* dataset_agent.c's: where they are, by their hash */
    size_t n_samples;      /* of all streams */
    struct dataset_self selves[DATASET_SELVES_MAX];
    size_t n_selves;
    struct intervals covered;       /* by windows */
    int64_t window_ns;              /* the longest one */
    int64_t runs[DATASET_RUNS_MAX]; /* when the agent was started, cumulative only */
    size_t n_runs;
    size_t batches, left_out;
    bool any_agent; /* set it where the identity may have been made anew */
};

/* With everything from `since_ns` (not before 1970) to `until_ns`; feed it from an hour
 * before, so that counters have a beginning. `kinds` outlives it. Never NULL. */
struct dataset *dataset_create(const struct kinds *kinds, int64_t since_ns,
                               int64_t until_ns);
void dataset_free(struct dataset *p); /* NULL is fine */

/*
 * A request, plain. Returns 0, -EBADMSG: it is none of that signal, or -EXDEV: it is of
 * another agent than the first one was, unless `any_agent`.
 */
int dataset_add(struct dataset *p, enum signal signal, const void *bytes, size_t len);

/* After the last one: targets by rank, then name. */
void dataset_end(struct dataset *p);

/* What the agent said of itself by that name and attribute ("" is none), or NULL. */
const struct dataset_self *dataset_self(const struct dataset *p, const char *name,
                                        const char *attribute);

/* Of one delay in one place or NULL. */
const struct dataset_delay *dataset_delay(const struct dataset_series *p,
                                          const char *delay);

#endif
