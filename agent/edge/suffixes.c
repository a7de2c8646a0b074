#include "edge/suffixes.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const verdicts[] = {
    [SUFFIX_EDGE] = "edge",     [SUFFIX_FALLBACK] = "edge-fallback",
    [SUFFIX_REGION] = "region", [SUFFIX_FOREIGN] = "foreign",
    [SUFFIX_EITHER] = "either",
};

#define N_VERDICTS (sizeof verdicts / sizeof *verdicts)

static bool read_suffix(struct datafile *f, const char *field, struct suffix *s)
{
    static const char of[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    if (!datafile_word(f, "suffix", field, s->text, HOST_TEXT_MAX))
        return false;
    for (char *c = s->text; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    size_t len = strlen(s->text);
    const char *name = s->text + strspn(s->text, ".-");
    if (name - s->text <= 1 && strchr(name, '.') != NULL && s->text[len - 1] != '.' &&
        strspn(s->text, of) == len)
        return true;
    datafile_problem(f,
                     "suffix %s: must be the end of a host name, such as .example.net, "
                     "-x.example.net or host.example.net",
                     field);
    return false;
}

static bool read_verdict(struct datafile *f, const char *field, struct suffix *s)
{
    for (size_t v = 0; v < N_VERDICTS; v++)
        if (strcmp(field, verdicts[v]) == 0) {
            s->verdict = (enum suffix_verdict)v;
            return true;
        }
    datafile_problem(f,
                     "verdict %s: must be edge, edge-fallback, region, foreign or "
                     "either",
                     field);
    return false;
}

static bool is_new(struct datafile *f, const struct suffixes *all, const struct suffix *s)
{
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->all[i].text, s->text) == 0) {
            datafile_problem(f, "suffix %s: duplicate", s->text);
            return false;
        }
    return true;
}

size_t suffixes_parse(struct suffixes *out, const struct datafile_source *from)
{
    struct datafile f;
    char *fields[DATAFILE_COLUMNS_MAX];
    *out = (struct suffixes){0};
    if (datafile_open(&f, from, "suffixes", "suffix,verdict,service"))
        text_copy(out->version, sizeof out->version, f.version);
    while (datafile_next(&f, fields)) {
        char text[HOST_TEXT_MAX];
        struct suffix s = {.text = text};
        if (!read_suffix(&f, fields[0], &s) || !read_verdict(&f, fields[1], &s) ||
            !datafile_word(&f, "service", fields[2], s.service, sizeof s.service) ||
            !is_new(&f, out, &s))
            continue;
        if (out->n == SUFFIXES_MAX) {
            datafile_problem(&f, "more than %d suffixes", SUFFIXES_MAX);
            break;
        }
        out->all = mem_grow(out->all, &out->room, out->n + 1, sizeof *out->all);
        s.text = mem_string(text);
        out->all[out->n++] = s;
    }
    out->room = out->n;
    out->all = mem_resize(out->all, out->n * sizeof *out->all);
    return f.problems;
}

void suffixes_free(struct suffixes *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->all[i].text);
    free(s->all);
    *s = (struct suffixes){0};
}

static bool fits(const struct suffix *s, const char *name, size_t len)
{
    size_t n = strlen(s->text);
    bool ends_so = s->text[0] == '.' || s->text[0] == '-';
    return (ends_so ? n < len : n == len) && strncasecmp(name + len - n, s->text, n) == 0;
}

const struct suffix *suffixes_find(const struct suffixes *s, const char *name)
{
    const struct suffix *best = NULL;
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == '.')
        len--;
    for (size_t i = 0; i < s->n; i++)
        if (fits(&s->all[i], name, len) &&
            (best == NULL || strlen(s->all[i].text) > strlen(best->text)))
            best = &s->all[i];
    return best;
}
