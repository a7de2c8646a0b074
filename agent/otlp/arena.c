#include "otlp/arena.h"

#include "base/mem.h"

#include <stdlib.h>

enum { CHUNK_BYTES = 32 << 10 };

struct arena_chunk {
    struct arena_chunk *before;
    size_t used, room;
    _Alignas(max_align_t) unsigned char bytes[];
};

void *arena_take(struct arena *a, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    size = (size + align - 1) / align * align;
    if (a->chunk == NULL || a->chunk->room - a->chunk->used < size) {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        struct arena_chunk *c = mem_alloc(sizeof *c + room);
        *c = (struct arena_chunk){.before = a->chunk, .room = room};
        a->chunk = c;
    }
    void *taken = a->chunk->bytes + a->chunk->used;
    a->chunk->used += size;
    return taken;
}

void arena_clear(struct arena *a)
{
    while (a->chunk != NULL && a->chunk->before != NULL) {
        struct arena_chunk *before = a->chunk->before;
        free(a->chunk);
        a->chunk = before;
    }
    if (a->chunk != NULL)
        a->chunk->used = 0;
}

void arena_free(struct arena *a)
{
    while (a->chunk != NULL) {
        struct arena_chunk *before = a->chunk->before;
        free(a->chunk);
        a->chunk = before;
    }
}
