/*
 * Table of the echo requests that were sent: those under way, and for ECHO_KEEP_MS those
 * that are over, so that late and duplicate replies are recognised. Numbers count up; the
 * oldest are forgotten first. Pure.
 */
#ifndef EDGELAT_PROBE_ICMP_ECHO_TABLE_H
#define EDGELAT_PROBE_ICMP_ECHO_TABLE_H

#include "core/endpoint.h"
#include "core/time.h"
#include "probe/icmp/message.h"

#include <stdbool.h>
#include <stdint.h>

#define ECHO_TABLE_MAX 65536
#define ECHO_NONE      UINT64_MAX
#define ECHO_KEEP_MS   15000

struct exchange;

/* Small, as there are 15 s of them: the exchange knows the rest while it is under way. */
struct sent_echo {
    uint64_t nonce;
    struct exchange *x; /* NULL: it is over */
    uint32_t to_hash;   /* endpoint_hash() */
    uint32_t stream;
    uint32_t added_ms; /* low bits */
    uint16_t id, seq;
    uint16_t back; /* so many numbers to the next older one of the bucket; 0: none */
    bool answered;
};

struct echo_table { /* start with echo_table_create() */
    struct sent_echo *ring;
    uint32_t *buckets; /* as many; low bits of the newest number, perhaps forgotten */
    uint32_t room;
    uint32_t tag;         /* of all echoes */
    uint64_t first, next; /* numbers from `first` to `next` - 1 are in use */
};

struct echo_table echo_table_create(uint32_t tag);
void echo_table_free(struct echo_table *e);

/*
 * Adds one and returns its number, or ECHO_NONE when ECHO_TABLE_MAX are under way. Forgets
 * echoes that are over and older than ECHO_KEEP_MS. Sets its `added_ms`.
 */
uint64_t echo_table_add(struct echo_table *e, const struct sent_echo *echo,
                        struct mono now);

/* NULL when it is forgotten. The pointer is valid until the next echo_table_add(). */
struct sent_echo *echo_table_at(struct echo_table *e, uint64_t number);

/* The echo that `m` from `from` answers or quotes: all known fields must agree. ECHO_NONE:
 * not ours. */
uint64_t echo_table_match(struct echo_table *e, const struct icmp_message *m,
                          const struct endpoint *from);

/* The same for a reply, whoever sent it. */
uint64_t echo_table_match_anyone(struct echo_table *e, const struct icmp_message *m);

#endif
