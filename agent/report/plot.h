/*
 * A target over time as one inline SVG: which PoP served it, and for each kind of probe
 * the median with the way up to p95, and the loss below; gaps stay gaps. Styles are the
 * page's, by class. The marks of events are numbered as in the page's list.
 */
#ifndef EDGELAT_REPORT_PLOT_H
#define EDGELAT_REPORT_PLOT_H

#include "base/text.h"
#include "report/dataset.h"
#include "report/rating.h"

struct mark {
    int64_t time_ns;
    int severity;
    size_t number; /* in the list; from 1 */
};

struct plotted { /* what is drawn */
    const struct dataset *dataset;
    const struct rating *rating;
    int64_t from_ns, to_ns;
    const struct mark *marks; /* in the order of time */
    size_t n_marks;
};

void plot(struct text *out, const struct plotted *p);

#endif
