#include "report/html.h"

#include "core/time.h"
#include "report/page_style.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (unsigned char)c < 0x20 || c == 0x7f ? "\xef\xbf\xbd" : NULL;
    }
}

void html_begin(struct text *out, const char *title)
{
    text_add(out,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
             "style-src 'unsafe-inline'\"/>\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
             "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
    html_escape(out, title);
    text_add(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", page_style);
}

void html_escape(struct text *out, const char *text)
{
    for (size_t left = strlen(text), len; left > 0; text += len, left -= len) {
        len = text_utf8(text, left);
        const char *instead = len == 0 ? "\xef\xbf\xbd" : len == 1 ? entity(*text) : NULL;
        if (instead != NULL)
            text_add(out, "%s", instead);
        else
            text_add_bytes(out, text, len);
        len = len == 0 ? 1 : len;
    }
}

/* ---- times ---- */

static struct tm local(int64_t ns)
{
    time_t s = (time_t)(ns / NS_PER_S);
    struct tm tm = {0};
    localtime_r(&s, &tm);
    return tm;
}

const char *html_clock(char out[HTML_TIME_MAX], int64_t ns, enum when how)
{
    static const char *const formats[] = {"%H:%M", "%H:%M:%S", "%a %e %b",
                                          "%a %e %b, %H:%M", "%a %e %b, %H:%M:%S"};
    struct tm tm = local(ns);
    strftime(out, HTML_TIME_MAX, formats[how], &tm);
    return out;
}

void html_time(struct text *out, int64_t ns, enum when how)
{
    char clock[HTML_TIME_MAX], utc[WALL_TEXT_MAX];
    wall_text(utc, (struct wall){ns});
    text_add(out, "<time datetime=\"%s\" title=\"%.10s %.8s UTC\">%s</time>", utc, utc,
             utc + 11, html_clock(clock, ns, how));
}

int64_t html_east_ns(int64_t ns)
{
    return local(ns).tm_gmtoff * NS_PER_S;
}

const char *html_zone(char out[HTML_TIME_MAX], int64_t ns)
{
    struct tm tm = local(ns);
    long east = tm.tm_gmtoff / 60, minutes = east < 0 ? -east : east;
    int n = snprintf(out, HTML_TIME_MAX, "%s", tm.tm_zone);
    if (east != 0)
        n += snprintf(out + n, HTML_TIME_MAX - (size_t)n, ", UTC%c%ld",
                      east < 0 ? '-' : '+', minutes / 60);
    if (minutes % 60 != 0)
        snprintf(out + n, HTML_TIME_MAX - (size_t)n, ":%02ld", minutes % 60);
    return out;
}

const char *html_duration(char out[HTML_TIME_MAX], int64_t ns)
{
    int64_t s = (ns + NS_PER_S / 2) / NS_PER_S, minutes = (s + 30) / 60;
    if (s < 60)
        snprintf(out, HTML_TIME_MAX, "%" PRId64 " s", s);
    else if (s < 600 && s % 60 != 0)
        snprintf(out, HTML_TIME_MAX, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
    else if (minutes < 60)
        snprintf(out, HTML_TIME_MAX, "%" PRId64 " min", minutes);
    else if (minutes < 48 * 60 && minutes % 60 != 0)
        snprintf(out, HTML_TIME_MAX, "%" PRId64 " h %" PRId64 " min", minutes / 60,
                 minutes % 60);
    else if (minutes < 48 * 60)
        snprintf(out, HTML_TIME_MAX, "%" PRId64 " h", minutes / 60);
    else
        snprintf(out, HTML_TIME_MAX, "%.1f days", (double)minutes / (24 * 60));
    return out;
}

const char *html_percent(char out[HTML_TIME_MAX], uint64_t part, uint64_t whole)
{
    double percent = whole > 0 ? 100 * (double)part / (double)whole : 0;
    snprintf(out, HTML_TIME_MAX,
             part == 0        ? "0\u00a0%%"
             : percent < 0.01 ? "&lt;0.01\u00a0%%"
             : percent < 1    ? "%.2f\u00a0%%"
             : percent < 10   ? "%.1f\u00a0%%"
                              : "%.0f\u00a0%%",
             percent);
    return out;
}

const char *html_rate(char out[HTML_TIME_MAX], double bytes_s)
{
    static const char *const units[] = {"bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"};
    double bits = 8 * bytes_s;
    size_t unit = 0;
    for (; bits >= 1000 && unit < 4; unit++)
        bits /= 1000;
    snprintf(out, HTML_TIME_MAX, "%.*f %s", unit > 0 && bits < 100 ? 1 : 0, bits,
             units[unit]);
    return out;
}
