#include "net/http_proxy.h"

#include "base/intern.h"
#include "base/text.h"
#include "core/host_port.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROXY_PORT 1080

/* ---- hosts without a proxy ---- */

/* Parses an address, with or without brackets and zone. */
static bool take_address(struct endpoint *out, const char *text)
{
    struct host_port h;
    char zone[ZONE_TEXT_MAX];
    return host_port_parse(&h, text, HOST_REMOTE) == NULL && !h.has_port &&
           endpoint_parse_zoned(out, zone, h.host, 0);
}

/* `network`: "10.0.0.0/8" or an address. */
static bool in_network(const char *network, const struct endpoint *e)
{
    char text[HOST_TEXT_MAX];
    struct endpoint n;
    size_t len = strcspn(network, "/");
    int64_t bits;
    text_copy(text, len + 1, network); /* shorter than an entry */
    if (!take_address(&n, text) || n.family != e->family)
        return false;
    int64_t all = e->family == FAMILY_IPV6 ? 128 : 32;
    if (network[len] == '\0')
        bits = all;
    else if (!text_to_integer(network + len + 1, 0, all, &bits))
        return false;
    return endpoint_same_prefix(n.bytes, e->bytes, (size_t)bits);
}

/* Length of a name without its final dot. */
static size_t without_dot(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && name[len - 1] == '.' ? len - 1 : len;
}

/* The name itself or a subdomain; a leading dot in `domain` changes nothing. */
static bool in_domain(const char *domain, const char *host)
{
    domain += domain[0] == '.';
    size_t len = without_dot(domain), host_len = without_dot(host);
    if (len == 0 || host_len < len ||
        strncasecmp(host + host_len - len, domain, len) != 0)
        return false;
    return host_len == len || host[host_len - len - 1] == '.';
}

bool http_proxy_exempt(const char *list, const char *host)
{
    struct endpoint address;
    bool literal = take_address(&address, host);
    for (const char *at = list; *at != '\0';) {
        char entry[HOST_TEXT_MAX];
        size_t len = strcspn(at, ", ");
        if (len > 0 && len < sizeof entry) {
            text_copy(entry, len + 1, at);
            if (strcmp(entry, "*") == 0 ||
                (literal ? in_network(entry, &address) : in_domain(entry, host)))
                return true;
        }
        at += len + strspn(at + len, ", ");
    }
    return false;
}

/* ---- choice of the proxy ---- */

static const char *first_of(const char *const names[])
{
    for (; *names != NULL; names++) {
        const char *value = getenv(*names);
        if (value != NULL && value[0] != '\0')
            return value;
    }
    return "";
}

static const char *of_environment(bool tls, const char *host)
{
    static const char *const proxies[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
                                          "ALL_PROXY", NULL};
    static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const exempt[] = {"no_proxy", "NO_PROXY", NULL};
    return http_proxy_exempt(first_of(exempt), host) ? ""
                                                     : first_of(tls ? proxies : plain);
}

/* http://[USER[:PASSWORD]@]HOST[:PORT][/]; the scheme is optional. */
static bool read_url(struct http_proxy *out, const char *url)
{
    static const char scheme[] = "http://";
    bool bare = strstr(url, "://") == NULL; /* "proxy.example:3128" */
    int len = snprintf(out->url, sizeof out->url, "%s%s", bare ? scheme : "", url);
    if (len >= (int)sizeof out->url ||
        strncasecmp(out->url, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *authority = out->url + sizeof scheme - 1;
    const char *end = authority + strcspn(authority, "/?#");
    const char *at = memrchr(authority, '@', (size_t)(end - authority));
    struct host_port h;
    authority = at != NULL ? at + 1 : authority;
    if (host_port_parse_url(&h, authority, (size_t)(end - authority)) != NULL)
        return false;
    text_copy(out->host, sizeof out->host, h.host);
    out->port = h.has_port ? h.port : PROXY_PORT;
    return true;
}

int http_proxy_for(struct http_proxy *out, const char *configured, bool tls,
                   const char *host, char *why, size_t why_size)
{
    const char *url =
        *intern_text(configured) == '\0' ? of_environment(tls, host) : configured;
    if (url[0] == '\0' || strcmp(url, "none") == 0)
        return 0;
    if (read_url(out, url))
        return 1;
    /* omit user and password from the message */
    const char *at = strrchr(url, '@');
    snprintf(why, why_size, "proxy '%.40s' is not of the form http://HOST:PORT",
             at != NULL ? at + 1 : url);
    return -EINVAL;
}

bool http_proxy_used(const struct target *target)
{
    struct http_proxy proxy;
    char unused[64];
    return http_proxy_for(&proxy, target->proxy, true, target->host, unused,
                          sizeof unused) != 0;
}

void http_proxy_url(char out[PROXY_TEXT_MAX + ADDRESS_TEXT_MAX],
                    const struct http_proxy *proxy, const struct endpoint *at)
{
    char address[ADDRESS_TEXT_MAX + 2], port[8];
    endpoint_address(address + 1, at);
    bool ipv6 = at->family == FAMILY_IPV6;
    if (ipv6) {
        address[0] = '[';
        strcat(address, "]");
    }
    snprintf(port, sizeof port, "%u", proxy->port);
    CURLU *u = curl_url();
    char *url = NULL;
    out[0] = '\0';
    if (u != NULL && curl_url_set(u, CURLUPART_URL, proxy->url, 0) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_HOST, address + !ipv6, 0) == CURLUE_OK &&
        curl_url_set(u, CURLUPART_PORT, port, 0) == CURLUE_OK &&
        curl_url_get(u, CURLUPART_URL, &url, 0) == CURLUE_OK)
        text_copy(out, PROXY_TEXT_MAX + ADDRESS_TEXT_MAX, url);
    curl_free(url);
    curl_url_cleanup(u);
}
