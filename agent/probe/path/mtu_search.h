/*
 * Pure: which packet sizes to try, to find the path MTU of a path (RFC 8899, packetization
 * layer path MTU discovery: it believes in answers of the target, not in ICMP alone), and
 * whether larger packets vanish without a message: a black hole (RFC 2923).
 *
 * The search goes in rounds: some packets of one size. Sizes are those of IP packets. First
 * 1200 bytes (IPv6: 1280), or MTU_LEAST if these do not pass, then MTU_MOST; if that one does
 * not pass, the MTU that a router reports, else the usual ones by bisection, then each byte. One answer shows that a size passes. Silence may be
 * loss: a boundary counts only after MTU_CONFIRM packets above it were silent again and
 * all of five at it were answered, or twice more than half of them; else it cannot tell.
 * With half of all packets lost, one path in 5000 gets a limit that it does not have.
 *
 * At most MTU_PACKETS packets; 4 on a path without a limit.
 */
#ifndef EDGELAT_PROBE_PATH_MTU_SEARCH_H
#define EDGELAT_PROBE_PATH_MTU_SEARCH_H

#include "base/text.h"
#include "core/endpoint.h"
#include "core/path_mtu.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    MTU_LEAST = 68,
    MTU_MOST = 1500,
    MTU_TRIES = 3,
    MTU_CONFIRM = 5,
    MTU_PACKETS = 100
};

enum mtu_verdict {
    MTU_UNKNOWN,   /* the search is not over, or was given up */
    MTU_FOUND,     /* `mtu` passes, more does not */
    MTU_UNLIMITED, /* MTU_MOST passes */
    MTU_SILENT,    /* the target does not answer, not even to small packets */
    MTU_LOSSY,     /* cannot tell: packets of all sizes get lost */
};

struct mtu_round { /* what became of one */
    uint8_t sent, answered;
    bool local;         /* this host refused the size */
    uint16_t reported;  /* by a router, 0: nothing */
    struct endpoint by; /* that router */
};

struct mtu_search {
    enum mtu_verdict verdict;
    enum mtu_limit limit;
    uint16_t mtu;       /* the largest size that passed; 0: none */
    struct endpoint by; /* of MTU_LIMIT_REPORTED */
    unsigned packets;

    /* private */
    enum {
        MTU_STEP_BASE,
        MTU_STEP_LEAST,
        MTU_STEP_TOP,
        MTU_STEP_SEARCH,
        MTU_STEP_ABOVE,
        MTU_STEP_AT
    } step;
    uint16_t base, most;
    uint16_t above; /* the least size that did not pass */
    uint16_t reported;
    enum mtu_limit why; /* `above` did not pass */
    uint8_t tries, restarts;
    bool confirmed; /* once, with losses */
};

/* `most`: the largest size to try, at most MTU_MOST. */
void mtu_search_begin(struct mtu_search *s, enum family family, uint16_t most);

/* The next round, which may end early after `*enough` answers; false: the search is over. */
bool mtu_search_next(const struct mtu_search *s, uint16_t *size, uint8_t *packets,
                     uint8_t *enough);
void mtu_search_add(struct mtu_search *s, const struct mtu_round *round);
void mtu_search_give_up(struct mtu_search *s); /* the result is MTU_UNKNOWN */

/* Of the result: what passes, what stops larger packets, and what to do. */
void mtu_sentence(struct text *out, const struct mtu_search *s, enum family family);

#endif
