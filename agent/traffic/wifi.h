/*
 * The radio link of a Wi-Fi interface, read once a window: signal, rates, and how many frames
 * were sent again. Counts are those of one association: one that fell begins again. Pure.
 */
#ifndef EDGELAT_TRAFFIC_WIFI_H
#define EDGELAT_TRAFFIC_WIFI_H

#include "base/text.h"
#include "core/batch.h"
#include "net/wifi_message.h"

enum {
    WIFI_VALUES = 5,
    WIFI_WEAK_WINDOWS = 2, /* so many in succession are a problem */
};

struct wifi_count {
    uint32_t last;
    uint64_t total, window, reported;
};

struct wifi_traffic { /* start with { 0 } */
    struct wifi_link link;
    struct wifi_count frames, retries, failed;
    bool begun;    /* reported before */
    uint8_t weak;  /* windows in succession, up to WIFI_WEAK_WINDOWS */
    bool has_last; /* there are counts to compare with */
};

/* Takes the reading at the end of a window. */
void wifi_take(struct wifi_traffic *t, const struct wifi_link *link);

/* Appends the metric rows of the window. `labels`: the interface and a direction, received
 * first; they and the rows live as long. Returns their number. */
size_t wifi_values(struct wifi_traffic *t, bool delta,
                   const struct self_label *const labels[2],
                   struct self_value values[WIFI_VALUES]);

/* Appends ", Wi-Fi -61 dBm, ..."; nothing when there is no radio link. */
void wifi_text(const struct wifi_traffic *t, struct text *out);

/* Appends a line when the signal is weak. */
bool wifi_problem(const struct wifi_traffic *t, const char *interface, struct text *out);

#endif
