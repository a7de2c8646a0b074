#include "report/rating.h"

#include "base/mem.h"
#include "core/time.h"
#include "core/window.h"

#include <stdlib.h>
#include <string.h>

/* ---- delay and loss ---- */

/* One delay of a stream over all series. */
static struct histogram merged(const struct dataset_stream *s, const char *delay)
{
    struct histogram all = histogram_empty();
    for (size_t i = 0; i < s->n_series; i++) {
        const struct dataset_delay *c = dataset_delay(s->series[i], delay);
        if (c != NULL)
            histogram_merge(&all, &c->sum);
    }
    return all;
}

/* Uses the family with more results of that delay; false if there is none. */
static bool take_delay(struct rating *r, const char *kind, const char *delay)
{
    uint64_t most = 0;
    for (size_t i = 0; i < r->target->n_streams; i++) {
        const struct dataset_stream *s = &r->target->streams[i];
        if (strcmp(s->kind, kind) != 0)
            continue;
        struct histogram all = merged(s, delay);
        if (all.count > most) {
            most = all.count;
            r->kind = kind;
            r->delay = delay;
            r->p50_ns = histogram_quantile(&all, 0.5);
            r->p95_ns = histogram_quantile(&all, 0.95);
            r->p95_supported = percentile_supported(P95, all.count);
        }
        histogram_free(&all);
    }
    return most > 0;
}

enum preference { PURE, PURE_FILTERED, ROUND_TRIP, MAIN_DELAY, PREFERENCES };

/* Whether the kind's delay has that preference. */
static bool is_preferred(const struct kind *kind, enum preference preference)
{
    if (kind->main_delay != 0)
        return preference >= ROUND_TRIP;
    return preference == (kind->may_be_filtered ? PURE_FILTERED : PURE);
}

/* Prefers the round-trip time, as limits apply to it: first kinds whose main delay it is
 * and that are not filtered, then those that may be filtered, then other kinds. */
static void add_delay(struct rating *r, const struct kinds *kinds)
{
    for (size_t p = 0; p < PREFERENCES && r->delay == NULL; p++)
        for (size_t k = 0; k < kinds->n && r->delay == NULL; k++) {
            const struct kind *kind = kinds->list[k];
            size_t delay = p == MAIN_DELAY ? kind->main_delay : 0;
            if (is_preferred(kind, p) && take_delay(r, kind->name, kind->delays[delay]))
                r->round_trip = delay == 0;
        }
    r->slow = r->round_trip && r->limits.delay_ns > 0 && r->p50_ns > r->limits.delay_ns;
}

static struct rating_loss *loss_of(struct rating *r, const char *kind)
{
    size_t i = 0;
    while (i < r->n_losses && strcmp(r->losses[i].kind, kind) != 0)
        i++;
    if (i == r->n_losses)
        r->losses[r->n_losses++] = (struct rating_loss){.kind = kind};
    return &r->losses[i];
}

static uint64_t less(uint64_t from, uint64_t count)
{
    return from > count ? from - count : 0;
}

/* Takes out the windows that are the site's. */
static void leave_out(struct rating_loss *l, const struct dataset_stream *s,
                      const struct intervals *outages)
{
    for (size_t i = 0, k = 0; i < s->n && k < outages->n;) {
        const struct sample *m = &s->samples[i];
        const struct interval *o = &outages->all[k];
        if (o->end_ns <= m->start_ns) {
            k++;
            continue;
        }
        if (o->start_ns < m->end_ns) {
            l->count.sent = less(l->count.sent, m->packets);
            l->count.lost = less(l->count.lost, m->packets_lost);
            l->probes = less(l->probes, m->sent);
            l->failed = less(l->failed, m->failed);
        }
        i++;
    }
}

static size_t slot_of(const char *family)
{
    return strcmp(family, family_name(FAMILY_IPV6)) == 0 ? SLOT_IPV6 : SLOT_IPV4;
}

/* The times of a family that are the site's. */
struct site_times {
    struct intervals outages; /* nothing was answered */
    struct intervals metre;   /* loss or delay arose before the default gateway */
    struct intervals all;
    const struct intervals *beyond; /* windows in which they arose beyond it */
};

static struct site_times site_of(const struct dataset *p, const struct dataset_target *t,
                                 size_t slot)
{
    struct intervals metre = {0};
    for (size_t i = 0; i < p->n_metre; i++)
        if (p->metre[i].family == FAMILY_NONE || family_slot(p->metre[i].family) == slot)
            intervals_add(&metre, p->metre[i].start_ns, p->metre[i].end_ns);
    struct site_times s = {
        .outages = intervals_either(&p->outages.line, &p->outages.family[slot]),
        .metre = intervals_without(&metre, &t->beyond[slot]),
        .beyond = &t->beyond[slot]};
    s.all = intervals_either(&s.outages, &s.metre);
    free(metre.all);
    return s;
}

static void site_free(struct site_times *s)
{
    free(s->outages.all);
    free(s->metre.all);
    free(s->all.all);
}

static void add_counts(struct rating *r, const struct dataset *p,
                       const struct site_times site[2])
{
    const struct kinds *kinds = p->kinds;
    for (size_t s = 0; s < r->target->n_streams; s++) {
        const struct dataset_stream *stream = &r->target->streams[s];
        size_t number = kinds_find(kinds, stream->kind);
        const struct kind *kind = number != KIND_NONE ? kinds->list[number] : NULL;
        struct rating_loss *l = loss_of(r, stream->kind);
        for (size_t i = 0; i < stream->n_series; i++) {
            const struct dataset_counts *c = &stream->series[i]->sum;
            struct loss_count count = loss_count_of(kind, c->outcomes, c->counters);
            l->count.sent += count.sent;
            l->count.lost += count.lost;
            l->probes += outcomes_sent(c->outcomes);
            l->failed += outcomes_failed(c->outcomes);
            l->errors += c->outcomes[OUTCOME_TLS_ERROR] + c->outcomes[OUTCOME_HTTP_ERROR];
        }
        leave_out(l, stream, &site[slot_of(stream->family)].all);
    }
    for (size_t i = 0; i < r->n_losses; i++) {
        struct rating_loss *l = &r->losses[i];
        l->lossy = r->limits.loss_ratio > 0 &&
                   loss_exceeds(l->count.lost, l->count.sent, r->limits.loss_ratio);
        l->failing = 2 * l->errors > l->probes;
        r->lossy |= l->lossy;
        r->failing |= l->failing;
    }
}

/* ---- PoPs ---- */

struct pop_count {
    const char *pop;
    size_t n;
};

static int by_count(const void *a, const void *b)
{
    const struct pop_count *x = a, *y = b;
    return (x->n < y->n) - (x->n > y->n);
}

static void add_pops(struct rating *r)
{
    enum { DIFFERENT_MAX = 64 };
    struct pop_count counts[DIFFERENT_MAX] = {{NULL, 0}};
    size_t n = 0, all = 0;
    for (size_t i = 0; i < r->target->n_streams; i++) {
        const struct dataset_stream *s = &r->target->streams[i];
        for (size_t m = 0; m < s->n; m++) {
            const char *pop = s->series[s->samples[m].series]->pop;
            size_t at = 0;
            if (strcmp(pop, "unknown") == 0 || pop[0] == '\0')
                continue;
            while (at < n && strcmp(counts[at].pop, pop) != 0)
                at++;
            if (at == DIFFERENT_MAX)
                continue;
            if (at == n)
                counts[n++] = (struct pop_count){.pop = pop};
            counts[at].n++;
            all++;
        }
    }
    if (n > 0)
        qsort(counts, n, sizeof *counts, by_count);
    for (; r->n_pops < n && r->n_pops < RATING_POPS_MAX; r->n_pops++) {
        r->pops[r->n_pops].pop = counts[r->n_pops].pop;
        r->pops[r->n_pops].share = (double)counts[r->n_pops].n / (double)all;
    }
}

/* ---- incidents ---- */

static bool is_bad(const char *state)
{
    return strcmp(state, "down") == 0 || strcmp(state, "degraded") == 0;
}

static void add_piece(struct rating *r, struct incident incident)
{
    if (incident.end_ns <= incident.start_ns)
        return;
    r->incidents = mem_grow(r->incidents, &r->incidents_room, r->n_incidents + 1,
                            sizeof *r->incidents);
    r->incidents[r->n_incidents++] = incident;
}

static bool is_in(const struct intervals *s, int64_t ns)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->all[i].start_ns < ns && ns <= s->all[i].end_ns)
            return true;
    return false;
}

/* Whether loss or delay of the site made it: it was while the state was found. A stream with
 * few probes counts lost packets for long, so the end of its state does not tell. */
static bool is_of_site(const struct incident *i, const struct site_times *site)
{
    const struct intervals *metre = &site->metre;
    int64_t last_ns = i->because != NULL && i->because->detected_ns > i->start_ns
                          ? i->because->detected_ns
                          : i->start_ns;
    if (is_in(site->beyond, last_ns))
        return false;
    for (size_t k = 0; k < metre->n; k++)
        if (metre->all[k].start_ns - DATASET_TOGETHER_NS <= last_ns &&
            i->start_ns < metre->all[k].end_ns + DATASET_TOGETHER_NS)
            return true;
    return i->because != NULL && i->because->charged_to_site;
}

/* Adds what is left of the incident beside outages of the site: its beginning and its end are
 * the outage's if they are close to it. */
static void add_incident(struct rating *r, const struct dataset *p,
                         struct incident incident, const struct intervals *outages)
{
    for (size_t i = 0; i < outages->n; i++) {
        const struct interval *o = &outages->all[i];
        int64_t before_ns = o->start_ns - 2 * p->window_ns;
        int64_t after_ns = o->end_ns + 2 * p->window_ns + DATASET_TOGETHER_NS;
        if (incident.end_ns <= o->start_ns ||
            o->end_ns + 2 * p->window_ns <= incident.start_ns)
            continue;
        struct incident first = incident;
        first.end_ns = o->start_ns;
        if (incident.start_ns < before_ns)
            add_piece(r, first);
        if (incident.end_ns <= after_ns)
            return;
        if (incident.start_ns < o->end_ns)
            incident.start_ns = o->end_ns;
    }
    add_piece(r, incident);
}

static void add_state_incident(struct rating *r, const struct dataset *p,
                               struct incident incident, const struct site_times *site)
{
    if (!is_of_site(&incident, site))
        add_incident(r, p, incident, &site->outages);
}

/* The state ends with the next event of the stream, or when the agent restarts: after a
 * restart it sends no event for a stream that is up. */
static int64_t end_of(const struct dataset *p, const struct dataset_event *e)
{
    int64_t end_ns = dataset_run_end(p, e->time_ns);
    return e->next != NULL && e->next->time_ns < end_ns ? e->next->time_ns : end_ns;
}

/* Whether it is the first event of its stream, and from the first run of the period. */
static bool is_first(const struct dataset *p, const struct dataset_event *e)
{
    return e->first &&
           dataset_runs_until(p, e->time_ns) == dataset_runs_until(p, p->since_ns);
}

static uint32_t stream_bit(const struct dataset_target *t, const struct dataset_event *e)
{
    size_t i = 0;
    while (i < t->n_streams && (strcmp(t->streams[i].kind, e->kind) != 0 ||
                                strcmp(t->streams[i].family, e->family) != 0))
        i++;
    return UINT32_C(1) << i;
}

static void add_event_incidents(struct rating *r, const struct dataset *p,
                                const struct site_times site[2])
{
    for (size_t i = 0; i < p->n_events; i++) {
        const struct dataset_event *e = &p->events[i];
        if (!e->is.changes_state || strcmp(e->target, r->target->name) != 0)
            continue;
        if (is_bad(e->before) && is_first(p, e))
            add_state_incident(
                r, p, (struct incident){.start_ns = p->since_ns, .end_ns = e->time_ns},
                &site[slot_of(e->family)]);
        if (is_bad(e->after) || e->is.flaps)
            add_state_incident(r, p,
                               (struct incident){.start_ns = e->time_ns,
                                                 .end_ns = end_of(p, e),
                                                 .because = e,
                                                 .streams = stream_bit(r->target, e)},
                               &site[slot_of(e->family)]);
    }
}

/* The first event of the period that changes the state of the same stream; NULL: none. */
static const struct dataset_event *first_of(const struct dataset *p,
                                            const struct dataset_event *as)
{
    for (size_t i = 0; i < p->n_events; i++) {
        const struct dataset_event *e = &p->events[i];
        if (e->first && strcmp(e->target, as->target) == 0 &&
            strcmp(e->kind, as->kind) == 0 && strcmp(e->family, as->family) == 0)
            return e;
    }
    return NULL;
}

/* What began before the period and is still the case when it begins. */
static void add_earlier_incidents(struct rating *r, const struct dataset *p,
                                  const struct site_times site[2])
{
    for (size_t i = 0; i < p->before.n; i++) {
        const struct dataset_event *e = &p->before.all[i];
        bool bad = is_bad(e->after) || e->is.flaps;
        if (!bad || strcmp(e->target, r->target->name) != 0)
            continue;
        struct dataset_event held = *e;
        held.next = first_of(p, e);
        add_state_incident(r, p,
                           (struct incident){.start_ns = p->since_ns,
                                             .end_ns = end_of(p, &held),
                                             .because = e,
                                             .streams = stream_bit(r->target, e)},
                           &site[slot_of(e->family)]);
    }
}

/* One window may be chance; the agent too reports down only after two in a row. What is down
 * over all families is the site's if each of them is. */
static void add_down_incidents(struct rating *r, const struct dataset *p,
                               const struct site_times site[2])
{
    bool used[2] = {false, false};
    for (size_t s = 0; s < r->target->n_streams; s++)
        used[slot_of(r->target->streams[s].family)] = true;
    struct intervals all =
        intervals_both(&site[used[0] ? 0 : 1].all, &site[used[1] ? 1 : 0].all);
    for (size_t i = 0; i < r->target->down.n; i++) {
        const struct interval *s = &r->target->down.all[i];
        if (s->end_ns - s->start_ns > p->window_ns)
            add_incident(r, p,
                         (struct incident){
                             .start_ns = s->start_ns, .end_ns = s->end_ns, .down = true},
                         &all);
    }
    free(all.all);
}

static int by_start(const void *a, const void *b)
{
    const struct incident *x = a, *y = b;
    if (x->start_ns != y->start_ns)
        return x->start_ns < y->start_ns ? -1 : 1;
    return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

/* Merges incidents that overlap or touch. */
static void merge_incidents(struct rating *r)
{
    size_t n = 0;
    if (r->n_incidents > 0)
        qsort(r->incidents, r->n_incidents, sizeof *r->incidents, by_start);
    for (size_t i = 0; i < r->n_incidents; i++) {
        const struct incident *s = &r->incidents[i];
        struct incident *last = n > 0 ? &r->incidents[n - 1] : NULL;
        if (last == NULL || s->start_ns > last->end_ns) {
            r->incidents[n++] = *s;
            continue;
        }
        last->end_ns = s->end_ns > last->end_ns ? s->end_ns : last->end_ns;
        last->down |= s->down;
        last->because = last->because != NULL ? last->because : s->because;
        last->streams |= s->streams;
    }
    r->n_incidents = n;
}

int64_t rating_bad_ns(const struct rating *r)
{
    int64_t sum = 0;
    for (size_t i = 0; i < r->n_incidents; i++)
        sum += r->incidents[i].end_ns - r->incidents[i].start_ns;
    return sum;
}

void rating_make(struct rating *out, const struct dataset *p,
                 const struct dataset_target *t, const struct limits *limits)
{
    *out = (struct rating){.target = t,
                           .limits = *limits,
                           .p50_ns = DELAY_UNDEFINED,
                           .p95_ns = DELAY_UNDEFINED};
    struct site_times site[2] = {site_of(p, t, SLOT_IPV4), site_of(p, t, SLOT_IPV6)};
    add_delay(out, p->kinds);
    add_counts(out, p, site);
    add_pops(out);
    add_earlier_incidents(out, p, site);
    add_event_incidents(out, p, site);
    add_down_incidents(out, p, site);
    merge_incidents(out);
    site_free(&site[0]);
    site_free(&site[1]);
}

void rating_free(struct rating *r)
{
    free(r->incidents);
}
