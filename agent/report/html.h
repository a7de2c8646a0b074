/*
 * Elements of an HTML page: untrusted text, and times in local time with UTC as a
 * tooltip. The output is HTML and well-formed XML at the same time.
 */
#ifndef EDGELAT_REPORT_HTML_H
#define EDGELAT_REPORT_HTML_H

#include "base/text.h"

#include <stdint.h>

/* Begins a page, up to <body>: title, style sheet, and a policy that lets nothing be loaded
 * or run. */
void html_begin(struct text *out, const char *title);

/* Escapes `text` for character data or a quoted attribute. Invalid UTF-8 and control
 * characters become U+FFFD. */
void html_escape(struct text *out, const char *text);

enum when {
    WHEN_CLOCK,  /* "14:03" */
    WHEN_SECOND, /* "14:03:20" */
    WHEN_DATE,   /* "Wed 25 Nov" */
    WHEN_DAY,    /* "Wed 25 Nov, 14:03" */
    WHEN_EXACT,  /* "Wed 25 Nov, 14:03:20" */
};

#define HTML_TIME_MAX 64

/* Formats local time; returns `out`. */
const char *html_clock(char out[HTML_TIME_MAX], int64_t ns, enum when how);

/* Writes a <time> element: local time, UTC in its title. */
void html_time(struct text *out, int64_t ns, enum when how);

/* The UTC offset of local time at `ns`; positive east of Greenwich. */
int64_t html_east_ns(int64_t ns);

/* Formats the time zone at `ns`: "CET, UTC+1". Returns `out`. */
const char *html_zone(char out[HTML_TIME_MAX], int64_t ns);

/* Formats a duration: "2 h 5 min", "2 min 5 s", "40 s". Returns `out`. */
const char *html_duration(char out[HTML_TIME_MAX], int64_t ns);

/* Formats a rate given in bytes a second: "12.3 Mbit/s". Returns `out`. */
const char *html_rate(char out[HTML_TIME_MAX], double bytes_s);

/* Formats a ratio for HTML: "0.12 %", "3 %", with a no-break space. Returns `out`. */
const char *html_percent(char out[HTML_TIME_MAX], uint64_t part, uint64_t whole);

#endif
