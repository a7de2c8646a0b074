/*
 * Table of the Binding requests that were sent: those under way, and for BINDING_KEEP_MS
 * those that are over, so that late and duplicate responses are recognised. Numbers count
 * up; the oldest are forgotten first. Pure.
 */
#ifndef EDGELAT_PROBE_STUN_BINDINGS_H
#define EDGELAT_PROBE_STUN_BINDINGS_H

#include "core/time.h"
#include "probe/stun/message.h"

#define BINDINGS_MAX    65536
#define BINDING_KEEP_MS 15000

struct exchange;
struct stun_socket;

/* Small, as there are 15 s of them: the exchange knows the rest while it is under way. */
struct binding {
    uint64_t chance; /* of its id */
    struct stun_socket *socket;
    struct exchange *x; /* NULL: it is over */
    uint32_t to_hash;   /* endpoint_hash() */
    uint32_t stream;
    uint32_t sent_ms; /* low bits */
    uint16_t to_port;
    bool answered;
};

struct bindings { /* start with bindings_create() */
    struct binding *ring;
    uint32_t room;
    uint64_t first, next; /* numbers from `first` to `next` - 1 are in use */
    uint32_t mask;        /* random */
};

struct bindings bindings_create(uint32_t mask);
void bindings_free(struct bindings *b);

/*
 * Adds one to `to`. Its id has the 64 bits of chance, which nobody off the path can
 * guess; the other 32 bits are its masked number. Forgets what is over and older than
 * BINDING_KEEP_MS. False: BINDINGS_MAX are under way.
 */
bool bindings_add(struct bindings *b, const struct binding *binding,
                  const struct endpoint *to, struct mono now, uint32_t *number);

/* NULL when it is forgotten. The pointer is valid until the next bindings_add(). */
struct binding *bindings_at(struct bindings *b, uint32_t number);

/* The id of a request in the table. */
struct stun_id bindings_id(struct bindings *b, uint32_t number);

/* Whether it went to this address and port. */
bool binding_is_to(const struct binding *b, const struct endpoint *to);

/* The request with this id, whoever answered; NULL: not ours. */
struct binding *bindings_find(struct bindings *b, const struct stun_id *id);

/* The last request to this address and port that is still under way, or NULL: a router
 * need not quote more than the UDP header (RFC 792). */
struct binding *bindings_last_to(struct bindings *b, const struct endpoint *to);

#endif
