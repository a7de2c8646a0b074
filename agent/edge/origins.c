#include "edge/origins.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static bool read_as(struct datafile *f, const char *field, uint32_t *out)
{
    int64_t as;
    if (!text_to_integer(field, 1, UINT32_MAX, &as)) {
        datafile_problem(f, "origin_as %s: must be an AS number, such as 8075", field);
        return false;
    }
    *out = (uint32_t)as;
    return true;
}

size_t origins_parse(struct origins *out, const struct datafile_source *from)
{
    struct datafile f;
    char *fields[DATAFILE_COLUMNS_MAX];
    *out = (struct origins){0};
    if (datafile_open(&f, from, "origins", "prefix,origin_as"))
        text_copy(out->version, sizeof out->version, f.version);
    while (datafile_next(&f, fields)) {
        struct origin o = {.microsoft = strcmp(fields[0], "microsoft") == 0};
        if ((!o.microsoft && !prefixes_read(&f, fields[0], &o.prefix)) ||
            !read_as(&f, fields[1], &o.as))
            continue;
        if (out->n == ORIGINS_MAX) {
            datafile_problem(&f, "more than %d origins", ORIGINS_MAX);
            break;
        }
        out->all = mem_grow(out->all, &out->room, out->n + 1, sizeof *out->all);
        out->all[out->n++] = o;
    }
    return f.problems;
}

void origins_free(struct origins *o)
{
    free(o->all);
    *o = (struct origins){0};
}

enum origin_verdict origins_judge(const struct origins *o, const uint8_t bytes[16],
                                  uint8_t bits, uint32_t as, bool microsoft)
{
    enum origin_verdict verdict = ORIGIN_UNKNOWN;
    int longest = -1; /* the rows "microsoft" are shorter than any prefix */
    for (size_t i = 0; i < o->n; i++) {
        const struct origin *row = &o->all[i];
        bool covers = row->microsoft ? microsoft
                                     : row->prefix.bits <= bits &&
                                           endpoint_same_prefix(row->prefix.bytes, bytes,
                                                                row->prefix.bits);
        int length = row->microsoft ? -1 : row->prefix.bits;
        if (!covers || length < longest)
            continue;
        if (length > longest)
            verdict = ORIGIN_UNKNOWN;
        longest = length;
        if (row->as == as)
            verdict = ORIGIN_EXPECTED;
        else if (verdict == ORIGIN_UNKNOWN)
            verdict = ORIGIN_UNEXPECTED;
    }
    return verdict;
}

bool origins_are_microsofts(const struct origins *o, uint32_t as)
{
    for (size_t i = 0; i < o->n; i++)
        if (o->all[i].microsoft && o->all[i].as == as)
            return true;
    return false;
}
