/*
 * What an ordinary user may send to one host by `edgelat probe`, whose file has a
 * capability that he has not: ALLOWANCE_PER_S probes a second, whatever the host is
 * called, over all hosts of the command line and all of his processes. Root may send
 * more.
 *
 * Each probe a second is a token: an abstract socket (unix(7)) whose name has the user,
 * the address and a number from 0 to ALLOWANCE_PER_S - 1. The kernel lets one process
 * have it and takes it back when that ends, however it ends; there is no file to remove
 * and none to wait for. Abstract names belong to a network namespace, as does what is
 * sent. Somebody else may occupy the names, and so keep this user from probing; he cannot
 * send more by that.
 */
#ifndef EDGELAT_CMD_ALLOWANCE_H
#define EDGELAT_CMD_ALLOWANCE_H

#include "base/text.h"
#include "core/endpoint.h"

enum { ALLOWANCE_PER_S = 5 };

/* Takes tokens for so many probes a second to the address, rounded up, until the process
 * ends; once for an address. False: one clause in `why`, with the next step. */
bool allowance_take(const struct endpoint *to, double per_second, struct text *why);

#endif
