#include "route/bmp.h"

#include "base/text.h"

#include <errno.h>
#include <string.h>

enum { VERSION = 3 };
enum {
    FLAG_IPV6 = 0x80,
    FLAG_POST_POLICY = 0x40,
    FLAG_TWO_BYTE_AS = 0x20,
    FLAG_OUT = 0x10
};
enum { INFO_SYS_NAME = 2, INFO_TABLE_NAME = 3 };
enum { STATISTIC_ADJ_RIB_IN = 7, STATISTIC_ADJ_RIB_IN_OF_FAMILY = 9 };
enum { AFI_IPV4 = 1, AFI_IPV6 = 2, SAFI_UNICAST = 1 };

/* BIRD's sysName where none is configured; the blank is replaced by then. */
#define NOT_DEFINED "Not?defined"

ssize_t bmp_next(struct bmp_message *out, const uint8_t *bytes, size_t len)
{
    struct wire w = wire_from(bytes, len);
    uint8_t version = wire_u8(&w);
    *out = (struct bmp_message){.length = wire_u32(&w)};
    out->type = wire_u8(&w);
    if (len > 0 && version != VERSION)
        return -EBADMSG;
    if (!wire_ok(&w))
        return 0;
    out->skipped = out->type >= BMP_ROUTE_MIRRORING;
    if (out->length < BMP_HEADER_BYTES ||
        out->length > (out->skipped ? BMP_SKIPPED_MAX : BMP_MESSAGE_MAX))
        return -EBADMSG;
    if (out->skipped)
        return BMP_HEADER_BYTES;
    out->body = wire_take(&w, out->length - BMP_HEADER_BYTES);
    return wire_ok(&w) ? (ssize_t)out->length : 0;
}

/* The V flag is the family of the address, but of the transport with some routers: a longer
 * address than IPv4's is IPv6. */
static struct endpoint read_address(struct wire *w, bool ipv6)
{
    struct endpoint e = {.family = FAMILY_IPV6};
    static const uint8_t none[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    wire_copy(w, e.bytes, 16);
    bool short_one = !ipv6 && memcmp(e.bytes, none, 12) == 0;
    if (short_one || memcmp(e.bytes, mapped, 12) == 0) {
        e.family = FAMILY_IPV4;
        memcpy(e.bytes, e.bytes + 12, 4);
        memset(e.bytes + 4, 0, 12);
    }
    if (memcmp(e.bytes, none, sizeof none) == 0)
        e.family = FAMILY_NONE;
    return e;
}

static enum bmp_view view_of(uint8_t type, uint8_t flags)
{
    bool post = (flags & FLAG_POST_POLICY) != 0;
    if (type == BMP_LOC_RIB_TYPE) /* its flags are others: RFC 9069, section 4.2 */
        return BMP_LOC_RIB;
    if (flags & FLAG_OUT)
        return post ? BMP_OUT : BMP_OUT_PRE_POLICY;
    return post ? BMP_POST_POLICY : BMP_PRE_POLICY;
}

bool bmp_peer_read(struct bmp_peer *out, struct wire *w)
{
    *out = (struct bmp_peer){.type = wire_u8(w)};
    uint8_t flags = wire_u8(w);
    bool loc_rib = out->type == BMP_LOC_RIB_TYPE;
    out->view = view_of(out->type, flags);
    out->two_byte_as = !loc_rib && (flags & FLAG_TWO_BYTE_AS) != 0;
    wire_copy(w, out->distinguisher, sizeof out->distinguisher);
    out->address = read_address(w, !loc_rib && (flags & FLAG_IPV6) != 0);
    if (loc_rib)
        out->address = (struct endpoint){.family = FAMILY_NONE};
    out->as = wire_u32(w);
    out->bgp_id = wire_u32(w);
    out->time.ns = wire_u32(w) * NS_PER_S;
    out->time.ns += wire_u32(w) * INT64_C(1000); /* microseconds */
    return wire_ok(w);
}

/* Copies the value of the TLVs of this type; the last one wins. */
static void read_name(char name[BMP_NAME_MAX], struct wire w, uint16_t type)
{
    name[0] = '\0';
    while (w.left > 0) {
        uint16_t is = wire_u16(&w);
        struct wire value = wire_take(&w, wire_u16(&w));
        if (!wire_ok(&w))
            return;
        if (is != type)
            continue;
        size_t len = value.left < BMP_NAME_MAX - 1 ? value.left : BMP_NAME_MAX - 1;
        wire_copy(&value, name, len);
        name[len] = '\0';
        text_visible(name);
    }
}

/* FRR sends an OPEN without a body where it has not kept the real one. False: the next one
 * cannot be found. */
static bool read_open(struct bgp_open *out, struct wire *w)
{
    uint8_t type;
    struct wire body;
    *out = (struct bgp_open){.as = 0};
    if (!bgp_message_read(w, &type, &body))
        return false;
    if (type != BGP_OPEN || !bgp_open_read(out, body))
        *out = (struct bgp_open){.as = 0};
    return true;
}

void bmp_peer_up_read(struct bmp_peer_up *out, struct wire w)
{
    *out = (struct bmp_peer_up){.name = ""};
    wire_skip(&w, 16); /* local address */
    out->local_port = wire_u16(&w);
    out->remote_port = wire_u16(&w);
    if (read_open(&out->sent, &w) && read_open(&out->received, &w))
        read_name(out->name, w, INFO_TABLE_NAME);
}

/* The whole message, or, as some send it, from its error code on. */
static void read_notification(struct bmp_peer_down *out, struct wire w, const char *side)
{
    uint8_t type;
    struct wire whole = w, body;
    if (!bgp_message_read(&whole, &type, &body) || type != BGP_NOTIFICATION)
        body = w;
    bgp_notification_text(out->reason, body, side);
}

/* Events of RFC 4271, section 8.1. */
static const char *fsm_event(uint16_t event)
{
    return event == 2    ? "stopped by hand at this router"
           : event == 8  ? "stopped by this router"
           : event == 10 ? "hold timer expired"
           : event == 18 ? "the TCP connection failed"
                         : "closed by this router";
}

void bmp_peer_down_read(struct bmp_peer_down *out, struct wire w)
{
    enum { LOCAL_NOTIFICATION = 1, LOCAL_CLOSE, REMOTE_NOTIFICATION };
    static const char *const reasons[] = {
        [4] = "closed by the peer",
        [5] = "no longer monitored",
        [6] = "local instance down",
    };
    *out = (struct bmp_peer_down){.code = wire_u8(&w)};
    out->notified = out->code == LOCAL_NOTIFICATION || out->code == REMOTE_NOTIFICATION;
    if (out->notified)
        read_notification(out, w,
                          out->code == LOCAL_NOTIFICATION ? "this router" : "the peer");
    else if (out->code == LOCAL_CLOSE)
        text_copy(out->reason, sizeof out->reason, fsm_event(wire_u16(&w)));
    else
        text_copy(out->reason, sizeof out->reason,
                  out->code > REMOTE_NOTIFICATION &&
                          out->code < sizeof reasons / sizeof *reasons
                      ? reasons[out->code]
                      : "no reason given");
}

void bmp_statistics_read(struct bmp_statistics *out, struct wire w)
{
    uint64_t of_families = 0;
    bool by_family = false;
    *out = (struct bmp_statistics){0};
    wire_skip(&w, 4); /* how many */
    while (w.left > 0) {
        uint16_t type = wire_u16(&w);
        struct wire value = wire_take(&w, wire_u16(&w));
        if (!wire_ok(&w))
            break;
        if (type == STATISTIC_ADJ_RIB_IN && value.left == 8) {
            out->has_adj_rib_in = true;
            out->adj_rib_in = wire_u64(&value);
        } else if (type == STATISTIC_ADJ_RIB_IN_OF_FAMILY && value.left == 11) {
            uint16_t afi = wire_u16(&value);
            bool unicast =
                wire_u8(&value) == SAFI_UNICAST && (afi == AFI_IPV4 || afi == AFI_IPV6);
            by_family = true;
            of_families += unicast ? wire_u64(&value) : 0;
        }
    }
    if (!out->has_adj_rib_in && by_family)
        *out = (struct bmp_statistics){true, of_families};
}

void bmp_initiation_read(char name[BMP_NAME_MAX], struct wire w)
{
    read_name(name, w, INFO_SYS_NAME);
    if (strcmp(name, NOT_DEFINED) == 0)
        name[0] = '\0';
}
