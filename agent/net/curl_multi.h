/*
 * libcurl's multi handle on the loop: its sockets, its timer, its ended transfers. Every
 * transfer of its own handle; connections are kept by the multi handle, so transfers that
 * must not share connections have one each. Its calls of libcurl are guarded
 * (net/guard.h), in sum: who holds one ends all connections of the handle.
 */
#ifndef EDGELAT_NET_CURL_MULTI_H
#define EDGELAT_NET_CURL_MULTI_H

#include "net/guard.h"

#include <curl/curl.h>
#include <uv.h>

struct multi;

/* `easy` has ended with `code` and is out of the multi handle. The multi may be destroyed
 * here. `user` is the CURLOPT_PRIVATE of the handle. */
typedef void multi_done_cb(CURL *easy, CURLcode code, void *user);

struct multi *multi_create(uv_loop_t *loop,
                           multi_done_cb *on_done); /* NULL: no descriptor */

/* A socket that its transfers read from, until multi_close_socket(), which is a
 * CURLOPT_CLOSESOCKETFUNCTION with `m` as its data. False: too many. */
bool multi_opened(struct multi *m, int fd);
int multi_close_socket(void *m, curl_socket_t fd);

/* Of the transfers since it had none, also while one runs. */
enum guard_verdict multi_verdict(const struct multi *m);

void multi_add(struct multi *m, CURL *easy);
void multi_remove(struct multi *m,
                  CURL *easy); /* not from inside a callback of libcurl */

/* Closes the connections that it keeps; every transfer has been removed. NULL is fine. */
void multi_destroy(struct multi *m);

#endif
