#include "cmd/nearest_table.h"

#include "base/json.h"
#include "base/mem.h"
#include "cmd/cmd.h"
#include "cmd/render.h"
#include "core/loss.h"
#include "status/snapshot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_located(const struct nearest_view *v)
{
    return v->site->nearest.metro != NULL;
}

/* ---- evidence of one target ---- */

struct nearest_row {
    /* of the best stream; if there is none, of all streams */
    uint64_t sent, received, lost, failed;
    const struct series *best;           /* the stream with the lowest minimum; or NULL */
    const struct delay_summary *nearest; /* its delay; or NULL */
    const struct target_address_state *place;
    struct standing standing;
    double bound_ms, stretch; /* NaN: unknown */
};

/* The delay used for ranking. */
static const struct delay_summary *distance(const struct series *s,
                                            const struct target_state *t)
{
    const struct intercept *i = target_intercept(&t->addresses[family_slot(s->family)]);
    return series_window(s, intercept_distance(s->kind, i));
}

static void add_counts(struct nearest_row *e, const struct summary *w)
{
    e->sent += w->sent;
    e->received += w->received;
    e->lost += outcomes_lost(w->outcomes);
    e->failed += outcomes_failed(w->outcomes);
}

static void add_streams(struct nearest_row *e, const struct batch *batch,
                        const struct target_state *t)
{
    for (size_t i = 0; i < batch->n_series; i++) {
        const struct series *s = batch->series[i];
        if (s->target != t->target || !s->in_window)
            continue;
        const struct delay_summary *d = distance(s, t);
        add_counts(e, &s->window);
        if (d->count > 0 && (e->best == NULL || d->min_ns < e->nearest->min_ns)) {
            e->best = s;
            e->nearest = d;
        }
    }
    if (e->best == NULL)
        return;
    e->sent = e->received = e->lost = e->failed = 0;
    add_counts(e, &e->best->window);
}

static struct nearest_row nearest_row_of(const struct nearest_view *v,
                                         const struct batch *batch,
                                         const struct target_state *t)
{
    struct nearest_row e = {.bound_ms = NAN, .stretch = NAN};
    add_streams(&e, batch, t);
    e.place = &t->addresses[e.best != NULL ? family_slot(e.best->family) : SLOT_IPV4];
    for (size_t f = SLOT_IPV6; e.place->to.family == FAMILY_NONE && f < FAMILY_SLOTS; f++)
        e.place = &t->addresses[f];
    e.standing = site_standing(v->site, t->pop, e.place->basis);
    if (e.standing.bound_ns != DELAY_UNDEFINED)
        e.bound_ms = (double)e.standing.bound_ns / 1e6;
    if (t->min_ns != DELAY_UNDEFINED && e.bound_ms > 0)
        e.stretch = (double)t->min_ns / 1e6 / e.bound_ms;
    return e;
}

/* ---- printing ---- */

static double ratio(uint64_t lost, uint64_t sent)
{
    return sent > 0 ? (double)lost / (double)sent : NAN;
}

static bool is_doubtful(const struct delay_summary *d)
{
    return d != NULL && !d->supported[P50];
}

/* Prints "a -> b" as an array. */
static void print_chain(struct json *j, const char *chain)
{
    static const char arrow[] = " -> ";
    json_array(j, "chain");
    while (*chain != '\0') {
        const char *end = strstr(chain, arrow);
        size_t len = end != NULL ? (size_t)(end - chain) : strlen(chain);
        json_string_bytes(j, NULL, chain, len);
        chain += len + (end != NULL ? sizeof arrow - 1 : 0);
    }
    json_array_end(j);
}

/* Results of the sweep for the service of the target. */
static void add_doors(struct json *j, const struct doors_summary *d)
{
    json_object(j, "front_doors");
    json_unsigned(j, "names", d->names);
    json_unsigned(j, "exist", d->exist);
    json_unsigned(j, "answering", d->answering);
    json_unsigned(j, "left", d->left);
    json_object_end(j);
}

static void print_json(const struct target_state *t, const struct nearest_row *e,
                       const struct doors_summary *doors)
{
    struct text out = {0};
    struct json j = json_to(&out);
    char address[ADDRESS_TEXT_MAX];
    const struct delay_summary *rtt = e->nearest;
    json_object(&j, NULL);
    json_number(&j, "rank", t->rank > 0 ? t->rank : NAN);
    json_string(&j, "target", t->target->name);
    json_string(&j, "host", t->target->host);
    json_text(&j, "service", t->target->service);
    json_bool(&j, "configured", !t->target->discovered);
    json_text(&j, "pop", t->pop);
    json_string(&j, "basis", t->pop[0] != '\0' ? e->place->basis : NULL);
    json_string(&j, "verdict", owner_name(target_verdict(t)->type));
    json_text(&j, "verdict_basis", target_verdict(t)->why);
    json_string(&j, "city", e->standing.metro != NULL ? e->standing.metro->city : NULL);
    json_text(&j, "address", e->best ? endpoint_address(address, &e->best->to) : "");
    json_string(&j, "family", e->best ? family_name(e->best->family) : NULL);
    print_chain(&j, target_dns(e->place)->chain);
    json_text(&j, "resolver", target_dns(e->place)->servers);
    json_string(&j, "kind", e->best ? e->best->kind->name : NULL);
    delay_json(&j, "min", rtt != NULL ? rtt->min_ns : DELAY_UNDEFINED);
    delay_json(&j, "p50", rtt != NULL ? rtt->percentile_ns[P50] : DELAY_UNDEFINED);
    json_array(&j, "unsupported");
    if (is_doubtful(rtt))
        json_string(&j, NULL, percentile_name[P50]);
    json_array_end(&j);
    json_number(&j, "loss_ratio", ratio(e->lost, e->sent));
    json_unsigned(&j, "sent", e->sent);
    json_unsigned(&j, "received", e->received);
    json_number(&j, "target_loss_ratio", ratio(t->lost, t->sent));
    json_unsigned(&j, "target_sent", t->sent);
    json_bool(&j, "intercepted", t->intercepted);
    json_text(&j, "interception", t->interception);
    snapshot_addresses_json(&j, t);
    json_number(&j, "distance_km", e->standing.km);
    json_number(&j, "bound", e->bound_ms);
    json_number(&j, "stretch", e->stretch);
    if (doors != NULL && strcmp(doors->workload->service, t->target->service) == 0)
        add_doors(&j, doors);
    json_object_end(&j);
    puts(text_string(&out));
    text_free(&out);
}

static void add_head(struct text *out, const struct nearest_view *v)
{
    text_add(out,
             "\t>rank\ttarget\tPoP\t-1known by\t>min, ms\t>p50, ms\t>loss\t-4>sent"
             "\tkind\t-3family%s\t-2address\n",
             is_located(v) ? "\t>km\t>bound, ms\t>stretch" : "");
}

static const char *number(char out[24], const char *format, double value)
{
    if (isnan(value))
        return "-";
    snprintf(out, 24, format, value);
    return out;
}

static void add_row(struct text *out, const struct nearest_view *v,
                    const struct target_state *t, const struct nearest_row *e)
{
    char a[24], b[24], c[24], p50[32], loss[LOSS_TEXT_MAX];
    char address[ADDRESS_TEXT_MAX] = "-";
    const struct delay_summary *rtt = e->nearest;
    if (e->best != NULL)
        endpoint_address(address, &e->best->to);
    text_add(out, "\t%s\t%s\t%s\t%s", number(a, "%.0f", t->rank > 0 ? t->rank : NAN),
             t->target->name, owner_pop(t->pop, target_verdict(t)),
             t->pop[0] != '\0' && e->place->basis != NULL ? e->place->basis : "-");
    snprintf(p50, sizeof p50, is_doubtful(rtt) ? "(%s)" : "%s",
             render_ms(b, rtt != NULL ? rtt->percentile_ns[P50] : DELAY_UNDEFINED));
    text_add(out, "\t%s\t%s\t%s\t%llu\t%s\t%s",
             render_ms(a, rtt != NULL ? rtt->min_ns : DELAY_UNDEFINED), p50,
             loss_text(loss, e->lost, e->failed, e->sent), (unsigned long long)e->sent,
             e->best ? e->best->kind->name : "-",
             e->best ? family_name(e->best->family) : "-");
    if (is_located(v))
        text_add(out, "\t%s\t%s\t%s", number(a, "%.0f", e->standing.km),
                 number(b, "%.1f", e->bound_ms), number(c, "%.1f", e->stretch));
    text_add(out, "\t%s\n", address);
}

/* The margin of 1 ms (100 km and back in fibre) exceeds the size of a metro. */
static bool beats_light(const struct target_state *t, const struct nearest_row *e)
{
    return t->min_ns != DELAY_UNDEFINED && e->bound_ms - (double)t->min_ns / 1e6 > 1;
}

/* Returns true if it found and added a contradiction. */
static bool add_contradiction(struct text *out, const struct nearest_view *v,
                              const struct target_state *t, const struct nearest_row *e)
{
    if (!beats_light(t, e))
        return false;
    text_add(
        out,
        "%s: %.3f ms is less than light needs for %.0f km: this host is not at %s, or "
        "PoP %s is not in %s\n",
        t->target->name, (double)t->min_ns / 1e6, e->standing.km, v->location, t->pop,
        e->standing.metro->city);
    return true;
}

/* Explains a target without a rank whose row shows no loss: its other streams have loss. */
static void add_loss(struct text *out, const struct target_state *t,
                     const struct nearest_row *e)
{
    if (t->rank == 0 && e->best != NULL && t->lost > 0 &&
        ratio(t->lost, t->sent) > ratio(e->lost, e->sent))
        text_add(out, "%s: %llu of %llu probes were lost over all kinds and families\n",
                 t->target->name, (unsigned long long)t->lost,
                 (unsigned long long)t->sent);
}

/* Names the addresses that answered nothing, and says how far apart the others are. */
static void add_addresses(struct text *out, const struct target_state *t,
                          const struct target_address_state *a)
{
    char text[ADDRESS_TEXT_MAX];
    size_t silent = 0;
    int64_t least = INT64_MAX, most = 0;
    for (size_t i = 0; i < a->n_all; i++) {
        const struct address_state *x = &a->all[i];
        silent += x->unanswered > 1;
        if (x->min_ns == DELAY_UNDEFINED)
            continue;
        least = x->min_ns < least ? x->min_ns : least;
        most = x->min_ns > most ? x->min_ns : most;
    }
    if (silent > 0) {
        text_add(out, "%s: %zu of %zu addresses did not answer while others did:",
                 t->target->name, silent, a->n_all);
        for (size_t i = 0; i < a->n_all; i++)
            if (a->all[i].unanswered > 1)
                text_add(out, " %s (%u probes)", endpoint_address(text, &a->all[i].to),
                         a->all[i].unanswered);
        text_add(
            out,
            "; a client that tries such an address first takes the next one after 250 ms "
            "(RFC 8305)\n");
    }
    if (most > 0 && most - least > ADDRESS_NEARER_NS &&
        (double)(most - least) > ADDRESS_NEARER_RATIO * (double)most)
        text_add(
            out,
            "%s: its %zu addresses are %.1f to %.1f ms away; the row is that of %s\n",
            t->target->name, a->n_all, (double)least / 1e6, (double)most / 1e6,
            endpoint_address(text, &a->to));
}

static void add_issuer(struct text *out, const struct target_state *t)
{
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        if (t->addresses[f].issuer_foreign) {
            text_add(
                out,
                "%s: TLS is intercepted by %s, the issuer of the certificate of %s\n",
                t->target->name, target_issuer(&t->addresses[f]), t->target->host);
            return;
        }
}

/* The notes below the table. */
static void add_notes(struct text *out, const struct nearest_view *v,
                      const struct batch *batch, const struct target_state *const *order,
                      size_t n)
{
    char text[OWNER_TEXT_MAX];
    for (size_t i = 0; i < n; i++) {
        if (owner_may_be_pop(target_verdict(order[i])->type))
            continue;
        owner_text(text, target_verdict(order[i]), order[i]->target->host);
        if (text[0] != '\0') /* of the gateway there is nothing to say */
            text_add(out, "%s: %s\n", order[i]->target->name, text);
    }
    for (size_t i = 0; i < n; i++)
        add_issuer(out, order[i]);
    bool doubtful = false;
    for (size_t i = 0; i < n; i++) {
        struct nearest_row e = nearest_row_of(v, batch, order[i]);
        doubtful |= is_doubtful(e.nearest);
        add_loss(out, order[i], &e);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t f = 0; f < 2; f++)
            add_addresses(out, order[i], &order[i]->addresses[f]);
    if (doubtful)
        text_add(out, "%s", render_supported_note);
    for (size_t i = 0; i < n; i++)
        if (order[i]->interception[0] != '\0')
            text_add(out, "%s: %s%s\n", order[i]->target->name, order[i]->interception,
                     order[i]->intercepted ? "; they are left out" : "");
    for (size_t i = 0; i < n; i++) {
        struct nearest_row e = nearest_row_of(v, batch, order[i]);
        if (add_contradiction(out, v, order[i], &e))
            return; /* one is enough */
    }
}

/* What the numbers mean where a proxy stands in between, and what cannot be told there. */
static void add_proxied(struct text *out, const struct nearest_view *v,
                        const struct target_state *const *order, size_t n)
{
    size_t i = 0;
    while (i < n && order[i]->addresses[SLOT_PROXY].to.family == FAMILY_NONE)
        i++;
    if (i == n)
        return;
    text_add(
        out,
        "Family proxy: these delays are of TLS through the HTTP proxy, so the way to "
        "the proxy is included; the PoP is the one that the proxy reaches\n");
    if (v->unanswered)
        text_add(
            out,
            "Cannot tell whether other front doors are nearer: DNS here does not answer "
            "for their names\n");
}

/* Ranked targets first, by rank; then the others in configured order. */
static int by_rank(const void *a, const void *b)
{
    const struct target_state *const *x = a, *const *y = b;
    uint32_t rx = (*x)->rank - 1, ry = (*y)->rank - 1; /* 0 becomes the largest */
    if (rx != ry)
        return rx < ry ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

/* Hides discovered front doors without an address or that were never probed, for example
 * because a foreign network answers there. */
static bool is_shown(const struct target_state *t)
{
    return !t->target->discovered || (target_has_address(t) && t->sent > 0);
}

static void count(struct nearest_tally *tally, const struct target_state *t)
{
    tally->named += !t->target->discovered && target_has_address(t);
    tally->measured += t->measured;
    tally->intercepted += t->intercepted;
    tally->filtered += target_verdict(t)->type == OWNER_FILTERED;
    tally->eligible += t->rank > 0;
}

/* The result of the sweep of front doors. */
static void add_summary(struct text *out, const struct nearest_view *v)
{
    text_add(out, "\n%s: ", v->doors->workload->service);
    doors_summary_text(out, v->doors);
    text_add(out, "\n");
}

struct nearest_tally nearest_print(const struct nearest_view *v,
                                   const struct batch *batch)
{
    struct nearest_tally tally = {0};
    struct text all = {0}, *out = &all;
    const struct target_state **order = mem_alloc(batch->n_targets * sizeof *order);
    size_t n = 0;
    for (size_t i = 0; i < batch->n_targets; i++)
        if (is_shown(&batch->targets[i]))
            order[n++] = &batch->targets[i];
    qsort(order, n, sizeof *order, by_rank);
    for (size_t i = 0; i < n; i++)
        count(&tally, order[i]);
    bool text = !v->json && tally.named + tally.filtered > 0; /* else a table of dashes */
    if (text)
        add_head(out, v);
    for (size_t i = 0; i < n; i++) {
        struct nearest_row e = nearest_row_of(v, batch, order[i]);
        if (v->json)
            print_json(order[i], &e, v->doors);
        else if (text)
            add_row(out, v, order[i], &e);
    }
    if (text)
        add_notes(out, v, batch, order, n);
    if (text)
        add_proxied(out, v, order, n);
    if (text && v->doors != NULL && tally.eligible > 0)
        add_summary(out, v);
    cmd_print(text_string(out));
    text_free(out);
    free(order);
    return tally;
}
