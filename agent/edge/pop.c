/*
 * Hand-written matching, because every layout is short and fixed: a few letters, a few
 * digits, a word. All of it works on (pointer, length) and never reads beyond. Layouts
 * and their sources: README.md beside this file.
 */
#include "edge/pop.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct span { /* the text left to match */
    const char *at;
    size_t left;
};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return is_upper(c) || is_lower(c);
}

/* Number of the next characters, at most `most`, that are of this class. */
static size_t run(struct span s, bool (*is)(char), size_t most)
{
    size_t n = 0;
    while (n < s.left && n < most && is(s.at[n]))
        n++;
    return n;
}

static struct span skip(struct span s, size_t n)
{
    return (struct span){s.at + n, s.left - n};
}

/* Removes `n` characters of this class from the front; false: removes nothing. */
static bool eat(struct span *s, bool (*is)(char), size_t n)
{
    if (run(*s, is, n) < n)
        return false;
    *s = skip(*s, n);
    return true;
}

static bool eat_word(struct span *s, const char *word)
{
    size_t n = strlen(word);
    if (s->left < n || memcmp(s->at, word, n) != 0)
        return false;
    *s = skip(*s, n);
    return true;
}

/* Sets the PoP; converts the code to upper case. */
static bool found(struct pop *out, enum pop_family family, const char *source,
                  struct span metro, size_t metro_len, struct span site, size_t site_len)
{
    *out = (struct pop){.family = family, .source = source};
    for (size_t i = 0; i < metro_len; i++)
        out->metro[i] = (char)toupper((unsigned char)metro.at[i]);
    memcpy(out->site, site.at, site_len);
    return true;
}

/* ---- Front Door ---- */

/* The rest of "AMS[31]EDGE1023", or of "LON28" and 10 digits. */
static bool is_three_letter_server(struct span s, size_t site_len)
{
    bool ends_in_edge = eat_word(&s, "EDGE");
    return (ends_in_edge || site_len == 2) && eat(&s, is_digit, ends_in_edge ? 4 : 10) &&
           s.left == 0;
}

/* "AMSEDGE1023", "LON04EDGE0411", "LON281181714054"; "CO1EDGE0315", "BL2AA2030110019". */
static bool server(struct pop *out, const char *source, struct span s)
{
    struct span site = skip(s, run(s, is_upper, 3));
    if (run(s, is_upper, 3) == 3) {
        /* two digits belong to the site, unless the word EDGE comes first */
        size_t site_len = run(site, is_digit, 2) == 2 ? 2 : 0;
        return is_three_letter_server(skip(site, site_len), site_len) &&
               found(out, POP_FRONT_DOOR, source, s, 3, site, site_len);
    }
    struct span rest = site;
    if (run(s, is_upper, 3) != 2 || !eat(&rest, is_digit, 1))
        return false;
    bool known = eat_word(&rest, "EDGE") ? eat(&rest, is_digit, 4)
                 : eat_word(&rest, "AA") ? eat(&rest, is_digit, 10)
                                         : false;
    return known && rest.left == 0 && found(out, POP_FRONT_DOOR, source, s, 2, site, 1);
}

static bool is_no_end(char c)
{
    return c != ' ' && c != '<'; /* '<': in an HTML page that shows the header */
}

/* "Ref A: ... Ref B: SERVER Ref C: ..." */
static bool from_ref_b(struct pop *out, const char *source, struct span value)
{
    static const char mark[] = "Ref B: ";
    const char *at = memmem(value.at, value.left, mark, sizeof mark - 1);
    if (at == NULL)
        return false;
    struct span s = skip(value, (size_t)(at - value.at) + sizeof mark - 1);
    s.left = run(s, is_no_end, s.left);
    return server(out, source, s);
}

static int base64_value(char c)
{
    if (is_upper(c))
        return c - 'A';
    if (is_lower(c))
        return c - 'a' + 26;
    if (is_digit(c))
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes up to `room` bytes; stops at the first character that is not base64. */
static size_t base64_decode(unsigned char *out, size_t room, struct span s)
{
    uint32_t bits = 0;
    size_t n_bits = 0, n = 0;
    for (size_t i = 0; i < s.left && n < room; i++) {
        int value = base64_value(s.at[i]);
        if (value < 0)
            break;
        bits = bits << 6 | (uint32_t)value;
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            out[n++] = (unsigned char)(bits >> n_bits);
        }
    }
    return n;
}

/* 2019 to 2022: '0' and base64 of time (4), zero (4), GUID (16), server name, NUL, GUID.
 */
static bool from_azure_ref_packed(struct pop *out, const char *source, struct span value)
{
    enum { NAME_AT = 24, NAME_MAX_LEN = 16 };
    unsigned char bytes[NAME_AT + NAME_MAX_LEN + 1];
    if (!eat_word(&value, "0"))
        return false;
    size_t n = base64_decode(bytes, sizeof bytes, value);
    if (n <= NAME_AT || memcmp(bytes + 4, "\0\0\0\0", 4) != 0)
        return false;
    const char *name = (const char *)bytes + NAME_AT;
    const char *end = memchr(name, '\0', n - NAME_AT);
    return end != NULL && server(out, source, (struct span){name, (size_t)(end - name)});
}

static bool is_digit_or_lower(char c)
{
    return is_digit(c) || is_lower(c);
}

/* 2025 on: "20250204T141149Z-" and 16 characters, "hC1", the site. Between the two there
 * was a layout of the same length without a site: that is "unknown". */
static bool from_azure_ref(struct pop *out, const char *source, struct span value)
{
    struct span s = value;
    if (!eat(&s, is_digit, 8) || !eat_word(&s, "T") || !eat(&s, is_digit, 6) ||
        !eat_word(&s, "Z-"))
        return from_azure_ref_packed(out, source, value);
    if (!eat(&s, is_digit_or_lower, 16) || !eat_word(&s, "hC1"))
        return false;
    size_t metro_len = run(s, is_upper, 3);
    struct span site = skip(s, metro_len);
    if (metro_len < 2 || (metro_len == 2 && run(site, is_digit, 1) == 0))
        return false;
    return found(out, POP_FRONT_DOOR, source, s, metro_len, site, metro_len == 2);
}

/* ---- Exchange ---- */

/* A code and nothing else: "LHR"; two letters and a digit are accepted, too. */
static bool from_efz(struct pop *out, const char *source, struct span s)
{
    size_t metro_len = run(s, is_letter, 3);
    struct span site = skip(s, metro_len);
    bool fits = (metro_len == 3 && site.left == 0) ||
                (metro_len == 2 && site.left == 1 && is_digit(site.at[0]));
    return fits && found(out, POP_EXCHANGE, source, s, metro_len, site, site.left);
}

static bool is_digit_or_upper(char c)
{
    return is_digit(c) || is_upper(c);
}

/* "SN6PR16CA0066", "DUZPR01CA0311", "PA7P264CA0121": site, forest, CA, number. A server
 * on the customer's premises has a name chosen by the customer ("EXCH01"). */
static bool front_end(struct pop *out, const char *source, struct span s)
{
    struct span site = s, forest, end;
    if (s.left < 10 || !eat(&site, is_upper, 2))
        return false;
    forest = site;
    end = skip(s, s.left - 6);
    return eat(&forest, is_digit_or_upper, 1) && eat_word(&forest, "P") &&
           forest.at < end.at &&
           eat(&forest, is_digit_or_upper, (size_t)(end.at - forest.at)) &&
           eat_word(&end, "CA") && eat(&end, is_digit, 4) &&
           found(out, POP_EXCHANGE_SITE, source, s, 2, site, 1);
}

/* A list (RFC 9110, 5.3), of which the last element counts; elements may be empty. */
static bool from_fe_server(struct pop *out, const char *source, struct span s)
{
    while (s.left > 0 && strchr(", \t", s.at[s.left - 1]) != NULL &&
           s.at[s.left - 1] != 0)
        s.left--;
    const char *comma = memrchr(s.at, ',', s.left);
    if (comma != NULL)
        s = skip(s, (size_t)(comma - s.at) + 1);
    while (s.left > 0 && (*s.at == ' ' || *s.at == '\t'))
        s = skip(s, 1);
    return front_end(out, source, s);
}

/* ---- reply headers ---- */

static const struct {
    const char *name; /* in order of reliability */
    enum pop_family family;
    bool (*read)(struct pop *out, const char *source, struct span value);
} headers[] = {
    {"X-MSEdge-Ref", POP_FRONT_DOOR, from_ref_b},
    {"X-FD-Ref", POP_FRONT_DOOR, from_ref_b}, /* Office on the web */
    {"X-Azure-Ref", POP_FRONT_DOOR, from_azure_ref},
    {"X-FirstHopCafeEFZ", POP_EXCHANGE, from_efz},
    {"X-FEEFZInfo", POP_EXCHANGE, from_efz},
    {"X-FEServer", POP_EXCHANGE_SITE, from_fe_server},
};

#define N_HEADERS (sizeof headers / sizeof *headers)

static const char shield[] = "X-Azure-Ref-OriginShield"; /* names the parent PoP */

bool pop_is_header(const char *name)
{
    for (size_t i = 0; i < N_HEADERS; i++)
        if (strcasecmp(name, headers[i].name) == 0)
            return true;
    return strcasecmp(name, shield) == 0;
}

bool pop_from_header(struct pop *out, const char *name, const char *value,
                     size_t value_len)
{
    struct span s = {value, value_len};
    *out = (struct pop){.source = ""};
    for (size_t i = 0; i < N_HEADERS; i++)
        if (strcasecmp(name, headers[i].name) == 0)
            return headers[i].read(out, headers[i].name, s);
    if (strcasecmp(name, shield) == 0 && from_ref_b(out, shield, s))
        out->parent = true;
    return out->parent;
}

enum pop_family pop_family_of(const char *source)
{
    if (source == NULL)
        return POP_UNKNOWN;
    if (strcmp(source, "router") == 0)
        return POP_BACKBONE;
    if (strcmp(source, "cname") == 0)
        return POP_EXCHANGE;
    if (strcmp(source, "front end") == 0)
        return POP_EXCHANGE_SITE;
    for (size_t i = 0; i < N_HEADERS; i++)
        if (strcmp(source, headers[i].name) == 0)
            return headers[i].family;
    return POP_UNKNOWN;
}

static size_t rank(const struct pop *p)
{
    if (p->family == POP_UNKNOWN)
        return N_HEADERS + 2;
    if (p->parent)
        return N_HEADERS + 1;
    for (size_t i = 0; i < N_HEADERS; i++)
        if (strcmp(p->source, headers[i].name) == 0)
            return i;
    return N_HEADERS; /* cname, router */
}

bool pop_better(const struct pop *a, const struct pop *b)
{
    return rank(a) < rank(b);
}

const char *pop_text(char out[POP_TEXT_MAX], const struct pop *pop)
{
    bool with_site = strlen(pop->metro) == 2 && is_digit(pop->site[0]);
    snprintf(out, POP_TEXT_MAX, "%s%s", pop->metro, with_site ? pop->site : "");
    return out;
}

/* ---- names ---- */

static struct span name_span(const char *name)
{
    size_t n = strlen(name);
    return (struct span){name, n > 0 && name[n - 1] == '.' ? n - 1 : n};
}

/* Removes `suffix` from the end, in any case. */
static bool eat_suffix(struct span *s, const char *suffix)
{
    size_t n = strlen(suffix);
    if (s->left < n || strncasecmp(s->at + s->left - n, suffix, n) != 0)
        return false;
    s->left -= n;
    return true;
}

/* Removes and returns the last label, without its dot; without a dot, all of it. */
static struct span eat_last_label(struct span *s)
{
    const char *dot = memrchr(s->at, '.', s->left);
    size_t start = dot == NULL ? 0 : (size_t)(dot - s->at) + 1;
    struct span label = skip(*s, start);
    s->left = start > 0 ? start - 1 : 0;
    return label;
}

bool pop_from_cname(struct pop *out, const char *name)
{
    struct span s = name_span(name);
    *out = (struct pop){.source = ""};
    return eat_suffix(&s, "-efz.ms-acdc.office.com") && from_efz(out, "cname", s);
}

bool pop_from_front_end(struct pop *out, const char *name)
{
    struct span s = name_span(name);
    *out = (struct pop){.source = ""};
    return eat_suffix(&s, ".outlook.office365.com") && front_end(out, "front end", s);
}

/* "lon24", "sto", "ch4"; of the older form "co2-96c-1b", "hkb-96cbe-1b". */
static bool from_router_label(struct pop *out, struct span label)
{
    size_t metro_len = run(label, is_letter, 4);
    struct span site = skip(label, metro_len);
    size_t site_len = run(site, is_digit, 3);
    struct span rest = skip(site, site_len);
    if (metro_len < 2 || metro_len > 3 || (rest.left > 0 && !eat_word(&rest, "-96c")))
        return false;
    return found(out, POP_BACKBONE, "router", label, metro_len, site, site_len);
}

/* "tor1": a switch in a PoP; other names under msedge.net are services. */
static bool is_switch(struct span label)
{
    return eat_word(&label, "tor") && label.left > 0 &&
           run(label, is_digit, label.left) == label.left;
}

bool pop_from_router(struct pop *out, const char *name)
{
    struct span s = name_span(name);
    *out = (struct pop){.source = ""};
    if (eat_suffix(&s, ".ntwk.msn.net") || eat_suffix(&s, ".network.microsoft.com"))
        return from_router_label(out, eat_last_label(&s));
    if (!eat_suffix(&s, ".msedge.net"))
        return false;
    struct span label = eat_last_label(&s);
    return is_switch(s) && from_router_label(out, label);
}
