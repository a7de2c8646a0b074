/*
 * An event: a change that is reported once. The batch of a window carries the events of
 * that window, and they are exported as OTLP log records (OpenTelemetry logs data model:
 * event.name, SeverityNumber, Body) beside the metrics.
 *
 * `before` and `after` are the old and the new state, in the words of the event ("up",
 * "down"; "AMS", "LON"). `text` describes it in one clause, whose subject is
 * event_subject(). The facts are the evidence, under the names they are exported with.
 */
#ifndef EDGELAT_CORE_EVENT_H
#define EDGELAT_CORE_EVENT_H

#include "core/kind.h"
#include "core/target.h"
#include "core/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum severity { /* OpenTelemetry's SeverityNumber */
                SEVERITY_INFO = 9,
                SEVERITY_WARN = 13,
                SEVERITY_ERROR = 17,
                SEVERITY_CRITICAL = 21, /* FATAL in OpenTelemetry */
};

/* What may explain what, from the cause to the effect: core/causes.h. */
enum event_layer {
    LAYER_NONE,       /* neither explains nor is explained */
    LAYER_HOST,       /* the network of this host */
    LAYER_LAST_METRE, /* up to its default gateway */
    LAYER_BGP_SESSION,
    LAYER_ROUTES,
    LAYER_PATH, /* as traced */
    LAYER_NAME, /* what DNS answers */
    LAYER_POP,
    LAYER_PROBES, /* delay, loss, state: explains nothing */
};

/* Properties of an event by its name: a decoded event has nothing else. */
struct event_traits {
    enum event_layer layer;
    bool changes_state; /* `after` is the state of a stream */
    bool flaps;         /* the stream has no state until it has settled */
    bool routine;       /* frequent and harmless */
    bool leaves;        /* something may be the case after it: event_leaves() */
};
struct event_traits event_traits(const char *name); /* all false for an unknown name */

/* What is the case after an event, until the next one of its name, target and family. */
enum event_leaves {
    EVENT_LEAVES_NOTHING,
    EVENT_LEAVES_NOTE,    /* worth knowing */
    EVENT_LEAVES_FINDING, /* a problem */
};

/* By its name and its `after`; EVENT_LEAVES_NOTHING for an unknown name. */
enum event_leaves event_leaves(const char *name, const char *after);

/* True for the events of BGP sessions and routes (route/rib.h). */
bool event_is_routing(const char *name);

/* "INFO", "WARN", "ERROR", "CRITICAL" */
const char *severity_name(enum severity severity);

#define EVENT_WORD_MAX  TARGET_NAME_MAX
#define EVENT_TEXT_MAX  512
#define FACT_TEXT_MAX   256
#define EVENT_FACTS_MAX 12

struct fact {
    const char *name; /* of core/event_names.h: ATTR_SHIFT_RATIO; static */
    bool is_text;
    double number;
    const char *text; /* at most FACT_TEXT_MAX with its end */
};

/* What an event concerns: the destinations, and the part of the network that it was observed
 * in. Two events whose scopes disagree do not explain each other (core/causes.h). */
struct event_scope {
    struct endpoint prefix; /* FAMILY_NONE: all, or the target of the event */
    uint8_t bits;
    /* Numbers of the RIB (route/rib.h), 0: any. Of the session whose message made the change,
     * which may be another one than that of the path which the event describes. */
    uint32_t router, session;
};

/* The event that explains another one. */
struct event_cause {
    const char *name; /* NULL: none known; static */
    struct wall since;
};

struct event {
    const char *name; /* EVENT_POP_CHANGED; static */
    enum severity severity;
    struct wall time;            /* when it was detected */
    struct wall since;           /* when what it reports began; 0: at `time` */
    const struct target *target; /* NULL: it concerns the host or the agent */
    const struct kind *kind;     /* NULL: no particular kind */
    enum family family;          /* FAMILY_NONE: no particular family */
    bool calls_survey;           /* the nearest PoP may have changed: survey again */
    struct event_scope scope;
    struct event_cause cause;   /* core/causes.h */
    const char *before, *after; /* "": unknown */
    const char *text;
    struct fact *facts;
    size_t n_facts;
};

/* The events of one window: at most EVENTS_MAX; the rest are only counted. It owns their
 * texts and facts. */
#define EVENTS_MAX 256

struct events { /* start with { 0 }, end with events_free(); n = 0 empties it */
    struct event *list;
    size_t n, room;
    uint64_t dropped;
    struct event last_dropped;
};

void events_free(struct events *e);

/* When what the event reports began. */
static inline struct wall event_began(const struct event *e)
{
    return e->since.ns != 0 ? e->since : e->time;
}

/* Adds an event with these fields, the others empty, for the caller to fill in. Never
 * NULL, and valid until the next one is added. */
struct event *events_add(struct events *to, const char *name, enum severity severity,
                         struct wall time, const struct target *target);

/* The same; drops it if there are `most` already. */
struct event *events_add_below(struct events *to, size_t most, const char *name,
                               enum severity severity, struct wall time,
                               const struct target *target);

/* Set texts to copies, truncated to EVENT_WORD_MAX and EVENT_TEXT_MAX with their end. */
void event_change(struct event *e, const char *before, const char *after);
__attribute__((format(printf, 2, 3))) void event_say(struct event *e, const char *format,
                                                     ...);
/* Adds to the text. */
__attribute__((format(printf, 2, 3))) void event_append(struct event *e,
                                                        const char *format, ...);

#define EVENT_SUBJECT_MAX (TARGET_OVER_TEXT_MAX + 32)

/* "teams (icmp, ipv4)", "teams"; "" without a target. Returns `out`. */
const char *event_subject(char out[EVENT_SUBJECT_MAX], const struct event *e);

/* Add a fact: at most EVENT_FACTS_MAX (asserted). An undefined number (NaN) is left
 * out. */
void event_number(struct event *e, const char *name, double number);
void event_text(struct event *e, const char *name, const char *text);

/* Adds copies of `n` events. */
void events_copy(struct events *to, const struct event *from, size_t n);

/* Moves the events of `from` to the end of `to`; `from` is empty afterwards. */
void events_move(struct events *to, struct events *from);

#endif
