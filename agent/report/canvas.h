/*
 * Shared by the parts of a plot (plot.h). Lengths are in half pixels, so integers are
 * precise enough. The more targets a page has, the wider are the columns of downsample.h, so
 * that the page of a large site stays small.
 */
#ifndef EDGELAT_REPORT_CANVAS_H
#define EDGELAT_REPORT_CANVAS_H

#include "report/plot.h"

enum {
    COLUMNS_MAX = 720,
    LEFT = 108,
    WIDTH = 1440,
    CANVAS_POPS_MAX = 6, /* number of PoP colours; further PoPs share the last one */
};

struct canvas {
    struct text *out;
    const struct plotted *of;
    size_t columns;                    /* divides WIDTH; at most COLUMNS_MAX */
    int pitch;                         /* the width of a column */
    int top;                           /* of all parts */
    int y;                             /* top of the next part */
    const char *pops[CANVAS_POPS_MAX]; /* index: colour */
    size_t n_pops;
};

/* The x coordinate of a time. */
int canvas_x(const struct canvas *c, int64_t ns);

/* The x coordinate of a column. */
int canvas_column_x(const struct canvas *c, size_t column);

/* The column of a time, bounded. */
size_t canvas_column(const struct canvas *c, int64_t ns);

/* The start time of a column, ns since the epoch. */
int64_t canvas_time(const struct canvas *c, size_t column);

/* Writes the display name of a family: "IPv4". */
void canvas_family(struct canvas *c, const char *family);

/* Writes the label to the left of a row: "loss IPv4". */
void canvas_side(struct canvas *c, int y, const char *what, const char *family);

/* Draws which PoPs served the target over `family`; nothing if no PoP is known. */
void canvas_strip(struct canvas *c, const char *family);

/* Draws the availability of the first `most` BGP sessions, each in a row with its number. */
void canvas_sessions(struct canvas *c, size_t most);

/* Draws the traffic of interfaces and of the service (NULL: of all), at most `most` rows. */
void canvas_traffic(struct canvas *c, const char *service, size_t most);

/* Draws where the path to the target entered Microsoft's network; nothing if that is not
 * known. */
void canvas_entries(struct canvas *c, const char *family);

/* Draws the bursts like a call to the target; nothing if there are none. */
void canvas_media(struct canvas *c);

/* The streams of one probe kind that have samples, one for each family. */
struct lane {
    const struct dataset_stream *streams[DATASET_STREAMS_MAX];
    size_t n;
};
void canvas_lane(struct canvas *c, const struct lane *lane);

#endif
