/*
 * What a method of the tracer (ICMP, TCP, UDP) implements, and what it shares with others.
 */
#ifndef EDGELAT_PROBE_PATH_METHOD_H
#define EDGELAT_PROBE_PATH_METHOD_H

#include "net/poll.h"
#include "net/stamps.h"
#include "probe/cause.h"
#include "probe/path/tracer.h"

struct method {
    const char *name;
    const struct trace_policy *policy;
    int (*open)(struct tracer *t); /* 0 or -errno; sets t->state */
    int (*send)(struct tracer *t, struct trace_query q);
    void (*close)(struct tracer *t);
};

extern const struct method method_icmp, method_tcp, method_udp;

struct tracer {
    uv_loop_t *loop;
    uv_timer_t *timer;
    const struct method *method;
    void *state; /* of the method */
    /* Bound to the flow's port until tracer_destroy(), so that no other flow gets it; -1 */
    int port_keeper;
    struct endpoint to;
    const struct uplink *uplink; /* NULL: the system's routes */
    struct tracer_events events;
    struct trace trace;
    struct stamps tx[TRACE_TTL_MAX][TRACE_QUERIES];         /* of each query's packet */
    struct trace_query keys[TRACE_TTL_MAX * TRACE_QUERIES]; /* of each transmit stamp */
    size_t n_keys;
    struct endpoint known[TRACE_TTL_MAX * TRACE_QUERIES];
    size_t n_known;
    int error;                 /* of the first packet that could not be sent */
    struct icmp_report report; /* of this host itself; by FAMILY_NONE: none */
    bool over;
};

/* The error's meaning, by its type and whether the target sent it. False: none for a trace,
 * such as "fragmentation needed", or an error of this host itself, which is noted. */
bool method_error_kind(struct tracer *t, uint8_t type, uint8_t code,
                       const struct endpoint *from, enum trace_kind *kind);

/* Compares without the scope, which quoted addresses do not have. */
bool method_same_host(const struct endpoint *a, const struct endpoint *b);

/* The next packet with a transmit stamp belongs to `q`; its stamp came. */
void method_key(struct tracer *t, struct trace_query q);
void method_stamped(struct tracer *t, uint32_t key, struct stamps tx);

/* The round trip of `q`, whose answer has the stamps `rx`. Without a transmit stamp the
 * software stamp of the answer ends it and our own clock begins it. */
int64_t method_delay(const struct tracer *t, struct trace_query q, struct stamps rx);

/* Adds the answer; call it last, as it may end the trace in the next loop iteration. */
void method_answered(struct tracer *t, struct trace_query q,
                     const struct trace_answer *answer);

/* The same for an answer that does not identify its query. */
void method_answered_unknown(struct tracer *t, struct trace_answer *answer,
                             struct stamps rx);

#endif
