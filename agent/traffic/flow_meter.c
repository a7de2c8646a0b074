#include "traffic/flow_meter.h"

#include "base/mem.h"
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 4 }; /* of a bucket */
enum { SWEEP = FLOW_METER_CONVERSATIONS / 16 };

struct claim { /* of a point on a conversation, or on the samples of a network */
    uint32_t tag, point; /* point 0: unused */
    uint32_t end_ms;     /* reported until then; it wraps */
    float sampling;      /* of the point; 0: of a conversation */
    /* What `rival` has reported from `from_ms` to `to_ms`; 0: nothing is held. The first
     * record of it ended at `first_ms`. */
    uint32_t rival, from_ms, to_ms, first_ms, records;
    float rival_sampling;
    struct rate_row *row;
    struct rate_amount held;
};

struct witness {  /* a conversation that tells whether two sampled exporters are apart */
    uint32_t tag; /* 0: unused */
    uint32_t began_ms;      /* its first record, which wraps */
    uint64_t seen;          /* by these exporters */
    double packets;         /* by the second of the pair */
    float sampling;         /* of the first of the pair */
    struct flow_pair *pair; /* NULL: none yet */
};

/* An observation point: side (2 bits), exporter (6 bits), the rest a hash. */
enum { POINT_SIDE = 30, POINT_EXPORTER = 24, POINT_HASH = (1 << POINT_EXPORTER) - 1 };

void flow_meter_begin(struct flow_meter *m, const struct prefixes *prefixes,
                      struct rates *rates)
{
    *m = (struct flow_meter){.prefixes = prefixes, .rates = rates};
}

void flow_meter_free(struct flow_meter *m)
{
    free(m->claims);
    free(m->witnesses);
    m->claims = NULL;
    m->witnesses = NULL;
}

/* ---- duplicates ---- */

static uint64_t hash_add(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t hash_endpoint(uint64_t hash, const struct endpoint *e)
{
    uint64_t words[2];
    memcpy(words, e->bytes, sizeof words);
    return hash_add(hash_add(hash_add(hash, words[0]), words[1]),
                    (uint64_t)e->family << 16 | e->port);
}

static uint32_t point_of(const struct flow_origin *o, const struct flow_record *f)
{
    uint32_t interface = f->side == FLOW_AT_INGRESS  ? f->input
                         : f->side == FLOW_AT_EGRESS ? f->output
                                                     : 0;
    uint64_t hash = hash_add(hash_add(o->session, f->domain),
                             (uint64_t)f->direction << 32 | interface);
    return (uint32_t)f->side << POINT_SIDE |
           (uint32_t)(o->exporter & (FLOW_METER_EXPORTERS - 1)) << POINT_EXPORTER |
           ((uint32_t)(hash >> 32) & POINT_HASH) | 1;
}

/* Rule 1: whether the exporter has reported the packets where they came in. */
static bool came_in_before(struct flow_origin *o, const struct flow_record *f,
                           struct mono now)
{
    struct ingress_interface *at = NULL;
    if (f->side == FLOW_SIDE_UNKNOWN || f->input == 0)
        return false;
    for (size_t i = 0; i < o->n_interfaces && at == NULL; i++)
        if (o->interfaces[i].index == f->input)
            at = &o->interfaces[i];
    bool recent = at != NULL && now.ns - at->seen.ns <= FLOW_METER_INTERFACE_NS;
    if (f->side == FLOW_AT_EGRESS)
        return recent;
    if (at == NULL && o->n_interfaces < FLOW_METER_INTERFACES_MAX)
        at = &o->interfaces[o->n_interfaces++];
    if (at != NULL)
        *at = (struct ingress_interface){f->input, now};
    return false;
}

static uint8_t exporter_of(uint32_t point)
{
    return point >> POINT_EXPORTER & (FLOW_METER_EXPORTERS - 1);
}

/* Whether two points may report the same packet. */
static bool may_repeat(uint32_t one, uint32_t other)
{
    uint32_t side = one >> POINT_SIDE;
    bool same_side = side != FLOW_SIDE_UNKNOWN && side == other >> POINT_SIDE;
    return one != other && !(same_side && exporter_of(one) == exporter_of(other));
}

/* ---- what is held ---- */

static int32_t after(uint32_t one_ms, uint32_t other_ms)
{
    return (int32_t)(one_ms - other_ms);
}

/* `to`: the counter of its records. */
static void held_end(struct flow_meter *m, struct claim *c, uint64_t *to)
{
    *to += c->records;
    m->counters.held -= c->records;
    m->n_held--;
    c->rival = 0;
}

/* Leaves the share of what is held that is later than the claim. */
static void held_cut(struct flow_meter *m, struct claim *c)
{
    int32_t length = after(c->to_ms, c->from_ms), rest = after(c->to_ms, c->end_ms);
    if (c->rival == 0 || rest >= length)
        return;
    if (rest <= FLOW_METER_SLACK_MS) {
        held_end(m, c, &m->counters.duplicates);
        return;
    }
    double share = (double)rest / length;
    c->held.bytes = (uint64_t)((double)c->held.bytes * share);
    c->held.packets = (uint64_t)((double)c->held.packets * share);
    c->from_ms = c->end_ms;
    c->first_ms = c->to_ms;
}

/* Counts what is held, if the responsible point would have reported it. */
static void held_count(struct flow_meter *m, struct claim *c, enum flow_format format,
                       uint32_t now_ms)
{
    const struct flow_reporter *r = &m->reporters[exporter_of(c->point)][format];
    int32_t hold_ms = (int32_t)r->lag_ms + FLOW_METER_SLACK_MS;
    bool gone = after(now_ms, r->last_ms) > hold_ms;
    bool sampled = (double)c->held.packets >= FLOW_METER_SAMPLES * (double)c->sampling;
    if (!gone && (after(now_ms, c->first_ms) <= hold_ms || !sampled))
        return;
    int64_t length_ns = (int64_t)after(c->to_ms, c->from_ms) * NS_PER_MS;
    rates_add(m->rates, c->row, &c->held, length_ns);
    c->point = c->rival;
    c->sampling = c->rival_sampling;
    c->end_ms = c->to_ms;
    held_end(m, c, &m->counters.counted);
}

/* ---- claims ---- */

static enum flow_format format_of_row(const struct rate_row *row)
{
    size_t format = 0;
    while (format + 1 < FLOW_FORMATS &&
           strcmp(row->source, flow_format_name((enum flow_format)format)) != 0)
        format++;
    return (enum flow_format)format;
}

static struct claim *claim_find(struct flow_meter *m, uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    if (m->claims == NULL)
        m->claims = mem_zalloc(FLOW_METER_CONVERSATIONS * sizeof *m->claims);
    struct claim *bucket = &m->claims[hash % (FLOW_METER_CONVERSATIONS / WAYS) * WAYS];
    struct claim *to = bucket;
    for (size_t i = 0; i < WAYS; i++) {
        struct claim *c = &bucket[i];
        if (c->point != 0 && c->tag == tag)
            return c;
        if (to->point != 0 && (c->point == 0 || after(c->end_ms, to->end_ms) < 0))
            to = c;
    }
    if (to->rival != 0)
        held_end(m, to, &m->counters.duplicates);
    *to = (struct claim){.tag = tag};
    return to;
}

static uint64_t conversation_hash(const struct flow_record *f, enum flow_format format,
                                  const struct endpoint *from, const struct endpoint *to)
{
    uint64_t hash = hash_add(f->protocol, (uint64_t)format);
    return hash_endpoint(hash_endpoint(hash, from), to);
}

static uint64_t network_hash(enum rate_direction direction, enum flow_format format,
                             const struct endpoint *local)
{
    struct endpoint network = {.family = local->family};
    memcpy(network.bytes, local->bytes, local->family == FAMILY_IPV4 ? 3 : 8);
    return hash_endpoint(hash_add(UINT64_MAX - direction, (uint64_t)format), &network);
}

/* ---- sampled exporters of one network ---- */

/* NULL: there are too many. */
static struct flow_pair *pair_of(struct flow_meter *m, uint8_t responsible, uint8_t other,
                                 enum flow_format format)
{
    for (size_t i = 0; i < m->n_pairs; i++) {
        struct flow_pair *p = &m->pairs[i];
        if (p->exporters[0] == responsible && p->exporters[1] == other &&
            p->format == format)
            return p;
    }
    if (m->n_pairs == FLOW_METER_PAIRS)
        return NULL;
    m->pairs[m->n_pairs] =
        (struct flow_pair){{responsible, other}, (uint8_t)format, 0, 0};
    return &m->pairs[m->n_pairs++];
}

/* A conversation that both report outweighs several that only one does, as these may have
 * begun while the other one was not heard. */
static bool outweighs(uint32_t one, uint32_t other)
{
    return one >= FLOW_METER_APART && one / 4 >= other;
}

static bool is_apart(const struct flow_pair *p)
{
    return p != NULL && outweighs(p->apart, p->together);
}

static bool is_together(const struct flow_pair *p)
{
    return p != NULL && outweighs(p->together, p->apart);
}

/* `pair`: NULL when the record is of the responsible exporter. */
static void witness(struct flow_meter *m, uint8_t exporter, uint64_t hash, double packets,
                    struct flow_pair *pair, float sampling, uint32_t now_ms)
{
    uint32_t tag = (uint32_t)(hash >> 32) | 1;
    if (m->witnesses == NULL) {
        if (pair == NULL)
            return;
        m->witnesses = mem_zalloc(FLOW_METER_WITNESSES * sizeof *m->witnesses);
    }
    struct witness *w = &m->witnesses[hash % FLOW_METER_WITNESSES];
    if (w->tag != tag)
        *w = (struct witness){.tag = tag, .began_ms = now_ms};
    w->seen |= UINT64_C(1) << exporter;
    if (pair == NULL || (w->pair != NULL && w->pair != pair))
        return;
    w->pair = pair;
    w->sampling = sampling;
    w->packets += packets;
}

/* Long enough for the responsible exporter, if that has been heard all the time. */
static void witness_turn(struct flow_meter *m, struct witness *w, uint32_t now_ms)
{
    enum { FORGET_ABOVE = 1000 };
    struct flow_pair *p = w->pair;
    if (p == NULL)
        return;
    const struct flow_reporter *r = &m->reporters[p->exporters[0]][p->format];
    int32_t hold_ms = (int32_t)r->lag_ms + FLOW_METER_SLACK_MS;
    if (after(now_ms, w->began_ms) <= 2 * hold_ms ||
        w->packets < FLOW_METER_SAMPLES * (double)w->sampling)
        return;
    if (w->seen & UINT64_C(1) << p->exporters[0])
        p->together++;
    else if (after(now_ms, r->last_ms) <= hold_ms)
        p->apart++;
    if (p->together + p->apart > FORGET_ABOVE) {
        p->together /= 2;
        p->apart /= 2;
    }
    *w = (struct witness){0};
}

struct counted { /* one direction of a record */
    const struct endpoint *from, *to;
    const struct prefix *prefix;
    enum rate_direction direction; /* of the site */
    const struct flow_count *is;
    uint32_t records; /* 1; 0 for the way back of one that has both */
};

/* ---- counting ---- */

static uint64_t scaled(uint64_t count, double sampling)
{
    double value = (double)count * sampling;
    return value < FLOW_METER_BYTES_MAX ? (uint64_t)(value + 0.5)
                                        : (uint64_t)FLOW_METER_BYTES_MAX;
}

static void count(struct flow_meter *m, const struct flow_origin *o,
                  const struct flow_record *f, const struct counted *d, double sampling,
                  struct mono now)
{
    struct rate_row **known = /* most flows are of a few */
        &m->rows[o->format][d->direction][d->prefix->line % 8];
    uint32_t now_ms = (uint32_t)(now.ns / NS_PER_MS);
    uint32_t end = (uint32_t)((now.ns - f->age_ns) / NS_PER_MS);
    uint32_t start = end - (uint32_t)(f->duration_ns / NS_PER_MS);
    if (d->is->bytes == 0 && d->is->packets == 0) {
        m->counters.counted += d->records;
        return;
    }
    if (*known == NULL || strcmp((*known)->service, d->prefix->service) != 0)
        *known = rates_row(m->rates, d->prefix->service, d->direction,
                           flow_format_name(o->format));
    if (*known == NULL) {
        m->counters.counted += d->records;
        return;
    }
    struct rate_amount amount = {.bytes = scaled(d->is->bytes, sampling),
                                 .packets = scaled(d->is->packets, sampling),
                                 .flows = d->is->flows};
    bool sampled = sampling > 1;
    uint32_t point = point_of(o, f);
    struct claim *c = claim_find(
        m, sampled ? network_hash(d->direction, o->format,
                                  d->direction == RATE_TRANSMIT ? d->from : d->to)
                   : conversation_hash(f, o->format, d->from, d->to));
    bool other = c->point != 0 && (sampled ? exporter_of(c->point) != exporter_of(point)
                                           : may_repeat(c->point, point));
    struct flow_pair *pair = sampled && other ? pair_of(m, exporter_of(c->point),
                                                        exporter_of(point), o->format)
                                              : NULL;
    if (sampled)
        witness(m, exporter_of(point), conversation_hash(f, o->format, d->from, d->to),
                (double)amount.packets, pair, c->sampling, now_ms);
    if (is_apart(pair)) {
        m->counters.counted += d->records;
        rates_add(m->rates, *known, &amount, f->duration_ns);
        return;
    }
    if (!other) {
        if (c->point == 0 || after(end, c->end_ms) > 0)
            c->end_ms = end;
        if (c->point == 0)
            c->point = point;
        c->sampling = sampled ? (float)sampling : 0;
        held_cut(m, c);
        m->counters.counted += d->records;
        rates_add(m->rates, *known, &amount, f->duration_ns);
        return;
    }
    if (sampled && !is_together(pair))
        m->shared =
            (struct flow_shared){{exporter_of(c->point), exporter_of(point)}, now};
    if (after(end, c->end_ms) <= FLOW_METER_SLACK_MS ||
        (c->rival != 0 && c->rival != point)) {
        m->counters.duplicates += d->records;
        return;
    }
    if (after(start, c->end_ms) < 0) {
        double share = (double)after(end, c->end_ms) / after(end, start);
        amount.bytes = (uint64_t)((double)amount.bytes * share);
        amount.packets = (uint64_t)((double)amount.packets * share);
        start = c->end_ms;
    }
    if (c->rival == 0) {
        m->n_held++;
        c->held = (struct rate_amount){0};
        c->records = 0;
        c->rival = point;
        c->from_ms = start;
        c->to_ms = c->first_ms = end;
    }
    c->rival_sampling = sampled ? (float)sampling : 0;
    c->row = *known;
    c->records += d->records;
    m->counters.held += d->records;
    c->held.bytes += amount.bytes;
    c->held.packets += amount.packets;
    c->held.flows += amount.flows;
    if (after(end, c->to_ms) > 0)
        c->to_ms = end;
    if (after(start, c->from_ms) < 0)
        c->from_ms = start;
    held_count(m, c, o->format, now_ms);
}

void flow_meter_take(struct flow_meter *m, struct flow_origin *o,
                     const struct flow_record *f, struct mono now)
{
    const struct prefix *from = prefixes_find(m->prefixes, &f->from);
    const struct prefix *to = prefixes_find(m->prefixes, &f->to);
    double sampling = o->sampling > 0 ? o->sampling : f->sampling > 0 ? f->sampling : 1;
    bool again = came_in_before(o, f, now);
    if (from == NULL && to == NULL) {
        m->counters.other++;
        return;
    }
    if (from != NULL && to != NULL) {
        m->counters.inside++;
        return;
    }
    if (f->sampler_unknown && o->sampling == 0) {
        m->counters.sampler_unknown++;
        return;
    }
    if (sampling > FLOW_SAMPLING_MAX) {
        m->counters.sampling_refused++;
        return;
    }
    if (again) {
        m->counters.duplicates++;
        return;
    }
    enum rate_direction direction = to != NULL ? RATE_TRANSMIT : RATE_RECEIVE;
    enum rate_direction back = to != NULL ? RATE_RECEIVE : RATE_TRANSMIT;
    const struct prefix *prefix = to != NULL ? to : from;
    struct flow_reporter *r =
        &m->reporters[o->exporter & (FLOW_METER_EXPORTERS - 1)][o->format];
    int64_t lag_ms = (f->age_ns + f->duration_ns) / NS_PER_MS;
    lag_ms = lag_ms > FLOW_METER_HOLD_MOST_MS ? FLOW_METER_HOLD_MOST_MS
             : lag_ms < FLOW_METER_HOLD_MS    ? FLOW_METER_HOLD_MS
                                              : lag_ms;
    r->last_ms = (uint32_t)(now.ns / NS_PER_MS);
    r->lag_ms = r->lag_ms > lag_ms ? r->lag_ms : (uint32_t)lag_ms;
    bool only_back = f->count.bytes == 0 && f->count.packets == 0 && f->reverse.bytes > 0;
    count(m, o, f,
          &(struct counted){&f->from, &f->to, prefix, direction, &f->count, !only_back},
          sampling, now);
    count(m, o, f,
          &(struct counted){&f->to, &f->from, prefix, back, &f->reverse, only_back},
          sampling, now);
}

void flow_meter_turn(struct flow_meter *m, struct mono now)
{
    uint32_t now_ms = (uint32_t)(now.ns / NS_PER_MS);
    for (size_t i = 0; m->n_held > 0 && i < SWEEP; i++) {
        struct claim *c = &m->claims[m->swept++ % FLOW_METER_CONVERSATIONS];
        if (c->rival != 0)
            held_count(m, c, format_of_row(c->row), now_ms);
    }
    for (size_t i = 0; m->witnesses != NULL && i < FLOW_METER_WITNESSES; i++)
        witness_turn(m, &m->witnesses[i], now_ms);
}
