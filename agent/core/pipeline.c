#include "core/pipeline_state.h"

#include "base/intern.h"
#include "base/mem.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- create and destroy ---- */

static struct pipeline_address *address_at(struct pipeline_target *m, size_t slot)
{
    if (m->addresses[slot] == NULL) {
        m->addresses[slot] = mem_zalloc(sizeof *m->addresses[slot]);
        m->addresses[slot]->paused = true;
        m->addresses[slot]->intercept.proxied = slot == SLOT_PROXY;
    }
    return m->addresses[slot];
}

struct pipeline_address *pipeline_address(struct pipeline *p, size_t target,
                                          enum family family)
{
    assert(target < p->n_targets);
    return address_at(&p->targets[target], family_slot(family));
}

const struct pipeline_address *pipeline_look(const struct pipeline_target *m, size_t slot)
{
    static const struct pipeline_address none = {.paused = true};
    return m->addresses[slot] != NULL ? m->addresses[slot] : &none;
}

static struct window *open_window(const struct pipeline *p, const struct target *t,
                                  size_t kind, struct wall start)
{
    struct window *w = window_create(p->kinds->list[kind], start);
    if (t->waiting_ns[kind] > 0)
        window_waits(w, t->waiting_ns[kind]);
    return w;
}

static void add_stream(struct pipeline *p, size_t target, size_t kind, size_t slot)
{
    p->streams =
        mem_grow(p->streams, &p->streams_room, p->n_streams + 1, sizeof *p->streams);
    p->streams[p->n_streams++] = (struct pipeline_stream){
        .target = (uint32_t)target,
        .kind = (uint8_t)kind,
        .addr = address_at(&p->targets[target], slot),
        .window = open_window(p, p->targets[target].target, kind, p->window_start),
    };
    p->targets[target].n++;
}

/* The proxy chooses the address: one stream, not one for each family. */
static bool is_wanted(const struct target *t, const struct kind *kind, size_t family)
{
    if (target_goes_by_proxy(t, kind))
        return family == SLOT_PROXY;
    return family == SLOT_IPV4 ? t->ipv4 : family == SLOT_IPV6 && t->ipv6;
}

/* What edge/suboptimal.h may compare: the same service, or a door of the host. */
static bool may_compare(const struct target *a, const struct target *b)
{
    return (a->service[0] != '\0' && strcmp(a->service, b->service) == 0) ||
           strcasecmp(a->host, intern_text(b->server_name)) == 0 ||
           strcasecmp(b->host, intern_text(a->server_name)) == 0;
}

static void note_compared(struct pipeline *p, struct pipeline_target *m)
{
    for (size_t i = 0; i < p->n_targets; i++) {
        struct pipeline_target *other = &p->targets[i];
        if (other == m || !may_compare(m->target, other->target))
            continue;
        m->compared = other->compared = true;
    }
}

size_t pipeline_add(struct pipeline *p, const struct target *target)
{
    if (p->n_targets == p->room)
        return PIPELINE_FULL;
    size_t host = pipeline_host_of(p, target), number = p->n_targets++;
    struct pipeline_target *m = &p->targets[number];
    *m = (struct pipeline_target){
        .target = target, .first = p->n_streams, .full = true, .host = host};
    p->states[number] =
        (struct target_state){.target = target, .min_ns = DELAY_UNDEFINED};
    for (size_t kind = 0; kind < p->kinds->n; kind++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            if (target->kinds[kind] && is_wanted(target, p->kinds->list[kind], f))
                add_stream(p, number, kind, f);
    note_compared(p, m);
    return number;
}

struct pipeline *pipeline_create(const struct pipeline_settings *settings,
                                 const struct kinds *kinds, uint64_t seed,
                                 struct mono now, struct wall wall)
{
    struct pipeline *p = mem_zalloc(sizeof *p);
    p->settings = *settings;
    p->room = settings->n_targets + PIPELINE_ADDED_MAX;
    p->kinds = kinds;
    p->opened = p->window_start = p->stamped = p->batch.agent_start = wall;
    p->opened_at = p->latest = now;
    p->wall_offset_ns = wall.ns - now.ns;
    p->rolling = rolling_set_create(now);
    p->series = series_set_create(settings->delta, p->rolling);
    series_set_scale(p->series, HISTOGRAM_SCALE - (int)settings->coarser);
    if (settings->main_periods)
        series_set_main_periods(p->series);
    series_set_reader(p->series, settings->reader);
    p->batch.delta = settings->delta;
    p->targets = mem_zalloc(p->room * sizeof *p->targets);
    p->order = mem_zalloc(p->room * sizeof *p->order);
    p->states = mem_zalloc(p->room * sizeof *p->states);
    p->schedule = schedule_create(settings->pattern, seed);
    for (size_t target = 0; target < settings->n_targets; target++)
        pipeline_add(p, &settings->targets[target]);
    return p;
}

static void destroy_stream(struct pipeline_stream *s)
{
    window_destroy(s->window);
    shift_forget(&s->shift);
    free(s->handshakes);
}

static void destroy_address(struct pipeline_address *addr)
{
    if (addr == NULL)
        return;
    addresses_free(&addr->all);
    address_slots_free(&addr->slots);
    free(addr->states);
    free(addr->known);
    free(addr->dns);
    free(addr);
}

void pipeline_destroy(struct pipeline *p)
{
    if (p == NULL)
        return;
    for (uint32_t i = 0; i < p->n_streams; i++)
        destroy_stream(&p->streams[i]);
    for (size_t t = 0; t < p->n_targets; t++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            destroy_address(p->targets[t].addresses[f]);
    free(p->streams);
    events_free(&p->open_events);
    events_free(&p->closed_events);
    free(p->states);
    free(p->order);
    free(p->targets);
    series_set_destroy(p->series);
    rolling_set_destroy(p->rolling);
    schedule_destroy(p->schedule);
    free(p);
}

/* ---- due probes ---- */

/* Probes that only watch an address have numbers of their own: a stream's plus this. */
static uint32_t watched_from(const struct pipeline *p)
{
    return (uint32_t)(p->room * 2 * p->kinds->n);
}

bool pipeline_only_watches(const struct pipeline *p, uint32_t stream)
{
    return stream >= watched_from(p);
}

static struct pipeline_stream *stream_of(const struct pipeline *p, uint32_t number)
{
    number -= pipeline_only_watches(p, number) ? watched_from(p) : 0;
    assert(number < p->n_streams);
    return &p->streams[number];
}

bool pipeline_next(const struct pipeline *p, struct mono *at)
{
    return schedule_next(p->schedule, at);
}

bool pipeline_take(struct pipeline *p, struct mono now, struct probe_request *out)
{
    struct due due;
    p->latest = now;
    do {
        if (!schedule_take(p->schedule, now, &due))
            return false;
    } while (!pipeline_affords(p, due.stream, now));
    struct pipeline_stream *s = &p->streams[due.stream];
    if (due.missed > 0) {
        window_count(s->window, COUNTER_MISSED, due.missed);
        s->touched = true;
    }
    if (now.ns - due.at.ns > PIPELINE_LATE_NS)
        window_busy(s->window);
    const struct addresses *all = &s->addr->all;
    size_t i = pipeline_take_address(p, s);
    *out = (struct probe_request){
        .stream = (uint32_t)due.stream + (i == all->used ? 0 : watched_from(p)),
        .target = p->targets[s->target].target,
        .kind = s->kind,
        .to = all->list[i].to,
    };
    out->to.port = target_port(out->target, p->kinds->list[s->kind]);
    return true;
}

/* ---- windows and their parts ---- */

/* The timestamp for `wall`: later than every timestamp before it. */
static struct wall stamp(struct pipeline *p, struct wall wall)
{
    if (wall.ns < p->stamped.ns + STAMP_STEP_NS)
        wall.ns = p->stamped.ns + STAMP_STEP_NS;
    p->stamped = wall;
    return wall;
}

bool pipeline_silence_is_down(const struct pipeline *p, const struct pipeline_target *m,
                              const struct pipeline_stream *s)
{
    const struct kind *kind = p->kinds->list[s->kind];
    if (m->target->gateway)
        return false;
    if (s->answered)
        return true;
    if (m->target->proxied && !target_goes_by_proxy(m->target, kind))
        return false;
    if (!kind->may_be_filtered)
        return true;
    for (uint32_t i = m->first; i < m->first + m->n; i++)
        if (!p->kinds->list[p->streams[i].kind]->may_be_filtered)
            return false;
    return true;
}

/* Adds the stream's window to its series and to its recent windows; false: it is
 * empty. */
static bool post(struct pipeline *p, uint32_t number, struct wall end, bool early,
                 struct summary *summary)
{
    struct pipeline_stream *s = &p->streams[number];
    struct pipeline_target *m = &p->targets[s->target];
    if (!s->touched)
        return false;
    s->touched = false;
    window_summary(s->window, end, summary);
    p->interrupted |= summary->interrupted;
    p->busy |= summary->busy;
    struct series_part part = {
        .stream = number,
        .target = p->targets[s->target].target,
        .kind = p->kinds->list[s->kind],
        .to = s->addr->to,
        .pop = s->addr->pop,
        .window = s->window,
        .summary = summary,
        .own_answers = pipeline_judges(p->kinds->list[s->kind], s->addr),
        .early = early,
    };
    if (series_set_add(p->series, &part))
        pipeline_report_overflow(p, m->target, end);
    recent_add(&s->recent, summary, intercept_distance(part.kind, &s->addr->intercept));
    if (!part.own_answers)
        return true;
    bool up = summary_answered(summary) > 0;
    s->answered |= up;
    m->measured |= up || (summary->sent > 0 && pipeline_silence_is_down(p, m, s));
    m->up |= up;
    s->addr->up |= up;
    return true;
}

void pipeline_begin_part(struct pipeline *p, struct pipeline_target *m,
                         const struct pipeline_address *addr, struct wall wall)
{
    struct wall at = stamp(p, wall);
    struct summary summary;
    for (uint32_t i = m->first; i < m->first + m->n; i++) {
        struct pipeline_stream *s = &p->streams[i];
        if (s->addr != addr)
            continue;
        post(p, i, at, true, &summary);
        window_destroy(s->window);
        s->window = open_window(p, m->target, s->kind, at);
    }
}

void pipeline_forget_handshakes(struct pipeline_stream *s)
{
    if (s->handshakes != NULL)
        delay_ring_empty(s->handshakes);
}

static void forget_delays(struct pipeline *p, const struct pipeline_target *m,
                          const struct pipeline_address *addr)
{
    for (uint32_t i = m->first; i < m->first + m->n; i++)
        if (p->streams[i].addr == addr) {
            p->streams[i].recent = (struct recent){0};
            shift_forget(&p->streams[i].shift);
            pipeline_forget_handshakes(&p->streams[i]);
        }
}

void pipeline_forget_recent(struct pipeline *p, const struct pipeline_target *m,
                            struct pipeline_address *addr)
{
    forget_delays(p, m, addr);
    struct address *used = addresses_find(&addr->all, &addr->to);
    for (size_t i = 0; used != NULL && i < 2; i++)
        path_loss_forget(&used->losses[i]);
}

/* ---- addresses and PoPs ---- */

/* `basis`: that of an answer; NULL: the CNAME chain names the PoP. */
static void name_pop(struct pipeline *p, struct pipeline_target *m,
                     struct pipeline_address *addr, const char *pop, const char *basis,
                     struct wall wall)
{
    bool from_reply = basis != NULL;
    if (pop[0] == '\0' || (addr->from_reply && !from_reply) ||
        !owner_may_be_pop(addr->owner.type))
        return;
    bool same = strcmp(pop, addr->pop) == 0;
    bool learned = addr->pop[0] == '\0' || (from_reply && !addr->from_reply);
    if (!same && !learned) {
        pipeline_begin_part(p, m, addr, wall);
        pipeline_forget_recent(p, m, addr);
    }
    if (!same)
        addr->pop_since = wall;
    pipeline_pop_is_known(p, m, addr, pop);
    text_copy(addr->pop, sizeof addr->pop, pop);
    addr->basis = from_reply ? basis : "cname";
    addr->from_reply = from_reply;
}

/* `known`: both addresses were watched side by side. */
static void change_address(struct pipeline *p, struct pipeline_target *m,
                           struct pipeline_address *addr, const char *chain, bool known,
                           struct wall wall)
{
    intercept_forget(&addr->intercept);
    addr->proved = false;
    pipeline_begin_part(p, m, addr, wall);
    if (known)
        forget_delays(p, m, addr);
    if (chain[0] != '\0' && strcmp(chain, addr->chain) == 0)
        return; /* another address of the same PoP */
    if (chain[0] != '\0' && addr->chain[0] != '\0')
        pipeline_forget_recent(p, m, addr); /* surely another PoP; else they age out */
    for (uint32_t i = m->first; i < m->first + m->n; i++)
        if (p->streams[i].addr == addr)
            pipeline_forget_handshakes(&p->streams[i]);
    if (addr->pop[0] != '\0') {
        text_copy(addr->pop_before, sizeof addr->pop_before, addr->pop);
        addr->awaited = 0;
    }
    addr->pop[0] = '\0';
    addr->basis = NULL;
    addr->from_reply = false;
    name_pop(p, m, addr, chain, NULL, wall);
}

void pipeline_resolved(struct pipeline *p, size_t target, enum family family,
                       struct endpoint to, const char *pop, struct mono now,
                       struct wall wall)
{
    struct pipeline_address *addr = pipeline_address(p, target, family);
    struct pipeline_target *m = &p->targets[target];
    bool was_paused = addr->paused;

    p->latest = now;
    p->wall_offset_ns = wall.ns - now.ns;
    addr->paused = to.family == FAMILY_NONE;
    if (addr->paused) {
        pipeline_forget_recent(p, m, addr);
    } else {
        bool known = pipeline_set_addresses(p, m, addr, &to, wall);
        if (addr->to.family != FAMILY_NONE && !endpoint_same_address(&to, &addr->to))
            change_address(p, m, addr, pop, known, wall);
        else
            name_pop(p, m, addr, pop, NULL, wall);
        text_copy(addr->chain, sizeof addr->chain, pop);
        addr->to = to;
    }
    if (addr->paused != was_paused) /* names are resolved anew all the time */
        pipeline_pace_target(p, target, now);
}

void pipeline_issuer(struct pipeline *p, size_t target, enum family family,
                     const char *issuer, bool foreign)
{
    struct pipeline_address *addr = pipeline_address(p, target, family);
    text_copy(addr->issuer, sizeof addr->issuer, issuer);
    addr->issuer_foreign = foreign;
}

bool pipeline_owner(struct pipeline *p, size_t target, enum family family,
                    const struct owner *owner, struct mono now, struct wall wall)
{
    struct pipeline_address *addr = pipeline_address(p, target, family);
    struct pipeline_target *m = &p->targets[target];
    bool changes = owner_may_be_pop(addr->owner.type) != owner_may_be_pop(owner->type);
    bool another = addr->owner.type != owner->type;
    addr->owner = *owner;
    if (!changes)
        return another;
    pipeline_begin_part(p, m, addr, wall);
    pipeline_forget_recent(p, m, addr);
    addr->pop[0] = addr->chain[0] = '\0';
    addr->basis = NULL;
    addr->from_reply = false;
    pipeline_pace_target(p, target, now);
    return another;
}

void pipeline_dns_answer(struct pipeline *p, size_t target, enum family family,
                         const struct dns_answer *dns, struct mono now, struct wall wall)
{
    struct pipeline_address *addr = pipeline_address(p, target, family);
    struct pipeline_target *m = &p->targets[target];
    const char *chain = resolution_kept(addr->dns)->chain;
    bool another = strcmp(dns->chain, chain) != 0;
    bool first = addr->dns_reported.ns == 0;
    char before[EVENT_WORD_MAX] = "";
    if (!first)
        text_copy(before, sizeof before, chain[0] != '\0' ? chain : m->target->host);
    free(addr->dns);
    addr->dns = resolution_keep(dns->chain, dns->servers);
    if (addr->paused || m->target->discovered || !(first || another) ||
        (!first && now.ns - addr->dns_reported.ns < RESOLVED_LEAST_NS))
        return;
    addr->dns_reported = now;
    pipeline_report_resolved(p, target, family, before, wall);
}

struct events *pipeline_events(struct pipeline *p)
{
    return &p->open_events;
}

struct rolling_set *pipeline_rolling(struct pipeline *p)
{
    return p->rolling;
}

/* ---- results ---- */

const struct target *pipeline_target(const struct pipeline *p, size_t target)
{
    assert(target < p->n_targets);
    return p->targets[target].target;
}

size_t pipeline_target_of(const struct pipeline *p, uint32_t stream)
{
    return stream_of(p, stream)->target;
}

/* True when a TLS session was established, whatever the HTTP reply. */
static bool shows_certificate(const struct kind *kind, const struct result *result)
{
    size_t tls = kind_delay(kind, DELAY_TLS);
    return tls != KIND_NONE && result->outcome != OUTCOME_TLS_ERROR &&
           result->delays[tls] != DELAY_UNDEFINED;
}

/* Keeps the delay of a TCP handshake for a comparison, unless a middlebox answered it. */
static void add_handshake(const struct pipeline *p, struct pipeline_stream *s,
                          const struct result *counted)
{
    if (!p->targets[s->target].compared ||
        p->kinds->list[s->kind]->roles[0] != DELAY_HANDSHAKE ||
        counted->outcome != OUTCOME_REPLY || counted->delays[0] == DELAY_UNDEFINED)
        return;
    s->handshakes = delay_ring_grow(s->handshakes);
    delay_ring_add(s->handshakes, counted->time, counted->delays[0]);
}

static void note_loss(struct pipeline *p, struct pipeline_stream *s,
                      const struct result *result, bool counts)
{
    const struct kind *kind = p->kinds->list[s->kind];
    /* A connection sends its SYN again: it is lost if both are. */
    double least = kind->single_packets ? SILENCE_LOSS_LEAST
                                        : SILENCE_LOSS_LEAST * SILENCE_LOSS_LEAST;
    double alone = kind->may_be_filtered ? SILENCE_LOSS_LIMITED : least;
    uint32_t packets = 1 + (kind->single_packets ? result->lost_packets : 0);
    if (!silence_lost(&s->silence, result->time, packets,
                      packets * silence_evidence(&s->loss, alone)))
        silence_learn(&s->loss, packets, 0);
    if (counts && pipeline_silence_is_down(p, &p->targets[s->target], s))
        silence_lost(&s->addr->silence, result->time, packets,
                     packets * silence_evidence(&s->loss, least));
}

static void note_answer(struct pipeline *p, struct pipeline_stream *s,
                        const struct result *result)
{
    const struct kind *kind = p->kinds->list[s->kind];
    bool counts = pipeline_judges(kind, s->addr);
    if (result->outcome == OUTCOME_NOT_MEASURED)
        return;
    if (outcome_is_lost(result->outcome)) {
        note_loss(p, s, result, counts);
        return;
    }
    bool down = s->flap.state == STATE_DOWN;
    uint32_t lost = silence_answered(&s->silence, result->time, down);
    silence_learn(&s->loss, lost + (kind->single_packets ? result->lost_packets : 0), 1);
    if (counts)
        silence_answered(&s->addr->silence, result->time, down);
    if (s->answered_first.ns == 0)
        s->answered_first = result->time;
}

/* Those of the closed window, which its batch shows, become those before the open one. */
static void begin_statuses(const struct pipeline *p, struct pipeline_address *addr)
{
    if (!addr->statuses_shown)
        return;
    addr->statuses_shown = false;
    if (p->settings.delta)
        memset(addr->statuses, 0, sizeof addr->statuses);
    for (size_t i = 0; i < STATUSES_MAX; i++)
        addr->statuses[i].before = addr->statuses[i].n;
}

static void count_status(const struct pipeline *p, struct pipeline_address *addr,
                         uint16_t status)
{
    struct status_count *statuses = addr->statuses;
    size_t i = 0;
    if (status == 0)
        return;
    begin_statuses(p, addr);
    while (i + 1 < STATUSES_MAX && statuses[i].n > 0 && statuses[i].status != status)
        i++;
    if (i + 1 < STATUSES_MAX)
        statuses[i].status = status;
    statuses[i].n++;
}

void pipeline_result(struct pipeline *p, const struct result *result)
{
    struct pipeline_stream *s = stream_of(p, result->stream);
    struct result counted = *result;
    pipeline_settle(p, s, result);
    if (pipeline_only_watches(p, result->stream)) {
        pipeline_add_address(p, s, result);
        return;
    }
    bool in_use = endpoint_same_address(&result->to, &s->addr->to);
    if (in_use) {
        name_pop(p, &p->targets[s->target], s->addr, result->pop,
                 result->pop_basis != NULL ? result->pop_basis : "answer", result->time);
        pipeline_add_intercept(p, s, result);
        s->addr->proved |= shows_certificate(p->kinds->list[s->kind], result);
    }
    pipeline_add_address(p, s, result);
    if (!in_use && result->outcome == OUTCOME_LOSS && s->addr->all.n > 1)
        return; /* another address is in use by now: not the target's loss */
    bool some = !in_use || intercepted(&s->addr->intercept); /* are left out */
    for (size_t d = 0; some && d < DELAYS_MAX; d++)
        if (!in_use || pipeline_leaves_out(p, s, d)) {
            counted.delays[d] = DELAY_UNDEFINED;
            counted.longer_than[d] = 0;
        }
    if (in_use) {
        pipeline_add_delay(p, s, &counted);
        add_handshake(p, s, &counted);
    }
    count_status(p, s->addr, result->http.status);
    note_answer(p, s, result);
    window_add(s->window, &counted);
    s->touched = true;
}

void pipeline_after(struct pipeline *p, uint32_t stream, enum counter what)
{
    struct pipeline_stream *s = stream_of(p, stream);
    if (pipeline_only_watches(p, stream))
        return;
    if (what == COUNTER_LATE)
        window_late(s->window, p->targets[s->target].target->waiting_ns[s->kind]);
    else
        window_count(s->window, what, 1);
    s->touched = true;
}

void pipeline_interrupted(struct pipeline *p)
{
    p->interrupted = true;
    pipeline_break_losses(p);
    for (uint32_t i = 0; i < p->n_streams; i++) {
        window_interrupted(p->streams[i].window);
        silence_break(&p->streams[i].silence);
        silence_break(&p->streams[i].addr->silence);
    }
}

void pipeline_busy(struct pipeline *p)
{
    p->busy = true;
    for (uint32_t i = 0; i < p->n_streams; i++)
        window_busy(p->streams[i].window);
}

/* ---- the end of a window ---- */

struct wall pipeline_closing(const struct pipeline *p)
{
    int64_t window_ns = p->settings.window_ns;
    int64_t open_ns = p->latest.ns - p->opened_at.ns;
    if (open_ns > window_ns + window_ns / 8 + NS_PER_S)
        return (struct wall){0};
    return wall_next(p->opened, window_ns);
}

/* Moves timestamps back after the clock was far ahead. */
static void step_back(struct pipeline *p, struct mono now, struct wall wall)
{
    struct wall began = {wall.ns - (now.ns - p->opened_at.ns)};
    p->stamped = p->window_start = began;
    if (p->batch.agent_start.ns > began.ns)
        p->batch.agent_start = began;
    for (uint32_t i = 0; i < p->n_streams; i++)
        window_began_by(p->streams[i].window, began);
    series_set_began_by(p->series, began);
}

/* Of an address without a response in the window, too. */
static void end_statuses(struct pipeline *p)
{
    for (size_t t = 0; t < p->n_targets; t++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            if (p->targets[t].addresses[f] != NULL)
                begin_statuses(p, p->targets[t].addresses[f]);
}

static void begin_window(struct pipeline *p)
{
    for (size_t t = 0; t < p->n_targets; t++) {
        struct pipeline_target *m = &p->targets[t];
        m->up = m->measured = false;
        for (size_t f = 0; f < FAMILY_SLOTS; f++) {
            struct pipeline_address *addr = m->addresses[f];
            if (addr == NULL)
                continue;
            addr->up = false;
            addr->statuses_shown = true;
        }
    }
}

const struct batch *pipeline_close(struct pipeline *p, struct mono now, struct wall wall)
{
    if (p->stamped.ns - wall.ns > STAMP_AHEAD_NS)
        step_back(p, now, wall);
    struct wall end = stamp(p, wall);
    p->wall_offset_ns = wall.ns - now.ns;
    rolling_set_now(p->rolling, now);
    pipeline_close_losses(p);
    for (uint32_t i = 0; i < p->n_streams; i++) {
        struct pipeline_stream *s = &p->streams[i];
        struct summary summary;
        if (post(p, i, end, false, &summary))
            pipeline_judge(p, s, &summary, now);
        recent_close(&s->recent);
        window_reset(s->window, end);
    }
    pipeline_judge_addresses(p, now, end);
    pipeline_report_shifts(p, end);
    end_statuses(p);
    pipeline_rank(p);
    pipeline_report_nearest(p, end);
    pipeline_pace(p, now);
    begin_window(p);

    p->batch.first = p->batch.time.ns == 0;
    p->batch.window_start = p->window_start;
    p->batch.time = end;
    p->batch.window_ns = p->settings.window_ns;
    p->batch.series = series_set_close(p->series, now, &p->batch.n_series);
    p->batch.overflowed = series_set_overflowed(p->series);
    p->batch.targets = p->states;
    p->batch.n_targets = p->n_targets;
    events_free(&p->closed_events);
    p->closed_events = p->open_events;
    p->open_events = (struct events){.n = 0};
    p->batch.events = p->closed_events.list;
    p->batch.n_events = p->closed_events.n;
    p->batch.events_dropped = p->closed_events.dropped;
    p->batch.interrupted = p->interrupted;
    p->batch.busy = p->busy;
    p->interrupted = p->busy = false;
    p->opened = wall;
    p->opened_at = p->latest = now;
    p->window_start = end;
    return &p->batch;
}
