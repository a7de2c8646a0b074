#include "base/mem.h"
#include "core/emodel.h"
#include "core/loss.h"
#include "core/unsent.h"
#include "edge/mtu_show.h"
#include "edge/path_show.h"
#include "status/snapshot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "2026-11-25 09:00:00" */
static const char *date_time(char out[WALL_TEXT_MAX], struct wall time)
{
    wall_text(out, time);
    out[10] = ' ';
    out[19] = '\0';
    return out;
}

/* "09:00:00" */
static const char *clock_time(char out[WALL_TEXT_MAX], struct wall time)
{
    return date_time(out, time) + 11;
}

/* "3.108", "(3.108)" with too few samples, ">2000.000" of answers that were too late, "-"
 * without any. */
static const char *delay(char out[24], const struct snapshot_delay *d, size_t percentile)
{
    bool supported = d->supported[percentile];
    snprintf(out, 24,
             d->is_over[percentile] ? ">%.3f"
             : supported            ? "%.3f"
                                    : "(%.3f)",
             ms(d->percentile_ns[percentile]));
    return d->count + d->over > 0 ? out : "-";
}

static void add_age(struct text *out, int64_t ns)
{
    int64_t s = ns / NS_PER_S;
    text_add(out,
             s < 120    ? "%" PRId64 " s"
             : s < 7200 ? "%" PRId64 " min"
                        : "%" PRId64 " h",
             s < 120    ? s
             : s < 7200 ? s / 60
                        : s / 3600);
}

/* ---- the agent ---- */

static void add_head(const struct snapshot *s, struct text *out)
{
    char time[WALL_TEXT_MAX];
    const char *site = s->config->site;
    text_add(out, "edgelat %s on %s%s%s, instance %s\n", EDGELAT_VERSION, s->host_name,
             site[0] != '\0' ? ", site " : "", site, s->instance_id);
    text_add(out, "running since %s UTC; ", date_time(time, s->since));
    if (s->stopped != NULL)
        text_add(out, "NOT PROBING: %s\n", s->stopped);
    else
        text_add(out, "probing\n");
    if (s->window_end.ns == 0)
        text_add(out, "no window has closed yet\n");
    else
        text_add(out, "last window closed %s UTC%s%s\n", date_time(time, s->window_end),
                 s->busy ? "; this host was too busy to measure accurately" : "",
                 s->interrupted ? "; measuring was interrupted" : "");
}

/* ---- the targets ---- */

static void add_stream(struct text *out, const struct target_state *is,
                       const struct snapshot_stream *stream, const char *kind,
                       enum state state)
{
    char rank[16] = "-", loss[LOSS_TEXT_MAX], p50[24], p95[24], time[WALL_TEXT_MAX],
         address[ADDRESS_TEXT_MAX];
    if (is->rank > 0)
        snprintf(rank, sizeof rank, "%" PRIu32, is->rank);
    text_add(out, "\t%s\t%s%s\t%s\t%s\t%s\t%" PRIu32 "\t%s\t%s\t%s\t%s\t%s\n", rank,
             is->target->discovered ? "+" : "", is->target->name,
             owner_pop(stream->pop,
                       target_owner(&is->addresses[family_slot(stream->to.family)])),
             kind, stream->silent ? "silent" : state_name(state), stream->sent,
             loss_text(loss, stream->packets.lost, stream->failed, stream->packets.sent),
             delay(p50, &stream->delay, P50), delay(p95, &stream->delay, P95),
             clock_time(time, stream->end), endpoint_address(address, &stream->to));
}

/* "through the proxy, median, ms: tls 14.002, first_byte 9.101" */
static void add_proxied(struct text *out, const struct snapshot_target *t,
                        const struct kind *kind)
{
    const char *before = "through the proxy, median, ms: ";
    size_t from = out->len;
    for (size_t i = 0; i < kind_delays(kind); i++) {
        if (t->proxied_ns[i] == DELAY_UNDEFINED)
            continue;
        if (out->len == from)
            text_add(out, "\t\t%s\t", t->is->target->name);
        text_add(out, "%s%s %.3f", before, kind->delays[i],
                 (double)t->proxied_ns[i] / 1e6);
        before = ", ";
    }
    text_add(out, out->len > from ? "\n" : "");
}

/* "5 addresses: 192.0.2.1 20.1 ms (in use), ...": the medians of the last round trips. */
static void add_addresses(const struct target_state *is, struct text *out)
{
    for (size_t f = 0; f < 2; f++) {
        const struct target_address_state *a = &is->addresses[f];
        if (a->n_all < 2)
            continue;
        text_add(out, "\t\t%s\t%zu addresses:", is->target->name, a->n_all);
        for (size_t i = 0; i < a->n_all; i++) {
            const struct address_state *x = &a->all[i];
            char address[ADDRESS_TEXT_MAX];
            text_add(out, "%s %s", i > 0 ? "," : "", endpoint_address(address, &x->to));
            if (x->state == STATE_DOWN)
                text_add(out, " does not answer");
            else if (x->median_ns != DELAY_UNDEFINED)
                text_add(out, " %.1f ms", (double)x->median_ns / 1e6);
            if (endpoint_same_address(&x->to, &a->to))
                text_add(out, " (in use)");
        }
        text_add(out, "\n");
    }
}

/* This host has no address of the family, so nothing is expected there. */
static bool is_absent(const struct snapshot *s, size_t slot)
{
    return s->unsent != NULL && slot != SLOT_PROXY &&
           s->unsent->routes[slot] == UNSENT_NO_ADDRESS;
}

static const struct snapshot_stream *shown_stream(const struct snapshot *s,
                                                  const struct snapshot_target *t,
                                                  size_t slot, size_t kind)
{
    const struct snapshot_stream *stream = snapshot_stream(t, slot, kind);
    return stream != NULL && is_absent(s, slot) && stream->sent == 0 ? NULL : stream;
}

/* "icmp/ipv6" where another row is that of IPv4: the address may be left out. */
static const char *kind_text(char out[24], const struct snapshot *s,
                             const struct snapshot_target *t, size_t kind, size_t slot)
{
    const char *name = s->kinds->list[kind]->name;
    if (shown_stream(s, t, SLOT_IPV4, kind) == NULL ||
        shown_stream(s, t, SLOT_IPV6, kind) == NULL || slot == SLOT_PROXY)
        return name;
    snprintf(out, 24, "%s/%s", name,
             family_name(slot == SLOT_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6));
    return out;
}

static const char *why_no_row(const struct snapshot *s, const struct snapshot_target *t)
{
    if (s->window_end.ns != 0 && !target_has_address(t->is))
        return "not resolved yet";
    for (size_t f = 0; f < 2; f++)
        if (is_absent(s, f) && t->is->addresses[f].to.family != FAMILY_NONE)
            return f == SLOT_IPV4 ? "this host has no IPv4 address"
                                  : "this host has no IPv6 address";
    return "no results yet";
}

static void add_target(const struct snapshot *s, const struct snapshot_target *t,
                       struct text *out)
{
    size_t before = out->len;
    char kind[24];
    for (size_t k = 0; k < s->kinds->n; k++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++) {
            const struct snapshot_stream *stream = shown_stream(s, t, f, k);
            if (stream != NULL)
                add_stream(out, t->is, stream, kind_text(kind, s, t, k, f),
                           t->is->states[f][k]);
            if (stream != NULL && f == SLOT_PROXY)
                add_proxied(out, t, s->kinds->list[k]);
        }
    if (out->len == before && target_verdict(t->is)->type == OWNER_FILTERED)
        text_add(out, "\t-\t%s\t%s\n", t->is->target->name, target_verdict(t->is)->why);
    else if (out->len == before)
        text_add(out, "\t-\t%s\t%s: %s\n", t->is->target->name, t->is->target->host,
                 why_no_row(s, t));
    add_addresses(t->is, out);
    if (t->is->interception[0] != '\0')
        text_add(out, "\t\t%s\t%s%s\n", t->is->target->name, t->is->interception,
                 t->is->intercepted ? "; their delays are left out" : "");
}

/* Ranked targets first, by rank; then the others in the order they were added. */
static int by_rank(const void *a, const void *b)
{
    const struct snapshot_target *const *x = a, *const *y = b;
    uint32_t rx = (*x)->is->rank - 1, ry = (*y)->is->rank - 1; /* 0 becomes the largest */
    if (rx != ry)
        return rx < ry ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

static bool is_proxied(const struct snapshot_target *t)
{
    return t->is->addresses[SLOT_PROXY].to.family != FAMILY_NONE;
}

/* The kinds by which nothing answers where HTTPS goes through a proxy. */
static void add_not_told(const struct snapshot *s, struct text *out)
{
    struct kinds direct = {.n = 0};
    for (size_t k = 0; k < s->kinds->n; k++)
        for (size_t t = 0; t < s->n_targets; t++)
            if (is_proxied(&s->targets[t]) && s->targets[t].is->target->kinds[k] &&
                (s->kinds->list[k]->uses & USES_HTTP) == 0) {
                direct.list[direct.n++] = s->kinds->list[k];
                break;
            }
    if (direct.n == 0)
        return;
    text_add(out, "(cannot tell by ");
    kinds_add_names(out, &direct, ", ", " and ");
    text_add(out, ": no target answers without the proxy)\n");
}

static void add_targets(const struct snapshot *s, struct text *out)
{
    const struct snapshot_target **order = mem_alloc((s->n_targets + 1) * sizeof *order);
    struct kinds with_tls = kinds_using(s->kinds, USES_TLS);
    bool discovered = false, proxied = false, direct = false;
    size_t n = 0;
    for (size_t t = 0; t < s->n_targets; t++)
        if (snapshot_shows(&s->targets[t]))
            order[n++] = &s->targets[t];
    qsort(order, n, sizeof *order, by_rank);
    text_add(out, "\n\t>rank\ttarget\tPoP\tkind\tstate\t>sent\t>loss\t>p50, ms\t>p95, ms"
                  "\t-1window\t-2address\n");
    for (size_t i = 0; i < n; i++) {
        add_target(s, order[i], out);
        discovered |= order[i]->is->target->discovered;
        bool near = order[i]->is->target->gateway ||
                    target_is_resolver(order[i]->is->target, s->kinds);
        for (size_t f = 0; f < SLOT_PROXY && !near; f++)
            direct |= order[i]->is->addresses[f].answers;
        proxied |= is_proxied(order[i]);
    }
    text_add(out, "(round-trip times");
    if (with_tls.n > 0) {
        text_add(out, "; for ");
        kinds_add_names(out, &with_tls, ", ", " and ");
        text_add(out, " the TCP handshake");
        if (proxied)
            text_add(out, ", or through the proxy TLS");
    }
    text_add(out, ". In parentheses: too few samples%s)\n",
             discovered ? ". +: discovered, not configured" : "");
    if (proxied && !direct)
        add_not_told(s, out);
    free(order);
    if (s->swept) {
        text_add(out, "%s: ", s->doors.workload->service);
        doors_summary_text(out, &s->doors);
        text_add(out, "\n");
    }
}

/* ---- rolling periods ---- */

/* "17.23 (16.90-17.40)", or "-" */
static const char *interval(char out[48], const struct snapshot_period *d, size_t p)
{
    double value = ms(d->percentile_ns[p]);
    int n = value < 10 ? 3 : value < 100 ? 2 : 1;
    snprintf(out, 48, "%.*f (%.*f-%.*f)", n, value, n, ms(d->low_ns[p]), n,
             ms(d->high_ns[p]));
    return d->supported[p] ? out : "-";
}

static void add_stream_periods(struct text *out, struct wall now,
                               const struct snapshot_target *t,
                               const struct snapshot_stream *stream, const char *kind)
{
    char p50[48], p95[48];
    for (size_t i = 0; i < PERIODS; i++) {
        const struct snapshot_period *d = stream->periods[i];
        if (d == NULL)
            continue;
        text_add(
            out, "\t%s\t%s\t%s\t%s\t%s\t", t->is->target->name,
            owner_pop(stream->pop,
                      target_owner(&t->is->addresses[family_slot(stream->to.family)])),
            kind, family_name(stream->to.family), period_name[i]);
        add_age(out, now.ns - d->end.ns);
        text_add(out, "\t%" PRIu32 "\t%s\t%s\n", d->count, interval(p50, d, P50),
                 interval(p95, d, P95));
    }
}

static void add_periods(const struct snapshot *s, struct text *out)
{
    struct text rows = {0};
    for (size_t t = 0; t < s->n_targets; t++)
        for (size_t k = 0; k < s->kinds->n; k++)
            for (size_t f = 0; f < FAMILY_SLOTS; f++) {
                const struct snapshot_stream *stream =
                    snapshot_stream(&s->targets[t], f, k);
                const struct target_state *is = s->targets[t].is;
                if (stream != NULL && (is->rank > 0 || !is->target->discovered))
                    add_stream_periods(&rows, s->now, &s->targets[t], stream,
                                       s->kinds->list[k]->name);
            }
    if (rows.len > 0) {
        text_add(out, "\n\ttarget\t-1PoP\tkind\t-3family\tperiod\t>age\t-2>values"
                      "\tp50, ms (95 %%)\tp95, ms (95 %%)\n");
        text_add_bytes(out, rows.bytes, rows.len);
    }
    text_free(&rows);
}

/* ---- spool and exports ---- */

static void add_spool(const struct snapshot *s, struct text *out)
{
    const struct spool_counters *c = &s->spool;
    text_add(out, "\nspool: ");
    if (c->waiting == 0) {
        text_add(out, "empty");
    } else {
        text_add(out, "%" PRIu64 " batch%s waiting, %.1f kB, oldest ", c->waiting,
                 c->waiting == 1 ? "" : "es", (double)c->waiting_bytes / 1e3);
        add_age(out, s->now.ns - c->oldest.ns);
    }
    text_add(out,
             "; since the start: %" PRIu64 " accepted, %" PRIu64 " set aside, %" PRIu64
             " dropped",
             s->exports.accepted, c->set_aside, c->dropped);
    text_add(out, c->dropped > 0 ? " (" : "");
    spool_add_causes(out, c);
    text_add(out, c->dropped > 0 ? ")\n" : "\n");
}

static void add_collector(const struct snapshot *s, const struct shipper_collector *c,
                          struct text *out)
{
    char time[WALL_TEXT_MAX];
    text_add(out, "collector %s: %s", c->host, c->in_use ? "in use" : "standby");
    if (c->accepted.ns != 0)
        text_add(out, ", last accepted %s UTC", date_time(time, c->accepted));
    else
        text_add(out, ", none accepted yet");
    if (c->last_answer.ns != 0 && c->verdict != VERDICT_ACCEPTED)
        text_add(out, "; at %s %s", clock_time(time, c->last_answer), c->why);
    if (c->in_use && s->retry_ns >= 0)
        text_add(out, "; next try in %" PRId64 " s",
                 (s->retry_ns + NS_PER_S - 1) / NS_PER_S);
    text_add(out, "\n");
}

static void add_shipping(const struct snapshot *s, struct text *out)
{
    add_spool(s, out);
    for (size_t i = 0; i < s->n_collectors; i++)
        add_collector(s, &s->collectors[i], out);
    if (s->n_collectors == 0)
        text_add(out, "no collector is configured: batches are kept in the spool\n");
}

static void add_budget(const struct budget *b, struct text *out)
{
    text_add(
        out,
        "budget of the day (UTC): %.2f of %.2f MB used: probes %.2f, paths and bursts "
        "%.2f, names %.2f; ",
        budget_spent(b) / 1e6, b->limit / 1e6, b->spent[BUDGET_PROBES] / 1e6,
        b->spent[BUDGET_PATHS] / 1e6, b->spent[BUDGET_NAMES] / 1e6);
    if (b->packet_bytes > 0)
        text_add(out, "%.0f packets at most, one counts as at least %.0f bytes; ",
                 b->limit / b->packet_bytes, b->packet_bytes);
    text_add(out,
             "planned: all but %.0f %% in case of more names and traces; shipping is not "
             "included\n",
             100 * BUDGET_OTHER);
}

static void add_events(const struct snapshot *s, struct text *out)
{
    char time[WALL_TEXT_MAX];
    uint64_t i = s->n_events > SNAPSHOT_EVENTS ? s->n_events - SNAPSHOT_EVENTS : 0;
    if (s->n_events > 0)
        text_add(out, "\nlast events:\n");
    for (; i < s->n_events; i++) {
        const struct snapshot_event *e = &s->events[i % SNAPSHOT_EVENTS];
        text_add(out, "%s  %-5s %s %s%s%s\n", date_time(time, e->time),
                 severity_name(e->severity), e->name, e->subject,
                 e->subject[0] != '\0' ? ": " : "", e->text);
    }
}

static size_t not_validated(const struct snapshot_bgp *b)
{
    return b->announced - b->valid - b->invalid - b->not_found;
}

/* "gateway 192.0.2.1 (eth0, ipv4): fine" */
static const char *metre_text(const struct last_metre *m, size_t f)
{
    if (m->states[f] != METRE_UNKNOWN)
        return metre_state_name(m->states[f]);
    return !m->silent[f] ? "cannot tell yet: too early"
           : m->gateways[f].neighbour
               ? "it is there (it answers ARP or neighbour discovery), but answers no ICMP: "
                 "loss and delay up to it cannot be told"
           : m->gateways[f].no_neighbour
               ? "cannot tell: it answers neither ICMP nor ARP or neighbour discovery"
               : "cannot tell: it does not answer ICMP";
}

static void add_metre(const struct last_metre *m, struct text *out)
{
    for (size_t f = 0; f < 2; f++) {
        char address[ADDRESS_TEXT_MAX];
        const struct metre_gateway *g = &m->gateways[f];
        if (g->at.family != FAMILY_NONE)
            text_add(out, "%sgateway %s (%s): %s\n", f == 0 ? "\n" : "",
                     endpoint_address(address, &g->at), g->interface, metre_text(m, f));
    }
}

static void add_bgp(const struct snapshot_bgp *b, struct text *out)
{
    enum { LISTED_MAX = 16 };
    text_add(out,
             "\nBGP: %zu of %zu session%s up, %zu watched prefix%s announced, %zu "
             "withdrawn\n",
             b->up, b->n_sessions, b->n_sessions == 1 ? "" : "s", b->announced,
             b->announced == 1 ? "" : "es", b->withdrawn);
    if (b->validated)
        text_add(out,
                 "  origins by RPKI: %zu valid, %zu invalid, %zu not found, %zu not "
                 "validated\n",
                 b->valid, b->invalid, b->not_found, not_validated(b));
    for (size_t i = 0; i < b->n_sessions && i < LISTED_MAX; i++) {
        const struct snapshot_session *e = &b->sessions[i];
        text_add(out, "  %s (AS%lu) of %s%s%s: %s", e->peer, (unsigned long)e->peer_as,
                 e->router, e->location[0] != '\0' ? ", " : "", e->location, e->state);
        if (!isnan(e->availability))
            text_add(out, ", %.1f %% of the last window", 100 * e->availability);
        text_add(out, ", %" PRIu64 " flap%s\n", e->flaps, e->flaps == 1 ? "" : "s");
    }
    if (b->n_sessions > LISTED_MAX)
        text_add(out, "  and %zu more; see `edgelat routes`\n",
                 b->n_sessions - LISTED_MAX);
}

static void add_egress(const struct snapshot *s, struct text *out)
{
    for (size_t i = 0; s->media != NULL && i < s->media->n_egress; i++) {
        const struct egress *g = &s->media->egress[i];
        char address[ADDRESS_TEXT_MAX];
        text_add(out, "public address%s%s (%s): %s, address translation: %s\n",
                 g->uplink != NULL ? " over " : "",
                 g->uplink != NULL ? g->uplink->name : "", family_name(g->family),
                 endpoint_address(address, &g->address), nat_name(g->nat));
    }
}

/* "call to teams-media (ipv4), ...: estimated MOS 4.38 (G.711), 2 of 750 packets lost, ..." */
static void add_bursts(const struct media_watch *w, struct text *out)
{
    static const char *const verdicts[] = {
        "not judged", "within Microsoft's limits for media",
        "cannot tell whether over Microsoft's limits for media",
        "over Microsoft's limits for media"};
    for (size_t i = 0; i < w->n; i++) {
        const struct media_watched *m = &w->all[i];
        const struct media_quality *q = &m->quality;
        char name[TARGET_OVER_TEXT_MAX], time[WALL_TEXT_MAX];
        if (m->began.ns == 0)
            continue;
        text_add(out, "burst like a call to %s (%s), %.16sZ: ",
                 target_over_text(name, m->target), family_name(m->family),
                 wall_text(time, m->began));
        if (q->mos > 0)
            text_add(out, "estimated MOS %.2f (%s), ", q->mos, emodel_g711.name);
        text_add(out, "%u of %u packets lost, %u in a row", q->lost, q->sent,
                 q->longest_burst);
        if (q->variation_ns != DELAY_UNDEFINED)
            text_add(out, ", round trip %.1f ms, variation %.2f ms",
                     (double)q->median_ns / 1e6, (double)q->variation_ns / 1e6);
        text_add(out, ": %s\n", verdicts[m->verdict]);
    }
}

/* "  exchange over lte (ipv4): PoP AMS, 203.0.113.7" */
static void add_serving(const struct uplink_target *t, struct text *out)
{
    for (size_t f = 0; f < 2; f++) {
        char name[TARGET_OVER_TEXT_MAX], address[ADDRESS_TEXT_MAX];
        if (t->pop[f][0] != '\0')
            text_add(out, "  %s (%s): PoP %s, %s\n", target_over_text(name, t->target),
                     family_name((enum family)t->to[f].family), t->pop[f],
                     endpoint_address(address, &t->to[f]));
    }
}

/* "uplink lte: up since ...; 0 of 812 probes lost; not used", and what it differs in. */
static void add_uplinks(const struct uplinks_report *u, struct text *out)
{
    for (size_t i = 0; i < u->n; i++) {
        const struct uplink_state *x = &u->states[i];
        char since[WALL_TEXT_MAX];
        const bool *used = x->used;
        text_add(out, "uplink %s: %s", x->uplink->name,
                 uplink_condition_name(x->condition));
        if (x->condition != UPLINK_UNKNOWN)
            text_add(out, " since %s UTC", date_time(since, x->since));
        text_add(out, ", %" PRIu64 " of %" PRIu64 " probes lost, %s\n", x->lost, x->sent,
                 used[0] && used[1] ? "used by the system's routes"
                 : used[0]          ? "used by the system's IPv4 routes"
                 : used[1]          ? "used by the system's IPv6 routes"
                                    : "not used by the system's routes");
    }
    for (size_t i = 0; i < u->n_differences; i++) {
        const struct uplink_difference *d = &u->differences[i];
        const struct paired_interval *p = &d->interval;
        text_add(out, "  %s (%s, %s): ", d->target->name, d->kind->name,
                 family_name(d->family));
        if (p->known)
            text_add(out, "%s is %.3f ms %s than %s (95 %%: %.3f to %.3f; %zu pairs)\n",
                     d->uplink->name, fabs(ms(p->ns)), p->ns < 0 ? "faster" : "slower",
                     d->base->name, p->ns < 0 ? -ms(p->high_ns) : ms(p->low_ns),
                     p->ns < 0 ? -ms(p->low_ns) : ms(p->high_ns), p->n);
        else
            text_add(out, "cannot tell yet how %s differs from %s (%zu pairs)\n",
                     d->uplink->name, d->base->name, p->n);
    }
    for (size_t i = 0; i < u->n_targets; i++)
        add_serving(&u->targets[i], out);
    text_add(out, u->n > 0 ? "\n" : "");
}

/* "Service down: teams is down by tcp; ..." */
static void add_findings(const struct status_findings *f, struct text *out)
{
    const char *line = text_string(&f->lines);
    for (size_t i = 0, len; i < f->n; i++, line += len) {
        len = strcspn(line, "\n") + 1;
        if (f->faults[i] != FAULT_NONE)
            text_add(out, "%s: ", fault_title(f->faults[i]));
        text_add_bytes(out, line, len);
    }
}

void snapshot_text(const struct snapshot *s, const struct status_findings *findings,
                   struct text *out)
{
    struct text notes = {0};
    double ran_s = (double)(s->now.ns - s->since.ns) / 1e9;
    add_head(s, out);
    add_targets(s, out);
    add_periods(s, out);
    add_uplinks(&s->uplinks, out);
    if (s->metre != NULL)
        add_metre(s->metre, out);
    if (s->paths != NULL)
        path_show_text(s->paths, out);
    if (s->mtus != NULL)
        mtu_show_text(s->mtus, out);
    add_egress(s, out);
    if (s->media != NULL)
        add_bursts(s->media, out);
    if (s->bgp.on)
        add_bgp(&s->bgp, out);
    if (s->exporters != NULL && *s->exporters != '\0')
        text_add(out, "\n%s", s->exporters);
    if (s->traffic != NULL && *s->traffic != '\0')
        text_add(out, "\n%s", s->traffic);
    add_shipping(s, out);
    if (s->budget != NULL)
        add_budget(s->budget, out);
    add_events(s, out);
    text_add(out,
             "\nagent: %.1f MB of memory, %.2f %% of one CPU, loop lag up to %.1f ms\n",
             (double)s->memory_bytes / 1e6, ran_s > 0 ? 100 * s->cpu_s / ran_s : 0,
             (double)s->loop_lag_ns / 1e6);
    if (snapshot_notes(s, &notes) > 0)
        text_add(out, "\nNotes:\n%s", text_string(&notes));
    if (findings->n > 0) {
        text_add(out, "\nProblems:\n");
        add_findings(findings, out);
    } else if (snapshot_too_early(s)) {
        text_add(out, "too early to say whether there are problems: no results yet\n");
    } else if (notes.len == 0) {
        text_add(out, "No problems found\n");
    }
    text_free(&notes);
}
