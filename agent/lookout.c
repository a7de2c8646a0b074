/*
 * What is near: turns discovery with the measurer's names and pipeline.
 */
#include "base/log.h"
#include "measurer_state.h"
#include "net/clock.h"

#include <string.h>

void lookout_rest(struct measurer *m, size_t target)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    struct endpoint nowhere = {.family = FAMILY_NONE};
    names_rest(m->names, target);
    for (size_t f = 0; f < 2; f++)
        pipeline_resolved(m->pipeline, target, families[f], nowhere, "", mono_now(),
                          wall_now());
}

void lookout_take(struct measurer *m, struct mono now)
{
    for (size_t i = 0; i < discovery_count(m->discovery); i++) {
        struct found *f = discovery_found(m->discovery, i);
        if (!f->wanted && f->number != SIZE_MAX) {
            lookout_rest(m, f->number);
        } else if (f->wanted && f->number != SIZE_MAX) {
            names_wake(m->names, f->number, now);
        } else if (f->wanted) {
            f->number = pipeline_add(m->pipeline, &f->target);
            names_add(m->names, f->number, &f->target);
            measurer_preload(m, &f->target);
        }
    }
    names_tick(m->names, now);
}

static void choose(struct measurer *m)
{
    if (discovery_choose(m->discovery))
        lookout_take(m, mono_now());
}

void lookout_hint(struct measurer *m, size_t target, const char *pop)
{
    discovery_hint(m->discovery, target, pop);
    choose(m);
}

static void look(struct measurer *m, struct mono now)
{
    if (m->paused) /* it looks around when it goes on */
        return;
    looking_begin(&m->looking, now);
    discovery_begin(m->discovery);
    names_ask_all(m->names, now);
    lookout_take(m, now);
    choose(m);
    pipeline_survey_begin(m->pipeline, now);
    measurer_arm(m);
}

void measurer_look(struct measurer *m, const char *what)
{
    struct mono now = mono_now();
    if (m->paused)
        return;
    bool at_once = looking_reason(&m->looking, now);
    log_info("discovery", "%s has moved: looking around for what is near%s", what,
             at_once ? "" : " when a minute has passed since the last time");
    if (at_once)
        look(m, now);
}

static struct event *say_network(struct measurer *m, enum severity severity,
                                 const char *what, const char *then)
{
    struct event *e = events_add(pipeline_events(m->pipeline), "edgelat.network.changed",
                                 severity, wall_now(), NULL);
    event_say(e, "%s%s", what, then);
    return e;
}

/* Whether it was there since the last change that was still: it goes to and fro. */
static bool was_there(struct measurer *m, uint64_t place)
{
    if (m->moves.changes == 1)
        m->n_places = 0;
    for (size_t i = 0; i < m->n_places; i++)
        if (m->places[i] == place)
            return true;
    if (m->n_places < PLACES_MAX)
        m->places[m->n_places++] = place;
    return false;
}

/* Another network is another place: what was measured does not hold from here. Of one
 * that goes to and fro only the figures tell: else nothing would ever be known. A place
 * where it was not before is always told; a link that was down for a moment is damped for
 * itself. */
static void on_network(const struct network_change *what, void *user)
{
    struct measurer *m = user;
    struct swing *swing = what->moved ? &m->moves : &m->interruptions;
    enum swing_news news = swing_change(swing, mono_now().ns);
    bool known = !what->moved || was_there(m, what->place);
    if (news == SWING_SILENT && known) {
        log_debug("discovery", "%s", what->text);
        return;
    }
    if (news == SWING_BEGAN)
        say_network(m, SEVERITY_WARN, what->text,
                    "; the network of this host keeps changing; further changes to and "
                    "fro are not reported until it has been stable for an hour");
    else
        say_network(m, SEVERITY_INFO, what->text, "");
    log_info("discovery", "%s: looking around for what is near", what->text);
    pipeline_moved(m->pipeline, wall_now());
    discovery_moved(m->discovery);
    look(m, mono_now());
}

static void say_settled(struct measurer *m, uint64_t changes)
{
    struct event *e = say_network(m, SEVERITY_INFO, "the network of this host",
                                  " has not changed for an hour");
    event_number(e, "edgelat.network.changes", (double)changes);
}

static void watch_network(struct measurer *m)
{
    int rc = netlink_create(&m->netlink, m->loop, NETWORK_SETTLE_NS, on_network, m);
    if (rc < 0)
        log_info("discovery",
                 "the kernel does not tell of network changes (%s): looking around each "
                 "hour only",
                 strerror(-rc));
}

/* NULL: there is none. */
static const struct target_state *find_nearest(const struct target_state *states,
                                               size_t n, size_t *ranked)
{
    const struct target_state *first = NULL;
    *ranked = 0;
    for (size_t t = 0; t < n; t++) {
        *ranked += states[t].rank > 0;
        if (states[t].rank == 1)
            first = &states[t];
    }
    return first;
}

static void say_nearest(struct measurer *m, const struct target_state *first,
                        size_t ranked)
{
    if (first->target == m->nearest)
        return;
    m->nearest = first->target;
    log_info("discovery", "nearest of %zu: %s, PoP %s, %.3f ms", ranked,
             first->target->name, first->pop[0] != '\0' ? first->pop : "unknown",
             (double)first->min_ns / 1e6);
}

/* The PoP that answered first need not be near: where one is nearer, look around that. */
static void take_first(struct measurer *m)
{
    size_t n, ranked;
    const struct target_state *states = pipeline_survey_rank(m->pipeline, &n);
    const struct target_state *first = find_nearest(states, n, &ranked);
    if (first != NULL && discovery_nearest(m->discovery, first->pop))
        choose(m);
}

static void end_look(struct measurer *m, struct mono now)
{
    size_t n, ranked;
    const struct target_state *states = pipeline_survey_end(m->pipeline, now, &n);
    const struct target_state *first = find_nearest(states, n, &ranked);
    if (first != NULL)
        say_nearest(m, first, ranked);
    bool again = first == NULL || discovery_nearest(m->discovery, first->pop);
    looking_end(&m->looking, again);
    measurer_arm(m);
}

void lookout_tick(struct measurer *m, struct mono now)
{
    uint64_t changes =
        swing_settled(&m->moves, now.ns) + swing_settled(&m->interruptions, now.ns);
    if (changes > 0)
        say_settled(m, changes);
    if (looking_has_first(&m->looking, now))
        take_first(m);
    if (looking_is_over(&m->looking, now))
        end_look(m, now);
    if (looking_is_due(&m->looking, now))
        look(m, now);
}

void lookout_look(struct measurer *m)
{
    look(m, mono_now());
}

void lookout_pause(struct measurer *m)
{
    if (m->looking.ends.ns != 0)
        end_look(m, mono_now());
}

void lookout_begin(struct measurer *m)
{
    watch_network(m);
}
