/*
 * Finds the outages of the site: times in which nothing was answered, over any family or
 * over one.
 */
#include "report/dataset_state.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A target that was last seen so long before the newest window was removed. */
#define REMOVED_AFTER_NS (900 * NS_PER_S)

/* ---- the line ---- */

/* A front door that was not kept says nothing about the time after it. */
static bool is_removed(const struct dataset *p, const struct dataset_target *t)
{
    return t->last_seen_ns + REMOVED_AFTER_NS < p->covered.all[p->covered.n - 1].end_ns;
}

/* The default gateway and DNS servers may be in front of the line. */
static bool is_behind_line(const struct dataset *p, const struct dataset_target *t)
{
    return strcmp(t->host, GATEWAY_HOST) != 0 && !dataset_is_resolver(p, t);
}

/* No target answered. One target alone is no evidence: it may be its service. */
static struct intervals line_outages(const struct dataset *p)
{
    struct intervals all = {0};
    size_t targets = 0;
    for (size_t i = 0; i < p->covered.n; i++)
        intervals_add(&all, p->covered.all[i].start_ns, p->covered.all[i].end_ns);
    for (size_t t = 0; p->covered.n > 0 && t < p->n_targets; t++) {
        if (is_removed(p, p->targets[t]) || !is_behind_line(p, p->targets[t]))
            continue;
        struct intervals next = intervals_both(&all, &p->targets[t]->down);
        free(all.all);
        all = next;
        targets++;
    }
    if (targets < 2)
        all.n = 0;
    return all;
}

/* ---- a family ---- */

/* A window, or several where the period has more than CELLS_MAX. */
enum { CELLS_MAX = 1 << 20 };

struct cell {
    bool answered, other_answered; /* over the family; over another one */
    uint16_t silent;               /* targets that were probed, without any answer */
    uint16_t counted;              /* the last one of `silent`, from 1 */
};

struct cells {
    struct cell *all;
    size_t n;
    int64_t from_ns, length_ns;
};

static struct cells cells_create(const struct dataset *p)
{
    struct cells c = {.from_ns = p->covered.all[0].start_ns,
                      .length_ns = p->window_ns > 0 ? p->window_ns : NS_PER_S};
    int64_t span_ns = p->covered.all[p->covered.n - 1].end_ns - c.from_ns;
    while (span_ns / c.length_ns >= CELLS_MAX)
        c.length_ns *= 2;
    c.n = (size_t)(span_ns / c.length_ns) + 1;
    c.all = mem_zalloc(c.n * sizeof *c.all);
    return c;
}

static void add_stream(struct cells *c, const struct dataset_stream *s, bool other,
                       uint16_t target)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct sample *m = &s->samples[i];
        int64_t at = (m->end_ns - 1 - c->from_ns) / c->length_ns;
        if (m->sent == 0 || at < 0 || at >= (int64_t)c->n)
            continue;
        struct cell *cell = &c->all[at];
        if (other) {
            cell->other_answered |= m->lost < m->sent;
        } else if (m->lost < m->sent) {
            cell->answered = true;
        } else if (cell->counted != target) {
            cell->counted = target;
            cell->silent++;
        }
    }
}

/* No target answered over the family, while another family worked. */
static bool is_down(const struct cell *c)
{
    return c->silent > 0 && !c->answered && c->other_answered;
}

/* Nothing was probed over the family, so that the cell belongs to those around it. */
static bool is_empty(const struct cell *c)
{
    return c->silent == 0 && !c->answered;
}

/* Adds runs of at least two windows; in one at least two targets were probed. */
static void add_runs(struct intervals *out, const struct cells *c)
{
    for (size_t first = 0, end; first < c->n; first = end) {
        size_t silent = 0, last = first;
        end = first + 1;
        if (!is_down(&c->all[first]))
            continue;
        for (end = first; end < c->n && (is_down(&c->all[end]) || is_empty(&c->all[end]));
             end++) {
            silent = c->all[end].silent > silent ? c->all[end].silent : silent;
            last = c->all[end].silent > 0 ? end : last;
        }
        if (silent >= 2 && last > first)
            intervals_add(out, c->from_ns + (int64_t)first * c->length_ns,
                          c->from_ns + (int64_t)(last + 1) * c->length_ns);
    }
}

static struct intervals family_outages(const struct dataset *p, enum family family)
{
    struct intervals out = {0};
    if (p->covered.n == 0)
        return out;
    struct cells cells = cells_create(p);
    for (size_t t = 0; t < p->n_targets; t++)
        for (size_t s = 0;
             is_behind_line(p, p->targets[t]) && s < p->targets[t]->n_streams; s++) {
            const struct dataset_stream *stream = &p->targets[t]->streams[s];
            bool other = strcmp(stream->family, family_name(family)) != 0;
            add_stream(&cells, stream, other, (uint16_t)(t + 1));
        }
    add_runs(&out, &cells);
    free(cells.all);
    return out;
}

/* ---- when exactly ---- */

/* The first unanswered probe and the first answer after it, as events have them, instead of
 * the windows around them. `family` NULL: any. */
static void sharpen(const struct dataset *p, struct intervals *outages,
                    const char *family)
{
    for (size_t i = 0; i < outages->n; i++) {
        struct interval *o = &outages->all[i];
        int64_t earliest_ns = o->start_ns - p->window_ns;
        int64_t start_ns = o->start_ns, end_ns = o->end_ns + p->window_ns;
        bool ended = false;
        for (size_t k = 0; k < p->n_events; k++) {
            const struct dataset_event *e = &p->events[k];
            if (!e->is.changes_state ||
                (family != NULL && strcmp(e->family, family) != 0))
                continue;
            if (strcmp(e->after, "down") == 0 && e->time_ns >= earliest_ns &&
                e->time_ns < start_ns)
                start_ns = e->time_ns;
            if (strcmp(e->before, "down") == 0 && e->time_ns >= o->end_ns &&
                e->time_ns < end_ns) {
                end_ns = e->time_ns;
                ended = true;
            }
        }
        o->start_ns = start_ns;
        o->end_ns = ended ? end_ns : o->end_ns;
    }
}

void dataset_find_outages(struct dataset *p)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    p->outages.line = line_outages(p);
    sharpen(p, &p->outages.line, NULL);
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        struct intervals *of = &p->outages.family[family_slot(families[f])];
        *of = family_outages(p, families[f]);
        sharpen(p, of, family_name(families[f]));
    }
}
