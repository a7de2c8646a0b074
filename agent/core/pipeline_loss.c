/* Whether the paths lose: what goes into the tests of core/path_loss.h. */
#include "core/pipeline_state.h"

static const struct kind *kind_of(const struct pipeline *p,
                                  const struct pipeline_stream *s)
{
    return p->kinds->list[s->kind];
}

struct path_loss *pipeline_path_loss(const struct pipeline *p,
                                     const struct pipeline_stream *s)
{
    return &s->addr->losses[!kind_of(p, s)->single_packets];
}

/* What the streams that share the test of `s` send a second. */
static double rate_of(const struct pipeline *p, const struct pipeline_stream *s)
{
    const struct pipeline_target *m = &p->targets[s->target];
    const struct path_loss *test = pipeline_path_loss(p, s);
    double rate = 0;
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        const struct pipeline_stream *other = &p->streams[i];
        const int64_t *intervals =
            m->full ? m->target->interval_ns : m->target->slow_interval_ns;
        if (other->addr == s->addr && pipeline_path_loss(p, other) == test)
            rate += 1e9 / (double)intervals[other->kind];
    }
    return rate;
}

void pipeline_add_loss(struct pipeline *p, const struct pipeline_stream *s,
                       const struct result *result)
{
    const struct pipeline_target *m = &p->targets[s->target];
    bool lost = outcome_is_lost(result->outcome);
    if (result->outcome == OUTCOME_NOT_MEASURED ||
        !pipeline_judges(kind_of(p, s), s->addr) ||
        (lost && !pipeline_silence_is_down(p, m, s)))
        return;
    struct path_loss *l = pipeline_path_loss(p, s);
    path_loss_set(l, m->target->limits.loss_ratio, rate_of(p, s));
    struct wall sent = result->time;
    for (uint8_t i = 0; kind_of(p, s)->single_packets && i < result->lost_packets; i++) {
        path_loss_add(l, s->kind, sent, true);
        sent.ns += NS_PER_S; /* RFC 6298, 2.1 */
    }
    path_loss_add(l, s->kind, sent, lost);
}

void pipeline_break_losses(struct pipeline *p)
{
    for (size_t t = 0; t < p->n_targets; t++)
        for (size_t i = 0; i < 4; i++)
            path_loss_break(&p->targets[t].addresses[i / 2].losses[i % 2]);
}

void pipeline_close_losses(struct pipeline *p)
{
    double news = 0;
    for (size_t t = 0; t < p->n_targets; t++)
        for (size_t i = 0; i < 4; i++)
            news += path_loss_take_news(&p->targets[t].addresses[i / 2].losses[i % 2]);
    bool loses = path_loss_site_window(&p->site_loss, news);
    for (size_t t = 0; t < p->n_targets; t++)
        for (size_t i = 0; i < 4; i++)
            path_loss_expect(&p->targets[t].addresses[i / 2].losses[i % 2], loses);
}
