/*
 * The delay that each segment of a path adds. Routers answer slowly at times, and some
 * always do, as they answer by their own processor: what a hop behind them takes is then
 * less. So the delay of a hop is the minimum of all queries of several traces, and
 * at most that of any hop behind it (monotone repair). Where that lowers a boundary by
 * more than PATH_SLOW_NS and PATH_SLOW_RATIO, its router answers too slowly to divide
 * the path there, and the segments beside it cannot be told. Pure.
 */
#ifndef EDGELAT_EDGE_PATH_DELAYS_H
#define EDGELAT_EDGE_PATH_DELAYS_H

#include "edge/path_sample.h"

#define PATH_SLOW_NS    (NS_PER_MS / 2)
#define PATH_SLOW_RATIO 0.05

enum { PATH_DELAYS_TRACES = 6 };

struct path_mark { /* least delays of a hop, and of those behind it; or UNDEFINED */
    int64_t own_ns, behind_ns;
};

struct path_delays { /* of the last traces of one path; start with { 0 } */
    struct {
        struct path_mark local, entry; /* the last local hop, the first of Microsoft's */
        int64_t target_ns;
    } traces[PATH_DELAYS_TRACES];
    size_t n; /* traces added; a ring */
};

void path_delays_add(struct path_delays *d, const struct path_sample *s);

/* By segment; DELAY_UNDEFINED: cannot tell. */
void path_delays_segments(const struct path_delays *d, int64_t out[SEGMENTS]);

/* The least delay to the target, or to the entry if the target never answered. */
int64_t path_delays_total(const struct path_delays *d);

#endif
