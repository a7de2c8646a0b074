/*
 * One reader after the other, from what cannot be mistaken (an address) to what can (two
 * or three letters); the first one that takes the text has it.
 */
#include "edge/whereis.h"

#include "base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct asked {
    const struct catalogue *metros;
    const struct prefixes *prefixes;
    const char *text; /* trimmed */
    struct whereis *out;
};

const char *whereis_kind_name(enum whereis_kind kind)
{
    static const char *const names[] = {
        [WHEREIS_UNKNOWN] = "unknown", [WHEREIS_HEADER] = "header",
        [WHEREIS_ROUTER] = "router",   [WHEREIS_CNAME] = "cname",
        [WHEREIS_METRO] = "metro",     [WHEREIS_ADDRESS] = "address",
    };
    return names[kind];
}

bool whereis_known(const struct whereis *w)
{
    return w->pop.family != POP_UNKNOWN ? w->metro != NULL : w->service != NULL;
}

static const char *service_of(enum pop_family family)
{
    switch (family) {
    case POP_FRONT_DOOR:
        return "front-door";
    case POP_EXCHANGE:
        return "exchange";
    case POP_BACKBONE:
        return "backbone";
    default:
        return NULL;
    }
}

/* A PoP was named in `out->pop`. */
static bool take_pop(const struct asked *a, enum whereis_kind kind, const char *how)
{
    struct whereis *w = a->out;
    w->kind = kind;
    w->metro = catalogue_find(a->metros, w->pop.metro, w->pop.family);
    w->service = service_of(w->pop.family);
    snprintf(w->basis, sizeof w->basis, "%s%s, %s code%s", how, w->pop.source,
             pop_family_name(w->pop.family),
             w->pop.parent ? "; the parent PoP of origin shield, not the client's edge"
                           : "");
    return true;
}

static bool from_address(const struct asked *a)
{
    struct endpoint e;
    if (!endpoint_parse(&e, a->text, 0))
        return false;
    a->out->kind = WHEREIS_ADDRESS;
    const struct prefix *p = prefixes_find(a->prefixes, &e);
    if (p != NULL) {
        a->out->service = p->service;
        snprintf(a->out->basis, sizeof a->out->basis, "prefix %s, %s", p->text,
                 p->inferred ? "inferred" : "published");
    }
    return true;
}

/* Length of the name of a header line; 0 when it is none, as "https://...". */
static size_t header_name(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '-' || text[n] == '_')
        n++;
    return text[n] == ':' && text[n + 1] != '/' ? n : 0;
}

static bool from_header_line(const struct asked *a)
{
    char name[64];
    size_t n = header_name(a->text);
    if (n == 0)
        return false;
    a->out->kind = WHEREIS_HEADER;
    const char *value = a->text + n + 1;
    value += strspn(value, " \t");
    if (n < sizeof name) {
        text_copy(name, n + 1, a->text);
        if (pop_from_header(&a->out->pop, name, value, strlen(value)))
            take_pop(a, WHEREIS_HEADER, "");
    }
    return true;
}

/* A zone of Exchange's alone is not told from a metro code, so it is none of these. */
static bool from_header_value(const struct asked *a)
{
    static const char *const names[] = {"X-MSEdge-Ref", "X-Azure-Ref", "X-FEServer"};
    struct pop *pop = &a->out->pop;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (pop_from_header(pop, names[i], a->text, strlen(a->text)))
            return take_pop(a, WHEREIS_HEADER, "layout of ");

    char server[64]; /* the server's name, cut out of X-MSEdge-Ref */
    int len = snprintf(server, sizeof server, "Ref B: %s", a->text);
    return len < (int)sizeof server &&
           pop_from_header(pop, "X-MSEdge-Ref", server, (size_t)len) &&
           take_pop(a, WHEREIS_HEADER, "layout of ");
}

/* ---- names ---- */

/* What a name without a metro still says. Sources: README.md beside this file. */
static const struct {
    const char *suffix;
    enum whereis_kind kind;
    const char *service;
} suffixes[] = {
    {".ntwk.msn.net", WHEREIS_ROUTER, "backbone"},
    {".network.microsoft.com", WHEREIS_ROUTER, "backbone"},
    {".ms-acdc.office.com", WHEREIS_CNAME, "exchange"},
    {".ha.office365.com", WHEREIS_CNAME, "exchange"},
    {".outlook.mira.tm.svc.cloud.microsoft", WHEREIS_CNAME, "exchange"},
    {".sharepoint.com", WHEREIS_CNAME, "sharepoint"},
    {".sharepointonline.com.akadns.net", WHEREIS_CNAME, "sharepoint"},
    {".spo-msedge.net", WHEREIS_CNAME, "sharepoint"},
    {".s-msedge.net", WHEREIS_CNAME, "teams"},
    {"-msedge.net", WHEREIS_CNAME, "front-door"},
    {".azurefd.net", WHEREIS_CNAME, "front-door"},
    {".tm-azurefd.net", WHEREIS_CNAME, "front-door"},
};

static bool ends_in(const char *name, size_t len, const char *suffix)
{
    size_t n = strlen(suffix);
    return len > n && strncasecmp(name + len - n, suffix, n) == 0;
}

static bool from_name(const struct asked *a)
{
    struct whereis *w = a->out;
    if (pop_from_cname(&w->pop, a->text))
        return take_pop(a, WHEREIS_CNAME, "");
    if (pop_from_router(&w->pop, a->text))
        return take_pop(a, WHEREIS_ROUTER, "");

    size_t len = strlen(a->text);
    if (len > 0 && a->text[len - 1] == '.')
        len--;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (ends_in(a->text, len, suffixes[i].suffix)) {
            w->kind = suffixes[i].kind;
            w->service = suffixes[i].service;
            snprintf(w->basis, sizeof w->basis, "name under %s", suffixes[i].suffix + 1);
            return true;
        }
    return false;
}

/* ---- codes ---- */

/* "LON", "lhr", "SG1", "lon24": only what the catalogue has, as any word looks like it.
 */
static bool from_code(const struct asked *a)
{
    struct pop pop = {.source = "catalogue"};
    size_t letters = 0;
    while (letters < 4 && isalpha((unsigned char)a->text[letters]))
        letters++;
    size_t digits = strspn(a->text + letters, "0123456789");
    if (letters < 2 || letters > 3 || digits > 2 || a->text[letters + digits] != '\0')
        return false;
    for (size_t i = 0; i < letters; i++)
        pop.metro[i] = (char)toupper((unsigned char)a->text[i]);
    text_copy(pop.site, sizeof pop.site, a->text + letters);
    const struct metro *m = catalogue_find(a->metros, pop.metro, POP_UNKNOWN);
    if (m == NULL)
        return false;
    pop.family = m->family;
    a->out->pop = pop;
    take_pop(a, WHEREIS_METRO, "");
    a->out->service = NULL; /* a place has many */
    return true;
}

static bool is_around(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The text without what is around it where it was copied from: blanks, curl's "< ". */
static bool trim(char to[WHEREIS_TEXT_MAX + 1], const char *text, size_t len)
{
    while (len > 0 && is_around(text[len - 1]))
        len--;
    while (len > 0 && (is_around(text[0]) || text[0] == '<'))
        text++, len--;
    if (len == 0 || len > WHEREIS_TEXT_MAX || memchr(text, '\0', len) != NULL)
        return false;
    memcpy(to, text, len);
    to[len] = '\0';
    return true;
}

void whereis(struct whereis *out, const struct catalogue *metros,
             const struct prefixes *prefixes, const char *text, size_t len)
{
    static bool (*const readers[])(const struct asked *) = {
        from_address, from_header_line, from_header_value, from_name, from_code,
    };
    char trimmed[WHEREIS_TEXT_MAX + 1];
    struct asked a = {metros, prefixes, trimmed, out};
    *out = (struct whereis){.pop.source = ""};
    if (!trim(trimmed, text, len))
        return;
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (readers[i](&a))
            return;
}
