/*
 * Resolves the hosts of requests on the loop, before libcurl needs them. libcurl's
 * resolver is a thread, and at the end of a request libcurl waits for that thread: while
 * no DNS server answers (half a minute with the usual resolv.conf) the loop would block.
 * Addresses are kept for their TTL, and reused while no server answers. A name that DNS
 * does not have is left to libcurl, which uses the system's resolver: local sources
 * (mDNS, NSS modules) may know it, and they answer fast.
 *
 * Both families are queried at once (RFC 8305, section 3). When one has answered with
 * addresses, the other gets HTTP_HOST_DELAY_NS more, so a name server that drops AAAA
 * queries costs no more than that. Of several addresses, the one that last worked is
 * tried first. Until one has worked, connection attempts are raced (race.h), and the
 * address that failed last is tried last.
 */
#ifndef EDGELAT_NET_HTTP_DNS_H
#define EDGELAT_NET_HTTP_DNS_H

#include "core/endpoint.h"
#include "core/time.h"
#include "core/uplink.h"

#include <stdint.h>
#include <uv.h>

#define HTTP_HOST_DELAY_NS (50 * NS_PER_MS) /* RFC 8305, "Resolution Delay" */

struct http_hosts;
struct http_question;

/* `servers`: as in net/resolver.h. With an uplink, which outlives it, the connections are
 * raced over it, and it carries the queries if servers are given. Never returns NULL. */
struct http_hosts *http_hosts_create(uv_loop_t *loop, const char *servers,
                                     const struct uplink *uplink);
/* Call it after the last question has ended. NULL is fine. */
void http_hosts_destroy(struct http_hosts *h);

/* `error`: NULL, or one clause when no address of the host is known; valid during the
 * call. `name_ns`: duration of name resolution, which is not charged to the host. */
typedef void http_host_cb(const char *error, int64_t name_ns, void *user);

/* Returns NULL when nothing needs to be resolved. Otherwise `cb` is called exactly once,
 * later, unless cancelled. A race takes at most `race_ns`; without a winner the order
 * stays the same. */
struct http_question *http_hosts_ask(struct http_hosts *h, const char *host,
                                     uint16_t port, int64_t race_ns, http_host_cb *cb,
                                     void *user);
void http_question_cancel(struct http_question *q); /* NULL is fine */

/* The known addresses in the format of CURLOPT_RESOLVE; NULL: none. Valid until the next
 * call. */
const char *http_hosts_known(struct http_hosts *h, const char *host, uint16_t port);

/* A request reached `address`, or failed without a reply. After a failure, the name is
 * resolved again and the addresses are raced. */
void http_hosts_worked(struct http_hosts *h, const char *host, uint16_t port,
                       const struct endpoint *address);
void http_hosts_failed(struct http_hosts *h, const char *host, uint16_t port);

#endif
