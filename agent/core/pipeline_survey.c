#include "core/pipeline_state.h"

struct window_stats pipeline_recent_stats(const struct pipeline *p,
                                          const struct pipeline_stream *s)
{
    struct recent recent = s->recent;
    if (p->surveying && s->touched) {
        struct summary open;
        window_summary(s->window, p->stamped, &open);
        recent_add(&recent, &open,
                   intercept_distance(p->kinds->list[s->kind], &s->addr->intercept));
    }
    return recent_sum(&recent);
}

void pipeline_survey_begin(struct pipeline *p, struct mono now)
{
    p->surveying = true;
    pipeline_pace(p, now);
}

const struct target_state *pipeline_survey_rank(struct pipeline *p, size_t *n)
{
    pipeline_rank(p);
    *n = p->n_targets;
    return p->states;
}

const struct target_state *pipeline_survey_end(struct pipeline *p, struct mono now,
                                               size_t *n)
{
    const struct target_state *states = pipeline_survey_rank(p, n);
    p->surveying = false;
    pipeline_pace(p, now);
    return states;
}

void pipeline_moved(struct pipeline *p, struct mono now, struct wall wall)
{
    for (size_t t = 0; t < p->n_targets; t++) {
        struct pipeline_target *m = &p->targets[t];
        m->full = true;
        for (size_t f = 0; f < FAMILY_SLOTS; f++) {
            struct pipeline_address *addr = m->addresses[f];
            if (addr == NULL)
                continue;
            pipeline_begin_part(p, m, addr, wall);
            pipeline_forget_recent(p, m, addr);
            intercept_forget(&addr->intercept);
            addresses_forget(&addr->all);
        }
    }
    pipeline_pace(p, now);
}
