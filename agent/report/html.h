/*
 * Pieces of a page: text that may be anybody's, and times, local with UTC beside it.
 * What is written is HTML and well-formed XML at once.
 */
#ifndef EDGELAT_REPORT_HTML_H
#define EDGELAT_REPORT_HTML_H

#include "base/text.h"

#include <stdint.h>

/* As character data or inside a quoted attribute; what is not text becomes U+FFFD. */
void html_escape(struct text *out, const char *text);

enum when {
    WHEN_CLOCK,  /* "14:03" */
    WHEN_SECOND, /* "14:03:20" */
    WHEN_DATE,   /* "Wed 25 Nov" */
    WHEN_DAY,    /* "Wed 25 Nov, 14:03" */
};

#define HTML_TIME_MAX 64

/* Local time as text; returns `out`. */
const char *html_clock(char out[HTML_TIME_MAX], int64_t ns, enum when how);

/* <time> with UTC in its title. */
void html_time(struct text *out, int64_t ns, enum when how);

int64_t html_east_ns(int64_t ns); /* by how much local time is ahead of UTC then */

/* "CET, UTC+1" of that sample; returns `out`. */
const char *html_zone(char out[HTML_TIME_MAX], int64_t ns);

/* "2 h 5 min", "40 s"; returns `out`. */
const char *html_duration(char out[HTML_TIME_MAX], int64_t ns);

/* "0.12 %", "3 %", with a blank that does not break, for HTML. Returns `out`. */
const char *html_percent(char out[HTML_TIME_MAX], uint64_t part, uint64_t whole);

#endif
