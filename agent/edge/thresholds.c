#include "edge/thresholds.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static bool read_level(struct datafile *f, const char *field, double *out)
{
    *out = THRESHOLD_TARGET;
    if (strcmp(field, "target") == 0 || text_to_number(field, 0, 100, out))
        return true;
    datafile_problem(f, "level %s: must be points from 0 to 100, or target", field);
    return false;
}

static bool read_value(struct datafile *f, const char *field, double *out)
{
    if (text_to_number(field, 0, 1e9, out))
        return true;
    datafile_problem(f, "value %s: must be a number, not below 0", field);
    return false;
}

static bool read_unit(struct datafile *f, const char *field, struct threshold *t)
{
    static const char *const units[] = {"ms", "km", "MB/s", "percent"};
    enum { UNITS = sizeof units / sizeof *units };
    for (size_t i = 0; i < UNITS; i++)
        if (strcmp(field, units[i]) == 0) {
            text_copy(t->unit, sizeof t->unit, field);
            return true;
        }
    datafile_problem(f, "unit %s: must be ms, km, MB/s or percent", field);
    return false;
}

static bool read_threshold(struct datafile *f, char *fields[], struct threshold *t)
{
    return datafile_word(f, "measure", fields[0], t->measure, sizeof t->measure) &&
           read_level(f, fields[1], &t->points) && read_value(f, fields[2], &t->value) &&
           read_unit(f, fields[3], t) &&
           datafile_word(f, "source", fields[4], t->source, sizeof t->source);
}

size_t thresholds_parse(struct thresholds *out, const struct datafile_source *from)
{
    struct datafile f;
    char *fields[DATAFILE_COLUMNS_MAX];
    *out = (struct thresholds){0};
    if (datafile_open(&f, from, "thresholds", "measure,level,value,unit,source"))
        text_copy(out->version, sizeof out->version, f.version);
    while (datafile_next(&f, fields)) {
        struct threshold t = {0};
        if (!read_threshold(&f, fields, &t))
            continue;
        if (out->n == THRESHOLDS_MAX) {
            datafile_problem(&f, "more than %d thresholds", THRESHOLDS_MAX);
            break;
        }
        out->all = mem_grow(out->all, &out->room, out->n + 1, sizeof *out->all);
        out->all[out->n++] = t;
    }
    return f.problems;
}

void thresholds_free(struct thresholds *t)
{
    free(t->all);
    *t = (struct thresholds){0};
}
