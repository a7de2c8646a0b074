#include "route/bgp.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { MARKER_BYTES = 16, HEADER_BYTES = 19, VERSION = 4, AS_TRANS = 23456 };
enum { AFI_IPV4 = 1, AFI_IPV6 = 2, SAFI_UNICAST = 1, IPV4_OFFSET = 12, IPV4_BITS = 96 };

/* The marker is not examined: BMP has its own frame. */
bool bgp_message_read(struct wire *w, uint8_t *type, struct wire *body)
{
    wire_skip(w, MARKER_BYTES);
    uint16_t length = wire_u16(w);
    *type = wire_u8(w);
    if (!wire_ok(w) || length < HEADER_BYTES)
        return false;
    *body = wire_take(w, length - HEADER_BYTES);
    return wire_ok(w);
}

/* ---- OPEN ---- */

enum {
    PARAMETER_CAPABILITY = 2,
    EXTENDED = 255,
    CAPABILITY_GRACEFUL_RESTART = 64,
    CAPABILITY_AS4 = 65,
    CAPABILITY_ADD_PATH = 69
};

static enum family unicast(uint16_t afi, uint8_t safi)
{
    return safi != SAFI_UNICAST ? FAMILY_NONE
           : afi == AFI_IPV4    ? FAMILY_IPV4
           : afi == AFI_IPV6    ? FAMILY_IPV6
                                : FAMILY_NONE;
}

static bool read_capabilities(struct bgp_open *out, struct wire w)
{
    while (w.left > 0) {
        uint8_t code = wire_u8(&w);
        struct wire value = wire_take(&w, wire_u8(&w));
        if (!wire_ok(&w))
            return false;
        if (code == CAPABILITY_AS4 && value.left == 4)
            out->as = wire_u32(&value);
        if (code == CAPABILITY_GRACEFUL_RESTART && value.left >= 2) {
            out->graceful_restart = true;
            out->keeps_forwarding = value.left >= 6; /* a family of 4 bytes */
        }
        while (code == CAPABILITY_ADD_PATH && value.left >= 4) {
            uint16_t afi = wire_u16(&value);
            enum family family = unicast(afi, wire_u8(&value));
            uint8_t directions = wire_u8(&value);
            if (family != FAMILY_NONE)
                out->add_path[family == FAMILY_IPV6] = directions;
        }
    }
    return true;
}

bool bgp_open_read(struct bgp_open *out, struct wire body)
{
    uint8_t version = wire_u8(&body);
    *out = (struct bgp_open){.as = wire_u16(&body)};
    wire_skip(&body, 2); /* hold time */
    out->bgp_id = wire_u32(&body);
    size_t length = wire_u8(&body);
    bool extended = length == EXTENDED && body.left > 0 && body.at[0] == EXTENDED;
    if (extended) { /* RFC 9072 */
        wire_skip(&body, 1);
        length = wire_u16(&body);
    }
    struct wire parameters = wire_take(&body, length);
    if (!wire_ok(&body) || version != VERSION)
        return false;
    while (parameters.left > 0) {
        uint8_t type = wire_u8(&parameters);
        size_t len = extended ? wire_u16(&parameters) : wire_u8(&parameters);
        struct wire value = wire_take(&parameters, len);
        if (!wire_ok(&parameters) ||
            (type == PARAMETER_CAPABILITY && !read_capabilities(out, value)))
            return false;
    }
    return true;
}

/* ---- NOTIFICATION ---- */

enum {
    ERROR_CEASE = 6,
    CEASE_SHUTDOWN = 2,
    CEASE_RESET = 4,
    CEASE_HARD_RESET = 9,
};

void bgp_notification_text(char out[BGP_NOTIFICATION_TEXT_MAX], struct wire body,
                           const char *side)
{
    static const char *const errors[] = {
        [1] = "message header error",        [2] = "OPEN message error",
        [3] = "UPDATE message error",        [4] = "hold timer expired",
        [5] = "state machine error",         [6] = "closed",
        [7] = "ROUTE-REFRESH message error",
    };
    static const char *const ceases[] = {
        "closed",
        "closed for too many prefixes",
        "administratively shut down",
        "removed from the configuration",
        "administratively reset",
        "connection rejected",
        "closed for a change of the configuration",
        "closed as one of two connections",
        "closed for want of resources",
        "hard reset",
        "closed because BFD is down",
    };
    uint8_t code = wire_u8(&body), subcode = wire_u8(&body);
    if (code == ERROR_CEASE && subcode == CEASE_HARD_RESET && body.left >= 2) {
        code = wire_u8(&body); /* the reason is inside: RFC 8538, section 3.1 */
        subcode = wire_u8(&body);
    }
    bool known = wire_ok(&body) && code > 0 && code < sizeof errors / sizeof *errors;
    bool cease = code == ERROR_CEASE && subcode < sizeof ceases / sizeof *ceases;
    size_t n = (size_t)snprintf(out, BGP_NOTIFICATION_TEXT_MAX, "%s",
                                cease   ? ceases[subcode]
                                : known ? errors[code]
                                        : "closed with a notification");
    if (known && !cease && subcode != 0)
        n += (size_t)snprintf(out + n, BGP_NOTIFICATION_TEXT_MAX - n, " (%u)", subcode);
    n += (size_t)snprintf(out + n, BGP_NOTIFICATION_TEXT_MAX - n, "%s by %s",
                          known && code != ERROR_CEASE ? ", reported" : "", side);
    if (!cease || (subcode != CEASE_SHUTDOWN && subcode != CEASE_RESET))
        return;
    struct wire said = wire_take(&body, wire_u8(&body));
    if (wire_ok(&body) && said.left > 0) {
        n += (size_t)snprintf(out + n, BGP_NOTIFICATION_TEXT_MAX - n, ": ");
        text_copy_line(out + n, BGP_NOTIFICATION_TEXT_MAX - n, (const char *)said.at,
                       said.left);
    }
}

/* ---- prefixes ---- */

static const uint8_t mapped[IPV4_OFFSET] = {[10] = 0xff, [11] = 0xff};

enum family bgp_prefix_family(const struct bgp_prefix *p)
{
    bool ipv4 = p->bits >= IPV4_BITS && memcmp(p->bytes, mapped, sizeof mapped) == 0;
    return ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
}

/* True if a bit was set. */
static bool clear_host(uint8_t bytes[16], size_t bits)
{
    bool was_set = false;
    for (size_t i = bits / 8; i < 16; i++) {
        uint8_t keep = i == bits / 8 ? (uint8_t)(0xff00 >> bits % 8) : 0;
        was_set = was_set || (bytes[i] & ~keep) != 0;
        bytes[i] &= keep;
    }
    return was_set;
}

struct bgp_prefix bgp_prefix_of(const struct endpoint *address, uint8_t bits)
{
    struct bgp_prefix p = {.bits = bits};
    if (address->family == FAMILY_IPV4) {
        memcpy(p.bytes, mapped, sizeof mapped);
        memcpy(p.bytes + IPV4_OFFSET, address->bytes, 4);
        p.bits = (uint8_t)(bits + IPV4_BITS);
    } else {
        memcpy(p.bytes, address->bytes, 16);
    }
    clear_host(p.bytes, p.bits);
    return p;
}

bool bgp_prefix_parse(struct bgp_prefix *out, const char *text)
{
    char address[ADDRESS_TEXT_MAX];
    struct endpoint e;
    int64_t bits;
    const char *slash = strchr(text, '/');
    size_t len = slash != NULL ? (size_t)(slash - text) : 0;
    if (len == 0 || len >= sizeof address)
        return false;
    text_copy(address, len + 1, text);
    if (!endpoint_parse(&e, address, 0) ||
        !text_to_integer(slash + 1, 0, e.family == FAMILY_IPV4 ? 32 : 128, &bits))
        return false;
    *out = bgp_prefix_of(&e, (uint8_t)bits);
    return true;
}

bool bgp_prefix_covers(const struct bgp_prefix *wide, const struct bgp_prefix *narrow)
{
    return wide->bits <= narrow->bits &&
           bgp_prefix_family(wide) == bgp_prefix_family(narrow) &&
           endpoint_same_prefix(wide->bytes, narrow->bytes, wide->bits);
}

int bgp_prefix_order(const struct bgp_prefix *a, const struct bgp_prefix *b)
{
    int order = memcmp(a->bytes, b->bytes, sizeof a->bytes);
    return order != 0 ? order : (int)a->bits - (int)b->bits;
}

struct endpoint bgp_prefix_address(const struct bgp_prefix *p, uint8_t *bits)
{
    struct endpoint e = {.family = (uint8_t)bgp_prefix_family(p)};
    bool ipv4 = e.family == FAMILY_IPV4;
    memcpy(e.bytes, p->bytes + (ipv4 ? IPV4_OFFSET : 0), ipv4 ? 4 : 16);
    *bits = (uint8_t)(p->bits - (ipv4 ? IPV4_BITS : 0));
    return e;
}

const char *bgp_prefix_text(char out[BGP_PREFIX_TEXT_MAX], const struct bgp_prefix *p)
{
    uint8_t bits;
    struct endpoint e = bgp_prefix_address(p, &bits);
    char address[ADDRESS_TEXT_MAX];
    snprintf(out, BGP_PREFIX_TEXT_MAX, "%s/%d", endpoint_address(address, &e), bits);
    return out;
}

/* False for prefixes that nobody announces: they are signs of a wrong reading. */
static bool is_plausible(const struct bgp_prefix *p, bool ipv4)
{
    if (p->bits == (ipv4 ? IPV4_BITS : 0)) /* a default route */
        return true;
    uint8_t first = p->bytes[ipv4 ? IPV4_OFFSET : 0];
    if (ipv4)
        return first > 0 && first < 224;
    return first >> 5 == 1 || first >= 0xfc; /* 2000::/3, fc00::/7, fe80::/10 */
}

/* `strict`: false is returned for a bit after the length, and an implausible prefix, too. */
static bool take_nlri(struct wire *list, enum family family, bool ids, bool strict,
                      struct bgp_prefix *prefix, uint32_t *path_id)
{
    bool ipv4 = family == FAMILY_IPV4;
    *path_id = ids ? wire_u32(list) : 0;
    uint8_t bits = wire_u8(list);
    if (!wire_ok(list) || bits > (ipv4 ? 32 : 128))
        return false;
    *prefix = (struct bgp_prefix){.bits = (uint8_t)(bits + (ipv4 ? IPV4_BITS : 0))};
    if (ipv4)
        memcpy(prefix->bytes, mapped, sizeof mapped);
    wire_copy(list, prefix->bytes + (ipv4 ? IPV4_OFFSET : 0), (bits + 7u) / 8);
    bool was_set = clear_host(prefix->bytes, prefix->bits);
    return wire_ok(list) && !(strict && (was_set || !is_plausible(prefix, ipv4)));
}

/* Prefixes are compared with so many before them: a wrong reading repeats 0.0.0.0/0 or its
 * like at once. */
enum { REPEATS_WITHIN = 8 };

static bool fits(struct wire list, enum family family, bool ids, bool strict,
                 bool *has_default)
{
    struct bgp_prefix last[REPEATS_WITHIN];
    uint32_t last_id[REPEATS_WITHIN];
    *has_default = false;
    for (size_t n = 0; list.left > 0; n++) {
        struct bgp_prefix p;
        uint32_t id;
        if (!take_nlri(&list, family, ids, strict, &p, &id))
            return false;
        for (size_t i = 0; strict && i < n && i < REPEATS_WITHIN; i++)
            if (bgp_prefix_order(&last[i], &p) == 0 && last_id[i] == id)
                return false;
        *has_default = *has_default || p.bits == (family == FAMILY_IPV4 ? IPV4_BITS : 0);
        last[n % REPEATS_WITHIN] = p;
        last_id[n % REPEATS_WITHIN] = id;
    }
    return true;
}

enum bgp_nlri_form bgp_nlri_form(struct wire list, enum family family,
                                 enum bgp_nlri_form *known, bool may_have_ids)
{
    bool has_default, ignored;
    bool plain = fits(list, family, false, true, &has_default);
    if (plain && *known == NLRI_PLAIN)
        return NLRI_PLAIN;
    bool ids = fits(list, family, true, true, &ignored);
    if (plain && ids && *known == NLRI_IDS)
        return NLRI_IDS;
    if (plain && ids)
        return has_default && may_have_ids ? NLRI_IDS : NLRI_PLAIN;
    if (plain || ids) {
        *known = plain ? NLRI_PLAIN : NLRI_IDS;
        return *known;
    }
    return fits(list, family, false, false, &ignored)  ? NLRI_PLAIN
           : fits(list, family, true, false, &ignored) ? NLRI_IDS
                                                       : NLRI_UNKNOWN;
}

bool bgp_nlri_next(struct wire *list, enum family family, enum bgp_nlri_form form,
                   struct bgp_prefix *prefix, uint32_t *path_id)
{
    return list->left > 0 &&
           take_nlri(list, family, form == NLRI_IDS, false, prefix, path_id);
}

/* ---- UPDATE ---- */

enum {
    ATTRIBUTE_ORIGIN = 1,
    ATTRIBUTE_AS_PATH = 2,
    ATTRIBUTE_NEXT_HOP = 3,
    ATTRIBUTE_MED = 4,
    ATTRIBUTE_LOCAL_PREF = 5,
    ATTRIBUTE_COMMUNITIES = 8,
    ATTRIBUTE_MP_REACH = 14,
    ATTRIBUTE_MP_UNREACH = 15,
    ATTRIBUTE_AS4_PATH = 17,
    ATTRIBUTE_LARGE_COMMUNITIES = 32,
    FLAG_EXTENDED_LENGTH = 0x10,
};

static bool next_attribute(struct wire *w, uint8_t *type, struct wire *value)
{
    uint8_t flags = wire_u8(w);
    *type = wire_u8(w);
    size_t len = flags & FLAG_EXTENDED_LENGTH ? wire_u16(w) : wire_u8(w);
    *value = wire_take(w, len);
    return wire_ok(w);
}

/* IPv4 or IPv6 whatever the family of the prefixes (RFC 8950); a global address may have a
 * link-local one behind it (RFC 2545, section 3), a VRF's a route distinguisher before it. */
static bool read_mp_next_hop(struct endpoint *out, struct wire w)
{
    enum { RD = 8 };
    bool ipv4 = w.left == 4 || w.left == RD + 4;
    if (w.left == RD + 4 || w.left == RD + 16 || w.left == 2 * (RD + 16))
        wire_skip(&w, RD);
    else if (!ipv4 && w.left != 0 && w.left != 16 && w.left != 32)
        return false;
    if (w.left == 0) /* the router's own */
        return true;
    out->family = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
    wire_copy(&w, out->bytes, ipv4 ? 4 : 16);
    return wire_ok(&w);
}

static bool read_mp_reach(struct bgp_update *out, struct wire w)
{
    uint16_t afi = wire_u16(&w);
    enum family family = unicast(afi, wire_u8(&w));
    struct wire next_hop = wire_take(&w, wire_u8(&w));
    wire_skip(&w, 1);
    if (!wire_ok(&w))
        return false;
    if (family == FAMILY_NONE)
        return true;
    if (!read_mp_next_hop(&out->mp_next_hop, next_hop))
        return false;
    out->mp_announced_family = family;
    out->mp_announced = w;
    return true;
}

static bool read_mp_unreach(struct bgp_update *out, struct wire w)
{
    uint16_t afi = wire_u16(&w);
    out->mp_withdrawn_family = unicast(afi, wire_u8(&w));
    out->mp_withdrawn = w;
    return wire_ok(&w);
}

bool bgp_update_read(struct bgp_update *out, struct wire body)
{
    *out = (struct bgp_update){.mp_announced_family = FAMILY_NONE};
    out->withdrawn = wire_take(&body, wire_u16(&body));
    out->attributes = wire_take(&body, wire_u16(&body));
    out->announced = body;
    if (!wire_ok(&body))
        return false;
    bool reach = false, unreach = false;
    struct wire w = out->attributes, value;
    for (uint8_t type; w.left > 0;) {
        if (!next_attribute(&w, &type, &value))
            return false;
        if (type == ATTRIBUTE_MP_REACH && (reach || !read_mp_reach(out, value)))
            return false;
        if (type == ATTRIBUTE_MP_UNREACH && (unreach || !read_mp_unreach(out, value)))
            return false;
        reach = reach || type == ATTRIBUTE_MP_REACH;
        unreach = unreach || type == ATTRIBUTE_MP_UNREACH;
    }
    return true;
}

enum family bgp_update_end_of_rib(const struct bgp_update *u)
{
    if (u->withdrawn.left + u->announced.left + u->mp_announced.left +
            u->mp_withdrawn.left >
        0)
        return FAMILY_NONE;
    return u->attributes.left == 0 ? FAMILY_IPV4 : u->mp_withdrawn_family;
}

/* ---- path attributes ---- */

enum {
    SEGMENT_SET = 1,
    SEGMENT_SEQUENCE = 2,
    SEGMENT_CONFED_SEQUENCE = 3,
    SEGMENT_CONFED_SET = 4
};

static bool segments_fit(struct wire w, size_t width)
{
    while (w.left > 0) {
        uint8_t type = wire_u8(&w), n = wire_u8(&w);
        wire_skip(&w, n * width);
        if (!wire_ok(&w) || type < SEGMENT_SET || type > SEGMENT_CONFED_SET || n == 0)
            return false;
    }
    return true;
}

static void path_add(struct bgp_path *p, uint32_t as)
{
    if (p->n_as < BGP_AS_MAX)
        p->as[p->n_as] = as;
    if (p->n_as < UINT16_MAX)
        p->n_as++;
}

/* Appends the segments, which fit; at most `most` of what is compared (path length). */
static void add_segments(struct bgp_path *p, struct wire w, size_t width, size_t most)
{
    while (w.left > 0) {
        uint8_t type = wire_u8(&w), n = wire_u8(&w);
        bool confederation =
            type == SEGMENT_CONFED_SEQUENCE || type == SEGMENT_CONFED_SET;
        if (type == SEGMENT_SET && most > 0) {
            p->length++;
            most--;
        }
        for (uint8_t i = 0; i < n; i++) {
            uint32_t as = width == 4 ? wire_u32(&w) : wire_u16(&w);
            if (confederation || (type == SEGMENT_SEQUENCE && most == 0))
                continue;
            path_add(p, as);
            p->origin_as = type == SEGMENT_SEQUENCE ? as : 0;
            if (type == SEGMENT_SEQUENCE) {
                p->length++;
                most--;
            }
        }
    }
}

static uint16_t segments_length(struct wire w, size_t width)
{
    struct bgp_path p = {0};
    add_segments(&p, w, width, SIZE_MAX);
    return p.length;
}

/* RFC 6793, section 4.2.3: what AS4_PATH does not have is taken from the front of AS_PATH. */
static bool read_as_path(struct bgp_path *p, struct wire path, struct wire as4,
                         bool two_byte)
{
    bool fits4 = segments_fit(path, 4), fits2 = segments_fit(path, 2);
    if (!fits4 && !fits2)
        return false;
    size_t width = fits4 && !(two_byte && fits2) ? 4 : 2;
    uint16_t whole = segments_length(path, width);
    if (width == 2 && as4.left > 0 && segments_fit(as4, 4) &&
        segments_length(as4, 4) <= whole) {
        add_segments(p, path, width, whole - segments_length(as4, 4));
        add_segments(p, as4, 4, SIZE_MAX);
    } else {
        add_segments(p, path, width, SIZE_MAX);
    }
    return true;
}

static bool read_communities(struct bgp_path *p, struct wire w)
{
    if (w.left % 4 != 0)
        return false;
    for (; w.left > 0; p->n_communities++) {
        uint32_t community = wire_u32(&w);
        if (p->n_communities < BGP_COMMUNITIES_MAX)
            p->communities[p->n_communities] = community;
    }
    return true;
}

static bool read_large_communities(struct bgp_path *p, struct wire w)
{
    if (w.left % 12 != 0)
        return false;
    for (; w.left > 0; p->n_large++) {
        struct bgp_large_community c = {.global = wire_u32(&w)};
        c.local[0] = wire_u32(&w);
        c.local[1] = wire_u32(&w);
        if (p->n_large < BGP_LARGE_MAX)
            p->large[p->n_large] = c;
    }
    return true;
}

static bool read_attribute(struct bgp_path *p, uint8_t type, struct wire value)
{
    switch (type) {
    case ATTRIBUTE_ORIGIN:
        p->origin = wire_u8(&value);
        break;
    case ATTRIBUTE_NEXT_HOP:
        p->next_hop = (struct endpoint){.family = FAMILY_IPV4};
        wire_copy(&value, p->next_hop.bytes, 4);
        break;
    case ATTRIBUTE_MED:
        p->has_med = true;
        p->med = wire_u32(&value);
        break;
    case ATTRIBUTE_LOCAL_PREF:
        p->has_local_pref = true;
        p->local_pref = wire_u32(&value);
        break;
    case ATTRIBUTE_COMMUNITIES:
        p->n_communities = 0;
        return read_communities(p, value);
    case ATTRIBUTE_LARGE_COMMUNITIES:
        p->n_large = 0;
        return read_large_communities(p, value);
    default:
        return true;
    }
    return wire_ok(&value);
}

bool bgp_path_read(struct bgp_path *out, const struct bgp_update *u, bool mp,
                   bool two_byte_as)
{
    struct wire w = u->attributes, value;
    struct wire as_path = wire_from("", 0), as4_path = as_path;
    bool seen[UINT8_MAX + 1] = {false};
    *out = (struct bgp_path){0};
    for (uint8_t type; w.left > 0; seen[type] = true) {
        if (!next_attribute(&w, &type, &value))
            return false;
        if (seen[type]) /* the first one counts (RFC 7606, section 3) */
            continue;
        if (!read_attribute(out, type, value))
            return false;
        if (type == ATTRIBUTE_AS_PATH)
            as_path = value;
        if (type == ATTRIBUTE_AS4_PATH)
            as4_path = value;
    }
    if (mp)
        out->next_hop = u->mp_next_hop;
    return read_as_path(out, as_path, as4_path, two_byte_as);
}

void bgp_path_drop_first(struct bgp_path *p)
{
    if (p->n_as == 0)
        return;
    size_t kept = bgp_path_kept(p);
    memmove(p->as, p->as + 1, (kept - 1) * sizeof *p->as);
    if (p->n_as > BGP_AS_MAX) /* the one after the last is unknown */
        p->as[BGP_AS_MAX - 1] = p->origin_as;
    p->n_as--;
    p->length -= p->length > 0;
    if (p->n_as == 0)
        p->origin_as = 0;
}

bool bgp_path_has_as(const struct bgp_path *p, uint32_t as)
{
    for (size_t i = 0; i < bgp_path_kept(p); i++)
        if (p->as[i] == as)
            return true;
    return p->n_as > 0 && p->origin_as == as;
}

bool bgp_path_has_community(const struct bgp_path *p, uint16_t as, uint16_t value)
{
    for (size_t i = 0; i < p->n_communities && i < BGP_COMMUNITIES_MAX; i++)
        if (p->communities[i] == ((uint32_t)as << 16 | value))
            return true;
    return false;
}

bool bgp_path_is_prepended(const struct bgp_path *p)
{
    for (size_t i = 1; i < bgp_path_kept(p); i++)
        if (p->as[i] == p->as[i - 1])
            return true;
    return false;
}

static bool is_private_as(uint32_t as)
{
    return as == 0 || (as >= 64512 && as <= 65535) || as >= 4200000000u;
}

bool bgp_path_has_private_as(const struct bgp_path *p, uint32_t but)
{
    for (size_t i = 0; i < bgp_path_kept(p); i++)
        if (p->as[i] != but && is_private_as(p->as[i]))
            return true;
    return false;
}

bool bgp_path_same_as(const struct bgp_path *a, const struct bgp_path *b)
{
    return a->n_as == b->n_as && a->origin_as == b->origin_as &&
           memcmp(a->as, b->as, bgp_path_kept(a) * sizeof *a->as) == 0;
}

const char *bgp_path_text(char out[BGP_PATH_TEXT_MAX], const struct bgp_path *p)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < bgp_path_kept(p); i++)
        len += (size_t)snprintf(out + len, BGP_PATH_TEXT_MAX - len, "%s%lu",
                                i > 0 ? " " : "", (unsigned long)p->as[i]);
    if (p->n_as > BGP_AS_MAX)
        snprintf(out + len, BGP_PATH_TEXT_MAX - len, " ..");
    return out;
}
