#include "base/json.h"
#include "core/emodel.h"
#include "edge/mtu_show.h"
#include "edge/path_show.h"
#include "status/snapshot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void add_time(struct json *j, const char *key, struct wall time)
{
    char text[WALL_TEXT_MAX];
    json_string(j, key, time.ns != 0 ? wall_text(text, time) : NULL);
}

/* ---- the targets ---- */

/* Only what can be stated. */
static void add_periods(struct json *j, const struct snapshot_stream *is)
{
    char key[16];
    json_object(j, "periods");
    for (size_t i = 0; i < PERIODS; i++) {
        const struct snapshot_period *d = is->periods[i];
        if (d == NULL)
            continue;
        json_object(j, period_name[i]);
        add_time(j, "start", (struct wall){d->end.ns - d->age_ns});
        add_time(j, "end", d->end);
        json_unsigned(j, "count", d->count);
        for (size_t p = 0; p < PERCENTILES; p++) {
            if (!d->supported[p])
                continue;
            delay_json(j, percentile_name[p], d->percentile_ns[p]);
            snprintf(key, sizeof key, "%s_low", percentile_name[p]);
            delay_json(j, key, d->low_ns[p]);
            snprintf(key, sizeof key, "%s_high", percentile_name[p]);
            delay_json(j, key, d->high_ns[p]);
        }
        json_object_end(j);
    }
    json_object_end(j);
}

/* For `edgelat top`: the medians of the last windows, oldest first, and the distribution. */
static void add_details(struct json *j, const struct snapshot_stream *is)
{
    uint32_t from = is->windows > SNAPSHOT_HISTORY ? is->windows - SNAPSHOT_HISTORY : 0;
    json_array(j, "history");
    for (; from < is->windows; from++)
        json_number(j, NULL, (double)is->history_ms[from % SNAPSHOT_HISTORY]);
    json_array_end(j);
    json_object(j, "histogram");
    delay_json(j, "min", is->bars_min_ns);
    delay_json(j, "max", is->bars_max_ns);
    json_array(j, "counts");
    for (size_t i = 0; i < SNAPSHOT_BARS; i++)
        json_unsigned(j, NULL, (uint64_t)is->bars[i] << is->bars_shift);
    json_array_end(j);
    json_object_end(j);
}

static void add_stream(struct json *j, const struct snapshot *s,
                       const struct snapshot_target *t, size_t family, size_t k)
{
    const struct snapshot_stream *is = snapshot_stream(t, family, k);
    const struct kind *kind = s->kinds->list[k];
    enum state state = t->is->states[family][k];

    char address[ADDRESS_TEXT_MAX];
    const struct snapshot_delay *d = &is->delay;
    json_object(j, NULL);
    json_string(j, "kind", kind->name);
    json_string(j, "family", family_name(is->to.family));
    json_text(j, "address", endpoint_address(address, &is->to));
    json_text(j, "pop", is->pop);
    json_string(j, "state", state_name(state));
    json_bool(j, "silent", is->silent);
    add_time(j, "window_end", is->end);
    json_unsigned(j, "sent", is->sent);
    json_unsigned(j, "lost", is->lost);
    json_unsigned(j, "failed", is->failed);
    json_unsigned(j, "not_measured", is->not_measured);
    json_number(j, "loss_ratio", is->loss_ratio);
    for (size_t p = 0; p < PERCENTILES; p++)
        delay_json(j, percentile_name[p],
                   d->count > 0 ? d->percentile_ns[p] : DELAY_UNDEFINED);
    json_array(j, "unsupported");
    for (size_t p = 0; p < PERCENTILES; p++)
        if (d->count > 0 && !d->supported[p])
            json_string(j, NULL, percentile_name[p]);
    json_array_end(j);
    json_object(j, "delays");
    for (size_t i = 0; i < kind_delays(kind); i++)
        delay_json(j, kind->delays[i], is->medians_ns[i]);
    json_object_end(j);
    if (kind->single_packets) {
        json_unsigned(j, "packets_sent", is->packets.sent);
        json_unsigned(j, "packets_lost", is->packets.lost);
        json_number(j, "packet_loss_ratio",
                    is->packets.sent > 0
                        ? (double)is->packets.lost / (double)is->packets.sent
                        : NAN);
    }
    json_unsigned(j, "slow", is->slow);
    json_unsigned(j, "server_errors", is->server_errors);
    json_number(j, "server_error", is->server_error != 0 ? is->server_error : NAN);
    add_periods(j, is);
    if (s->detailed)
        add_details(j, is);
    json_object_end(j);
}

/* All addresses of the name, with the delays of their last probes. */
void snapshot_addresses_json(struct json *j, const struct target_state *is)
{
    json_array(j, "addresses");
    for (size_t f = 0; f < 2; f++) {
        const struct target_address_state *a = &is->addresses[f];
        for (size_t i = 0; i < a->n_all; i++) {
            char text[ADDRESS_TEXT_MAX];
            const struct address_state *x = &a->all[i];
            json_object(j, NULL);
            json_string(j, "address", endpoint_address(text, &x->to));
            json_string(j, "state", state_name(x->state));
            json_unsigned(j, "unanswered", x->unanswered);
            json_bool(j, "in_use", endpoint_same_address(&x->to, &a->to));
            json_bool(j, "in_dns", x->current);
            delay_json(j, "min", x->min_ns);
            delay_json(j, "p50", x->median_ns);
            json_object_end(j);
        }
    }
    json_array_end(j);
}

/* The family whose certificate is intercepted, else the last with one. */
static const struct target_address_state *issuer_of(const struct target_state *t)
{
    const struct target_address_state *found = &t->addresses[0];
    for (size_t f = 1; f < FAMILY_SLOTS; f++)
        if (!found->issuer_foreign && target_issuer(&t->addresses[f])[0] != '\0')
            found = &t->addresses[f];
    return found;
}

static void add_target(struct json *j, const struct snapshot *s,
                       const struct snapshot_target *t)
{
    const struct target *target = t->is->target;
    json_object(j, NULL);
    json_string(j, "target", target->name);
    json_string(j, "host", target->host);
    json_bool(j, "configured", !target->discovered);
    json_number(j, "rank", t->is->rank > 0 ? t->is->rank : NAN);
    json_text(j, "pop", t->is->pop);
    json_string(j, "state", state_name(snapshot_state(t)));
    json_string(j, "charged_to",
                snapshot_charge(s, t) == CHARGE_NOTHING
                    ? NULL
                    : charge_name(snapshot_charge(s, t)));
    json_bool(j, "intercepted", t->is->intercepted);
    json_text(j, "interception", t->is->interception);
    json_array(j, "streams");
    for (size_t k = 0; k < s->kinds->n; k++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            if (snapshot_stream(t, f, k) != NULL)
                add_stream(j, s, t, f, k);
    json_array_end(j);
    snapshot_addresses_json(j, t->is);
    json_string(j, "verdict", owner_name(target_verdict(t->is)->type));
    json_text(j, "verdict_basis", target_verdict(t->is)->why);
    json_text(j, "tls_issuer", target_issuer(issuer_of(t->is)));
    json_bool(j, "tls_intercepted", issuer_of(t->is)->issuer_foreign);
    json_object_end(j);
}

/* What the last sweep of front doors can state. */
static void add_doors(struct json *j, const struct doors_summary *d)
{
    json_object(j, "front_doors");
    json_string(j, "service", d->workload->service);
    json_unsigned(j, "names", d->names);
    json_unsigned(j, "exist", d->exist);
    json_unsigned(j, "answering", d->answering);
    json_unsigned(j, "left", d->left);
    json_object_end(j);
}

/* ---- spool and exports ---- */

static void add_spool(struct json *j, const struct snapshot *s)
{
    json_object(j, "spool");
    json_unsigned(j, "waiting", s->spool.waiting);
    json_unsigned(j, "waiting_bytes", s->spool.waiting_bytes);
    add_time(j, "oldest", s->spool.oldest);
    json_unsigned(j, "dropped", s->spool.dropped);
    json_object(j, "dropped_by");
    for (size_t i = 0; i < SPOOL_CAUSES; i++)
        json_unsigned(j, spool_cause_names[i], s->spool.dropped_by[i]);
    json_object_end(j);
    json_unsigned(j, "set_aside", s->spool.set_aside);
    json_unsigned(j, "write_errors", s->spool.write_errors);
    json_object_end(j);
    json_object(j, "exports");
    json_unsigned(j, "accepted", s->exports.accepted);
    json_unsigned(j, "refused", s->exports.refused);
    json_unsigned(j, "failed", s->exports.failed);
    json_unsigned(j, "rejected_points", s->exports.rejected_points);
    json_number(j, "next_try_s", s->retry_ns < 0 ? NAN : (double)s->retry_ns / 1e9);
    json_object_end(j);
}

static void add_collector(struct json *j, const struct shipper_collector *c)
{
    static const char *const verdicts[] = {
        [VERDICT_ACCEPTED] = "accepted",
        [VERDICT_AGAIN] = "again",
        [VERDICT_UNUSABLE] = "unusable",
        [VERDICT_REFUSED] = "refused",
    };
    json_object(j, NULL);
    json_string(j, "host", c->host);
    json_bool(j, "in_use", c->in_use);
    add_time(j, "last_accepted", c->accepted);
    add_time(j, "last_answer", c->last_answer);
    json_string(j, "answer", c->last_answer.ns != 0 ? verdicts[c->verdict] : NULL);
    json_text(j, "why", c->why);
    json_object_end(j);
}

static void add_events(struct json *j, const struct snapshot *s)
{
    uint64_t i = s->n_events > SNAPSHOT_EVENTS ? s->n_events - SNAPSHOT_EVENTS : 0;
    json_array(j, "events");
    for (; i < s->n_events; i++) {
        const struct snapshot_event *e = &s->events[i % SNAPSHOT_EVENTS];
        json_object(j, NULL);
        add_time(j, "time", e->time);
        json_string(j, "severity", severity_name(e->severity));
        json_string(j, "name", e->name);
        json_text(j, "subject", e->subject);
        json_string(j, "text", e->text);
        json_object_end(j);
    }
    json_array_end(j);
}

/* ---- the document ---- */

static void add_agent(struct json *j, const struct snapshot *s)
{
    json_string(j, "version", EDGELAT_VERSION);
    json_string(j, "host_name", s->host_name);
    json_text(j, "site", s->config->site);
    json_string(j, "instance_id", s->instance_id);
    add_time(j, "time", s->now);
    add_time(j, "since", s->since);
    json_bool(j, "probing", s->stopped == NULL);
    json_string(j, "stopped", s->stopped);
    json_object(j, "window");
    add_time(j, "start", s->window_start);
    add_time(j, "end", s->window_end);
    json_bool(j, "interrupted", s->interrupted);
    json_bool(j, "busy", s->busy);
    json_object_end(j);
    json_object(j, "agent");
    delay_json(j, "loop_lag", s->loop_lag_ns);
    json_unsigned(j, "memory_bytes", s->memory_bytes);
    json_number(j, "cpu_s", s->cpu_s);
    json_object_end(j);
}

static void add_lines(struct json *j, const char *key, const char *lines)
{
    json_array(j, key);
    for (; *lines != '\0'; lines += strcspn(lines, "\n") + 1)
        json_string_bytes(j, NULL, lines, strcspn(lines, "\n"));
    json_array_end(j);
}

static void add_exporters(struct json *j, const struct snapshot *s)
{
    char address[ADDRESS_TEXT_MAX];
    json_array(j, "exporters");
    for (size_t i = 0; i < s->n_exporters; i++) {
        const struct snapshot_exporter *e = &s->exporter_list[i];
        json_object(j, NULL);
        json_string(j, "address", endpoint_address(address, &e->address));
        json_string(j, "format", e->format);
        json_unsigned(j, "flows", e->flows);
        json_number(j, "last_s", (double)e->silence_ns / 1e9);
        json_bool(j, "silent", e->silent);
        if (e->sampling > 0)
            json_number(j, "sampling", e->sampling);
        else
            json_null(j, "sampling");
        json_unsigned(j, "templates", e->templates);
        json_unsigned(j, "no_template", e->no_template);
        json_unsigned(j, "lost", e->lost);
        json_object_end(j);
    }
    json_array_end(j);
}

static void add_interfaces(struct json *j, const struct snapshot *s)
{
    json_array(j, "interfaces");
    for (size_t i = 0; i < s->n_interfaces; i++) {
        const struct snapshot_interface *is = &s->interface_list[i];
        json_object(j, NULL);
        json_string(j, "name", is->name);
        json_bool(j, "up", is->up);
        json_number(j, "speed_bit_s", is->speed_bit_s > 0 ? is->speed_bit_s : NAN);
        json_string(j, "duplex", is->duplex);
        json_unsigned(j, "resets", is->resets);
        for (size_t w = 0; w < 2; w++) {
            const struct snapshot_way *way = &is->ways[w];
            json_object(j, way->direction);
            json_number(j, "rate_bytes_s", way->rate);
            json_number(j, "highest_bytes_s", way->highest);
            json_unsigned(j, "bytes", way->bytes);
            json_unsigned(j, "packets", way->packets);
            json_unsigned(j, "errors", way->errors);
            json_unsigned(j, "drops", way->drops);
            json_object_end(j);
        }
        json_object_end(j);
    }
    json_array_end(j);
}

static void add_counters(struct json *j, const struct snapshot *s)
{
    json_array(j, "counters");
    for (size_t i = 0; i < s->n_counters; i++) {
        json_object(j, NULL);
        json_string(j, "service", s->counters[i].service);
        json_string(j, "direction", s->counters[i].direction);
        json_unsigned(j, "bytes", s->counters[i].bytes);
        json_number(j, "rate_bytes_s", s->counters[i].rate);
        json_object_end(j);
    }
    json_array_end(j);
}

static void add_bgp(struct json *j, const struct snapshot_bgp *b)
{
    json_object(j, "bgp");
    json_unsigned(j, "routers", b->routers);
    json_unsigned(j, "routers_connected", b->connected);
    json_array(j, "sessions");
    for (size_t i = 0; i < b->n_sessions; i++) {
        const struct snapshot_session *e = &b->sessions[i];
        json_object(j, NULL);
        json_string(j, "peer", e->peer);
        json_unsigned(j, "peer_as", e->peer_as);
        json_string(j, "router", e->router);
        json_text(j, "location", e->location);
        json_string(j, "state", e->state);
        json_number(j, "availability", e->availability);
        json_unsigned(j, "flaps", e->flaps);
        json_object_end(j);
    }
    json_array_end(j);
    json_unsigned(j, "prefixes_announced", b->announced);
    json_unsigned(j, "prefixes_withdrawn", b->withdrawn);
    if (b->validated) {
        json_object(j, "origin_validation");
        json_unsigned(j, "valid", b->valid);
        json_unsigned(j, "invalid", b->invalid);
        json_unsigned(j, "not_found", b->not_found);
        json_object_end(j);
    }
    json_object_end(j);
}

static void add_egress(struct json *j, const struct snapshot *s)
{
    if (s->media == NULL)
        return;
    json_array(j, "egress");
    for (size_t i = 0; i < s->media->n_egress; i++) {
        const struct egress *g = &s->media->egress[i];
        char text[WALL_TEXT_MAX], address[ADDRESS_TEXT_MAX];
        json_object(j, NULL);
        if (g->uplink != NULL)
            json_string(j, "uplink", g->uplink->name);
        json_string(j, "family", family_name(g->family));
        json_string(j, "address", endpoint_address(address, &g->address));
        json_string(j, "nat", nat_name(g->nat));
        json_string(j, "since", wall_text(text, g->since));
        json_object_end(j);
    }
    json_array_end(j);
}

/* The last burst like a call to each target. */
static void add_bursts(struct json *j, const struct media_watch *w)
{
    json_array(j, "media");
    for (size_t i = 0; i < w->n; i++) {
        const struct media_watched *m = &w->all[i];
        const struct media_quality *q = &m->quality;
        if (m->began.ns == 0)
            continue;
        json_object(j, NULL);
        json_string(j, "target", m->target->name);
        if (m->target->uplink != NULL)
            json_string(j, "uplink", m->target->uplink->name);
        json_string(j, "family", family_name(m->family));
        add_time(j, "time", m->began);
        json_string(j, "verdict", media_verdict_names[m->verdict]);
        json_number(j, "mos", q->mos > 0 ? q->mos : NAN);
        json_string(j, "codec", emodel_g711.name);
        json_unsigned(j, "sent", q->sent);
        json_unsigned(j, "lost", q->lost);
        json_unsigned(j, "longest_loss_burst", q->longest_burst);
        json_unsigned(j, "reordered", q->reordered);
        json_number(j, "burst_loss_ratio", media_value(q, MEDIA_BURST_LOSS));
        delay_json(j, "rtt", q->median_ns);
        delay_json(j, "delay_variation", q->variation_ns);
        json_object_end(j);
    }
    json_array_end(j);
}

static void add_uplink_target(struct json *j, const struct uplink_target *t, size_t slot)
{
    char address[ADDRESS_TEXT_MAX];
    if (t->to[slot].family == FAMILY_NONE)
        return;
    json_object(j, NULL);
    json_string(j, "target", t->target->name);
    json_string(j, "uplink", t->target->uplink->name);
    json_string(j, "family", family_name((enum family)t->to[slot].family));
    json_string(j, "address", endpoint_address(address, &t->to[slot]));
    json_text(j, "pop", t->pop[slot]);
    json_bool(j, "used", t->used[slot]);
    json_object_end(j);
}

static void add_uplinks(struct json *j, const struct uplinks_report *u)
{
    json_array(j, "uplinks");
    for (size_t i = 0; i < u->n; i++) {
        const struct uplink_state *x = &u->states[i];
        json_object(j, NULL);
        json_string(j, "name", x->uplink->name);
        json_string(j, "state", uplink_condition_name(x->condition));
        add_time(j, "since", x->since);
        json_unsigned(j, "sent", x->sent);
        json_unsigned(j, "lost", x->lost);
        json_bool(j, "used_ipv4", x->used[SLOT_IPV4]);
        json_bool(j, "used_ipv6", x->used[SLOT_IPV6]);
        json_object_end(j);
    }
    json_array_end(j);
    json_array(j, "uplink_targets");
    for (size_t i = 0; i < u->n_targets; i++)
        for (size_t f = 0; f < 2; f++)
            add_uplink_target(j, &u->targets[i], f);
    json_array_end(j);
    json_array(j, "uplink_differences");
    for (size_t i = 0; i < u->n_differences; i++) {
        const struct uplink_difference *d = &u->differences[i];
        const struct paired_interval *p = &d->interval;
        json_object(j, NULL);
        json_string(j, "target", d->target->name);
        json_string(j, "kind", d->kind->name);
        json_string(j, "family", family_name(d->family));
        json_string(j, "uplink", d->uplink->name);
        json_string(j, "base", d->base->name);
        json_unsigned(j, "pairs", p->n);
        json_bool(j, "known", p->known);
        if (p->known) {
            json_number(j, "difference", ms(p->ns));
            json_number(j, "low", ms(p->low_ns));
            json_number(j, "high", ms(p->high_ns));
        }
        json_object_end(j);
    }
    json_array_end(j);
}

static void add_metre(struct json *j, const struct last_metre *m)
{
    static const char *const families[2] = {"ipv4", "ipv6"};
    json_array(j, "last_metre");
    for (size_t f = 0; f < 2; f++) {
        char address[ADDRESS_TEXT_MAX];
        const struct metre_gateway *g = &m->gateways[f];
        if (g->at.family == FAMILY_NONE)
            continue;
        json_object(j, NULL);
        json_string(j, "family", families[f]);
        json_string(j, "gateway", endpoint_address(address, &g->at));
        json_string(j, "interface", g->interface);
        json_string(j, "state", metre_state_name(m->states[f]));
        json_bool(j, "icmp_silent", m->silent[f]);
        json_bool(j, "neighbour_answers", g->neighbour);
        json_bool(j, "neighbour_silent", g->no_neighbour);
        json_object_end(j);
    }
    json_array_end(j);
}

void snapshot_json(const struct snapshot *s, const struct status_findings *findings,
                   struct text *out)
{
    struct json j = json_to(out);
    struct text notes = {0};
    snapshot_notes(s, &notes);
    json_object(&j, NULL);
    add_agent(&j, s);
    json_array(&j, "targets");
    for (size_t t = 0; t < s->n_targets; t++)
        if (snapshot_shows(&s->targets[t]))
            add_target(&j, s, &s->targets[t]);
    json_array_end(&j);
    if (s->swept)
        add_doors(&j, &s->doors);
    if (s->metre != NULL)
        add_metre(&j, s->metre);
    if (s->paths != NULL)
        path_show_json(s->paths, &j);
    if (s->mtus != NULL)
        mtu_show_json(s->mtus, &j);
    if (s->uplinks.n > 0)
        add_uplinks(&j, &s->uplinks);
    add_egress(&j, s);
    if (s->media != NULL)
        add_bursts(&j, s->media);
    add_spool(&j, s);
    json_array(&j, "collectors");
    for (size_t i = 0; i < s->n_collectors; i++)
        add_collector(&j, &s->collectors[i]);
    json_array_end(&j);
    if (s->bgp.on)
        add_bgp(&j, &s->bgp);
    if (s->n_exporters > 0)
        add_exporters(&j, s);
    if (s->n_interfaces > 0)
        add_interfaces(&j, s);
    if (s->n_counters > 0)
        add_counters(&j, s);
    if (s->handshakes.interface != NULL) {
        json_object(&j, "handshakes");
        json_string(&j, "interface", s->handshakes.interface);
        json_unsigned(&j, "others", s->handshakes.others);
        json_unsigned(&j, "own", s->handshakes.own);
        json_object_end(&j);
    }
    if (s->budget != NULL) {
        json_object(&j, "budget");
        json_number(&j, "limit_bytes", s->budget->limit);
        if (s->budget->packet_bytes > 0)
            json_number(&j, "limit_packets", s->budget->limit / s->budget->packet_bytes);
        json_number(&j, "used_bytes", budget_spent(s->budget));
        json_number(&j, "probes_bytes", s->budget->spent[BUDGET_PROBES]);
        json_number(&j, "paths_bytes", s->budget->spent[BUDGET_PATHS]);
        json_number(&j, "names_bytes", s->budget->spent[BUDGET_NAMES]);
        json_unsigned(&j, "refused", s->budget->refused);
        json_object_end(&j);
    }
    add_events(&j, s);
    add_lines(&j, "notes", text_string(&notes));
    json_bool(&j, "too_early", snapshot_too_early(s));
    add_lines(&j, "findings", text_string(&findings->lines));
    json_array(&j, "finding_names"); /* of `findings`, one each */
    for (size_t i = 0; i < findings->n; i++)
        if (findings->faults[i] != FAULT_NONE)
            json_string(&j, NULL, fault_name(findings->faults[i]));
        else
            json_null(&j, NULL);
    json_array_end(&j);
    json_object_end(&j);
    text_add_bytes(out, "\n", 1);
    text_free(&notes);
}
