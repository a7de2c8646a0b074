/*
 * The hosts that requests connect to, looked up on the loop and before libcurl has to:
 * its resolver is a thread, and when a request is over libcurl waits until that ends.
 * While no DNS server answers, which is half a minute by the usual resolv.conf, the loop
 * would stand still. What is found is kept as long as it holds; while no server answers,
 * what was known is used on. A name that DNS has not is left to libcurl, which asks the
 * system for it: there are others who know names, and they are near.
 *
 * Both families are asked at once (RFC 8305, 3): when one has answered with addresses the
 * other gets HTTP_HOST_DELAY_NS more, so that a name server that drops questions for AAAA
 * costs no more than that. Of several addresses the one that worked last comes first;
 * while none has, they are raced (race.h), the one that failed last begins last.
 */
#ifndef EDGELAT_NET_HTTP_DNS_H
#define EDGELAT_NET_HTTP_DNS_H

#include "core/endpoint.h"
#include "core/time.h"

#include <stdint.h>
#include <uv.h>

#define HTTP_HOST_DELAY_NS (50 * NS_PER_MS) /* RFC 8305, "Resolution Delay" */

struct http_hosts;
struct http_question;

/* `servers` as in net/resolver.h. Never NULL. */
struct http_hosts *http_hosts_create(uv_loop_t *loop, const char *servers);
void http_hosts_destroy(struct http_hosts *h); /* after its questions; NULL is fine */

/* `error`: NULL, or one clause: nothing is known of the host. Valid during the call.
 * `name_ns`: how long the name took, which is not the host's fault. */
typedef void http_host_cb(const char *error, int64_t name_ns, void *user);

/* NULL: there is nothing to ask. Else exactly one callback comes, later, unless it is
 * cancelled. A race takes `race_ns` at most; with no winner the order stays. */
struct http_question *http_hosts_ask(struct http_hosts *h, const char *host,
                                     uint16_t port, int64_t race_ns, http_host_cb *cb,
                                     void *user);
void http_question_cancel(struct http_question *q); /* NULL is fine */

/* What is known, as CURLOPT_RESOLVE has it; NULL: nothing. Valid until it is asked
 * again. */
const char *http_hosts_known(const struct http_hosts *h, const char *host, uint16_t port);

/* A request came through to `address`, or failed without a reply: then the name is asked
 * for anew and the addresses are raced. */
void http_hosts_worked(struct http_hosts *h, const char *host, uint16_t port,
                       const struct endpoint *address);
void http_hosts_failed(struct http_hosts *h, const char *host, uint16_t port);

#endif
