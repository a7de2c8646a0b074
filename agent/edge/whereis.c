/*
 * The readers are tried in turn, from the unambiguous (an address) to the ambiguous (two
 * or three letters); the first one that accepts the text decides. The formats of tools
 * (curl, PowerShell, Python, a browser, dig, traceroute) are too many to parse each:
 * headers are found by their names, and host names by their character set.
 */
#include "edge/whereis.h"

#include "base/text.h"
#include "edge/reply.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct reading {
    const struct edge_data *known;
    const char *text; /* trimmed */
    struct whereis *out;
};

const char *whereis_kind_name(enum whereis_kind kind)
{
    static const char *const names[] = {
        [WHEREIS_UNKNOWN] = "unknown", [WHEREIS_HEADER] = "header",
        [WHEREIS_ROUTER] = "router",   [WHEREIS_CNAME] = "cname",
        [WHEREIS_METRO] = "metro",     [WHEREIS_ADDRESS] = "address",
        [WHEREIS_BANNER] = "banner",
    };
    return names[kind];
}

bool whereis_known(const struct whereis *w)
{
    return w->pop.family != POP_UNKNOWN ? w->metro != NULL
                                        : w->service != NULL || w->owner != OWNER_UNKNOWN;
}

static const char *service_of(enum pop_family family)
{
    switch (family) {
    case POP_FRONT_DOOR:
        return "front-door";
    case POP_EXCHANGE:
    case POP_EXCHANGE_SITE:
        return "exchange";
    case POP_BACKBONE:
        return "backbone";
    default:
        return NULL;
    }
}

/* Completes the result for the PoP in `out->pop`. */
static bool take_pop(const struct reading *a, enum whereis_kind kind, const char *how)
{
    struct whereis *w = a->out;
    w->kind = kind;
    w->metro = catalogue_find(&a->known->metros, w->pop.metro, w->pop.family);
    w->service = service_of(w->pop.family);
    w->owner =
        w->service != NULL && w->pop.family != POP_BACKBONE ? OWNER_EDGE : OWNER_UNKNOWN;
    snprintf(w->basis, sizeof w->basis, "%s%s, %s code%s%s", how, w->pop.source,
             pop_family_name(w->pop.family),
             w->pop.parent ? "; the parent PoP of origin shield, not the client's edge"
                           : "",
             w->metro == NULL || w->metro->family != POP_AIRPORT ? ""
             : w->pop.family == POP_AIRPORT ? "; no PoP there is known"
                                            : "; the city is that of the airport code");
    return true;
}

/* ---- addresses ---- */

static bool is_address(const struct reading *a, const char *text)
{
    struct endpoint e;
    struct whereis *w = a->out;
    if (!endpoint_parse(&e, text, 0))
        return false;
    w->kind = WHEREIS_ADDRESS;
    const struct prefix *p = prefixes_find(&a->known->prefixes, &e);
    if (p != NULL) {
        w->service = p->service;
        w->owner = strcmp(p->service, "entra") == 0      ? OWNER_REGION
                   : strcmp(p->service, "backbone") == 0 ? OWNER_UNKNOWN
                                                         : OWNER_EDGE;
        snprintf(w->basis, sizeof w->basis, "prefix %s, %s", p->text,
                 p->inferred ? "inferred" : "published");
    }
    return true;
}

static bool from_address(const struct reading *a)
{
    return is_address(a, a->text);
}

/* ---- headers ---- */

static bool is_of_name(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Length of the name of a header line; 0: not a header line, e.g. "https://...". */
static size_t header_name(const char *text)
{
    size_t n = 0;
    while (is_of_name(text[n]))
        n++;
    size_t colon = n + strspn(text + n, " ");
    return isalpha((unsigned char)*text) && n > 1 && text[colon] == ':' &&
                   text[colon + 1] != '/'
               ? n
               : 0;
}

/* The value after a name: "name: v", "name : {v}", "'name': 'v'", "(b'name', b'v')",
 * "name => v", x["name"] = "v", {"name": "name", "value": "v"}, or in the next line. */
static const char *after_name(const char *at)
{
    static const char between[] = " \t\"'`\\:=>,|[](){";
    bool quoted = *at == '"' || *at == '\\';
    at += strspn(at, between);
    if (quoted && strncasecmp(at, "value\"", 6) == 0)
        at += 5 + strspn(at + 5, between);
    else if (quoted && strncasecmp(at, "value\\\"", 7) == 0)
        at += 5 + strspn(at + 5, between);
    else if (*at == 'b' && (at[1] == '\'' || at[1] == '"'))
        at += 2;
    const char *next = at + strspn(at, "\r\n \t");
    return header_name(next) == 0 ? next : at;
}

/* Values that name a PoP contain none of `ends`. "'a', 'b'" is a list of two values. */
static size_t value_length(const char *at)
{
    static const char ends[] = "\r\n\"'`\\])}|;";
    size_t n = strcspn(at, ends);
    for (;;) {
        char quote = at[n];
        if (quote != '"' && quote != '\'')
            return n;
        size_t next = n + 1 + strspn(at + n + 1, " ");
        if (at[next] != ',')
            return n;
        next += 1 + strspn(at + next + 1, " ");
        if (at[next] != quote)
            return n;
        size_t end = next + 1 + strcspn(at + next + 1, ends);
        if (at[end] != quote || at[end + 1 + strspn(at + end + 1, " ")] == ':')
            return n;
        n = end;
    }
}

/* Copies the value without its quotes, as in the header. */
static size_t value_copy(char to[WHEREIS_TEXT_MAX + 1], const char *at, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (at[i] != '"' && at[i] != '\'')
            to[n++] = at[i];
    while (n > 0 && (to[n - 1] == ' ' || to[n - 1] == '\t'))
        n--;
    to[n] = '\0';
    return n;
}

/* Entra: "2.1.23687.3 - WEULR1 ProdSlices" is the build and the region that answered,
 * never a PoP. */
static bool from_entra(const struct reading *a, const char *value)
{
    static const struct {
        const char *code, *name;
    } regions[] = {
        {"WEU", "West Europe"},       {"NEU", "North Europe"},
        {"AMS", "Amsterdam"},         {"DUB", "Dublin"},
        {"EUS", "East US"},           {"WUS", "West US"},
        {"SCUS", "South Central US"}, {"NCUS", "North Central US"},
        {"JPE", "Japan East"},        {"JPW", "Japan West"},
    };
    struct whereis *w = a->out;
    const char *code = strstr(value, " - ");
    size_t len = 0, r = 0;
    enum { N = sizeof regions / sizeof *regions };
    if (code != NULL) {
        code += 3;
        while (len < 16 && isalnum((unsigned char)code[len]))
            len++;
        while (r < N && strncmp(code, regions[r].code, strlen(regions[r].code)) != 0)
            r++;
    }
    w->kind = WHEREIS_HEADER;
    w->service = "entra";
    w->owner = OWNER_REGION;
    snprintf(w->basis, sizeof w->basis, "x-ms-ests-server of Entra, %s%.*s%s%s%s",
             len > 0 ? "region " : "without a region", (int)len, code != NULL ? code : "",
             len > 0 && r < N ? " (" : "", len > 0 && r < N ? regions[r].name : "",
             len > 0 && r < N ? ")" : "");
    return true;
}

/* The result for a reply with these headers. */
static bool from_reply(const struct reading *a, const struct reply *r)
{
    struct whereis *w = a->out;
    w->kind = WHEREIS_HEADER;
    w->pop = reply_pop(r);
    if (w->pop.family != POP_UNKNOWN)
        return take_pop(a, WHEREIS_HEADER, "");
    if (r->foreign != NULL) {
        w->owner = OWNER_FOREIGN;
        snprintf(w->basis, sizeof w->basis, "%s: its PoP header is that network's",
                 r->foreign);
    }
    return true;
}

static bool from_headers(const struct reading *a)
{
    struct reply r = {.date_s = 0};
    bool seen = false;
    char entra[WHEREIS_TEXT_MAX + 1] = "", value[WHEREIS_TEXT_MAX + 1];
    bool is_entra = false;
    for (const char *at = a->text; *at != '\0';) {
        char name[64];
        size_t n = 0;
        while (is_of_name(at[n]))
            n++;
        if (n == 0 || n >= sizeof name) {
            at += n + (n == 0);
            continue;
        }
        memcpy(name, at, n);
        name[n] = '\0';
        const char *end = at + n, *from = after_name(end);
        bool named = pop_is_header(name);
        at = end;
        if (!named && end + strcspn(end, ":=\"'|") >= from)
            continue; /* a word of a sentence */
        size_t len = value_copy(value, from, value_length(from));
        if (len == 0)
            continue;
        if (strcasecmp(name, "x-ms-ests-server") == 0) {
            is_entra = true;
            text_copy(entra, sizeof entra, value);
        }
        reply_header(&r, name, value, len);
        seen = seen || named;
    }
    if (is_entra && r.pop.family == POP_UNKNOWN && r.front_end.family == POP_UNKNOWN)
        return from_entra(a, entra);
    if (strstr(a->text, " ProdSlices") != NULL && !seen)
        return from_entra(a, a->text);
    return (seen || r.foreign != NULL) && from_reply(a, &r);
}

/* Without the zones of Exchange: alone, they cannot be told apart from metro codes. */
static bool is_header_value(const struct reading *a, const char *text, size_t len)
{
    static const char *const names[] = {"X-MSEdge-Ref", "X-Azure-Ref", "X-FEServer"};
    struct pop *pop = &a->out->pop;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (pop_from_header(pop, names[i], text, len))
            return take_pop(a, WHEREIS_HEADER, "layout of ");

    char server[64]; /* the server's name, cut out of X-MSEdge-Ref */
    int n = snprintf(server, sizeof server, "Ref B: %.*s", (int)len, text);
    return n < (int)sizeof server &&
           pop_from_header(pop, "X-MSEdge-Ref", server, (size_t)n) &&
           take_pop(a, WHEREIS_HEADER, "layout of ");
}

/* The value of a header without its name, also within quotes. */
static bool from_header_value(const struct reading *a)
{
    static const char around[] = "\"'`<>,;()[]{}| ";
    const char *text = a->text + strspn(a->text, around);
    size_t len = strlen(text);
    while (len > 0 && strchr(around, text[len - 1]) != NULL)
        len--;
    return is_header_value(a, text, len);
}

/* A word with the layout of X-Azure-Ref, as error pages show it; not in the value of
 * another header. */
static bool from_reference(const struct reading *a)
{
    if (memchr(a->text, '-', header_name(a->text)) != NULL)
        return false;
    for (const char *at = a->text; *at != '\0';) {
        size_t n = 0;
        while (is_of_name(at[n]))
            n++;
        if (memchr(at, '-', n) != NULL &&
            pop_from_header(&a->out->pop, "X-Azure-Ref", at, n))
            return take_pop(a, WHEREIS_HEADER, "layout of ");
        at += n + (n == 0);
    }
    return false;
}

/* ---- names ---- */

static bool ends_in(const char *name, const char *suffix)
{
    size_t len = strlen(name), n = strlen(suffix);
    return len > n && strncasecmp(name + len - n, suffix, n) == 0;
}

/* Names of routers without a metro. */
static bool is_router(const struct reading *a, const char *name)
{
    static const char *const under[] = {".ntwk.msn.net", ".network.microsoft.com"};
    for (size_t i = 0; i < sizeof under / sizeof *under; i++)
        if (ends_in(name, under[i])) {
            struct whereis *w = a->out;
            w->kind = WHEREIS_ROUTER;
            w->service = "backbone";
            snprintf(w->basis, sizeof w->basis, "name under %s", under[i] + 1);
            return true;
        }
    return false;
}

static bool is_suffix(const struct reading *a, const char *name)
{
    static const char *const notes[] = {
        [SUFFIX_EDGE] = "",
        [SUFFIX_FALLBACK] = "; the edge's fallback in a datacentre, which may be far",
        [SUFFIX_REGION] = "",
        [SUFFIX_FOREIGN] = "",
        [SUFFIX_EITHER] = "; a public name: run `edgelat nearest` to find its PoP",
    };
    static const enum owner_type owners[] = {
        [SUFFIX_EDGE] = OWNER_EDGE,      [SUFFIX_FALLBACK] = OWNER_EDGE,
        [SUFFIX_REGION] = OWNER_REGION,  [SUFFIX_FOREIGN] = OWNER_FOREIGN,
        [SUFFIX_EITHER] = OWNER_UNKNOWN,
    };
    struct whereis *w = a->out;
    const struct suffix *s = suffixes_find(&a->known->suffixes, name);
    if (s == NULL)
        return false;
    w->kind = WHEREIS_CNAME;
    w->service = s->service;
    w->owner = owners[s->verdict];
    size_t skip = s->text[0] == '.' || s->text[0] == '-';
    snprintf(w->basis, sizeof w->basis, "name %s%.80s%s", skip > 0 ? "under " : "",
             s->text + skip, notes[s->verdict]);
    return true;
}

static bool is_name(const struct reading *a, const char *name)
{
    struct pop *pop = &a->out->pop;
    char efz[HOST_TEXT_MAX + 20]; /* "LHR-efz" is a usual abbreviation */
    bool abbreviated = ends_in(name, "-efz");
    snprintf(efz, sizeof efz, "%s%s", name, abbreviated ? ".ms-acdc.office.com" : "");
    if (pop_from_cname(pop, efz))
        return take_pop(a, WHEREIS_CNAME, "");
    if (pop_from_router(pop, name))
        return take_pop(a, WHEREIS_ROUTER, "");
    if (pop_from_front_end(pop, name))
        return take_pop(a, WHEREIS_BANNER, "");
    return is_router(a, name) || is_suffix(a, name);
}

/* How specific a result is; 0: nothing found. */
static int worth(const struct whereis *w)
{
    if (w->pop.family != POP_UNKNOWN)
        return 5;
    switch (w->kind) {
    case WHEREIS_ADDRESS:
        return w->service != NULL ? 3 : 1;
    case WHEREIS_CNAME:
        return w->owner != OWNER_UNKNOWN ? 4 : 2;
    case WHEREIS_ROUTER:
        return 4;
    default:
        return 0;
    }
}

/* A name or address; also "52.96.164.146:443", "host:443" and the "250-host" of SMTP (RFC
 * 5321, 4.2.1). */
static bool is_word(const struct reading *a, char *word)
{
    *a->out = (struct whereis){.pop.source = ""};
    if (strspn(word, "0123456789") == 3 && word[3] == '-')
        word += 4;
    if (is_address(a, word) || is_name(a, word))
        return true;
    char *colon = strchr(word, ':');
    if (colon == NULL)
        return false;
    *colon = '\0';
    return is_address(a, word) || is_name(a, word);
}

/* The names and addresses of a line of dig, ping or traceroute; not in the value of a
 * header, except nslookup's "Name: ...". */
static bool from_names(const struct reading *a)
{
    struct whereis best = {.pop.source = ""};
    size_t header = header_name(a->text);
    if (memchr(a->text, '-', header) != NULL)
        return false;
    for (const char *at = a->text; *at != '\0';) {
        char word[HOST_TEXT_MAX];
        size_t n = 0;
        while (is_of_name(at[n]) || at[n] == '.' || at[n] == ':')
            n++;
        const char *from = at;
        size_t len = n;
        at += n + (n == 0);
        while (len > 0 && !isalnum((unsigned char)from[len - 1]) &&
               !(len > 1 && memcmp(from + len - 2, "::", 2) == 0))
            len--;
        if (len >= sizeof word)
            continue;
        memcpy(word, from, len);
        word[len] = '\0';
        if (strpbrk(word, ".:") == NULL && !ends_in(word, "-efz"))
            continue;
        if (is_word(a, word) && worth(a->out) >= worth(&best))
            best = *a->out;
    }
    *a->out = best;
    return worth(&best) > 0;
}

/* ---- codes and cities ---- */

/* A metro only, without a service: it has many. */
static bool take_metro(const struct reading *a, const struct metro *m, const char *source)
{
    struct pop *pop = &a->out->pop;
    pop->family = m->family;
    pop->source = source;
    text_copy(pop->metro, sizeof pop->metro, m->code);
    take_pop(a, WHEREIS_METRO, "");
    a->out->metro = m;
    a->out->service = NULL;
    a->out->owner = OWNER_UNKNOWN;
    return true;
}

/* "LON", "lhr", "SG1", "lon24": only codes of the catalogue, because any short word looks
 * like one. */
static bool from_code(const struct reading *a)
{
    char code[4] = "";
    size_t letters = 0;
    while (letters < 4 && isalpha((unsigned char)a->text[letters]))
        letters++;
    size_t digits = strspn(a->text + letters, "0123456789");
    if (letters < 2 || letters > 3 || digits > 2 || a->text[letters + digits] != '\0')
        return false;
    for (size_t i = 0; i < letters; i++)
        code[i] = (char)toupper((unsigned char)a->text[i]);
    const struct metro *m = catalogue_find(&a->known->metros, code, POP_UNKNOWN);
    if (m == NULL)
        return false;
    text_copy(a->out->pop.site, sizeof a->out->pop.site, a->text + letters);
    return take_metro(a, m, "catalogue");
}

static bool from_city(const struct reading *a)
{
    const struct metro *m = catalogue_of_city(&a->known->metros, a->text);
    return m != NULL && take_metro(a, m, "city");
}

static bool from_other_header(const struct reading *a)
{
    if (header_name(a->text) == 0)
        return false;
    a->out->kind = WHEREIS_HEADER;
    return true;
}

static bool is_around(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Removes blanks and curl's "< " around the text. */
static bool trim(char to[WHEREIS_TEXT_MAX + 1], const char *text, size_t len)
{
    while (len > 0 && is_around(text[len - 1]))
        len--;
    while (len > 0 && (is_around(text[0]) || text[0] == '<' || text[0] == '>'))
        text++, len--;
    if (len == 0 || len > WHEREIS_TEXT_MAX || memchr(text, '\0', len) != NULL)
        return false;
    memcpy(to, text, len);
    to[len] = '\0';
    return true;
}

void whereis(struct whereis *out, const struct edge_data *known, const char *text,
             size_t len)
{
    static bool (*const readers[])(const struct reading *) = {
        from_address, from_headers,   from_header_value, from_code,
        from_city,    from_reference, from_names,        from_other_header,
    };
    char trimmed[WHEREIS_TEXT_MAX + 1];
    struct reading a = {known, trimmed, out};
    *out = (struct whereis){.pop.source = ""};
    if (!trim(trimmed, text, len))
        return;
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (readers[i](&a))
            return;
        *out = (struct whereis){.pop.source = ""};
    }
}
