#include "core/destination.h"

#include <string.h>

enum { SCOPE_LINK = 2, SCOPE_SITE = 5, SCOPE_GLOBAL = 14 };

struct policy {
    uint8_t prefix[16];
    size_t bits;
    int precedence, label;
};

/* RFC 6724, section 2.1, the longest prefix first. */
static const struct policy policies[] = {
    {{[15] = 1}, 128, 50, 0},                /* ::1 */
    {{[10] = 0xff, [11] = 0xff}, 96, 35, 4}, /* IPv4 */
    {{0}, 96, 1, 3},                         /* IPv4-compatible */
    {{0x20, 0x01}, 32, 5, 5},                /* Teredo */
    {{0x20, 0x02}, 16, 30, 2},               /* 6to4 */
    {{0x3f, 0xfe}, 16, 1, 12},               /* 6bone */
    {{0xfe, 0xc0}, 10, 1, 11},               /* site-local */
    {{0xfc}, 7, 3, 13},                      /* unique local */
    {{0}, 0, 40, 1},
};

static const struct policy *policy_of(const struct endpoint *e)
{
    uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};
    if (e->family == FAMILY_IPV4)
        memcpy(bytes + 12, e->bytes, 4);
    else
        memcpy(bytes, e->bytes, sizeof bytes);
    const struct policy *p = policies;
    while (!endpoint_same_prefix(bytes, p->prefix, p->bits))
        p++;
    return p;
}

static int scope_of(const struct endpoint *e)
{
    const uint8_t *b = e->bytes;
    if (e->family == FAMILY_IPV4)
        return b[0] == 127 || (b[0] == 169 && b[1] == 254) ? SCOPE_LINK : SCOPE_GLOBAL;
    if (endpoint_is_link_local(e) || policy_of(e) == &policies[0])
        return SCOPE_LINK;
    return b[0] == 0xfe && (b[1] & 0xc0) == 0xc0 ? SCOPE_SITE : SCOPE_GLOBAL;
}

bool destination_is_better(const struct endpoint *a, const struct endpoint *a_from,
                           const struct endpoint *b, const struct endpoint *b_from)
{
    const struct policy *pa = policy_of(a), *pb = policy_of(b);
    int sa = scope_of(a), sb = scope_of(b);
    if ((a_from->family == FAMILY_NONE) != (b_from->family == FAMILY_NONE))
        return b_from->family == FAMILY_NONE;
    if (a_from->family != FAMILY_NONE) {
        bool scope_a = scope_of(a_from) == sa, scope_b = scope_of(b_from) == sb;
        bool label_a = policy_of(a_from)->label == pa->label,
             label_b = policy_of(b_from)->label == pb->label;
        if (scope_a != scope_b)
            return scope_a;
        if (label_a != label_b)
            return label_a;
    }
    if (pa->precedence != pb->precedence)
        return pa->precedence > pb->precedence;
    return sa < sb;
}
