/* Reports shifts of the delay (core/shift.h) as events. */
#include "core/event_names.h"
#include "core/pipeline_state.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pipeline_add_delay(struct pipeline *p, struct pipeline_stream *s,
                        const struct result *counted)
{
    size_t distance = intercept_distance(p->kinds->list[s->kind], &s->addr->intercept);
    if (p->targets[s->target].target->gateway)
        return; /* routers answer ICMP when they have time */
    if (s->addr->pop_before[0] == '\0' && counted->outcome == OUTCOME_REPLY &&
        counted->delays[distance] != DELAY_UNDEFINED)
        shift_value(&s->shift, counted->time, counted->delays[distance]);
}

void pipeline_pop_is_known(struct pipeline *p, const struct pipeline_target *m,
                           struct pipeline_address *addr, const char *pop)
{
    bool another = addr->pop_before[0] != '\0' && strcmp(pop, addr->pop_before) != 0;
    addr->pop_before[0] = '\0';
    for (uint32_t i = m->first; another && i < m->first + m->n; i++)
        if (p->streams[i].addr == addr)
            shift_forget(&p->streams[i].shift);
}

/* No reply has named the PoP of the new address: then it is another one. */
static void await_pops(struct pipeline *p)
{
    for (size_t t = 0; t < p->n_targets; t++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++) {
            struct pipeline_address *addr = p->targets[t].addresses[f];
            if (addr != NULL && addr->pop_before[0] != '\0' &&
                ++addr->awaited > AWAITED_WINDOWS)
                pipeline_pop_is_known(p, &p->targets[t], addr, "");
        }
}

/* What all members have in common, or NULL and FAMILY_NONE. */
struct common {
    const struct target *target;
    const struct kind *kind;
    enum family family;
    bool all_families; /* no judged stream has another one: that says nothing */
};

static struct common common_of(const struct pipeline *p, const bool *is_member,
                               size_t first)
{
    const struct pipeline_stream *f = &p->streams[first];
    struct common c = {.target = p->targets[f->target].target,
                       .kind = p->kinds->list[f->kind],
                       .family = f->addr->to.family,
                       .all_families = true};
    for (uint32_t i = 0; i < p->n_streams; i++) {
        const struct pipeline_stream *s = &p->streams[i];
        enum family family = s->addr->to.family;
        c.all_families &= s->shift.n < SHIFT_LEARN || family == f->addr->to.family;
        if (!is_member[i])
            continue;
        c.target = p->targets[s->target].target == c.target ? c.target : NULL;
        c.kind = p->kinds->list[s->kind] == c.kind ? c.kind : NULL;
        c.family = family == c.family ? c.family : FAMILY_NONE;
    }
    return c;
}

static void describe_one(struct event *e, const struct shift_event *shift,
                         const char *since)
{
    const struct shift_news *n = &shift->news;
    switch (n->what) {
    case SHIFT_SETTLED:
        event_say(e, "its delay has settled at %s, after %u shifts", e->after,
                  n->changes);
        return;
    case SHIFT_FLUTTERS:
        event_say(e,
                  "its delay flutters: from %s to %s since %.5s UTC, shift number %u; "
                  "further ones are not reported until it has settled",
                  e->before, e->after, since + 11, n->changes);
        return;
    default:
        event_say(e,
                  "its delay went from %s to %s (95 %% interval %.3f to %.3f), %+.0f %%, "
                  "since %.5s UTC",
                  e->before, e->after, ms(n->low_ns), ms(n->high_ns),
                  100 * (shift->ratio - 1), since + 11);
    }
}

static void describe_many(struct event *e, const struct shift_event *shift,
                          const char *since, const struct common *c, const char *first)
{
    const struct shift_news *n = &shift->news;
    bool family = c->family != FAMILY_NONE && !c->all_families;
    const char *all = family || c->kind != NULL ? ", all " : "";
    event_say(
        e,
        "the delay of %zu of %zu streams%s%s%s%s %s by %+.0f %% since %.5s UTC; of %s "
        "from %s to %s (95 %% interval %.3f to %.3f)",
        shift->members, shift->judged, all, family ? family_name(c->family) : "",
        family && c->kind != NULL ? " " : "", c->kind != NULL ? c->kind->name : "",
        n->what == SHIFT_FLUTTERS ? "flutters" : "went", 100 * (shift->ratio - 1),
        since + 11, first, e->before, e->after, ms(n->low_ns), ms(n->high_ns));
}

static void report(struct pipeline *p, const struct shift_event *shift,
                   const bool *is_member, struct wall at)
{
    const struct shift_news *n = &shift->news;
    struct common c = common_of(p, is_member, shift->first);
    const struct pipeline_stream *f = &p->streams[shift->first];
    bool settled = n->what == SHIFT_SETTLED;
    char since[WALL_TEXT_MAX], first[EVENT_SUBJECT_MAX], before[48], after[48];
    struct event *e = events_add(&p->open_events, EVENT_DELAY_SHIFTED,
                                 n->up && !settled ? SEVERITY_WARN : SEVERITY_INFO, at,
                                 p->targets[f->target].target);
    e->kind = p->kinds->list[f->kind];
    e->family = f->addr->to.family;
    event_subject(first, e);
    e->target = c.target;
    e->kind = c.kind;
    e->family = c.family;
    e->calls_survey = !settled;
    snprintf(before, sizeof before, "%.3f ms", ms(n->before_ns));
    snprintf(after, sizeof after, "%.3f ms", ms(n->after_ns));
    event_change(e, settled ? "" : before, after);
    wall_text(since, n->since);
    if (shift->members == 1)
        describe_one(e, shift, since);
    else
        describe_many(e, shift, since, &c, first);
    event_number(e, ATTR_SHIFT_AFTER, (double)n->after_ns / 1e9);
    e->since = n->since;
    if (n->what != SHIFT_SHIFTED)
        event_number(e, ATTR_CHANGES, n->changes);
    if (settled)
        return;
    event_number(e, ATTR_SHIFT_BEFORE, (double)n->before_ns / 1e9);
    event_number(e, ATTR_SHIFT_RATIO, shift->ratio);
    event_number(e, ATTR_SHIFT_LOW, (double)n->low_ns / 1e9);
    event_number(e, ATTR_SHIFT_HIGH, (double)n->high_ns / 1e9);
    event_number(e, ATTR_SHIFT_MEMBERS, (double)shift->members);
    event_number(e, ATTR_SHIFT_STREAMS, (double)shift->judged);
}

void pipeline_report_shifts(struct pipeline *p, struct wall at)
{
    struct shift **streams = mem_alloc((p->n_streams + 1) * sizeof *streams);
    bool *is_member = mem_alloc((p->n_streams + 1) * sizeof *is_member);
    struct shift_event shift;
    await_pops(p);
    for (uint32_t i = 0; i < p->n_streams; i++)
        streams[i] = &p->streams[i].shift;
    while (shift_site_window(&p->site_shift, streams, p->n_streams, at,
                             p->settings.window_ns, is_member, &shift))
        report(p, &shift, is_member, at);
    free(is_member);
    free(streams);
}
