/*
 * Sends batches to one collector by OTLP/HTTP: URL, header, certificates, proxy. One batch
 * at a time; the connection is kept open for the next one.
 */
#ifndef EDGELAT_SHIP_OTLP_CLIENT_H
#define EDGELAT_SHIP_OTLP_CLIENT_H

#include "config/config.h"
#include "net/http.h"
#include "ship/verdict.h"
#include "spool/spool.h"

struct otlp_client;

/* Never from inside otlp_client_send(); the client may be destroyed in it. */
typedef void otlp_client_done_cb(const struct verdict *v, void *user);

/* `http` and `collector` outlive it. */
struct otlp_client *otlp_client_create(struct http *http,
                                       const struct collector *collector);
void otlp_client_destroy(
    struct otlp_client *c); /* no callback after it returns; NULL is fine */

const char *
otlp_client_host(const struct otlp_client *c); /* for the log, with its port */

/*
 * Sends `batch`; the caller keeps its bytes until `on_done` came. Returns false when the
 * request cannot begin: `*cannot` says why, and no callback comes.
 */
bool otlp_client_send(struct otlp_client *c, const struct spooled *batch,
                      otlp_client_done_cb *on_done, void *user, struct verdict *cannot);

#endif
