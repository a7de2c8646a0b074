#include "diagnose/path_round.h"

#include "base/mem.h"
#include "edge/path_delays.h"
#include "net/timer.h"
#include "probe/cause.h"
#include "probe/path/segments.h"
#include "probe/path/tracer.h"

#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 2, ROUTERS_MAX = TRACE_TTL_MAX * TRACE_QUERIES };

/* Router names that DNS has not told by then stay unknown. */
#define NAMES_NS (1500 * NS_PER_MS)

struct round_router {
    struct round_trace *trace;
    struct endpoint address;
    struct lookup *lookup; /* NULL: finished */
    char name[HOST_TEXT_MAX];
};

struct round_trace { /* under way */
    struct path_round *round;
    struct facts_path *path;
    struct tracer *tracer; /* NULL: this place is free */
    const struct trace *trace;
    uv_timer_t *timer;
    struct round_router routers[ROUTERS_MAX];
    size_t n_routers, names_left;
};

struct path_round {
    uv_loop_t *loop;
    struct facts *facts;
    const struct edge_data *known;
    struct as_lookup *as;
    struct resolver *resolver;
    const struct uplink *uplink;
    struct round_trace under_way[AT_ONCE];
    size_t next, left;
    void (*on_path)(void *user);
    void *user;
};

static void start_next(struct path_round *p);

static const char *router_name(const struct round_trace *t,
                               const struct endpoint *address)
{
    for (size_t i = 0; i < t->n_routers; i++)
        if (endpoint_same_address(&t->routers[i].address, address))
            return t->routers[i].name;
    return "";
}

static void take_path(struct round_trace *t)
{
    struct segment_hop hops[TRACE_TTL_MAX] = {0};
    struct facts_path *path = t->path;
    struct path_sample sample = {0};
    struct path_delays delays = {0};
    struct text text = {0};
    uint8_t n;
    enum trace_end end = trace_end(t->trace, &n);
    for (size_t i = 0; i < n; i++) {
        struct trace_stats s = trace_stats(t->trace, (uint8_t)(i + 1));
        hops[i].min_ns = s.min_ns;
        hops[i].name = "";
        if (s.answer == NULL)
            continue;
        hops[i].address = s.answer->from;
        hops[i].name = router_name(t, &s.answer->from);
        struct as_answer as = as_lookup_find(t->round->as, &s.answer->from);
        hops[i].as = as_answer_certain(&as, &t->round->known->origins);
    }
    struct entry e = segments_judge(hops, n, t->round->known);
    sample.n = n;
    sample.end = end == TRACE_END_TARGET        ? PATH_REACHED
                 : end == TRACE_END_UNREACHABLE ? PATH_UNREACHABLE
                 : end == TRACE_END_LOOP        ? PATH_LOOP
                                                : PATH_SILENT;
    sample.entry = e.state;
    sample.first = e.first == SEGMENT_NO_HOP ? n : e.first;
    sample.before = e.before == SEGMENT_NO_HOP ? n : e.before;
    for (size_t i = 0; i < n; i++)
        sample.hops[i] = (struct path_hop){
            .address = hops[i].address,
            .name = hops[i].name,
            .metro = hops[i].pop.metro,
            .segment = hops[i].segment,
            .min_ns = hops[i].min_ns,
            .as = hops[i].as,
        };
    path_delays_add(&delays, &sample);
    path_delays_segments(&delays, path->segment_ns);
    segments_verdict(&text, hops, n, &e, end, n);
    path->traced = n > 0;
    path->end = sample.end;
    path->hops = n;
    if (n > 0)
        path->first_hop = hops[0].address;
    for (size_t i = 0; i < n; i++)
        if (hops[i].segment == SEGMENT_LOCAL && hops[i].address.family != FAMILY_NONE)
            path->last_local = hops[i].address;
    path->entry = e.state;
    path->role = ROLE_NONE;
    if (e.state == ENTRY_FOUND) {
        text_copy(path->entry_metro, sizeof path->entry_metro, hops[e.first].pop.metro);
        path->role = site_role(&t->round->known->site, hops[e.first].metro);
    }
    text_copy(path->text, sizeof path->text, text_string(&text));
    text_free(&text);
}

static void release(struct round_trace *t)
{
    for (size_t i = 0; i < t->n_routers; i++)
        if (t->routers[i].lookup != NULL)
            lookup_cancel(t->routers[i].lookup);
    tracer_destroy(t->tracer);
    t->tracer = NULL;
    t->trace = NULL;
    t->n_routers = t->names_left = 0;
    uv_timer_stop(t->timer);
}

static void on_names_late(uv_timer_t *timer)
{
    struct round_trace *t = timer->data;
    struct path_round *p = t->round;
    if (t->trace != NULL)
        take_path(t);
    release(t);
    p->left--;
    start_next(p);
    p->on_path(p->user);
}

static void on_name(const struct resolution *r, void *user)
{
    struct round_router *router = user;
    struct round_trace *t = router->trace;
    router->lookup = NULL;
    text_copy(router->name, sizeof router->name, r->error == NULL ? r->last : "");
    if (--t->names_left == 0 && t->trace != NULL)
        timer_in(t->timer, on_names_late, 0);
}

static void on_address(const struct endpoint *address, void *user)
{
    struct round_trace *t = user;
    if (t->n_routers == ROUTERS_MAX)
        return;
    struct round_router *router = &t->routers[t->n_routers++];
    *router = (struct round_router){.trace = t, .address = *address};
    router->lookup = resolver_name(t->round->resolver, address, on_name, router);
    t->names_left++;
}

static void on_over(const struct trace *trace, const char *cause, void *user)
{
    struct round_trace *t = user;
    if (cause != NULL)
        text_copy(t->path->cause, sizeof t->path->cause, cause);
    else
        t->trace = trace;
    timer_in(t->timer, on_names_late, cause == NULL && t->names_left > 0 ? NAMES_NS : 0);
}

static bool start_trace(struct path_round *p, struct round_trace *t,
                        struct facts_path *path)
{
    const struct tracer_events events = {on_address, on_over, t};
    struct endpoint to = path->to;
    enum tracer_method method =
        tracer_icmp_allowed(path->family) == 0 ? TRACER_ICMP : TRACER_TCP;
    if (method == TRACER_ICMP)
        to.port = 0;
    t->path = path;
    int rc =
        tracer_start(&t->tracer, p->loop, method, &to, p->uplink, tracer_whole, &events);
    if (rc == 0)
        return true;
    cause_not_sent(path->cause, sizeof path->cause, rc);
    t->tracer = NULL;
    return false;
}

static void start_next(struct path_round *p)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        while (p->under_way[i].tracer == NULL && p->next < p->facts->n_paths) {
            if (start_trace(p, &p->under_way[i], &p->facts->paths[p->next++]))
                break;
            p->left--;
        }
    }
}

struct path_round *path_round_start(uv_loop_t *loop, struct facts *facts,
                                    const struct edge_data *known, struct as_lookup *as,
                                    struct resolver *resolver,
                                    const struct uplink *uplink,
                                    void (*on_path)(void *user), void *user)
{
    struct path_round *p = mem_zalloc(sizeof *p);
    *p = (struct path_round){.loop = loop,
                             .facts = facts,
                             .known = known,
                             .as = as,
                             .resolver = resolver,
                             .uplink = uplink,
                             .left = facts->n_paths,
                             .on_path = on_path,
                             .user = user};
    for (size_t i = 0; i < AT_ONCE; i++) {
        p->under_way[i].round = p;
        p->under_way[i].timer = timer_new(loop, &p->under_way[i]);
    }
    start_next(p);
    return p;
}

size_t path_round_left(const struct path_round *p)
{
    return p->left;
}

void path_round_destroy(struct path_round *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < AT_ONCE; i++) {
        release(&p->under_way[i]);
        timer_close(p->under_way[i].timer);
    }
    free(p);
}
