#include "core/path_mtu.h"

const char *mtu_limit_name(enum mtu_limit l)
{
    static const char *const names[] = {[MTU_LIMIT_NONE] = "none",
                                        [MTU_LIMIT_REPORTED] = "reported",
                                        [MTU_LIMIT_HOST] = "host",
                                        [MTU_LIMIT_BLACK_HOLE] = "black_hole"};
    return names[l];
}
