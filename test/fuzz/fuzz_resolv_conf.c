/* resolv.conf, and the names that it makes of one: the name is the first line. */
#include "config/resolv_conf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct resolv_conf c = resolv_conf_default();
    char name[HOST_TEXT_MAX], servers[64];
    char *text = strndup((const char *)bytes, len);
    size_t host_len = strcspn(text, "\n"), n = 0;
    resolv_conf_read(&c, (const char *)bytes, len);
    resolv_conf_environment(&c, text, NULL);
    text[host_len] = '\0';
    resolv_conf_complete(&c, text);
    assert(c.n_servers > 0 && c.n_servers <= DNS_SERVERS_MAX);
    assert(c.n_search <= SEARCH_MAX && c.ndots <= NDOTS_MAX);
    while (resolv_conf_candidate(&c, text, n, name))
        n++;
    assert(n <= c.n_search + 1);
    dns_servers_text(servers, sizeof servers, c.servers, c.n_servers);
    resolv_conf_free(&c);
    free(text);
    return 0;
}
