#include "core/resolution.h"

#include "base/mem.h"
#include "base/text.h"

#include <string.h>

static size_t bytes_of(const char *text, size_t most)
{
    return strnlen(text, most - 1) + 1;
}

struct dns_answer *resolution_keep(const char *chain, const char *servers)
{
    size_t chain_bytes = bytes_of(chain, RESOLUTION_CHAIN_MAX),
           servers_bytes = bytes_of(servers, RESOLUTION_SERVERS_MAX);
    struct dns_answer *a = mem_alloc(sizeof *a + chain_bytes + servers_bytes);
    char *texts = (char *)(a + 1);
    text_copy(texts, chain_bytes, chain);
    text_copy(texts + chain_bytes, servers_bytes, servers);
    *a = (struct dns_answer){texts, texts + chain_bytes};
    return a;
}

const struct dns_answer *resolution_kept(const struct dns_answer *answer)
{
    static const struct dns_answer none = {"", ""};
    return answer != NULL ? answer : &none;
}

struct endpoint resolution_choose(const struct resolution *r, const char *host,
                                  const struct endpoint *used, struct endpoint *unfit)
{
    bool any_will_do = host_is_local(host);
    struct endpoint first = {.family = FAMILY_NONE};
    *unfit = r->unfit;
    for (size_t i = 0; i < r->n; i++) {
        const struct endpoint *e = &r->addresses[i];
        if (!any_will_do && endpoint_nobodys(e) != NULL) {
            if (unfit->family == FAMILY_NONE)
                *unfit = *e;
            continue;
        }
        if (endpoint_same_address(used, e))
            return *e;
        if (first.family == FAMILY_NONE)
            first = *e;
    }
    return first;
}

size_t resolution_addresses(const struct resolution *r, const char *host,
                            struct endpoint *out, size_t max)
{
    bool any_will_do = host_is_local(host);
    size_t n = 0;
    for (size_t i = 0; i < r->n && n < max; i++)
        if (any_will_do || endpoint_nobodys(&r->addresses[i]) == NULL)
            out[n++] = r->addresses[i];
    return n;
}
