#include "edge/path_sample.h"

#include "base/text.h"
#include "edge/as_path.h"

#include <stdio.h>
#include <string.h>

const char *path_end_name(enum path_end end)
{
    static const char *const names[] = {
        [PATH_REACHED] = "reached",
        [PATH_SILENT] = "silent",
        [PATH_UNREACHABLE] = "unreachable",
        [PATH_LOOP] = "loop",
    };
    return names[end];
}

const char *path_entry(const struct path_sample *s)
{
    return s->entry == ENTRY_FOUND ? s->hops[s->first].metro : "";
}

bool path_entry_is_exact(const struct path_sample *s)
{
    return s->first < s->n && (s->first == 0 || s->before + 1 == s->first);
}

/* ---- networks ---- */

static bool is_answer(const struct path_hop *hop)
{
    return hop->address.family != FAMILY_NONE;
}

/* Second levels that many registries sell names under, as in "isp.co.uk". */
static bool is_category(const char *label, size_t len)
{
    static const char *const all[] = {"ac", "ad",  "co",  "com", "edu", "gen",
                                      "go", "gov", "net", "ne",  "or",  "org"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strlen(all[i]) == len && memcmp(all[i], label, len) == 0)
            return true;
    return false;
}

/* The last two labels of a name, three under such a second level of a country. */
static const char *domain_of(const char *name)
{
    const char *end = name + strlen(name), *label = end;
    size_t labels = 0, top = 0;
    for (const char *at = end; at-- > name;) {
        if (*at != '.')
            continue;
        size_t len = (size_t)(label - at - 1);
        label = at;
        labels++;
        if (labels == 1)
            top = len;
        else if (labels == 3 || top != 2 || !is_category(at + 1, len))
            return at + 1;
    }
    return name;
}

static void network_of(char *out, size_t room, const struct path_hop *hop)
{
    char address[ADDRESS_TEXT_MAX];
    struct endpoint prefix = hop->address;
    size_t kept = prefix.family == FAMILY_IPV6 ? 4 : 2;
    if (hop->name != NULL && strchr(hop->name, '.') != NULL) {
        text_copy(out, room, domain_of(hop->name));
        for (; *out != '\0'; out++)
            if (*out >= 'A' && *out <= 'Z')
                *out = (char)(*out - 'A' + 'a');
        return;
    }
    memset(prefix.bytes + kept, 0, sizeof prefix.bytes - kept);
    snprintf(out, room, "%s/%zu", endpoint_address(address, &prefix), 8 * kept);
}

/* True if `word` is one of those in the list. */
static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; (at = strstr(at, word)) != NULL; at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
            return true;
    return false;
}

static void add_word(char out[PATH_WORD_MAX], const char *word)
{
    size_t len = strlen(out);
    if (!has_word(out, word))
        snprintf(out + len, PATH_WORD_MAX - len, "%s%s", len > 0 ? " > " : "", word);
}

/* The hops that may be a provider's: up to the first of Microsoft's, or all. */
static size_t end_of_provider(const struct path_sample *s)
{
    return s->first < s->n ? s->first : s->n;
}

bool path_provider(const struct path_sample *s, char out[PATH_WORD_MAX])
{
    bool whole = s->first < s->n;
    out[0] = '\0';
    for (size_t i = 0; i < end_of_provider(s); i++) {
        char word[PATH_WORD_MAX];
        const struct path_hop *hop = &s->hops[i];
        if (hop->segment == SEGMENT_LOCAL)
            continue;
        if (hop->segment != SEGMENT_PROVIDER || !is_answer(hop) || hop->name == NULL) {
            whole = false;
            continue;
        }
        if (endpoint_is_private(&hop->address)) /* of any network, within this one */
            continue;
        network_of(word, sizeof word, hop);
        add_word(out, word);
    }
    return whole;
}

const char *path_as_list(const struct path_sample *s, char out[PATH_WORD_MAX])
{
    out[0] = '\0';
    if (!path_entry_is_exact(s))
        return out;
    for (size_t i = 0; i < s->first; i++) {
        char word[16];
        const struct path_hop *hop = &s->hops[i];
        bool inside = is_answer(hop) && endpoint_is_private(&hop->address);
        if (hop->segment == SEGMENT_LOCAL || inside)
            continue;
        if (!is_answer(hop) || hop->as == 0) {
            out[0] = '\0';
            return out;
        }
        snprintf(word, sizeof word, "AS%u", hop->as);
        add_word(out, word);
    }
    return out;
}

/* The last of path_sample.as_path. */
static bool is_microsofts(uint32_t as, const void *user)
{
    (void)user;
    return as == AS_MICROSOFT;
}

uint8_t path_as_hops(const struct path_sample *s, enum as_hops_source *by)
{
    *by = s->n_as > 0 ? AS_HOPS_BY_BGP : AS_HOPS_BY_TRACE;
    struct as_hop hops[PATH_HOPS_MAX];
    for (size_t i = 0; i < s->n; i++) {
        const struct path_hop *hop = &s->hops[i];
        hops[i].owner = hop->segment == SEGMENT_LOCAL       ? AS_OF_SITE
                        : hop->segment == SEGMENT_MICROSOFT ? AS_OF_MICROSOFT
                                                            : AS_OF_OTHERS;
        hops[i].as = hop->as;
    }
    struct as_path p = *by == AS_HOPS_BY_BGP
                           ? as_path_of_route(s->as_path, s->n_as, is_microsofts, NULL)
                           : as_path_of_hops(hops, s->n);
    return p.state == AS_HOPS_EXACT ? p.hops : 0;
}

/* ---- the router of the entry ---- */

const char *path_router(const struct path_sample *s, char out[PATH_ROUTER_MAX],
                        bool *named)
{
    out[0] = '\0';
    *named = false;
    if (s->entry != ENTRY_FOUND)
        return out;
    const struct path_hop *hop = &s->hops[s->first];
    char address[ADDRESS_TEXT_MAX];
    const char *from = hop->name != NULL ? strchr(hop->name, '.') : NULL;
    const char *end = from != NULL ? strstr(from, ".ntwk.") : NULL;
    if (end == NULL || end == from) { /* "xe-0-0-1-0.co2-96c-1b.ntwk.msn.net" */
        text_copy(out, PATH_ROUTER_MAX, endpoint_address(address, &hop->address));
        return out;
    }
    *named = true;
    snprintf(out, PATH_ROUTER_MAX, "%.*s", (int)(end - from - 1), from + 1);
    return out;
}
