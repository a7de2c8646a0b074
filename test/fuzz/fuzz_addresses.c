/* Addresses as an administrator writes them, in the configuration or the environment: a
 * host in the first line, then a list of servers, a proxy, or who goes without one. */
#include "config/resolv_conf.h"
#include "core/host_port.h"
#include "net/http_proxy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct dns_server servers[DNS_SERVERS_MAX];
    struct host_port host_port;
    char wrong[DNS_SERVER_TEXT_MAX];
    struct http_proxy proxy;
    struct endpoint at;
    char why[64], url[PROXY_TEXT_MAX + ADDRESS_TEXT_MAX];
    char *host = strndup((const char *)bytes, len);
    char *list = host + strcspn(host, "\n");
    if (*list != '\0')
        *list++ = '\0';
    assert(dns_servers_parse(servers, list, wrong) <= DNS_SERVERS_MAX);
    if (host_port_parse(&host_port, host, HOST_REMOTE) == NULL)
        assert(host_port.host[0] != '\0' && (!host_port.has_port || host_port.port > 0));
    http_proxy_exempt(list, host);
    if (http_proxy_for(&proxy, list, true, host, why, sizeof why) == 1 &&
        endpoint_parse(&at, host, 0))
        http_proxy_url(url, &proxy, &at);
    free(host);
    return 0;
}
