#include "core/counter.h"

#include <stddef.h>
#include <string.h>

const struct counter_names counter_names[COUNTERS] = {
    [COUNTER_LATE] = {"late", "late", "late"},
    [COUNTER_DUPLICATES] = {"duplicate", "duplicates", "duplicates"},
    [COUNTER_REORDERED] = {"reordered", "reordered", "reordered"},
    [COUNTER_LOST_PACKETS] = {"lost_packet", "lost_packets", "retransmitted"},
    [COUNTER_MISSED] = {"missed", "missed", NULL},
};

enum counter counter_of(const char *attribute)
{
    size_t i = 0;
    while (i < COUNTERS && strcmp(counter_names[i].attribute, attribute) != 0)
        i++;
    return (enum counter)i;
}

void counters_add(uint32_t to[COUNTERS], const uint32_t from[COUNTERS])
{
    for (size_t i = 0; i < COUNTERS; i++)
        to[i] += from[i];
}
