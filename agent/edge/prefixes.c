/*
 * Sorted by first address, shorter prefixes first. Prefixes never overlap partly, so the
 * longest prefix that covers an address is the last one that begins at or before it, or
 * one that covers that one: a binary search and a few steps up.
 */
#include "edge/prefixes.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IPV4_OFFSET = 12 }; /* of an IPv4 address in the 16 bytes */

static void to_bytes(uint8_t out[16], const struct endpoint *e)
{
    static const uint8_t mapped[IPV4_OFFSET] = {[10] = 0xff, [11] = 0xff};
    if (e->family == FAMILY_IPV6) {
        memcpy(out, e->bytes, 16);
        return;
    }
    memcpy(out, mapped, IPV4_OFFSET);
    memcpy(out + IPV4_OFFSET, e->bytes, 4);
}

/* Clears all bits after the first `bits`; true when any was set. */
static bool clear_host(uint8_t *bytes, size_t bits, size_t all)
{
    bool was_set = false;
    for (size_t i = bits; i < all; i++) {
        uint8_t bit = (uint8_t)(0x80 >> i % 8);
        was_set = was_set || (bytes[i / 8] & bit) != 0;
        bytes[i / 8] = (uint8_t)(bytes[i / 8] & ~bit);
    }
    return was_set;
}

static bool covers(const struct prefix *p, const uint8_t address[16])
{
    return endpoint_same_prefix(p->bytes, address, p->bits);
}

/* ---- reading ---- */

bool prefixes_read(struct datafile *f, char *field, struct prefix *p)
{
    struct endpoint e;
    char address[ADDRESS_TEXT_MAX];
    int64_t bits;
    char *slash = strchr(field, '/');
    if (slash != NULL)
        *slash = '\0';
    if (!endpoint_parse(&e, field, 0) || e.scope != 0) {
        datafile_problem(f,
                         "prefix %s: must be an address and its length, such as "
                         "192.0.2.0/24 or 2001:db8::/32",
                         field);
        return false;
    }
    int most = e.family == FAMILY_IPV4 ? 32 : 128;
    if (slash == NULL || !text_to_integer(slash + 1, 0, most, &bits)) {
        datafile_problem(f, "prefix %s: needs a length from 0 to %d: %s/%d", field, most,
                         field, most);
        return false;
    }
    bool host = clear_host(e.bytes, (size_t)bits, (size_t)most);
    snprintf(p->text, sizeof p->text, "%s/%d", endpoint_address(address, &e), (int)bits);
    if (host) {
        datafile_problem(f, "prefix %s/%d: has host bits set; did you mean %s?", field,
                         (int)bits, p->text);
        return false;
    }
    to_bytes(p->bytes, &e);
    p->bits = (uint8_t)(bits + 128 - most);
    return true;
}

static bool read_basis(struct datafile *f, const char *field, struct prefix *p)
{
    p->inferred = strcmp(field, "inferred") == 0;
    if (p->inferred || strcmp(field, "published") == 0)
        return true;
    datafile_problem(f, "basis %s: must be published or inferred", field);
    return false;
}

static int by_address(const void *a, const void *b)
{
    const struct prefix *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, sizeof x->bytes);
    if (order == 0)
        order = (int)x->bits - (int)y->bits;
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static bool is_same(const struct prefix *a, const struct prefix *b)
{
    return a->bits == b->bits && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Keeps the first of equal prefixes. */
static void drop_duplicates(struct prefixes *p, struct datafile *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n; i++) {
        if (kept == 0 || !is_same(&p->all[kept - 1], &p->all[i])) {
            p->all[kept++] = p->all[i];
            continue;
        }
        f->line = p->all[i].line;
        datafile_problem(f, "prefix %s: duplicate of line %u, there for %s",
                         p->all[i].text, (unsigned)p->all[kept - 1].line,
                         p->all[kept - 1].service);
    }
    p->n = kept;
}

/* Finds for each prefix the next shorter one that covers it; it is before it. */
static void link_up(struct prefixes *p)
{
    for (size_t i = 1; i < p->n; i++) {
        size_t up = i; /* index + 1 of the one before */
        while (up > 0 && !covers(&p->all[up - 1], p->all[i].bytes))
            up = p->all[up - 1].up;
        p->all[i].up = (uint16_t)up;
    }
}

size_t prefixes_parse(struct prefixes *out, const struct datafile_source *from)
{
    struct datafile f;
    char *fields[DATAFILE_COLUMNS_MAX];
    *out = (struct prefixes){0};
    if (datafile_open(&f, from, "prefixes", "prefix,service,basis"))
        text_copy(out->version, sizeof out->version, f.version);
    while (datafile_next(&f, fields)) {
        struct prefix p = {.line = (uint32_t)f.line};
        if (!prefixes_read(&f, fields[0], &p) ||
            !datafile_word(&f, "service", fields[1], p.service, sizeof p.service) ||
            !read_basis(&f, fields[2], &p))
            continue;
        if (out->n == PREFIXES_MAX) {
            datafile_problem(&f, "more than %d prefixes", PREFIXES_MAX);
            break;
        }
        out->all = mem_grow(out->all, &out->room, out->n + 1, sizeof *out->all);
        out->all[out->n++] = p;
    }
    if (out->n > 0)
        qsort(out->all, out->n, sizeof *out->all, by_address);
    drop_duplicates(out, &f);
    link_up(out);
    return f.problems;
}

void prefixes_free(struct prefixes *p)
{
    free(p->all);
    *p = (struct prefixes){0};
}

/* ---- lookup ---- */

/* Number of prefixes that begin at or before the address. */
static size_t count_before(const struct prefixes *p, const uint8_t address[16])
{
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memcmp(p->all[middle].bytes, address, 16) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct prefix *prefixes_find(const struct prefixes *p,
                                   const struct endpoint *address)
{
    uint8_t bytes[16];
    if (address->family == FAMILY_NONE)
        return NULL;
    to_bytes(bytes, address);
    size_t at = count_before(p, bytes); /* index + 1 */
    while (at > 0 && !covers(&p->all[at - 1], bytes))
        at = p->all[at - 1].up;
    return at > 0 ? &p->all[at - 1] : NULL;
}
