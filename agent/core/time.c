#include "core/time.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int ns_compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

struct date {
    uint16_t year;      /* an int64_t of ns reaches from 1677 to 2262 */
    uint8_t month, day; /* from 1 */
};

/*
 * The Gregorian date `days` after 1970-01-01. Counted in years that begin on 1 March, so
 * that the leap day is a year's last: month lengths then follow (153 m + 2) / 5, and 400
 * years always have 146097 days. Not gmtime_r(3): glibc's reads TZ and a zone file at its
 * first call, and subtracts leap seconds where that file has them (TZ=right/UTC).
 */
static struct date date_of(int64_t days)
{
    days += 719468; /* from 0000-03-01 to 1970-01-01 */
    int64_t era = floor_div(days, 146097);
    int64_t day = days - era * 146097; /* of the era: 0 to 146096 */
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100; /* of the year: 0 to 365 */
    int64_t month = (5 * day + 2) / 153;       /* 0 is March */
    return (struct date){
        .year = (uint16_t)(era * 400 + year + (month >= 10)),
        .month = (uint8_t)(month < 10 ? month + 3 : month - 9),
        .day = (uint8_t)(day - (153 * month + 2) / 5 + 1),
    };
}

const char *wall_text(char out[WALL_TEXT_MAX], struct wall time)
{
    int64_t s = floor_div(time.ns, NS_PER_S);
    int64_t days = floor_div(s, 86400);
    struct date date = date_of(days);
    unsigned of_day = (unsigned)(s - days * 86400) % 86400;
    int64_t of_second = time.ns % NS_PER_S;
    unsigned us = (unsigned)((of_second + (of_second < 0) * NS_PER_S) / NS_PER_US);

    snprintf(out, WALL_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", date.year,
             date.month, date.day, of_day / 3600, of_day / 60 % 60, of_day % 60,
             us % 1000000);
    return out;
}

struct wall wall_next(struct wall time, int64_t period_ns)
{
    assert(period_ns > 0);
    return (struct wall){(floor_div(time.ns, period_ns) + 1) * period_ns};
}

static const struct unit {
    const char *name;
    int64_t ns;
} units[] = {
    {"d", 86400 * NS_PER_S},
    {"h", 3600 * NS_PER_S},
    {"m", 60 * NS_PER_S},
    {"s", NS_PER_S},
    {"ms", NS_PER_MS},
    {"us", NS_PER_US},
    {"ns", 1},
};
#define UNITS (sizeof units / sizeof *units)

static const struct unit *unit_of(const char *name)
{
    for (size_t i = 0; i < UNITS; i++)
        if (strcmp(name, units[i].name) == 0)
            return &units[i];
    return NULL;
}

/* Adds `digit` times `place`; false when the sum overflows. */
static bool add_digit(int64_t *sum, char digit, int64_t place)
{
    int64_t part;
    return !__builtin_mul_overflow((int64_t)(digit - '0'), place, &part) &&
           !__builtin_add_overflow(*sum, part, sum);
}

bool duration_parse(const char *text, int64_t least_ns, int64_t most_ns, int64_t *out_ns)
{
    size_t whole = strspn(text, "0123456789");
    const char *fraction = text + whole + (text[whole] == '.');
    size_t digits = fraction == text + whole ? 0 : strspn(fraction, "0123456789");
    const struct unit *unit = unit_of(fraction + digits);
    if (whole == 0 || (text[whole] == '.' && digits == 0) || unit == NULL)
        return false;

    int64_t ns = 0;
    for (size_t i = 0; i < whole; i++)
        if (__builtin_mul_overflow(ns, INT64_C(10), &ns) ||
            !add_digit(&ns, text[i], unit->ns))
            return false;
    int64_t place = unit->ns;
    for (size_t i = 0; i < digits; i++) {
        if (place % 10 != 0 && fraction[i] != '0')
            return false; /* finer than a nanosecond */
        place /= 10;
        if (!add_digit(&ns, fraction[i], place))
            return false;
    }
    if (ns < least_ns || ns > most_ns)
        return false;
    *out_ns = ns;
    return true;
}

const char *duration_text(char out[DURATION_TEXT_MAX], int64_t ns)
{
    const struct unit *unit = unit_of("s"); /* of 0, which every unit divides */
    assert(unit != NULL);
    for (size_t i = 0; ns != 0 && i < UNITS; i++)
        if (ns % units[i].ns == 0) {
            unit = &units[i];
            break;
        }
    snprintf(out, DURATION_TEXT_MAX, "%" PRId64 "%s", ns / unit->ns, unit->name);
    return out;
}
