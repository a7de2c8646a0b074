#include "ship/verdict.h"

#include "base/mem.h"
#include "base/text.h"
#include "otlp/gzip.h"
#include "otlp/response.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a reply body, unpacked. */
#define BODY_MAX (64u << 10)

/* ---- the text ---- */

/* Whether the text is an order to stop probing (otlp/stop.h). */
static bool read_stop(struct verdict *v, const char *bytes, size_t len)
{
    size_t at = strlen(STOP_PROBING);
    const char *end = len > 0 ? memchr(bytes, '\n', len) : NULL;
    if (end != NULL)
        len = (size_t)(end - bytes);
    len -= len > 0 && bytes[len - 1] == '\r';
    if (len < at || memcmp(bytes, STOP_PROBING, at) != 0 ||
        (len > at && bytes[at] != ':'))
        return false;
    for (at += len > at; at < len && bytes[at] == ' ';)
        at++;
    text_copy_line(v->reason, sizeof v->reason, bytes + at, len - at);
    return true;
}

/* Describes what came in place of an OTLP response. */
static void describe_foreign(struct verdict *v, const char *type, const char *bytes,
                             size_t len)
{
    char message[OTLP_MESSAGE_MAX], start[121];
    bool page = otlp_response_is_page(type, bytes, len);
    otlp_failure_read(message, bytes, len);
    text_copy_line(start, sizeof start, message, strlen(message));
    snprintf(v->why, sizeof v->why,
             "HTTP %d with %s%s%s%s '%s', which is no OTLP response", v->status,
             page ? "a web page" : "a body", type[0] != '\0' ? " (" : "", type,
             type[0] != '\0' ? ")" : "", start);
}

static void read_accepted(struct verdict *v, const char *type, const char *bytes,
                          size_t len)
{
    struct otlp_response response;
    if (!otlp_response_read(&response, type, bytes, len)) {
        v->kind = VERDICT_UNUSABLE;
        v->foreign = true;
        describe_foreign(v, type, bytes, len);
        return;
    }
    v->rejected_points = response.rejected;
    text_copy(v->why, sizeof v->why, response.message);
}

/* ---- the meaning ---- */

static enum verdict_kind of_status(int status, enum signal signal)
{
    switch (status) {
    case 408: /* the request came too slowly */
    case 425: /* too early */
    case 429:
        return VERDICT_AGAIN;
    case 401:
    case 402: /* of hosted receivers: the account */
    case 403:
    case 407:
    case 511: /* RFC 6585: sign in to the network */
        return VERDICT_UNUSABLE;
    case 404:
    case 405:
    case 410:
    case 501:
        return signal == SIGNAL_LOGS ? VERDICT_REFUSED : VERDICT_UNUSABLE;
    default:
        break;
    }
    if (status >= 200 && status < 300)
        return VERDICT_ACCEPTED;
    if (status >= 500)
        return VERDICT_AGAIN;
    /* a redirect is not followed: the URL must be fixed */
    return status < 400 ? VERDICT_UNUSABLE : VERDICT_REFUSED;
}

/* nginx in front of the collector answers 400 for faults of the connection, too. */
static bool is_of_connection(int status, const char *message)
{
    return status == 400 && (strcasestr(message, "SSL certificate") != NULL ||
                             strcasestr(message, "sent to HTTPS port") != NULL);
}

static struct verdict of_failure(const struct http_reply *reply)
{
    struct verdict v = {.step = "", .retry_after_ns = reply->retry_after_ns};
    bool ours = reply->failure == HTTP_FAILED_TLS || reply->failure == HTTP_FAILED_LOCAL;
    v.kind = ours ? VERDICT_UNUSABLE : VERDICT_AGAIN;
    v.local = reply->failure == HTTP_FAILED_LOCAL;
    v.of_batch = !reply->disconnected && (reply->failure == HTTP_FAILED_REPLY ||
                                          reply->failure == HTTP_FAILED_TIMEOUT);
    text_copy(v.why, sizeof v.why, reply->error);
    return v;
}

static struct verdict of_body(const struct http_reply *reply, enum signal signal,
                              const char *body, size_t len)
{
    struct verdict v = {.step = "",
                        .status = reply->status,
                        .retry_after_ns = reply->retry_after_ns,
                        .kind = of_status(reply->status, signal)};
    if (v.kind == VERDICT_ACCEPTED) {
        read_accepted(&v, reply->type, body, len);
        return v;
    }
    char message[OTLP_MESSAGE_MAX];
    otlp_failure_read(message, body, len);
    if (is_of_connection(reply->status, message))
        v.kind = VERDICT_UNUSABLE;
    v.stop = reply->status == 403 && read_stop(&v, body, len);
    if (v.stop)
        v.kind = VERDICT_AGAIN;
    v.of_batch = v.kind == VERDICT_REFUSED ||
                 (v.kind == VERDICT_AGAIN && !v.stop && v.status >= 500);
    /* the OpenTelemetry Collector answers 400, with a text */
    v.too_large = reply->status == 413 ||
                  (reply->status == 400 && strcasestr(message, "too large") != NULL);
    snprintf(v.why, sizeof v.why, "HTTP %d%s%s", reply->status,
             message[0] != '\0' ? ": " : "", message);
    return v;
}

static bool is_packed(const struct http_reply *reply)
{
    static const char *const packed[] = {"gzip", "x-gzip", "deflate"};
    for (size_t i = 0; i < sizeof packed / sizeof *packed; i++)
        if (strcmp(reply->encoding, packed[i]) == 0)
            return true;
    return false;
}

struct verdict verdict_of(const struct http_reply *reply, enum signal signal)
{
    if (reply->failure != HTTP_OK)
        return of_failure(reply);
    if (!is_packed(reply))
        return of_body(reply, signal, reply->body, reply->body_len);
    char *plain = mem_alloc(BODY_MAX);
    size_t len = gzip_unpack_body(reply->body, reply->body_len, plain, BODY_MAX);
    struct verdict v = of_body(reply, signal, len > 0 ? plain : reply->body,
                               len > 0 ? len : reply->body_len);
    free(plain);
    return v;
}
