#include "route/watch.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { IPV4_OFFSET = 12, IPV4_BITS = 96, COVER_LEAST_IPV4 = 8, COVER_LEAST_IPV6 = 16 };

/* The first 16 bits of the address in its family. */
static unsigned first_bits(const struct bgp_prefix *p, bool ipv6)
{
    const uint8_t *at = p->bytes + (ipv6 ? 0 : IPV4_OFFSET);
    return (unsigned)at[0] << 8 | at[1];
}

static size_t bits_of(const struct bgp_prefix *p, bool ipv6)
{
    return p->bits - (ipv6 ? 0u : IPV4_BITS);
}

static void add(struct watch *w, const struct bgp_prefix *prefix, bool registered,
                const char *service)
{
    bool ipv6 = bgp_prefix_family(prefix) == FAMILY_IPV6;
    w->all = mem_grow(w->all, &w->room, w->n + 1, sizeof *w->all);
    struct watched *e = &w->all[w->n++];
    *e = (struct watched){.prefix = *prefix, .registered = registered};
    text_copy(e->service, sizeof e->service, service);
    size_t bits = bits_of(prefix, ipv6);
    unsigned from = first_bits(prefix, ipv6);
    unsigned n = bits < 16 ? 1u << (16 - bits) : 1;
    for (unsigned i = from; i < from + n; i++)
        w->first[ipv6][i / 8] |= (uint8_t)(1 << i % 8);
}

static void add_registered(struct watch *w, const char *list)
{
    for (const char *at = list; *at != '\0';) {
        char word[BGP_PREFIX_TEXT_MAX];
        struct bgp_prefix p;
        size_t len = strcspn(at, " \t,");
        text_copy(word, len < sizeof word ? len + 1 : sizeof word, at);
        if (bgp_prefix_parse(&p, word))
            add(w, &p, true, "registered");
        at += len + strspn(at + len, " \t,");
    }
}

void watch_build(struct watch *w, const char *registered,
                 const struct prefixes *microsoft)
{
    *w = (struct watch){0};
    add_registered(w, registered);
    for (size_t i = 0; i < microsoft->n; i++) {
        struct bgp_prefix p = {.bits = microsoft->all[i].bits};
        memcpy(p.bytes, microsoft->all[i].bytes, sizeof p.bytes);
        add(w, &p, false, microsoft->all[i].service);
    }
}

void watch_free(struct watch *w)
{
    free(w->all);
    *w = (struct watch){0};
}

const struct watched *watch_find(const struct watch *w, const struct bgp_prefix *prefix)
{
    bool ipv6 = bgp_prefix_family(prefix) == FAMILY_IPV6;
    size_t bits = bits_of(prefix, ipv6);
    unsigned first = first_bits(prefix, ipv6);
    if (bits >= 16 && (w->first[ipv6][first / 8] >> first % 8 & 1) == 0)
        return NULL;
    bool may_cover = bits >= (ipv6 ? COVER_LEAST_IPV6 : COVER_LEAST_IPV4);
    const struct watched *covers = NULL, *covered = NULL;
    for (size_t i = 0; i < w->n; i++) {
        const struct watched *e = &w->all[i];
        if (covers != NULL && covers->registered && !e->registered)
            break;
        if (bgp_prefix_covers(&e->prefix, prefix)) {
            if (covers == NULL || e->prefix.bits > covers->prefix.bits)
                covers = e;
        } else if (covered == NULL && may_cover && !e->registered &&
                   bgp_prefix_covers(prefix, &e->prefix)) {
            covered = e;
        }
    }
    return covers != NULL ? covers : covered;
}

bool watch_overlaps(const struct watch *w, const struct bgp_prefix *prefix)
{
    bool ipv6 = bgp_prefix_family(prefix) == FAMILY_IPV6;
    unsigned first = first_bits(prefix, ipv6);
    if (bits_of(prefix, ipv6) >= 16 && (w->first[ipv6][first / 8] >> first % 8 & 1) == 0)
        return false;
    for (size_t i = 0; i < w->n; i++)
        if (bgp_prefix_covers(&w->all[i].prefix, prefix) ||
            bgp_prefix_covers(prefix, &w->all[i].prefix))
            return true;
    return false;
}
