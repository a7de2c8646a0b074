/*
 * The hosts that requests connect to, looked up on the loop and before libcurl has to:
 * its resolver is a thread, and when a request is over libcurl waits until that ends.
 * While no DNS server answers, which is half a minute by the usual resolv.conf, the loop
 * would stand still. What is found is kept as long as it holds; while no server answers,
 * what was known is used on. A name that DNS has not is left to libcurl, which asks the
 * system for it: there are others who know names, and they are near.
 */
#ifndef EDGELAT_NET_HTTP_HOST_H
#define EDGELAT_NET_HTTP_HOST_H

#include <stdint.h>
#include <uv.h>

struct http_hosts;
struct http_question;

/* `servers` as in net/resolver.h. Never NULL. */
struct http_hosts *http_hosts_create(uv_loop_t *loop, const char *servers);
void http_hosts_destroy(struct http_hosts *h); /* after its questions; NULL is fine */

/* `error`: NULL, or one clause: nothing is known of the host. Valid during the call. */
typedef void http_host_cb(const char *error, void *user);

/* NULL: there is nothing to ask. Else exactly one callback comes, later, unless it is
 * cancelled. */
struct http_question *http_hosts_ask(struct http_hosts *h, const char *host,
                                     uint16_t port, http_host_cb *cb, void *user);
void http_question_cancel(struct http_question *q); /* NULL is fine */

/* What is known, as CURLOPT_RESOLVE has it; NULL: nothing. Valid until it is asked
 * again. */
const char *http_hosts_known(const struct http_hosts *h, const char *host, uint16_t port);

/* It could not be reached there: it is asked for anew. */
void http_hosts_doubt(struct http_hosts *h, const char *host, uint16_t port);

#endif
