/*
 * Finds the times in which loss or delay arose between the host and its default gateway, as
 * the agent's events report them.
 */
#include "report/dataset_state.h"

#include "base/mem.h"
#include "core/event_names.h"

#include <stdlib.h>
#include <string.h>

static bool is_bad(const char *state)
{
    return event_leaves(EVENT_LAST_METRE, state) == EVENT_LEAVES_FINDING;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Joins it with the same of the other family: usually one gateway has both. */
static void add(struct dataset *p, struct dataset_metre m)
{
    for (size_t i = 0; i < p->n_metre; i++) {
        struct dataset_metre *o = &p->metre[i];
        if (strcmp(o->state, m.state) == 0 && o->family != m.family &&
            m.start_ns <= o->end_ns && o->start_ns <= m.end_ns) {
            o->start_ns = o->start_ns < m.start_ns ? o->start_ns : m.start_ns;
            o->end_ns = later(o->end_ns, m.end_ns);
            o->family = FAMILY_NONE;
            return;
        }
    }
    if (m.end_ns <= m.start_ns)
        return;
    p->metre = mem_grow(p->metre, &p->metre_room, p->n_metre + 1, sizeof *p->metre);
    p->metre[p->n_metre++] = m;
}

static struct dataset_metre metre_of(const struct dataset *p, enum family family,
                                     const char *state, const char *text,
                                     int64_t start_ns)
{
    struct dataset_metre m = {.start_ns = later(start_ns, p->since_ns),
                              .end_ns = dataset_run_end(p, start_ns),
                              .family = family};
    text_copy(m.state, sizeof m.state, state);
    text_copy(m.text, sizeof m.text, text);
    return m;
}

static void find_family(struct dataset *p, enum family family)
{
    struct dataset_metre now = {.state = ""};
    bool any = false;
    for (size_t i = 0; i < p->n_events; i++) {
        const struct dataset_event *e = &p->events[i];
        if (strcmp(e->name, EVENT_LAST_METRE) != 0 ||
            strcmp(e->family, family_name(family)) != 0)
            continue;
        if (!any && is_bad(e->before))
            now = metre_of(p, family, e->before, "since before this period", p->since_ns);
        any = true;
        if (now.state[0] != '\0') {
            now.end_ns = e->time_ns < now.end_ns ? e->time_ns : now.end_ns;
            add(p, now);
        }
        now.state[0] = '\0';
        if (is_bad(e->after))
            now = metre_of(p, family, e->after, e->text, e->time_ns);
    }
    if (now.state[0] != '\0')
        add(p, now);
    for (size_t i = 0; i < p->n_open && !any; i++) { /* its event is older */
        const struct dataset_event *e = p->open[i].event;
        if (strcmp(e->name, EVENT_LAST_METRE) == 0 &&
            strcmp(e->family, family_name(family)) == 0)
            add(p, metre_of(p, family, e->after, e->text, e->time_ns));
    }
}

static int by_start(const void *a, const void *b)
{
    const struct dataset_metre *x = a, *y = b;
    return (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns);
}

void dataset_find_metre(struct dataset *p)
{
    find_family(p, FAMILY_IPV4);
    find_family(p, FAMILY_IPV6);
    if (p->n_metre > 0)
        qsort(p->metre, p->n_metre, sizeof *p->metre, by_start);
}
