/*
 * Which of the metrics that are one series for each delay are exported: what a store
 * cannot merge or will not look at costs most of its series.
 */
#ifndef EDGELAT_CORE_METRIC_CHOICE_H
#define EDGELAT_CORE_METRIC_CHOICE_H

#include <stdbool.h>

struct metric_choice {
    bool histograms; /* edgelat.probe.delay */
    bool quantiles;  /* edgelat.probe.delay.quantile */
    bool variation;  /* edgelat.probe.delay_variation */
};

#define METRIC_CHOICE_ALL ((struct metric_choice){true, true, true})

#endif
