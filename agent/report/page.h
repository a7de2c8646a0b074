/*
 * The dataset as a page: one HTML file that needs nothing else, in a browser without a
 * network or on paper, in light and in dark. No script; a policy in it forbids all but
 * its own style. Every text that came from outside is escaped.
 */
#ifndef EDGELAT_REPORT_PAGE_H
#define EDGELAT_REPORT_PAGE_H

#include "base/text.h"
#include "edge/edge_data.h"
#include "report/dataset.h"
#include "report/rating.h"

struct page {
    const struct dataset *dataset;
    const struct rating *ratings; /* one a target; those that are beside come last */
    size_t n_own;                 /* so many are not */
    const struct edge_data *known;
    int64_t now_ns;
    bool all;                /* of the batches: no period was asked for */
    size_t skipped, foreign; /* files that were not read, and of other agents */
};

void page_render(struct text *out, const struct page *p);

/* The parts of it. */
void page_headline(struct text *out, const struct page *p);
void page_overview(struct text *out, const struct page *p);
void page_target(struct text *out, const struct page *p, const struct rating *r,
                 size_t number);
void page_agent(struct text *out, const struct page *p);

/* Those of a target, or those that are of none (""). */
void page_events(struct text *out, const struct page *p, const char *target);

/*
 * The heading, which is markup, and the beginning of a table that may be wider than the
 * page: it scrolls, and the keyboard reaches it (axe: scrollable-region-focusable). Its
 * name for who does not see it is `what`, and `target` where it is of one. Ends with
 * "</table></div>".
 */
void page_table(struct text *out, const char *heading, const char *what,
                const char *target);

/* "London (LON)", "XQZ"; escaped. */
void page_pop(struct text *out, const struct page *p, const char *pop);

/* "12.345" in a cell, or "-". */
void page_ms(struct text *out, int64_t ns);

#endif
