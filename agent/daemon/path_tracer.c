#include "daemon/path_tracer.h"

#include "base/file.h"
#include "base/intern.h"
#include "base/log.h"
#include "base/mem.h"
#include "edge/path_losses.h"
#include "edge/path_schedule.h"
#include "net/as_lookup.h"
#include "net/clock.h"
#include "net/resolver.h"
#include "net/seed.h"
#include "net/timer.h"
#include "probe/kinds.h"
#include "probe/path/segments.h"
#include "probe/path/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEPT_NAME "paths"

/* Names of routers: how long a trace waits for them, and how long they are kept. */
#define STORE_EVERY_NS (3600 * NS_PER_S)
#define NAMES_WAIT_NS  (1500 * NS_PER_MS)
#define NAME_AGE_NS    (24 * 3600 * NS_PER_S)
#define NO_NAME_AGE_NS (600 * NS_PER_S)

enum { NAMES_MAX = 256 };

struct named_router {
    struct path_tracer *tracer;
    struct endpoint address;
    struct lookup *lookup; /* NULL: finished */
    bool known;            /* DNS told the name, or that there is none */
    struct mono until;
    char name[HOST_TEXT_MAX];
};

struct tracing_path { /* under way */
    struct path_tracer *owner;
    size_t number;
    enum family family;
    const struct target *target;
    struct endpoint to;
    struct tracer *tracer; /* NULL: this place is free */
    const struct trace *trace;
    uv_timer_t *timer; /* until the names are known */
};

struct traced_target {
    const struct target *target;
    struct endpoint to[2];
};

struct traced_stream { /* of probes */
    const struct target *target;
    uint32_t number;
    struct path_losses losses;
};

struct path_tracer {
    uv_loop_t *loop;
    const struct config *config;
    const struct edge_data *edge_data;
    struct path_tracer_sources from;
    struct resolver *resolver;
    struct as_lookup *as;
    char as_problem[PATH_MAX + 192]; /* logged */
    struct path_schedule schedule;
    struct path_watch *watch;
    uv_timer_t *timer;
    struct tracing_path under_way[PATH_AT_ONCE];
    struct traced_target *targets;
    size_t n_targets, targets_room;
    struct traced_stream *streams;
    size_t n_streams, streams_room;
    struct named_router *names[NAMES_MAX];
    size_t n_names, oldest_name;
    struct path_tracer_counters counters;
    size_t routing_taken; /* events of routing in the open window */
    bool restored;
    struct mono stored;
    bool failed[2]; /* logged, by family */
};

static void arm(struct path_tracer *t);

/* ---- names of routers ---- */

static struct named_router *find_name(struct path_tracer *t,
                                      const struct endpoint *address)
{
    for (size_t i = 0; i < t->n_names; i++)
        if (endpoint_same_address(&t->names[i]->address, address))
            return t->names[i];
    return NULL;
}

static void finish(struct tracing_path *p);

static bool awaits_names(const struct tracing_path *p)
{
    if (as_lookup_waiting(p->owner->as) > 0)
        return true;
    for (uint8_t ttl = 1; ttl <= TRACE_TTL_MAX; ttl++) {
        struct trace_stats s = trace_stats(p->trace, ttl);
        struct named_router *name =
            s.answer != NULL ? find_name(p->owner, &s.answer->from) : NULL;
        if (name != NULL && name->lookup != NULL)
            return true;
    }
    return false;
}

static void finish_those_known(struct path_tracer *t)
{
    for (size_t i = 0; i < PATH_AT_ONCE; i++)
        if (t->under_way[i].trace != NULL && !awaits_names(&t->under_way[i]))
            finish(&t->under_way[i]);
}

static void on_as(void *user)
{
    finish_those_known(user);
}

static void on_name(const struct resolution *r, void *user)
{
    struct named_router *name = user;
    struct path_tracer *t = name->tracer;
    bool none = r->error != NULL || r->last[0] == '\0';
    name->lookup = NULL;
    name->known = !none || !r->temporary;
    text_copy(name->name, sizeof name->name, none ? "" : r->last);
    name->until.ns = mono_now().ns + (name->known ? NAME_AGE_NS : NO_NAME_AGE_NS);
    finish_those_known(t);
}

/* An entry for the address, the oldest one if there are many; NULL: all are in use. */
static struct named_router *name_for(struct path_tracer *t,
                                     const struct endpoint *address)
{
    struct named_router *name = find_name(t, address);
    if (name == NULL && t->n_names < NAMES_MAX)
        name = t->names[t->n_names++] = mem_zalloc(sizeof *name);
    else if (name == NULL)
        name = t->names[t->oldest_name++ % NAMES_MAX];
    return name->lookup != NULL ? NULL : name;
}

static void on_address(const struct endpoint *address, void *user)
{
    struct tracing_path *p = user;
    struct path_tracer *t = p->owner;
    struct named_router *known = find_name(t, address);
    as_lookup_find(t->as, address); /* asks */
    if (known != NULL && (known->lookup != NULL || known->until.ns > mono_now().ns))
        return;
    struct named_router *name = name_for(t, address);
    if (name == NULL ||
        !budget_take(t->from.budget, BUDGET_NAMES, BUDGET_LOOKUP, wall_now(), mono_now()))
        return;
    bool same = endpoint_same_address(&name->address, address);
    if (!same) {
        name->name[0] = '\0';
        name->known = false;
    }
    name->tracer = t;
    name->address = *address;
    name->lookup = resolver_name(t->resolver, address, on_name, name);
}

/* ---- one trace ---- */

static enum path_end end_of(enum trace_end end)
{
    static const enum path_end ends[] = {
        [TRACE_END_TARGET] = PATH_REACHED,
        [TRACE_END_UNREACHABLE] = PATH_UNREACHABLE,
        [TRACE_END_LOOP] = PATH_LOOP,
        [TRACE_END_SILENT] = PATH_SILENT,
    };
    return ends[end];
}

/* Logs a new problem of the AS database. True: its answers are doubtful. */
static bool database_fails(struct path_tracer *t)
{
    const char *problem = as_lookup_problem(t->as);
    if (problem != NULL && strcmp(problem, t->as_problem) != 0)
        log_warn("path", "%s", problem);
    text_copy(t->as_problem, sizeof t->as_problem, problem != NULL ? problem : "");
    return problem != NULL;
}

/* Sets the AS of the hops that answered. */
static void find_as(struct path_tracer *t, struct segment_hop *hops, size_t n)
{
    bool by_database[TRACE_TTL_MAX] = {false};
    for (size_t i = 0; i < n; i++) {
        if (hops[i].address.family == FAMILY_NONE)
            continue;
        struct as_answer a = as_lookup_find(t->as, &hops[i].address);
        hops[i].as = as_answer_certain(&a, &t->edge_data->origins);
        by_database[i] = a.source == AS_SOURCE_DATABASE;
    }
    bool fails = database_fails(t); /* earlier answers, too */
    for (size_t i = 0; i < n; i++)
        if (by_database[i] && fails)
            hops[i].as = 0;
}

static void sample_of(struct path_tracer *t, const struct tracing_path *p,
                      struct path_sample *out)
{
    _Static_assert((int)PATH_HOPS_MAX == (int)TRACE_TTL_MAX, "a path is a trace");
    static struct segment_hop hops[TRACE_TTL_MAX]; /* `out` points into it */
    uint8_t n;
    enum trace_end end = trace_end(p->trace, &n);
    *out = (struct path_sample){.end = end_of(end), .n = n};
    memset(hops, 0, sizeof hops);
    for (size_t i = 0; i < n; i++) {
        struct trace_stats s = trace_stats(p->trace, (uint8_t)(i + 1));
        struct path_hop *hop = &out->hops[i];
        struct named_router *name =
            s.answer != NULL ? find_name(t, &s.answer->from) : NULL;
        hop->min_ns = hops[i].min_ns = s.min_ns;
        if (s.answer != NULL)
            hop->address = hops[i].address = s.answer->from;
        hops[i].name = name != NULL ? name->name : "";
        hop->name =
            name != NULL && (name->known || name->name[0] != '\0') ? name->name : NULL;
    }
    find_as(t, hops, n);
    struct entry e = segments_judge(hops, n, t->edge_data);
    out->entry = e.state;
    out->first = e.first == SEGMENT_NO_HOP ? n : e.first;
    out->before = e.before == SEGMENT_NO_HOP ? n : e.before;
    for (size_t i = 0; i < n; i++) {
        out->hops[i].as = hops[i].as;
        out->hops[i].segment = hops[i].segment;
        out->hops[i].metro = hops[i].pop.metro;
    }
    if (p->target->uplink == NULL) /* the table is of the system's routes */
        out->n_as = t->from.as_path(&p->to, out->as_path, t->from.user);
}

static void release(struct tracing_path *p)
{
    tracer_destroy(p->tracer);
    p->tracer = NULL;
    p->trace = NULL;
    uv_timer_stop(p->timer);
}

/* Three packets to each of 30 hops, and their answers: at most 100 bytes each. */
enum { TRACE_PACKETS_MAX = 90 };

static struct budget_amount amount_of(size_t packets)
{
    return (struct budget_amount){200.0 * (double)packets, 2.0 * (double)packets};
}

/* The path and its names are known. */
static void finish(struct tracing_path *p)
{
    struct path_tracer *t = p->owner;
    struct events *events = t->from.events(t->from.user);
    struct path_sample s;
    size_t before = events->n;
    sample_of(t, p, &s);
    bool soon = path_watch_add(t->watch, p->target, p->family, &s, wall_now(), events);
    t->counters.traces++;
    t->counters.packets += p->trace->packets;
    budget_settle(t->from.budget, BUDGET_PATHS, amount_of(TRACE_PACKETS_MAX),
                  amount_of(p->trace->packets));
    release(p);
    path_schedule_done(&t->schedule, p->number, p->family, soon, mono_now());
    if (events->n > before) /* others may share the path that has changed */
        path_schedule_reason_all(&t->schedule, p->family, mono_now());
    arm(t);
}

static void on_names_late(uv_timer_t *timer)
{
    finish(timer->data);
}

/* Not from inside the tracer's callback, which it may not be destroyed in. */
static void on_over(const struct trace *trace, const char *cause, void *user)
{
    struct tracing_path *p = user;
    char name[TARGET_OVER_TEXT_MAX];
    p->trace = trace;
    if (cause != NULL)
        log_debug("path", "%s (%s): %s", target_over_text(name, p->target),
                  family_name(p->family), cause);
    timer_in(p->timer, on_names_late, awaits_names(p) ? NAMES_WAIT_NS : 0);
}

static bool affords(struct path_tracer *t)
{
    return budget_take(t->from.budget, BUDGET_PATHS, amount_of(TRACE_PACKETS_MAX),
                       wall_now(), mono_now());
}

static void start(struct path_tracer *t, size_t number, enum family family)
{
    if (!affords(t)) {
        path_schedule_done(&t->schedule, number, family, false, mono_now());
        return;
    }
    struct tracing_path *p = t->under_way;
    while (p->tracer != NULL)
        p++;
    const struct traced_target *x = &t->targets[number];
    const struct tracer_events events = {on_address, on_over, p};
    enum tracer_method method =
        tracer_icmp_allowed(family) == 0 ? TRACER_ICMP : TRACER_TCP;
    p->number = number;
    p->family = family;
    p->target = x->target;
    p->to = x->to[family_slot(family)];
    p->to.port = method == TRACER_ICMP ? 0 : target_port(x->target, NULL);
    int rc = tracer_start(&p->tracer, t->loop, method, &p->to, p->target->uplink,
                          tracer_whole, &events);
    if (rc == 0)
        return;
    bool *logged = &t->failed[family_slot(family)];
    char name[TARGET_OVER_TEXT_MAX];
    if (!*logged)
        log_warn("path", "cannot trace the path to %s (%s): %s; it is tried again",
                 target_over_text(name, p->target), family_name(family), strerror(-rc));
    *logged = true;
    p->tracer = NULL;
    path_schedule_done(&t->schedule, number, family, false, mono_now());
}

static void on_timer(uv_timer_t *timer)
{
    struct path_tracer *t = timer->data;
    size_t number;
    enum family family;
    while (path_schedule_take(&t->schedule, mono_now(), &number, &family))
        start(t, number, family);
    arm(t);
}

static void arm(struct path_tracer *t)
{
    struct mono at;
    if (path_schedule_next(&t->schedule, &at))
        timer_in(t->timer, on_timer, at.ns - mono_now().ns);
    else
        uv_timer_stop(t->timer);
}

static void drop_traces(struct path_tracer *t)
{
    for (size_t i = 0; i < PATH_AT_ONCE; i++)
        release(&t->under_way[i]);
}

/* ---- across a restart ---- */

static void restore(struct path_tracer *t)
{
    char path[FILE_TEXT_MAX + sizeof KEPT_NAME + 1], *bytes;
    size_t len;
    bool same;
    uint64_t network = t->from.network(t->from.user);
    t->restored = true;
    t->stored = mono_now();
    snprintf(path, sizeof path, "%s/" KEPT_NAME, t->config->state_dir);
    int rc = file_read(AT_FDCWD, path, FILE_NO_LINK, PATH_WATCH_BYTES_MAX, &bytes, &len);
    if (rc == -ENOENT)
        return;
    if (rc < 0) {
        log_warn("path", "%s: %s; ignored, the paths are learned anew", path,
                 file_error(rc));
        return;
    }
    const struct target **targets = mem_alloc((t->n_targets + 1) * sizeof *targets);
    for (size_t i = 0; i < t->n_targets; i++)
        targets[i] = t->targets[i].target;
    size_t line =
        path_watch_read(t->watch, targets, t->n_targets, network, bytes, len, &same);
    free(targets);
    free(bytes);
    if (line > 0)
        log_warn("path",
                 "%s: damaged at line %zu; ignored and replaced: the paths are learned "
                 "anew",
                 path, line);
}

static void store(struct path_tracer *t)
{
    struct text text = {0};
    uint64_t network = t->from.network(t->from.user);
    t->stored = mono_now();
    if (t->counters.traces == 0 || network == 0)
        return;
    path_watch_write(t->watch, network, &text);
    const char *dir = t->config->state_dir;
    int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = folder < 0
                 ? -errno
                 : file_write_whole(folder, KEPT_NAME, text_string(&text), text.len);
    if (folder >= 0)
        close(folder);
    if (rc < 0)
        log_warn("path",
                 "%s/" KEPT_NAME ": %s; after a restart the paths are learned anew", dir,
                 strerror(-rc));
    text_free(&text);
}

/* ---- inputs ---- */

/* The number of a target that is traced; SIZE_MAX: it is not. */
static size_t number_of(const struct path_tracer *t, const struct target *target)
{
    for (size_t i = 0; i < t->n_targets; i++)
        if (t->targets[i].target == target)
            return i;
    return SIZE_MAX;
}

/* Targets and usual names are traced; front doors under guessed names are only ranked. */
static bool is_traced(const struct target *target)
{
    return !target->gateway && !target_is_resolver(target, probe_kind_words()) &&
           (!target->discovered || *intern_text(target->server_name) == '\0');
}

static void want(struct path_tracer *t, const struct target *target, enum family family,
                 const struct endpoint *to)
{
    size_t number = number_of(t, target);
    bool wanted = to->family == (uint8_t)family;
    if (number == SIZE_MAX)
        return;
    if (wanted)
        t->targets[number].to[family_slot(family)] = *to;
    path_schedule_want(&t->schedule, number, family, wanted, mono_now());
}

static void add_target(struct path_tracer *t, const struct target *target)
{
    if (!is_traced(target) || number_of(t, target) != SIZE_MAX)
        return;
    t->targets =
        mem_grow(t->targets, &t->targets_room, t->n_targets + 1, sizeof *t->targets);
    t->targets[t->n_targets++] = (struct traced_target){.target = target};
}

static struct path_losses *losses_of(struct path_tracer *t, const struct target *target,
                                     uint32_t stream)
{
    for (size_t i = 0; i < t->n_streams; i++)
        if (t->streams[i].target == target && t->streams[i].number == stream)
            return &t->streams[i].losses;
    t->streams =
        mem_grow(t->streams, &t->streams_room, t->n_streams + 1, sizeof *t->streams);
    t->streams[t->n_streams] = (struct traced_stream){.target = target, .number = stream};
    return &t->streams[t->n_streams++].losses;
}

void path_tracer_result(struct path_tracer *t, const struct target *target,
                        const struct result *result)
{
    size_t number = number_of(t, target);
    enum family family = (enum family)result->to.family;
    bool measured = result->outcome != OUTCOME_NOT_MEASURED;
    if (number == SIZE_MAX || (family != FAMILY_IPV4 && family != FAMILY_IPV6))
        return;
    if (!measured)
        return;
    bool lost = outcome_is_lost(result->outcome);
    path_watch_result(t->watch, target, family, result->time, !lost);
    if (!path_losses_add(losses_of(t, target, result->stream), result->time, lost))
        return;
    path_schedule_reason(&t->schedule, number, family, mono_now());
    arm(t);
}

/* Whether it may be the effect, or the sign, of another path. */
static bool calls_trace(const struct event *e)
{
    struct event_traits is = event_traits(e->name);
    return !is.routine && is.layer != LAYER_NONE && is.layer != LAYER_PATH;
}

static void take_reasons(struct path_tracer *t, const struct events *events, size_t from)
{
    struct mono now = mono_now();
    for (size_t i = from; i < events->n; i++) {
        const struct event *e = &events->list[i];
        size_t number = number_of(t, e->target);
        if (!calls_trace(e))
            continue;
        if (e->target == NULL)
            path_schedule_reason_all(&t->schedule, e->family, now);
        else if (number != SIZE_MAX && e->family != FAMILY_IPV6)
            path_schedule_reason(&t->schedule, number, FAMILY_IPV4, now);
        if (e->target != NULL && number != SIZE_MAX && e->family != FAMILY_IPV4)
            path_schedule_reason(&t->schedule, number, FAMILY_IPV6, now);
    }
}

void path_tracer_routing(struct path_tracer *t, const struct events *events)
{
    size_t from = t->routing_taken;
    t->routing_taken = events->n;
    if (events->n <= from)
        return;
    take_reasons(t, events, from);
    arm(t);
}

void path_tracer_window(struct path_tracer *t, const struct batch *batch,
                        const struct events *events)
{
    const struct uplinks_report none = {.n = 0};
    const struct uplinks_report *over = batch->uplinks != NULL ? batch->uplinks : &none;
    for (size_t i = 0; i < batch->n_targets; i++)
        add_target(t, batch->targets[i].target);
    for (size_t i = 0; i < over->n_targets; i++)
        add_target(t, over->targets[i].target);
    if (!t->restored)
        restore(t);
    for (size_t i = 0; i < batch->n_targets; i++) {
        const struct target_state *state = &batch->targets[i];
        want(t, state->target, FAMILY_IPV4, &state->addresses[SLOT_IPV4].to);
        want(t, state->target, FAMILY_IPV6, &state->addresses[SLOT_IPV6].to);
    }
    for (size_t i = 0; i < over->n_targets; i++) {
        want(t, over->targets[i].target, FAMILY_IPV4, &over->targets[i].to[SLOT_IPV4]);
        want(t, over->targets[i].target, FAMILY_IPV6, &over->targets[i].to[SLOT_IPV6]);
    }
    take_reasons(t, events, 0);
    t->routing_taken = 0;
    if (mono_now().ns - t->stored.ns > STORE_EVERY_NS)
        store(t);
    arm(t);
}

void path_tracer_moved(struct path_tracer *t)
{
    path_watch_moved(t->watch);
    path_schedule_reason_all(&t->schedule, FAMILY_NONE, mono_now());
    arm(t);
}

void path_tracer_pause(struct path_tracer *t, bool paused)
{
    if (t->schedule.paused == paused)
        return;
    path_schedule_pause(&t->schedule, paused, mono_now());
    if (paused)
        drop_traces(t);
    arm(t);
}

struct path_watch *path_tracer_watch(struct path_tracer *t)
{
    return t->watch;
}

struct path_tracer_counters path_tracer_counters(const struct path_tracer *t)
{
    return t->counters;
}

/* ---- create and destroy ---- */

int path_tracer_create(struct path_tracer **out, uv_loop_t *loop,
                       const struct config *config, const struct edge_data *edge_data,
                       const struct path_tracer_sources *sources)
{
    struct resolver *resolver;
    int rc = resolver_create(&resolver, loop, config->dns_servers);
    if (rc < 0)
        return rc;
    struct path_tracer *t = mem_zalloc(sizeof *t);
    t->loop = loop;
    t->config = config;
    t->edge_data = edge_data;
    t->from = *sources;
    t->resolver = resolver;
    t->as =
        as_lookup_create(config->path_as_database, config->path_as_dns ? resolver : NULL);
    as_lookup_notify(t->as, on_as, t);
    as_lookup_pay(t->as, sources->budget);
    t->watch = path_watch_create(&edge_data->site);
    t->timer = timer_new(loop, t);
    for (size_t i = 0; i < PATH_AT_ONCE; i++) {
        t->under_way[i].owner = t;
        t->under_way[i].timer = timer_new(loop, &t->under_way[i]);
    }
    path_schedule_begin(&t->schedule, config->path_interval_ns, seed_random());
    *out = t;
    return 0;
}

void path_tracer_destroy(struct path_tracer *t)
{
    if (t == NULL)
        return;
    store(t);
    drop_traces(t);
    as_lookup_destroy(t->as);
    resolver_destroy(t->resolver);
    for (size_t i = 0; i < PATH_AT_ONCE; i++)
        timer_close(t->under_way[i].timer);
    timer_close(t->timer);
    for (size_t i = 0; i < t->n_names; i++)
        free(t->names[i]);
    path_schedule_end(&t->schedule);
    path_watch_destroy(t->watch);
    free(t->targets);
    free(t->streams);
    free(t);
}
