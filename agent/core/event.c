#include "core/event.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/event_names.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct event_traits event_traits(const char *name)
{
    static const struct {
        const char *name;
        struct event_traits traits;
    } all[] = {
        {EVENT_NETWORK_CHANGED, {LAYER_HOST}},
        {EVENT_LAST_METRE, {LAYER_LAST_METRE, .leaves = true}},
        {EVENT_UPLINK_CHANGED, {LAYER_HOST}},
        {EVENT_UPLINK_USED, {LAYER_HOST}},
        {EVENT_BGP_LOST, {LAYER_BGP_SESSION}},
        {EVENT_BGP_ESTABLISHED, {LAYER_BGP_SESSION}},
        {EVENT_BGP_FLAPPING, {LAYER_BGP_SESSION}},
        {EVENT_PREFIX_ANNOUNCEMENT, {LAYER_ROUTES}},
        {EVENT_PREFIX_WITHDRAWAL, {LAYER_ROUTES}},
        {EVENT_PREFIX_BACKUP_ANNOUNCEMENT, {LAYER_ROUTES}},
        {EVENT_PREFIX_BACKUP_WITHDRAWAL, {LAYER_ROUTES}},
        {EVENT_PREFIX_ACTIVE_PATH, {LAYER_ROUTES}},
        {EVENT_PREFIX_BACKUP_PATH, {LAYER_ROUTES}},
        {EVENT_PREFIX_ORIGIN, {LAYER_ROUTES}},
        {EVENT_PREFIX_BACKUP_ORIGIN, {LAYER_ROUTES}},
        {EVENT_ROUTE_NEXT_HOP, {LAYER_ROUTES}},
        {EVENT_ROUTE_SPECIFIC, {LAYER_ROUTES}},
        {EVENT_PATH_BLACK_HOLE, {LAYER_PATH, .leaves = true}},
        {EVENT_UDP_BLOCKED, {LAYER_PATH, .leaves = true}},
        {EVENT_EGRESS_CHANGED, {LAYER_PATH}},
        {EVENT_MEDIA_MEASURED, {LAYER_NONE, .routine = true}},
        {EVENT_TARGET_RESOLVED, {LAYER_NAME, .routine = true}},
        {EVENT_POP_CHANGED, {LAYER_POP}},
        {EVENT_NEAREST_CHANGED, {LAYER_PROBES, .routine = true}},
        {EVENT_EDGE_SUBOPTIMAL, {LAYER_PROBES, .leaves = true}},
        {EVENT_RESOLVER_FARTHER, {LAYER_NONE, .leaves = true}},
        {EVENT_FRONT_DOOR_AWAY, {LAYER_PROBES, .leaves = true}},
        {EVENT_ADDRESS_CHANGED, {LAYER_PROBES}},
        {EVENT_DELAY_SHIFTED, {LAYER_PROBES}},
        {EVENT_STATE_CHANGED, {LAYER_PROBES, .changes_state = true}},
        {EVENT_STATE_FLAPPING, {LAYER_PROBES, .changes_state = true, .flaps = true}},
        {EVENT_STATE_SETTLED, {LAYER_PROBES, .changes_state = true}},
        {EVENT_BLOAT_RECEIVE, {LAYER_NONE, .leaves = true}},
        {EVENT_BLOAT_TRANSMIT, {LAYER_NONE, .leaves = true}},
        {EVENT_CLOCK_CHANGED, {LAYER_NONE, .leaves = true}},
        {EVENT_EDGE_FAILOVER, {LAYER_PATH, .leaves = true}},
        {EVENT_PATH_ENTRY, {LAYER_PATH}},
        {EVENT_PATH_PROVIDER, {LAYER_PATH}},
        {EVENT_PATH_INTERRUPTED, {LAYER_PATH, .leaves = true}},
        {EVENT_PATH_LONG, {LAYER_PATH, .leaves = true}},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0)
            return all[i].traits;
    return (struct event_traits){.changes_state = false};
}

bool event_is_routing(const char *name)
{
    static const char *const begin[] = {EVENT_BGP_PREFIX, EVENT_BMP_PREFIX,
                                        EVENT_ROUTE_PREFIX, EVENT_PREFIX_PREFIX};
    for (size_t i = 0; i < sizeof begin / sizeof *begin; i++)
        if (strncmp(name, begin[i], strlen(begin[i])) == 0)
            return true;
    return false;
}

enum event_leaves event_leaves(const char *name, const char *after)
{
    static const struct {
        const char *name, *after;
        enum event_leaves leaves;
    } all[] = {
        {EVENT_BLOAT_RECEIVE, "bloated", EVENT_LEAVES_FINDING},
        {EVENT_BLOAT_TRANSMIT, "bloated", EVENT_LEAVES_FINDING},
        {EVENT_CLOCK_CHANGED, "wrong", EVENT_LEAVES_FINDING},
        {EVENT_LAST_METRE, "down", EVENT_LEAVES_FINDING},
        {EVENT_LAST_METRE, "lossy", EVENT_LEAVES_FINDING},
        {EVENT_LAST_METRE, "slow", EVENT_LEAVES_FINDING},
        {EVENT_PATH_BLACK_HOLE, "black hole", EVENT_LEAVES_FINDING},
        {EVENT_UDP_BLOCKED, "blocked", EVENT_LEAVES_FINDING},
        {EVENT_EDGE_SUBOPTIMAL, "suboptimal", EVENT_LEAVES_FINDING},
        {EVENT_RESOLVER_FARTHER, "farther", EVENT_LEAVES_FINDING},
        {EVENT_EDGE_SUBOPTIMAL, "cannot tell", EVENT_LEAVES_NOTE},
        {EVENT_FRONT_DOOR_AWAY, "backup", EVENT_LEAVES_NOTE},
        {EVENT_FRONT_DOOR_AWAY, "neither", EVENT_LEAVES_NOTE},
        {EVENT_EDGE_FAILOVER, "backup", EVENT_LEAVES_NOTE},
        {EVENT_EDGE_FAILOVER, "neither", EVENT_LEAVES_NOTE},
        {EVENT_PATH_INTERRUPTED, "silent", EVENT_LEAVES_NOTE},
        {EVENT_PATH_INTERRUPTED, "unreachable", EVENT_LEAVES_NOTE},
        {EVENT_PATH_INTERRUPTED, "loop", EVENT_LEAVES_NOTE},
        {EVENT_PATH_LONG, "long", EVENT_LEAVES_NOTE},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0 && strcmp(all[i].after, after) == 0)
            return all[i].leaves;
    return EVENT_LEAVES_NOTHING;
}

const char *severity_name(enum severity severity)
{
    switch (severity) {
    case SEVERITY_INFO:
        return "INFO";
    case SEVERITY_WARN:
        return "WARN";
    case SEVERITY_ERROR:
        return "ERROR";
    case SEVERITY_CRITICAL:
        return "CRITICAL";
    }
    return "";
}

/* ---- texts: "" is static, others are allocated ---- */

static void free_text(const char *text)
{
    if (text != NULL && *text != '\0')
        free((char *)text);
}

/* `room`: the most bytes, with the end. */
static const char *copy_text(const char *text, size_t room)
{
    char copy[EVENT_TEXT_MAX];
    if (*text == '\0')
        return "";
    text_copy(copy, room, text);
    return mem_string(copy);
}

static void set_text(const char **to, const char *text, size_t room)
{
    const char *before = *to;
    *to = copy_text(text, room);
    free_text(before);
}

static void event_clear(struct event *e)
{
    free_text(e->before);
    free_text(e->after);
    free_text(e->text);
    for (size_t i = 0; i < e->n_facts; i++)
        free_text(e->facts[i].text);
    free(e->facts);
    *e = (struct event){.name = NULL};
}

/* ---- the events of a window ---- */

void events_free(struct events *e)
{
    for (size_t i = 0; i < e->room; i++)
        event_clear(&e->list[i]);
    event_clear(&e->last_dropped);
    free(e->list);
    *e = (struct events){.n = 0};
}

/* An empty entry at the end. */
static struct event *add_entry(struct events *to)
{
    size_t room = to->room;
    to->list = mem_grow(to->list, &to->room, to->n + 1, sizeof *to->list);
    memset(to->list + room, 0, (to->room - room) * sizeof *to->list);
    struct event *e = &to->list[to->n++];
    event_clear(e);
    return e;
}

struct event *events_add_below(struct events *to, size_t most, const char *name,
                               enum severity severity, struct wall time,
                               const struct target *target)
{
    struct event *e = &to->last_dropped;
    if (to->n < most) {
        e = add_entry(to);
    } else {
        to->dropped++;
        event_clear(e);
    }
    *e = (struct event){
        .name = name, .severity = severity, .time = time, .target = target};
    event_change(e, "", "");
    set_text(&e->text, "", 1);
    return e;
}

struct event *events_add(struct events *to, const char *name, enum severity severity,
                         struct wall time, const struct target *target)
{
    return events_add_below(to, EVENTS_MAX, name, severity, time, target);
}

void event_change(struct event *e, const char *before, const char *after)
{
    set_text(&e->before, before, EVENT_WORD_MAX);
    set_text(&e->after, after, EVENT_WORD_MAX);
}

void event_say(struct event *e, const char *format, ...)
{
    char text[EVENT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    set_text(&e->text, text, sizeof text);
}

void event_append(struct event *e, const char *format, ...)
{
    char text[EVENT_TEXT_MAX];
    va_list args;
    size_t len = strlen(e->text);
    memcpy(text, e->text, len + 1);
    va_start(args, format);
    vsnprintf(text + len, sizeof text - len, format, args);
    va_end(args);
    set_text(&e->text, text, sizeof text);
}

const char *event_subject(char out[EVENT_SUBJECT_MAX], const struct event *e)
{
    const char *kind = e->kind != NULL ? e->kind->name : "";
    const char *family = e->family != FAMILY_NONE ? family_name(e->family) : "";
    bool some = *kind != '\0' || *family != '\0', both = *kind != '\0' && *family != '\0';
    char name[TARGET_OVER_TEXT_MAX];
    out[0] = '\0';
    if (e->target != NULL)
        snprintf(out, EVENT_SUBJECT_MAX, "%s%s%s%s%s%s",
                 target_over_text(name, e->target), some ? " (" : "", kind,
                 both ? ", " : "", family, some ? ")" : "");
    return out;
}

static struct fact *add_fact(struct event *e, const char *name)
{
    assert(e->n_facts < EVENT_FACTS_MAX);
    e->facts = mem_resize(e->facts, (e->n_facts + 1) * sizeof *e->facts);
    struct fact *f = &e->facts[e->n_facts++];
    *f = (struct fact){.name = name};
    return f;
}

void event_number(struct event *e, const char *name, double number)
{
    if (!isnan(number))
        add_fact(e, name)->number = number;
}

void event_text(struct event *e, const char *name, const char *text)
{
    struct fact *f = add_fact(e, name);
    f->is_text = true;
    f->text = copy_text(text, FACT_TEXT_MAX);
}

/* Of `n` events, those for which `to` has room; the others are counted. */
static size_t with_room(struct events *to, size_t n)
{
    size_t room = EVENTS_MAX - to->n, fit = n < room ? n : room;
    to->dropped += n - fit;
    return fit;
}

void events_copy(struct events *to, const struct event *from, size_t n)
{
    n = with_room(to, n);
    for (size_t i = 0; i < n; i++) {
        struct event *e = add_entry(to);
        *e = from[i];
        e->before = copy_text(from[i].before, EVENT_WORD_MAX);
        e->after = copy_text(from[i].after, EVENT_WORD_MAX);
        e->text = copy_text(from[i].text, EVENT_TEXT_MAX);
        e->facts = mem_copy(from[i].facts, from[i].n_facts * sizeof *e->facts);
        for (size_t k = 0; k < e->n_facts; k++)
            if (e->facts[k].is_text)
                e->facts[k].text = copy_text(e->facts[k].text, FACT_TEXT_MAX);
    }
}

void events_move(struct events *to, struct events *from)
{
    size_t n = with_room(to, from->n);
    for (size_t i = 0; i < n; i++) {
        *add_entry(to) = from->list[i];
        from->list[i] = (struct event){.name = NULL};
    }
    to->dropped += from->dropped;
    from->n = 0;
    from->dropped = 0;
}
