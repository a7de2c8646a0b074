#include "export/verdict.h"

#include "base/text.h"
#include "proto/otlp.pb-c.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For what a reply, itself bounded, says in protobuf. */
#define PARSE_MEMORY (256u << 10)
#define SAID_MAX     200

/* ---- protobuf from outside, in bounded memory ---- */

static void *take(void *budget, size_t size)
{
    size_t *left = budget;
    if (size > *left)
        return NULL;
    *left -= size;
    return malloc(size);
}

static void give(void *budget, void *memory)
{
    (void)budget; /* is for one parse */
    free(memory);
}

/* ---- what it says ---- */

/* Into one line of printable ASCII. */
static void say(char *out, size_t room, const char *bytes, size_t len)
{
    size_t n = 0;
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    for (; n < len && n + 1 < room; n++)
        out[n] = bytes[n] >= ' ' && bytes[n] <= '~' ? bytes[n] : '?';
    out[n] = '\0';
}

/* Not of a collector: of a portal, a proxy or a web server. */
static bool is_page(const char *bytes, size_t len)
{
    size_t at = 0;
    while (at < len && isspace((unsigned char)bytes[at]))
        at++;
    return at < len && bytes[at] == '<';
}

/* Of a page its title. */
static void say_text(char *out, size_t room, const char *bytes, size_t len)
{
    static const char tag[] = "<title>";
    const char *title =
        is_page(bytes, len) ? memmem(bytes, len, tag, sizeof tag - 1) : NULL;
    if (title != NULL) {
        len -= (size_t)(title - bytes) + sizeof tag - 1;
        bytes = title + sizeof tag - 1;
        const char *end = memchr(bytes, '<', len);
        len = end != NULL ? (size_t)(end - bytes) : len;
    }
    say(out, room, bytes, len);
}

/*
 * The message of a failure: google.rpc.Status, or plain text. Status has an integer as
 * field 1 and the message as field 2, as has ExportMetricsPartialSuccess, which reads
 * both.
 */
static void say_failure(char out[SAID_MAX], const char *bytes, size_t len)
{
    size_t budget = PARSE_MEMORY;
    ProtobufCAllocator bounded = {take, give, &budget};
    Otlp__ExportMetricsPartialSuccess *status =
        otlp__export_metrics_partial_success__unpack(&bounded, len,
                                                     (const uint8_t *)bytes);
    if (status != NULL && status->error_message[0] != '\0')
        say(out, SAID_MAX, status->error_message, strlen(status->error_message));
    else
        say_text(out, SAID_MAX, bytes, len);
    otlp__export_metrics_partial_success__free_unpacked(status, &bounded);
}

/* Whether it is the order to stop probing. */
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
    say(v->reason, sizeof v->reason, bytes + at, len - at);
    return true;
}

/* One that says more is rare. It was accepted with whatever body, but for a page: who
 * answers so has not looked at what it got. */
static void read_accepted(struct verdict *v, const char *bytes, size_t len)
{
    size_t budget = PARSE_MEMORY;
    ProtobufCAllocator bounded = {take, give, &budget};
    if (len == 0)
        return;
    Otlp__ExportMetricsServiceResponse *response =
        otlp__export_metrics_service_response__unpack(&bounded, len,
                                                      (const uint8_t *)bytes);
    if (response == NULL && is_page(bytes, len)) {
        char title[SAID_MAX];
        say_text(title, sizeof title, bytes, len);
        v->kind = VERDICT_UNUSABLE;
        snprintf(v->why, sizeof v->why, "HTTP %d with a web page, '%s', and no answer",
                 v->status, title);
        return;
    }
    if (response == NULL) {
        snprintf(v->why, sizeof v->why,
                 "%zu bytes that are no ExportMetricsServiceResponse", len);
        return;
    }
    const Otlp__ExportMetricsPartialSuccess *partial = response->partial_success;
    if (partial != NULL) {
        v->rejected_points =
            partial->rejected_data_points > 0 ? partial->rejected_data_points : 0;
        say(v->why, sizeof v->why, partial->error_message,
            strlen(partial->error_message));
    }
    otlp__export_metrics_service_response__free_unpacked(response, &bounded);
}

/* ---- what it means ---- */

static enum verdict_kind of_status(int status, enum signal signal)
{
    switch (status) {
    case 408: /* the request came too slowly */
    case 429:
    case 502:
    case 503:
    case 504:
        return VERDICT_AGAIN;
    case 401:
    case 403:
    case 407:
        return VERDICT_UNUSABLE;
    case 404:
    case 405:
        return signal == SIGNAL_LOGS ? VERDICT_REFUSED : VERDICT_UNUSABLE;
    default:
        break;
    }
    if (status >= 200 && status < 300)
        return VERDICT_ACCEPTED;
    /* a redirect is not followed: the URL is to be mended */
    return status < 400 ? VERDICT_UNUSABLE : VERDICT_REFUSED;
}

/* Words of a server before the collector (nginx), which has 400 for what is wrong with
 * the connection and not with the batch. */
static bool is_of_connection(int status, const char *said)
{
    return status == 400 && (strcasestr(said, "SSL certificate") != NULL ||
                             strcasestr(said, "sent to HTTPS port") != NULL);
}

struct verdict verdict_of(const struct http_reply *reply, enum signal signal)
{
    struct verdict v = {.retry_after_ns = reply->retry_after_ns, .step = ""};
    if (reply->failure != HTTP_OK) {
        bool ours =
            reply->failure == HTTP_FAILED_TLS || reply->failure == HTTP_FAILED_LOCAL;
        v.kind = ours ? VERDICT_UNUSABLE : VERDICT_AGAIN;
        v.local = reply->failure == HTTP_FAILED_LOCAL;
        text_copy(v.why, sizeof v.why, reply->error);
        return v;
    }
    v.status = reply->status;
    v.kind = of_status(reply->status, signal);
    if (v.kind == VERDICT_ACCEPTED) {
        read_accepted(&v, reply->body, reply->body_len);
        return v;
    }
    char said[SAID_MAX];
    say_failure(said, reply->body, reply->body_len);
    if (is_of_connection(reply->status, said))
        v.kind = VERDICT_UNUSABLE;
    v.stop = reply->status == 403 && read_stop(&v, reply->body, reply->body_len);
    if (v.stop)
        v.kind = VERDICT_AGAIN;
    /* an OpenTelemetry Collector has 400 for it, and says so in words */
    v.too_large = reply->status == 413 ||
                  (reply->status == 400 && strcasestr(said, "too large") != NULL);
    snprintf(v.why, sizeof v.why, "HTTP %d%s%s", reply->status,
             said[0] != '\0' ? ": " : "", said);
    return v;
}
