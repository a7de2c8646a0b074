#include "probe/stun/burst.h"

#include "base/mem.h"
#include "base/text.h"
#include "net/clock.h"
#include "net/timer.h"
#include "probe/prober.h"
#include "probe/stun/stun.h"

#include <stdlib.h>

#define WAITING_LONGEST_NS (2 * NS_PER_S)

/* A packet that goes this much after its time is not sent at all: two at once would meet
 * another network than a call does. */
#define LATE_NS MEDIA_PACE_NS

struct burst {
    struct prober *prober;
    uv_timer_t *timer;
    struct target target;
    struct endpoint to;
    struct mono began;
    struct media_packet packets[MEDIA_PACKETS];
    bool over[MEDIA_PACKETS]; /* its result has come, or it was not sent */
    size_t next;
    struct burst_progress progress;
    struct burst_end end;
    burst_cb *on_end;
    void *user;
};

static const struct probe_kind *const kinds[] = {&stun_kind};

void burst_so_far(const struct burst *b, struct burst_end *out)
{
    struct media_packet known[MEDIA_PACKETS];
    *out = b->end;
    for (size_t i = 0; i < b->next; i++) {
        known[i] = b->packets[i];
        known[i].measured &= b->over[i];
    }
    media_quality_of(&out->quality, known, b->next);
}

static void on_timer(uv_timer_t *timer)
{
    struct burst *b = timer->data;
    struct mono now = mono_now();
    for (; b->next < MEDIA_PACKETS; b->next++) {
        int64_t due_ns = (int64_t)b->next * MEDIA_PACE_NS, at_ns = now.ns - b->began.ns;
        struct media_packet *p = &b->packets[b->next];
        if (at_ns < due_ns) {
            timer_in(timer, on_timer, due_ns - at_ns);
            return;
        }
        *p = (struct media_packet){.sent_ns = due_ns, .rtt_ns = DELAY_UNDEFINED};
        if (at_ns - due_ns >= LATE_NS) {
            b->end.busy = b->over[b->next] = true;
            continue;
        }
        b->progress.sent++;
        prober_send(b->prober, (uint32_t)b->next, 0, &b->target, &b->to);
    }
    if (prober_under_way(b->prober) > 0)
        return; /* the last result comes back here */
    burst_so_far(b, &b->end);
    b->on_end(&b->end, b->user);
}

static void on_result(const struct result *r, void *user)
{
    struct burst *b = user;
    struct media_packet *p = &b->packets[r->stream];
    b->over[r->stream] = true;
    p->sent_ns = r->time.ns - b->end.began.ns;
    p->measured = r->outcome != OUTCOME_NOT_MEASURED;
    p->rtt_ns = r->outcome == OUTCOME_REPLY ? r->delays[0] : DELAY_UNDEFINED;
    p->arrival = b->progress.received;
    b->progress.received += r->outcome == OUTCOME_REPLY;
    b->progress.lost += p->measured && r->outcome != OUTCOME_REPLY;
    if (r->outcome == OUTCOME_REPLY && r->stun.mapped.family != FAMILY_NONE)
        b->end.mapped = r->stun.mapped;
    else if (r->outcome != OUTCOME_REPLY && !b->end.refused)
        text_copy(b->end.cause, sizeof b->end.cause, r->cause);
    b->end.refused |= r->outcome == OUTCOME_REFUSED;
    if (b->next == MEDIA_PACKETS && prober_under_way(b->prober) == 0)
        uv_timer_start(b->timer, on_timer, 0, 0); /* not from the prober's callback */
}

static void on_after(uint32_t stream, enum counter what, void *user)
{
    struct burst *b = user;
    (void)stream;
    if (what == COUNTER_LATE)
        b->end.late++;
    else
        b->end.duplicates++;
}

static void on_busy(void *user)
{
    struct burst *b = user;
    b->end.busy = true;
}

struct burst *burst_start(uv_loop_t *loop, const struct endpoint *to,
                          const struct uplink *uplink, uint8_t dscp, burst_cb *on_end,
                          void *user)
{
    struct burst *b = mem_zalloc(sizeof *b);
    b->to = *to;
    b->target.dscp = dscp;
    b->target.uplink = uplink;
    target_wait(&b->target, WAITING_LONGEST_NS);
    b->on_end = on_end;
    b->user = user;
    b->timer = timer_new(loop, b);
    b->prober = prober_create(loop, kinds, 1, NULL, NULL,
                              (struct prober_events){on_result, on_after, b, on_busy});
    b->began = mono_now();
    b->end.began = wall_now();
    uv_timer_start(b->timer, on_timer, 0, 0);
    return b;
}

struct burst_progress burst_progress(const struct burst *b)
{
    return b->progress;
}

void burst_destroy(struct burst *b)
{
    if (b == NULL)
        return;
    prober_destroy(b->prober);
    timer_close(b->timer);
    free(b);
}
