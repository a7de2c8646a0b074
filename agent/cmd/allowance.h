/*
 * Limits the rate at which an ordinary user can probe one host with `edgelat probe`, whose
 * file has a capability that the user lacks: ALLOWANCE_PER_S probes a second per address,
 * over all host names of the command line and all processes of the user. Root may send
 * more.
 *
 * Each probe per second needs a token: an abstract socket (unix(7)) named after the user,
 * the address and a number from 0 to ALLOWANCE_PER_S - 1. Only one process can bind it, and
 * the kernel releases it when that process ends for any reason; there are no stale files.
 * Abstract names belong to a network namespace, as the probes do. Another user can occupy
 * the names and so prevent this user from probing, but gains no extra rate.
 */
#ifndef EDGELAT_CMD_ALLOWANCE_H
#define EDGELAT_CMD_ALLOWANCE_H

#include "base/text.h"
#include "core/endpoint.h"

enum { ALLOWANCE_PER_S = 5 };

/* Takes tokens for `per_second` probes a second (rounded up) to the address, until the
 * process ends. Call it once per address. False: `why` has one clause with the next step. */
bool allowance_take(const struct endpoint *to, double per_second, struct text *why);

#endif
