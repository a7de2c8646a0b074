/*
 * Runs a libcurl multi handle on the loop: its sockets, its timer, its completed
 * transfers. Each transfer has an easy handle of its own. The multi handle keeps
 * connections open, so transfers that must not share connections need one multi handle
 * each.
 *
 * All libcurl calls are guarded (net/guard.h). The limits apply to the sum of all
 * transfers: a peer that exceeds one ends all connections of the handle.
 */
#ifndef EDGELAT_NET_CURL_MULTI_H
#define EDGELAT_NET_CURL_MULTI_H

#include "net/guard.h"

#include <curl/curl.h>
#include <openssl/ssl.h>
#include <uv.h>

struct multi;

/* `easy` has ended with `code` and is removed from the multi handle. The callback may
 * destroy the multi handle. `user` is the CURLOPT_PRIVATE of `easy`. */
typedef void multi_done_cb(CURL *easy, CURLcode code, void *user);

struct multi *multi_create(uv_loop_t *loop,
                           multi_done_cb *on_done); /* NULL: no descriptor left */

/* Connections made from now on use `context` (net/tls.h: tls_offer()), which stays the
 * caller's. NULL: contexts of their own. */
void multi_offer(struct multi *m, SSL_CTX *context);

/* No transfer, and no connection kept open. */
bool multi_is_empty(const struct multi *m);

/* Registers a socket that the transfers read from. It stays registered until
 * multi_close_socket(), a CURLOPT_CLOSESOCKETFUNCTION with `m` as its data. False: too
 * many sockets. */
bool multi_opened(struct multi *m, int fd);
int multi_close_socket(void *m, curl_socket_t fd);

/* The verdict on all transfers since the handle last had none. Valid while a transfer
 * runs, too. */
enum guard_verdict multi_verdict(const struct multi *m);

void multi_add(struct multi *m, CURL *easy);
void multi_remove(struct multi *m,
                  CURL *easy); /* not from inside a callback of libcurl */

/* Closes the connections kept open. All transfers must have been removed. NULL is fine.
 * */
void multi_destroy(struct multi *m);

#endif
