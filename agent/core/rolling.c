#include "core/rolling_state.h"

#include "base/mem.h"
#include "base/varint.h"

#include <stdlib.h>
#include <string.h>

#define MINUTES_NS (300 * NS_PER_S)
#define HOUR_NS    (3600 * NS_PER_S)

const char *const period_name[PERIODS] = {"hour", "day", "3 days"};
const int64_t period_pace_ns[PERIODS] = {2 * MINUTES_NS, HOUR_NS, HOUR_NS};

/* What the allocator adds to a block, on average. */
#define ALLOCATION 24

/* ---- the tallies of one delay ---- */

static const struct {
    int64_t ns; /* covered by a tally */
    uint32_t n; /* tallies kept */
} resolutions[ROLLING_RESOLUTIONS] = {{MINUTES_NS, 12}, {HOUR_NS, 72}};

/* A number that varint_put() has written. */
static uint32_t take(const uint8_t **at)
{
    uint32_t value = 0;
    int shift = 0;
    for (; **at > 127; shift += 7)
        value |= (uint32_t)(*(*at)++ & 127) << shift;
    return value | (uint32_t) * (*at)++ << shift;
}

/* A step is the difference of its key to the one before, doubled, plus 1 if its count, which
 * then follows, is not 1. */
void rolling_slot_append(struct rolling_slots *v, uint32_t number, const struct tally *t)
{
    enum { NUMBER_MOST = 5, STEP_MOST = 6 };
    uint8_t head[3 * NUMBER_MOST], *steps = mem_alloc(t->n * STEP_MOST), *at = steps;
    uint32_t before = 0;
    for (size_t i = 0; i < t->n; i++) {
        bool several = t->steps[i].count != 1;
        at = varint_put(at, (t->steps[i].key - before) << 1 | several);
        if (several)
            at = varint_put(at, t->steps[i].count);
        before = t->steps[i].key;
    }
    size_t bytes = (size_t)(at - steps);
    at = varint_put(varint_put(varint_put(head, number), (uint32_t)t->count), bytes);
    size_t head_len = (size_t)(at - head);
    v->newest = v->len;
    v->len += (uint32_t)(head_len + bytes);
    v->packed = mem_resize(v->packed, v->len);
    memcpy(v->packed + v->newest, head, head_len);
    memcpy(v->packed + v->newest + head_len, steps, bytes);
    free(steps);
}

bool rolling_slot_next(const struct rolling_slots *v, size_t *at,
                       struct rolling_slot *out)
{
    if (*at == v->len)
        return false;
    const uint8_t *head = v->packed + *at;
    out->number = take(&head);
    out->count = take(&head);
    out->bytes = take(&head);
    *at = (size_t)(head - v->packed) + out->bytes;
    return true;
}

struct tally rolling_slot_values(const struct rolling_slots *v, size_t end,
                                 const struct rolling_slot *slot)
{
    const uint8_t *stop = v->packed + end, *at = stop - slot->bytes;
    struct tally t = {0};
    t.room = slot->bytes; /* a byte a step, at least */
    t.steps = mem_alloc(t.room * sizeof *t.steps);
    uint32_t key = 0;
    while (at < stop) {
        uint32_t step = take(&at);
        key += step >> 1;
        uint32_t count = step & 1 ? take(&at) : 1;
        t.steps[t.n++] = (struct tally_step){(uint16_t)key, (uint16_t)count};
        t.count += count;
    }
    return t;
}

/* Removes whole slots, the first `bytes`. */
static void drop(struct rolling_slots *v, size_t bytes)
{
    v->len -= (uint32_t)bytes;
    v->newest = v->len > 0 ? v->newest - (uint32_t)bytes : 0;
    memmove(v->packed, v->packed + bytes, v->len);
    v->packed = mem_resize(v->packed, v->len);
}

/* Removes slots before number `first`. */
static void drop_before(struct rolling_slots *v, int64_t first)
{
    struct rolling_slot slot;
    size_t old = 0;
    for (size_t at = 0; rolling_slot_next(v, &at, &slot) && slot.number < first;)
        old = at;
    if (old > 0)
        drop(v, old);
}

static size_t drop_oldest(struct rolling_slots *v)
{
    struct rolling_slot oldest;
    size_t bytes = 0;
    rolling_slot_next(v, &bytes, &oldest);
    drop(v, bytes);
    return bytes;
}

static void add_values(struct rolling_slots *v, int64_t number,
                       const struct tally *values)
{
    struct rolling_slot newest;
    size_t end = v->newest;
    if (!rolling_slot_next(v, &end, &newest) || newest.number < number) {
        rolling_slot_append(v, (uint32_t)number, values);
        return;
    }
    struct tally sum = rolling_slot_values(v, end, &newest);
    tally_merge(&sum, values);
    v->len = v->newest;
    rolling_slot_append(v, newest.number, &sum);
    tally_free(&sum);
}

/* ---- the set ---- */

int64_t rolling_slot_number(const struct rolling_set *l, size_t resolution)
{
    return l->now_ns / resolutions[resolution].ns;
}

int64_t rolling_slot_first(const struct rolling_set *l, size_t resolution)
{
    return rolling_slot_number(l, resolution) - resolutions[resolution].n + 1;
}

struct rolling_set *rolling_set_create(struct mono now)
{
    struct rolling_set *l = mem_zalloc(sizeof *l);
    l->at = now;
    return l;
}

static void free_series(struct rolling *r)
{
    for (size_t i = 0; i < r->n_delays * ROLLING_RESOLUTIONS; i++)
        free(r->slots[i].packed);
    free(r->key);
    free(r);
}

void rolling_set_clear(struct rolling_set *l)
{
    for (size_t i = 0; i < l->n; i++)
        free_series(l->list[i]);
    l->n = 0;
}

void rolling_set_destroy(struct rolling_set *l)
{
    if (l == NULL)
        return;
    rolling_set_clear(l);
    free(l->list);
    free(l);
}

size_t rolling_bytes(const struct rolling *r)
{
    size_t bytes = 2 * ALLOCATION + sizeof *r + strlen(r->key);
    for (size_t i = 0; i < r->n_delays * ROLLING_RESOLUTIONS; i++)
        bytes += sizeof *r->slots + ALLOCATION + r->slots[i].len;
    return bytes;
}

size_t rolling_set_bytes(const struct rolling_set *l)
{
    size_t bytes = 0;
    for (size_t i = 0; i < l->n; i++)
        bytes += rolling_bytes(l->list[i]);
    return bytes;
}

static bool is_empty(const struct rolling *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_delays * ROLLING_RESOLUTIONS; i++)
        n += r->slots[i].len;
    return n == 0;
}

/* Drops slots of all series before these numbers, and series that are empty then. */
static void drop_all_before(struct rolling_set *l, const int64_t first[])
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct rolling *r = l->list[i];
        for (size_t k = 0; k < r->n_delays * ROLLING_RESOLUTIONS; k++)
            drop_before(&r->slots[k], first[k % ROLLING_RESOLUTIONS]);
        if (r->claimed || !is_empty(r))
            l->list[kept++] = r;
        else
            free_series(r);
    }
    l->n = kept;
}

/* The most bytes of any slots of which the oldest can be dropped. */
static uint32_t most_bytes(const struct rolling_set *l)
{
    uint32_t most = 0;
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < l->list[i]->n_delays * ROLLING_RESOLUTIONS; k++) {
            const struct rolling_slots *v = &l->list[i]->slots[k];
            most = v->newest > 0 && v->len > most ? v->len : most;
        }
    return most;
}

/* Those within an eighth of the most are equal: so each pass shortens many. */
void rolling_set_fit(struct rolling_set *l)
{
    size_t bytes = rolling_set_bytes(l);
    for (uint32_t most; bytes > ROLLING_BYTES_MAX && (most = most_bytes(l)) > 0;)
        for (size_t i = 0; i < l->n; i++)
            for (size_t k = 0; k < l->list[i]->n_delays * ROLLING_RESOLUTIONS; k++) {
                struct rolling_slots *v = &l->list[i]->slots[k];
                while (bytes > ROLLING_BYTES_MAX && v->newest > 0 &&
                       v->len > most - most / 8)
                    bytes -= drop_oldest(v);
            }
}

bool rolling_set_now(struct rolling_set *l, struct mono now)
{
    int64_t hour = rolling_slot_number(l, ROLLING_HOURS);
    if (now.ns > l->at.ns)
        l->now_ns += now.ns - l->at.ns;
    l->at = now;
    l->changes++;
    int64_t first[] = {rolling_slot_first(l, ROLLING_MINUTES),
                       rolling_slot_first(l, ROLLING_HOURS)};
    drop_all_before(l, first);
    rolling_set_fit(l);
    return rolling_slot_number(l, ROLLING_HOURS) != hour;
}

void rolling_set_suspended(struct rolling_set *l, int64_t ns)
{
    l->now_ns += ns > 0 ? ns : 0;
}

/* Index of the series with this key, or where to insert it. */
static size_t find(const struct rolling_set *l, const char *key, bool *found)
{
    size_t low = 0, high = l->n;
    *found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(l->list[middle]->key, key);
        *found |= order == 0;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct rolling *rolling_claim(struct rolling_set *l, const char *key, size_t n_delays)
{
    bool found;
    size_t at = find(l, key, &found);
    if (found && l->list[at]->n_delays == n_delays) {
        l->list[at]->claimed = true;
        return l->list[at];
    }
    if (found || l->n >= ROLLING_SERIES_MAX || strlen(key) >= ROLLING_KEY_MAX ||
        n_delays > DELAYS_MAX)
        return NULL;
    struct rolling *r =
        mem_zalloc(sizeof *r + n_delays * ROLLING_RESOLUTIONS * sizeof *r->slots);
    r->key = mem_string(key);
    r->n_delays = (uint16_t)n_delays;
    r->claimed = true;
    l->list = mem_grow(l->list, &l->room, l->n + 1, sizeof *l->list);
    memmove(&l->list[at + 1], &l->list[at], (l->n - at) * sizeof *l->list);
    l->list[at] = r;
    l->n++;
    l->changes++;
    return r;
}

void rolling_release(struct rolling *r)
{
    if (r != NULL)
        r->claimed = false;
}

void rolling_add(struct rolling_set *l, struct rolling *r, size_t delay,
                 const struct tally *values)
{
    if (values->count == 0)
        return;
    l->changes++;
    for (size_t k = 0; k < ROLLING_RESOLUTIONS; k++)
        add_values(&r->slots[delay * ROLLING_RESOLUTIONS + k], rolling_slot_number(l, k),
                   values);
}

/* ---- the percentiles ---- */

struct sum {
    struct tally values;
    const struct rolling_slots *slots;
    int64_t oldest; /* number of the oldest slot in it; at first INT64_MAX */
};

/* Adds slots from number `first` on, without those from `before` on. */
static void add_from(struct sum *s, int64_t first, int64_t before)
{
    const struct rolling_slots *v = s->slots;
    struct rolling_slot slot;
    for (size_t at = 0; rolling_slot_next(v, &at, &slot);) {
        if (slot.number < first || slot.number >= before)
            continue;
        struct tally values = rolling_slot_values(v, at, &slot);
        tally_merge(&s->values, &values);
        tally_free(&values);
        s->oldest = slot.number < s->oldest ? slot.number : s->oldest;
    }
}

static void summarise(const struct rolling_set *l, const struct sum *s, size_t resolution,
                      struct period_summary *out)
{
    if (s->values.count == 0)
        return;
    out->age_ns = l->now_ns - s->oldest * resolutions[resolution].ns;
    delay_summary_percentiles(&out->delay, &s->values);
}

static uint64_t count_from(const struct rolling_slots *v, int64_t first)
{
    uint64_t n = 0;
    struct rolling_slot slot;
    for (size_t at = 0; rolling_slot_next(v, &at, &slot);)
        n += slot.number >= first ? slot.count : 0;
    return n;
}

void rolling_summary(const struct rolling_set *l, const struct rolling *r, size_t delay,
                     const bool due[PERIODS], struct period_summary out[PERIODS])
{
    const struct rolling_slots *slots = &r->slots[delay * ROLLING_RESOLUTIONS];
    struct sum minutes = {.slots = slots, .oldest = INT64_MAX};
    struct sum hours = {.slots = slots + 1, .oldest = INT64_MAX};
    int64_t day = rolling_slot_number(l, ROLLING_HOURS) - 23;
    uint64_t counts[PERIODS] = {count_from(slots, rolling_slot_first(l, ROLLING_MINUTES)),
                                count_from(slots + 1, day), 0};
    memset(out, 0, PERIODS * sizeof *out);
    if (due[PERIOD_HOUR])
        add_from(&minutes, rolling_slot_first(l, ROLLING_MINUTES), INT64_MAX);
    summarise(l, &minutes, ROLLING_MINUTES, &out[PERIOD_HOUR]);
    if (due[PERIOD_DAY])
        add_from(&hours, day, INT64_MAX);
    summarise(l, &hours, ROLLING_HOURS, &out[PERIOD_DAY]);
    if (due[PERIOD_3_DAYS]) {
        add_from(&hours, rolling_slot_first(l, ROLLING_HOURS),
                 due[PERIOD_DAY] ? day : INT64_MAX);
        summarise(l, &hours, ROLLING_HOURS, &out[PERIOD_3_DAYS]);
    }
    tally_free(&minutes.values);
    tally_free(&hours.values);
    for (size_t p = PERIODS - 1; p > 0; p--)
        if (out[p].delay.count + out[p].delay.over <= counts[p - 1])
            memset(out[p].delay.supported, 0, sizeof out[p].delay.supported);
}
