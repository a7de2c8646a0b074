/*
 * Selects the HTTP proxy of a request by the rules of curl: the configuration; else
 * https_proxy, HTTPS_PROXY, all_proxy or ALL_PROXY of the environment (for plain HTTP,
 * http_proxy replaces the first two). no_proxy and NO_PROXY list the hosts that bypass
 * it. Only http:// proxies are supported: the delays of TLS to the proxy and of SOCKS
 * would be counted as those of the target.
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
    uint16_t port;            /* default 1080, as in curl */
};

/*
 * `configured`: NULL or "" (use the environment), "none", or a URL. Returns 1 and fills
 * `*out`; 0: no proxy; -EINVAL with one clause in `why`.
 */
int http_proxy_for(struct http_proxy *out, const char *configured, bool tls,
                   const char *host, char *why, size_t why_size);

/* Whether the target's requests go through a proxy, which may be a wrong one. */
bool http_proxy_used(const struct target *target);

/* The URL of the proxy with its address instead of its name, so that libcurl does not
 * resolve it. */
void http_proxy_url(char out[PROXY_TEXT_MAX + ADDRESS_TEXT_MAX],
                    const struct http_proxy *proxy, const struct endpoint *at);

/*
 * True if `list` contains `host`. Entries are names (which include all subdomains),
 * addresses, networks ("10.0.0.0/8"), or "*", separated by commas or spaces.
 */
bool http_proxy_exempt(const char *list, const char *host);

#endif
