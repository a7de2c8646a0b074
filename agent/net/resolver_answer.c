#include "net/resolver_answer.h"

#include "base/text.h"
#include "base/wire.h"

#include <stdio.h>
#include <string.h>

enum {
    TYPE_A = 1,
    TYPE_CNAME = 5,
    TYPE_PTR = 12,
    TYPE_TXT = 16,
    TYPE_AAAA = 28,
    CLASS_IN = 1
};
enum { FLAG_AA = 0x0400, FLAG_RA = 0x0080, RCODES = 0x000f };
enum { NOERROR = 0, FORMERR = 1, SERVFAIL = 2, NXDOMAIN = 3, NOTIMP = 4, REFUSED = 5 };

struct dns_message {
    const uint8_t *bytes;
    size_t len;
    struct wire left;
};

struct record {
    char owner[HOST_TEXT_MAX];
    uint16_t type, class;
    uint32_t ttl_s;
    struct wire data;
};

static void clear_answer(struct resolution *a)
{
    a->error = NULL;
    a->temporary = false;
    a->n = a->n_cnames = a->n_texts = 0;
    a->last[0] = '\0';
    a->unfit = (struct endpoint){.family = FAMILY_NONE};
    a->ttl_s = UINT32_MAX;
}

static enum resolver_answer failed(struct resolution *a, const char *error)
{
    a->error = error;
    a->temporary = true;
    return RESOLVER_FAILED;
}

static enum resolver_answer no_name(struct resolution *a, const char *error)
{
    a->error = error;
    a->temporary = false;
    return RESOLVER_NO_NAME;
}

static enum resolver_answer no_address(struct resolution *a)
{
    a->ttl_s = RESOLUTION_ABSENT_TTL_S;
    return RESOLVER_NO_ADDRESS;
}

void resolver_answer_no_host(struct resolution *a)
{
    failed(a, "its address is not that of one host (a filter that blocks the name?)");
}

enum resolver_answer resolver_answer_missing(struct resolution *a, int status)
{
    clear_answer(a);
    switch (status) {
    case ARES_EBADNAME:
        return no_name(a, "not a name that DNS can hold");
    case ARES_ETIMEOUT:
        return failed(a, "no DNS server answered");
    case ARES_ECONNREFUSED: /* or no socket left */
        return failed(a, "no DNS server could be reached");
    default:
        return failed(a, ares_strerror(status));
    }
}

static enum resolver_answer by_code(struct resolution *a, unsigned rcode)
{
    switch (rcode) {
    case NXDOMAIN:
        return no_name(a, "no such name");
    case SERVFAIL:
        return failed(a, "the DNS server failed (SERVFAIL)");
    case REFUSED:
        return failed(a, "the DNS server refused the question");
    case NOTIMP:
    case FORMERR:
        return failed(a, "the DNS server does not understand the question");
    default:
        return failed(a, "the DNS server answered with an unknown error code");
    }
}

/* ---- records ---- */

/* Reads a name, compressed or not, into `out`, which may be NULL. Replaces what is
 * not visible. */
static bool take_name(struct dns_message *m, char out[HOST_TEXT_MAX])
{
    char *name = NULL;
    long len = 0;
    if (m->left.left == 0 ||
        ares_expand_name(m->left.at, m->bytes, (int)m->len, &name, &len) != ARES_SUCCESS)
        return false;
    if (out != NULL) {
        text_copy(out, HOST_TEXT_MAX, name);
        text_visible(out);
    }
    ares_free_string(name);
    wire_skip(&m->left, (size_t)len);
    return wire_ok(&m->left);
}

static bool take_record(struct dns_message *m, struct record *r)
{
    if (!take_name(m, r->owner))
        return false;
    r->type = wire_u16(&m->left);
    r->class = wire_u16(&m->left);
    r->ttl_s = wire_u32(&m->left);
    r->data = wire_take(&m->left, wire_u16(&m->left));
    if (r->ttl_s > INT32_MAX) /* read as 0: RFC 2181, section 8 */
        r->ttl_s = 0;
    return wire_ok(&m->left);
}

static bool take_cname(struct resolution *a, const struct dns_message *m,
                       const struct record *r)
{
    struct dns_message of = {m->bytes, m->len, r->data};
    char name[HOST_TEXT_MAX];
    if (!take_name(&of, name))
        return false;
    if (a->n_cnames < RESOLUTION_CNAMES_MAX)
        text_copy(a->cnames[a->n_cnames++], HOST_TEXT_MAX, name);
    return true;
}

/* Returns true for a valid address record, also when the address is not that of a single
 * host. */
static bool take_address(struct resolution *a, struct record *r, enum family family,
                         uint16_t port)
{
    size_t len = family == FAMILY_IPV6 ? 16 : 4;
    struct endpoint e = {.family = (uint8_t)family, .port = port};
    if (r->data.left != len)
        return false;
    wire_copy(&r->data, e.bytes, len);
    /* Records may come in any order: the owner of the address is the end of the CNAME
     * chain. */
    text_copy(a->last, sizeof a->last, r->owner);
    if (!endpoint_is_host(&e)) {
        if (a->unfit.family == FAMILY_NONE)
            a->unfit = e;
    } else if (a->n < RESOLUTION_ADDRESSES_MAX) {
        a->addresses[a->n++] = e;
    }
    return true;
}

/* Of several names the first one counts. */
static bool take_pointer(struct resolution *a, const struct dns_message *m,
                         const struct record *r)
{
    struct dns_message of = {m->bytes, m->len, r->data};
    char name[HOST_TEXT_MAX];
    if (!take_name(&of, name))
        return false;
    if (a->last[0] == '\0')
        text_copy(a->last, sizeof a->last, name);
    return true;
}

/* RFC 1035, section 3.3.14: strings with a byte of length each. */
static bool take_text(struct resolution *a, struct record *r)
{
    char text[RESOLUTION_TEXT_MAX];
    size_t len = 0;
    while (r->data.left > 0) {
        struct wire string = wire_take(&r->data, wire_u8(&r->data));
        if (!wire_ok(&r->data))
            return false;
        size_t fits = string.left < sizeof text - len ? string.left : sizeof text - len;
        memcpy(text + len, string.at, fits);
        len += fits;
    }
    if (a->n_texts < RESOLUTION_TEXTS_MAX)
        text_copy_line(a->texts[a->n_texts++], RESOLUTION_TEXT_MAX, text, len);
    return true;
}

/* Of a query for PTR or TXT records. */
static enum resolver_answer take_others(struct resolution *a, struct dns_message *m,
                                        unsigned n, uint16_t type)
{
    struct record r;
    while (n-- > 0) {
        bool fine = take_record(m, &r);
        if (fine && r.class == CLASS_IN && r.type == type) {
            fine = type == TYPE_PTR ? take_pointer(a, m, &r) : take_text(a, &r);
            a->ttl_s = r.ttl_s < a->ttl_s ? r.ttl_s : a->ttl_s;
        }
        if (!fine) {
            clear_answer(a);
            return failed(a, "the DNS server's answer makes no sense");
        }
    }
    return a->last[0] != '\0' || a->n_texts > 0 ? RESOLVER_FOUND : no_address(a);
}

static enum resolver_answer take_records(struct resolution *a, struct dns_message *m,
                                         unsigned n, enum family family, uint16_t port)
{
    uint16_t wanted = family == FAMILY_IPV6 ? TYPE_AAAA : TYPE_A;
    bool addresses = false;
    struct record r;
    while (n-- > 0) {
        bool fine = take_record(m, &r);
        if (fine && r.class != CLASS_IN)
            continue;
        if (fine && r.type == TYPE_CNAME)
            fine = take_cname(a, m, &r);
        else if (fine && r.type == wanted)
            fine = addresses = take_address(a, &r, family, port);
        if (!fine) {
            clear_answer(a);
            return failed(a, "the DNS server's answer makes no sense");
        }
        if ((r.type == TYPE_CNAME || r.type == wanted) && r.ttl_s < a->ttl_s)
            a->ttl_s = r.ttl_s;
    }
    if (a->n > 0)
        return RESOLVER_FOUND;
    if (!addresses)
        return no_address(a);
    resolver_answer_no_host(a);
    return RESOLVER_FOUND; /* other servers filter as well, or must not be asked */
}

/* Reads up to the answers; their number is in `*answers`. Anything but RESOLVER_FOUND ends
 * the reading. */
static enum resolver_answer read_head(struct resolution *a, struct dns_message *m,
                                      uint16_t *answers)
{
    clear_answer(a);
    wire_skip(&m->left, 2);
    uint16_t flags = wire_u16(&m->left), questions = wire_u16(&m->left);
    *answers = wire_u16(&m->left);
    uint16_t authorities = wire_u16(&m->left);
    wire_skip(&m->left, 2);
    bool fine = wire_ok(&m->left);
    for (; fine && questions > 0; questions--) {
        fine = take_name(m, NULL);
        wire_skip(&m->left, 4);
    }
    if (!fine || !wire_ok(&m->left))
        return failed(a, "the DNS server's answer makes no sense");
    if ((flags & RCODES) != NOERROR)
        return by_code(a, flags & RCODES);
    if (*answers == 0 && (flags & (FLAG_AA | FLAG_RA)) == 0)
        return failed(a, authorities > 0
                             ? "the DNS server only refers to others (a server for "
                               "zones of its own)"
                             : "the DNS server neither knows the name nor asks others");
    return RESOLVER_FOUND;
}

enum resolver_answer resolver_answer_read(struct resolution *a, const uint8_t *bytes,
                                          size_t len, enum family family, uint16_t port)
{
    struct dns_message m = {bytes, len, wire_from(bytes, len)};
    uint16_t answers;
    enum resolver_answer head = read_head(a, &m, &answers);
    return head == RESOLVER_FOUND ? take_records(a, &m, answers, family, port) : head;
}

enum resolver_answer resolver_answer_name(struct resolution *a, const uint8_t *bytes,
                                          size_t len)
{
    struct dns_message m = {bytes, len, wire_from(bytes, len)};
    uint16_t answers;
    enum resolver_answer head = read_head(a, &m, &answers);
    return head == RESOLVER_FOUND ? take_others(a, &m, answers, TYPE_PTR) : head;
}

enum resolver_answer resolver_answer_text(struct resolution *a, const uint8_t *bytes,
                                          size_t len)
{
    struct dns_message m = {bytes, len, wire_from(bytes, len)};
    uint16_t answers;
    enum resolver_answer head = read_head(a, &m, &answers);
    return head == RESOLVER_FOUND ? take_others(a, &m, answers, TYPE_TXT) : head;
}

void resolver_answer_reverse(char out[HOST_TEXT_MAX], const struct endpoint *address)
{
    const uint8_t *b = address->bytes;
    size_t len = 0;
    if (address->family != FAMILY_IPV6) {
        snprintf(out, HOST_TEXT_MAX, "%u.%u.%u.%u.in-addr.arpa.", b[3], b[2], b[1], b[0]);
        return;
    }
    for (size_t i = 16; i-- > 0;)
        len += (size_t)snprintf(out + len, HOST_TEXT_MAX - len, "%x.%x.", b[i] & 15,
                                b[i] >> 4);
    snprintf(out + len, HOST_TEXT_MAX - len, "ip6.arpa.");
}
