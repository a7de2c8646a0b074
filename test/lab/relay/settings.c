#include "settings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

static const struct unit times[] = {
    {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}, {NULL, 0}};
static const struct unit ratios[] = {{"%", 0.01}, {"", 1}, {NULL, 0}};
static const struct unit rates[] = {
    {"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}, {NULL, 0}};
static const struct unit sizes[] = {{"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {NULL, 0}};

#define DAY_NS 86400e9

/* A number and its unit; 0 needs none. The product is at most `max`. */
static bool parse_quantity(double *out, const char *text, const struct unit *units,
                           double max)
{
    char *unit;
    *out = strtod(text, &unit);
    if (unit == text || !isfinite(*out) || *out < 0)
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
    double ns;
    if (!parse_quantity(&ns, text, times, DAY_NS))
        return false;
    *out = llround(ns);
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
        for (int i = s->n_routers; i-- > 0 && hop->router < 0;)
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

/* How much of what is said of the whole way is each direction's. */
enum share {
    ALL,
    HALF,
    ODDS, /* p each way, such that 1 - (1 - p)^2 is what a ping sees */
};

static double share_of(enum share share, double value)
{
    switch (share) {
    case HALF:
        return value / 2;
    case ODDS:
        return 1 - sqrt(1 - value);
    default:
        return value;
    }
}

/* Keys of struct way; false: none of them, or not a value of it. */
static bool set_way(struct rules *r, const char *key, const char *direction,
                    const char *value)
{
    static const struct {
        const char *key;
        size_t field;
        const struct unit *units;
        double max;
        enum share share;
    } keys[] = {
        {"delay", offsetof(struct way, delay_ns), times, DAY_NS, HALF},
        {"jitter", offsetof(struct way, jitter_ns), times, DAY_NS, HALF},
        {"loss", offsetof(struct way, loss), ratios, 1, ODDS},
        {"burst", offsetof(struct way, burst), ratios, 1, ALL},
        {"duplicate", offsetof(struct way, duplicate), ratios, 1, ODDS},
        {"reorder", offsetof(struct way, reorder), ratios, 1, ODDS},
        {"held", offsetof(struct way, held_ns), times, DAY_NS, ALL},
        {"rate", offsetof(struct way, rate), rates, 1e11, ALL},
        {"queue", offsetof(struct way, queue), sizes, 64e6, ALL},
    };
    size_t i = 0, n = sizeof keys / sizeof *keys;
    while (i < n && strcmp(keys[i].key, key) != 0)
        i++;
    double number;
    if (i == n || !parse_quantity(&number, value, keys[i].units, keys[i].max))
        return false;
    if (direction == NULL)
        number = share_of(keys[i].share, number);
    for (int d = UP; d <= DOWN; d++)
        if (direction == NULL || strcmp(direction, d == UP ? "up" : "down") == 0)
            *(double *)((char *)&r->way[d] + keys[i].field) = number;
    return true;
}

static bool set_middlebox(struct rules *r, const char *value)
{
    r->syn_answers = -1;
    return strcmp(value, "off") == 0 || settings_duration(&r->syn_answers, value);
}

/* False: no such key, or not a value of it. */
static bool set(struct rules *r, const struct scenario *s, char *key, char *value)
{
    char *direction = strchr(key, '.');
    if (direction != NULL) {
        *direction++ = '\0';
        if (strcmp(direction, "up") != 0 && strcmp(direction, "down") != 0)
            return false;
    }
    if (set_way(r, key, direction, value))
        return true;
    if (direction != NULL)
        return false;
    if (strcmp(key, "via") == 0)
        return parse_hops(s, r, value);
    if (strcmp(key, "reject") == 0)
        return parse_reject(&r->reject, value);
    if (strcmp(key, "icmp") == 0)
        return parse_switch(&r->icmp, value);
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
