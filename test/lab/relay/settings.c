#include "settings.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool parse_number(double *out, const char *text, const char **unit)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    *unit = end;
    return end != text && errno == 0 && isfinite(*out) && *out >= 0;
}

struct unit {
    const char *name;
    double factor;
};

/* A number and its unit; the product is at most `max`. */
static bool parse_quantity(double *out, const char *text, const struct unit *units,
                           double max)
{
    const char *unit;
    if (!parse_number(out, text, &unit))
        return false;
    if (*out == 0 && *unit == '\0')
        return true;
    for (; units->name != NULL; units++)
        if (strcmp(units->name, unit) == 0) {
            *out *= units->factor;
            return *out <= max;
        }
    return false;
}

bool settings_duration(int64_t *out, const char *text)
{
    static const struct unit units[] = {
        {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {NULL, 0}};
    double ns;
    if (!parse_quantity(&ns, text, units, 86400e9))
        return false;
    *out = llround(ns);
    return true;
}

static bool parse_ratio(double *out, const char *text)
{
    static const struct unit units[] = {{"%", 0.01}, {"", 1}, {NULL, 0}};
    return parse_quantity(out, text, units, 1);
}

static bool parse_rate(double *out, const char *text)
{
    static const struct unit units[] = {
        {"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}, {NULL, 0}};
    return parse_quantity(out, text, units, 1e11);
}

static bool parse_bytes(int64_t *out, const char *text)
{
    static const struct unit units[] = {{"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {NULL, 0}};
    double bytes;
    if (!parse_quantity(&bytes, text, units, 64e6))
        return false;
    *out = llround(bytes);
    return true;
}

/* "ID@RTT,ID,*": routers from the branch on, "*" keeps silent. */
static bool parse_hops(const struct scenario *s, struct rules *r, char *text)
{
    char *rest = NULL;
    r->n_hops = 0;
    for (char *t = strtok_r(text, ",", &rest); t != NULL;
         t = strtok_r(NULL, ",", &rest)) {
        if (r->n_hops == HOPS_MAX)
            return false;
        struct hop *hop = &r->hops[r->n_hops++];
        *hop = (struct hop){.router = -1, .rtt_ns = -1};
        char *at = strchr(t, '@');
        if (at != NULL) {
            *at = '\0';
            if (!settings_duration(&hop->rtt_ns, at + 1))
                return false;
        }
        if (strcmp(t, "*") == 0)
            continue;
        for (int i = 0; i < s->n_routers && hop->router < 0; i++)
            if (strcmp(s->routers[i].id, t) == 0)
                hop->router = i;
        if (hop->router < 0)
            return false;
    }
    return true;
}

static bool parse_reject(int *out, const char *text)
{
    static const struct {
        const char *word;
        int value;
    } words[] = {{"no", -1}, {"host", ICMP_HOST_UNREACHABLE}, {"admin", ICMP_PROHIBITED}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, text) == 0) {
            *out = words[i].value;
            return true;
        }
    return false;
}

static bool parse_switch(bool *out, const char *text)
{
    *out = strcmp(text, "on") == 0;
    return *out || strcmp(text, "off") == 0;
}

/* A delay to and fro, half of it each way, or, with `direction` given, of one way. */
static bool set_duration(struct rules *r, size_t field, const char *direction,
                         const char *value)
{
    int64_t ns;
    if (!settings_duration(&ns, value))
        return false;
    for (int d = UP; d <= DOWN; d++)
        if (direction == NULL || strcmp(direction, d == UP ? "up" : "down") == 0)
            *(int64_t *)((char *)&r->way[d] + field) = direction == NULL ? ns / 2 : ns;
    return true;
}

/* A probability there and back, such that 1 - (1 - p)^2 is what a ping sees. */
static bool set_ratio(struct rules *r, size_t field, const char *direction,
                      const char *value)
{
    double ratio;
    if (!parse_ratio(&ratio, value))
        return false;
    for (int d = UP; d <= DOWN; d++)
        if (direction == NULL || strcmp(direction, d == UP ? "up" : "down") == 0)
            *(double *)((char *)&r->way[d] + field) =
                direction == NULL ? 1 - sqrt(1 - ratio) : ratio;
    return true;
}

static bool set_rate(struct rules *r, const char *direction, const char *value)
{
    double rate;
    if (!parse_rate(&rate, value))
        return false;
    for (int d = UP; d <= DOWN; d++)
        if (direction == NULL || strcmp(direction, d == UP ? "up" : "down") == 0)
            r->way[d].rate = rate;
    return true;
}

static bool set_middlebox(struct rules *r, const char *value)
{
    r->syn_answers = -1;
    return strcmp(value, "off") == 0 || settings_duration(&r->syn_answers, value);
}

static bool set_queue(struct rules *r, const char *value)
{
    if (!parse_bytes(&r->way[UP].queue, value))
        return false;
    r->way[DOWN].queue = r->way[UP].queue;
    return true;
}

static bool set_held(struct rules *r, const char *value)
{
    if (!settings_duration(&r->way[UP].held_ns, value))
        return false;
    r->way[DOWN].held_ns = r->way[UP].held_ns;
    return true;
}

/* False: no such key, or not a value of it. */
static bool set(struct rules *r, const struct scenario *s, char *key, char *value)
{
    static const struct {
        const char *key;
        bool (*set)(struct rules *, size_t, const char *, const char *);
        size_t field;
    } both_ways[] = {
        {"delay", set_duration, offsetof(struct way, delay_ns)},
        {"jitter", set_duration, offsetof(struct way, jitter_ns)},
        {"loss", set_ratio, offsetof(struct way, loss)},
        {"duplicate", set_ratio, offsetof(struct way, duplicate)},
        {"reorder", set_ratio, offsetof(struct way, reorder)},
    };
    char *direction = strchr(key, '.');
    if (direction != NULL) {
        *direction++ = '\0';
        if (strcmp(direction, "up") != 0 && strcmp(direction, "down") != 0)
            return false;
    }
    for (size_t i = 0; i < sizeof both_ways / sizeof *both_ways; i++)
        if (strcmp(both_ways[i].key, key) == 0)
            return both_ways[i].set(r, both_ways[i].field, direction, value);
    if (strcmp(key, "rate") == 0)
        return set_rate(r, direction, value);
    if (direction != NULL)
        return false;
    if (strcmp(key, "queue") == 0)
        return set_queue(r, value);
    if (strcmp(key, "held") == 0)
        return set_held(r, value);
    if (strcmp(key, "via") == 0)
        return parse_hops(s, r, value);
    if (strcmp(key, "reject") == 0)
        return parse_reject(&r->reject, value);
    if (strcmp(key, "icmp") == 0)
        return parse_switch(&r->no_icmp, value) && ((r->no_icmp = !r->no_icmp), true);
    if (strcmp(key, "blackhole") == 0)
        return parse_switch(&r->blackhole, value);
    return strcmp(key, "middlebox") == 0 && set_middlebox(r, value);
}

const char *settings_apply(struct rules *out, const struct scenario *s,
                           const char *settings)
{
    static char words[SETTINGS_MAX], wrong[SETTINGS_MAX + 32];
    char *rest = NULL;

    strcpy(words, settings);
    for (char *w = strtok_r(words, " ", &rest); w != NULL;
         w = strtok_r(NULL, " ", &rest)) {
        snprintf(wrong, sizeof wrong, "not understood: %s", w);
        char *value = strchr(w, '=');
        if (value == NULL)
            return wrong;
        *value++ = '\0';
        if (!set(out, s, w, value))
            return wrong;
    }
    return NULL;
}
