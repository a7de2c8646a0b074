#include "traffic/ipfix.h"

#include "base/mem.h"
#include "base/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SET_MIN = 4, DATA_SET = 256, VARIABLE = 65535, ENTERPRISE = 0x8000 };
enum { V9_TEMPLATES = 0, V9_OPTIONS = 1, IPFIX_TEMPLATES = 2, IPFIX_OPTIONS = 3 };
enum { V9_SCOPE_INTERFACE = 2 };
enum { REVERSE_PEN = 29305 }; /* RFC 5103 */
enum { ETHERNET = 14, VLAN_TAG = 4 };

/* A template or sampler that was renewed within this time is not replaced by another. */
#define IN_USE_NS (10 * 60 * NS_PER_S)
#define DAY_NS    (86400 * NS_PER_S)
/* From the epoch of NTP, 1900, to 1970. */
#define NTP_EPOCH_S INT64_C(2208988800)

enum what {
    SKIP,
    FROM,
    TO,
    FROM_PORT,
    TO_PORT,
    PROTOCOL,
    INPUT,
    OUTPUT,
    DIRECTION,
    VLAN,
    FLOWS,
    BYTES,
    BYTES_POST,
    BYTES_TOTAL,
    BYTES_FORWARD,
    BYTES_LAYER2,
    BYTES_REVERSE,
    BYTES_REVERSE_TOTAL,
    BYTES_BACK,
    PACKETS,
    PACKETS_POST,
    PACKETS_TOTAL,
    PACKETS_FORWARD,
    PACKETS_REVERSE,
    PACKETS_REVERSE_TOTAL,
    PACKETS_BACK,
    START_UPTIME, /* each END after its START */
    END_UPTIME,
    START_S,
    END_S,
    START_MS,
    END_MS,
    START_NTP,
    END_NTP,
    START_BEFORE_US,
    END_BEFORE_US,
    LENGTH_MS,
    LENGTH_US,
    INIT_MS,
    SAMPLER,
    SELECTOR,
    SAMPLING_INTERVAL,
    PACKET_INTERVAL,
    PACKET_SPACE,
    SAMPLE_SIZE,
    POPULATION,
    PROBABILITY,
    WHATS
};

/* Information elements (IANA); the first 128 have the same numbers in NetFlow v9. */
static const uint8_t elements[] = {
    [1] = BYTES,
    [2] = PACKETS,
    [3] = FLOWS,
    [4] = PROTOCOL,
    [7] = FROM_PORT,
    [8] = FROM,
    [10] = INPUT,
    [11] = TO_PORT,
    [12] = TO,
    [14] = OUTPUT,
    [21] = END_UPTIME,
    [22] = START_UPTIME,
    [23] = BYTES_POST,
    [24] = PACKETS_POST,
    [27] = FROM,
    [28] = TO,
    [34] = SAMPLING_INTERVAL,
    [48] = SAMPLER,
    [50] = SAMPLING_INTERVAL, /* samplerRandomInterval */
    [58] = VLAN,
    [61] = DIRECTION,
    [85] = BYTES_TOTAL,
    [86] = PACKETS_TOTAL,
    [150] = START_S,
    [151] = END_S,
    [152] = START_MS,
    [153] = END_MS,
    [154] = START_NTP, /* us and ns have the same form */
    [155] = END_NTP,
    [156] = START_NTP,
    [157] = END_NTP,
    [158] = START_BEFORE_US,
    [159] = END_BEFORE_US,
    [160] = INIT_MS,
    [161] = LENGTH_MS,
    [162] = LENGTH_US,
    [231] = BYTES_FORWARD,
    [232] = BYTES_BACK,
    [243] = VLAN,
    [298] = PACKETS_FORWARD,
    [299] = PACKETS_BACK,
    [302] = SELECTOR,
    [305] = PACKET_INTERVAL,
    [306] = PACKET_SPACE,
    [309] = SAMPLE_SIZE,
    [310] = POPULATION,
    [311] = PROBABILITY,
    [352] = BYTES_LAYER2,
};

struct ipfix_record {
    uint64_t has; /* bits by enum what */
    uint64_t values[WHATS];
    double probability;
    struct endpoint from, to;
};

struct message {
    struct ipfix *x;
    struct ipfix_domain *domain;
    struct mono now;
    bool v9;
    int64_t export_ms;  /* since 1970 */
    uint32_t uptime_ms; /* v9 */
    uint32_t records, flows;
    bool unknown; /* a set without a template */
    flow_cb *on_flow;
    void *user;
};

static bool has(const struct ipfix_record *r, enum what what)
{
    return (r->has >> what & 1) != 0;
}

/* The first that the record has of two, or 0. */
static uint64_t either(const struct ipfix_record *r, enum what one, enum what other)
{
    return has(r, one) ? r->values[one] : has(r, other) ? r->values[other] : 0;
}

static uint32_t interface_of(const struct ipfix_record *r, enum what what)
{
    return has(r, what) ? (uint32_t)r->values[what] : 0;
}

/* ---- domains and samplers ---- */

static struct ipfix_domain *domain_find(struct ipfix *x, uint32_t id, struct mono now)
{
    struct ipfix_domain *oldest = &x->domains[0];
    for (size_t i = 0; i < x->n_domains; i++) {
        struct ipfix_domain *d = &x->domains[i];
        if (d->id == id) {
            d->used = now;
            return d;
        }
        oldest = d->used.ns < oldest->used.ns ? d : oldest;
    }
    if (x->n_domains < IPFIX_DOMAINS_MAX)
        oldest = &x->domains[x->n_domains++];
    *oldest = (struct ipfix_domain){.id = id, .used = now};
    return oldest;
}

static const struct ipfix_sampler *sampler_find(const struct ipfix *x, uint32_t domain,
                                                enum ipfix_sampler_kind kind, uint64_t id)
{
    for (size_t i = 0; i < x->n_samplers; i++) {
        const struct ipfix_sampler *s = &x->samplers[i];
        if (s->domain == domain && s->kind == kind && s->id == id)
            return s;
    }
    return NULL;
}

static void sampler_set(struct ipfix *x, const struct ipfix_sampler *to)
{
    struct ipfix_sampler *at =
        (struct ipfix_sampler *)sampler_find(x, to->domain, to->kind, to->id);
    if (at == NULL && x->n_samplers < IPFIX_SAMPLERS_MAX)
        at = &x->samplers[x->n_samplers++];
    for (size_t i = 0; at == NULL && i < x->n_samplers; i++)
        if (to->renewed.ns - x->samplers[i].renewed.ns > IN_USE_NS)
            at = &x->samplers[i];
    if (at != NULL)
        *at = *to;
    else
        x->counters.not_kept++;
}

/* One in so many packets, as the record says; 0 if it does not. */
static double rate_of(const struct ipfix_record *r)
{
    const uint64_t *v = r->values;
    if (has(r, PROBABILITY) && r->probability > 0 && r->probability <= 1)
        return 1 / r->probability;
    if (has(r, SAMPLE_SIZE) && has(r, POPULATION) && v[SAMPLE_SIZE] > 0 &&
        v[POPULATION] >= v[SAMPLE_SIZE])
        return (double)v[POPULATION] / (double)v[SAMPLE_SIZE];
    if (has(r, PACKET_INTERVAL) && has(r, PACKET_SPACE) && v[PACKET_INTERVAL] > 0)
        return 1 + (double)v[PACKET_SPACE] / (double)v[PACKET_INTERVAL];
    if (has(r, SAMPLING_INTERVAL))
        return v[SAMPLING_INTERVAL] > 1 ? (double)v[SAMPLING_INTERVAL] : 1;
    return 0;
}

static const struct ipfix_sampler *sampler_named(const struct message *m,
                                                 const struct ipfix_record *r)
{
    static const struct {
        enum what what;
        enum ipfix_sampler_kind kinds[2];
    } names[] = {{SELECTOR, {SAMPLER_SELECTOR, SAMPLER_ID}},
                 {SAMPLER, {SAMPLER_ID, SAMPLER_SELECTOR}}};
    for (size_t i = 0; i < 4; i++) {
        enum what what = names[i / 2].what;
        const struct ipfix_sampler *s =
            has(r, what) && r->values[what] != 0
                ? sampler_find(m->x, m->domain->id, names[i / 2].kinds[i % 2],
                               r->values[what])
                : NULL;
        if (s != NULL)
            return s;
    }
    return NULL;
}

static void set_sampling(const struct message *m, const struct ipfix_record *r,
                         struct flow_record *f)
{
    const struct ipfix_sampler *s = NULL;
    f->sampling = rate_of(r);
    if (f->sampling > 0 || m->x->n_samplers == 0) {
        f->sampler_unknown = f->sampling == 0 && either(r, SELECTOR, SAMPLER) != 0;
        return;
    }
    s = sampler_named(m, r);
    bool named = either(r, SELECTOR, SAMPLER) != 0;
    uint32_t seen_at = f->side == FLOW_AT_EGRESS ? f->output : f->input;
    if (s == NULL && seen_at != 0)
        s = sampler_find(m->x, m->domain->id, SAMPLER_INTERFACE, seen_at);
    if (s == NULL)
        s = sampler_find(m->x, m->domain->id, SAMPLER_DOMAIN, 0);
    if (s == NULL && !m->v9)
        s = sampler_find(m->x, 0, SAMPLER_DOMAIN, 0);
    f->sampling = s != NULL ? s->rate : 0;
    f->sampler_unknown = s == NULL && named;
}

static void take_options(struct message *m, const struct ipfix_record *r)
{
    double rate = rate_of(r);
    enum ipfix_sampler_kind kind = has(r, SELECTOR)  ? SAMPLER_SELECTOR
                                   : has(r, SAMPLER) ? SAMPLER_ID
                                   /* 0 is no interface: softflowd's scope */
                                   : interface_of(r, INPUT) != 0 ? SAMPLER_INTERFACE
                                                                 : SAMPLER_DOMAIN;
    static const enum what ids[] = {[SAMPLER_INTERFACE] = INPUT,
                                    [SAMPLER_ID] = SAMPLER,
                                    [SAMPLER_SELECTOR] = SELECTOR};
    if (has(r, INIT_MS) && r->values[INIT_MS] < INT64_MAX / NS_PER_MS) {
        m->domain->has_init = true;
        m->domain->init_ns = (int64_t)r->values[INIT_MS] * NS_PER_MS;
    }
    if (rate > 0)
        sampler_set(m->x, &(struct ipfix_sampler){
                              .domain = m->domain->id,
                              .kind = (uint8_t)kind,
                              .id = kind == SAMPLER_DOMAIN ? 0 : r->values[ids[kind]],
                              .rate = rate,
                              .renewed = m->now});
}

/* ---- times ---- */

/* Since 1970; 0 when it is before. */
static int64_t ntp_ns(uint64_t ntp)
{
    int64_t s = (int64_t)(ntp >> 32) - NTP_EPOCH_S;
    return s > 0 ? s * NS_PER_S + (int64_t)((ntp & UINT32_MAX) * NS_PER_S >> 32) : 0;
}

/* Nanoseconds since 1970 of an absolute time; 0: not reported or not set. */
static int64_t time_of(const struct ipfix_record *r, bool end)
{
    const uint64_t *v = r->values + end;
    if (has(r, START_MS + end) && v[START_MS] < INT64_MAX / NS_PER_MS)
        return (int64_t)v[START_MS] * NS_PER_MS;
    if (has(r, START_NTP + end))
        return ntp_ns(v[START_NTP]);
    if (has(r, START_S + end) && v[START_S] < INT64_MAX / NS_PER_S)
        return (int64_t)v[START_S] * NS_PER_S;
    return 0;
}

static int64_t between(int64_t ns, int64_t most)
{
    return ns < 0 ? 0 : ns > most ? most : ns;
}

/* Milliseconds of `uptime` before the export. Both wrap after 49 days; differences do not. */
static bool uptime_age(const struct message *m, const struct ipfix_record *r,
                       int64_t *age_ns)
{
    uint32_t now = m->uptime_ms;
    if (!m->v9) {
        int64_t init_ms = has(r, INIT_MS) ? (int64_t)r->values[INIT_MS]
                                          : m->domain->init_ns / NS_PER_MS;
        if (!has(r, INIT_MS) && !m->domain->has_init)
            return false;
        now = (uint32_t)((uint64_t)m->export_ms - (uint64_t)init_ms);
    }
    *age_ns = (int32_t)(now - (uint32_t)r->values[END_UPTIME]) * NS_PER_MS;
    return true;
}

static void set_times(const struct message *m, const struct ipfix_record *r,
                      struct flow_record *f)
{
    int64_t start = time_of(r, false), end = time_of(r, true);
    const uint64_t *v = r->values;
    if (end > 0) {
        f->age_ns = m->export_ms * NS_PER_MS - end;
        f->duration_ns = start > 0 ? end - start : 0;
    } else if (has(r, START_UPTIME) && has(r, END_UPTIME)) {
        f->duration_ns =
            (int32_t)((uint32_t)v[END_UPTIME] - (uint32_t)v[START_UPTIME]) * NS_PER_MS;
        if (!uptime_age(m, r, &f->age_ns))
            f->age_ns = 0; /* the length is known; where it lies is not */
    } else if (has(r, START_BEFORE_US) && has(r, END_BEFORE_US)) {
        f->age_ns = (int64_t)(uint32_t)v[END_BEFORE_US] * NS_PER_US;
        f->duration_ns = (int64_t)(uint32_t)v[START_BEFORE_US] * NS_PER_US - f->age_ns;
    } else if (start > 0) {
        f->age_ns = m->export_ms * NS_PER_MS - start;
    }
    if (f->duration_ns == 0 && has(r, LENGTH_MS))
        f->duration_ns = (int64_t)(uint32_t)v[LENGTH_MS] * NS_PER_MS;
    else if (f->duration_ns == 0 && has(r, LENGTH_US))
        f->duration_ns = (int64_t)(uint32_t)v[LENGTH_US] * NS_PER_US;
    if (end == 0 && start > 0)
        f->age_ns -= f->duration_ns;
    f->age_ns = between(f->age_ns, DAY_NS);
    f->duration_ns = between(f->duration_ns, DAY_NS);
}

/* ---- flows ---- */

/* The first of four that the record has, else 0. */
static uint64_t first_of(const struct ipfix_record *r, const enum what list[4],
                         bool *found)
{
    for (size_t i = 0; i < 4; i++) {
        *found = has(r, list[i]);
        if (*found)
            return r->values[list[i]];
    }
    return 0;
}

static struct flow_count forward_count(const struct ipfix_record *r)
{
    static const enum what bytes[] = {BYTES, BYTES_POST, BYTES_FORWARD, BYTES_TOTAL};
    static const enum what packets[] = {PACKETS, PACKETS_POST, PACKETS_FORWARD,
                                        PACKETS_TOTAL};
    bool found;
    struct flow_count c = {.flows = has(r, FLOWS) ? r->values[FLOWS] : 1,
                           .packets = first_of(r, packets, &found)};
    if (found && c.flows > c.packets) /* each flow has a packet */
        c.flows = c.packets > 0 ? c.packets : 1;
    c.bytes = first_of(r, bytes, &found);
    if (!found && has(r, BYTES_LAYER2)) {
        bool tagged = has(r, VLAN) && r->values[VLAN] != 0;
        uint64_t header = ETHERNET + (tagged ? VLAN_TAG : 0);
        uint64_t l2 = r->values[BYTES_LAYER2];
        c.bytes = c.packets <= l2 / header ? l2 - c.packets * header : 0;
    }
    return c;
}

static struct flow_count reverse_count(const struct ipfix_record *r)
{
    struct flow_count c = {.bytes = either(r, BYTES_REVERSE, BYTES_REVERSE_TOTAL),
                           .packets = either(r, PACKETS_REVERSE, PACKETS_REVERSE_TOTAL)};
    if (has(r, BYTES_BACK) && !has(r, BYTES)) {
        c.bytes = r->values[BYTES_BACK];
        c.packets = has(r, PACKETS_BACK) ? r->values[PACKETS_BACK] : 0;
    }
    c.flows = c.bytes > 0 || c.packets > 0;
    return c;
}

static enum flow_side side_of(const struct ipfix_record *r)
{
    if (!has(r, DIRECTION) || r->values[DIRECTION] > 1)
        return FLOW_SIDE_UNKNOWN;
    bool at_egress = r->values[DIRECTION] == 1;
    return interface_of(r, at_egress ? OUTPUT : INPUT) == 0 ? FLOW_SIDE_UNKNOWN
           : at_egress                                      ? FLOW_AT_EGRESS
                                                            : FLOW_AT_INGRESS;
}

static void take_flow(struct message *m, const struct ipfix_record *r)
{
    const uint64_t counts = UINT64_C(1) << BYTES | UINT64_C(1) << BYTES_POST |
                            UINT64_C(1) << BYTES_TOTAL | UINT64_C(1) << BYTES_FORWARD |
                            UINT64_C(1) << BYTES_LAYER2 | UINT64_C(1) << BYTES_BACK |
                            UINT64_C(1) << BYTES_REVERSE;
    struct flow_record f = {.from = r->from, .to = r->to, .domain = m->domain->id};
    if ((r->has & counts) == 0 ||
        (f.from.family == FAMILY_NONE && f.to.family == FAMILY_NONE))
        return; /* a report of something else: NAT, the state of a firewall */
    f.from.port = has(r, FROM_PORT) ? (uint16_t)r->values[FROM_PORT] : 0;
    f.to.port = has(r, TO_PORT) ? (uint16_t)r->values[TO_PORT] : 0;
    f.protocol = has(r, PROTOCOL) ? (uint8_t)r->values[PROTOCOL] : 0;
    f.input = interface_of(r, INPUT);
    f.output = interface_of(r, OUTPUT);
    f.side = side_of(r);
    f.direction = has(r, DIRECTION) ? (uint8_t)r->values[DIRECTION] : 0;
    f.count = forward_count(r);
    f.reverse = reverse_count(r);
    set_sampling(m, r, &f);
    set_times(m, r, &f);
    m->flows++;
    m->x->counters.flows++;
    m->on_flow(&f, m->user);
}

/* ---- data sets ---- */

/* An exporter whose template has both families leaves the other one 0. */
static void read_address(struct wire *w, size_t len, struct endpoint *to)
{
    static const uint8_t zero[16];
    struct endpoint e = {.family = len == 4 ? FAMILY_IPV4 : FAMILY_IPV6};
    wire_copy(w, e.bytes, len);
    if (to->family == FAMILY_NONE || memcmp(to->bytes, zero, sizeof zero) == 0)
        *to = e;
}

static void read_field(struct wire *w, const struct ipfix_field *field,
                       struct ipfix_record *r)
{
    size_t len = field->len;
    if (len == VARIABLE) {
        len = wire_u8(w);
        if (len == 255)
            len = wire_u16(w);
        wire_skip(w, len);
        return;
    }
    switch (field->what) {
    case SKIP:
        wire_skip(w, len);
        return;
    case FROM:
    case TO:
        read_address(w, len, field->what == FROM ? &r->from : &r->to);
        return;
    default:
        r->values[field->what] = wire_uint(w, len);
        r->has |= UINT64_C(1) << field->what;
    }
    if (field->what == PROBABILITY && len == 8) {
        memcpy(&r->probability, &r->values[PROBABILITY], 8);
    } else if (field->what == PROBABILITY) {
        uint32_t bits = (uint32_t)r->values[PROBABILITY];
        float probability;
        memcpy(&probability, &bits, 4);
        r->probability = (double)probability;
    }
}

static int take_records(struct message *m, const struct ipfix_template *t,
                        struct wire set)
{
    while (set.left >= t->record_min) { /* what is shorter is padding */
        struct ipfix_record r;
        r.has = 0;
        r.from = r.to = (struct endpoint){.family = FAMILY_NONE};
        for (size_t i = 0; i < t->n; i++)
            read_field(&set, &t->fields[i], &r);
        if (!wire_ok(&set))
            return -EBADMSG;
        m->records++;
        if (t->options)
            take_options(m, &r);
        else
            take_flow(m, &r);
    }
    return 0;
}

/* ---- templates ---- */

static struct ipfix_template **template_find(struct ipfix *x, uint32_t domain,
                                             uint16_t id)
{
    for (size_t i = 0; i < x->n_templates; i++)
        if (x->templates[i]->id == id && x->templates[i]->domain == domain)
            return &x->templates[i];
    return NULL;
}

static void template_remove(struct ipfix *x, struct ipfix_template **at)
{
    free((*at)->fields);
    free(*at);
    *at = x->templates[--x->n_templates];
}

/* Returns a place for a further one, or NULL. */
static struct ipfix_template **template_place(struct ipfix *x, struct mono now)
{
    for (size_t i = 0; x->n_templates == IPFIX_TEMPLATES_MAX && i < x->n_templates; i++)
        if (now.ns - x->templates[i]->renewed.ns > IN_USE_NS)
            template_remove(x, &x->templates[i]);
    return x->n_templates < IPFIX_TEMPLATES_MAX ? &x->templates[x->n_templates++] : NULL;
}

static bool template_same(const struct ipfix_template *a, const struct ipfix_template *b)
{
    return a->options == b->options && a->v9 == b->v9 && a->n == b->n &&
           memcmp(a->fields, b->fields, a->n * sizeof *a->fields) == 0;
}

/* Copies it, fields included. */
static void template_keep(struct ipfix *x, const struct ipfix_template *t)
{
    struct ipfix_template **at = template_find(x, t->domain, t->id);
    if (at != NULL && template_same(*at, t)) {
        (*at)->renewed = t->renewed;
        return;
    }
    if (at != NULL)
        template_remove(x, at);
    at = template_place(x, t->renewed);
    if (at == NULL) {
        x->counters.not_kept++;
        return;
    }
    struct ipfix_template *kept = mem_alloc(sizeof *kept);
    *kept = *t;
    kept->fields = mem_alloc(t->n * sizeof *kept->fields);
    memcpy(kept->fields, t->fields, t->n * sizeof *kept->fields);
    *at = kept;
}

static enum what what_of(uint16_t element, uint32_t enterprise, uint16_t len)
{
    enum what what = SKIP;
    if (enterprise == REVERSE_PEN)
        what = element == 1    ? BYTES_REVERSE
               : element == 2  ? PACKETS_REVERSE
               : element == 85 ? BYTES_REVERSE_TOTAL
               : element == 86 ? PACKETS_REVERSE_TOTAL
                               : SKIP;
    else if (enterprise == 0 && element < sizeof elements)
        what = (enum what)elements[element];
    if (what == FROM || what == TO)
        return len == 4 || len == 16 ? what : SKIP;
    if (what == PROBABILITY)
        return len == 4 || len == 8 ? what : SKIP;
    return len >= 1 && len <= 8 ? what : SKIP;
}

/* Adds a field; false when there are too many. */
static bool template_add(struct ipfix_template *t, uint32_t *record_min, enum what what,
                         uint16_t len)
{
    struct ipfix_field *last = t->n > 0 ? &t->fields[t->n - 1] : NULL;
    *record_min += len == VARIABLE ? 1 : len;
    if (last != NULL && what == SKIP && last->what == SKIP && len != VARIABLE &&
        last->len != VARIABLE && last->len + len < VARIABLE) {
        last->len = (uint16_t)(last->len + len);
        return true;
    }
    if (t->n == IPFIX_FIELDS_MAX)
        return false;
    t->fields[t->n].what = (uint8_t)what;
    t->fields[t->n++].len = len;
    return true;
}

/* Reads `n` field specifiers, the first `scopes` of v9 with types of scopes. */
static void template_read(struct message *m, struct ipfix_template *t, struct wire *w,
                          size_t n, size_t scopes)
{
    struct ipfix_field fields[IPFIX_FIELDS_MAX];
    uint32_t record_min = 0;
    bool fits = true;
    memset(fields, 0, sizeof fields); /* the padding is compared */
    t->fields = fields;
    for (size_t i = 0; i < n && wire_ok(w); i++) {
        uint16_t element = wire_u16(w), len = wire_u16(w);
        uint32_t enterprise = 0;
        if (!m->v9 && (element & ENTERPRISE) != 0) {
            enterprise = wire_u32(w);
            element &= ENTERPRISE - 1;
        }
        enum what what = i >= scopes ? what_of(element, enterprise, len)
                         : element == V9_SCOPE_INTERFACE ? what_of(10, 0, len)
                                                         : SKIP;
        t->variable = t->variable || len == VARIABLE;
        fits = fits && template_add(t, &record_min, what, len);
    }
    if (!wire_ok(w))
        return;
    if (!fits || record_min == 0 || record_min > UINT16_MAX) {
        m->x->counters.not_kept++; /* an older one with this number is void as well */
        struct ipfix_template **at = template_find(m->x, t->domain, t->id);
        if (at != NULL)
            template_remove(m->x, at);
        return;
    }
    t->record_min = (uint16_t)record_min;
    template_keep(m->x, t);
}

/* `id`: of a template, or of the set for all of its kind. */
static void template_withdraw(struct message *m, uint16_t id, uint16_t set)
{
    for (size_t i = m->x->n_templates; i-- > 0;) {
        const struct ipfix_template *t = m->x->templates[i];
        bool all = id == set && t->options == (set == IPFIX_OPTIONS);
        if (t->domain == m->domain->id && (t->id == id || all))
            template_remove(m->x, &m->x->templates[i]);
    }
}

static int take_templates(struct message *m, uint16_t set, struct wire w)
{
    bool options = set == V9_OPTIONS || set == IPFIX_OPTIONS;
    while (w.left >= SET_MIN) {
        struct ipfix_template t = {.domain = m->domain->id,
                                   .id = wire_u16(&w),
                                   .options = options,
                                   .v9 = m->v9,
                                   .renewed = m->now};
        size_t n = wire_u16(&w), scopes = 0;
        if (m->v9 && t.id == 0)
            return 0; /* padding */
        if (!m->v9 && n == 0) {
            template_withdraw(m, t.id, set);
            continue;
        }
        if (options && m->v9) { /* lengths in bytes, of scopes and of options */
            scopes = n / 4;
            n = scopes + wire_u16(&w) / 4;
        } else if (options) {
            wire_u16(&w); /* scopes are elements like others */
        }
        if (t.id < DATA_SET)
            return -EBADMSG;
        template_read(m, &t, &w, n, scopes);
        if (!wire_ok(&w))
            return -EBADMSG;
    }
    return 0;
}

/* ---- messages ---- */

static const struct ipfix_template *template_usable(const struct ipfix *x,
                                                    uint32_t domain, uint16_t id, bool v9,
                                                    struct mono now)
{
    struct ipfix_template *const *t = template_find((struct ipfix *)x, domain, id);
    return t != NULL && (*t)->v9 == v9 && now.ns - (*t)->renewed.ns <= IPFIX_LIFETIME_NS
               ? *t
               : NULL;
}

static int take_set(struct message *m, uint16_t id, struct wire set)
{
    if (id == (m->v9 ? V9_TEMPLATES : IPFIX_TEMPLATES) ||
        id == (m->v9 ? V9_OPTIONS : IPFIX_OPTIONS))
        return take_templates(m, id, set);
    if (id < DATA_SET)
        return 0; /* reserved */
    const struct ipfix_template *t =
        template_usable(m->x, m->domain->id, id, m->v9, m->now);
    if (t != NULL)
        return take_records(m, t, set);
    m->x->counters.no_template++;
    m->unknown = true;
    return 0;
}

static void take_sequence(struct message *m, uint32_t number)
{
    uint32_t steps[3] = {m->records, m->flows, 1};
    if (m->v9)
        steps[0] = 1, steps[1] = m->records;
    sequence_take(&m->domain->sequence, number, steps, &m->x->counters.lost);
    if (m->unknown && !m->v9)
        sequence_forget(&m->domain->sequence);
}

struct ipfix_head {
    bool v9;
    uint32_t uptime_ms, export_s, number, domain;
};

/* Reads the header; `w` is what follows it. */
static bool read_head(struct wire *w, struct ipfix_head *h, const uint8_t *bytes,
                      size_t len)
{
    *w = wire_from(bytes, len);
    uint16_t version = wire_u16(w), length = wire_u16(w); /* v9: a count of records */
    h->v9 = version == 9;
    h->uptime_ms = h->v9 ? wire_u32(w) : 0;
    h->export_s = wire_u32(w);
    h->number = wire_u32(w);
    h->domain = wire_u32(w);
    size_t head = len - w->left;
    if (!wire_ok(w) || (!h->v9 && (version != 10 || length < head || length > len)))
        return false;
    w->left = h->v9 ? w->left : length - head;
    return true;
}

/* Takes the next set; false when it is malformed. */
static bool next_set(struct wire *w, uint16_t *id, struct wire *set)
{
    *id = wire_u16(w);
    uint16_t len = wire_u16(w);
    *set = wire_take(w, len < SET_MIN ? SIZE_MAX : (size_t)len - SET_MIN);
    return wire_ok(w);
}

/* The exporter has started again: its templates may be others now. */
static void forget_domain(struct ipfix *x, struct ipfix_domain *d)
{
    for (size_t i = x->n_templates; i-- > 0;)
        if (x->templates[i]->domain == d->id)
            template_remove(x, &x->templates[i]);
    sequence_forget(&d->sequence);
}

static bool has_restarted(struct ipfix_domain *d, const struct ipfix_head *h)
{
    const struct sequence *s = &d->sequence;
    if (h->v9)
        return uptime_restarted(&d->uptime, h->uptime_ms, h->export_s);
    bool wraps = s->last > UINT32_MAX - SEQUENCE_JUMP_MAX;
    return s->known && s->last != 0 && h->number == 0 && !wraps;
}

int ipfix_take(struct ipfix *x, const uint8_t *bytes, size_t len, struct mono now,
               flow_cb *on_flow, void *user)
{
    struct wire w, set;
    struct ipfix_head h;
    uint16_t id;
    int rc = 0;
    x->counters.datagrams++;
    if (!read_head(&w, &h, bytes, len)) {
        x->counters.bad_datagrams++;
        return -EBADMSG;
    }
    struct message m = {.x = x,
                        .domain = domain_find(x, h.domain, now),
                        .now = now,
                        .v9 = h.v9,
                        .export_ms = (int64_t)h.export_s * 1000,
                        .uptime_ms = h.uptime_ms,
                        .on_flow = on_flow,
                        .user = user};
    if (has_restarted(m.domain, &h))
        forget_domain(x, m.domain);
    while (rc == 0 && w.left >= SET_MIN)
        rc = next_set(&w, &id, &set) ? take_set(&m, id, set) : -EBADMSG;
    m.unknown = m.unknown || rc < 0;
    take_sequence(&m, h.number);
    x->counters.bad_datagrams += rc < 0;
    return rc;
}

bool ipfix_continues(const struct ipfix *x, const uint8_t *bytes, size_t len,
                     struct mono now)
{
    struct wire w, set;
    struct ipfix_head h;
    uint16_t id;
    if (!read_head(&w, &h, bytes, len) || !next_set(&w, &id, &set) || id < DATA_SET)
        return false;
    const struct ipfix_template *t = template_usable(x, h.domain, id, h.v9, now);
    return t != NULL && set.left >= t->record_min &&
           (t->variable || set.left % t->record_min < SET_MIN); /* the rest is padding */
}

void ipfix_turn(struct ipfix *x, struct mono now)
{
    for (size_t i = x->n_templates; i-- > 0;)
        if (now.ns - x->templates[i]->renewed.ns > IPFIX_LIFETIME_NS)
            template_remove(x, &x->templates[i]);
    for (size_t i = x->n_samplers; i-- > 0;)
        if (now.ns - x->samplers[i].renewed.ns > IPFIX_LIFETIME_NS)
            x->samplers[i] = x->samplers[--x->n_samplers];
}

void ipfix_free(struct ipfix *x)
{
    while (x->n_templates > 0)
        template_remove(x, &x->templates[x->n_templates - 1]);
}
