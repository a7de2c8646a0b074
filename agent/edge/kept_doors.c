#include "edge/kept_doors.h"

#include "base/mem.h"
#include "core/result.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "edgelat doors 1"

enum { FIELDS = 4, LINE_ROOM = HOST_TEXT_MAX + 2 * ADDRESS_TEXT_MAX + 32 };

void kept_doors_add(struct kept_doors *k, const struct kept_door *door)
{
    k->all = mem_grow(k->all, &k->room, k->n + 1, sizeof *k->all);
    k->all[k->n++] = *door;
}

void kept_doors_free(struct kept_doors *k)
{
    free(k->all);
    *k = (struct kept_doors){0};
}

/* ---- write ---- */

static void add_address(struct text *out, const struct endpoint *to)
{
    char address[ADDRESS_TEXT_MAX];
    bool none = to->family == FAMILY_NONE;
    text_add(out, " %s", none ? "-" : endpoint_address(address, to));
}

void kept_doors_write(struct text *out, const struct kept_doors *k)
{
    text_add(out, HEAD "\nnetwork %016" PRIx64 "\nswept %" PRId64 "\nfamilies%s%s\n",
             k->network, k->swept.ns / NS_PER_S, k->families[0] ? " ipv4" : "",
             k->families[1] ? " ipv6" : "");
    for (size_t i = 0; i < k->n; i++) {
        const struct kept_door *d = &k->all[i];
        text_add(out, "%s", d->host);
        add_address(out, &d->to[0]);
        add_address(out, &d->to[1]);
        if (d->rtt_ns == DELAY_UNDEFINED)
            text_add(out, " -\n");
        else
            text_add(out, " %" PRId64 "\n", d->rtt_ns);
    }
    text_add(out, "end %zu\n", k->n);
}

/* ---- read ---- */

struct reader {
    const char *at, *end;
    size_t line;
    char text[LINE_ROOM]; /* the line, split into words */
    char *words[FIELDS];
    size_t n; /* words; 0: no line, or not one of ours */
};

/* Reads the next line: at most FIELDS words, each behind one blank. */
static void next_line(struct reader *r)
{
    const char *end =
        r->at < r->end ? memchr(r->at, '\n', (size_t)(r->end - r->at)) : NULL;
    r->line++;
    r->n = 0;
    if (end == NULL || end - r->at >= LINE_ROOM)
        return;
    size_t len = (size_t)(end - r->at);
    memcpy(r->text, r->at, len);
    r->text[len] = '\0';
    r->at = end + 1;
    if (strlen(r->text) != len || text_wrong(r->text, len) != NULL)
        return;
    for (char *word = r->text; word != NULL;) {
        char *blank = strchr(word, ' ');
        if (*word == '\0' || blank == word || r->n == FIELDS) {
            r->n = 0;
            return;
        }
        if (blank != NULL)
            *blank++ = '\0';
        r->words[r->n++] = word;
        word = blank;
    }
}

static bool is_line(struct reader *r, const char *key, size_t words)
{
    next_line(r);
    return r->n == words && strcmp(r->words[0], key) == 0;
}

static bool read_network(struct reader *r, uint64_t *out)
{
    char *end;
    if (!is_line(r, "network", 2) || strlen(r->words[1]) != 16 ||
        strspn(r->words[1], "0123456789abcdef") != 16)
        return false;
    *out = strtoull(r->words[1], &end, 16);
    return true;
}

static bool read_swept(struct reader *r, struct wall *out)
{
    int64_t s;
    if (!is_line(r, "swept", 2) ||
        !text_to_integer(r->words[1], 0, INT64_MAX / NS_PER_S, &s))
        return false;
    out->ns = s * NS_PER_S;
    return true;
}

static bool read_families(struct reader *r, bool families[2])
{
    next_line(r);
    if (r->n < 2 || r->n > 3 || strcmp(r->words[0], "families") != 0)
        return false;
    families[0] = strcmp(r->words[1], "ipv4") == 0;
    families[1] = strcmp(r->words[r->n - 1], "ipv6") == 0;
    return (size_t)families[0] + families[1] == r->n - 1;
}

static bool read_address(struct endpoint *out, const char *word, enum family family)
{
    *out = (struct endpoint){.family = FAMILY_NONE};
    return strcmp(word, "-") == 0 ||
           (endpoint_parse(out, word, 443) && out->family == family &&
            endpoint_is_host(out) && endpoint_nobodys(out) == NULL);
}

static bool read_door(const struct reader *r, struct kept_door *out)
{
    out->rtt_ns = DELAY_UNDEFINED;
    bool exists = strcmp(r->words[1], "-") != 0 || strcmp(r->words[2], "-") != 0;
    return text_copy(out->host, sizeof out->host, r->words[0]) &&
           read_address(&out->to[0], r->words[1], FAMILY_IPV4) &&
           read_address(&out->to[1], r->words[2], FAMILY_IPV6) &&
           (strcmp(r->words[3], "-") == 0 ||
            (exists && text_to_integer(r->words[3], 0, 60 * NS_PER_S, &out->rtt_ns)));
}

static bool read_all(struct reader *r, struct kept_doors *out)
{
    struct kept_door door;
    int64_t n;
    next_line(r);
    if (r->n != 3 || strcmp(r->words[0], "edgelat") != 0 ||
        strcmp(r->words[1], "doors") != 0 || strcmp(r->words[2], "1") != 0)
        return false;
    if (!read_network(r, &out->network) || !read_swept(r, &out->swept) ||
        !read_families(r, out->families))
        return false;
    for (next_line(r); r->n == FIELDS; next_line(r)) {
        if (out->n == KEPT_DOORS_MAX || !read_door(r, &door))
            return false;
        kept_doors_add(out, &door);
    }
    return r->n == 2 && strcmp(r->words[0], "end") == 0 &&
           text_to_integer(r->words[1], (int64_t)out->n, (int64_t)out->n, &n) &&
           r->at == r->end;
}

size_t kept_doors_read(struct kept_doors *out, const char *bytes, size_t len)
{
    struct reader r = {.at = bytes, .end = bytes + len};
    *out = (struct kept_doors){0};
    if (read_all(&r, out))
        return 0;
    kept_doors_free(out);
    return r.line;
}

const char *kept_doors_unfit(const struct kept_doors *k, uint64_t network,
                             struct wall now, int64_t oldest_ns)
{
    if (network == 0)
        return "this host has no default route";
    if (k->network != network)
        return "they were found in another network";
    if (k->swept.ns > now.ns)
        return "they are from the future";
    return now.ns - k->swept.ns >= oldest_ns ? "they are older than a day" : NULL;
}
