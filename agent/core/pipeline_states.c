/*
 * Judges the state of a stream by its closed window.
 *
 * A window without an answer is down if chance does not explain the silence
 * (core/silence.h); a window over a limit of its target is degraded.
 * Loss is judged packet by packet over as many windows as it takes (core/path_loss.h), as
 * one window has too few probes. Not judged: handshakes of a middlebox, ICMP that was
 * never answered, and a window in which this host slept.
 */
#include "base/intern.h"
#include "core/event_names.h"
#include "core/pipeline_state.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { REASON_MAX = 320 };

struct finding {
    enum state state;
    bool unsure;                   /* silent, but that may be chance */
    char reason[REASON_MAX];       /* a clause; "" while up */
    double limit;                  /* that was exceeded; NaN: none */
    const char *source;            /* of the limit; "" is the configuration */
    struct path_loss_verdict loss; /* if loss is the reason */
};

__attribute__((format(printf, 5, 6))) static void worse(struct finding *f,
                                                        enum state state, double limit,
                                                        const char *source,
                                                        const char *format, ...)
{
    va_list args;
    f->state = state;
    f->limit = limit;
    f->source = intern_text(source);
    va_start(args, format);
    vsnprintf(f->reason, sizeof f->reason, format, args);
    va_end(args);
}

static const char *of_media(bool is)
{
    return is ? " (Microsoft's limit for media, held against signalling probes)" : "";
}

/* "09:05": of the same day or the last. */
static const char *clock_time(char out[WALL_TEXT_MAX], struct wall time)
{
    wall_text(out, time);
    out[16] = '\0';
    return out + 11;
}

static void hold_against_loss(const struct limits *l, const char *kind,
                              const struct path_loss_verdict *v, struct finding *f)
{
    char since[WALL_TEXT_MAX], own[120] = "";
    f->loss = *v;
    if (v->is == PATH_LOSS_IN_BURSTS) {
        worse(
            f, STATE_DEGRADED, l->loss_ratio, l->loss_source,
            "%u bursts of loss since %s UTC, of up to %u packets in a row: short outages, "
            "no steady loss",
            v->bursts, clock_time(since, v->since), v->longest);
        return;
    }
    double share = (double)v->lost / v->sent;
    uint32_t others_sent = v->sent - v->own_sent, others_lost = v->lost - v->own_lost;
    if (others_sent > v->own_sent / 2 && others_lost <= l->loss_ratio * others_sent)
        snprintf(own, sizeof own, "; by %s %u of %u, by other kinds only %u of %u", kind,
                 v->own_lost, v->own_sent, others_lost, others_sent);
    worse(f, STATE_DEGRADED, l->loss_ratio, l->loss_source,
          "%u of %u packets%s were lost since %s UTC, %.1f %% (95 %% interval %.1f to "
          "%.1f %%), %s than %g %%%s%s",
          v->lost, v->sent, others_sent > 0 ? " on this path" : "",
          clock_time(since, v->since), 100 * share, 100 * v->interval.low,
          100 * v->interval.high, share > l->loss_ratio ? "more" : "not surely less",
          100 * l->loss_ratio, of_media(l->loss_of_media), own);
}

/* Compares with the limits of the target; the last one exceeded is the reason. */
static void hold_against_limits(const struct pipeline *p, const struct pipeline_stream *s,
                                const struct limits *l, const struct summary *w,
                                struct finding *f)
{
    size_t distance = intercept_distance(p->kinds->list[s->kind], &s->addr->intercept);
    const struct delay_summary *delay = &w->delays[distance];
    struct path_loss_verdict loss =
        path_loss_verdict(pipeline_path_loss(p, s), s->kind, w->end);
    if (l->variation_ns > 0 && w->variation.count > 0 &&
        w->variation.mean_ns > l->variation_ns)
        worse(f, STATE_DEGRADED, (double)l->variation_ns / 1e9, l->variation_source,
              "its delay varies by %.3f ms, more than %g ms%s", ms(w->variation.mean_ns),
              ms(l->variation_ns), of_media(l->variation_of_media));
    if (l->delay_ns > 0 && delay->count > 0 && delay->percentile_ns[P50] > l->delay_ns)
        worse(f, STATE_DEGRADED, (double)l->delay_ns / 1e9, l->delay_source,
              "its median delay is %.3f ms, more than %g ms%s",
              ms(delay->percentile_ns[P50]), ms(l->delay_ns),
              of_media(l->delay_of_media));
    if (loss.is != PATH_LOSS_NONE)
        hold_against_loss(l, p->kinds->list[s->kind]->name, &loss, f);
}

/* The target answers, but most replies are errors of its server, or too slow. */
static void judge_replies(const struct summary *w, int64_t waiting_ns, struct finding *f)
{
    char waited[DURATION_TEXT_MAX];
    uint64_t slow = w->outcomes[OUTCOME_SLOW], errors = w->server_errors;
    if (2 * (errors + slow) <= w->sent)
        return;
    if (errors >= slow)
        worse(f, STATE_DEGRADED, NAN, "",
              "its server answered HTTP %d, its own failure, to %llu of %llu probes",
              w->server_error, (unsigned long long)errors, (unsigned long long)w->sent);
    else
        worse(f, STATE_DEGRADED, NAN, "",
              "connected, but %llu of %llu replies took longer than %s",
              (unsigned long long)slow, (unsigned long long)w->sent,
              duration_text(waited, waiting_ns));
}

/* An error of a DNS server is no use to anybody, also if it comes at once. */
static bool judge_resolver(const struct kind *kind, const struct summary *w,
                           struct finding *f)
{
    uint64_t errors = w->outcomes[OUTCOME_REFUSED];
    if (!kind->of_resolver || 2 * errors <= w->sent)
        return false;
    worse(
        f, w->received > 0 ? STATE_DEGRADED : STATE_DOWN, NAN, "",
        "%llu of %llu queries got an error (SERVFAIL, REFUSED, or no server at the port)",
        (unsigned long long)errors, (unsigned long long)w->sent);
    return true;
}

/* Down is two windows in one silence that is sure, its own or that of all kinds. */
static void judge_silence(const struct pipeline_stream *s, struct finding *f)
{
    const struct silence *own = &s->silence, *all = &s->addr->silence;
    const struct silence *sure = silence_is_sure(own) ? own : all;
    bool by_all = all->probes > own->probes;
    f->unsure = !silence_is_sure(sure) ||
                (s->flap.state != STATE_DOWN && sure->since.ns >= s->unsure.ns);
    if (!f->unsure)
        worse(f, STATE_DOWN, NAN, "", "none of the last %u probes%s was answered",
              by_all ? all->probes : own->probes, by_all ? " by any kind" : "");
}

static struct finding judge(const struct pipeline *p, const struct pipeline_stream *s,
                            const struct summary *w)
{
    struct finding f = {.state = STATE_UNKNOWN, .limit = NAN, .source = ""};
    const struct pipeline_target *m = &p->targets[s->target];
    const struct kind *kind = p->kinds->list[s->kind];
    if (w->sent == 0 || w->interrupted || !pipeline_judges(kind, s->addr))
        return f;
    if (judge_resolver(kind, w, &f))
        return f;
    if (summary_answered(w) > 0) {
        f.state = STATE_UP;
        judge_replies(w, p->targets[s->target].target->waiting_ns[s->kind], &f);
        hold_against_limits(p, s, &m->target->limits, w, &f);
    } else if (pipeline_silence_is_down(p, m, s) && !pipeline_has_sibling(p, s)) {
        judge_silence(s, &f);
    }
    return f;
}

/* ---- events ---- */

static struct event *add_event(struct pipeline *p, const struct pipeline_stream *s,
                               const char *name, enum severity severity, struct wall at)
{
    const struct target *target = p->targets[s->target].target;
    struct event *e = events_add(&p->open_events, name, severity, at, target);
    e->kind = p->kinds->list[s->kind];
    e->family = s->addr->to.family;
    return e;
}

static enum severity severity_of(enum state state)
{
    return state == STATE_DOWN       ? SEVERITY_ERROR
           : state == STATE_DEGRADED ? SEVERITY_WARN
                                     : SEVERITY_INFO;
}

/* The numbers of the text. */
static void add_loss(struct event *e, const struct path_loss_verdict *v)
{
    if (v->is == PATH_LOSS_NONE)
        return;
    e->since = v->since;
    if (v->is == PATH_LOSS_IN_BURSTS) {
        event_number(e, ATTR_LOSS_BURSTS, v->bursts);
        return;
    }
    event_number(e, ATTR_LOSS_LOST, v->lost);
    event_number(e, ATTR_LOSS_SENT, v->sent);
    event_number(e, ATTR_LOSS_LOW, v->interval.low);
    event_number(e, ATTR_LOSS_HIGH, v->interval.high);
}

static void report_state(struct pipeline *p, const struct pipeline_stream *s,
                         const struct flap_news *news, const struct finding *f,
                         const struct summary *w, struct wall since)
{
    bool began = news->what == FLAP_BEGAN, ended = news->what == FLAP_ENDED;
    struct event *e = add_event(p, s,
                                began   ? EVENT_STATE_FLAPPING
                                : ended ? EVENT_STATE_SETTLED
                                        : EVENT_STATE_CHANGED,
                                began ? SEVERITY_WARN : severity_of(news->after), w->end);
    e->since = since;
    event_change(e, state_name(news->before), state_name(news->after));
    if (began)
        event_say(e, "flaps between %s and %s; silent until it has settled", e->before,
                  e->after);
    else if (ended)
        event_say(e, "has settled: %s, after %u change%s", e->after, news->changes,
                  news->changes == 1 ? "" : "s");
    else
        event_say(e, "%s%s%s", e->after, f->reason[0] != '\0' ? ": " : "", f->reason);
    event_number(e, ATTR_CHANGES, ended ? news->changes : NAN);
    event_number(e, ATTR_LOSS_RATIO,
                 f->loss.is == PATH_LOSS_LEVEL ? (double)f->loss.lost / f->loss.sent
                                               : w->loss_ratio);
    add_loss(e, &f->loss);
    event_number(e, ATTR_LIMIT, f->limit);
    if (!isnan(f->limit))
        event_text(e, ATTR_LIMIT_SOURCE,
                   f->source[0] != '\0' ? f->source : "configuration");
}

/* When the state of a window began. */
static struct wall began(const struct pipeline_stream *s, enum state state,
                         const struct summary *w)
{
    if (state == STATE_DOWN)
        return s->silence.since;
    return s->flap.state == STATE_DOWN ? s->answered_first : w->start;
}

void pipeline_judge(struct pipeline *p, struct pipeline_stream *s,
                    const struct summary *w, struct mono now)
{
    struct finding f = judge(p, s, w);
    if (f.state == s->flap.state)
        s->turned.ns = 0;
    else if (f.state != STATE_UNKNOWN && s->turned.ns == 0)
        s->turned = began(s, f.state, w);
    struct flap_news news = flap_window(&s->flap, f.state, now);
    /* The silence is sure now, and so is its window before this one. */
    if (f.state == STATE_DOWN && s->unsure.ns != 0 && news.what == FLAP_NOTHING)
        news = flap_window(&s->flap, f.state, now);
    if (f.unsure)
        s->unsure = w->end;
    else if (f.state != STATE_UNKNOWN)
        s->unsure.ns = 0;
    bool as_expected = news.before == STATE_UNKNOWN && news.after == STATE_UP;
    if (news.what != FLAP_NOTHING && !as_expected)
        report_state(p, s, &news, &f, w, s->turned);
    if (news.what != FLAP_NOTHING)
        s->turned.ns = 0;
    s->answered_first.ns = 0;
}

void pipeline_report_resolved(struct pipeline *p, size_t target, enum family family,
                              const char *before, struct wall at)
{
    const struct pipeline_target *m = &p->targets[target];
    const struct pipeline_address *addr = m->addresses[family_slot(family)];
    const struct dns_answer *dns = addr->dns;
    char address[ADDRESS_TEXT_MAX];
    struct event *e =
        events_add(&p->open_events, EVENT_TARGET_RESOLVED, SEVERITY_INFO, at, m->target);
    e->family = family;
    event_change(e, before, "");
    endpoint_address(address, &addr->to);
    event_say(e, "%s is %s%s%s", m->target->host, address,
              dns->chain[0] != '\0' ? ", by " : "", dns->chain);
    event_text(e, ATTR_PEER_ADDRESS, address);
    if (dns->chain[0] != '\0')
        event_text(e, ATTR_DNS_CHAIN, dns->chain);
    if (dns->servers[0] != '\0')
        event_text(e, ATTR_DNS_SERVERS, dns->servers);
}

void pipeline_report_overflow(struct pipeline *p, const struct target *target,
                              struct wall at)
{
    struct event *e =
        events_add(&p->open_events, EVENT_SERIES_OVERFLOW, SEVERITY_WARN, at, target);
    event_say(e, "too many PoPs or addresses: further ones are counted in one series, "
                 "with the attribute otel.metric.overflow");
}

/* Another one is nearest than when a window closed before. */
void pipeline_report_nearest(struct pipeline *p, struct wall at)
{
    const struct target_state *first = p->eligible > 0 ? &p->states[p->order[0]] : NULL;
    if (first == NULL || first->target == p->nearest)
        return;
    if (p->nearest != NULL) {
        struct event *e = events_add(&p->open_events, EVENT_NEAREST_CHANGED,
                                     SEVERITY_INFO, at, first->target);
        event_change(e, p->nearest->name, first->target->name);
        event_say(e, "the nearest now: PoP %s, %.3f ms; it was %s",
                  first->pop[0] != '\0' ? first->pop : "unknown", ms(first->min_ns),
                  e->before);
        event_number(e, ATTR_MIN, (double)first->min_ns / 1e9);
    }
    p->nearest = first->target;
}
