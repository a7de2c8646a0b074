/*
 * Runs TLS handshakes one at a time: each costs milliseconds of local CPU, which would
 * inflate the `tls` delay of others in flight. A slot is granted at once when free, or when
 * the slot before is released, and after TLS_SLOT_WAIT_NS in any case (10 ms after the one
 * before), so that a silent peer blocks nobody. The wait is part of no delay.
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
    struct mono since; /* when it began to wait */
    void (*on_granted)(void *user);
    void *user;
};

struct tls_slots *tls_slots_create(uv_loop_t *loop);
void tls_slots_destroy(
    struct tls_slots *t); /* no slot is granted or requested any more */

/* `on_granted` comes once, perhaps from inside this call, unless tls_slot_release() comes
 * first. */
void tls_slot_request(struct tls_slots *t, struct tls_slot *slot,
                      void (*on_granted)(void *user), void *user);

/* The handshake is over or given up; may be called at any time, also twice. The next one
 * begins on the next turn of the loop, so its work is in no delay of this one. */
void tls_slot_release(struct tls_slots *t, struct tls_slot *slot);

#endif
