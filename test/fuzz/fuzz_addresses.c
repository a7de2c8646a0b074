/* Addresses as an administrator writes them, in the configuration or the environment: a
 * host in the first line, then a list of servers, a proxy, or who goes without one. */
#include "net/http_proxy.h"
#include "net/servers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct ares_addr_port_node servers[SERVERS_MAX];
    struct http_proxy proxy;
    struct endpoint at;
    char why[64], url[PROXY_TEXT_MAX + ADDRESS_TEXT_MAX];
    char *host = strndup((const char *)bytes, len);
    char *list = host + strcspn(host, "\n");
    if (*list != '\0')
        *list++ = '\0';
    int n = servers_parse(servers, list);
    assert(n <= SERVERS_MAX);
    for (int i = 0; i < n; i++)
        assert(servers[i].udp_port >= 0 && servers[i].udp_port <= UINT16_MAX);
    http_proxy_exempt(list, host);
    if (http_proxy_for(&proxy, list, true, host, why, sizeof why) == 1 &&
        endpoint_parse(&at, host, 0))
        http_proxy_url(url, &proxy, &at);
    free(host);
    return 0;
}
