#include "core/silence.h"

#include <math.h>

void silence_learn(struct silence_loss *l, uint32_t lost, uint32_t arrived)
{
    double keep = 1 - 1.0 / SILENCE_MEMORY;
    l->now = (float)(1 - (1 - l->now) * pow(keep, lost));
    l->most = fmaxf(l->most, l->now);
    l->now = (float)(l->now * pow(keep, arrived));
    l->most = fmaxf(l->now, (float)(l->most * pow(1 - 1.0 / SILENCE_KEPT, arrived)));
}

double silence_evidence(const struct silence_loss *l, double least)
{
    return -log(fmin(fmax(l->most, least), SILENCE_LOSS_MOST));
}

bool silence_lost(struct silence *s, struct wall sent, uint32_t packets, double nats)
{
    int64_t before_ns = s->answered.ns - sent.ns;
    if (before_ns >= 0 && before_ns <= SILENCE_ORDER_NS)
        return false;
    if (s->since.ns == 0)
        s->since = sent;
    s->probes++;
    s->packets += packets;
    if (s->probes > 1 && s->after > 0)
        nats = fmin(nats, -log(fmin(s->after, SILENCE_LOSS_MOST)));
    s->nats += (float)nats;
    return true;
}

void silence_break(struct silence *s)
{
    s->probes = s->packets = 0;
    s->nats = 0;
}

bool silence_is_sure(const struct silence *s)
{
    return s->probes >= SILENCE_PROBES && s->nats >= SILENCE_NATS;
}

uint32_t silence_answered(struct silence *s, struct wall sent, bool down)
{
    double keep = 1 - 1.0 / SILENCE_AFTER;
    bool outage =
        (down || silence_is_sure(s)) && sent.ns - s->since.ns >= SILENCE_SHORT_NS;
    uint32_t packets = outage ? 0 : s->packets;
    if (packets > 0)
        s->after = (float)((1 - (1 - s->after) * pow(keep, s->probes - 1)) * keep);
    silence_break(s);
    s->since.ns = 0;
    s->answered = sent;
    return packets;
}
