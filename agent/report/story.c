#include "report/story.h"

#include "base/mem.h"
#include "core/event_names.h"
#include "core/time.h"

#include <stdlib.h>
#include <string.h>

/* A PoP is slower than the usual one by at least the margins of the ranking's defaults. */
#define SLOWER_RATIO 1.1
#define SLOWER_NS    NS_PER_MS

/* Times of several targets are the same thing if they begin and end so close together. */
#define TOGETHER_NS DATASET_TOGETHER_NS

/* ---- the list ---- */

static void add_target(struct happening *h, size_t target)
{
    h->targets = mem_grow(h->targets, &h->room, h->n_targets + 1, sizeof *h->targets);
    h->targets[h->n_targets++] = target;
}

static struct happening *add(struct story *s, struct happening happening)
{
    s->all = mem_grow(s->all, &s->room, s->n + 1, sizeof *s->all);
    s->all[s->n] = happening;
    s->all[s->n].total_ns = happening.end_ns - happening.start_ns;
    s->all[s->n].times = 1;
    return &s->all[s->n++];
}

static bool close_together(int64_t a_ns, int64_t b_ns)
{
    return llabs(a_ns - b_ns) <= TOGETHER_NS;
}

static const char *state_of(const struct incident *i)
{
    return i->because != NULL ? i->because->after : i->down ? "down" : "";
}

/* Whether both incidents are most likely one thing: they are the same state, begin and end
 * close together, and have four fifths of their time in common. */
static bool is_same(const struct incident *a, const struct incident *b)
{
    int64_t first_ns = a->start_ns < b->start_ns ? a->start_ns : b->start_ns;
    int64_t last_ns = a->end_ns > b->end_ns ? a->end_ns : b->end_ns;
    int64_t from_ns = a->start_ns > b->start_ns ? a->start_ns : b->start_ns;
    int64_t to_ns = a->end_ns < b->end_ns ? a->end_ns : b->end_ns;
    return strcmp(state_of(a), state_of(b)) == 0 &&
           close_together(a->start_ns, b->start_ns) &&
           close_together(a->end_ns, b->end_ns) &&
           5 * (to_ns - from_ns) >= 4 * (last_ns - first_ns);
}

static bool is_of(const struct happening *h, size_t target)
{
    for (size_t i = 0; i < h->n_targets; i++)
        if (h->targets[i] == target)
            return true;
    return false;
}

static void add_outages(struct story *s, const struct intervals *all,
                        enum happening_kind kind, enum family family)
{
    for (size_t i = 0; i < all->n; i++)
        add(s, (struct happening){.kind = kind,
                                  .start_ns = all->all[i].start_ns,
                                  .end_ns = all->all[i].end_ns,
                                  .family = family});
}

/* ---- the last metre ---- */

static bool overlap(const struct happening *h, const struct dataset_metre *m)
{
    return m->start_ns <= h->end_ns && h->start_ns <= m->end_ns;
}

/* A default gateway that is down explains an outage of the line: that is one thing. */
static void add_metre(struct story *s, const struct dataset_metre *m)
{
    bool told = false;
    for (size_t i = 0; i < s->n && strcmp(m->state, "down") == 0; i++)
        if (s->all[i].kind == HAPPENING_LINE && overlap(&s->all[i], m)) {
            s->all[i].metre = m;
            told = true;
        }
    if (!told)
        add(s, (struct happening){.kind = HAPPENING_METRE,
                                  .start_ns = m->start_ns,
                                  .end_ns = m->end_ns,
                                  .family = m->family,
                                  .metre = m});
}

/* ---- media ---- */

/* Without any reply it is not stated, and the worst. */
static double mos_of(const struct dataset_media *m)
{
    return m->mos > 0 ? m->mos : 0;
}

static void add_media(struct story *s, const struct dataset *p, size_t target,
                      const char *name)
{
    struct happening h = {.kind = HAPPENING_MEDIA};
    struct media_count n = dataset_media_of(p, name);
    for (size_t i = 0; i < p->n_media; i++) {
        const struct dataset_media *m = &p->media[i];
        if (m->verdict != MEDIA_OVER || strcmp(m->target, name) != 0)
            continue;
        h.start_ns = h.media == NULL ? m->time_ns : h.start_ns;
        h.end_ns = m->time_ns + MEDIA_PACKETS * MEDIA_PACE_NS;
        h.media = h.media == NULL || mos_of(m) < mos_of(h.media) ? m : h.media;
    }
    if (h.media == NULL)
        return;
    struct happening *added = add(s, h);
    added->times = n.of[MEDIA_OVER];
    added->bursts = n.all;
    add_target(added, target);
}

/* ---- incidents ---- */

static void add_incident(struct story *s, size_t target, const struct incident *incident)
{
    for (size_t i = 0; i < s->n; i++) {
        struct happening *h = &s->all[i];
        if (h->kind == HAPPENING_INCIDENT && !is_of(h, target) &&
            is_same(h->incident, incident)) {
            add_target(h, target);
            return;
        }
    }
    add_target(add(s, (struct happening){.kind = HAPPENING_INCIDENT,
                                         .start_ns = incident->start_ns,
                                         .end_ns = incident->end_ns,
                                         .incident = incident}),
               target);
}

/* ---- another PoP ---- */

static const char *pop_of(const struct dataset_stream *s, size_t i)
{
    const char *pop = s->series[s->samples[i].series]->pop;
    return strcmp(pop, "unknown") != 0 && pop[0] != '\0' ? pop : NULL;
}

/* The median of the medians of samples `first` to before `end` that `pop` served;
 * DELAY_UNDEFINED without any. */
static int64_t median_of(const struct dataset_stream *s, size_t first, size_t end,
                         const char *pop)
{
    int64_t *delays = mem_alloc((end - first + 1) * sizeof *delays), median;
    size_t n = 0;
    for (size_t i = first; i < end; i++)
        if (pop_of(s, i) != NULL && strcmp(pop_of(s, i), pop) == 0 &&
            s->samples[i].p50_ns != DELAY_UNDEFINED)
            delays[n++] = s->samples[i].p50_ns;
    if (n > 0)
        qsort(delays, n, sizeof *delays, ns_compare);
    median = n > 0 ? delays[n / 2] : DELAY_UNDEFINED;
    free(delays);
    return median;
}

/* The PoP of most samples; NULL: no PoP is known. */
static const char *usual_pop(const struct dataset_stream *s)
{
    size_t counts[DATASET_SERIES_MAX] = {0}, most = 0;
    for (size_t i = 0; i < s->n; i++)
        counts[s->samples[i].series]++;
    const char *usual = NULL;
    for (size_t i = 0; i < s->n; i++)
        if (pop_of(s, i) != NULL && counts[s->samples[i].series] > most) {
            most = counts[s->samples[i].series];
            usual = pop_of(s, i);
        }
    return usual;
}

/* The same move of the same target before or in another family, or of another target at the
 * same time; or NULL. */
static struct happening *same_move(struct story *s, size_t target,
                                   const struct happening *as)
{
    for (size_t i = 0; i < s->n; i++) {
        struct happening *h = &s->all[i];
        if (h->kind == HAPPENING_POP && strcmp(h->pop, as->pop) == 0 &&
            strcmp(h->usual_pop, as->usual_pop) == 0 &&
            (is_of(h, target) || (close_together(h->start_ns, as->start_ns) &&
                                  close_together(h->end_ns, as->end_ns))))
            return h;
    }
    return NULL;
}

static void add_move(struct story *s, size_t target, struct happening move)
{
    struct happening *h = same_move(s, target, &move);
    if (h == NULL) {
        add_target(add(s, move), target);
        return;
    }
    if (!is_of(h, target))
        add_target(h, target);
    if (move.start_ns >= h->end_ns) { /* else another family, or another target */
        h->total_ns += move.end_ns - move.start_ns;
        h->times++;
    }
    if (move.family != h->family)
        h->family = FAMILY_NONE;
    h->end_ns = move.end_ns > h->end_ns ? move.end_ns : h->end_ns;
}

/* The times in which another PoP than the usual one served the stream, more slowly. */
static void add_moves(struct story *s, const struct dataset *p, size_t target,
                      const struct dataset_stream *stream)
{
    const char *usual = usual_pop(stream);
    int64_t usual_ns =
        usual != NULL ? median_of(stream, 0, stream->n, usual) : DELAY_UNDEFINED;
    for (size_t first = 0, end; usual_ns >= 0 && first < stream->n; first = end) {
        const char *pop = pop_of(stream, first);
        size_t last = first;
        end = first + 1;
        if (pop == NULL || strcmp(pop, usual) == 0)
            continue;
        for (; end < stream->n &&
               (pop_of(stream, end) == NULL || strcmp(pop_of(stream, end), pop) == 0);
             end++)
            last = pop_of(stream, end) != NULL ? end : last;
        int64_t p50_ns = median_of(stream, first, end, pop);
        int64_t start_ns = stream->samples[first].start_ns;
        int64_t end_ns = stream->samples[last].end_ns;
        if (p50_ns < usual_ns + SLOWER_NS ||
            (double)p50_ns < SLOWER_RATIO * (double)usual_ns ||
            end_ns - start_ns < 3 * p->window_ns)
            continue;
        bool v6 = strcmp(stream->family, family_name(FAMILY_IPV6)) == 0;
        add_move(s, target,
                 (struct happening){.kind = HAPPENING_POP,
                                    .start_ns = start_ns,
                                    .end_ns = end_ns,
                                    .family = v6 ? FAMILY_IPV6 : FAMILY_IPV4,
                                    .pop = pop,
                                    .usual_pop = usual,
                                    .p50_ns = p50_ns,
                                    .usual_ns = usual_ns});
    }
}

/* ---- front doors ---- */

static bool is_finding(const struct dataset_event *e)
{
    return event_leaves(e->name, e->after) == EVENT_LEAVES_FINDING;
}

/* Findings that are over, from their event to the one that ended them. What is still the
 * case is among the dataset's open ones. */
static void add_findings(struct story *s, const struct dataset *p, size_t target,
                         const char *name)
{
    const struct dataset_event *began[2] = {NULL, NULL};
    for (size_t i = 0; i < p->n_events; i++) {
        const struct dataset_event *e = &p->events[i];
        bool v6 = strcmp(e->family, family_name(FAMILY_IPV6)) == 0;
        if (strcmp(e->name, EVENT_EDGE_SUBOPTIMAL) != 0 || strcmp(e->target, name) != 0)
            continue;
        if (is_finding(e)) {
            began[v6] = e;
            continue;
        }
        if (began[v6] != NULL)
            add_target(add(s, (struct happening){.kind = HAPPENING_SUBOPTIMAL,
                                                 .start_ns = began[v6]->time_ns,
                                                 .end_ns = e->time_ns,
                                                 .family = v6 ? FAMILY_IPV6 : FAMILY_IPV4,
                                                 .event = began[v6]}),
                       target);
        began[v6] = NULL;
    }
}

/* ---- the names of what happened ---- */

enum fault incident_fault(const struct incident *i)
{
    const char *state = state_of(i), *text = i->because != NULL ? i->because->text : "";
    if (strcmp(state, "down") == 0)
        return FAULT_SERVICE_DOWN;
    return strstr(text, "lost") != NULL || strstr(text, "loss") != NULL
               ? FAULT_SERVICE_LOSS
           : strstr(text, "delay varies") != NULL ? FAULT_JITTER
           : strstr(text, "HTTP") != NULL         ? FAULT_SERVICE_ERRORS
                                                  : FAULT_SERVICE_SLOW;
}

/* Most targets lose packets while this one does: that is their common way. */
static bool is_common(const struct rating *ratings, size_t n, const struct incident *i)
{
    size_t lossy = 0;
    for (size_t t = 0; t < n; t++) {
        bool at_once = false;
        for (size_t k = 0; k < ratings[t].n_incidents; k++) {
            const struct incident *other = &ratings[t].incidents[k];
            at_once |= incident_fault(other) == FAULT_SERVICE_LOSS &&
                       other->start_ns < i->end_ns && i->start_ns < other->end_ns;
        }
        lossy += at_once;
    }
    return lossy > 1 && 2 * lossy > n;
}

static enum fault fault_of(const struct happening *h, const struct rating *ratings,
                           size_t n)
{
    switch (h->kind) {
    case HAPPENING_LINE:
        return h->metre != NULL ? FAULT_GATEWAY_SILENT : FAULT_PATH_BROKEN;
    case HAPPENING_FAMILY:
        return h->family == FAMILY_IPV6 ? FAULT_IPV6_BROKEN : FAULT_IPV4_BROKEN;
    case HAPPENING_METRE:
        return fault_of_event(EVENT_LAST_METRE, h->metre->state);
    case HAPPENING_POP:
    case HAPPENING_SUBOPTIMAL:
        return FAULT_FAR_DOOR;
    case HAPPENING_MEDIA:
        return FAULT_MEDIA;
    case HAPPENING_INCIDENT:
        break;
    }
    enum fault fault = incident_fault(h->incident);
    return fault == FAULT_SERVICE_LOSS && is_common(ratings, n, h->incident)
               ? FAULT_PATH_LOSS
               : fault;
}

/* ---- all ---- */

static int by_kind(const void *a, const void *b)
{
    const struct happening *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

struct story story_make(const struct dataset *p, const struct rating *ratings, size_t n)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    struct story s = {0};
    add_outages(&s, &p->outages.line, HAPPENING_LINE, FAMILY_NONE);
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        add_outages(&s, &p->outages.family[family_slot(families[f])], HAPPENING_FAMILY,
                    families[f]);
    for (size_t i = 0; i < p->n_metre; i++)
        add_metre(&s, &p->metre[i]);
    for (size_t t = 0; t < n; t++) {
        const struct dataset_target *target = ratings[t].target;
        for (size_t i = 0; i < target->n_streams; i++)
            if (ratings[t].kind != NULL &&
                strcmp(target->streams[i].kind, ratings[t].kind) == 0)
                add_moves(&s, p, t, &target->streams[i]);
        add_findings(&s, p, t, target->name);
        add_media(&s, p, t, target->name);
        for (size_t i = 0; i < ratings[t].n_incidents; i++)
            add_incident(&s, t, &ratings[t].incidents[i]);
    }
    for (size_t i = 0; i < s.n; i++)
        s.all[i].fault = fault_of(&s.all[i], ratings, n);
    if (s.n > 0)
        qsort(s.all, s.n, sizeof *s.all, by_kind);
    return s;
}

void story_free(struct story *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->all[i].targets);
    free(s->all);
}
