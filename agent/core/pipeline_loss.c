/* Whether the paths lose: what goes into the tests of core/path_loss.h. */
#include "core/pipeline_state.h"

static const struct kind *kind_of(const struct pipeline *p,
                                  const struct pipeline_stream *s)
{
    return p->kinds->list[s->kind];
}

static struct path_loss *test_of(const struct pipeline *p,
                                 const struct pipeline_stream *s, struct address *x)
{
    return &x->losses[!kind_of(p, s)->single_packets];
}

struct path_loss *pipeline_path_loss(const struct pipeline *p,
                                     const struct pipeline_stream *s)
{
    return test_of(p, s, &s->addr->all.list[s->addr->all.used]);
}

/* The share of the probes that address `x` gets, while none may be silent. */
static double share_of(const struct addresses *a, const struct address *x)
{
    if (a->n < 2)
        return 1;
    return x == &a->list[a->used] ? 1 - 1.0 / ADDRESS_TURN
                                  : 1.0 / ADDRESS_TURN / (double)(a->n - 1);
}

/* What the streams that share the test of `s` send a second. */
static double rate_of(const struct pipeline *p, const struct pipeline_stream *s,
                      struct address *x)
{
    const struct pipeline_target *m = &p->targets[s->target];
    const struct path_loss *test = test_of(p, s, x);
    double rate = 0;
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        const struct pipeline_stream *other = &p->streams[i];
        const int64_t *intervals =
            m->full ? m->target->interval_ns : m->target->slow_interval_ns;
        if (other->addr == s->addr && test_of(p, other, x) == test)
            rate += 1e9 / (double)intervals[other->kind];
    }
    return rate * share_of(&s->addr->all, x);
}

void pipeline_add_loss(struct pipeline *p, const struct pipeline_stream *s,
                       struct address *x, const struct result *result)
{
    const struct pipeline_target *m = &p->targets[s->target];
    bool lost = outcome_is_lost(result->outcome);
    if (result->outcome == OUTCOME_NOT_MEASURED ||
        !pipeline_judges(kind_of(p, s), s->addr) ||
        (lost && !pipeline_silence_is_down(p, m, s)))
        return;
    struct path_loss *l = test_of(p, s, x);
    path_loss_set(l, m->target->limits.loss_ratio, rate_of(p, s, x));
    if (s->flap.state == STATE_DOWN || x->flap.state == STATE_DOWN)
        path_loss_outage(l);
    struct wall sent = result->time;
    for (uint8_t i = 0; kind_of(p, s)->single_packets && i < result->lost_packets; i++) {
        path_loss_add(l, s->kind, sent, true);
        sent.ns += NS_PER_S; /* RFC 6298, 2.1 */
    }
    path_loss_add(l, s->kind, sent, lost);
}

/* The tests of the site one after another; NULL after the last. */
struct loss_walk {
    size_t target, family, address, test;
};

static struct path_loss *next(struct pipeline *p, struct loss_walk *at)
{
    while (at->target < p->n_targets) {
        struct pipeline_address *addr = p->targets[at->target].addresses[at->family];
        if (addr != NULL && at->address < addr->all.n) {
            struct path_loss *l = &addr->all.list[at->address].losses[at->test];
            at->address += at->test == 1;
            at->test ^= 1;
            return l;
        }
        at->address = 0;
        at->family = (at->family + 1) % FAMILY_SLOTS;
        at->target += at->family == 0;
    }
    return NULL;
}

void pipeline_break_losses(struct pipeline *p)
{
    struct loss_walk at = {0};
    for (struct path_loss *l; (l = next(p, &at)) != NULL;)
        path_loss_break(l);
}

void pipeline_close_losses(struct pipeline *p)
{
    double news = 0;
    struct loss_walk at = {0}, again = {0};
    for (struct path_loss *l; (l = next(p, &at)) != NULL;)
        news += path_loss_take_news(l);
    bool loses = path_loss_site_window(&p->site_loss, news);
    for (struct path_loss *l; (l = next(p, &again)) != NULL;)
        path_loss_expect(l, loses);
}
