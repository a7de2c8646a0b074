#include "base/intern.h"

#include "base/mem.h"

#include <string.h>

static struct {
    char **list; /* sorted */
    size_t n, room;
} all;

const char *intern(const char *text)
{
    size_t low = 0, high = all.n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(all.list[middle], text);
        if (order == 0)
            return all.list[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    all.list = mem_grow(all.list, &all.room, all.n + 1, sizeof *all.list);
    memmove(&all.list[low + 1], &all.list[low], (all.n++ - low) * sizeof *all.list);
    return all.list[low] = mem_string(text);
}
