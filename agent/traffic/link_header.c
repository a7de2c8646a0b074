#include "traffic/link_header.h"

enum { PPP_IPV4 = 0x0021, PPP_IPV6 = 0x0057, PPPOE_VERSION_TYPE = 0x11 };

bool link_is_tag(uint16_t type)
{
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

uint16_t link_labels_skip(struct wire *w)
{
    bool bottom = false; /* of the stack */
    for (size_t i = 0; i < LINK_HEADER_LABELS_MAX && wire_ok(w) && !bottom; i++)
        bottom = (wire_u32(w) >> 8 & 1) != 0;
    struct wire ip = *w;
    uint8_t version = wire_u8(&ip) >> 4;
    return !bottom || !wire_ok(&ip) ? 0
           : version == 4           ? LINK_IPV4
           : version == 6           ? LINK_IPV6
                                    : 0;
}

static uint16_t skip_pppoe(struct wire *w)
{
    uint8_t version_type = wire_u8(w), code = wire_u8(w);
    wire_skip(w, 4); /* session, length: that of the IP packet counts */
    uint16_t protocol = wire_u16(w);
    return !wire_ok(w) || version_type != PPPOE_VERSION_TYPE || code != 0 ? 0
           : protocol == PPP_IPV4                                         ? LINK_IPV4
           : protocol == PPP_IPV6                                         ? LINK_IPV6
                                                                          : 0;
}

uint16_t link_header_skip(struct wire *w, uint16_t type)
{
    for (size_t i = 0; i < LINK_HEADER_TAGS_MAX && link_is_tag(type); i++) {
        wire_skip(w, 2);
        type = wire_u16(w);
    }
    return type == LINK_PPPOE                       ? skip_pppoe(w)
           : type == LINK_MPLS                      ? link_labels_skip(w)
           : type == LINK_IPV4 || type == LINK_IPV6 ? type
                                                    : 0;
}
