/*
 * The file: magic, wall time, time of the set, number of series; for each series the
 * length of its key, the key, the number of delays, and for each delay and resolution the
 * number of slots; for each slot its number, the number of steps, and the steps as key
 * and count. The checksum of all that ends it. Integers are in network byte order.
 */
#include "core/rolling_state.h"

#include "base/mem.h"
#include "base/wire.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC          UINT64_C(0x6564676574616c31) /* "edgetal1" */
#define CHECKSUM       8
#define CHECKSUM_BASIS UINT64_C(0xcbf29ce484222325)
#define PIECE_BYTES    (12 << 10) /* with the last slot mostly below 16 kB */
#define STEP_BYTES     4
#define HEAD_BYTES     28
#define SERIES_BYTES   3 /* at least */

static uint64_t add_checksum(uint64_t sum, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = (sum ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    return sum;
}

uint64_t rolling_checksum(const void *bytes, size_t len)
{
    return add_checksum(CHECKSUM_BASIS, bytes, len);
}

/* ---- save ---- */

struct rolling_saver {
    const struct rolling_set *set;
    uint64_t changes; /* of the set, when this began */
    struct wall wall;
    bool begun, ended;
    /* Comes next: the slot at `at` of these slots of this series. */
    size_t series, slots, at;
    uint64_t checksum; /* of the pieces before this one */
    uint8_t *bytes;
    size_t len, room;
};

struct rolling_saver *rolling_saver_create(const struct rolling_set *l, struct wall wall)
{
    struct rolling_saver *s = mem_zalloc(sizeof *s);
    s->set = l;
    s->changes = l->changes;
    s->wall = wall;
    s->checksum = CHECKSUM_BASIS;
    return s;
}

void rolling_saver_destroy(struct rolling_saver *s)
{
    if (s == NULL)
        return;
    free(s->bytes);
    free(s);
}

/* The next `n` bytes of the piece. */
static struct wire_out put(struct rolling_saver *s, size_t n)
{
    s->bytes = mem_grow(s->bytes, &s->room, s->len + n, 1);
    s->len += n;
    return wire_to(s->bytes + s->len - n, n);
}

static void put_slot(struct rolling_saver *s, uint32_t number, const struct tally *t)
{
    struct wire_out w = put(s, 12 + t->n * STEP_BYTES);
    wire_put_u64(&w, number);
    wire_put_u32(&w, t->n);
    for (size_t k = 0; k < t->n; k++) {
        wire_put_u16(&w, t->steps[k].key);
        wire_put_u16(&w, t->steps[k].count);
    }
}

static void put_key(struct rolling_saver *s, const struct rolling *r)
{
    size_t key = strlen(r->key);
    struct wire_out w = put(s, 3 + key);
    wire_put_u16(&w, (uint16_t)key);
    wire_put(&w, r->key, key);
    wire_put_u8(&w, (uint8_t)r->n_delays);
}

static void put_number_of_slots(struct rolling_saver *s, const struct rolling_slots *v)
{
    struct rolling_slot slot;
    size_t n = 0;
    for (size_t at = 0; rolling_slot_next(v, &at, &slot);)
        n++;
    struct wire_out w = put(s, 1);
    wire_put_u8(&w, (uint8_t)n);
}

/* One slot at most. */
static void put_next(struct rolling_saver *s)
{
    const struct rolling *r = s->set->list[s->series];
    size_t n = r->n_delays * ROLLING_RESOLUTIONS;
    if (s->slots == 0 && s->at == 0)
        put_key(s, r);
    if (s->slots < n) {
        const struct rolling_slots *v = &r->slots[s->slots];
        struct rolling_slot slot;
        if (s->at == 0)
            put_number_of_slots(s, v);
        if (rolling_slot_next(v, &s->at, &slot)) {
            struct tally values = rolling_slot_values(v, s->at, &slot);
            put_slot(s, slot.number, &values);
            tally_free(&values);
        }
        if (s->at < v->len)
            return;
        s->at = 0;
        s->slots++;
    }
    if (s->slots == n) {
        s->slots = 0;
        s->series++;
    }
}

enum rolling_saved rolling_saver_next(struct rolling_saver *s, const void **bytes,
                                      size_t *len)
{
    const struct rolling_set *l = s->set;
    if (s->ended)
        return ROLLING_SAVED;
    if (s->changes != l->changes)
        return ROLLING_CHANGED;
    s->len = 0;
    if (!s->begun) {
        struct wire_out w = put(s, HEAD_BYTES);
        wire_put_u64(&w, MAGIC);
        wire_put_u64(&w, (uint64_t)s->wall.ns);
        wire_put_u64(&w, (uint64_t)l->now_ns);
        wire_put_u32(&w, (uint32_t)l->n);
        s->begun = true;
    }
    while (s->len < PIECE_BYTES && s->series < l->n)
        put_next(s);
    s->checksum = add_checksum(s->checksum, s->bytes, s->len);
    s->ended = s->series == l->n;
    if (s->ended) {
        struct wire_out w = put(s, CHECKSUM);
        wire_put_u64(&w, s->checksum);
    }
    *bytes = s->bytes;
    *len = s->len;
    return ROLLING_PIECE;
}

/* ---- load ---- */

struct rolling_source {
    rolling_read_cb *read;
    void *user;
    size_t left; /* of the content, after `w` */
    uint64_t checksum;
    struct wire w; /* of `bytes` */
    uint8_t bytes[16 << 10];
};

static size_t left_of(const struct rolling_source *s)
{
    return s->left + s->w.left;
}

/* The next `n` bytes are in `w`, if there are as many. */
static void need(struct rolling_source *s, size_t n)
{
    if (s->w.left >= n || s->left == 0)
        return;
    size_t have = s->w.left;
    memmove(s->bytes, s->w.at, have);
    while (have < sizeof s->bytes && s->left > 0) {
        size_t room = sizeof s->bytes - have;
        size_t got = s->read(s->user, s->bytes + have, room < s->left ? room : s->left);
        s->checksum = add_checksum(s->checksum, s->bytes + have, got);
        s->left = got > 0 ? s->left - got : 0;
        have += got;
    }
    s->w = wire_from(s->bytes, have);
}

static bool take_tally(struct rolling_source *s, struct tally *t)
{
    need(s, 4);
    uint32_t n = wire_u32(&s->w);
    if (n == 0 || n > left_of(s) / STEP_BYTES)
        return false;
    t->steps = mem_alloc(n * sizeof *t->steps);
    t->room = n;
    for (; t->n < n; t->n++) {
        need(s, STEP_BYTES);
        struct tally_step step = {.key = wire_u16(&s->w)};
        step.count = wire_u16(&s->w);
        if (step.key > TALLY_KEY_MAX || step.count == 0 ||
            (t->n > 0 && step.key < t->steps[t->n - 1].key))
            return false;
        t->steps[t->n] = step;
        t->count += step.count;
    }
    return true;
}

/* Slots are in order and none is newer than `newest`. Those before `first` are too old. */
static bool take_slots(struct rolling_source *s, struct rolling_slots *v, int64_t first,
                       int64_t newest)
{
    need(s, 1);
    int64_t before = -1;
    bool good = true;
    for (size_t n = wire_u8(&s->w); good && n > 0; n--) {
        need(s, 8);
        int64_t number = (int64_t)wire_u64(&s->w);
        struct tally values = {0};
        good = wire_ok(&s->w) && number > before && number <= newest &&
               take_tally(s, &values);
        if (good && number >= first)
            rolling_slot_append(v, (uint32_t)number, &values);
        tally_free(&values);
        before = number;
    }
    return good;
}

/* `*bytes` is added to what it takes. */
static bool take_series(struct rolling_set *l, struct rolling_source *s, size_t *bytes)
{
    char key[ROLLING_KEY_MAX];
    need(s, SERIES_BYTES + sizeof key);
    size_t len = wire_u16(&s->w);
    if (len >= sizeof key)
        return false;
    wire_copy(&s->w, key, len);
    key[len] = '\0';
    size_t n_delays = wire_u8(&s->w), before = l->n;
    bool ordered = before == 0 || strcmp(l->list[before - 1]->key, key) < 0;
    if (!wire_ok(&s->w) || strlen(key) != len || !ordered)
        return false;
    struct rolling *r = rolling_claim(l, key, n_delays);
    rolling_release(r);
    for (size_t k = 0; r != NULL && k < n_delays * ROLLING_RESOLUTIONS; k++)
        if (!take_slots(s, &r->slots[k], rolling_slot_first(l, k % ROLLING_RESOLUTIONS),
                        rolling_slot_number(l, k % ROLLING_RESOLUTIONS)))
            return false;
    *bytes += r != NULL ? rolling_bytes(r) : 0;
    return r != NULL;
}

static bool take_all(struct rolling_set *l, struct wall wall, struct rolling_source *s)
{
    need(s, HEAD_BYTES);
    bool ours = wire_u64(&s->w) == MAGIC;
    uint64_t saved = wire_u64(&s->w), now = wire_u64(&s->w);
    uint32_t n = wire_u32(&s->w);
    if (!wire_ok(&s->w) || !ours || saved > INT64_MAX || now > INT64_MAX / 2 ||
        n > ROLLING_SERIES_MAX || n > left_of(s) / SERIES_BYTES)
        return false;
    l->now_ns = (int64_t)now;
    int64_t passed = wall.ns - (int64_t)saved;
    if (passed > 0 && passed < INT64_MAX / 2 - l->now_ns)
        l->now_ns += passed;
    size_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!take_series(l, s, &bytes))
            return false;
        if (bytes > ROLLING_BYTES_MAX / 4) { /* the file may be of a larger set */
            rolling_set_fit(l);
            bytes = 0;
        }
    }
    return wire_ok(&s->w) && left_of(s) == 0;
}

static bool take_checksum(struct rolling_source *s)
{
    uint64_t checksum = s->checksum;
    s->left = CHECKSUM;
    need(s, CHECKSUM);
    return wire_u64(&s->w) == checksum && wire_ok(&s->w);
}

bool rolling_load(struct rolling_set *l, struct wall wall, size_t len,
                  rolling_read_cb *read, void *user)
{
    if (len < CHECKSUM || len > ROLLING_FILE_MAX)
        return false;
    struct rolling_source s = {
        .read = read, .user = user, .left = len - CHECKSUM, .checksum = CHECKSUM_BASIS};
    s.w = wire_from(s.bytes, 0);
    if (take_all(l, wall, &s) && take_checksum(&s)) {
        rolling_set_now(l, l->at);
        return true;
    }
    rolling_set_clear(l);
    l->now_ns = 0;
    return false;
}
