#include "probe/icmp/echo_table.h"

#include "base/mem.h"

#include <stdlib.h>

#define ROOM_AT_FIRST 64

_Static_assert(ECHO_TABLE_MAX - 1 <= UINT16_MAX, "`back` reaches the oldest");

static struct sent_echo *slot(const struct echo_table *e, uint64_t number)
{
    return &e->ring[number % e->room];
}

static uint32_t *bucket(const struct echo_table *e, uint16_t id, uint16_t seq)
{
    uint32_t hash = ((uint32_t)id << 16 | seq) * 2654435769u; /* Knuth's */
    return &e->buckets[(hash >> 16) % e->room];
}

/* The newest number of a bucket; seldom one of another, when nothing was added to it for
 * 2^32 numbers: who follows it compares the echoes. */
static uint64_t newest(const struct echo_table *e, const uint32_t *bucket)
{
    uint32_t after = *bucket - (uint32_t)e->first;
    return after < e->next - e->first ? e->first + after : ECHO_NONE;
}

static uint64_t older(const struct echo_table *e, uint64_t number)
{
    uint32_t back = slot(e, number)->back;
    return back == 0 || number - back < e->first ? ECHO_NONE : number - back;
}

static void link_in(struct echo_table *e, uint64_t number)
{
    struct sent_echo *echo = slot(e, number);
    uint32_t *head = bucket(e, echo->id, echo->seq);
    uint64_t last = newest(e, head);
    echo->back = last < number ? (uint16_t)(number - last) : 0;
    *head = (uint32_t)number;
}

static void resize(struct echo_table *e, uint32_t room)
{
    struct echo_table larger = *e;
    larger.room = room;
    larger.ring = mem_alloc(room * sizeof *larger.ring);
    larger.buckets = mem_zalloc(room * sizeof *larger.buckets);
    for (uint64_t n = e->first; n != e->next; n++) {
        *slot(&larger, n) = *slot(e, n);
        link_in(&larger, n);
    }
    free(e->ring);
    free(e->buckets);
    e->ring = larger.ring;
    e->buckets = larger.buckets;
    e->room = room;
}

static void enlarge(struct echo_table *e)
{
    uint32_t room = e->room + e->room / 4;
    resize(e, room < ECHO_TABLE_MAX ? room : ECHO_TABLE_MAX);
}

struct echo_table echo_table_create(uint32_t tag)
{
    struct echo_table e = {.tag = tag};
    resize(&e, ROOM_AT_FIRST);
    return e;
}

void echo_table_free(struct echo_table *e)
{
    free(e->ring);
    free(e->buckets);
    *e = (struct echo_table){0};
}

uint64_t echo_table_add(struct echo_table *e, const struct sent_echo *echo,
                        struct mono now)
{
    uint32_t now_ms = (uint32_t)(now.ns / NS_PER_MS);
    while (e->first != e->next && slot(e, e->first)->x == NULL &&
           now_ms - slot(e, e->first)->added_ms > ECHO_KEEP_MS)
        e->first++;
    if (e->next - e->first == e->room) {
        if (e->room < ECHO_TABLE_MAX)
            enlarge(e);
        else if (slot(e, e->first)->x == NULL)
            e->first++;
        else
            return ECHO_NONE;
    }
    uint64_t number = e->next++;
    *slot(e, number) = *echo;
    slot(e, number)->added_ms = now_ms;
    link_in(e, number);
    return number;
}

struct sent_echo *echo_table_at(struct echo_table *e, uint64_t number)
{
    return number - e->first < e->next - e->first ? slot(e, number) : NULL;
}

static bool agrees(const struct echo_table *e, const struct sent_echo *sent,
                   const struct icmp_message *m, const uint32_t *to_hash)
{
    return sent->id == m->echo.id && sent->seq == m->echo.seq &&
           (!m->whole || (sent->nonce == m->echo.nonce && e->tag == m->echo.tag)) &&
           (to_hash == NULL || sent->to_hash == *to_hash);
}

/* `to_hash`: of where it was sent; NULL: anywhere. */
static uint64_t match(const struct echo_table *e, const struct icmp_message *m,
                      const uint32_t *to_hash)
{
    uint64_t number = newest(e, bucket(e, m->echo.id, m->echo.seq));
    while (number != ECHO_NONE && !agrees(e, slot(e, number), m, to_hash))
        number = older(e, number);
    return number;
}

uint64_t echo_table_match(struct echo_table *e, const struct icmp_message *m,
                          const struct endpoint *from)
{
    uint32_t to_hash = endpoint_hash(m->what == ICMP_IS_ERROR ? &m->quoted_to : from);
    return match(e, m, &to_hash);
}

uint64_t echo_table_match_anyone(struct echo_table *e, const struct icmp_message *m)
{
    return match(e, m, NULL);
}
