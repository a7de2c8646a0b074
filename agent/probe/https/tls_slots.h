/*
 * TLS handshakes one after the other: each costs this host some milliseconds of crypto,
 * which would stand in the `tls` of the others under way. Who asks gets a turn at once
 * when nobody has one; else when the turn before ends, and after TURN_WAIT_NS in any
 * case: a peer that is silent, or more handshakes than there is time for, holds up
 * nobody. The wait is part of no delay.
 */
#ifndef EDGELAT_PROBE_HTTPS_TLS_SLOTS_H
#define EDGELAT_PROBE_HTTPS_TLS_SLOTS_H

#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define TURN_WAIT_NS (50 * NS_PER_MS)

struct turns;

struct turn { /* of one exchange; { 0 } at first */
    struct turn *next;
    bool waits, has;
    struct mono since; /* it waits */
    void (*on_turn)(void *user);
    void *user;
};

struct turns *turns_create(uv_loop_t *loop);
void turns_destroy(struct turns *t); /* nobody waits or has a turn any more */

/* `on_turn` comes once, perhaps from inside this call, unless turn_end() comes first. */
void turn_ask(struct turns *t, struct turn *turn, void (*on_turn)(void *user),
              void *user);

/* The handshake is over, or will not be; fine at any time, also twice. The next one
 * begins on the next turn of the loop: what we do for it is in no delay of this one. */
void turn_end(struct turns *t, struct turn *turn);

#endif
