/* The radio link of a modem (LTE, 5G), as last read in the window. Pure. */
#ifndef EDGELAT_TRAFFIC_MOBILE_H
#define EDGELAT_TRAFFIC_MOBILE_H

#include "base/text.h"
#include "core/batch.h"
#include "net/modem.h"

enum {
    MOBILE_VALUES = 3,
    MOBILE_WEAK_WINDOWS = 2,  /* so many in succession are a problem */
    MOBILE_WEAK_QUALITY = 20, /* where the power is unknown */
};
/* At the edge of a cell; 3GPP TS 36.133 reports -140 to -44 dBm. */
#define MOBILE_WEAK_RSRP_DBM (-110.0)

struct mobile_traffic { /* start with { 0 } */
    struct modem_link link;
    uint8_t weak; /* windows in succession, up to MOBILE_WEAK_WINDOWS */
};

/* Takes the reading of a window. `link->found` false: no modem. */
void mobile_take(struct mobile_traffic *t, const struct modem_link *link);

/* Appends the metric rows; `labels`: the interface. They live as long as the rows. */
size_t mobile_values(const struct mobile_traffic *t, const struct self_label *labels,
                     struct self_value values[MOBILE_VALUES]);

/* Appends ", LTE -98 dBm (quality 67 %)"; nothing when there is no modem. */
void mobile_text(const struct mobile_traffic *t, struct text *out);

/* Appends a line when the signal is weak. */
bool mobile_problem(const struct mobile_traffic *t, const char *interface,
                    struct text *out);

#endif
