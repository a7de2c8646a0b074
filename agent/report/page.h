/*
 * Renders the dataset as one self-contained HTML file: it needs no network and no script,
 * can be printed, and supports light and dark mode. Its Content-Security-Policy allows
 * only its own style sheet. All text from batches is escaped.
 */
#ifndef EDGELAT_REPORT_PAGE_H
#define EDGELAT_REPORT_PAGE_H

#include "base/text.h"
#include "edge/edge_data.h"
#include "report/dataset.h"
#include "report/html.h"
#include "report/rating.h"

struct page {
    const struct dataset *dataset;
    const struct rating *ratings; /* one for each target; configured targets first */
    size_t n_own;                 /* number of configured targets */
    const struct edge_data *known;
    int64_t now_ns;
    bool all;                /* all batches: no period was requested */
    size_t skipped, foreign; /* files that could not be read; files of other agents */
};

void page_render(struct text *out, const struct page *p);

/* The parts of the page. */
void page_headline(struct text *out, const struct page *p);
void page_overview(struct text *out, const struct page *p);
void page_target(struct text *out, const struct page *p, const struct rating *r,
                 size_t number);
void page_agent(struct text *out, const struct page *p);

void page_routing(struct text *out, const struct page *p);

/* The bursts like a call to a target; nothing if there are none. */
void page_media(struct text *out, const struct page *p, const char *target);

/* The BGP problems as items of a list; their number. `out` NULL: only counts. */
size_t page_routing_problems(struct text *out, const struct page *p);

void page_traffic(struct text *out, const struct page *p);

/* In place of a target: the traffic. */
extern const char page_of_traffic[];

/* In place of a target: the events of BGP (event_is_routing()), which are of none else. */
extern const char page_of_routing[];

/* A plot with its numbered events; `r` NULL: of page_of_routing or
 * page_of_traffic. */
void page_plot(struct text *out, const struct page *p, const struct rating *r,
               const char *target);

/* The events of a target; "": the events without a target. */
void page_events(struct text *out, const struct page *p, const char *target);

/*
 * Writes `heading` (markup) and opens a table that may be wider than the page: it
 * scrolls and has keyboard focus (axe: scrollable-region-focusable). Its accessible name
 * is `what`, followed by `target` unless that is "". The caller closes it with
 * "</table></div>".
 */
void page_table(struct text *out, const char *heading, const char *what,
                const char *target);

/* Writes a PoP, escaped: "London (LON)", or "XQZ" if its city is unknown. */
void page_pop(struct text *out, const struct page *p, const char *pop);

/* How times of events are written: with the day if the period is long, with seconds if it is
 * short or windows are shorter than a minute. */
enum when page_when(const struct dataset *p);

/* Writes a table cell with a delay in ms: "12.3"; "-" if undefined. */
void page_ms(struct text *out, int64_t ns);

/* The same for a percentile; in parentheses if the number of results does not support it. */
void page_percentile(struct text *out, int64_t ns, bool supported);

#endif
