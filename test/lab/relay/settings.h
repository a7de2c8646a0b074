/*
 * The KEY=VALUE words of `path` and `at`. A delay, jitter or probability is what a ping
 * sees of the whole way there and back; KEY.up and KEY.down are of one direction.
 *
 *   delay=9ms jitter=1ms        jitter is on top: half-normal, each way with half of it
 *   loss=1% duplicate=1%
 *   burst=70%                   a packet after a lost one is lost with this probability
 *   reorder=1% held=20ms        holds a packet back, so that later ones overtake it
 *   rate=10Mbit queue=64kB      of each direction; what finds the queue full is dropped
 *   via=ID,ID@3ms,*             routers on the way; their RTT is a share of `delay`, or
 * as said; "*" keeps silent icmp=off blackhole=on       drops ICMP, drops everything
 *   reject=host|admin|no        the last router answers with an ICMP error
 *   middlebox=2ms|off           something at 2 ms answers SYNs; nobody is behind it
 */
#ifndef LAB_RELAY_SETTINGS_H
#define LAB_RELAY_SETTINGS_H

#include "scenario.h"

/* NULL, or a sentence on the first word that is wrong, valid until the next call. */
const char *settings_apply(struct rules *out, const struct scenario *s,
                           const char *settings);

/* "9ms", "0", at most a day. */
bool settings_duration(int64_t *out, const char *text);

#endif
