/*
 * The inside of the pipeline: private to pipeline.c, pipeline_rank.c (the feedback),
 * pipeline_loss.c (what is lost), pipeline_pace.c (how often), pipeline_survey.c (a first look), pipeline_middlebox.c
 * (whose handshakes are left out) and pipeline_states.c (up or down).
 */
#ifndef EDGELAT_CORE_PIPELINE_STATE_H
#define EDGELAT_CORE_PIPELINE_STATE_H

#include "core/flap.h"
#include "core/intercept.h"
#include "core/path_loss.h"
#include "core/pipeline.h"
#include "core/recent.h"
#include "core/series.h"
#include "core/shift.h"

struct pipeline_address {     /* where a target is in one family */
    struct endpoint to;       /* FAMILY_NONE: it never had an address */
    bool rests;               /* it has none now; `to` is the last one */
    bool up;                  /* it answered in the open window */
    bool proved;              /* by TLS: who answers there has the certificate */
    char pop[POP_TEXT_MAX];   /* "" is unknown */
    const char *basis;        /* how that is known; NULL: it is not */
    bool from_reply;          /* `pop` is from an answer, not from the chain */
    char chain[POP_TEXT_MAX]; /* what the chain showed last */
    struct owner owner;
    struct intercept intercept;
    struct path_loss losses[2]; /* of kinds that send single packets, and of others */
    struct dns_answer dns;
    struct mono asked_told; /* when that was an event; 0: it never was */
};

struct pipeline_stream {
    size_t target, kind;
    struct pipeline_address *addr;
    struct window *window; /* of this address and PoP */
    bool touched;          /* the window holds anything */
    bool answered;         /* it was, once */
    struct recent recent;
    struct flap flap;
    struct shift shift;
};

struct pipeline_target { /* a target */
    const struct target *target;
    struct pipeline_address addresses[2];
    uint32_t first, n; /* its streams */
    bool full;         /* probed at the full interval, if it may be a PoP */
    size_t host;       /* the first member of the same host */
    double stretch;    /* of what goes beyond its slow intervals; up to 1 is none */
    double round_s;    /* so long one probe of each stream takes */
    bool up, measured; /* in the open window so far */
};

struct pipeline {
    struct pipeline_settings settings;
    const struct kinds *kinds;
    struct schedule *schedule;
    struct series_set *series;
    struct pipeline_target
        *targets; /* as many as `room`, so that they stay where they are */
    size_t n_targets, room;
    struct pipeline_stream *streams;
    uint32_t n_streams;
    bool surveying, paused;

    struct wall opened; /* the open window, as the clocks said */
    struct mono opened_at, latest;
    struct wall window_start, stamped; /* as it is stamped; the newest stamp given */
    bool interrupted, busy;            /* any stream's, so far */

    size_t *order;                /* of the last ranking ... */
    size_t eligible;              /* ... and how many of it were */
    const struct target *nearest; /* when a window closed last; NULL: there was none */
    struct target_state *states;
    struct path_loss_site site_loss;
    struct events *open_events, *closed_events;
    struct batch batch;
};

/* Ranks the targets by their recent: states, order, who is probed at the full interval.
 */
void pipeline_rank(struct pipeline *p);

/* What the ranking knows of a stream; during a survey with what its open window holds. */
struct window_stats pipeline_recent_stats(const struct pipeline *p,
                                          const struct pipeline_stream *s);

/*
 * True when silence counts as down. Not for a kind that may be filtered and was never
 * answered, if another kind probes the target too.
 */
bool pipeline_silence_tells(const struct pipeline *p, const struct pipeline_target *m,
                            const struct pipeline_stream *s);

/* Whether any family of the target may be a PoP; while it has no address it may. */
bool pipeline_may_be_pop(const struct pipeline_target *m);

/* Takes a stream's window that has closed: its state, and the level of its delay. What
 * has changed becomes events; so does another nearest target. */
void pipeline_judge(struct pipeline *p, struct pipeline_stream *s,
                    const struct summary *w, struct mono now);
void pipeline_tell_nearest(struct pipeline *p, struct wall at);
void pipeline_tell_resolved(struct pipeline *p, size_t target, enum family family,
                            struct wall at);
void pipeline_tell_overflow(struct pipeline *p, const struct target *target,
                            struct wall at);

/* The test of loss that the stream has a part in. */
struct path_loss *pipeline_path_loss(const struct pipeline *p,
                                     const struct pipeline_stream *s);

/* Takes a result of an address in use. */
void pipeline_add_loss(struct pipeline *p, const struct pipeline_stream *s,
                       const struct result *result);
void pipeline_break_losses(struct pipeline *p); /* the host slept */
void pipeline_close_losses(struct pipeline *p); /* a window has ended */

/* The first member of the target's host; n_targets: there is none. */
size_t pipeline_host_of(const struct pipeline *p, const struct target *target);

/* Tells the schedule how often all streams are probed from now on; that of a target which
 * has an address now, or none. */
void pipeline_pace(struct pipeline *p, struct mono now);
void pipeline_pace_target(struct pipeline *p, size_t target, struct mono now);

/* Ends the part of the window that is open for the addr; the next one is another window
 * object: no delay variation between two addresses. */
void pipeline_begin_part(struct pipeline *p, struct pipeline_target *m,
                         const struct pipeline_address *addr, struct wall wall);

/* What was measured says nothing about where the target is now. */
void pipeline_forget_recent(struct pipeline *p, const struct pipeline_target *m,
                            struct pipeline_address *addr);

/* Takes a result of an address in use as recent of a middlebox. */
void pipeline_look(struct pipeline *p, const struct pipeline_stream *s,
                   const struct result *result);

/* Whether delay `d` of the stream's kind is a middlebox's just now. */
bool pipeline_leaves_out(const struct pipeline *p, const struct pipeline_stream *s,
                         size_t d);

/* Not when all that it measures is the handshake of a middlebox. */
bool pipeline_says_whether_up(const struct kind *kind,
                              const struct pipeline_address *addr);

#endif
