#include "core/uplink.h"

bool uplink_has_family(const struct uplink *u, enum family family)
{
    if (u == NULL || family_slot(family) == SLOT_PROXY)
        return true;
    return u->source[family_slot(family)].family != FAMILY_NONE ||
           u->source[!family_slot(family)].family == FAMILY_NONE;
}
