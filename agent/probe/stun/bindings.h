/*
 * Table of the Binding requests that were sent: those under way, and for BINDING_KEEP_NS
 * those that are over, so that late and duplicate responses are recognised. Numbers count
 * up; the oldest are forgotten first. Pure.
 */
#ifndef EDGELAT_PROBE_STUN_BINDINGS_H
#define EDGELAT_PROBE_STUN_BINDINGS_H

#include "core/time.h"
#include "probe/stun/message.h"

#define BINDINGS_MAX    65536
#define BINDING_KEEP_NS (15 * NS_PER_S)

struct exchange;
struct stun_socket;

struct binding {
    struct stun_id id;
    struct endpoint to;
    uint32_t stream;
    struct stun_socket *socket;
    struct exchange *x; /* NULL: it is over */
    struct mono sent;
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
 * Adds one with 64 bits of chance in its id, which nobody off the path can guess; the
 * other 32 bits are its masked number. Forgets what is over and older than
 * BINDING_KEEP_NS. False: BINDINGS_MAX are under way.
 */
bool bindings_add(struct bindings *b, const struct binding *binding, uint64_t chance,
                  uint32_t *number);

/* NULL when it is forgotten. The pointer is valid until the next bindings_add(). */
struct binding *bindings_at(struct bindings *b, uint32_t number);

/* The request with this id, whoever answered; NULL: not ours. */
struct binding *bindings_find(struct bindings *b, const struct stun_id *id);

/* The last request to this address and port that is still under way, or NULL: a router
 * need not quote more than the UDP header (RFC 792). */
struct binding *bindings_last_to(struct bindings *b, const struct endpoint *to);

#endif
