/*
 * The newest table and the newest events. On a terminal they are rewritten in place: what
 * was above them stays, and what does not fit is cut, and counted. Elsewhere the events are
 * printed as they come, and the table once, at the end.
 */
#ifndef EDGELAT_COLLECTOR_IN_PLACE_H
#define EDGELAT_COLLECTOR_IN_PLACE_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

enum { IN_PLACE_EVENTS = 6 }; /* shown on a terminal */

struct in_place {
    bool terminal;
    struct text table, drawn;
    char *events[IN_PLACE_EVENTS]; /* lines, the oldest first; NULL: none yet */
    size_t height;                 /* lines that were drawn; the cursor is below them */
};

/* Of standard output. */
struct in_place in_place_begin(void);
void in_place_table(struct in_place *s,
                    const struct text *table); /* instead of the last */
void in_place_events(struct in_place *s, const struct text *lines);
void in_place_end(struct in_place *s);

/*
 * Pure: what `in_place_table()` and `in_place_events()` draw on a terminal of that size, without
 * control characters: the table, made to fit the width (base/fit.h), and the events.
 * Returns the number of lines.
 */
size_t in_place_draw(struct text *out, const struct in_place *s, size_t rows,
                     size_t columns);

#endif
