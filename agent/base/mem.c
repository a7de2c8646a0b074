#include "base/mem.h"

#include "base/log.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CANNOT = 2 }; /* exit code for an error, as in cmd.h */

static void *or_exit(void *memory, size_t size)
{
    if (memory == NULL && size > 0) {
        log_error("mem",
                  "no memory for %zu bytes: free some, or raise the limit (ulimit -v, "
                  "MemoryMax=); a service is restarted",
                  size);
        _exit(CANNOT);
    }
    return memory;
}

void *mem_alloc(size_t size)
{
    return or_exit(malloc(size), size);
}

void *mem_zalloc(size_t size)
{
    return or_exit(calloc(1, size), size);
}

void *mem_resize(void *memory, size_t size)
{
    return or_exit(realloc(memory, size), size);
}

void *mem_fit(void *memory, size_t *room, size_t need, size_t element)
{
    if (need <= *room)
        return memory;
    if (need > SIZE_MAX / 2 / element)
        or_exit(NULL, SIZE_MAX);
    *room = need;
    return mem_resize(memory, need * element);
}

void *mem_grow(void *memory, size_t *room, size_t need, size_t element)
{
    size_t next = *room < 2 ? 2 : *room;
    if (need <= *room)
        return memory;
    while (next < need)
        next *= 2;
    return mem_fit(memory, room, next, element);
}

void *mem_copy(const void *from, size_t size)
{
    void *copy = mem_alloc(size);
    if (size > 0)
        memcpy(copy, from, size);
    return copy;
}

char *mem_string(const char *from)
{
    return mem_copy(from, strlen(from) + 1);
}
