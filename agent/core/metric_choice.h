/*
 * Which of the metrics with one series per delay are exported. They make most of a
 * store's series, so those that it cannot merge or does not use can be turned off.
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
