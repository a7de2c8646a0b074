/*
 * Keeps the connection to a validator that speaks the RPKI to Router protocol (rtr.h) over
 * TCP, in the agent's loop. It asks for changes at the interval that the validator names and
 * when it notifies, and drops data that is older than the validator allows. After a failure
 * it connects again with back-off (core/backoff.h) between RTR_CLIENT_LEAST_NS and
 * RTR_CLIENT_MOST_NS; after a failed query not before the Retry Interval of the validator.
 * Failures are logged once in a row; rtr_client_validator() has the last one.
 */
#ifndef EDGELAT_ROUTE_RTR_CLIENT_H
#define EDGELAT_ROUTE_RTR_CLIENT_H

#include "core/time.h"
#include "route/rtr.h"

#include <uv.h>

#define RTR_CLIENT_LEAST_NS (5 * NS_PER_S)
#define RTR_CLIENT_MOST_NS  (600 * NS_PER_S)
#define RTR_CLIENT_STALL_NS (60 * NS_PER_S) /* without a PDU while one is expected */

struct rtr_client;

/* `to`: ADDRESS:PORT, valid. `on_change`: the VRPs have changed. Never NULL. */
struct rtr_client *rtr_client_create(uv_loop_t *loop, const char *to,
                                     const struct watch *watch,
                                     void (*on_change)(void *user), void *user);
void rtr_client_destroy(struct rtr_client *c); /* NULL is fine; frees it later */

/* Valid until rtr_client_destroy(). */
const struct validator *rtr_client_validator(const struct rtr_client *c);

#endif
