/*
 * What the collector's answer means for the batch (OTLP specification, "OTLP/HTTP
 * Response"). Pure.
 *
 * Wrong credentials, a wrong path or an untrusted certificate are the operator's mistake
 * and not the batch's. OTLP has such a request not repeated; a whole spool thrown away
 * for a mistyped token would be lost data, so the batch waits, and is tried rarely. But
 * where logs find no path (404, 405, 501) the collector takes none, and they must not
 * keep the metrics waiting: they are refused. A web page with status 200 is that of a
 * portal or of a wrong URL, not of a collector: it has accepted nothing.
 */
#ifndef EDGELAT_EXPORT_VERDICT_H
#define EDGELAT_EXPORT_VERDICT_H

#include "export/signal.h"
#include "export/stop.h"
#include "net/http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict_kind {
    VERDICT_ACCEPTED,
    VERDICT_AGAIN,    /* it will pass: back off */
    VERDICT_UNUSABLE, /* the collector is not usable as configured; somebody must act */
    VERDICT_REFUSED,  /* this batch, for good */
};

struct verdict {
    enum verdict_kind kind;
    int status;              /* HTTP; 0: no reply */
    bool local;              /* a file of ours is wrong: nobody was asked */
    bool too_large;          /* refused for its size: smaller ones may be taken */
    int64_t retry_after_ns;  /* the collector's wish, 0 is none */
    int64_t rejected_points; /* of an accepted batch */
    char why[320]; /* "HTTP 400: what the collector says", printable and in one line; of
                      an accepted batch what it says of it, "" when nothing */
    bool stop;     /* nothing is to be probed any more */
    char reason[STOP_REASON_MAX]; /* then: the collector's, printable; "" is none */
    const char *step; /* what somebody could do, "; look ...", or ""; the courier's */
};

struct verdict verdict_of(const struct http_reply *reply, enum signal signal);

#endif
