/*
 * What the parts of a plot share. Lengths are halves of a pixel, so that whole numbers
 * are fine enough; a column of downsample.h is one pixel.
 */
#ifndef EDGELAT_REPORT_CANVAS_H
#define EDGELAT_REPORT_CANVAS_H

#include "report/plot.h"

enum {
    COLUMNS = 720,
    PITCH = 2,
    LEFT = 108,
    WIDTH = COLUMNS * PITCH,
    CANVAS_POPS_MAX = 6, /* with a colour of their own */
};

struct canvas {
    struct text *out;
    const struct plotted *of;
    int y;                             /* where the next part begins */
    const char *pops[CANVAS_POPS_MAX]; /* by colour */
    size_t n_pops;
};

int canvas_x(const struct canvas *c, int64_t ns);
int64_t canvas_time(const struct canvas *c, size_t column); /* when it begins */

/* "IPv4" */
void canvas_family(struct canvas *c, const char *family);

/* What stands at the left of a row: "loss IPv4". */
void canvas_side(struct canvas *c, int y, const char *what, const char *family);

/* The PoPs that served the target by that family, if any is known. */
void canvas_strip(struct canvas *c, const char *family);

/* The streams of one kind, one a family, which have samples. */
struct lane {
    const struct dataset_stream *streams[DATASET_STREAMS_MAX];
    size_t n;
};
void canvas_lane(struct canvas *c, const struct lane *lane);

#endif
