#include "diagnose/usual.h"

#include <stdlib.h>
#include <string.h>

/* A number of milliseconds, as a status has it. */
static bool read_ms(struct json_span value, int64_t *out_ns)
{
    char text[40];
    double delay;
    if (value.len == 0 || value.len >= sizeof text)
        return false;
    memcpy(text, value.at, value.len);
    text[value.len] = '\0';
    if (!text_to_number(text, 0, 1e6, &delay))
        return false;
    *out_ns = (int64_t)(delay * 1e6);
    return true;
}

static bool is_text(struct json_span value, const char *text)
{
    char word[24];
    return json_read_string(value, word, sizeof word) && strcmp(word, text) == 0;
}

static bool read_stream(struct json_span stream, struct usual_delay *u)
{
    struct json_span of = json_member(stream, "family");
    struct json_span day =
        json_member(json_member(json_member(stream, "periods"), "day"), "p50");
    if (!json_read_string(json_member(stream, "kind"), u->kind, sizeof u->kind))
        return false;
    u->family = is_text(of, "ipv4")   ? FAMILY_IPV4
                : is_text(of, "ipv6") ? FAMILY_IPV6
                                      : FAMILY_NONE;
    return u->family != FAMILY_NONE &&
           (read_ms(day, &u->median_ns) ||
            read_ms(json_member(stream, "p50"), &u->median_ns));
}

size_t usual_read(struct usual_delay out[USUAL_MAX], struct json_span status)
{
    size_t n = 0;
    struct json_span target = {0}, targets = json_member(status, "targets");
    while (json_next_item(targets, &target)) {
        struct json_span stream = {0}, streams = json_member(target, "streams");
        while (json_next_item(streams, &stream) && n < USUAL_MAX) {
            struct usual_delay *u = &out[n];
            n += read_stream(stream, u) &&
                 json_read_string(json_member(target, "host"), u->host, sizeof u->host);
        }
    }
    return n;
}

int64_t usual_of(const struct usual_delay *list, size_t n, const char *host,
                 const char *kind, enum family family)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].family == family && strcmp(list[i].kind, kind) == 0 &&
            strcasecmp(list[i].host, host) == 0)
            return list[i].median_ns;
    return DELAY_UNDEFINED;
}
