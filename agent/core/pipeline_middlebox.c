#include "core/pipeline_state.h"

bool pipeline_judges(const struct kind *kind, const struct pipeline_address *addr)
{
    return !kind_only_handshakes(kind) || !intercepted(&addr->intercept);
}

/* Removes the handshakes, which the middlebox answered, from the open windows and from
 * the ranking. */
static void leave_out_handshakes(struct pipeline *p, size_t target,
                                 const struct pipeline_address *addr)
{
    struct pipeline_target *m = &p->targets[target];
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        struct pipeline_stream *s = &p->streams[i];
        const struct kind *kind = p->kinds->list[s->kind];
        if (s->addr != addr || kind_delay(kind, DELAY_HANDSHAKE) == KIND_NONE)
            continue;
        s->recent = (struct recent){0};
        shift_forget(&s->shift);
        pipeline_forget_handshakes(s);
        for (size_t d = 0; d < kind_delays(kind); d++)
            if (intercept_leaves_out(kind, d))
                window_leave_out(s->window, d);
    }
}

void pipeline_decoy(struct pipeline *p, size_t target, enum family family,
                    int64_t handshake_ns)
{
    struct pipeline_address *addr = pipeline_address(p, target, family);
    bool before = intercepted(&addr->intercept);
    intercept_decoy(&addr->intercept, handshake_ns);
    if (!before && intercepted(&addr->intercept))
        leave_out_handshakes(p, target, addr);
}

void pipeline_add_intercept(struct pipeline *p, const struct pipeline_stream *s,
                            const struct result *result)
{
    bool before = intercepted(&s->addr->intercept);
    intercept_add(&s->addr->intercept, p->kinds->list[s->kind], result);
    if (!before && intercepted(&s->addr->intercept))
        leave_out_handshakes(p, s->target, s->addr);
}

bool pipeline_leaves_out(const struct pipeline *p, const struct pipeline_stream *s,
                         size_t d)
{
    const struct kind *kind = p->kinds->list[s->kind];
    return d < kind_delays(kind) && intercepted(&s->addr->intercept) &&
           intercept_leaves_out(kind, d);
}
