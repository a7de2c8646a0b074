#include "edge/explorer.h"

#include "base/intern.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/intercept.h"
#include "core/pipeline.h"
#include "edge/owners.h"
#include "edge/target_name.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Front doors that are rejected in one sweep. More show that TLS is intercepted. */
enum { REJECTED_MAX = 8 };

/* Networks remembered while the host moves between them. */
enum { NETWORKS_MAX = 8 };

/* After resuming a sweep: until most configured names are resolved, which shows the doors
 * that serve already. */
#define RESUMED_CHOOSE_NS NS_PER_S

/* Refs from here on are doors of the sweep. */
#define REF_DOORS ((size_t)1 << 32)

struct explored {
    const struct target *target;
    struct target *own; /* of what is not configured; else NULL */
    size_t door;        /* of the sweep; SIZE_MAX: it is none */
    bool probed;
    bool fixed; /* the caller knows its addresses: never looked up */
    /* NULL: it is not probed there. That of a proxy is never looked up. */
    struct target_name *names[FAMILY_SLOTS];
    const struct metro *reply_metro; /* that a reply named; NULL: none did */
};

struct explorer {
    const struct config *config;
    const struct edge_data *edge_data;
    const struct kinds *kinds;
    struct explorer_pace pace;
    struct random random;
    struct owners *owners;
    struct explored **all; /* the pipeline's number is the index */
    size_t n, room;
    size_t added; /* to the pipeline */
    bool paused;
    struct explorer_counters counters;

    struct mono survey_began, survey_ends, survey_next; /* ends 0: none is under way */
    bool surveying;

    struct doors *doors;
    size_t *door_targets;  /* of each door, SIZE_MAX: none */
    bool sweeping, chosen; /* chosen: front doors, by this sweep */
    bool choose_again;
    bool unanswered, tell_unanswered; /* the last sweep, by any DNS server */
    size_t rejected;
    struct mono sweep_began, sweep_next;
    struct mono choose_at;         /* the first choice, if the sweep has not ended */
    int64_t retry_ns;              /* after a sweep that found nothing */
    bool resumed;                  /* this sweep */
    bool has_swept, has_forgotten; /* to report */

    struct damping relocations, link_flaps;
    uint64_t networks[NETWORKS_MAX]; /* where the host was, while it goes to and fro */
    size_t n_networks;
    char moved[128]; /* what changed, to report */
    bool has_moved;
    enum damping_action damping;

    bool intercepted;         /* a middlebox answers handshakes */
    const struct metro *hint; /* where the first reply came from */
    const struct metro *best; /* of a workload with front doors; NULL: not known */
    const struct workload *best_of;
    int64_t best_ns;
};

static const enum family families[FAMILY_SLOTS] = {FAMILY_IPV4, FAMILY_IPV6,
                                                   FAMILY_PROXY};

/* ---- targets ---- */

static size_t find_host(const struct explorer *e, const char *host)
{
    size_t i = 0;
    while (i < e->n && strcasecmp(e->all[i]->target->host, host) != 0)
        i++;
    return i;
}

static bool is_taken(const struct explorer *e, const char *name)
{
    for (size_t i = 0; i < e->n; i++)
        if (strcmp(e->all[i]->target->name, name) == 0)
            return true;
    return false;
}

static struct explored *add(struct explorer *e, const struct target *target)
{
    struct explored *x = mem_zalloc(sizeof *x);
    bool wanted[FAMILY_SLOTS] = {false};
    x->target = target;
    x->door = SIZE_MAX;
    x->probed = true;
    for (size_t k = 0; k < e->kinds->n; k++) {
        bool by_proxy = target_goes_by_proxy(target, e->kinds->list[k]);
        wanted[SLOT_PROXY] |= target->kinds[k] && by_proxy;
        wanted[SLOT_IPV4] |= target->kinds[k] && !by_proxy && target->ipv4;
        wanted[SLOT_IPV6] |= target->kinds[k] && !by_proxy && target->ipv6;
    }
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        if (!wanted[f])
            continue;
        x->names[f] = mem_zalloc(sizeof *x->names[f]);
        x->names[f]->rarely = f != SLOT_PROXY && target->proxied;
    }
    return e->all[e->n++] = x;
}

/* A target of our own; one whose name another target has is called as its host. NULL: no
 * more are taken. */
static struct explored *add_own(struct explorer *e, struct target t)
{
    if (e->n == e->room)
        return NULL;
    if (is_taken(e, t.name))
        t.name = t.host;
    t.discovered = true;
    config_take_over(e->config, &t);
    edge_data_limits(e->edge_data, &t);
    struct explored *x = add(e, &t);
    x->target = x->own = mem_copy(&t, sizeof t);
    return x;
}

/* A front door is asked as the workload's own target is, but for its address. */
static struct target door_target(const struct explorer *e, const struct door *door)
{
    const struct workload *w = door->workload;
    size_t own = find_host(e, w->host);
    struct target t = own < e->n ? *e->all[own]->target : workload_target(w, e->kinds);
    char name[TARGET_NAME_MAX];
    t.host = door->host;
    if (*intern_text(t.server_name) == '\0')
        t.server_name = intern(w->host);
    int len = snprintf(name, sizeof name, "%s-%s", w->name, door->metro->code);
    for (int i = 0; i < len && i < TARGET_NAME_MAX - 1; i++)
        name[i] = (char)tolower((unsigned char)name[i]);
    t.name = intern(name);
    return t;
}

static void ask_now(struct explored *x)
{
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        if (x->names[f] != NULL)
            target_name_ask(x->names[f]);
}

static void rest(struct explored *x)
{
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        if (x->names[f] != NULL)
            target_name_rest(x->names[f]);
}

/* ---- implicit targets: the default gateway and the DNS servers ---- */

/* NULL: no more are taken. */
static struct explored *add_fixed(struct explorer *e, const struct target *t)
{
    struct explored *x = add_own(e, *t);
    if (x == NULL)
        return NULL;
    x->fixed = true;
    for (size_t f = 0; f < FAMILY_SLOTS; f++)
        if (x->names[f] != NULL)
            x->names[f]->ask_at.ns = INT64_MAX;
    return x;
}

/* FAMILY_NONE in `at`: it is not probed. */
static void use_fixed(struct explored *x, enum family family, const struct endpoint *at)
{
    struct target_name *n = x->names[family_slot(family)];
    if (n == NULL || endpoint_same_address(&n->used, at))
        return;
    n->used = *at;
    n->moved = true;
    n->change = at->family != FAMILY_NONE ? TARGET_NAME_USE : TARGET_NAME_REST;
}

static struct explored *gateway_of(struct explorer *e)
{
    size_t icmp = kinds_find(e->kinds, "icmp");
    for (size_t i = 0; i < e->n; i++)
        if (e->all[i]->target->gateway)
            return e->all[i];
    if (icmp == KIND_NONE)
        return NULL;
    struct target t = target_default(e->kinds);
    t.name = GATEWAY_NAME;
    t.host = GATEWAY_HOST;
    memset(t.kinds, 0, sizeof t.kinds);
    t.kinds[icmp] = t.gateway = true;
    t.interval_ns[icmp] = t.slow_interval_ns[icmp] = GATEWAY_INTERVAL_NS;
    return add_fixed(e, &t);
}

void explorer_gateway(struct explorer *e, enum family family, const struct endpoint *at)
{
    struct explored *x = gateway_of(e);
    if (x != NULL)
        use_fixed(x, family, at);
}

/* "fe80::1%eth0" */
static void resolver_host(char out[HOST_TEXT_MAX], const struct dns_server *s)
{
    char address[ADDRESS_TEXT_MAX];
    snprintf(out, HOST_TEXT_MAX, "%s%s%s", endpoint_address(address, &s->at),
             s->zone[0] != '\0' ? "%" : "", s->zone);
}

static uint16_t resolver_port(const struct dns_server *s)
{
    return s->at.port != 0 ? s->at.port : 53;
}

static struct target resolver_target(const struct explorer *e, const struct dns_server *s,
                                     size_t dns)
{
    struct target t = target_default(e->kinds);
    char host[HOST_TEXT_MAX], name[TARGET_NAME_MAX];
    resolver_host(host, s);
    t.host = intern(host);
    t.port = resolver_port(s);
    int len = snprintf(name, sizeof name, "dns-%s", host);
    if (t.port != 53)
        len += snprintf(name + len, sizeof name - (size_t)len, "-%u", t.port);
    for (int i = 0; i < len; i++)
        if (strchr(TARGET_NAME_OF, name[i]) == NULL)
            name[i] = '-';
    t.name = intern(name);
    memset(t.kinds, 0, sizeof t.kinds);
    t.kinds[dns] = true;
    t.ipv4 = s->at.family == FAMILY_IPV4;
    t.ipv6 = s->at.family == FAMILY_IPV6;
    t.interval_ns[dns] = t.slow_interval_ns[dns] = RESOLVER_INTERVAL_NS;
    t.limits.delay_ns = RESOLVER_DELAY_NS;
    t.limits.delay_source = RESOLVER_DELAY_SOURCE;
    return t;
}

/* The target of a DNS server; e->n: none. A configured one is preferred. */
static size_t find_resolver(const struct explorer *e, const struct dns_server *s)
{
    char host[HOST_TEXT_MAX];
    size_t i = 0;
    resolver_host(host, s);
    for (; i < e->n; i++) {
        const struct target *t = e->all[i]->target;
        uint16_t port = t->port != 0 ? t->port : 53;
        if (target_is_resolver(t, e->kinds) && strcasecmp(t->host, host) == 0 &&
            port == resolver_port(s))
            break;
    }
    return i;
}

const struct target *explorer_resolver(const struct explorer *e,
                                       const struct dns_server *s)
{
    size_t i = find_resolver(e, s);
    return i < e->n ? e->all[i]->target : NULL;
}

static bool is_listed(const struct explorer *e, size_t number, const struct dns_server *s,
                      size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (find_resolver(e, &s[i]) == number)
            return true;
    return false;
}

void explorer_resolvers(struct explorer *e, const struct dns_server *servers, size_t n)
{
    static const struct endpoint none = {.family = FAMILY_NONE};
    size_t dns = kinds_find(e->kinds, "dns"), added = 0;
    if (dns == KIND_NONE)
        return;
    for (size_t i = 0; i < e->n; i++) {
        struct explored *x = e->all[i];
        if (!x->fixed || x->target->gateway)
            continue;
        added++;
        enum family family = x->target->ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
        if (!is_listed(e, i, servers, n))
            use_fixed(x, family, &none);
    }
    for (size_t i = 0; i < n; i++) {
        size_t number = find_resolver(e, &servers[i]);
        struct explored *x = number < e->n ? e->all[number] : NULL;
        if (x == NULL && added < RESOLVERS_EVER_MAX) {
            struct target t = resolver_target(e, &servers[i], dns);
            x = add_fixed(e, &t);
            added++;
        }
        if (x != NULL && x->fixed)
            use_fixed(x, (enum family)servers[i].at.family, &servers[i].at);
    }
}

/* ---- front doors ---- */

static bool same_service(const struct target *t, const struct workload *w)
{
    return (t->service[0] != '\0' && strcmp(t->service, w->service) == 0) ||
           strcasecmp(t->host, w->host) == 0;
}

/* Whether the target's name leads to the door: by its chain, by an address that both
 * have, or, where no chain shows a zone (Exchange's of 2026), by the PoP that replies
 * name. */
static bool leads_to(const struct explorer *e, const struct explored *x, size_t i)
{
    const struct door *door = doors_at(e->doors, i);
    const struct explored *own =
        e->door_targets[i] != SIZE_MAX ? e->all[e->door_targets[i]] : NULL;
    const struct metro *metro =
        own != NULL && own->reply_metro != NULL ? own->reply_metro : door->metro;
    bool zone = false;
    for (size_t f = 0; f < 2; f++) {
        const struct target_name *n = x->names[f],
                                 *of_own = own != NULL ? own->names[f] : NULL;
        if (n == NULL)
            continue;
        zone |= n->pop[0] != '\0';
        if (strcasestr(resolution_kept(n->dns)->chain, door->host) != NULL ||
            target_name_has(n, &door->to[f]))
            return true;
        for (size_t k = 0; of_own != NULL && k < of_own->n; k++)
            if (target_name_has(n, &of_own->all[k]))
                return true;
    }
    return !zone && catalogue_same_metro(x->reply_metro, metro);
}

static bool is_served(const struct explorer *e, size_t door)
{
    for (size_t i = 0; i < e->n; i++)
        if (e->all[i]->door == SIZE_MAX &&
            same_service(e->all[i]->target, doors_at(e->doors, door)->workload) &&
            leads_to(e, e->all[i], door))
            return true;
    return false;
}

/* Where a middlebox answers the handshakes: around the site, or what replied. */
static const struct position *around(const struct explorer *e)
{
    const struct metro *m = e->best != NULL ? e->best : e->hint;
    if (!e->intercepted)
        return NULL;
    const struct site *site = &e->edge_data->site;
    return site->nearest.metro != NULL ? &site->at : m != NULL ? &m->at : NULL;
}

/* The target of a door; a new one if need be. NULL: no more are taken. */
static struct explored *target_of_door(struct explorer *e, size_t door)
{
    if (e->door_targets[door] == SIZE_MAX) {
        size_t i = find_host(e, doors_at(e->doors, door)->host);
        if (i < e->n) /* somebody has configured it */
            return NULL;
        struct explored *x = add_own(e, door_target(e, doors_at(e->doors, door)));
        if (x == NULL)
            return NULL;
        x->door = door;
        x->probed = false;
        e->door_targets[door] = e->n - 1;
    }
    return e->all[e->door_targets[door]];
}

static void extend_survey(struct explorer *e, struct mono now)
{
    if (!e->surveying)
        explorer_reason(e, now);
    else if (e->survey_ends.ns < now.ns + SURVEY_ADDED_NS)
        e->survey_ends.ns = now.ns + SURVEY_ADDED_NS;
}

static void choose_doors(struct explorer *e, struct mono now)
{
    size_t most = e->config->front_doors;
    size_t *chosen = mem_alloc((most * doors_workloads(e->doors) + 1) * sizeof *chosen);
    bool *keep = mem_zalloc((doors_count(e->doors) + 1) * sizeof *keep);
    bool more = false;
    for (size_t i = 0; i < doors_count(e->doors); i++)
        doors_set_served(e->doors, i, is_served(e, i));
    size_t n = doors_choose(e->doors, around(e), most, chosen);
    for (size_t i = 0; i < n; i++) {
        struct explored *x = target_of_door(e, chosen[i]);
        keep[chosen[i]] = true;
        if (x == NULL || x->probed)
            continue;
        x->probed = more = true;
        ask_now(x);
    }
    for (size_t i = 0; i < e->n; i++) {
        struct explored *x = e->all[i];
        if (x->door == SIZE_MAX || !x->probed || keep[x->door])
            continue;
        x->probed = false;
        rest(x);
    }
    free(keep);
    free(chosen);
    e->choose_again = false;
    if (more)
        extend_survey(e, now);
}

/* ---- surveys and sweeps ---- */

static bool wants_doors(const struct explorer *e)
{
    return e->config->front_doors > 0 && doors_count(e->doors) > 0;
}

static void begin_survey(struct explorer *e, struct mono now)
{
    e->surveying = true;
    e->survey_began = now;
    e->survey_ends.ns = now.ns + SURVEY_NS;
    e->survey_next.ns = now.ns + SURVEY_EVERY_NS;
    for (size_t i = 0; i < e->n; i++)
        for (size_t f = 0; e->all[i]->probed && f < FAMILY_SLOTS; f++) {
            struct target_name *n = e->all[i]->names[f];
            if (n != NULL && !n->left && !e->all[i]->fixed)
                target_name_ask(n);
        }
}

static void begin_sweep(struct explorer *e, struct mono now)
{
    e->sweeping = true;
    e->chosen = e->resumed = false;
    e->rejected = 0;
    e->sweep_began = now;
    e->sweep_next.ns = now.ns + SWEEP_EVERY_NS;
    e->choose_at.ns = e->pace.choose_ns > 0 ? now.ns + e->pace.choose_ns : INT64_MAX;
    doors_begin(e->doors, now);
}

bool explorer_resume(struct explorer *e, const struct kept_doors *kept, int64_t age_ns,
                     struct mono now)
{
    if (!wants_doors(e) || !doors_resume(e->doors, kept, now))
        return false;
    e->sweeping = e->resumed = true;
    e->sweep_began = now;
    e->sweep_next.ns = now.ns + SWEEP_EVERY_NS - age_ns;
    e->choose_at.ns = now.ns + RESUMED_CHOOSE_NS;
    return true;
}

bool explorer_keep(const struct explorer *e, struct kept_doors *out)
{
    return doors_keep(e->doors, out);
}

static bool is_choice_due(const struct explorer *e, struct mono now)
{
    return (e->sweeping && doors_swept(e->doors)) || (e->chosen && e->choose_again) ||
           (e->sweeping && !e->chosen && now.ns >= e->choose_at.ns);
}

/* DNS or the uplink may not be there yet. */
static void retry_sweep(struct explorer *e, struct mono now)
{
    e->retry_ns = e->retry_ns == 0 ? SWEEP_LEAST_NS : 2 * e->retry_ns;
    if (e->retry_ns > SWEEP_EVERY_NS)
        e->retry_ns = SWEEP_EVERY_NS;
    e->sweep_next.ns = now.ns + e->retry_ns;
}

static void end_sweep(struct explorer *e, struct mono now)
{
    bool found = doors_found(e->doors);
    e->sweeping = false;
    e->has_swept = found && !e->resumed;
    if (found) {
        e->retry_ns = 0;
        return;
    }
    retry_sweep(e, now);
}

static void turn_sweep(struct explorer *e, struct mono now)
{
    if (!wants_doors(e))
        return;
    if (e->sweeping && doors_contradict(e->doors)) {
        doors_forget(e->doors);
        e->has_forgotten = true;
        e->sweep_next = now;
    }
    if (now.ns >= e->sweep_next.ns)
        begin_sweep(e, now);
    if (e->sweeping && doors_unanswered(e->doors)) {
        e->tell_unanswered = !e->unanswered;
        e->unanswered = true;
        e->sweeping = false;
        retry_sweep(e, now);
    }
    if (!is_choice_due(e, now))
        return;
    if (e->sweeping && doors_swept(e->doors))
        end_sweep(e, now);
    e->chosen = true;
    e->unanswered = false;
    choose_doors(e, now);
}

bool explorer_reason(struct explorer *e, struct mono now)
{
    e->survey_next.ns = e->survey_began.ns + SURVEY_LEAST_NS;
    return now.ns >= e->survey_next.ns;
}

/* ---- steps ---- */

/* The proxy resolves the name: there is nothing to look up. */
static void use_proxy(struct explorer *e, size_t number, struct target_name *n,
                      struct explorer_step *out)
{
    struct explored *x = e->all[number];
    target_name_use_proxy(n, target_port(x->target, NULL));
    owners_resolved(e->owners, number, FAMILY_PROXY, x->target->host, &n->used);
    out->action = EXPLORER_USE;
    out->to = n->used;
    out->changed = n->moved;
}

static bool take_name(struct explorer *e, size_t number, size_t f, struct mono now,
                      struct explorer_step *out)
{
    struct explored *x = e->all[number];
    struct target_name *n = x->names[f];
    *out = (struct explorer_step){.ref = number,
                                  .number = number,
                                  .target = x->target,
                                  .host = x->target->host,
                                  .family = families[f],
                                  .port = target_port(x->target, NULL),
                                  .to = n->used,
                                  .changed = n->moved,
                                  .error = n->error,
                                  .known = n->known,
                                  .n_known = n->n_known,
                                  .pop = n->pop,
                                  .dns = resolution_kept(n->dns)};
    if (n->failed) {
        n->failed = false;
        out->action = EXPLORER_FAILED;
        out->changed = n->failures == 1;
        return true;
    }
    if (n->change != TARGET_NAME_SAME) {
        out->action = n->change == TARGET_NAME_USE ? EXPLORER_USE : EXPLORER_STOP;
        n->change = TARGET_NAME_SAME;
        return true;
    }
    if (n->decoy_due) {
        n->decoy_due = false;
        n->decoy_under_way = true;
        out->action = EXPLORER_DECOY;
        out->to.port = intercept_decoy_port(target_port(x->target, NULL));
        return true;
    }
    if (x->probed && f == SLOT_PROXY && n->ask_at.ns <= now.ns) {
        use_proxy(e, number, n, out);
        return true;
    }
    if (x->probed && !n->under_way && n->ask_at.ns <= now.ns) {
        n->under_way = true;
        e->counters.lookups++;
        out->action = EXPLORER_RESOLVE;
        return true;
    }
    return false;
}

static bool take_target(struct explorer *e, struct mono now, struct explorer_step *out)
{
    if (e->added < e->n) {
        *out = (struct explorer_step){.action = EXPLORER_ADD,
                                      .number = e->added,
                                      .target = e->all[e->added]->target};
        e->added++;
        return true;
    }
    for (size_t i = 0; i < e->n; i++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            if (e->all[i]->names[f] != NULL && take_name(e, i, f, now, out))
                return true;
    return false;
}

static bool take_door(struct explorer *e, struct mono now, struct explorer_step *out)
{
    struct doors_step step;
    if (!e->sweeping || !doors_take(e->doors, now, &step))
        return false;
    *out = (struct explorer_step){
        .action = step.what == DOORS_LOOKUP ? EXPLORER_RESOLVE : EXPLORER_HANDSHAKE,
        .ref = REF_DOORS + step.door,
        .number = SIZE_MAX,
        .host = doors_at(e->doors, step.door)->host,
        .family = step.family,
        .port = 443,
        .to = step.to};
    e->counters.lookups += step.what == DOORS_LOOKUP;
    return true;
}

/* What is due even while paused. */
static bool take_always(struct explorer *e, struct mono now, struct explorer_step *out)
{
    *out = (struct explorer_step){.number = SIZE_MAX};
    if (e->has_moved) {
        e->has_moved = false;
        out->action = EXPLORER_MOVED;
        out->error = e->moved;
        out->damping = e->damping;
        return true;
    }
    if (e->surveying && now.ns >= e->survey_ends.ns) {
        e->surveying = false;
        out->action = EXPLORER_SURVEY_END;
        return true;
    }
    return false;
}

bool explorer_take(struct explorer *e, struct mono now, struct explorer_step *out)
{
    if (take_always(e, now, out))
        return true;
    if (e->paused)
        return false;
    if (!e->surveying && now.ns >= e->survey_next.ns) {
        begin_survey(e, now);
        out->action = EXPLORER_SURVEY_BEGIN;
        return true;
    }
    turn_sweep(e, now);
    if (e->tell_unanswered) {
        e->tell_unanswered = false;
        out->action = EXPLORER_UNANSWERED;
        return true;
    }
    if (e->has_swept || e->has_forgotten) {
        out->action = e->has_forgotten ? EXPLORER_FORGOTTEN : EXPLORER_SWEPT;
        *(e->has_forgotten ? &e->has_forgotten : &e->has_swept) = false;
        return true;
    }
    return take_target(e, now, out) || take_door(e, now, out);
}

static void earlier(struct mono *at, bool *any, int64_t ns)
{
    if (!*any || ns < at->ns)
        at->ns = ns;
    *any = true;
}

bool explorer_next(const struct explorer *e, struct mono *at)
{
    bool any = false;
    struct mono door;
    if (e->has_moved)
        earlier(at, &any, 0);
    if (e->surveying)
        earlier(at, &any, e->survey_ends.ns);
    if (e->paused)
        return any;
    if (!e->surveying)
        earlier(at, &any, e->survey_next.ns);
    if (wants_doors(e)) {
        earlier(at, &any, e->sweep_next.ns);
        if ((e->sweeping && (doors_swept(e->doors) || doors_contradict(e->doors) ||
                             doors_unanswered(e->doors))) ||
            (e->chosen && e->choose_again) || e->has_swept || e->has_forgotten)
            earlier(at, &any, 0);
        if (e->sweeping && !e->chosen)
            earlier(at, &any, e->choose_at.ns);
        if (e->sweeping && doors_next(e->doors, &door))
            earlier(at, &any, door.ns);
    }
    if (e->added < e->n)
        earlier(at, &any, 0);
    for (size_t i = 0; i < e->n; i++)
        for (size_t f = 0; f < FAMILY_SLOTS; f++) {
            const struct target_name *n = e->all[i]->names[f];
            if (n == NULL)
                continue;
            if (n->failed || n->change != TARGET_NAME_SAME || n->decoy_due)
                earlier(at, &any, 0);
            else if (e->all[i]->probed && !n->under_way)
                earlier(at, &any, n->ask_at.ns);
        }
    return any;
}

/* ---- answers ---- */

static void note_hint(struct explorer *e, const struct explored *x, const char *pop,
                      enum owner_type owner)
{
    if (e->hint == NULL && x->door == SIZE_MAX && owner_may_be_pop(owner))
        e->hint = catalogue_of_pop(&e->edge_data->metros, pop, POP_FRONT_DOOR);
}

/* The workload of the target's service whose front doors have names; NULL: none. */
static const struct workload *workload_with_doors(const struct explorer *e,
                                                  const struct target *t)
{
    const struct workloads *all = &e->edge_data->workloads;
    for (size_t w = 0; w < all->n; w++)
        if (all->all[w].by_metro[0] != '\0' && same_service(t, &all->all[w]))
            return &all->all[w];
    return NULL;
}

static void name_answered(struct explorer *e, size_t number, size_t f,
                          const struct resolution *r, struct mono now)
{
    struct explored *x = e->all[number];
    struct target_name *n = x->names[f];
    const char *host = x->target->host;
    struct endpoint at = target_name_answered(
        n, host, r, target_measures(x->target, e->kinds, DELAY_HANDSHAKE), now);
    owners_resolved(e->owners, number, families[f], r->last[0] != '\0' ? r->last : host,
                    &at);
    note_hint(e, x, n->pop, explorer_owner(e, number, families[f]).type);
    e->choose_again = true;
    if (e->unanswered && workload_with_doors(e, x->target) != NULL) {
        e->unanswered = false; /* it answers again */
        e->sweep_next = now;
    }
}

static void name_failed(struct explorer *e, size_t number, size_t f,
                        const struct resolution *r, struct mono now)
{
    struct explored *x = e->all[number];
    struct endpoint nowhere = {.family = FAMILY_NONE};
    e->counters.failures++;
    if (target_name_failed(x->names[f], r, x->target->discovered, &e->random, now))
        owners_resolved(e->owners, number, families[f], x->target->host, &nowhere);
}

void explorer_answer(struct explorer *e, size_t ref, enum family family,
                     const struct resolution *r, struct mono now)
{
    size_t f = family == FAMILY_IPV6;
    bool failed = r->error != NULL && r->unfit.family == FAMILY_NONE;
    if (ref >= REF_DOORS) {
        struct endpoint none = {.family = FAMILY_NONE}, unfit;
        struct endpoint to =
            failed ? none
                   : resolution_choose(r, doors_at(e->doors, ref - REF_DOORS)->host,
                                       &none, &unfit);
        e->counters.failures += failed && r->temporary;
        doors_answer(e->doors, ref - REF_DOORS, family, &to, failed && r->temporary);
        return;
    }
    struct explored *x = e->all[ref];
    x->names[f]->under_way = false;
    if (!x->probed)
        return;
    if (failed)
        name_failed(e, ref, f, r, now);
    else
        name_answered(e, ref, f, r, now);
}

void explorer_decoy(struct explorer *e, size_t ref, enum family family, bool answered)
{
    struct target_name *n = e->all[ref]->names[family == FAMILY_IPV6];
    n->decoy_under_way = false;
    n->decoy_answered = answered;
    e->intercepted |= answered;
}

void explorer_handshake(struct explorer *e, size_t ref, int64_t rtt_ns)
{
    doors_handshake(e->doors, ref - REF_DOORS, rtt_ns);
}

bool explorer_result(struct explorer *e, size_t number, const struct result *r)
{
    struct explored *x = e->all[number];
    if (x->door != SIZE_MAX && r->outcome == OUTCOME_TLS_ERROR &&
        e->rejected < REJECTED_MAX) {
        e->rejected++;
        e->choose_again = true;
        doors_reject(e->doors, x->door);
        return true; /* without a reply */
    }
    if (r->http.status == 0)
        return false;
    enum owner_type owner =
        owners_replied(e->owners, number, r->to.family, &r->to, r->foreign).type;
    if (!owner_may_be_pop(owner))
        return true;
    const struct metro *m = catalogue_of_pop(&e->edge_data->metros, r->pop, POP_EXCHANGE);
    if (m != NULL && m != x->reply_metro) {
        x->reply_metro = m;
        e->choose_again = true;
    }
    note_hint(e, x, r->pop, owner);
    return true;
}

void explorer_prefer(struct explorer *e, size_t number, const struct endpoint *to)
{
    size_t f = family_slot((enum family)to->family);
    struct explored *x = e->all[number];
    struct target_name *n = x->names[f];
    if (n == NULL || !x->probed || !target_name_prefer(n, to))
        return;
    owners_resolved(e->owners, number, families[f], n->last, to);
    if (target_measures(x->target, e->kinds, DELAY_HANDSHAKE) && !n->decoy_under_way)
        n->decoy_due = true;
}

void explorer_ranked(struct explorer *e, const struct target_state *states, size_t n,
                     struct mono now)
{
    const struct target_state *best = NULL;
    bool ranked = false;
    e->intercepted = false;
    for (size_t i = 0; i < n; i++) {
        const struct target_state *s = &states[i];
        e->intercepted |= s->intercepted;
        ranked |= s->rank > 0;
        if (s->rank > 0 && (best == NULL || s->rank < best->rank) &&
            workload_with_doors(e, s->target) != NULL)
            best = s;
    }
    e->best = NULL;
    if (best != NULL) {
        e->best = catalogue_of_pop(&e->edge_data->metros, best->pop, POP_EXCHANGE);
        e->best_of = workload_with_doors(e, best->target);
        e->best_ns = best->min_ns;
    }
    if (!ranked) /* DNS or the uplink is not there yet */
        explorer_reason(e, now);
}

/* Whether the host was there since the last change after an hour without one. */
static bool was_there(struct explorer *e, uint64_t place)
{
    if (e->relocations.changes == 1)
        e->n_networks = 0;
    for (size_t i = 0; i < e->n_networks; i++)
        if (e->networks[i] == place)
            return true;
    if (e->n_networks < NETWORKS_MAX)
        e->networks[e->n_networks++] = place;
    return false;
}

/* What the last sweep found holds no more. */
static void sweep_again(struct explorer *e, struct mono now)
{
    doors_forget(e->doors);
    e->chosen = e->sweeping = false;
    int64_t least_ns = e->sweep_began.ns + SWEEP_LEAST_NS;
    bool at_once = e->sweep_began.ns == 0 || least_ns < now.ns;
    e->sweep_next.ns = at_once ? now.ns : least_ns;
}

static void forget_network(struct explorer *e, struct mono now)
{
    sweep_again(e, now);
    e->hint = e->best = NULL;
    e->intercepted = e->surveying = false;
    for (size_t i = 0; i < e->n; i++) {
        e->all[i]->reply_metro = NULL;
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            if (e->all[i]->names[f] != NULL)
                e->all[i]->names[f]->left = false;
    }
    e->survey_next = now;
}

void explorer_routes(struct explorer *e, bool ipv4, bool ipv6, struct mono now)
{
    if (doors_set_routes(e->doors, ipv4, ipv6) && (e->sweeping || e->chosen))
        sweep_again(e, now);
}

bool explorer_network(struct explorer *e, const char *what, bool moved, uint64_t place,
                      struct mono now)
{
    enum damping_action damping =
        damping_change(moved ? &e->relocations : &e->link_flaps, now.ns);
    bool known = !moved || was_there(e, place);
    if (damping == DAMPING_SUPPRESS && known)
        return false;
    e->damping = damping;
    e->has_moved = true;
    text_copy(e->moved, sizeof e->moved, what);
    forget_network(e, now);
    return true;
}

void explorer_pause(struct explorer *e, bool paused, struct mono now)
{
    e->paused = paused;
    if (paused) {
        if (e->surveying)
            e->survey_ends = now;
        if (e->sweeping)
            e->sweep_next = now;
        e->sweeping = false;
        for (size_t i = 0; i < e->n; i++)
            for (size_t f = 0; f < FAMILY_SLOTS; f++) {
                struct target_name *n = e->all[i]->names[f];
                if (n != NULL)
                    n->under_way = n->decoy_under_way = false;
            }
        return;
    }
    e->survey_next = now;
    if (e->sweep_began.ns == 0)
        e->sweep_next = now;
}

/* ---- what it knows ---- */

bool explorer_issuer_foreign(const struct explorer *e, const struct target *target,
                             const char *issuer)
{
    return issuers_foreign(&e->edge_data->issuers, target->service, issuer);
}

struct owner explorer_owner(const struct explorer *e, size_t number, enum family family)
{
    const struct target *t = e->all[number]->target;
    if (t->gateway)
        return (struct owner){.type = OWNER_GATEWAY};
    if (target_is_resolver(t, e->kinds))
        return (struct owner){.type = OWNER_RESOLVER};
    return owners_of(e->owners, number, family);
}

const char *explorer_failure(const struct explorer *e, size_t number)
{
    const char *error = NULL;
    for (size_t f = 0; f < FAMILY_SLOTS; f++) {
        const struct target_name *n = e->all[number]->names[f];
        if (n == NULL)
            continue;
        if (n->failures == 0 || n->used.family != FAMILY_NONE)
            return NULL;
        error = error != NULL ? error : n->error;
    }
    return error;
}

uint64_t explorer_settled(struct explorer *e, struct mono now)
{
    return damping_settled(&e->relocations, now.ns) +
           damping_settled(&e->link_flaps, now.ns);
}

bool explorer_unanswered(const struct explorer *e)
{
    return e->unanswered || (e->sweeping && !e->resumed && !doors_answered(e->doors));
}

bool explorer_summary(const struct explorer *e, struct doors_summary *out)
{
    if (e->best == NULL || e->best_ns == DELAY_UNDEFINED || !e->chosen ||
        explorer_unanswered(e))
        return false;
    *out = doors_summary(e->doors, e->best_of, e->best->at, e->best_ns);
    return true;
}

struct explorer_counters explorer_counters(const struct explorer *e)
{
    return e->counters;
}

/* ---- the whole ---- */

struct explorer *explorer_create(const struct config *config,
                                 const struct edge_data *edge_data,
                                 const struct kinds *kinds, struct explorer_pace pace,
                                 uint64_t seed)
{
    struct explorer *e = mem_zalloc(sizeof *e);
    e->config = config;
    e->edge_data = edge_data;
    e->kinds = kinds;
    e->pace = pace;
    e->random = random_from(seed);
    e->paused = true;
    e->room = config->n_targets + PIPELINE_ADDED_MAX;
    e->all = mem_zalloc(e->room * sizeof *e->all);
    e->owners = owners_create(&edge_data->suffixes, &edge_data->prefixes, e->room);
    for (size_t i = 0; i < config->n_targets; i++)
        add(e, &config->targets[i]);
    e->added = e->n; /* the pipeline has these */
    const struct workloads *w = &edge_data->workloads;
    bool ipv4 = false, ipv6 = false;
    for (size_t i = 0; config->workloads && i < w->n; i++)
        if (find_host(e, w->all[i].host) == e->n)
            add_own(e, workload_target(&w->all[i], kinds));
    for (size_t i = 0; i < e->n; i++) {
        ipv4 |= e->all[i]->target->ipv4;
        ipv6 |= e->all[i]->target->ipv6;
    }
    e->doors = doors_create(&edge_data->metros, w, ipv4, ipv6, pace.gap_ns);
    size_t n = doors_count(e->doors);
    e->door_targets = mem_alloc((n + 1) * sizeof *e->door_targets);
    for (size_t i = 0; i < n; i++)
        e->door_targets[i] = SIZE_MAX;
    return e;
}

void explorer_destroy(struct explorer *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; i < e->n; i++) {
        for (size_t f = 0; f < FAMILY_SLOTS; f++)
            target_name_destroy(e->all[i]->names[f]);
        free(e->all[i]->own);
        free(e->all[i]);
    }
    free(e->all);
    free(e->door_targets);
    doors_destroy(e->doors);
    owners_destroy(e->owners);
    free(e);
}
