/*
 * Which HTTP proxy a request takes, by the rules of curl: configuration, else
 * https_proxy, HTTPS_PROXY, all_proxy or ALL_PROXY of the environment, for plain HTTP
 * http_proxy in place of the first two, and no_proxy or NO_PROXY for the hosts that go
 * without. Only http:// proxies: TLS to the proxy itself
 * and SOCKS would be measured as if they were the target's.
 */
#ifndef EDGELAT_NET_HTTP_PROXY_H
#define EDGELAT_NET_HTTP_PROXY_H

#include "core/endpoint.h"
#include "core/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_proxy {
    char url[PROXY_TEXT_MAX]; /* as given, with user and password */
    char host[HOST_TEXT_MAX]; /* name or address */
    uint16_t port;            /* 1080 where none is given, as curl has it */
};

/*
 * `configured`: "" is by the environment, "none" is none, else a URL. Returns 1 with
 * `*out`, 0 when the request goes without, or -EINVAL with one clause in `why`.
 */
int http_proxy_for(struct http_proxy *out, const char *configured, bool tls,
                   const char *host, char *why, size_t why_size);

/* The URL with the address in place of the name, so that libcurl looks up none. */
void http_proxy_url(char out[PROXY_TEXT_MAX + ADDRESS_TEXT_MAX],
                    const struct http_proxy *proxy, const struct endpoint *at);

/*
 * Whether `host` is in `list`: names (also for all below them), addresses, networks
 * ("10.0.0.0/8"), separated by commas or spaces, or "*".
 */
bool http_proxy_exempt(const char *list, const char *host);

#endif
