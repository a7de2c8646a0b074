/*
 * Plots a target over time as one inline SVG: the PoP that served it and, for each kind
 * of probe, the median, the area up to the
 * highest delay, and the loss below. Lines are interrupted at
 * gaps. Above the delays are the availability of the first BGP sessions and marks of BGP's
 * warnings and errors, without a number; below them the traffic of interfaces and of the
 * target's service. Styles come from the page, by class. Event marks have the numbers of the
 * page's event list; marks too close for a number each share one: "2-5".
 */
#ifndef EDGELAT_REPORT_PLOT_H
#define EDGELAT_REPORT_PLOT_H

#include "base/text.h"
#include "report/dataset.h"
#include "report/rating.h"

enum plot_subject { PLOT_TARGET, PLOT_SESSIONS, PLOT_TRAFFIC };

struct mark {
    const struct dataset_event *event;
    size_t number; /* in the event list; from 1 */
};

/* The input of a plot. */
struct plotted {
    const struct dataset *dataset;
    enum plot_subject subject;
    const struct rating *rating; /* of PLOT_TARGET, else NULL */
    int64_t from_ns, to_ns;
    const struct mark *marks; /* sorted by time */
    size_t n_marks;
};

/* Appends the <svg> element to `out`. */
void plot(struct text *out, const struct plotted *p);

#endif
