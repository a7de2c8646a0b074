/*
 * What the collector's answer means for the batch (OTLP specification 1.x, "OTLP/HTTP
 * Response"). Pure.
 *
 * 2xx accepts the batch only with a body that OTLP allows (otlp/response.h): a sign-in
 * page or any other web server answers 200, too.
 *
 * Wrong credentials, a wrong path and an untrusted certificate are mistakes of the
 * configuration, not of the batch. OTLP forbids to repeat such a request; dropping a whole
 * spool because of a mistyped token would be data loss, so the batch waits and is retried
 * rarely.
 *
 * OTLP forbids to repeat 500 and most of 5xx, too. Collectors and proxies send them for a
 * full disk, a restart or a missing origin (520 to 530): they are retried, and the shipper
 * bounds how often.
 */
#ifndef EDGELAT_SHIP_VERDICT_H
#define EDGELAT_SHIP_VERDICT_H

#include "net/http.h"
#include "otlp/signal.h"
#include "otlp/stop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict_kind {
    VERDICT_ACCEPTED,
    VERDICT_AGAIN,    /* temporary: back off */
    VERDICT_UNUSABLE, /* the collector is unusable as configured: someone must act */
    VERDICT_REFUSED,  /* this batch, if others are accepted (retry.h) */
};

struct verdict {
    enum verdict_kind kind;
    int status;              /* HTTP; 0: no reply */
    bool foreign;            /* an answer, but not from an OTLP receiver */
    bool of_batch;           /* may be due to the batch: another one may be accepted */
    bool local;              /* a local file is wrong; nothing was sent */
    bool too_large;          /* refused for its size: smaller ones may be accepted */
    int64_t retry_after_ns;  /* Retry-After, 0: none */
    int64_t rejected_points; /* of an accepted batch */
    /* "HTTP 400: text of the collector", printable, one line. Of an accepted batch the
     * collector's message, or "". */
    char why[320];
    bool stop; /* the collector orders to stop probing, for `reason`, "" if none */
    char reason[STOP_REASON_MAX];
    const char *step; /* what to do: "; check ...", or ""; set by otlp_client */
};

struct verdict verdict_of(const struct http_reply *reply, enum signal signal);

#endif
