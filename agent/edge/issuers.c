#include "edge/issuers.h"

#include "base/mem.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

size_t issuers_parse(struct issuers *out, const struct datafile_source *from)
{
    struct datafile f;
    char *fields[DATAFILE_COLUMNS_MAX];
    *out = (struct issuers){0};
    if (datafile_open(&f, from, "issuers", "service,issuer"))
        text_copy(out->version, sizeof out->version, f.version);
    while (datafile_next(&f, fields)) {
        struct issuer s;
        if (!datafile_word(&f, "service", fields[0], s.service, sizeof s.service) ||
            !datafile_word(&f, "issuer", fields[1], s.pattern, sizeof s.pattern))
            continue;
        if (out->n == ISSUERS_MAX) {
            datafile_problem(&f, "more than %d issuers", ISSUERS_MAX);
            break;
        }
        out->all = mem_grow(out->all, &out->room, out->n + 1, sizeof *out->all);
        out->all[out->n++] = s;
    }
    return f.problems;
}

void issuers_free(struct issuers *s)
{
    free(s->all);
    *s = (struct issuers){0};
}

/* After a mismatch the last '*' takes one byte more, so the work is bounded by the product
 * of both lengths. */
static bool fits(const char *pattern, const char *text)
{
    const char *star = NULL, *retry = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (tolower((unsigned char)*pattern) == tolower((unsigned char)*text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

bool issuers_foreign(const struct issuers *s, const char *service, const char *issuer)
{
    bool known = false;
    for (size_t i = 0; i < s->n && issuer[0] != '\0'; i++) {
        if (strcmp(s->all[i].service, service) != 0)
            continue;
        known = true;
        if (fits(s->all[i].pattern, issuer))
            return false;
    }
    return known;
}
