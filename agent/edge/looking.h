/*
 * When to look around for what is near: at the beginning, each hour, and when there is
 * reason to, but not twice within a minute: a reason that comes too soon waits until the
 * minute is over, and so does a look that found nothing.
 */
#ifndef EDGELAT_EDGE_LOOKING_H
#define EDGELAT_EDGE_LOOKING_H

#include "core/time.h"

#include <stdbool.h>

/* How long a look takes, when in it the first answers tell where to look, how soon after
 * it the next one may come, and when it comes without a reason. */
#define LOOKING_NS       (10 * NS_PER_S)
#define LOOKING_FIRST_NS (3 * NS_PER_S)
#define LOOKING_LEAST_NS (60 * NS_PER_S)
#define LOOKING_EVERY_NS (3600 * NS_PER_S)

struct looking {
    struct mono began, ends; /* the last one; ends 0: it is over */
    struct mono first;       /* 0: that was */
    struct mono next;
};

void looking_begin(struct looking *l, struct mono now);

/* The look that is under way is over; `again`: it found nothing. */
void looking_end(struct looking *l, bool again);

/* There is reason to look. True: at once; else it is put off, and due later. */
bool looking_reason(struct looking *l, struct mono now);

bool looking_has_first(struct looking *l, struct mono now);     /* true once a look */
bool looking_is_over(const struct looking *l, struct mono now); /* time to end it */
bool looking_is_due(const struct looking *l, struct mono now);

#endif
