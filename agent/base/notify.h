/*
 * Tells the service manager how we are: the protocol of sd_notify(3), which is one
 * datagram of VARIABLE=VALUE lines, without libsystemd. Where NOTIFY_SOCKET is absent
 * nobody asked, and nothing is sent.
 */
#ifndef EDGELAT_BASE_NOTIFY_H
#define EDGELAT_BASE_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

bool notify_wanted(void);

/* Never blocks. Returns 0, also when nobody asked; else -errno (-EAGAIN: a manager that
 * does not read). */
__attribute__((format(printf, 1, 2))) int notify_send(const char *format, ...);

/* WATCHDOG_USEC in ns, when this process is the one that is watched; else 0. Send
 * WATCHDOG=1 at half of it, from the loop: one that hangs then is noticed. */
int64_t notify_watchdog_ns(void);

#endif
