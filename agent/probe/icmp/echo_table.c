#include "probe/icmp/echo_table.h"

#include "base/mem.h"

#include <stdlib.h>

#define ROOM_AT_FIRST 64

static struct sent_echo *slot(const struct echo_table *e, uint64_t number)
{
    return &e->ring[number % e->room];
}

static uint64_t *bucket(const struct echo_table *e, const struct echo *echo)
{
    uint32_t hash = ((uint32_t)echo->id << 16 | echo->seq) * 2654435769u; /* Knuth's */
    return &e->buckets[(hash >> 16) % e->room];
}

static uint64_t older(const struct echo_table *e, uint64_t number)
{
    uint32_t back = slot(e, number)->back;
    return back == 0 || number - back < e->first ? ECHO_NONE : number - back;
}

static void link_in(struct echo_table *e, uint64_t number)
{
    uint64_t *head = bucket(e, &slot(e, number)->echo);
    bool any = *head != ECHO_NONE && *head >= e->first;
    slot(e, number)->back = any ? (uint32_t)(number - *head) : 0;
    *head = number;
}

static void resize(struct echo_table *e, uint32_t room)
{
    struct echo_table larger = *e;
    larger.room = room;
    larger.ring = mem_alloc(room * sizeof *larger.ring);
    larger.buckets = mem_alloc(room * sizeof *larger.buckets);
    for (uint32_t i = 0; i < room; i++)
        larger.buckets[i] = ECHO_NONE;
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

struct echo_table echo_table_create(void)
{
    struct echo_table e = {0};
    resize(&e, ROOM_AT_FIRST);
    return e;
}

void echo_table_free(struct echo_table *e)
{
    free(e->ring);
    free(e->buckets);
    *e = (struct echo_table){0};
}

uint64_t echo_table_add(struct echo_table *e, const struct sent_echo *echo)
{
    while (e->first != e->next && slot(e, e->first)->x == NULL &&
           slot(e, e->first)->sent.ns < echo->sent.ns - ECHO_KEEP_NS)
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
    link_in(e, number);
    return number;
}

struct sent_echo *echo_table_at(struct echo_table *e, uint64_t number)
{
    return number - e->first < e->next - e->first ? slot(e, number) : NULL;
}

static bool agrees(const struct sent_echo *sent, const struct icmp_message *m,
                   const struct endpoint *to)
{
    return sent->echo.id == m->echo.id && sent->echo.seq == m->echo.seq &&
           (!m->whole ||
            (sent->echo.nonce == m->echo.nonce && sent->echo.tag == m->echo.tag)) &&
           (to == NULL || endpoint_same_address(&sent->to, to));
}

/* `to`: where it was sent; NULL: anywhere. */
static uint64_t match(const struct echo_table *e, const struct icmp_message *m,
                      const struct endpoint *to)
{
    uint64_t number = *bucket(e, &m->echo);
    if (number < e->first)
        return ECHO_NONE;
    while (number != ECHO_NONE && !agrees(slot(e, number), m, to))
        number = older(e, number);
    return number;
}

uint64_t echo_table_match(struct echo_table *e, const struct icmp_message *m,
                          const struct endpoint *from)
{
    return match(e, m, m->what == ICMP_IS_ERROR ? &m->quoted_to : from);
}

uint64_t echo_table_match_anyone(struct echo_table *e, const struct icmp_message *m)
{
    return match(e, m, NULL);
}
