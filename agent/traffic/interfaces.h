/*
 * The traffic of network interfaces from the kernel's counters: sums since the start, the mean
 * and the highest second of a window, and what is wrong with the link. Interfaces come and go:
 * one that was away, or whose counters fell, begins again with the next reading, and what it
 * counted in between is unknown. So is a reading that jumped by more than
 * INTERFACE_JUMP times what the link can carry (not exactly: drivers count late, and the speed of
 * a virtual interface is no limit). Pure.
 */
#ifndef EDGELAT_TRAFFIC_INTERFACES_H
#define EDGELAT_TRAFFIC_INTERFACES_H

#include "core/batch.h"
#include "core/time.h"
#include "net/link_message.h"
#include "traffic/mobile.h"
#include "traffic/rates.h"
#include "traffic/wifi.h"

enum {
    INTERFACES_MAX = 16, /* further ones are left out */
    INTERFACE_VALUES = 17 + WIFI_VALUES + MOBILE_VALUES,
    INTERFACES_VALUES_MAX = INTERFACES_MAX * INTERFACE_VALUES,
    INTERFACE_JUMP = 2,
};
/* Growth of errors and drops is reported for so long. */
#define INTERFACE_RECENT_NS (10 * 60 * NS_PER_S)
/*
 * Receive drops are a problem above this rate and this share of the packets: the kernel counts
 * frames of unknown protocols among them, such as spanning tree and LLDP of a switch.
 */
#define INTERFACE_DROPS_A_SECOND 1.0
#define INTERFACE_DROPS_RATIO    0.001

struct interface_way { /* a direction */
    struct link_counters last, total, reported;
    uint64_t second_bytes;       /* since the second began */
    struct link_counters window; /* increase in the window */
    double highest_second;       /* of the window, bytes/s */
    double mean, highest;        /* of the last window, bytes/s */
    struct link_counters grown;  /* in the last window in which errors or */
    int64_t grown_window_ns;     /* drops grew enough to be a problem */
    struct mono grown_at;        /* 0: never */
    struct self_label labels[2];
};

struct interface_traffic {
    char name[INTERFACE_NAME_MAX];
    bool configured;
    bool routed;  /* carries the route to a target, as last looked up */
    bool present; /* as last read */
    bool up;
    uint32_t index;
    struct link_modes modes;
    struct wifi_traffic wifi; /* of the last window */
    bool has_modem;           /* it is the interface of one */
    struct modem_link modem;  /* as last read */
    struct mobile_traffic mobile;
    bool has_last; /* of its directions: counters to compare with */
    bool begun;    /* reported before */
    struct mono last_at, second_at, seen;
    int64_t window_ns; /* of the window, in which it was read */
    uint64_t resets;
    struct interface_way ways[RATE_DIRECTIONS];
};

struct interfaces { /* start with { 0 }, end with interfaces_free() */
    struct interface_traffic *list[INTERFACES_MAX];
    size_t n;
    uint64_t not_kept;
};

/* Adds the interface unless it is there; NULL: too many. */
struct interface_traffic *interfaces_add(struct interfaces *x, const char *name);
void interfaces_free(struct interfaces *x);

/* Takes a reading; `state` NULL: there is no such interface. */
void interface_take(struct interface_traffic *i, const struct link_state *state,
                    struct mono now);

/* Writes the metric rows of the window that ends now, after a reading at this time. The texts
 * live as long as `x`. */
size_t interfaces_window(struct interfaces *x, bool delta, struct mono now,
                         struct self_value values[INTERFACES_VALUES_MAX]);

/* Appends a line for each interface, and the problems with what to do; returns their number. */
void interfaces_text(const struct interfaces *x, struct text *out);
size_t interfaces_problems(const struct interfaces *x, struct mono now, struct text *out);

#endif
