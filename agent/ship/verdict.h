/*
 * What the collector's answer means for the batch (OTLP specification 1.x, "OTLP/HTTP
 * Response"). Pure.
 *
 * A status 2xx accepts the batch only with a body that OTLP allows (response.h): a
 * sign-in page or any other web server answers 200 as well, over http:// to everybody.
 *
 * Wrong credentials, a wrong path or an untrusted certificate are a configuration mistake
 * and not the batch's. OTLP has such a request not repeated; a whole spool thrown away
 * for a mistyped token would be lost data, so the batch waits, and is tried rarely.
 *
 * OTLP has 500 and most 5xx not repeated either. Collectors and the proxies before them
 * send them for a full disk, a restart, an origin that is away (520 to 530): they are
 * repeated, and the shipper bounds how often one batch is.
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
    VERDICT_AGAIN,    /* it will pass: back off */
    VERDICT_UNUSABLE, /* the collector is not usable as configured; somebody must act */
    VERDICT_REFUSED,  /* this batch, for good: where it takes others (shipper.h) */
};

struct verdict {
    enum verdict_kind kind;
    int status;              /* HTTP; 0: no reply */
    bool foreign;            /* an answer, but not of an OTLP receiver */
    bool of_batch;           /* another batch may fare better */
    bool local;              /* a file of ours is wrong: nobody was asked */
    bool too_large;          /* refused for its size: smaller ones may be taken */
    int64_t retry_after_ns;  /* the collector's wish, 0 is none */
    int64_t rejected_points; /* of an accepted batch */
    char why[320]; /* "HTTP 400: what the collector says", printable and in one line; of
                      an accepted batch what it says of it, "" when nothing */
    bool stop;     /* nothing is to be probed any more */
    char reason[STOP_REASON_MAX]; /* then: the collector's, printable; "" is none */
    const char *step; /* what somebody could do, "; look ...", or ""; the client's */
};

struct verdict verdict_of(const struct http_reply *reply, enum signal signal);

#endif
