#include "core/owner.h"

#include <assert.h>
#include <stdio.h>

const char *owner_name(enum owner_type type)
{
    static const char *const names[] = {
        [OWNER_UNKNOWN] = "unknown",   [OWNER_EDGE] = "edge",
        [OWNER_REGION] = "region",     [OWNER_FOREIGN] = "foreign",
        [OWNER_PRIVATE] = "private",   [OWNER_FILTERED] = "filtered",
        [OWNER_RESOLVER] = "resolver", [OWNER_GATEWAY] = "gateway",
    };
    assert((unsigned)type < sizeof names / sizeof *names);
    return names[type];
}

const char *owner_text(char out[OWNER_TEXT_MAX], const struct owner *o, const char *host)
{
    out[0] = '\0';
    switch (o->type) {
    case OWNER_UNKNOWN:
    case OWNER_EDGE:
    case OWNER_RESOLVER:
    case OWNER_GATEWAY:
        break;
    case OWNER_REGION:
        snprintf(out, OWNER_TEXT_MAX,
                 "%s is in an Azure region, not at the edge (%s); it has no rank", host,
                 o->why);
        break;
    case OWNER_FOREIGN:
        snprintf(out, OWNER_TEXT_MAX,
                 "%s is not on Microsoft's edge here (%s); it has no PoP and no rank; "
                 "configure another name of the service",
                 host, o->why);
        break;
    case OWNER_PRIVATE:
        snprintf(out, OWNER_TEXT_MAX,
                 "%s for %s: a private endpoint or a proxy; it has no rank", o->why,
                 host);
        break;
    case OWNER_FILTERED:
        snprintf(out, OWNER_TEXT_MAX,
                 "%s, for %s: a filter or a hijack of DNS; it is not probed; allow the "
                 "name in the filter, or ask other servers (`servers` in [dns])",
                 o->why, host);
        break;
    }
    return out;
}

const char *owner_pop(const char *pop, const struct owner *o)
{
    bool may_be = owner_may_be_pop(o->type);
    return pop[0] != '\0' ? pop : owner_name(may_be ? OWNER_UNKNOWN : o->type);
}

bool owner_may_be_pop(enum owner_type type)
{
    return type == OWNER_UNKNOWN || type == OWNER_EDGE;
}
