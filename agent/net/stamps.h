/*
 * The round trip from the kernel's stamps of the two packets, by the first basis that is
 * available:
 *
 * hardware  both stamps are by the clock of the interface, so neither the driver nor the
 *           interrupt is in them. An interface stamps in hardware only when its mode has
 *           been set (SIOCSHWTSTAMP by ptp4l, or hwstamp_ctl), which takes CAP_NET_ADMIN
 *           and is not our task: existing stamps are used.
 * software  both are by the wall clock, just before the driver and just after it. Beside
 *           a capture on the same interface the delay reads 5 to 13 us short: a capture
 *           stamps the request and then copies it before the driver gets it. The receive
 *           stamp is the capture's own, and without a capture the transmit stamp comes 4
 *           us after the packet was queued.
 * user      our own monotonic clock, around all of it.
 *
 * An inner basis can only be shorter, so each one is bounded by the next one. A wall clock
 * that was stepped between the two stamps violates the bound, and so do two interfaces
 * with different clocks; then the next basis is used. Pure.
 */
#ifndef EDGELAT_NET_STAMPS_H
#define EDGELAT_NET_STAMPS_H

#include "core/time.h"

#include <stdint.h>

struct stamps { /* of one packet; 0: none */
    int64_t software_ns, hardware_ns;
};

/* Takes the stamps that `more` has: those of one packet come one by one. */
void stamps_add(struct stamps *all, struct stamps more);

enum stamp_basis { BASIS_USER, BASIS_SOFTWARE, BASIS_HARDWARE };

/*
 * The delay by our own clock, from before the sending to the receiving. `received_ns` is the
 * software stamp of the reply: the time that the reply waited to be read is left out. 0:
 * there is none, or the wall clock was stepped meanwhile; then that time is in it. Take
 * `read_wall` before `read`: between the two this process may stand still, and the delay
 * must not come out shorter than it was.
 */
int64_t stamps_user_delay(struct mono sent, struct mono read, struct wall read_wall,
                          int64_t received_ns);

/* `user_ns`: by our own clock, from before the sending to after the receiving. */
int64_t stamps_delay(int64_t user_ns, struct stamps sent, struct stamps received,
                     enum stamp_basis *basis);

#endif
