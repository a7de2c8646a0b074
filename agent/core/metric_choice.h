/*
 * Which of the metrics with one series per delay are exported. They make most of a
 * store's series, so those that it cannot merge or does not use can be turned off.
 */
#ifndef EDGELAT_CORE_METRIC_CHOICE_H
#define EDGELAT_CORE_METRIC_CHOICE_H

#include <stdbool.h>

enum quantile_choice {
    QUANTILES_NONE,
    QUANTILES_MAIN, /* of the main delay of each kind */
    QUANTILES_ALL,  /* of the other delays, as the phases of HTTPS, too */
};

struct metric_choice {
    bool histograms;                /* edgelat.probe.delay */
    enum quantile_choice quantiles; /* edgelat.probe.delay.quantile */
    bool variation;                 /* edgelat.probe.delay_variation */
};

#define METRIC_CHOICE_DEFAULT ((struct metric_choice){true, QUANTILES_MAIN, true})

#endif
