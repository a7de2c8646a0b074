#include "core/front.h"

#include <assert.h>
#include <stdio.h>

const char *front_name(enum front_is is)
{
    static const char *const names[] = {
        [FRONT_UNKNOWN] = "unknown", [FRONT_EDGE] = "edge",
        [FRONT_REGION] = "region",   [FRONT_FOREIGN] = "foreign",
        [FRONT_PRIVATE] = "private", [FRONT_FILTERED] = "filtered",
    };
    assert((unsigned)is < sizeof names / sizeof *names);
    return names[is];
}

const char *front_text(char out[FRONT_TEXT_MAX], const struct front *f, const char *host)
{
    out[0] = '\0';
    switch (f->is) {
    case FRONT_UNKNOWN:
    case FRONT_EDGE:
        break;
    case FRONT_REGION:
        snprintf(out, FRONT_TEXT_MAX,
                 "%s is in an Azure region, not at the edge (%s); it has no rank", host,
                 f->why);
        break;
    case FRONT_FOREIGN:
        snprintf(out, FRONT_TEXT_MAX,
                 "%s is not on Microsoft's edge here (%s); it has no PoP and no rank; "
                 "configure another name of the service",
                 host, f->why);
        break;
    case FRONT_PRIVATE:
        snprintf(out, FRONT_TEXT_MAX,
                 "%s for %s: a private endpoint or a proxy; it has no rank", f->why,
                 host);
        break;
    case FRONT_FILTERED:
        snprintf(out, FRONT_TEXT_MAX,
                 "%s, for %s: a filter or a hijack of DNS; it is not probed; allow the "
                 "name in the filter, or ask other servers (`servers` in [dns])",
                 f->why, host);
        break;
    }
    return out;
}

const char *front_pop(const char *pop, const struct front *f)
{
    bool may_be = front_may_be_pop(f->is);
    return pop[0] != '\0' ? pop : front_name(may_be ? FRONT_UNKNOWN : f->is);
}

bool front_may_be_pop(enum front_is is)
{
    return is == FRONT_UNKNOWN || is == FRONT_EDGE;
}
