/*
 * Sends what the spool holds to a collector, oldest first, one at a time, by the rules
 * of OTLP/HTTP (OTLP specification 1.x, "OTLP/HTTP"): accepted is done; 429, 5xx,
 * time-outs and connection errors are tried again with exponential back-off and full
 * jitter, honouring Retry-After; where the collector is not usable as configured (TLS,
 * 401, 403, 404, ...; verdict.h) the batch waits and is tried rarely, unless what is
 * wrong is a file of this host, which may be mended any moment. Every other status is a
 * refusal. It sets the batch aside where the collector takes others, and else the signal
 * waits; a batch that fails while others are accepted is passed over (retry.h). Too
 * large is halved until it fits. Of several collectors the first that works has the
 * batches (failover.h). What has piled up is caught up with at no more than `catch_up`
 * batches a second.
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
    uint64_t failed;            /* attempts, each tried again */
    uint64_t rejected_points;   /* partial success: points the collector did not take */
};

struct shipper;
typedef void shipper_idle_cb(void *user);

/* `config` (its collectors), `spool` and `http` outlive the shipper. Returns 0 or -errno.
 */
int shipper_create(struct shipper **out, uv_loop_t *loop, struct http *http,
                   struct spool *spool, const struct config *config, uint64_t seed);
void shipper_destroy(struct shipper *s); /* no callback after it returns; NULL is fine */

/* There may be something to send (the spool's on_ready says so); does nothing while a
 * batch is under way or a back-off runs. */
void shipper_wake(struct shipper *s);

/* One last go, without back-off: `on_idle` comes once, when the spool is empty or an
 * attempt failed. */
void shipper_flush(struct shipper *s, shipper_idle_cb *on_idle, void *user);

struct shipper_counters shipper_counters(const struct shipper *s);

/* What became of the batches that went to one collector. */
struct shipper_collector {
    const char *host;          /* with its port, without a secret */
    bool in_use;               /* the others have none, but for a try of the first */
    struct wall accepted;      /* one was, last; 0: never */
    struct wall last_answer;   /* when the last one was decided; 0: none was */
    enum signal signal;        /* the one that is not taken, else the last one */
    enum verdict_kind verdict; /* how that was decided last ... */
    const char *why, *step;    /* ... and why, and what somebody could do; "" when fine */
    int64_t rejected; /* points or records of its last accepted batch, not taken ... */
    const char *rejected_why; /* ... and what it says of them */
};

/* Returns how many; the texts are valid until the loop turns. */
size_t shipper_collectors(const struct shipper *s,
                          struct shipper_collector out[COLLECTORS_MAX]);

/* Until the next try after one that failed; -1: none is planned. */
int64_t shipper_retry_ns(const struct shipper *s);

/* What the collector log last (stop.h). `*reason`: why it is stopped, "" when it is not
 * or nobody says; valid until the loop turns. */
enum probing shipper_probing(const struct shipper *s, const char **reason);

#endif
