/*
 * Reports the state of the agent to the service manager: the protocol of sd_notify(3)
 * (one datagram of VARIABLE=VALUE lines) without libsystemd. Sends nothing when
 * NOTIFY_SOCKET is not set.
 */
#ifndef EDGELAT_BASE_NOTIFY_H
#define EDGELAT_BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

bool notify_wanted(void);

/* Never blocks. Returns 0, also without NOTIFY_SOCKET; else -errno (-EAGAIN: the manager
 * does not read). */
__attribute__((format(printf, 1, 2))) int notify_send(const char *format, ...);

/* WATCHDOG_USEC in ns if the watchdog is set for this process, else 0. Send WATCHDOG=1
 * at half of that interval from the loop, so that a blocked loop is detected. */
int64_t notify_watchdog_ns(void);

#endif
