/*
 * Sends the batches of the spool to a collector, oldest first, one at a time, by the rules
 * of OTLP/HTTP (OTLP specification 1.x, "OTLP/HTTP"):
 *
 * - 429, 5xx, time-outs and connection errors are retried with exponential back-off and
 *   full jitter; Retry-After is honoured.
 * - While the collector is unusable as configured (TLS, 401, 403, 404, ...; verdict.h) the
 *   batch waits and is retried rarely. If a local file is the cause, it is retried soon.
 * - Any other status is a refusal. It sets the batch aside if the collector accepts
 *   others; otherwise the signal waits. A batch that fails while others are accepted is
 *   passed over (retry.h).
 * - A batch that is too large is halved until it fits.
 *
 * With several collectors, batches go to the first one that works (failover.h). A backlog
 * is sent at `catch_up` batches a second at most.
 */
#ifndef EDGELAT_SHIP_SHIPPER_H
#define EDGELAT_SHIP_SHIPPER_H

#include "config/config.h"
#include "net/http.h"
#include "otlp/stop.h"
#include "ship/verdict.h"
#include "spool/spool.h"

#include <stdint.h>
#include <uv.h>

struct shipper_counters {
    uint64_t accepted, refused; /* batches */
    uint64_t failed;            /* attempts that are retried */
    uint64_t rejected_points;   /* partial success */
};

struct shipper;
typedef void shipper_idle_cb(void *user);

/* `config` (its collectors), `spool` and `http` outlive the shipper. Returns 0 or -errno.
 */
int shipper_create(struct shipper **out, uv_loop_t *loop, struct http *http,
                   struct spool *spool, const struct config *config, uint64_t seed);
void shipper_destroy(struct shipper *s); /* no callback after it returns; NULL is fine */

/* A batch may be waiting (the spool's on_ready). Does nothing while a batch is under way
 * or during back-off. */
void shipper_wake(struct shipper *s);

/* Sends what waits, without back-off: `on_idle` comes once, when the spool is empty or an
 * attempt failed. */
void shipper_flush(struct shipper *s, shipper_idle_cb *on_idle, void *user);

struct shipper_counters shipper_counters(const struct shipper *s);

/* The state of one collector. */
struct shipper_collector {
    const char *host;          /* with its port, without secrets */
    bool in_use;               /* batches go here */
    struct wall accepted;      /* when a batch was, last; 0: never */
    struct wall last_answer;   /* 0: none */
    enum signal signal;        /* one that is not accepted, else the last one */
    enum verdict_kind verdict; /* the last one on that signal */
    const char *why, *step;    /* its reason, and what to do; "" when accepted */
    /* Points or records of the last accepted batch that were rejected, and why. */
    int64_t rejected;
    const char *rejected_why;
};

/* Returns how many; the texts are valid until the loop turns. */
size_t shipper_collectors(const struct shipper *s,
                          struct shipper_collector out[COLLECTORS_MAX]);

/* Time to the next retry; -1: none is planned. */
int64_t shipper_retry_ns(const struct shipper *s);

/* The collector's last word on probing (stop.h). `*reason`: why it is stopped, "" when it
 * is not or no reason was given; valid until the loop turns. */
enum probing shipper_probing(const struct shipper *s, const char **reason);

#endif
