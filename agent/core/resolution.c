#include "core/resolution.h"

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
