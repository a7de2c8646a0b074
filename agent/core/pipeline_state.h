/*
 * Private to the pipeline: pipeline.c, pipeline_rank.c (ranking), pipeline_loss.c (loss
 * tests), pipeline_shift.c (shifts of the delay), pipeline_pace.c (probe intervals),
 * pipeline_survey.c (surveys), pipeline_middlebox.c (leaving out intercepted handshakes),
 * pipeline_addresses.c (the addresses of a name) and pipeline_states.c (up, degraded,
 * down).
 */
#ifndef EDGELAT_CORE_PIPELINE_STATE_H
#define EDGELAT_CORE_PIPELINE_STATE_H

#include "core/addresses.h"
#include "core/flap.h"
#include "core/intercept.h"
#include "core/path_loss.h"
#include "core/pipeline.h"
#include "core/recent.h"
#include "core/series.h"
#include "core/shift.h"
#include "core/silence.h"

enum { AWAITED_WINDOWS = 10 };

struct pipeline_address { /* of a target in one family, or through the proxy */
    struct endpoint to;   /* FAMILY_NONE: it never had an address */
    bool paused;          /* it has none now; `to` is the last one */
    bool up;              /* it answered in the open window */
    bool proved;          /* by TLS: the server there has the certificate */
    bool from_reply;      /* `pop` is from an answer, not from the chain */
    bool issuer_foreign;
    bool statuses_shown;      /* `statuses` are those of the batch of the closed window */
    char pop[POP_TEXT_MAX];   /* "": unknown */
    struct wall pop_since;    /* its first answer, or when the CNAME chain named it */
    const char *basis;        /* source of `pop`; NULL: unknown */
    char chain[POP_TEXT_MAX]; /* PoP of the last CNAME chain */
    /* The PoP at the address before this one, while that of this one is not known: the
     * delays of both are not compared, for AWAITED_WINDOWS at most. */
    char pop_before[POP_TEXT_MAX];
    uint32_t awaited;
    struct owner owner;
    char issuer[ISSUER_TEXT_MAX]; /* of the last certificate; "": none seen */
    struct status_count statuses[STATUSES_MAX];
    struct intercept intercept;
    struct addresses all;         /* of the name; `to` is the one in use */
    struct address_state *states; /* of `all`, as last described */
    struct known_address *known;  /* for the next pipeline_resolved() */
    size_t n_known;
    struct address_slots slots;
    struct silence silence;   /* of its streams together */
    struct dns_answer *dns;   /* NULL: none yet */
    struct mono dns_reported; /* when the last event of `dns` was created; 0: never */
};

struct pipeline_stream {
    uint32_t target;
    uint8_t kind;
    bool touched;  /* the window is not empty */
    bool answered; /* it ever was */
    struct pipeline_address *addr;
    struct window *window; /* of this address and PoP */
    struct recent recent;
    struct flap flap;
    struct silence silence;
    struct silence_loss loss;
    /* The end of the last window without an answer, if that may have been chance and no
     * window was judged since; 0: none. */
    struct wall unsure;
    /* Send times; 0: none. Of the first answer in the open window; since when the windows
     * have shown another state than `flap`. */
    struct wall answered_first, turned;
    struct shift shift;
    int64_t budget_ns;             /* interval that the budget allows; 0: any */
    struct delay_ring *handshakes; /* NULL: none, or they are compared with nothing */
};

struct pipeline_target {
    const struct target *target;
    struct pipeline_address *addresses[FAMILY_SLOTS]; /* NULL: not probed, no address */
    uint32_t first, n;                                /* its streams */
    bool full;         /* probed at the full interval, if it may be a PoP */
    size_t host;       /* number of the first target with the same host */
    double stretch;    /* factor for the rate above its slow intervals; <= 1: none */
    double round_s;    /* least time for one probe of each stream within the limits */
    bool up, measured; /* in the open window so far */
    bool compared;     /* another target may be a door of its service, or it of theirs */
};

struct pipeline {
    struct pipeline_settings settings;
    const struct kinds *kinds;
    struct schedule *schedule;
    struct series_set *series;
    struct rolling_set *rolling;
    struct pipeline_target *targets; /* `room` allocated, as `states`, which never move */
    size_t n_targets, room;
    struct pipeline_stream *streams;
    uint32_t n_streams;
    size_t streams_room;
    bool surveying, paused;
    double
        wire_costs[KINDS_MAX]; /* of a probe, the mean of the last ones; 0: not known */
    int64_t wall_offset_ns;    /* wall clock minus monotonic clock, as last seen */

    struct wall opened; /* start of the open window by the clocks */
    struct mono opened_at, latest;
    struct wall window_start, stamped; /* its timestamp; the newest timestamp given */
    bool interrupted, busy;            /* any stream's, so far */

    size_t *order;                /* of the last ranking, ... */
    size_t eligible;              /* ... of which the first so many are eligible */
    const struct target *nearest; /* at the last close of a window; NULL: none */
    struct target_state *states;
    struct path_loss_site site_loss;
    struct shift_site site_shift;
    struct events open_events, closed_events;
    struct batch batch;
};

/* Of a family: created if needed. */
struct pipeline_address *pipeline_address(struct pipeline *p, size_t target,
                                          enum family family);

/* Of a slot; of one that is NULL, an empty paused one. */
const struct pipeline_address *pipeline_look(const struct pipeline_target *m,
                                             size_t slot);

/* Ranks the targets by their recent windows: sets states, order, and the targets probed
 * at the full interval. */
void pipeline_rank(struct pipeline *p);

/* The recent windows of a stream, for the ranking; during a survey with the open one. */
struct window_stats pipeline_recent_stats(const struct pipeline *p,
                                          const struct pipeline_stream *s);

/*
 * True when silence counts as down. Not for the gateway, which need not answer. Not for a kind that was never answered, if it may be
 * filtered and another kind probes the target too, or if the site has a proxy and the kind
 * cannot use it.
 */
bool pipeline_silence_is_down(const struct pipeline *p, const struct pipeline_target *m,
                              const struct pipeline_stream *s);

/* True when any family of the target may be a PoP, or it has no address. */
bool pipeline_may_be_pop(const struct pipeline_target *m);

/* Judges a stream's closed window: its state. Creates events
 * for changes; the other functions create those of the nearest target, of another CNAME
 * chain and of an overflow. */
void pipeline_judge(struct pipeline *p, struct pipeline_stream *s,
                    const struct summary *w, struct mono now);
void pipeline_report_nearest(struct pipeline *p, struct wall at);
/* `before`: the former chain; "": the name is resolved for the first time. */
void pipeline_report_resolved(struct pipeline *p, size_t target, enum family family,
                              const char *before, struct wall at);
void pipeline_report_overflow(struct pipeline *p, const struct target *target,
                              struct wall at);

/* The loss test that the stream shares, of the address in use. */
struct path_loss *pipeline_path_loss(const struct pipeline *p,
                                     const struct pipeline_stream *s);

/* Adds a result of address `x` of the stream's name. */
void pipeline_add_loss(struct pipeline *p, const struct pipeline_stream *s,
                       struct address *x, const struct result *result);
void pipeline_break_losses(struct pipeline *p); /* the host slept */
void pipeline_close_losses(struct pipeline *p); /* a window has ended */

/* Takes the delay of a result of an address in use, without what is left out. */
void pipeline_add_delay(struct pipeline *p, struct pipeline_stream *s,
                        const struct result *counted);
void pipeline_report_shifts(struct pipeline *p, struct wall at);

/* The PoP at the new address is `pop`: whether the delays before it say anything. */
void pipeline_pop_is_known(struct pipeline *p, const struct pipeline_target *m,
                           struct pipeline_address *addr, const char *pop);

/* The addresses of names: chooses the one that a stream probes next (its index), adds a
 * result to its evidence, judges all at the end of a window. */
size_t pipeline_take_address(struct pipeline *p, struct pipeline_stream *s);
void pipeline_add_address(struct pipeline *p, struct pipeline_stream *s,
                          const struct result *result);
/* Takes over `addr->known`; `to` is in use from now on. Returns true when it was watched
 * before. */
bool pipeline_set_addresses(struct pipeline *p, const struct pipeline_target *m,
                            struct pipeline_address *addr, const struct endpoint *to,
                            struct wall wall);
/* Describes them in `out`; none while the target is paused. */
void pipeline_describe_addresses(const struct pipeline *p,
                                 const struct pipeline_target *m,
                                 struct pipeline_address *addr,
                                 struct target_address_state *out);
void pipeline_judge_addresses(struct pipeline *p, struct mono now, struct wall at);

/* True when another address of the name answers the kind of `s` while the one in use does
 * not: a client takes that one, so the target is not down. */
bool pipeline_has_sibling(const struct pipeline *p, const struct pipeline_stream *s);

/* The number of the first target with the same host; n_targets: none. */
size_t pipeline_host_of(const struct pipeline *p, const struct target *target);

/* Set the intervals of all streams; of the streams of a target whose address or owner has
 * changed. */
void pipeline_pace(struct pipeline *p, struct mono now);
void pipeline_pace_target(struct pipeline *p, size_t target, struct mono now);

/* Takes a probe of the stream from the budget; false: it is not sent. Gives back what the
 * kernel did not count. */
bool pipeline_affords(struct pipeline *p, size_t stream, struct mono now);
void pipeline_settle(struct pipeline *p, const struct pipeline_stream *s,
                     const struct result *result);

/* Ends the open part of the window of `addr`. The next part is a new window object, so
 * that no delay variation is computed between two addresses. */
void pipeline_begin_part(struct pipeline *p, struct pipeline_target *m,
                         const struct pipeline_address *addr, struct wall wall);

/* Forgets the recent windows of `addr`, its delay level and its loss. */
void pipeline_forget_recent(struct pipeline *p, const struct pipeline_target *m,
                            struct pipeline_address *addr);

/* The handshakes kept so far are not those of its PoP. */
void pipeline_forget_handshakes(struct pipeline_stream *s);

/* Adds a result of an address in use to the detection of a middlebox. */
void pipeline_add_intercept(struct pipeline *p, const struct pipeline_stream *s,
                            const struct result *result);

/* True while delay `d` of the stream's kind is that of a middlebox. */
bool pipeline_leaves_out(const struct pipeline *p, const struct pipeline_stream *s,
                         size_t d);

/* False while the kind measures nothing but the handshakes of a middlebox. */
bool pipeline_judges(const struct kind *kind, const struct pipeline_address *addr);

#endif
