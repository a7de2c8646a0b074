#include "core/tally.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_BITS 9 /* 512 steps in an octave */
#define STEPS      (1 << STEPS_BITS)

void tally_free(struct tally *t)
{
    free(t->steps);
    *t = (struct tally){0};
}

/* An octave [2^e, 2^(e+1)) begins at key (e - 9) * 512 + 512; below it key equals value. */
uint16_t tally_key(int64_t ns)
{
    assert(ns >= 0);
    if (ns < STEPS)
        return (uint16_t)ns;
    int shift = 63 - __builtin_clzll((unsigned long long)ns) - STEPS_BITS;
    return (uint16_t)((shift << STEPS_BITS) + (int)(ns >> shift));
}

int64_t tally_least(uint16_t key)
{
    if (key < 2 * STEPS)
        return key;
    int shift = (key >> STEPS_BITS) - 1;
    return (int64_t)(STEPS + key % STEPS) << shift;
}

int64_t tally_most(uint16_t key)
{
    return key == TALLY_KEY_MAX ? INT64_MAX : tally_least((uint16_t)(key + 1)) - 1;
}

/* Index of the first step with this key or a larger one. */
static size_t find(const struct tally *t, uint16_t key)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->steps[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_step(struct tally *t, struct tally_step step)
{
    size_t at = find(t, step.key);
    t->count += step.count;
    if (at < t->n && t->steps[at].key == step.key &&
        t->steps[at].count <= UINT16_MAX - step.count) {
        t->steps[at].count = (uint16_t)(t->steps[at].count + step.count);
        return;
    }
    size_t room = t->room;
    t->steps = mem_grow(t->steps, &room, t->n + 1, sizeof *t->steps);
    t->room = (uint32_t)room;
    memmove(&t->steps[at + 1], &t->steps[at], (t->n - at) * sizeof *t->steps);
    t->steps[at] = step;
    t->n++;
}

void tally_add(struct tally *t, int64_t ns)
{
    add_step(t, (struct tally_step){.key = tally_key(ns), .count = 1});
}

/* Appends to a list with room, or adds to its last step. */
static void append(struct tally_step *list, size_t *n, struct tally_step step)
{
    struct tally_step *last = *n > 0 ? &list[*n - 1] : NULL;
    if (last != NULL && last->key == step.key && last->count <= UINT16_MAX - step.count)
        last->count = (uint16_t)(last->count + step.count);
    else
        list[(*n)++] = step;
}

void tally_merge(struct tally *into, const struct tally *from)
{
    if (from->n <= into->n / 8) {
        for (size_t k = 0; k < from->n; k++)
            add_step(into, from->steps[k]);
        return;
    }
    size_t room = into->n + from->n, n = 0, i = 0;
    struct tally_step *list = mem_alloc(room * sizeof *list);
    for (size_t k = 0; k < from->n; k++) {
        while (i < into->n && into->steps[i].key <= from->steps[k].key)
            append(list, &n, into->steps[i++]);
        append(list, &n, from->steps[k]);
    }
    while (i < into->n)
        append(list, &n, into->steps[i++]);
    free(into->steps);
    into->steps = list;
    into->n = (uint32_t)n;
    into->room = (uint32_t)room;
    into->count += from->count;
}

uint64_t tally_over(const struct tally *t)
{
    uint64_t over = 0;
    for (size_t i = t->n; i > 0 && t->steps[i - 1].key == TALLY_KEY_MAX; i--)
        over += t->steps[i - 1].count;
    return over;
}

uint16_t tally_at(const struct tally *t, uint64_t rank)
{
    size_t i = 0;
    for (uint64_t passed = t->steps[0].count; passed < rank && i + 1 < t->n;)
        passed += t->steps[++i].count;
    return t->steps[i].key;
}
