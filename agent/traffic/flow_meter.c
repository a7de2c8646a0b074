#include "traffic/flow_meter.h"

#include "base/mem.h"
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 4 }; /* of a bucket */

struct conversation {
    uint32_t tag, point;       /* point 0: unused */
    uint32_t start_ms, end_ms; /* of the last record that counted; they wrap */
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
    free(m->conversations);
    m->conversations = NULL;
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
           (uint32_t)(o->exporter & 63) << POINT_EXPORTER |
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

/* Whether two points may report the same packet. */
static bool may_repeat(uint32_t one, uint32_t other)
{
    uint32_t sides = one >> POINT_SIDE, exporter = one >> POINT_EXPORTER & 63;
    bool same_side = sides != FLOW_SIDE_UNKNOWN && sides == other >> POINT_SIDE;
    return one != other && !(same_side && exporter == (other >> POINT_EXPORTER & 63));
}

static bool lies_within(const struct conversation *c, uint32_t start, uint32_t end)
{
    int32_t length = (int32_t)(end - start);
    int32_t from = (int32_t)(c->start_ms - FLOW_METER_SLACK_MS - start);
    int32_t to = (int32_t)(c->end_ms + FLOW_METER_SLACK_MS - start);
    from = from < 0 ? 0 : from;
    to = to > length ? length : to;
    return to >= from && 2 * (int64_t)(to - from) >= length;
}

/* Rule 2; notes a record that counts. */
static bool is_repeated(struct flow_meter *m, const struct flow_origin *o,
                        const struct flow_record *f, struct mono now)
{
    uint64_t hash = hash_add(f->protocol, (uint64_t)o->format);
    hash = hash_endpoint(hash_endpoint(hash, &f->from), &f->to);
    uint32_t tag = (uint32_t)(hash >> 32), point = point_of(o, f);
    uint32_t end = (uint32_t)((now.ns - f->age_ns) / NS_PER_MS);
    uint32_t start = end - (uint32_t)(f->duration_ns / NS_PER_MS);
    if (m->conversations == NULL)
        m->conversations =
            mem_zalloc(FLOW_METER_CONVERSATIONS * sizeof *m->conversations);
    struct conversation *bucket =
        &m->conversations[hash % (FLOW_METER_CONVERSATIONS / WAYS) * WAYS];
    struct conversation *to = bucket;
    for (size_t i = 0; i < WAYS; i++) {
        struct conversation *c = &bucket[i];
        if (c->point != 0 && c->tag == tag) {
            if (may_repeat(c->point, point) && lies_within(c, start, end))
                return true;
            to = c;
            break;
        }
        if (to->point != 0 && (c->point == 0 || (int32_t)(c->end_ms - to->end_ms) < 0))
            to = c;
    }
    *to = (struct conversation){tag, point, start, end};
    return false;
}

/* ---- counting ---- */

static uint64_t scaled(uint64_t count, double sampling)
{
    double value = (double)count * sampling;
    return value < FLOW_METER_BYTES_MAX ? (uint64_t)(value + 0.5)
                                        : (uint64_t)FLOW_METER_BYTES_MAX;
}

static void count(struct flow_meter *m, const struct flow_origin *o,
                  const struct flow_record *f, const struct prefix *prefix,
                  enum rate_direction direction, const struct flow_count *is,
                  double sampling)
{
    struct rate_row **known =
        &m->rows[o->format][direction][prefix->line % 8]; /* most flows are of a few */
    if (is->bytes == 0 && is->packets == 0)
        return;
    if (*known == NULL || strcmp((*known)->service, prefix->service) != 0)
        *known =
            rates_row(m->rates, prefix->service, direction, flow_format_name(o->format));
    if (*known == NULL)
        return;
    struct rate_amount amount = {.bytes = scaled(is->bytes, sampling),
                                 .packets = scaled(is->packets, sampling),
                                 .flows = is->flows};
    rates_add(m->rates, *known, &amount, f->duration_ns);
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
    if (again || is_repeated(m, o, f, now)) {
        m->counters.duplicates++;
        return;
    }
    m->counters.counted++;
    enum rate_direction direction = to != NULL ? RATE_TRANSMIT : RATE_RECEIVE;
    enum rate_direction back = to != NULL ? RATE_RECEIVE : RATE_TRANSMIT;
    const struct prefix *prefix = to != NULL ? to : from;
    count(m, o, f, prefix, direction, &f->count, sampling);
    count(m, o, f, prefix, back, &f->reverse, sampling);
}
