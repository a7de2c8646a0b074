#include "otlp/response.h"

#include "base/json_read.h"
#include "base/text.h"
#include "proto/otlp.pb-c.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* For one message of a reply, which is bounded itself. */
#define PARSE_MEMORY (256u << 10)

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

/* Into one line. */
static void say(char out[OTLP_MESSAGE_MAX], const char *bytes, size_t len)
{
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
        len--;
    text_copy_line(out, OTLP_MESSAGE_MAX, bytes, len);
}

/* ---- web pages ---- */

static const char *skip_mark(const char *bytes, size_t *len)
{
    size_t mark = text_mark(bytes, *len);
    *len -= mark;
    bytes += mark;
    while (*len > 0 && isspace((unsigned char)*bytes)) {
        --*len;
        bytes++;
    }
    return bytes;
}

bool otlp_response_is_page(const char *type, const char *bytes, size_t len)
{
    static const char *const types[] = {"text/html", "application/xhtml+xml", "text/xml",
                                        "application/xml"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    bytes = skip_mark(bytes, &len);
    return len > 0 && *bytes == '<';
}

/* "<title lang=en>Sign in</title>" is "Sign in"; false: it has none. */
static bool message_of_title(char out[OTLP_MESSAGE_MAX], const char *bytes, size_t len)
{
    static const char tag[] = "<title";
    const char *end = bytes + len;
    for (const char *at = bytes; (size_t)(end - at) >= sizeof tag; at++) {
        if (strncasecmp(at, tag, sizeof tag - 1) != 0)
            continue;
        const char *text = memchr(at, '>', (size_t)(end - at));
        if (text == NULL)
            return false;
        while (++text < end && isspace((unsigned char)*text))
            continue;
        const char *close = memchr(text, '<', (size_t)(end - text));
        size_t title = (size_t)((close != NULL ? close : end) - text);
        while (title > 0 && isspace((unsigned char)text[title - 1]))
            title--;
        say(out, text, title);
        return true;
    }
    return false;
}

/* ---- protobuf ---- */

/* A message of ours has a control character near its start, a length or a tag; no text
 * has, whatever protobuf could make of it. */
static bool is_text(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)bytes[i] < ' ' && !isspace((unsigned char)bytes[i]))
            return false;
    return true;
}

/* Fields that a later OTLP may have are passed over where the type says protobuf. */
static bool read_protobuf(struct otlp_response *out, const char *type, const char *bytes,
                          size_t len)
{
    size_t budget = PARSE_MEMORY;
    ProtobufCAllocator bounded = {take, give, &budget};
    if (is_text(bytes, len))
        return false;
    Otlp__ExportMetricsServiceResponse *response =
        otlp__export_metrics_service_response__unpack(&bounded, len,
                                                      (const uint8_t *)bytes);
    bool is = response != NULL &&
              (response->base.n_unknown_fields == 0 || strstr(type, "protobuf") != NULL);
    const Otlp__ExportMetricsPartialSuccess *partial =
        is ? response->partial_success : NULL;
    if (partial != NULL) {
        out->rejected =
            partial->rejected_data_points > 0 ? partial->rejected_data_points : 0;
        say(out->message, partial->error_message, strlen(partial->error_message));
    }
    otlp__export_metrics_service_response__free_unpacked(response, &bounded);
    return is;
}

/* ---- JSON ---- */

/* The JSON mapping of protobuf has lowerCamelCase, and readers take the field's own name
 * too. */
static struct json_span member(struct json_span object, const char *camel,
                               const char *snake)
{
    struct json_span value = json_member(object, camel);
    return value.len > 0 ? value : json_member(object, snake);
}

static bool read_json(struct otlp_response *out, const char *bytes, size_t len)
{
    struct json_span all = json_span_of(bytes, len);
    struct json_span partial = member(all, "partialSuccess", "partial_success");
    if (!json_is_object(all) || (partial.len == 0 && json_members(all) > 0))
        return false;
    struct json_span n = member(partial, "rejectedDataPoints", "rejected_data_points");
    if (n.len == 0)
        n = member(partial, "rejectedLogRecords", "rejected_log_records");
    char text[OTLP_MESSAGE_MAX];
    if (!json_read_integer(n, &out->rejected) || out->rejected < 0)
        out->rejected = 0;
    json_read_string(member(partial, "errorMessage", "error_message"), text, sizeof text);
    say(out->message, text, strlen(text));
    return true;
}

bool otlp_response_read(struct otlp_response *out, const char *type, const char *bytes,
                        size_t len)
{
    *out = (struct otlp_response){0};
    if (otlp_response_is_page(type, "", 0))
        return false;
    return len == 0 || read_json(out, bytes, len) || read_protobuf(out, type, bytes, len);
}

/* ---- failures ---- */

/* google.rpc.Status has an integer as field 1 and the message as field 2, as has
 * ExportMetricsPartialSuccess, which reads both. */
static bool message_of_status(char out[OTLP_MESSAGE_MAX], const char *bytes, size_t len)
{
    size_t budget = PARSE_MEMORY;
    ProtobufCAllocator bounded = {take, give, &budget};
    Otlp__ExportMetricsPartialSuccess *status =
        otlp__export_metrics_partial_success__unpack(&bounded, len,
                                                     (const uint8_t *)bytes);
    bool says = status != NULL && status->error_message[0] != '\0';
    if (says)
        say(out, status->error_message, strlen(status->error_message));
    otlp__export_metrics_partial_success__free_unpacked(status, &bounded);
    return says;
}

static bool message_of_json(char out[OTLP_MESSAGE_MAX], const char *bytes, size_t len)
{
    char text[OTLP_MESSAGE_MAX];
    struct json_span message = json_member(json_span_of(bytes, len), "message");
    if (!json_read_string(message, text, sizeof text) || text[0] == '\0')
        return false;
    say(out, text, strlen(text));
    return true;
}

void otlp_failure_read(char out[OTLP_MESSAGE_MAX], const char *bytes, size_t len)
{
    if (message_of_json(out, bytes, len) || message_of_status(out, bytes, len) ||
        (otlp_response_is_page("", bytes, len) && message_of_title(out, bytes, len)))
        return;
    bytes = skip_mark(bytes, &len);
    say(out, bytes, len);
}
