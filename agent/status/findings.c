/*
 * Lists the problems, most fundamental first: probing is stopped, this host cannot measure,
 * a target is down or degraded or not served by the right PoP, the collectors do not accept the batches.
 */
#include "base/mem.h"
#include "core/event_names.h"
#include "core/unsent.h"
#include "status/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* By this time after the start each name was looked up once. */
#define RESOLVED_NS (10 * NS_PER_S)

/* The findings while they are collected: their lines, and where each ends. */
struct found {
    struct text lines;
    struct found_one {
        enum fault fault;            /* FAULT_NONE: of the agent itself */
        const struct target *target; /* NULL: of this site */
        size_t end;
    } * all;
    size_t n, room;
};

/* Ends the line: what was added to the text since the last one is a finding. */
static void found_end(struct found *out, enum fault fault, const struct target *target)
{
    out->all = mem_grow(out->all, &out->room, out->n + 1, sizeof *out->all);
    out->all[out->n++] = (struct found_one){fault, target, out->lines.len};
}

static bool found_has(const struct found *out, enum fault fault)
{
    for (size_t i = 0; i < out->n; i++)
        if (out->all[i].fault == fault && out->all[i].target == NULL)
            return true;
    return false;
}

/* What another finding explains, of this site or of the same target, is no finding of its
 * own. */
static bool is_explained(const struct found *f, const struct found_one *by)
{
    for (size_t i = 0; i < f->n; i++)
        if (fault_explains(f->all[i].fault, by->fault) &&
            (f->all[i].target == NULL || f->all[i].target == by->target))
            return true;
    return false;
}

static void found_take(struct found *f, struct status_findings *out)
{
    size_t begin = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct found_one *one = &f->all[i];
        if (!is_explained(f, one)) {
            text_add_bytes(&out->lines, text_string(&f->lines) + begin, one->end - begin);
            out->faults =
                mem_grow(out->faults, &out->room, out->n + 1, sizeof *out->faults);
            out->faults[out->n++] = one->fault;
        }
        begin = one->end;
    }
    text_free(&f->lines);
    free(f->all);
}

/* ---- the site ---- */

/* A target of the configuration that stands for a service. */
static bool is_service(const struct snapshot *s, const struct snapshot_target *t)
{
    return !t->is->target->discovered && !t->is->target->gateway &&
           !target_is_resolver(t->is->target, s->kinds);
}

/* In one family: whether it is measured, and whether everything that is measured there is
 * down. */
static bool family_is_down(const struct snapshot *s, const struct snapshot_target *t,
                           size_t family, bool *measured)
{
    size_t n = 0, down = 0;
    for (size_t k = 0; k < s->kinds->n; k++) {
        const struct snapshot_stream *is = snapshot_stream(t, family, k);
        enum state state = t->is->states[family][k];
        if (is == NULL || is->silent || state == STATE_UNKNOWN)
            continue;
        n++;
        down += state == STATE_DOWN;
    }
    *measured = n > 0;
    return n > 0 && down == n;
}

static bool only_ipv6_is_down(const struct snapshot *s, const struct snapshot_target *t)
{
    bool v4, v6;
    return family_is_down(s, t, SLOT_IPV6, &v6) &&
           !family_is_down(s, t, SLOT_IPV4, &v4) && v4;
}

/* Packets are lost over the limit in a stream that is degraded. */
static bool is_lossy(const struct snapshot *s, const struct snapshot_target *t)
{
    double limit = t->is->target->limits.loss_ratio;
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        for (size_t k = 0; k < s->kinds->n; k++) {
            const struct snapshot_stream *is = snapshot_stream(t, f, k);
            if (is != NULL && t->is->states[f][k] == STATE_DEGRADED && limit > 0 &&
                is->packets.sent > 0 &&
                (double)is->packets.lost > limit * (double)is->packets.sent)
                return true;
        }
    return false;
}

/* The state of the last metre has led to a finding already. */
static bool is_open(const struct snapshot *s, enum fault fault)
{
    for (size_t i = 0; i < s->n_open; i++)
        if (s->open[i].fault == fault && s->open[i].leaves == EVENT_LEAVES_FINDING)
            return true;
    return false;
}

/* What all services have in common is one finding of the site. */
static void find_site(const struct snapshot *s, struct found *out)
{
    size_t with[2] = {0}, down[2] = {0}, services = 0, lossy = 0;
    size_t charged[CHARGE_UNKNOWN + 1] = {0}; /* of the lossy ones */
    for (size_t i = 0; i < s->n_targets; i++) {
        const struct snapshot_target *t = &s->targets[i];
        if (!is_service(s, t))
            continue;
        bool any = false;
        for (size_t f = 0; f < 2; f++) {
            bool measured, is_down = family_is_down(s, t, f, &measured);
            with[f] += measured;
            down[f] += is_down;
            any |= measured;
        }
        services += any;
        bool loses = any && is_lossy(s, t);
        lossy += loses;
        if (loses)
            charged[snapshot_charge(s, t)]++;
    }
    bool v4 = with[SLOT_IPV4] > 1 && down[SLOT_IPV4] == with[SLOT_IPV4],
         v6 = with[SLOT_IPV6] > 1 && down[SLOT_IPV6] == with[SLOT_IPV6],
         nothing =
             (v4 || with[SLOT_IPV4] == 0) && (v6 || with[SLOT_IPV6] == 0) && (v4 || v6);
    if (nothing) {
        text_add(&out->lines,
                 "none of %zu targets answers: look at the uplink of the router (modem, "
                 "provider's outage), or at its firewall\n",
                 services);
        found_end(out, FAULT_PATH_BROKEN, NULL);
    } else if (v4 || v6) {
        text_add(
            &out->lines,
            "none of %zu targets answers by %s, while %s works; repair its uplink%s\n",
            with[v4 ? SLOT_IPV4 : SLOT_IPV6], v4 ? "IPv4" : "IPv6", v4 ? "IPv6" : "IPv4",
            v4 ? "" : ", or stop announcing it on this network");
        found_end(out, v4 ? FAULT_IPV4_BROKEN : FAULT_IPV6_BROKEN, NULL);
    }
    if (lossy > 1 && 2 * lossy > services) {
        bool site = 2 * charged[CHARGE_SITE] > lossy,
             beyond = 2 * charged[CHARGE_BEYOND] > lossy;
        if (site && is_open(s, FAULT_GATEWAY_LOSS))
            return;
        text_add(&out->lines,
                 "packets to %zu of %zu targets are lost over their limits, ", lossy,
                 services);
        if (site || beyond)
            text_add(&out->lines, "%s; give %s a report of it: edgelat report\n",
                     site ? "on the way to the default gateway already"
                          : "behind the default gateway, on their common way",
                     fault_whom(site ? FAULT_GATEWAY_LOSS : FAULT_PATH_LOSS));
        else
            text_add(&out->lines,
                     "in the local network or behind it: the packets to the default "
                     "gateway do not tell which; edgelat diagnose looks closer\n");
        found_end(out, site ? FAULT_GATEWAY_LOSS : FAULT_PATH_LOSS, NULL);
    }
}

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
static bool find_owner(const struct snapshot_target *t, struct found *out)
{
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        char text[OWNER_TEXT_MAX];
        const struct target_address_state *place = &t->is->addresses[f];
        const struct owner *owner = target_owner(place);
        bool foreign = owner->type == OWNER_FOREIGN && place->to.family != FAMILY_NONE;
        if (!foreign && owner->type != OWNER_FILTERED)
            continue;
        text_add(&out->lines, "%s: %s\n", t->is->target->name,
                 owner_text(text, owner, t->is->target->host));
        found_end(out, foreign ? FAULT_NONE : FAULT_RESOLVER_LIES, t->is->target);
        return true;
    }
    return false;
}

/* Reports addresses of the name that do not answer while others do. */
static void find_addresses(const struct snapshot_target *t, struct found *out)
{
    for (size_t f = 0; f < 2; f++) {
        const struct target_address_state *a = &t->is->addresses[f];
        size_t silent = target_silent_addresses(a);
        const char *comma = "";
        if (silent == 0)
            continue;
        text_add(&out->lines,
                 "%s: %zu of %zu addresses of %s %s not answer while others do: ",
                 t->is->target->name, silent, a->n_all, t->is->target->host,
                 silent == 1 ? "does" : "do");
        for (size_t i = 0; i < a->n_all; i++) {
            char text[ADDRESS_TEXT_MAX];
            if (a->all[i].state != STATE_DOWN)
                continue;
            text_add(&out->lines, "%s%s", comma, endpoint_address(text, &a->all[i].to));
            comma = ", ";
        }
        text_add(&out->lines,
                 "; a client that tries such an address first takes the next one after "
                 "250 ms (RFC 8305); report it to the operator of the service\n");
        found_end(out, FAULT_SERVICE_ADDRESS, t->is->target);
    }
}

/* A segment that adds less is not what is slow; diagnose/judge.h has the same limit. */
#define SLOW_SEGMENT_NS (20 * NS_PER_MS)

static bool is_slow_in_provider(const struct snapshot *s, const struct target *target)
{
    const struct path_state *const *all = NULL;
    size_t n = s->paths != NULL ? path_watch_states(s->paths, &all) : 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t *ns = all[i]->segment_ns;
        int64_t rest =
            (ns[SEGMENT_LOCAL] != DELAY_UNDEFINED ? ns[SEGMENT_LOCAL] : 0) +
            (ns[SEGMENT_MICROSOFT] != DELAY_UNDEFINED ? ns[SEGMENT_MICROSOFT] : 0);
        if (all[i]->target == target && ns[SEGMENT_PROVIDER] > SLOW_SEGMENT_NS &&
            ns[SEGMENT_PROVIDER] > rest)
            return true;
    }
    return false;
}

/* Reports a stream that is connected, but gets errors of the server or no reply in time. What
 * comes late is slow, what never comes is down. */
static bool find_replies(const struct snapshot *s, const struct snapshot_target *t,
                         struct found *out)
{
    const struct target *target = t->is->target;
    char waited[DURATION_TEXT_MAX];
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        for (size_t k = 0; k < s->kinds->n; k++) {
            const struct snapshot_stream *is = snapshot_stream(t, f, k);
            if (is == NULL || 2 * (is->server_errors + is->slow) <= is->sent)
                continue;
            bool silent = is->slow == is->sent && is->late == 0;
            if (is->server_errors >= is->slow)
                text_add(&out->lines,
                         "%s: its server answers HTTP %d (%" PRIu32 " of %" PRIu32
                         " %s probes): the path works, the service does not; see its "
                         "service health, or run `edgelat probe %s %s`\n",
                         target->name, is->server_error, is->server_errors, is->sent,
                         s->kinds->list[k]->name, s->kinds->list[k]->name, target->host);
            else
                text_add(
                    &out->lines,
                    "%s: %" PRIu32 " of %" PRIu32 " %s replies %s %s, although it is "
                    "connected%s; run `edgelat probe %s %s`\n",
                    target->name, is->slow, is->sent, s->kinds->list[k]->name,
                    silent ? "did not come within" : "took longer than",
                    duration_text(waited, target->waiting_ns[k]),
                    silent ? ", nor later" : "", s->kinds->list[k]->name, target->host);
            found_end(out,
                      is->server_errors >= is->slow    ? FAULT_SERVICE_ERRORS
                      : silent                         ? FAULT_SERVICE_DOWN
                      : is_slow_in_provider(s, target) ? FAULT_PROVIDER_SLOW
                                                       : FAULT_SERVICE_SLOW,
                      target);
            return true;
        }
    return false;
}

static void find_issuer(const struct snapshot_target *t, struct found *out)
{
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        const struct target_address_state *a = &t->is->addresses[f];
        if (!a->issuer_foreign || a->to.family == FAMILY_NONE)
            continue;
        text_add(
            &out->lines,
            "%s: TLS is intercepted by %s (the issuer of the certificate of %s, which "
            "the service does not use); exempt the name from TLS inspection, or add "
            "the issuer to issuers.csv\n",
            t->is->target->name, target_issuer(a), t->is->target->host);
        found_end(out, FAULT_INTERCEPTED, t->is->target);
        return;
    }
}

/* Reports a DNS server that is down or degraded. */
static void find_resolver(const struct snapshot *s, const struct snapshot_target *t,
                          struct found *out)
{
    const struct target *target = t->is->target;
    for (size_t f = 0; f < 2; f++)
        for (size_t k = 0; k < s->kinds->n; k++) {
            const struct snapshot_stream *is = snapshot_stream(t, f, k);
            enum state state = t->is->states[f][k];
            bool routed = s->unsent == NULL || s->unsent->routes[f] == UNSENT_ROUTE;
            if (is == NULL || state < STATE_DEGRADED || (!routed && is->sent == 0) ||
                found_has(out, f == SLOT_IPV6 ? FAULT_IPV6_BROKEN : FAULT_IPV4_BROKEN))
                continue;
            uint64_t lost = is->lost, errors = is->failed;
            bool down = state == STATE_DOWN;
            bool slow = target->limits.delay_ns > 0 && is->delay.count > 0 &&
                        is->delay.percentile_ns[P50] > target->limits.delay_ns;
            text_add(&out->lines, "DNS server %s ", target->host);
            if (down && errors > lost)
                text_add(&out->lines,
                         "answers only errors; run `edgelat probe dns %s` to see which",
                         target->host);
            else if (down)
                text_add(&out->lines,
                         "does not answer; names resolve slowly or not at all "
                         "where it is asked first");
            else if (slow)
                text_add(&out->lines,
                         "is slow: median %.0f ms, limit %.0f; each new connection waits "
                         "for it",
                         ms(is->delay.percentile_ns[P50]), ms(target->limits.delay_ns));
            else if (errors > lost)
                text_add(&out->lines,
                         "answers %" PRIu64 " of %" PRIu32 " queries with an error",
                         errors, is->sent);
            else
                text_add(&out->lines,
                         "is degraded: queries are lost or its delay has risen");
            text_add(&out->lines, "; check it, or the list: servers in [dns], or "
                                  "/etc/resolv.conf\n");
            found_end(out,
                      down                                  ? FAULT_RESOLVER_DEAD
                      : !slow && errors <= lost && lost > 0 ? FAULT_RESOLVER_LOSS
                                                            : FAULT_RESOLVER_SLOW,
                      target);
            return;
        }
}

/* A degraded stream has a median over the limit. */
static bool is_slow(const struct snapshot *s, const struct snapshot_target *t)
{
    int64_t limit_ns = t->is->target->limits.delay_ns;
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        for (size_t k = 0; k < s->kinds->n; k++) {
            const struct snapshot_stream *is = snapshot_stream(t, f, k);
            if (is != NULL && t->is->states[f][k] == STATE_DEGRADED && limit_ns > 0 &&
                is->delay.count > 0 && is->delay.percentile_ns[P50] > limit_ns)
                return true;
        }
    return false;
}

static enum fault fault_of_state(const struct snapshot *s,
                                 const struct snapshot_target *t, enum state state)
{
    if (state == STATE_DOWN)
        return only_ipv6_is_down(s, t) ? FAULT_IPV6_BROKEN : FAULT_SERVICE_DOWN;
    if (is_lossy(s, t))
        return FAULT_SERVICE_LOSS;
    if (!is_slow(s, t) && t->is->target->limits.variation_ns > 0)
        return FAULT_JITTER;
    return is_slow_in_provider(s, t->is->target) ? FAULT_PROVIDER_SLOW
                                                 : FAULT_SERVICE_SLOW;
}

static void find_target(const struct snapshot *s, const struct snapshot_target *t,
                        struct found *out)
{
    const struct target *target = t->is->target;
    enum state state = snapshot_state(t);
    if (target_is_resolver(target, s->kinds) &&
        (target->discovered || state >= STATE_DEGRADED)) {
        find_resolver(s, t, out);
        return;
    }
    if (target->discovered)
        return;
    bool owner = find_owner(t, out);
    if (!owner && t->failure != NULL) {
        text_add(&out->lines,
                 "%s: %s has no address: %s; check the name and the DNS servers "
                 "(servers in [dns], or /etc/resolv.conf)\n",
                 target->name, target->host, t->failure);
        found_end(out, FAULT_SERVICE_DOWN, target);
        return;
    }
    if (s->window_end.ns - s->since.ns > RESOLVED_NS && !target_has_address(t->is)) {
        if (owner) /* the cause is reported already */
            return;
        text_add(&out->lines,
                 "%s: %s is not resolved yet; check that the DNS servers answer\n",
                 target->name, target->host);
        found_end(out, FAULT_SERVICE_DOWN, target);
        return;
    }
    find_addresses(t, out);
    find_issuer(t, out);
    bool replies = find_replies(s, t, out);
    if (state < STATE_DEGRADED || (state == STATE_DEGRADED && replies))
        return;
    enum fault fault = fault_of_state(s, t, state);
    if (found_has(out, fault))
        return;
    enum charge to = snapshot_charge(s, t);
    if (fault == FAULT_SERVICE_SLOW && to == CHARGE_SITE &&
        is_open(s, FAULT_GATEWAY_SLOW))
        return; /* an effect of it */
    text_add(&out->lines, "%s is %s by ", target->name, state_name(state));
    add_kinds(&out->lines, s, t, state);
    text_add(&out->lines, "%s%s; see its events, or run `edgelat probe` with %s\n",
             fault == FAULT_IPV6_BROKEN ? ", by IPv6 only" : "",
             to == CHARGE_SITE ? ", and so is the way to the default gateway: the site's "
                                 "own network"
             : to == CHARGE_BEYOND ? ", behind the default gateway"
                                   : "",
             target->host);
    found_end(out, fault, target);
}

static void find_unsent(const struct unsent *u, struct found *out)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    if (u->offline) {
        unsent_offline_text(&out->lines);
        text_add(&out->lines, "\n");
        found_end(out, FAULT_NO_ROUTE, NULL);
    }
    for (size_t f = 0; f < 2; f++)
        if (u->missing[f]) {
            unsent_route_text(&out->lines, u, families[f]);
            text_add(&out->lines, "\n");
            found_end(out, FAULT_NONE, NULL);
        }
    for (size_t k = 0; k < u->kinds->n; k++)
        if (u->causes[k].target != NULL) {
            unsent_cause_text(&out->lines, &u->causes[k]);
            text_add(&out->lines, "; since when: journalctl -u edgelat\n");
            found_end(out, FAULT_NONE, NULL);
        }
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
static void add_open(const struct snapshot *s, enum event_leaves leaves,
                     struct found *out)
{
    for (size_t i = 0; i < s->n_open; i++) {
        char since[WALL_TEXT_MAX];
        const struct snapshot_open *o = &s->open[i];
        if (o->leaves != leaves)
            continue;
        wall_text(since, o->since);
        text_add(&out->lines, "%s, since %.10s %.5s UTC: %s%s\n",
                 o->subject[0] != '\0' ? o->subject : "this site", since, since + 11,
                 o->text, step_of(o));
        found_end(out, o->fault, o->target);
    }
}

size_t snapshot_notes(const struct snapshot *s, struct text *lines)
{
    struct found found = {0};
    if (s->stopped == NULL)
        add_open(s, EVENT_LEAVES_NOTE, &found);
    size_t n = found.n;
    text_add_bytes(lines, text_string(&found.lines), found.lines.len);
    text_free(&found.lines);
    free(found.all);
    return n;
}

static void find_measuring(const struct snapshot *s, struct found *out)
{
    if (s->busy) {
        text_add(&out->lines,
                 "this host was too busy to measure accurately in the last window; "
                 "look for other load on it\n");
        found_end(out, FAULT_NONE, NULL);
    }
    if (s->unsent != NULL)
        find_unsent(s->unsent, out);
    find_site(s, out);
    for (size_t t = 0; t < s->n_targets; t++)
        find_target(s, &s->targets[t], out);
    add_open(s, EVENT_LEAVES_FINDING, out);
}

/* ---- the batches ---- */

static void find_shipping(const struct snapshot *s, struct found *out)
{
    bool waits = false;
    for (size_t i = 0; i < s->n_collectors; i++) {
        const struct shipper_collector *c = &s->collectors[i];
        bool wanted = i == 0 || c->in_use;
        if (wanted && c->rejected > 0) {
            text_add(&out->lines,
                     "%s accepted the last batch without %" PRId64
                     " of its points or records%s%s; they are lost, see its log\n",
                     c->host, c->rejected, c->rejected_why[0] != '\0' ? ": " : "",
                     c->rejected_why);
            found_end(out, FAULT_NONE, NULL);
        }
        if (!wanted || c->last_answer.ns == 0 || c->verdict == VERDICT_ACCEPTED)
            continue;
        waits = true;
        text_add(&out->lines, "%s does not accept the %s: %s%s\n", c->host,
                 c->signal == SIGNAL_LOGS ? "logs (events)" : "batches", c->why,
                 c->step[0] != '\0' ? c->step
                 : c->verdict == VERDICT_REFUSED
                     ? "; the refused batch is set aside"
                     : "; they wait in the spool and are retried");
        found_end(out, FAULT_NONE, NULL);
    }
    if (waits && s->spool.dropped_by[SPOOL_FULL] + s->spool.dropped_by[SPOOL_OLD] > 0) {
        text_add(&out->lines,
                 "%" PRIu64 " batches were dropped since the start: ", s->spool.dropped);
        spool_add_causes(&out->lines, &s->spool);
        text_add(&out->lines,
                 "; until the collector accepts, more are lost; raise the bounds of "
                 "[spool], edgelat.conf(5)\n");
        found_end(out, FAULT_NONE, NULL);
    }
    if (s->spool.set_aside > 0) {
        text_add(&out->lines,
                 "%" PRIu64 " batches were set aside in spool/bad/ since the start "
                 "(refused or damaged); the agent's log has the cause, edgelat(1) "
                 "explains how to send them again\n",
                 s->spool.set_aside);
        found_end(out, FAULT_NONE, NULL);
    }
    if (s->spool.disk_fails) {
        text_add(&out->lines,
                 "the spool cannot be written to disk; the agent's log has the cause: "
                 "journalctl -u edgelat\n");
        found_end(out, FAULT_NONE, NULL);
    }
}

static void find_all(const struct snapshot *s, struct found *out)
{
    if (s->stopped != NULL) {
        text_add(&out->lines,
                 "probing is stopped: %s; it resumes when the stop is lifted\n",
                 s->stopped);
        found_end(out, FAULT_NONE, NULL);
    } else {
        find_measuring(s, out);
    }
    for (size_t i = 0; i < s->uplinks.n; i++) {
        const struct uplink_state *u = &s->uplinks.states[i];
        char since[WALL_TEXT_MAX];
        if (u->condition != UPLINK_DOWN)
            continue;
        text_add(
            &out->lines,
            "uplink %s is down since %.19s UTC: no probe over it is answered%s; check "
            "its line, modem and routes\n",
            u->uplink->name, wall_text(since, u->since),
            u->used[0] || u->used[1] ? ", and the system's routes use it" : "");
        found_end(out, FAULT_NONE, NULL);
    }
    if (s->routes != NULL && *s->routes != '\0') {
        text_add(&out->lines, "BMP station: %s; see %s\n", s->routes,
                 s->bgp.on ? "`edgelat routes`"
                           : "the agent's log: journalctl -u edgelat");
        found_end(out, FAULT_NONE, NULL);
    }
    const char *line = s->n_exporter_problems > 0 ? s->exporter_problems : "";
    for (size_t len; *line != '\0'; line += len) {
        len = strcspn(line, "\n") + 1;
        text_add_bytes(&out->lines, line, len);
        found_end(out, FAULT_NONE, NULL);
    }
    find_shipping(s, out);
}

void snapshot_findings(const struct snapshot *s, struct status_findings *out)
{
    struct found found = {0};
    find_all(s, &found);
    found_take(&found, out);
}

void status_findings_free(struct status_findings *f)
{
    text_free(&f->lines);
    free(f->faults);
    *f = (struct status_findings){0};
}
