/*
 * One collector: how a batch gets there (URL, header, certificates, proxy), and what came
 * of it. One batch at a time; its connection is kept open for the next.
 */
#ifndef EDGELAT_SHIP_OTLP_CLIENT_H
#define EDGELAT_SHIP_OTLP_CLIENT_H

#include "config/config.h"
#include "net/http.h"
#include "ship/verdict.h"
#include "spool/spool.h"

struct courier;

/* Never from inside courier_send(); the courier may be destroyed in it. */
typedef void courier_done_cb(const struct verdict *v, void *user);

/* `http` and `collector` outlive it. */
struct courier *courier_create(struct http *http, const struct collector *collector);
void courier_destroy(struct courier *c); /* no callback after it returns; NULL is fine */

const char *courier_host(const struct courier *c); /* for the log, with its port */

/*
 * Sends `batch`, whose bytes stay the caller's until `on_done` came. Returns false when
 * it cannot begin: `*cannot` says why, and no callback comes.
 */
bool courier_send(struct courier *c, const struct spooled *batch,
                  courier_done_cb *on_done, void *user, struct verdict *cannot);

#endif
