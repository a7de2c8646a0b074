/*
 * Lists the problems, most fundamental first: probing is stopped, this host cannot measure,
 * a target is down or degraded or not served by the right PoP, the collectors do not accept the batches.
 */
#include "core/event_names.h"
#include "status/snapshot.h"

#include <inttypes.h>
#include <string.h>

/* By this time after the start each name was looked up once. */
#define RESOLVED_NS (10 * NS_PER_S)

/* ---- the targets ---- */

/* Appends the kinds in that state: "icmp, tcp". */
static void add_kinds(struct text *out, const struct snapshot *s,
                      const struct snapshot_target *t, enum state state)
{
    const char *comma = "";
    for (size_t k = 0; k < s->kinds->n; k++) {
        bool is = false;
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            is |= snapshot_stream(t, f, k) != NULL && t->is->states[f][k] == state;
        if (is) {
            text_add(out, "%s%s", comma, s->kinds->list[k]->name);
            comma = ", ";
        }
    }
}

/* Reports an address in a foreign network, or DNS answers that were altered. */
static size_t find_owner(const struct snapshot_target *t, struct text *out)
{
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        char text[OWNER_TEXT_MAX];
        const struct target_address_state *place = &t->is->addresses[f];
        bool foreign =
            place->owner.type == OWNER_FOREIGN && place->to.family != FAMILY_NONE;
        if (!foreign && place->owner.type != OWNER_FILTERED)
            continue;
        text_add(out, "%s: %s\n", t->is->target->name,
                 owner_text(text, &place->owner, t->is->target->host));
        return 1;
    }
    return 0;
}

/* Reports addresses of the name that do not answer while others do. */
static size_t find_addresses(const struct snapshot_target *t, struct text *out)
{
    size_t n = 0;
    for (size_t f = 0; f < 2; f++) {
        const struct target_address_state *a = &t->is->addresses[f];
        size_t silent = target_silent_addresses(a);
        const char *comma = "";
        if (silent == 0)
            continue;
        text_add(out, "%s: %zu of %zu addresses of %s %s not answer while others do: ",
                 t->is->target->name, silent, a->n_all, t->is->target->host,
                 silent == 1 ? "does" : "do");
        for (size_t i = 0; i < a->n_all; i++) {
            char text[ADDRESS_TEXT_MAX];
            if (a->all[i].state != STATE_DOWN)
                continue;
            text_add(out, "%s%s", comma, endpoint_address(text, &a->all[i].to));
            comma = ", ";
        }
        text_add(out,
                 "; a client that tries such an address first takes the next one after "
                 "250 ms (RFC 8305); report it to the operator of the service\n");
        n++;
    }
    return n;
}

/* Reports a stream that is connected, but gets errors of the server or no reply in time. */
static size_t find_replies(const struct snapshot *s, const struct snapshot_target *t,
                           struct text *out)
{
    const struct target *target = t->is->target;
    char waited[DURATION_TEXT_MAX];
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        for (size_t k = 0; k < s->kinds->n; k++) {
            const struct snapshot_stream *is = snapshot_stream(t, f, k);
            if (is == NULL || 2 * (is->server_errors + is->slow) <= is->sent)
                continue;
            if (is->server_errors >= is->slow)
                text_add(out,
                         "%s: its server answers HTTP %d (%" PRIu64 " of %" PRIu64
                         " %s probes): the path works, the service does not; see its "
                         "service health, or run `edgelat probe %s %s`\n",
                         target->name, is->server_error, is->server_errors, is->sent,
                         s->kinds->list[k]->name, s->kinds->list[k]->name, target->host);
            else
                text_add(out,
                         "%s: %" PRIu64 " of %" PRIu64 " %s replies took longer than %s, "
                         "although it is connected; run `edgelat probe %s %s`\n",
                         target->name, is->slow, is->sent, s->kinds->list[k]->name,
                         duration_text(waited, target->waiting_ns[k]),
                         s->kinds->list[k]->name, target->host);
            return 1;
        }
    return 0;
}

static size_t find_issuer(const struct snapshot_target *t, struct text *out)
{
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        const struct target_address_state *a = &t->is->addresses[f];
        if (!a->issuer_foreign || a->to.family == FAMILY_NONE)
            continue;
        text_add(
            out,
            "%s: TLS is intercepted by %s (the issuer of the certificate of %s, which "
            "the service does not use); exempt the name from TLS inspection, or add "
            "the issuer to issuers.csv\n",
            t->is->target->name, a->issuer, t->is->target->host);
        return 1;
    }
    return 0;
}

/* Reports a DNS server that is down or degraded. */
static size_t find_resolver(const struct snapshot *s, const struct snapshot_target *t,
                            struct text *out)
{
    const struct target *target = t->is->target;
    for (size_t f = 0; f < 2; f++)
        for (size_t k = 0; k < s->kinds->n; k++) {
            const struct snapshot_stream *is = snapshot_stream(t, f, k);
            enum state state = t->is->states[f][k];
            if (is == NULL || state < STATE_DEGRADED)
                continue;
            uint64_t lost = is->lost, errors = is->failed;
            text_add(out, "DNS server %s ", target->host);
            if (state == STATE_DOWN && errors > lost)
                text_add(out,
                         "answers only errors; run `edgelat probe dns %s` to see which",
                         target->host);
            else if (state == STATE_DOWN)
                text_add(out, "does not answer; names resolve slowly or not at all "
                              "where it is asked first");
            else if (target->limits.delay_ns > 0 && is->delay.count > 0 &&
                     is->delay.percentile_ns[P50] > target->limits.delay_ns)
                text_add(out,
                         "is slow: median %.0f ms, limit %.0f; each new connection waits "
                         "for it",
                         ms(is->delay.percentile_ns[P50]), ms(target->limits.delay_ns));
            else if (errors > lost)
                text_add(out, "answers %" PRIu64 " of %" PRIu64 " queries with an error",
                         errors, is->sent);
            else
                text_add(out, "is degraded: queries are lost or its delay has risen");
            text_add(out, "; check it, or the list: servers in [dns], or "
                          "/etc/resolv.conf\n");
            return 1;
        }
    return 0;
}

static size_t find_target(const struct snapshot *s, const struct snapshot_target *t,
                          struct text *out)
{
    const struct target *target = t->is->target;
    enum state state = snapshot_state(t);
    if (target_is_resolver(target, s->kinds) &&
        (target->discovered || state >= STATE_DEGRADED))
        return find_resolver(s, t, out);
    if (target->discovered)
        return 0;
    size_t n = find_owner(t, out);
    if (n == 0 && t->failure != NULL) {
        text_add(out,
                 "%s: %s has no address: %s; check the name and the DNS servers "
                 "(servers in [dns], or /etc/resolv.conf)\n",
                 target->name, target->host, t->failure);
        return 1;
    }
    if (s->window_end.ns - s->since.ns > RESOLVED_NS && !target_has_address(t->is)) {
        if (n > 0) /* the cause is reported already */
            return n;
        text_add(out, "%s: %s is not resolved yet; check that the DNS servers answer\n",
                 target->name, target->host);
        return 1;
    }
    n += find_addresses(t, out);
    n += find_issuer(t, out);
    size_t replies = find_replies(s, t, out);
    n += replies;
    if (state < STATE_DEGRADED || (state == STATE_DEGRADED && replies > 0))
        return n;
    text_add(out, "%s is %s by ", target->name, state_name(state));
    add_kinds(out, s, t, state);
    enum charge to = snapshot_charge(s, t);
    text_add(out, "%s; see its events, or run `edgelat probe` with %s\n",
             to == CHARGE_SITE ? ", and so is the way to the default gateway: the site's "
                                 "own network"
             : to == CHARGE_BEYOND ? ", behind the default gateway"
                                   : "",
             target->host);
    return n + 1;
}

static size_t find_unmeasured(const struct snapshot *s, size_t kind, struct text *out)
{
    for (size_t t = 0; t < s->n_targets; t++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++) {
            const struct snapshot_stream *is = snapshot_stream(&s->targets[t], f, kind);
            if (is == NULL || is->sent > 0 || is->not_measured == 0)
                continue;
            text_add(out,
                     "this host could not send %s to %s; the agent's log has the cause: "
                     "journalctl -u edgelat\n",
                     s->kinds->list[kind]->name, s->targets[t].is->target->name);
            return 1;
        }
    return 0;
}

static const char *step_of(const struct snapshot_open *o)
{
    if (o->leaves != EVENT_LEAVES_FINDING)
        return "";
    if (strcmp(o->name, EVENT_RESOLVER_FARTHER) == 0)
        return "; ask the other server first, or find out why this one is answered as if "
               "it were elsewhere (a VPN, a forwarder at another site)";
    return strcmp(o->name, EVENT_EDGE_SUBOPTIMAL) == 0
               ? "; the DNS server that this host asks chooses the PoP: check that it is "
                 "near, `edgelat nearest` shows its answer"
               : "";
}

/* What events left: "exchange (ipv4), since 09:00 UTC: through ..." */
static size_t add_open(const struct snapshot *s, enum event_leaves leaves,
                       struct text *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_open; i++) {
        char since[WALL_TEXT_MAX];
        const struct snapshot_open *o = &s->open[i];
        if (o->leaves != leaves)
            continue;
        wall_text(since, o->since);
        text_add(out, "%s, since %.10s %.5s UTC: %s%s\n",
                 o->subject[0] != '\0' ? o->subject : "this site", since, since + 11,
                 o->text, step_of(o));
        n++;
    }
    return n;
}

size_t snapshot_notes(const struct snapshot *s, struct text *lines)
{
    return s->stopped != NULL ? 0 : add_open(s, EVENT_LEAVES_NOTE, lines);
}

static size_t find_measuring(const struct snapshot *s, struct text *out)
{
    size_t n = 0;
    if (s->busy) {
        text_add(out, "this host was too busy to measure accurately in the last window; "
                      "look for other load on it\n");
        n++;
    }
    for (size_t k = 0; k < s->kinds->n; k++)
        n += find_unmeasured(s, k, out);
    for (size_t t = 0; t < s->n_targets; t++)
        n += find_target(s, &s->targets[t], out);
    return n + add_open(s, EVENT_LEAVES_FINDING, out);
}

/* ---- the batches ---- */

static size_t find_shipping(const struct snapshot *s, struct text *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_collectors; i++) {
        const struct shipper_collector *c = &s->collectors[i];
        bool wanted = i == 0 || c->in_use;
        if (wanted && c->rejected > 0) {
            text_add(out,
                     "%s accepted the last batch without %" PRId64
                     " of its points or records%s%s; they are lost, see its log\n",
                     c->host, c->rejected, c->rejected_why[0] != '\0' ? ": " : "",
                     c->rejected_why);
            n++;
        }
        if (!wanted || c->last_answer.ns == 0 || c->verdict == VERDICT_ACCEPTED)
            continue;
        text_add(out, "%s does not accept the %s: %s%s\n", c->host,
                 c->signal == SIGNAL_LOGS ? "logs (events)" : "batches", c->why,
                 c->step[0] != '\0' ? c->step
                 : c->verdict == VERDICT_REFUSED
                     ? "; the refused batch is set aside"
                     : "; they wait in the spool and are retried");
        n++;
    }
    if (s->spool.set_aside > 0) {
        text_add(out,
                 "%" PRIu64 " batches were set aside in spool/bad/ since the start "
                 "(refused or damaged); the agent's log has the cause, edgelat(1) "
                 "explains how to send them again\n",
                 s->spool.set_aside);
        n++;
    }
    if (s->spool.disk_fails) {
        text_add(out,
                 "the spool cannot be written to disk; the agent's log has the cause: "
                 "journalctl -u edgelat\n");
        n++;
    }
    return n;
}

size_t snapshot_findings(const struct snapshot *s, struct text *lines)
{
    size_t n = 0;
    if (s->stopped != NULL) {
        text_add(lines, "probing is stopped: %s; it resumes when the stop is lifted\n",
                 s->stopped);
        n++;
    } else {
        n += find_measuring(s, lines);
    }
    for (size_t i = 0; i < s->uplinks.n; i++) {
        const struct uplink_state *u = &s->uplinks.states[i];
        char since[WALL_TEXT_MAX];
        if (u->condition != UPLINK_DOWN)
            continue;
        text_add(
            lines,
            "uplink %s is down since %.19s UTC: no probe over it is answered%s; check "
            "its line, modem and routes\n",
            u->uplink->name, wall_text(since, u->since),
            u->used[0] || u->used[1] ? ", and the system's routes use it" : "");
        n++;
    }
    if (s->routes != NULL && *s->routes != '\0') {
        text_add(lines, "BMP station: %s; see %s\n", s->routes,
                 s->bgp.on ? "`edgelat routes`"
                           : "the agent's log: journalctl -u edgelat");
        n++;
    }
    if (s->n_exporter_problems > 0)
        text_add(lines, "%s", s->exporter_problems);
    n += s->n_exporter_problems;
    return n + find_shipping(s, lines);
}
