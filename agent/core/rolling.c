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
void rolling_slot_end(struct rolling_slots *v)
{
    enum { STEP_MOST = 6 };
    const struct tally *t = &v->open;
    struct rolling_slot slot = {v->number, (uint32_t)t->count, 0};
    v->packed = mem_resize(v->packed, v->len + sizeof slot + t->n * STEP_MOST);
    uint8_t *begin = v->packed + v->len + sizeof slot, *at = begin;
    uint32_t before = 0;
    for (size_t i = 0; i < t->n; i++) {
        bool several = t->steps[i].count != 1;
        at = varint_put(at, (t->steps[i].key - before) << 1 | several);
        if (several)
            at = varint_put(at, t->steps[i].count);
        before = t->steps[i].key;
    }
    slot.bytes = (uint32_t)(at - begin);
    memcpy(begin - sizeof slot, &slot, sizeof slot);
    v->len += (uint32_t)(sizeof slot + slot.bytes);
    v->packed = mem_resize(v->packed, v->len);
    tally_free(&v->open);
}

bool rolling_slot_next(const struct rolling_slots *v, size_t *at,
                       struct rolling_slot *out)
{
    if (*at == v->len)
        return false;
    memcpy(out, v->packed + *at, sizeof *out);
    *at += sizeof *out + out->bytes;
    return true;
}

struct tally rolling_slot_values(const struct rolling_slots *v, size_t end,
                                 const struct rolling_slot *slot)
{
    const uint8_t *stop = v->packed + end, *at = stop - slot->bytes;
    struct tally t = {0};
    t.steps = mem_alloc(slot->bytes * sizeof *t.steps); /* a byte a step, at least */
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

/* Removes slots before number `first`. */
static void drop_before(struct rolling_slots *v, int64_t first)
{
    struct rolling_slot slot;
    size_t old = 0;
    for (size_t at = 0; rolling_slot_next(v, &at, &slot) && slot.number < first;)
        old = at;
    v->len -= (uint32_t)old;
    if (old > 0)
        memmove(v->packed, v->packed + old, v->len);
    if (v->number < first)
        tally_free(&v->open);
}

static struct tally *open_slot(struct rolling_slots *v, int64_t number)
{
    if (v->open.count > 0 && v->number >= number)
        return &v->open;
    if (v->open.count > 0)
        rolling_slot_end(v);
    v->number = (uint32_t)number;
    return &v->open;
}

/* ---- the set ---- */

int64_t rolling_slot_number(const struct rolling_set *l, size_t resolution)
{
    return l->now_ns / resolutions[resolution].ns;
}

static int64_t first_kept(const struct rolling_set *l, size_t resolution)
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
    for (size_t i = 0; i < r->n_delays * ROLLING_RESOLUTIONS; i++) {
        free(r->slots[i].packed);
        tally_free(&r->slots[i].open);
    }
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

static size_t slots_bytes(const struct rolling_slots *v)
{
    return 2 * ALLOCATION + v->len + v->open.room * sizeof *v->open.steps;
}

static size_t series_bytes(const struct rolling *r)
{
    size_t bytes = 2 * ALLOCATION + sizeof *r + strlen(r->key);
    for (size_t i = 0; i < r->n_delays * ROLLING_RESOLUTIONS; i++)
        bytes += sizeof *r->slots + slots_bytes(&r->slots[i]);
    return bytes;
}

size_t rolling_set_bytes(const struct rolling_set *l)
{
    size_t bytes = 0;
    for (size_t i = 0; i < l->n; i++)
        bytes += series_bytes(l->list[i]);
    return bytes;
}

static bool is_empty(const struct rolling *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_delays * ROLLING_RESOLUTIONS; i++)
        n += r->slots[i].len + r->slots[i].open.n;
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

bool rolling_set_now(struct rolling_set *l, struct mono now)
{
    int64_t hour = rolling_slot_number(l, ROLLING_HOURS);
    if (now.ns > l->at.ns)
        l->now_ns += now.ns - l->at.ns;
    l->at = now;
    l->changes++;
    int64_t first[] = {first_kept(l, ROLLING_MINUTES), first_kept(l, ROLLING_HOURS)};
    drop_all_before(l, first);
    while (rolling_set_bytes(l) > ROLLING_BYTES_MAX &&
           first[ROLLING_HOURS] < rolling_slot_number(l, ROLLING_HOURS)) {
        first[ROLLING_HOURS]++;
        drop_all_before(l, first);
    }
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
        tally_merge(open_slot(&r->slots[delay * ROLLING_RESOLUTIONS + k],
                              rolling_slot_number(l, k)),
                    values);
}

/* ---- the percentiles ---- */

struct sum {
    struct tally values;
    const struct rolling_slots *slots;
    int64_t oldest; /* number of the oldest slot in it; at first INT64_MAX */
};

static void add_slot(struct sum *s, int64_t number, const struct tally *values)
{
    tally_merge(&s->values, values);
    s->oldest = number < s->oldest ? number : s->oldest;
}

/* Adds slots from number `first` on, without those from `before` on. */
static void add_from(struct sum *s, int64_t first, int64_t before)
{
    const struct rolling_slots *v = s->slots;
    struct rolling_slot slot;
    for (size_t at = 0; rolling_slot_next(v, &at, &slot);) {
        if (slot.number < first || slot.number >= before)
            continue;
        struct tally values = rolling_slot_values(v, at, &slot);
        add_slot(s, slot.number, &values);
        tally_free(&values);
    }
    if (v->open.count > 0 && v->number >= first && v->number < before)
        add_slot(s, v->number, &v->open);
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
    uint64_t n = v->number >= first ? v->open.count : 0;
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
    uint64_t counts[PERIODS] = {count_from(slots, first_kept(l, ROLLING_MINUTES)),
                                count_from(slots + 1, day), 0};
    memset(out, 0, PERIODS * sizeof *out);
    if (due[PERIOD_HOUR])
        add_from(&minutes, first_kept(l, ROLLING_MINUTES), INT64_MAX);
    summarise(l, &minutes, ROLLING_MINUTES, &out[PERIOD_HOUR]);
    if (due[PERIOD_DAY])
        add_from(&hours, day, INT64_MAX);
    summarise(l, &hours, ROLLING_HOURS, &out[PERIOD_DAY]);
    if (due[PERIOD_3_DAYS]) {
        add_from(&hours, first_kept(l, ROLLING_HOURS), due[PERIOD_DAY] ? day : INT64_MAX);
        summarise(l, &hours, ROLLING_HOURS, &out[PERIOD_3_DAYS]);
    }
    tally_free(&minutes.values);
    tally_free(&hours.values);
    for (size_t p = PERIODS - 1; p > 0; p--)
        if (out[p].delay.count + out[p].delay.over <= counts[p - 1])
            memset(out[p].delay.supported, 0, sizeof out[p].delay.supported);
}
