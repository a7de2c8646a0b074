/*
 * TLS handshakes one after the other: each costs this host some milliseconds of crypto,
 * which would stand in the `tls` of the others under way. Who asks gets a slot at once
 * when nobody has one; else when the slot before ends, and after TLS_SLOT_WAIT_NS in any
 * case: a peer that is silent, or more handshakes than there is time for, holds up
 * nobody. The wait is part of no delay.
 */
#ifndef EDGELAT_PROBE_HTTPS_TLS_SLOTS_H
#define EDGELAT_PROBE_HTTPS_TLS_SLOTS_H

#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define TLS_SLOT_WAIT_NS (50 * NS_PER_MS)

struct tls_slots;

struct tls_slot { /* of one exchange; { 0 } at first */
    struct tls_slot *next;
    bool waits, has;
    struct mono since; /* it waits */
    void (*on_granted)(void *user);
    void *user;
};

struct tls_slots *tls_slots_create(uv_loop_t *loop);
void tls_slots_destroy(struct tls_slots *t); /* nobody waits or has a slot any more */

/* `on_granted` comes once, perhaps from inside this call, unless tls_slot_release() comes first. */
void tls_slot_request(struct tls_slots *t, struct tls_slot *slot,
                      void (*on_granted)(void *user), void *user);

/* The handshake is over, or will not be; fine at any time, also twice. The next one
 * begins on the next slot of the loop: what we do for it is in no delay of this one. */
void tls_slot_release(struct tls_slots *t, struct tls_slot *slot);

#endif
