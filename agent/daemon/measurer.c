#include "daemon/measurer.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/pipeline.h"
#include "core/unsent.h"
#include "core/uplinks.h"
#include "edge/target_name.h"
#include "net/clock.h"
#include "net/neighbour.h"
#include "net/netlink.h"
#include "net/resolver.h"
#include "net/seed.h"
#include "net/socket.h"
#include "net/timer.h"
#include "otlp/names.h"
#include "probe/kinds.h"
#include "probe/tcp/single.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Each tick compares both clocks: LATE_NS late means that the host was suspended or the
 * process stopped, STEP_NS apart that the wall clock was stepped. */
#define TICK_NS NS_PER_S
#define LATE_NS (2 * NS_PER_S)
#define STEP_NS (NS_PER_S / 2)

/* Waiting time of a handshake in a sweep. */
#define HANDSHAKE_NS (2 * NS_PER_S)

/* The flows whose routes tell which uplinks are used: that all of them take one of two equal
 * routes by chance is 1 in 2^15. The same ports each time, so that no chance is a change. */
enum { FLOW_PORT = 49152, FLOWS = 16 };

struct request { /* of the explorer, in flight */
    struct request *next;
    struct measurer *m;
    size_t ref;
    enum family family;
    enum explorer_action action;
    size_t uplink; /* of a lookup over one */
    struct lookup *lookup;
    struct single *handshake;
};

struct measurer {
    uv_loop_t *loop;
    const struct config *config;
    struct measurer_events events;
    struct budget *budget;
    struct http *http;
    struct resolver *resolver;
    struct prober *prober;
    struct pipeline *pipeline;
    struct explorer *explorer;
    struct request *requests;
    struct uplinks *uplinks; /* NULL: none configured */
    struct prober *uplink_prober;
    struct resolver *uplink_resolvers[UPLINKS_MAX]; /* NULL: the system's answers */
    struct endpoint (*routes_to)[2]; /* of the targets, by the system's routes */
    const struct series **series; /* of the last batch: the pipeline's and the uplinks' */
    struct batch batch;
    struct unsent unsent;
    struct netlink *netlink; /* NULL: the kernel does not report changes */
    struct network_item gateways[2];
    struct dns_server servers[DNS_SERVERS_MAX];
    size_t n_servers;             /* 0 also if they are not probed */
    const struct target *nearest; /* as last logged */
    bool direct_failed;           /* logged: DNS does not answer where there is a proxy */
    bool paused;                  /* nothing is sent; true until the first resume */
    bool stopped;                 /* measurer_pause() was called and reported */
    uv_timer_t *probe_timer, *explore_timer, *tick_timer;
    struct mono probes_at; /* that `probe_timer` is set to; 0: it does not run */
    struct mono tick_due;
    int64_t clock_offset_ns; /* wall minus monotonic, at the last tick */
    int64_t suspended_ns;    /* suspended_ns() at the last window */
    struct measurer_counters counters;
};

/* ---- timers ---- */

static void on_probe_timer(uv_timer_t *timer);
static void on_explore_timer(uv_timer_t *timer);

static void arm_probes(struct measurer *m)
{
    struct mono at, of_uplinks;
    bool due = pipeline_next(m->pipeline, &at);
    if (m->uplinks != NULL && uplinks_next(m->uplinks, &of_uplinks)) {
        at = due && at.ns < of_uplinks.ns ? at : of_uplinks;
        due = true;
    }
    if (due && m->events.reading == PROBER_IN_SLOTS) /* due in one slot: leave together */
        at = prober_slot_end(m->prober, at);
    if (due && at.ns == m->probes_at.ns)
        return;
    m->probes_at.ns = due ? at.ns : 0;
    if (due)
        timer_in(m->probe_timer, on_probe_timer, at.ns - mono_now().ns);
    else
        uv_timer_stop(m->probe_timer);
}

/* Call after anything that may change what is due. */
static void arm(struct measurer *m)
{
    struct mono at;
    arm_probes(m);
    if (explorer_next(m->explorer, &at))
        timer_in(m->explore_timer, on_explore_timer, at.ns - mono_now().ns);
    else
        uv_timer_stop(m->explore_timer);
}

/* ---- probes ---- */

/* A probe over an uplink, from the budget of all probes. */
static bool affords_probe(struct measurer *m, const struct probe_request *r)
{
    return budget_take(
        m->budget, BUDGET_PROBES,
        budget_of_kind(&probe_kinds[r->kind]->kind, r->target->payload_bytes), wall_now(),
        mono_now());
}

static void on_result(const struct result *result, void *user);

/*
 * Where routers announce a default route but no prefix, the kernel sends to the internet
 * from a link-local address. Nothing can come back, and clients do not use such a family
 * (RFC 6724, rule 2): it is as if there were no route.
 */
static bool lacks_source(const struct measurer *m, const struct endpoint *to)
{
    size_t slot = family_slot((enum family)to->family);
    return slot != SLOT_PROXY && m->unsent.now[slot] == UNSENT_NO_ADDRESS &&
           !socket_has_route(to, m->config->over);
}

static void send_probe(struct measurer *m, const struct probe_request *r)
{
    if (!lacks_source(m, &r->to)) {
        prober_send(m->prober, r->stream, r->kind, r->target, &r->to);
        return;
    }
    struct result result = result_of(r->stream, &r->to, wall_now(), OUTCOME_NOT_MEASURED);
    result.kind = &probe_kinds[r->kind]->kind;
    text_copy(result.cause, sizeof result.cause,
              "this host has no address for it that replies could come back to");
    on_result(&result, m);
}

static void on_probe_timer(uv_timer_t *timer)
{
    struct measurer *m = timer->data;
    struct probe_request order;
    m->probes_at.ns = 0;
    while (pipeline_take(m->pipeline, mono_now(), &order))
        send_probe(m, &order);
    while (m->uplinks != NULL && uplinks_take(m->uplinks, mono_now(), &order))
        if (affords_probe(m, &order))
            prober_send(m->uplink_prober, order.stream, order.kind, order.target,
                        &order.to);
    arm_probes(m);
}

/* Passes the owner of the target's address to the pipeline before the answer or result that
 * reveals it. A foreign network is not logged here: the pipeline reports an event. */
static void apply_owner(struct measurer *m, size_t number, enum family family)
{
    char text[OWNER_TEXT_MAX];
    struct owner owner = explorer_owner(m->explorer, number, family);
    const struct target *t = pipeline_target(m->pipeline, number);
    if (!pipeline_owner(m->pipeline, number, family, &owner, mono_now(), wall_now()) ||
        t->discovered || owner.type == OWNER_FOREIGN)
        return;
    owner_text(text, &owner, t->host);
    if (owner.type == OWNER_FILTERED)
        log_warn("resolver", "%s (%s): %s", t->name, family_name(family), text);
    else if (text[0] != '\0')
        log_info("resolver", "%s (%s): %s", t->name, family_name(family), text);
}

static void apply_issuer(struct measurer *m, size_t number, const struct result *result)
{
    const char *issuer = result->http.issuer;
    if (issuer[0] == '\0')
        return;
    bool foreign = explorer_issuer_foreign(m->explorer,
                                           pipeline_target(m->pipeline, number), issuer);
    pipeline_issuer(m->pipeline, number, result->to.family, issuer, foreign);
}

/* The kernel is asked only about what could not be sent. */
static void take_unsent(struct measurer *m, size_t number, const struct result *result)
{
    bool routed = result->outcome != OUTCOME_NOT_MEASURED ||
                  result->to.family == FAMILY_PROXY ||
                  socket_has_route(&result->to, m->config->over);
    unsent_result(&m->unsent, number, result, routed);
}

static void on_result(const struct result *result, void *user)
{
    struct measurer *m = user;
    size_t number = pipeline_target_of(m->pipeline, result->stream);
    struct endpoint to;
    bool explores = false; /* the explorer may have something to do */
    if (!pipeline_only_watches(m->pipeline, result->stream)) {
        take_unsent(m, number, result);
        explores = explorer_result(m->explorer, number, result);
        if (result->http.status != 0)
            apply_owner(m, number, result->to.family);
        apply_issuer(m, number, result);
        if (m->events.on_result != NULL)
            m->events.on_result(pipeline_target(m->pipeline, number), result,
                                m->events.user);
    }
    pipeline_result(m->pipeline, result);
    if (pipeline_prefers(m->pipeline, number, result->to.family, &to)) {
        explorer_prefer(m->explorer, number, &to);
        explores = true;
    }
    if (explores)
        arm(m); /* it looks at each target: not for each result */
    else
        arm_probes(m);
}

static void on_after(uint32_t stream, enum counter what, void *user)
{
    struct measurer *m = user;
    pipeline_after(m->pipeline, stream, what);
}

static void on_busy(void *user)
{
    struct measurer *m = user;
    pipeline_busy(m->pipeline);
}

/* ---- uplinks ---- */

static bool affords(struct measurer *m, struct budget_amount a)
{
    return budget_take(m->budget, BUDGET_NAMES, a, wall_now(), mono_now());
}

static void on_uplink_result(const struct result *result, void *user)
{
    struct measurer *m = user;
    if (uplinks_result(m->uplinks, result, wall_now(), pipeline_events(m->pipeline)) &&
        m->events.on_result != NULL)
        m->events.on_result(uplinks_target(m->uplinks, result->stream), result,
                            m->events.user);
}

static void on_uplink_after(uint32_t stream, enum counter what, void *user)
{
    struct measurer *m = user;
    uplinks_after(m->uplinks, stream, what);
}

static void on_uplink_busy(void *user)
{
    struct measurer *m = user;
    uplinks_busy(m->uplinks);
}

static bool same_hop(const struct network_item *a, const struct network_item *b)
{
    return a->interface == b->interface &&
           endpoint_same_address(&a->address, &b->address);
}

/* The uplinks whose next hop is that of the system's routes, a bit for each, over several
 * flows, as equal-cost routes may share them. */
static unsigned uplinks_on_route(const struct measurer *m, int netlink,
                                 const struct endpoint *to)
{
    struct network_item hop, over;
    unsigned used = 0;
    for (uint16_t port = FLOW_PORT; port < FLOW_PORT + FLOWS; port++) {
        if (!neighbour_flow_hop(netlink, to, port, NULL, &hop))
            continue;
        for (size_t i = 0; i < m->config->n_uplinks; i++)
            if (uplink_has_family(&m->config->uplinks[i], (enum family)to->family) &&
                neighbour_flow_hop(netlink, to, port, &m->config->uplinks[i], &over) &&
                same_hop(&hop, &over)) {
                used |= 1U << i;
                break;
            }
    }
    return used;
}

static void compare_routes(struct measurer *m)
{
    int netlink = m->uplinks != NULL && !m->paused
                      ? socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)
                      : -1;
    if (netlink < 0)
        return;
    for (size_t t = 0; t < m->config->n_targets; t++)
        for (size_t i = 0; i < 2; i++) {
            const struct endpoint *to = &m->routes_to[t][i];
            if (to->family != FAMILY_NONE)
                uplinks_route(m->uplinks, t, (enum family)to->family,
                              uplinks_on_route(m, netlink, to));
        }
    uplinks_routed(m->uplinks, wall_now(), pipeline_events(m->pipeline));
    close(netlink);
}

/* ---- requests of the explorer ---- */

static struct request *request_open(struct measurer *m, const struct explorer_step *step)
{
    struct request *r = mem_zalloc(sizeof *r);
    *r = (struct request){.next = m->requests,
                          .m = m,
                          .ref = step->ref,
                          .family = step->family,
                          .action = step->action};
    return m->requests = r;
}

static void request_close(struct request *r)
{
    struct request **at = &r->m->requests;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    free(r);
}

static void cancel_requests(struct measurer *m)
{
    while (m->requests != NULL) {
        struct request *r = m->requests;
        if (r->lookup != NULL)
            lookup_cancel(r->lookup);
        single_cancel(r->handshake);
        request_close(r);
    }
}

/* A lookup over an uplink: its servers may name another PoP than the system's. */
static void on_uplink_resolution(const struct resolution *answer, void *user)
{
    struct request *r = user;
    struct measurer *m = r->m;
    const char *host = m->config->targets[r->ref].host;
    struct endpoint used = uplinks_address(m->uplinks, r->ref, r->family, r->uplink);
    struct endpoint unfit, to = resolution_choose(answer, host, &used, &unfit);
    char pop[POP_TEXT_MAX];
    target_name_pop(pop, host, answer);
    if (to.family != FAMILY_NONE)
        uplinks_resolved(m->uplinks, r->ref, r->family, r->uplink, &to, pop, mono_now(),
                         wall_now());
    request_close(r);
    arm(m);
}

static void resolve_over_uplinks(struct measurer *m, const struct explorer_step *step,
                                 const struct endpoint *to)
{
    if (m->uplinks == NULL || step->number >= m->config->n_targets ||
        step->family == FAMILY_PROXY)
        return;
    const struct target *t = step->target;
    if (uplinks_probe(t))
        m->routes_to[step->number][family_slot(step->family)] = *to;
    for (size_t i = 0; i < m->config->n_uplinks; i++) {
        if (m->uplink_resolvers[i] != NULL && to->family != FAMILY_NONE &&
            !affords(m, BUDGET_LOOKUP))
            continue; /* its last address is still probed */
        if (m->uplink_resolvers[i] == NULL || to->family == FAMILY_NONE) {
            uplinks_resolved(m->uplinks, step->number, step->family, i, to, step->pop,
                             mono_now(), wall_now());
            continue;
        }
        struct request *r = request_open(m, step);
        r->ref = step->number;
        r->uplink = i;
        r->lookup = resolver_lookup(m->uplink_resolvers[i], t->host, step->family,
                                    to->port, on_uplink_resolution, r);
    }
}

static void on_resolution(const struct resolution *answer, void *user)
{
    struct request *r = user;
    struct measurer *m = r->m;
    explorer_answer(m->explorer, r->ref, r->family, answer, mono_now());
    request_close(r);
    arm(m);
}

/* Guessed names are looked up as absolute names: under a search domain with a wildcard
 * every name would exist. */
static void resolve(struct measurer *m, const struct explorer_step *step)
{
    static const struct resolution refused = {
        .error = "the budget has nothing left for lookups now", .temporary = true};
    char absolute[HOST_TEXT_MAX + 1];
    if (!affords(m, BUDGET_LOOKUP)) {
        explorer_answer(m->explorer, step->ref, step->family, &refused, mono_now());
        return;
    }
    struct request *r = request_open(m, step);
    bool guessed = step->target == NULL || step->target->discovered;
    snprintf(absolute, sizeof absolute, "%s.", step->host);
    r->lookup = resolver_lookup(m->resolver, guessed ? absolute : step->host,
                                step->family, step->port, on_resolution, r);
}

static void on_handshake(int64_t rtt_ns, void *user)
{
    struct request *r = user;
    struct measurer *m = r->m;
    if (r->action == EXPLORER_DECOY) {
        explorer_decoy(m->explorer, r->ref, r->family, rtt_ns != DELAY_UNDEFINED);
        pipeline_decoy(m->pipeline, r->ref, r->family, rtt_ns);
    } else {
        explorer_handshake(m->explorer, r->ref, rtt_ns);
    }
    request_close(r);
    arm(m);
}

static void start_handshake(struct measurer *m, const struct explorer_step *step)
{
    if (!affords(m, BUDGET_HANDSHAKE)) {
        if (step->action == EXPLORER_DECOY)
            explorer_decoy(m->explorer, step->ref, step->family, false);
        else
            explorer_handshake(m->explorer, step->ref, DELAY_UNDEFINED);
        return;
    }
    struct request *r = request_open(m, step);
    const struct target *t = step->target;
    r->handshake =
        single_start(m->loop, &step->to, m->config->over, t != NULL ? t->dscp : 0,
                     t != NULL ? SINGLE_WAITING_NS : HANDSHAKE_NS, on_handshake, r);
}

/* ---- the explorer's steps ---- */

/* Loads certificates now, so that the first probe does not wait for them. */
static void preload(struct measurer *m, const struct target *target)
{
    if (target_measures(target, probe_kind_words(), DELAY_TLS))
        http_preload(m->http, target->ca_file);
}

/* Where a proxy carries everything, DNS need not answer: that is said once for all. */
static bool log_direct(struct measurer *m, const struct explorer_step *step)
{
    if (!step->target->proxied)
        return false;
    if (!m->direct_failed)
        log_warn(
            "resolver",
            "%s (%s): %s; HTTPS goes through the proxy, which looks names up itself; "
            "what uses no proxy is not probed until DNS answers",
            step->host, step->target->name, step->error);
    m->direct_failed = true;
    return true;
}

static void log_failed(struct measurer *m, const struct explorer_step *step)
{
    const struct target *t = step->target;
    const char *next = step->to.family == FAMILY_NONE
                           ? "not probed until it resolves"
                           : "its last address is still probed";
    if (log_direct(m, step))
        return;
    if (step->changed && !t->discovered)
        log_warn("resolver", "%s (%s, %s): %s; %s", t->host, t->name,
                 family_name(step->family), step->error, next);
    else
        log_debug("resolver", "%s (%s): %s", t->host, family_name(step->family),
                  step->error);
}

static void use(struct measurer *m, const struct explorer_step *step)
{
    char address[ADDRESS_TEXT_MAX];
    struct endpoint to = step->to;
    if (step->action == EXPLORER_STOP)
        to = (struct endpoint){.family = FAMILY_NONE};
    else if (step->changed && to.family == FAMILY_PROXY)
        log_info("resolver", "%s (%s) goes through the HTTP proxy", step->host,
                 step->target->name);
    else if (step->changed) {
        m->direct_failed &= !step->target->proxied;
        log_info("resolver", "%s (%s) is %s%s%s", step->host, step->target->name,
                 endpoint_address(address, &to), step->pop[0] != '\0' ? ", PoP " : "",
                 step->pop);
    }
    apply_owner(m, step->number, step->family);
    /* The route of the gateway is the default route; DNS servers need not be far. */
    if (!step->target->gateway && !target_is_resolver(step->target, probe_kind_words()))
        netlink_follow(m->netlink, &to);
    resolve_over_uplinks(m, step, &to);
    pipeline_addresses(m->pipeline, step->number, step->family, step->known,
                       step->n_known);
    pipeline_resolved(m->pipeline, step->number, step->family, to, step->pop, mono_now(),
                      wall_now());
    if (step->family != FAMILY_PROXY)
        pipeline_dns_answer(m->pipeline, step->number, step->family, step->dns,
                            mono_now(), wall_now());
}

static struct event *add_network_event(struct measurer *m, enum severity severity,
                                       const char *what, const char *then)
{
    struct event *e = events_add(pipeline_events(m->pipeline), EVENT_NETWORK_CHANGED,
                                 severity, wall_now(), NULL);
    event_say(e, "%s%s", what, then);
    return e;
}

/* This host is on another network: earlier measurements no longer apply. */
static void move(struct measurer *m, const struct explorer_step *step)
{
    if (step->damping == DAMPING_REPORT_UNSTABLE)
        add_network_event(
            m, SEVERITY_WARN, step->error,
            "; the network keeps changing; further changes are not reported until "
            "it has been stable for an hour");
    else
        add_network_event(m, SEVERITY_INFO, step->error, "");
    log_info("explorer", "%s: survey begins", step->error);
    pipeline_moved(m->pipeline, mono_now(), wall_now());
    if (m->events.on_moved != NULL)
        m->events.on_moved(m->events.user);
}

static void log_nearest(struct measurer *m, const struct target_state *states, size_t n)
{
    const struct target_state *first = NULL;
    size_t ranked = 0;
    for (size_t i = 0; i < n; i++) {
        ranked += states[i].rank > 0;
        if (states[i].rank == 1)
            first = &states[i];
    }
    if (first == NULL || first->target == m->nearest)
        return;
    m->nearest = first->target;
    log_info("explorer", "nearest of %zu: %s, PoP %s, %.3f ms", ranked,
             first->target->name, first->pop[0] != '\0' ? first->pop : "unknown",
             (double)first->min_ns / 1e6);
}

static void end_survey(struct measurer *m)
{
    size_t n;
    struct mono now = mono_now();
    const struct target_state *states = pipeline_survey_end(m->pipeline, now, &n);
    log_nearest(m, states, n);
    explorer_ranked(m->explorer, states, n, now);
}

static void carry_out(struct measurer *m, const struct explorer_step *step)
{
    switch (step->action) {
    case EXPLORER_ADD:
        pipeline_add(m->pipeline, step->target);
        preload(m, step->target);
        break;
    case EXPLORER_RESOLVE:
        resolve(m, step);
        break;
    case EXPLORER_USE:
    case EXPLORER_STOP:
        use(m, step);
        break;
    case EXPLORER_FAILED:
        log_failed(m, step);
        break;
    case EXPLORER_UNANSWERED:
        log_info("explorer", "no DNS server answers for the names of front doors: others "
                             "are not looked for, and it is asked ever more rarely");
        break;
    case EXPLORER_DECOY:
    case EXPLORER_HANDSHAKE:
        start_handshake(m, step);
        break;
    case EXPLORER_MOVED:
        move(m, step);
        break;
    case EXPLORER_SURVEY_BEGIN:
        pipeline_survey_begin(m->pipeline, mono_now());
        break;
    case EXPLORER_SURVEY_END:
        end_survey(m);
        break;
    case EXPLORER_SWEPT:
        if (m->events.on_swept != NULL)
            m->events.on_swept(m->events.user);
        break;
    case EXPLORER_FORGOTTEN:
        log_info("explorer", "the delays of the known front doors are not those of the "
                             "last run: this host is somewhere else; all are asked for");
        break;
    }
}

static void on_explore_timer(uv_timer_t *timer)
{
    struct measurer *m = timer->data;
    struct explorer_step step;
    while (explorer_take(m->explorer, mono_now(), &step))
        carry_out(m, &step);
    arm(m);
}

static bool take_route(struct measurer *m, enum family family)
{
    bool has = socket_has_default_route(family, m->config->over);
    bool expected = !has && netlink_expects_route(m->netlink, family);
    unsent_route(&m->unsent, family,
                 has        ? UNSENT_ROUTE
                 : expected ? UNSENT_NO_ROUTE
                            : UNSENT_NO_ADDRESS);
    return has;
}

static void take_routes(struct measurer *m)
{
    bool ipv4 = take_route(m, FAMILY_IPV4), ipv6 = take_route(m, FAMILY_IPV6);
    explorer_routes(m->explorer, ipv4, ipv6, mono_now());
}

static void on_network(const struct network_change *what, void *user)
{
    struct measurer *m = user;
    compare_routes(m);
    take_routes(m);
    if (!explorer_network(m->explorer, what->text, what->moved, what->place, mono_now()))
        log_debug("explorer", "%s", what->text);
    arm(m);
}

void measurer_survey(struct measurer *m, const char *what)
{
    if (m->paused)
        return;
    bool at_once = explorer_reason(m->explorer, mono_now());
    log_info("explorer", "%s has moved: survey begins%s", what,
             at_once ? "" : " one minute after the last one");
    arm(m);
}

/* ---- front doors across a restart ---- */

uint64_t measurer_network(const struct measurer *m)
{
    return netlink_identity(m->netlink);
}

bool measurer_restore(struct measurer *m, const struct kept_doors *kept)
{
    return explorer_resume(m->explorer, kept, wall_now().ns - kept->swept.ns, mono_now());
}

bool measurer_keep(const struct measurer *m, struct kept_doors *out)
{
    out->network = measurer_network(m);
    out->swept = wall_now();
    return out->network != 0 && explorer_keep(m->explorer, out);
}

/* ---- pause and resume ---- */

static void report_probing(struct measurer *m, bool probing, const char *why)
{
    if (probing)
        log_info("agent", "probing resumed: %s", why);
    else
        log_warn("agent", "probing is stopped: %s", why);
    struct event *e = events_add(
        pipeline_events(m->pipeline), probing ? EVENT_AGENT_RESUMED : EVENT_AGENT_STOPPED,
        probing ? SEVERITY_INFO : SEVERITY_WARN, wall_now(), NULL);
    event_say(e, "%s", why);
    event_change(e, probing ? "stopped" : "probing", probing ? "probing" : "stopped");
}

void measurer_pause(struct measurer *m, const char *why)
{
    if (m->stopped)
        return;
    report_probing(m, false, why);
    m->paused = m->stopped = true;
    cancel_requests(m);
    explorer_pause(m->explorer, true, mono_now());
    pipeline_pause(m->pipeline, true, mono_now());
    if (m->uplinks != NULL)
        uplinks_pause(m->uplinks, true, mono_now());
    arm(m);
}

void measurer_resume(struct measurer *m)
{
    if (!m->paused)
        return;
    if (m->stopped)
        report_probing(m, true, "stop order lifted");
    m->paused = m->stopped = false;
    pipeline_pause(m->pipeline, false, mono_now());
    if (m->uplinks != NULL)
        uplinks_pause(m->uplinks, false, mono_now());
    explorer_pause(m->explorer, false, mono_now());
    arm(m);
}

/* ---- clocks and windows ---- */

struct events *measurer_events(struct measurer *m)
{
    return pipeline_events(m->pipeline);
}

static void add_uplinks(struct measurer *m)
{
    struct batch *batch = &m->batch;
    if (m->uplinks == NULL)
        return;
    const struct uplinks_report *u = uplinks_close(m->uplinks, mono_now(), batch->time);
    free(m->series);
    m->series = mem_alloc((batch->n_series + u->n_series + 1) * sizeof *m->series);
    memcpy(m->series, batch->series, batch->n_series * sizeof *m->series);
    memcpy(m->series + batch->n_series, u->series, u->n_series * sizeof *m->series);
    batch->series = m->series;
    batch->n_series += u->n_series;
    batch->uplinks = u;
}

void measurer_close_window(struct measurer *m)
{
    int64_t suspended = suspended_ns();
    rolling_set_suspended(pipeline_rolling(m->pipeline), suspended - m->suspended_ns);
    m->suspended_ns = suspended;
    compare_routes(m);
    take_routes(m);
    prober_read(m->prober);
    if (m->uplinks != NULL)
        prober_read(m->uplink_prober);
    m->batch = *pipeline_close(m->pipeline, mono_now(), wall_now());
    unsent_close(&m->unsent, &m->batch);
    m->batch.unsent = &m->unsent;
    add_uplinks(m);
    explorer_ranked(m->explorer, m->batch.targets, m->batch.n_targets, mono_now());
    m->events.on_batch(&m->batch, m->events.user);
    arm(m);
}

/* Detects a suspended host, a stopped process and a stepped clock between two ticks. */
static void compare_clocks(struct measurer *m, struct mono now, struct wall wall)
{
    int64_t late_ns = now.ns - m->tick_due.ns;
    int64_t offset_ns = wall.ns - now.ns;
    if (late_ns > m->counters.loop_lag_max_ns)
        m->counters.loop_lag_max_ns = late_ns;
    int64_t stepped_ns = llabs(offset_ns - m->clock_offset_ns);
    if (late_ns > LATE_NS || stepped_ns > STEP_NS) {
        log_info(
            "agent",
            "measuring was interrupted: event loop stalled for %.1f s, clock stepped by "
            "%.1f s",
            (double)late_ns / 1e9, (double)stepped_ns / 1e9);
        pipeline_interrupted(m->pipeline);
        if (m->uplinks != NULL)
            uplinks_interrupted(m->uplinks);
    } else if (late_ns > PIPELINE_LATE_NS) {
        pipeline_busy(m->pipeline);
    }
    m->clock_offset_ns = offset_ns;
}

static void report_settled(struct measurer *m)
{
    uint64_t changes = explorer_settled(m->explorer, mono_now());
    if (changes == 0)
        return;
    struct event *e = add_network_event(m, SEVERITY_INFO, "the network of this host",
                                        " has not changed for an hour");
    event_number(e, ATTR_NETWORK_CHANGES, (double)changes);
}

/* The kernel reports changes seconds later than it makes them; this costs nothing. */
static void take_gateways(struct measurer *m)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    for (size_t f = 0; f < 2 && m->config->gateway; f++) {
        struct network_item *is = &m->gateways[f], found = {.family = FAMILY_NONE};
        bool has = netlink_gateway(m->netlink, families[f], &found);
        if (!has && is->address.family == FAMILY_NONE)
            continue;
        *is = found;
        explorer_gateway(m->explorer, families[f], &found.address);
    }
}

bool measurer_gateway(const struct measurer *m, enum family family,
                      struct network_item *out)
{
    *out = m->gateways[family_slot(family)];
    return out->address.family != FAMILY_NONE;
}

bool measurer_uplink(const struct measurer *m, char name[INTERFACE_NAME_MAX])
{
    return netlink_uplink(m->netlink, name);
}

/* Follows resolv.conf. */
static void take_resolvers(struct measurer *m)
{
    if (!m->config->dns_probe)
        return;
    struct dns_server now[DNS_SERVERS_MAX];
    size_t n = resolver_servers_behind(m->resolver, now);
    if (n == m->n_servers && memcmp(now, m->servers, n * sizeof *now) == 0)
        return;
    memcpy(m->servers, now, n * sizeof *now);
    m->n_servers = n;
    explorer_resolvers(m->explorer, now, n);
}

size_t measurer_resolvers(const struct measurer *m, struct watched_server *out)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_servers; i++) {
        out[n].at = m->servers[i];
        out[n].target = explorer_resolver(m->explorer, &m->servers[i]);
        bool again = out[n].target == NULL;
        for (size_t k = 0; k < n; k++)
            again |= out[k].target == out[n].target;
        n += !again;
    }
    return n;
}

static void arm_tick(struct measurer *m, struct wall wall);

static void on_tick(uv_timer_t *timer)
{
    struct measurer *m = timer->data;
    struct wall wall = wall_now();
    compare_clocks(m, mono_now(), wall);
    report_settled(m);
    take_gateways(m);
    take_resolvers(m);
    arm(m);
    if (wall.ns >= pipeline_closing(m->pipeline).ns)
        measurer_close_window(m);
    arm_tick(m, wall);
}

/* The next tick comes in TICK_NS, or when the window closes if that is sooner. */
static void arm_tick(struct measurer *m, struct wall wall)
{
    int64_t closing_ns = pipeline_closing(m->pipeline).ns, wait_ns = TICK_NS;
    if (wall.ns > closing_ns - TICK_NS)
        wait_ns = wall.ns < closing_ns ? closing_ns - wall.ns : 0;
    m->tick_due.ns = mono_now().ns + wait_ns;
    timer_in(m->tick_timer, on_tick, wait_ns);
}

/* ---- create and destroy ---- */

/* Opens the kinds that the targets use, so that a missing permission is logged once, at the
 * start. */
static void open_kinds(struct measurer *m)
{
    for (size_t t = 0; t < m->config->n_targets; t++)
        preload(m, &m->config->targets[t]);
    for (size_t k = 0; k < probe_kinds_count; k++) {
        char why[256];
        bool wanted = m->config->dns_probe && probe_kinds[k]->kind.of_resolver;
        for (size_t t = 0; t < m->config->n_targets; t++)
            wanted = wanted || m->config->targets[t].kinds[k];
        if (wanted && prober_open(m->prober, k, why, sizeof why) < 0)
            log_warn("prober", "%s is not measured: %s", probe_kinds[k]->kind.name, why);
    }
}

static void create_uplinks(struct measurer *m, struct wall wall)
{
    struct uplinks_settings settings = config_uplinks(m->config);
    struct prober_events events = {.on_result = on_uplink_result,
                                   .on_after = on_uplink_after,
                                   .on_busy = on_uplink_busy,
                                   .user = m,
                                   .reading = m->events.reading};
    if (settings.n == 0)
        return;
    settings.reader = (struct series_reader){m->events.settle, m->events.user};
    m->routes_to = mem_zalloc(m->config->n_targets * sizeof *m->routes_to);
    m->uplinks = uplinks_create(&settings, probe_kind_words(),
                                pipeline_rolling(m->pipeline), seed_random(), wall);
    m->uplink_prober = prober_create(m->loop, probe_kinds, probe_kinds_count, m->resolver,
                                     m->http, events);
    uplinks_pause(m->uplinks, true, mono_now());
    for (size_t i = 0; i < settings.n; i++) {
        const struct uplink *u = &m->config->uplinks[i];
        if (u->dns_servers[0] != '\0' &&
            resolver_create(&m->uplink_resolvers[i], m->loop, u->dns_servers) == 0)
            resolver_use_uplink(m->uplink_resolvers[i], u);
    }
}

int measurer_create(struct measurer **out, uv_loop_t *loop, const struct config *config,
                    const struct edge_data *edge_data, struct http *http,
                    struct explorer_pace pace, struct budget *budget,
                    struct measurer_events events)
{
    struct resolver *resolver;
    int rc = resolver_create(&resolver, loop, config->dns_servers);
    if (rc < 0)
        return rc;

    struct measurer *m = mem_zalloc(sizeof *m);
    m->loop = loop;
    m->config = config;
    m->events = events;
    m->http = http;
    m->resolver = resolver;
    struct prober_events prober_events = {.on_result = on_result,
                                          .on_after = on_after,
                                          .on_busy = on_busy,
                                          .user = m,
                                          .reading = events.reading};
    m->unsent.kinds = probe_kind_words();
    m->prober = prober_create(loop, probe_kinds, probe_kinds_count, resolver, http,
                              prober_events);
    struct wall wall = wall_now();
    struct pipeline_settings settings = config_pipeline(config);
    settings.budget = m->budget = budget;
    settings.reader = (struct series_reader){events.settle, events.user};
    m->pipeline =
        pipeline_create(&settings, probe_kind_words(), seed_random(), mono_now(), wall);
    m->explorer =
        explorer_create(config, edge_data, probe_kind_words(), pace, seed_random());
    m->clock_offset_ns = wall.ns - mono_now().ns;
    m->suspended_ns = suspended_ns();
    m->probe_timer = timer_new(m->loop, m);
    m->explore_timer = timer_new(m->loop, m);
    m->tick_timer = timer_new(m->loop, m);
    create_uplinks(m, wall);
    open_kinds(m);
    m->paused = true;
    rc = netlink_create(&m->netlink, loop, NETWORK_SETTLE_NS, on_network, m);
    if (rc < 0)
        log_info(
            "explorer",
            "the kernel does not report network changes (%s): discovery runs only every "
            "hour",
            strerror(-rc));
    take_routes(m);
    take_gateways(m);
    take_resolvers(m);
    arm_tick(m, wall);
    *out = m;
    return 0;
}

struct measurer_counters measurer_counters(struct measurer *m)
{
    struct measurer_counters counters = m->counters;
    counters.probing = !m->paused;
    counters.prober = prober_counters(m->prober);
    counters.names = explorer_counters(m->explorer);
    m->counters.loop_lag_max_ns = 0;
    return counters;
}

const char *measurer_failure(const struct measurer *m, size_t target)
{
    return explorer_failure(m->explorer, target);
}

bool measurer_unanswered(const struct measurer *m)
{
    return explorer_unanswered(m->explorer);
}

bool measurer_summary(const struct measurer *m, struct doors_summary *out)
{
    return explorer_summary(m->explorer, out);
}

struct rolling_set *measurer_rolling(struct measurer *m)
{
    return pipeline_rolling(m->pipeline);
}

void measurer_destroy(struct measurer *m)
{
    if (m == NULL)
        return;
    netlink_destroy(m->netlink);
    cancel_requests(m);
    timer_close(m->probe_timer);
    timer_close(m->explore_timer);
    timer_close(m->tick_timer);
    prober_destroy(m->prober);
    prober_destroy(m->uplink_prober);
    uplinks_destroy(m->uplinks);
    free(m->routes_to);
    free(m->series);
    unsent_free(&m->unsent);
    for (size_t i = 0; i < UPLINKS_MAX; i++)
        resolver_destroy(m->uplink_resolvers[i]);
    resolver_destroy(m->resolver);
    pipeline_destroy(m->pipeline);
    explorer_destroy(m->explorer);
    free(m);
}
