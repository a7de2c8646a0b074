#include "net/http_proxy.h"

#include "base/text.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PROXY_PORT 1080

/* ---- who goes without ---- */

/* "10.0.0.0/8" or an address. */
static bool in_network(const char *network, const struct endpoint *e)
{
    char text[ADDRESS_TEXT_MAX];
    struct endpoint n;
    size_t len = strcspn(network, "/");
    int64_t bits;
    if (len >= sizeof text)
        return false;
    text_copy(text, len + 1, network);
    if (!endpoint_parse(&n, text, 0) || n.family != e->family)
        return false;
    int64_t all = e->family == FAMILY_IPV6 ? 128 : 32;
    if (network[len] == '\0')
        bits = all;
    else if (!text_to_integer(network + len + 1, 0, all, &bits))
        return false;
    size_t whole = (size_t)bits / 8, rest = (size_t)bits % 8;
    if (memcmp(n.bytes, e->bytes, whole) != 0)
        return false;
    return rest == 0 || (n.bytes[whole] ^ e->bytes[whole]) >> (8 - rest) == 0;
}

/* The name itself, and all below it; a leading dot says no more than that. */
static bool in_domain(const char *domain, const char *host)
{
    domain += domain[0] == '.';
    size_t len = strlen(domain), host_len = strlen(host);
    if (len == 0 || host_len < len || strcasecmp(host + host_len - len, domain) != 0)
        return false;
    return host_len == len || host[host_len - len - 1] == '.';
}

bool http_proxy_exempt(const char *list, const char *host)
{
    struct endpoint address;
    bool literal = endpoint_parse(&address, host, 0);
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

/* ---- which one ---- */

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

static bool take_host(struct http_proxy *out, CURLU *u)
{
    char *host = NULL, *port = NULL;
    int64_t number = PROXY_PORT;
    if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return false;
    size_t len = strlen(host);
    bool brackets = host[0] == '[' && host[len - 1] == ']';
    if (brackets)
        host[len - 1] = '\0';
    bool ok = text_copy(out->host, sizeof out->host, host + brackets);
    if (curl_url_get(u, CURLUPART_PORT, &port, 0) == CURLUE_OK)
        ok = ok && text_to_integer(port, 1, UINT16_MAX, &number);
    out->port = (uint16_t)number;
    curl_free(host);
    curl_free(port);
    return ok;
}

static bool read_url(struct http_proxy *out, const char *url)
{
    char *scheme = NULL;
    bool bare = strstr(url, "://") == NULL; /* "proxy.example:3128" */
    int len = snprintf(out->url, sizeof out->url, "%s%s", bare ? "http://" : "", url);
    CURLU *u = curl_url();
    bool ok = len < (int)sizeof out->url && u != NULL &&
              curl_url_set(u, CURLUPART_URL, out->url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              strcmp(scheme, "http") == 0 && take_host(out, u);
    curl_free(scheme);
    curl_url_cleanup(u);
    return ok;
}

int http_proxy_for(struct http_proxy *out, const char *configured, bool tls,
                   const char *host, char *why, size_t why_size)
{
    const char *url = configured[0] == '\0' ? of_environment(tls, host) : configured;
    if (url[0] == '\0' || strcmp(url, "none") == 0)
        return 0;
    if (read_url(out, url))
        return 1;
    /* without user and password, which may stand in it */
    const char *at = strrchr(url, '@');
    snprintf(why, why_size, "proxy '%.40s' is not of the form http://HOST:PORT",
             at != NULL ? at + 1 : url);
    return -EINVAL;
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
