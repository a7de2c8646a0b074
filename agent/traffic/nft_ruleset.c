#include "traffic/nft_ruleset.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

const struct nft_set_name nft_sets[NFT_SETS] = {
    {"to4", RATE_TRANSMIT, FAMILY_IPV4},
    {"to6", RATE_TRANSMIT, FAMILY_IPV6},
    {"from4", RATE_RECEIVE, FAMILY_IPV4},
    {"from6", RATE_RECEIVE, FAMILY_IPV6},
};

/* ---- ranges ---- */

struct boundary { /* where another longest prefix may begin */
    uint8_t bytes[16];
};

struct range {
    struct endpoint first, last;
    const char *service;
};

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct boundary));
}

/* False: behind the last address. */
static bool add_one(uint8_t bytes[16])
{
    for (size_t i = 16; i-- > 0;)
        if (++bytes[i] != 0)
            return true;
    return false;
}

static void subtract_one(uint8_t bytes[16])
{
    for (size_t i = 16; i-- > 0;)
        if (bytes[i]-- != 0)
            return;
}

static struct endpoint endpoint_at(const uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct endpoint e = {.family = FAMILY_IPV6};
    if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        e.family = FAMILY_IPV4;
        memcpy(e.bytes, bytes + 12, 4);
    } else {
        memcpy(e.bytes, bytes, 16);
    }
    return e;
}

static size_t find_boundaries(const struct prefixes *p, struct boundary *to)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct boundary end;
        memcpy(to[n++].bytes, p->all[i].bytes, 16);
        memcpy(end.bytes, p->all[i].bytes, 16);
        for (size_t bit = p->all[i].bits; bit < 128; bit++)
            end.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
        if (add_one(end.bytes))
            to[n++] = end;
    }
    qsort(to, n, sizeof *to, compare);
    return n;
}

/* In order; neighbours have different services. */
static size_t find_ranges(const struct prefixes *p, struct range **out)
{
    struct boundary *at = mem_alloc((2 * p->n + 1) * sizeof *at);
    struct range *ranges = mem_alloc((2 * p->n + 1) * sizeof *ranges);
    size_t n = find_boundaries(p, at), n_ranges = 0;
    bool joins = false; /* the range before ends here */
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && compare(&at[i], &at[i + 1]) == 0)
            continue;
        struct endpoint first = endpoint_at(at[i].bytes);
        const struct prefix *prefix = prefixes_find(p, &first);
        struct boundary last = {{0}};
        memset(last.bytes, 0xff, sizeof last.bytes);
        if (i + 1 < n) {
            last = at[i + 1];
            subtract_one(last.bytes);
        }
        if (prefix == NULL) {
            joins = false;
            continue;
        }
        struct range *before = joins ? &ranges[n_ranges - 1] : NULL;
        if (before == NULL || strcmp(before->service, prefix->service) != 0 ||
            before->first.family != first.family)
            ranges[n_ranges++] =
                (struct range){.first = first, .service = prefix->service};
        ranges[n_ranges - 1].last = endpoint_at(last.bytes);
        joins = true;
    }
    free(at);
    *out = ranges;
    return n_ranges;
}

/* ---- text ---- */

static void add_set(struct text *out, const struct nft_set_name *set,
                    const struct range *ranges, size_t n)
{
    char first[ADDRESS_TEXT_MAX], last[ADDRESS_TEXT_MAX];
    const char *comma = "";
    text_add(out,
             "    set %s {\n        type %s\n        flags interval\n        counter\n",
             set->name, set->family == FAMILY_IPV4 ? "ipv4_addr" : "ipv6_addr");
    for (size_t i = 0; i < n; i++) {
        if (ranges[i].first.family != set->family)
            continue;
        text_add(out, "%s%s",
                 *comma == '\0' ? "        elements = {\n            " : comma,
                 endpoint_address(first, &ranges[i].first));
        if (!endpoint_same_address(&ranges[i].first, &ranges[i].last))
            text_add(out, "-%s", endpoint_address(last, &ranges[i].last));
        comma = ",\n            ";
    }
    text_add(out, "%s    }\n", *comma != '\0' ? "\n        }\n" : "");
}

void nft_ruleset_remove(struct text *out)
{
    text_add(out, "table inet " NFT_TABLE "\ndelete table inet " NFT_TABLE "\n");
}

size_t nft_ruleset(const struct prefixes *prefixes, struct text *out)
{
    struct range *ranges;
    size_t n = find_ranges(prefixes, &ranges);
    nft_ruleset_remove(out);
    text_add(out, "table inet " NFT_TABLE " {\n");
    for (size_t s = 0; s < NFT_SETS; s++)
        add_set(out, &nft_sets[s], ranges, n);
    text_add(out, "    chain forward {\n"
                  "        type filter hook forward priority -300; policy accept;\n");
    for (size_t s = 0; s < NFT_SETS; s++)
        text_add(
            out, "        %s %s @%s\n", nft_sets[s].family == FAMILY_IPV4 ? "ip" : "ip6",
            nft_sets[s].direction == RATE_TRANSMIT ? "daddr" : "saddr", nft_sets[s].name);
    text_add(out, "    }\n}\n");
    free(ranges);
    return n;
}
