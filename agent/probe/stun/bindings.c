#include "probe/stun/bindings.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_AT_FIRST 64

static struct binding *slot(const struct bindings *b, uint64_t number)
{
    return &b->ring[number % b->room];
}

struct bindings bindings_create(uint32_t mask)
{
    return (struct bindings){.ring = mem_alloc(ROOM_AT_FIRST * sizeof(struct binding)),
                             .room = ROOM_AT_FIRST,
                             .mask = mask};
}

void bindings_free(struct bindings *b)
{
    free(b->ring);
    *b = (struct bindings){0};
}

static void enlarge(struct bindings *b)
{
    struct bindings larger = *b;
    larger.room = b->room + b->room / 4;
    if (larger.room > BINDINGS_MAX)
        larger.room = BINDINGS_MAX;
    larger.ring = mem_alloc(larger.room * sizeof *larger.ring);
    for (uint64_t n = b->first; n != b->next; n++)
        *slot(&larger, n) = *slot(b, n);
    free(b->ring);
    *b = larger;
}

bool bindings_add(struct bindings *b, const struct binding *binding,
                  const struct endpoint *to, struct mono now, uint32_t *number)
{
    uint32_t now_ms = (uint32_t)(now.ns / NS_PER_MS);
    while (b->first != b->next && slot(b, b->first)->x == NULL &&
           now_ms - slot(b, b->first)->sent_ms > BINDING_KEEP_MS)
        b->first++;
    if (b->next - b->first == b->room) {
        if (b->room < BINDINGS_MAX)
            enlarge(b);
        else if (slot(b, b->first)->x == NULL)
            b->first++;
        else
            return false;
    }
    struct binding *added = slot(b, b->next);
    *number = (uint32_t)b->next++;
    *added = *binding;
    added->to_hash = endpoint_hash(to);
    added->to_port = to->port;
    added->sent_ms = now_ms;
    return true;
}

struct binding *bindings_at(struct bindings *b, uint32_t number)
{
    uint32_t after = number - (uint32_t)b->first; /* the first */
    return after < b->next - b->first ? slot(b, b->first + after) : NULL;
}

struct stun_id bindings_id(struct bindings *b, uint32_t number)
{
    struct stun_id id;
    uint32_t masked = number ^ b->mask;
    memcpy(id.bytes, &masked, sizeof masked);
    memcpy(id.bytes + sizeof masked, &bindings_at(b, number)->chance, sizeof(uint64_t));
    return id;
}

bool binding_is_to(const struct binding *b, const struct endpoint *to)
{
    return b->to_port == to->port && b->to_hash == endpoint_hash(to);
}

struct binding *bindings_find(struct bindings *b, const struct stun_id *id)
{
    uint32_t masked;
    memcpy(&masked, id->bytes, sizeof masked);
    struct binding *found = bindings_at(b, masked ^ b->mask);
    bool is = found != NULL && memcmp(&found->chance, id->bytes + sizeof masked,
                                      sizeof found->chance) == 0;
    return is ? found : NULL;
}

struct binding *bindings_last_to(struct bindings *b, const struct endpoint *to)
{
    for (uint64_t n = b->next; n != b->first; n--) {
        struct binding *last = slot(b, n - 1);
        if (last->x != NULL && binding_is_to(last, to))
            return last;
    }
    return NULL;
}
