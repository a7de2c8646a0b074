#include "route/rtr.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 8, IPV4_BITS = 96, IPV4_OFFSET = 12 };
enum { FLAG_ANNOUNCE = 1 };
enum rtr_error { /* RFC 8210, section 12 */
                 ERROR_CORRUPT = 0,
                 ERROR_NO_DATA = 2,
                 ERROR_VERSION = 4,
                 ERROR_TYPE = 5,
                 ERROR_UNKNOWN_WITHDRAWN = 6,
                 ERROR_DUPLICATE = 7,
                 ERROR_OTHER_VERSION = 8,
};
enum pdu_type {
    SERIAL_NOTIFY,
    SERIAL_QUERY,
    RESET_QUERY,
    CACHE_RESPONSE,
    IPV4_PREFIX,
    IPV6_PREFIX = 6,
    END_OF_DATA,
    CACHE_RESET,
    ROUTER_KEY,
    ERROR_REPORT,
};

struct pdu {
    uint8_t version, type;
    uint16_t session; /* or an error code */
    struct wire body;
};

void rtr_begin(struct rtr *r, const struct watch *watch)
{
    *r = (struct rtr){.watch = watch,
                      .version = 1,
                      .refresh_s = 3600,
                      .retry_s = 600,
                      .expire_s = 7200};
}

void rtr_free(struct rtr *r)
{
    free(r->table.all);
    free(r->coming.all);
    *r = (struct rtr){.watch = NULL};
}

void rtr_connected(struct rtr *r)
{
    r->version = r->try_lower ? 0 : 1;
    r->try_lower = r->negotiated = r->reports = false;
    r->state = RTR_QUIET;
    rtr_refresh(r);
}

/* Old validators close the connection when they read version 1. */
void rtr_closed(struct rtr *r)
{
    r->try_lower = r->version > 0 && !r->negotiated && r->state == RTR_ASKED;
}

void rtr_refresh(struct rtr *r)
{
    r->asks = r->asks || r->state == RTR_QUIET;
}

static size_t put_query(struct rtr *r, struct wire_out *w)
{
    bool serial = r->synced && r->version == r->table_version;
    size_t len = serial ? HEADER_BYTES + 4 : HEADER_BYTES;
    r->asks = false;
    r->state = RTR_ASKED;
    wire_put_u8(w, r->version);
    wire_put_u8(w, serial ? SERIAL_QUERY : RESET_QUERY);
    wire_put_u16(w, serial ? r->session : 0);
    wire_put_u32(w, (uint32_t)len);
    if (serial)
        wire_put_u32(w, r->serial);
    return len;
}

static size_t put_error_report(struct rtr *r, struct wire_out *w)
{
    size_t text_len = strlen(r->error), len = HEADER_BYTES + 8 + r->quote_len + text_len;
    r->reports = false;
    wire_put_u8(w, r->version);
    wire_put_u8(w, ERROR_REPORT);
    wire_put_u16(w, r->error_code);
    wire_put_u32(w, (uint32_t)len);
    wire_put_u32(w, (uint32_t)r->quote_len);
    wire_put(w, r->quote, r->quote_len);
    wire_put_u32(w, (uint32_t)text_len);
    wire_put(w, r->error, text_len);
    return w->no_room ? 0 : len;
}

size_t rtr_output(struct rtr *r, uint8_t out[RTR_OUT_MAX])
{
    struct wire_out w = wire_to(out, RTR_OUT_MAX);
    return r->reports ? put_error_report(r, &w) : r->asks ? put_query(r, &w) : 0;
}

/* ---- VRPs ---- */

static bool is_same(const struct vrp *a, const struct vrp *b)
{
    return a->as == b->as && a->longest == b->longest &&
           bgp_prefix_order(&a->prefix, &b->prefix) == 0;
}

static ssize_t fail(struct rtr *r, enum rtr_error code, const char *error)
{
    r->error = error;
    r->error_code = (uint16_t)code;
    r->reports = true;
    r->synced = false; /* the next answer is a whole table */
    return -EBADMSG;
}

static ssize_t change_vrp(struct rtr *r, const struct vrp *v, bool announced)
{
    struct vrps *in = &r->coming;
    size_t i = 0;
    while (i < in->n && !is_same(&in->all[i], v))
        i++;
    if (announced && i < in->n)
        return fail(r, ERROR_DUPLICATE, "a prefix that was announced before");
    if (!announced && i == in->n && r->left_out == 0)
        return fail(r, ERROR_UNKNOWN_WITHDRAWN, "a prefix withdrawn that is not known");
    if (!announced && i < in->n) {
        in->all[i] = in->all[--in->n];
    } else if (announced && in->n == RTR_VRPS_MAX) {
        r->left_out++;
    } else if (announced) {
        in->all = mem_grow(in->all, &in->room, in->n + 1, sizeof *in->all);
        in->all[in->n++] = *v;
    }
    return 0;
}

static ssize_t take_prefix(struct rtr *r, struct pdu *p)
{
    bool ipv4 = p->type == IPV4_PREFIX;
    struct endpoint e = {.family = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6};
    uint8_t flags = wire_u8(&p->body), bits = wire_u8(&p->body);
    uint8_t longest = wire_u8(&p->body), most = ipv4 ? 32 : 128;
    wire_skip(&p->body, 1);
    wire_copy(&p->body, e.bytes, ipv4 ? 4 : 16);
    uint32_t as = wire_u32(&p->body);
    if (!wire_ok(&p->body) || p->body.left > 0 || longest > most || longest < bits)
        return fail(r, ERROR_CORRUPT, "a malformed prefix");
    if (r->state != RTR_SENDING)
        return fail(r, ERROR_CORRUPT, "a prefix out of order");
    struct vrp v = {.prefix = bgp_prefix_of(&e, bits),
                    .longest = (uint8_t)(longest + (ipv4 ? IPV4_BITS : 0)),
                    .as = as};
    if (!watch_overlaps(r->watch, &v.prefix))
        return 0;
    return change_vrp(r, &v, flags & FLAG_ANNOUNCE);
}

/* ---- PDUs ---- */

/* RFC 8210, section 5.1: what another session has sent is not to be kept. */
static ssize_t fail_session(struct rtr *r)
{
    rtr_expire(r);
    return fail(r, ERROR_CORRUPT, "another session ID");
}

static ssize_t begin_data(struct rtr *r, const struct pdu *p)
{
    if (r->state != RTR_ASKED)
        return fail(r, ERROR_CORRUPT, "a Cache Response without a query");
    bool whole = !r->synced || r->version != r->table_version;
    if (!whole && p->session != r->session)
        return fail_session(r);
    r->state = RTR_SENDING;
    r->session = p->session;
    r->table_version = r->version;
    r->coming.n = 0;
    if (whole) {
        r->synced = false;
        r->left_out = 0;
    } else if (r->table.n > 0) {
        r->coming.all =
            mem_grow(r->coming.all, &r->coming.room, r->table.n, sizeof *r->coming.all);
        memcpy(r->coming.all, r->table.all, r->table.n * sizeof *r->table.all);
        r->coming.n = r->table.n;
    }
    return 0;
}

static uint32_t within(uint32_t value, uint32_t low, uint32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static ssize_t end_data(struct rtr *r, struct pdu *p)
{
    uint32_t serial = wire_u32(&p->body);
    if (r->state != RTR_SENDING)
        return fail(r, ERROR_CORRUPT, "an End of Data out of order");
    if (p->session != r->session)
        return fail_session(r);
    if (r->version > 0) { /* the ranges of RFC 8210, section 6 */
        r->refresh_s = within(wire_u32(&p->body), 1, 86400);
        r->retry_s = within(wire_u32(&p->body), 1, 7200);
        r->expire_s = within(wire_u32(&p->body), 600, 172800);
        r->told = true;
    }
    struct vrps old = r->table;
    r->table = r->coming;
    r->coming = old;
    r->coming.n = 0;
    r->serial = serial;
    r->has_data = r->synced = true;
    r->state = RTR_QUIET;
    r->changes++;
    return 0;
}

static ssize_t take_error(struct rtr *r, const struct pdu *p)
{
    if (p->session == ERROR_VERSION && r->version > 0 && !r->negotiated) {
        r->try_lower = true;
        return -EAGAIN;
    }
    fail(r, ERROR_CORRUPT,
         p->session == ERROR_NO_DATA ? "the validator has no data yet"
                                     : "the validator reports an error");
    r->reports = false; /* an Error Report is never answered with another */
    return -EBADMSG;
}

/* The whole length that the type must have; 0: any. */
static size_t length_of(uint8_t type, uint8_t version)
{
    static const uint8_t lengths[] = {
        [SERIAL_NOTIFY] = 12, [CACHE_RESPONSE] = 8, [IPV4_PREFIX] = 20,
        [IPV6_PREFIX] = 32,   [END_OF_DATA] = 12,   [CACHE_RESET] = 8,
        [ERROR_REPORT] = 0,
    };
    return type == END_OF_DATA && version > 0 ? 24
           : type < sizeof lengths            ? lengths[type]
                                              : 0;
}

static ssize_t take_pdu(struct rtr *r, struct pdu *p)
{
    if (p->type == ERROR_REPORT)
        return take_error(r, p);
    if (p->type == SERIAL_NOTIFY && !r->negotiated)
        return 0; /* RFC 8210, section 7: of any version */
    if (p->version > r->version || (p->version < r->version && r->negotiated))
        return fail(r, ERROR_OTHER_VERSION, "another version of the protocol");
    r->version = p->version; /* the validator answers with what it speaks */
    r->negotiated = true;
    size_t length = length_of(p->type, p->version);
    if (length > 0 && p->body.left + HEADER_BYTES != length)
        return fail(r, ERROR_CORRUPT, "a PDU with a wrong length");
    switch (p->type) {
    case SERIAL_NOTIFY:
        if (r->synced && r->version == r->table_version && p->session != r->session)
            return fail_session(r);
        rtr_refresh(r);
        return 0;
    case CACHE_RESPONSE:
        return begin_data(r, p);
    case IPV4_PREFIX:
    case IPV6_PREFIX:
        return take_prefix(r, p);
    case END_OF_DATA:
        return end_data(r, p);
    case CACHE_RESET: /* it cannot send changes */
        if (r->state != RTR_ASKED)
            return fail(r, ERROR_CORRUPT, "a Cache Reset without a query");
        r->synced = false;
        r->state = RTR_QUIET;
        rtr_refresh(r);
        return 0;
    case ROUTER_KEY:
        return 0;
    default:
        return fail(r, ERROR_TYPE, "an unknown PDU");
    }
}

static void quote(struct rtr *r, const uint8_t *bytes, size_t len)
{
    r->quote_len = len < RTR_QUOTE_MAX ? len : RTR_QUOTE_MAX;
    memcpy(r->quote, bytes, r->quote_len);
}

ssize_t rtr_take(struct rtr *r, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    for (;;) {
        struct wire w = wire_from(bytes + at, len - at);
        struct pdu p = {.version = wire_u8(&w), .type = wire_u8(&w)};
        p.session = wire_u16(&w);
        uint32_t length = wire_u32(&w);
        if (!wire_ok(&w))
            return (ssize_t)at;
        if (length < HEADER_BYTES || length > RTR_PDU_MAX) {
            quote(r, bytes + at, HEADER_BYTES);
            return fail(r, ERROR_CORRUPT, "a PDU with a wrong length");
        }
        p.body = wire_take(&w, length - HEADER_BYTES);
        if (!wire_ok(&w))
            return (ssize_t)at;
        ssize_t rc = take_pdu(r, &p);
        if (rc < 0) {
            quote(r, bytes + at, length);
            return rc;
        }
        at += length;
    }
}

void rtr_expire(struct rtr *r)
{
    r->changes += r->has_data;
    r->has_data = r->synced = false;
    r->table.n = 0;
}

/* ---- validation ---- */

enum origin_state rtr_validate(const struct rtr *r, const struct bgp_prefix *prefix,
                               uint32_t as)
{
    enum origin_state state = ORIGIN_NOT_FOUND;
    if (!r->has_data)
        return ORIGIN_NOT_VALIDATED;
    for (size_t i = 0; i < r->table.n; i++) {
        const struct vrp *v = &r->table.all[i];
        if (!bgp_prefix_covers(&v->prefix, prefix))
            continue;
        if (as != 0 && v->as == as && prefix->bits <= v->longest)
            return ORIGIN_VALID;
        state = ORIGIN_INVALID;
    }
    return state;
}

const char *origin_state_name(enum origin_state state)
{
    static const char *const names[] = {NULL, "not_found", "valid", "invalid"};
    return names[state];
}

const char *origin_state_text(enum origin_state state)
{
    static const char *const texts[] = {"not validated", "not found", "valid", "invalid"};
    return texts[state];
}
