/*
 * Adds the agent's own metrics and its events to the dataset.
 */
#include "report/dataset_state.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/last_metre.h"
#include "core/time.h"
#include "otlp/decoded.h"
#include "otlp/names.h"

#include <string.h>

/* ---- the agent's own metrics ---- */

/* The value of the first attribute; these metrics have at most one. */
static const char *attribute_of(char out[DATASET_WORD_MAX],
                                const Otlp__NumberDataPoint *point)
{
    const char *text = "";
    if (point->n_attributes > 0)
        text = decoded_text(point->attributes, 1, point->attributes[0]->key, "");
    return decoded_clean(out, DATASET_WORD_MAX, text, ' ');
}

static struct dataset_self *self_of(struct dataset *p, const char *metric,
                                    const Otlp__NumberDataPoint *point)
{
    char name[DATASET_WORD_MAX], attribute[DATASET_WORD_MAX];
    decoded_clean(name, sizeof name, metric, ' ');
    attribute_of(attribute, point);
    for (size_t i = 0; i < p->n_selves; i++)
        if (strcmp(p->selves[i].name, name) == 0 &&
            strcmp(p->selves[i].attribute, attribute) == 0)
            return &p->selves[i];
    if (p->n_selves == DATASET_SELVES_MAX) {
        p->left_out++;
        return NULL;
    }
    struct dataset_self *self = &p->selves[p->n_selves++];
    text_copy(self->name, sizeof self->name, name);
    text_copy(self->attribute, sizeof self->attribute, attribute);
    return self;
}

static void add_to_sum(const struct dataset *p, struct dataset_self *self,
                       const Otlp__NumberDataPoint *point, double value, bool delta)
{
    uint64_t start = point->start_time_unix_nano;
    bool began = start <= INT64_MAX && (int64_t)start >= p->since_ns;
    double new = delta || (start != self->start_ns && (self->time_ns != 0 || began))
                     ? value
                 : start == self->start_ns ? value - self->last
                                           : 0;
    self->is_sum = true;
    self->start_ns = start;
    if (dataset_in_period(p, point->time_unix_nano) && new > 0)
        self->sum += new;
}

/* A later start time is a restart of the agent. */
static void add_run(struct dataset *p, uint64_t start_ns)
{
    int64_t last = p->n_runs > 0 ? p->runs[p->n_runs - 1] : 0;
    if (start_ns <= INT64_MAX && (int64_t)start_ns > last && p->n_runs < DATASET_RUNS_MAX)
        p->runs[p->n_runs++] = (int64_t)start_ns;
}

static void add_self(struct dataset *p, const char *metric,
                     const Otlp__NumberDataPoint *point, bool is_sum, bool delta)
{
    struct dataset_self *self = self_of(p, metric, point);
    if (self == NULL || point->time_unix_nano <= self->time_ns ||
        point->time_unix_nano > INT64_MAX || (int64_t)point->time_unix_nano > p->until_ns)
        return;
    double value = decoded_number(point);
    if (is_sum)
        add_to_sum(p, self, point, value, delta);
    if (is_sum && !delta)
        add_run(p, point->start_time_unix_nano);
    if (dataset_in_period(p, point->time_unix_nano) && value > self->max)
        self->max = value;
    self->last = value;
    self->time_ns = point->time_unix_nano;
}

void dataset_add_self(struct dataset *p, const Otlp__Metric *m)
{
    if (m->data_case == OTLP__METRIC__DATA_GAUGE)
        for (size_t i = 0; i < m->gauge->n_data_points; i++)
            add_self(p, m->name, m->gauge->data_points[i], false, false);
    if (m->data_case == OTLP__METRIC__DATA_SUM)
        for (size_t i = 0; i < m->sum->n_data_points; i++)
            add_self(p, m->name, m->sum->data_points[i], true,
                     m->sum->aggregation_temporality ==
                         OTLP__AGGREGATION_TEMPORALITY__AGGREGATION_TEMPORALITY_DELTA);
}

/* ---- events ---- */

static void copy(char *out, size_t room, const Otlp__LogRecord *r, const char *key)
{
    decoded_clean(out, room, decoded_text(r->attributes, r->n_attributes, key, ""), ' ');
}

static bool same(const struct dataset_event *a, const struct dataset_event *b)
{
    return a->time_ns == b->time_ns && strcmp(a->name, b->name) == 0 &&
           strcmp(a->target, b->target) == 0 && strcmp(a->kind, b->kind) == 0 &&
           strcmp(a->family, b->family) == 0 && strcmp(a->text, b->text) == 0;
}

/*
 * A batch may be added twice, with all its events. Duplicates are found in a hash table
 * that is at most one third full. The search is bounded too, so that crafted events
 * cannot make it slow: after PROBES_MAX slots an event is left out.
 */
enum { SLOTS = 32768, PROBES_MAX = 64 };
_Static_assert(SLOTS >= 3 * DATASET_EVENTS_MAX, "at most a third full");

static uint64_t hash_text(uint64_t hash, const char *text) /* FNV-1a */
{
    do
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    while (*text++ != '\0');
    return hash;
}

static uint64_t hash_of(const struct dataset_event *e)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)e->time_ns;
    hash = hash_text(hash, e->name);
    hash = hash_text(hash, e->target);
    hash = hash_text(hash, e->kind);
    hash = hash_text(hash, e->family);
    return hash_text(hash, e->text);
}

/* The slot of the event, or a free slot for it; NULL if PROBES_MAX slots have neither. */
static uint32_t *slot_of(const struct dataset *p, const struct dataset_event *e)
{
    uint64_t hash = hash_of(e);
    for (uint64_t i = 0; i < PROBES_MAX; i++) {
        uint32_t *slot = &p->event_slots[((hash >> 32) + i) % SLOTS];
        if (*slot == 0 || same(&p->events[*slot - 1], e))
            return slot;
    }
    return NULL;
}

static void add_event(struct dataset *p, const struct dataset_event *e)
{
    if (p->event_slots == NULL)
        p->event_slots = mem_zalloc(SLOTS * sizeof *p->event_slots);
    uint32_t *slot = slot_of(p, e);
    if (slot != NULL && *slot != 0)
        return; /* duplicate */
    if (slot == NULL || p->n_events == DATASET_EVENTS_MAX) {
        p->left_out++;
        return;
    }
    p->events = mem_grow(p->events, &p->events_room, p->n_events + 1, sizeof *p->events);
    p->events[p->n_events++] = *e;
    *slot = (uint32_t)p->n_events;
}

/* Whether both are about the same: a stream, if they change its state. */
static bool same_subject(const struct dataset_event *a, const struct dataset_event *b)
{
    return (a->is.changes_state ? b->is.changes_state : strcmp(a->name, b->name) == 0) &&
           strcmp(a->target, b->target) == 0 && strcmp(a->kind, b->kind) == 0 &&
           strcmp(a->family, b->family) == 0;
}

void dataset_note_last(struct dataset *p, struct dataset_lasts *s,
                       const struct dataset_event *e)
{
    size_t i = 0;
    while (i < s->n && !same_subject(&s->all[i], e))
        i++;
    if (i == DATASET_LASTS_MAX) {
        p->left_out++;
        return;
    }
    if (i == s->n) {
        s->all = mem_grow(s->all, &s->room, ++s->n, sizeof *s->all);
        s->all[i] = *e;
    }
    if (e->detected_ns >= s->all[i].detected_ns)
        s->all[i] = *e;
}

static void add_record(struct dataset *p, const Otlp__LogRecord *r)
{
    uint64_t time_ns = r->time_unix_nano, detected_ns = r->observed_time_unix_nano;
    if (time_ns > INT64_MAX || (int64_t)time_ns > p->until_ns)
        return;
    if (detected_ns < time_ns || detected_ns > INT64_MAX)
        detected_ns = time_ns;
    struct dataset_event e = {.time_ns = (int64_t)time_ns,
                              .detected_ns = (int64_t)detected_ns,
                              .severity = (int)r->severity_number};
    decoded_clean(e.name, sizeof e.name, r->event_name, ' ');
    if (e.name[0] == '\0')
        copy(e.name, sizeof e.name, r, ATTR_EVENT_NAME);
    copy(e.target, sizeof e.target, r, ATTR_TARGET);
    copy(e.kind, sizeof e.kind, r, ATTR_PROBE_KIND);
    copy(e.family, sizeof e.family, r, ATTR_NETWORK_TYPE);
    copy(e.before, sizeof e.before, r, ATTR_BEFORE);
    copy(e.after, sizeof e.after, r, ATTR_AFTER);
    e.charged_to_site =
        strcmp(decoded_text(r->attributes, r->n_attributes, ATTR_CHARGED_TO, ""),
               charge_name(CHARGE_SITE)) == 0;
    if (r->body != NULL && r->body->value_case == OTLP__ANY_VALUE__VALUE_STRING_VALUE)
        decoded_clean(e.text, sizeof e.text, r->body->string_value, ' ');
    e.is = event_traits(e.name);
    if (e.is.leaves)
        dataset_note_last(p, &p->last, &e);
    if (strcmp(e.name, EVENT_MEDIA_MEASURED) == 0 && dataset_in_period(p, time_ns))
        dataset_add_media(p, &e, r);
    else if (dataset_in_period(p, time_ns))
        add_event(p, &e);
    else if (e.is.changes_state)
        dataset_note_last(p, &p->before, &e);
}

void dataset_add_logs(struct dataset *p, const Otlp__ResourceLogs *from)
{
    for (size_t s = 0; s < from->n_scope_logs; s++)
        for (size_t r = 0; r < from->scope_logs[s]->n_log_records; r++)
            add_record(p, from->scope_logs[s]->log_records[r]);
}
