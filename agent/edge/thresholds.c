#include "edge/thresholds.h"

#include "base/intern.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/time.h"

#include <math.h>
#include <stdio.h>
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

/* ---- limits ---- */

/* Converts to our units: ns, ratio, km. */
static double in_our_unit(const struct threshold *t)
{
    return strcmp(t->unit, "ms") == 0        ? t->value * NS_PER_MS
           : strcmp(t->unit, "percent") == 0 ? t->value / 100
                                             : t->value;
}

static const struct threshold *find(const struct thresholds *t, const char *measure,
                                    double points, const char *unit)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->all[i].measure, measure) == 0 && t->all[i].points == points &&
            strcmp(t->all[i].unit, unit) == 0)
            return &t->all[i];
    return NULL;
}

#define ACCEPTABLE 60.0 /* points */

enum limit { LIMIT_DELAY, LIMIT_VARIATION, LIMIT_LOSS, LIMIT_DISTANCE };

static const struct {
    const char *service; /* NULL: any */
    enum limit limit;
    const char *measure;
    double points;
    const char *unit;
    bool media;
} figures[] = {
    /* the first match for a limit counts */
    {"exchange", LIMIT_DELAY, "exchange_tcp_latency", ACCEPTABLE, "ms", false},
    {"teams", LIMIT_DELAY, "teams_rtt", THRESHOLD_TARGET, "ms", true},
    {"teams", LIMIT_VARIATION, "teams_delay_variation", THRESHOLD_TARGET, "ms", true},
    {"teams", LIMIT_LOSS, "teams_loss", THRESHOLD_TARGET, "percent", true},
    {NULL, LIMIT_LOSS, "loss", THRESHOLD_TARGET, "percent", false},
    {NULL, LIMIT_DISTANCE, "egress_distance", THRESHOLD_TARGET, "km", false},
};

static const char *source_of(const struct threshold *t)
{
    char text[sizeof "thresholds.csv: " + sizeof t->source];
    snprintf(text, sizeof text, "thresholds.csv: %s", t->source);
    return intern(text);
}

/* Sets the limit if it is not set. */
static void set(struct limits *l, enum limit limit, const struct threshold *t, bool media)
{
    double value = in_our_unit(t);
    switch (limit) {
    case LIMIT_DELAY:
        if (l->delay_ns == 0) {
            l->delay_ns = llround(value);
            l->delay_of_media = media;
            l->delay_source = source_of(t);
        }
        return;
    case LIMIT_VARIATION:
        if (l->variation_ns == 0) {
            l->variation_ns = llround(value);
            l->variation_of_media = media;
            l->variation_source = source_of(t);
        }
        return;
    case LIMIT_LOSS:
        if (l->loss_ratio == 0) {
            l->loss_ratio = value;
            l->loss_of_media = media;
            l->loss_source = source_of(t);
        }
        return;
    case LIMIT_DISTANCE:
        if (l->distance_km == 0) {
            l->distance_km = value;
            l->distance_source = source_of(t);
        }
        return;
    }
}

void thresholds_limits(const struct thresholds *t, const char *service,
                       struct limits *limits)
{
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        const struct threshold *found =
            find(t, figures[i].measure, figures[i].points, figures[i].unit);
        bool is_of =
            figures[i].service == NULL || strcmp(service, figures[i].service) == 0;
        if (found != NULL && is_of)
            set(limits, figures[i].limit, found, figures[i].media);
    }
}

void thresholds_media(const struct thresholds *t, struct media_limits *out)
{
    static const struct {
        const char *measure, *unit;
    } rows[MEDIA_MEASURES] = {
        [MEDIA_DELAY] = {"teams_rtt", "ms"},
        [MEDIA_LOSS] = {"teams_loss", "percent"},
        [MEDIA_BURST_LOSS] = {"teams_burst_loss", "percent"},
        [MEDIA_VARIATION] = {"teams_delay_variation", "ms"},
        [MEDIA_REORDERING] = {"teams_reordering", "percent"},
    };
    *out = (struct media_limits){0};
    for (size_t i = 0; i < MEDIA_MEASURES; i++) {
        const struct threshold *found =
            find(t, rows[i].measure, THRESHOLD_TARGET, rows[i].unit);
        if (found == NULL)
            continue;
        out->of[i].most = in_our_unit(found);
        text_copy(out->of[i].source, sizeof out->of[i].source, source_of(found));
    }
}

/* ---- scores ---- */

double thresholds_points(const struct thresholds *t, const char *measure, double value)
{
    const struct threshold *below = NULL, *above = NULL;
    if (isnan(value))
        return NAN;
    for (size_t i = 0; i < t->n; i++) {
        const struct threshold *row = &t->all[i];
        if (strcmp(row->measure, measure) != 0 || row->points == THRESHOLD_TARGET)
            continue;
        if (row->value <= value && (below == NULL || row->value > below->value))
            below = row;
        if (row->value >= value && (above == NULL || row->value < above->value))
            above = row;
    }
    if (below == NULL || above == NULL)
        return below != NULL ? below->points : above != NULL ? above->points : NAN;
    if (below->value == above->value)
        return below->points;
    double share = (value - below->value) / (above->value - below->value);
    return below->points + share * (above->points - below->points);
}
