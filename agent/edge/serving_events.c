#include "edge/serving_state.h"

#include "base/text.h"
#include "core/event_names.h"

#include <inttypes.h>
#include <stdio.h>

#define WORDS_MAX 80

/* "London (LON)"; "XQZ", where that is. */
static const char *words(char out[WORDS_MAX], const char *pop, const struct metro *m)
{
    if (m != NULL)
        snprintf(out, WORDS_MAX, "%s (%s)", m->city, pop);
    else
        text_copy(out, WORDS_MAX, pop);
    return out;
}

static struct event *add(const struct look *l, const char *name, enum severity severity,
                         const char *before, const char *after)
{
    struct event *e = events_add(l->events, name, severity, l->time, l->target);
    e->family = l->family;
    text_copy(e->before, sizeof e->before, before);
    text_copy(e->after, sizeof e->after, after);
    return e;
}

static void fact(struct event *e, const char *name, const char *text)
{
    if (*text != '\0')
        event_text(e, name, text);
}

static void fact_metro(struct event *e, const char *name, const struct metro *m)
{
    fact(e, name, m != NULL ? m->city : "");
}

static void fact_address(struct event *e, const struct look *l)
{
    char address[ADDRESS_TEXT_MAX];
    fact(e, ATTR_PEER_ADDRESS, endpoint_address(address, &l->place->to));
    fact(e, ATTR_DNS_CHAIN, l->place->asked.chain);
}

/* ---- another PoP ---- */

struct standing serving_standing(const struct look *l, const struct reported_pop *seen)
{
    return site_standing(l->site, seen->pop, seen->basis);
}

static bool same_metro(const struct metro *a, const struct metro *b)
{
    return a != NULL && b != NULL && catalogue_same_metro(a, b);
}

static struct event *add_change(const struct look *l, enum severity severity,
                                const struct reported_pop *before)
{
    struct event *e = add(l, EVENT_POP_CHANGED, severity, before->pop, l->place->pop);
    e->calls_survey = true;
    fact_metro(e, ATTR_METRO_BEFORE, serving_standing(l, before).metro);
    fact_metro(e, ATTR_METRO_AFTER, l->standing.metro);
    event_number(e, ATTR_DISTANCE, l->standing.km);
    fact_address(e, l);
    fact(e, ATTR_DNS_SERVERS, l->place->asked.servers);
    return e;
}

void serving_say_change(const struct look *l, const struct reported_pop *before)
{
    struct standing was = serving_standing(l, before);
    char from[WORDS_MAX], to[WORDS_MAX];
    const struct metro *a = was.metro, *b = l->standing.metro;
    bool stays = same_metro(a, b);
    bool farther = l->standing.km > was.km; /* not when either is unknown */
    struct event *e =
        add_change(l, !stays && farther ? SEVERITY_WARN : SEVERITY_INFO, before);
    event_say(e, "served by %s, before by %s%s", words(to, l->place->pop, b),
              words(from, before->pop, a), stays ? ", in the same metro" : "");
}

void serving_say_unstable(const struct look *l, const struct reported_pop *before)
{
    char from[WORDS_MAX], to[WORDS_MAX];
    bool stays = same_metro(serving_standing(l, before).metro, l->standing.metro);
    struct event *e = add_change(l, stays ? SEVERITY_INFO : SEVERITY_WARN, before);
    event_number(e, ATTR_POP_CHANGES, DAMPING_CHANGES);
    event_say(e,
              "alternates: %d changes of its PoP within an hour, the last one from %s to "
              "%s; said again when it has stayed for an hour",
              DAMPING_CHANGES,
              words(from, before->pop, serving_standing(l, before).metro),
              words(to, l->place->pop, l->standing.metro));
}

void serving_say_still(const struct look *l, uint64_t changes)
{
    char at[WORDS_MAX];
    struct event *e = add_change(l, SEVERITY_INFO, &l->served->before);
    event_number(e, ATTR_POP_CHANGES, (double)changes);
    event_say(e, "served by %s for an hour, after %" PRIu64 " change%s of its PoP",
              words(at, l->place->pop, l->standing.metro), changes,
              changes == 1 ? "" : "s");
}

/* ---- Microsoft's at all? ---- */

void serving_say_foreign(const struct look *l)
{
    char text[OWNER_TEXT_MAX];
    const struct owner *owner = &l->place->owner;
    struct event *e = add(l, EVENT_TARGET_FOREIGN, SEVERITY_WARN, l->served->now.pop,
                          owner_name(owner->type));
    fact(e, ATTR_VERDICT_BASIS, owner->why);
    fact_address(e, l);
    fact(e, ATTR_DNS_SERVERS, l->place->asked.servers);
    event_say(e, "%s", owner_text(text, owner, l->target->host));
}

/* ---- the right one? ---- */

void serving_say_fit(const struct look *l, enum fit fit)
{
    static const char *const names[] = {"", "optimal", "suboptimal"};
    char at[WORDS_MAX], nearest[WORDS_MAX];
    const struct near_metro *near = &l->site->nearest;
    const struct limits *limits = &l->target->limits;
    bool wrong = fit == FIT_SUBOPTIMAL;
    struct event *e = add(l, EVENT_EDGE_SUBOPTIMAL, wrong ? SEVERITY_WARN : SEVERITY_INFO,
                          names[l->served->fit], names[fit]);
    fact_metro(e, ATTR_METRO, l->standing.metro);
    event_number(e, ATTR_DISTANCE, l->standing.km);
    fact_metro(e, ATTR_METRO_NEAREST, near->metro);
    event_number(e, ATTR_DISTANCE_NEAREST, near->km);
    event_number(e, ATTR_DISTANCE_EXCESS, l->standing.excess_km);
    fact_address(e, l);
    fact(e, ATTR_DNS_SERVERS, l->place->asked.servers);
    words(at, l->place->pop, l->standing.metro);
    words(nearest, near->metro->code, near->metro);
    if (wrong)
        event_say(e,
                  "served by %s, %.0f km away, while %s is %.0f km away; the limit is "
                  "%.0f km more%s%s",
                  at, l->standing.km, nearest, near->km, limits->distance_km,
                  limits->distance_source[0] != '\0' ? ", by " : "",
                  limits->distance_source);
    else
        event_say(e, "served by %s, %.0f km away, which is near enough again", at,
                  l->standing.km);
}

static enum severity severity_of(enum role role)
{
    return role == ROLE_NEITHER  ? SEVERITY_ERROR
           : role == ROLE_BACKUP ? SEVERITY_WARN
                                 : SEVERITY_INFO;
}

static const char *location_of(enum role role)
{
    return role == ROLE_PRIMARY   ? "the primary location"
           : role == ROLE_BACKUP  ? "the backup location"
           : role == ROLE_NEITHER ? "no location"
                                  : "perhaps a location";
}

void serving_say_role(const struct look *l, enum role before)
{
    char at[WORDS_MAX];
    const struct peering *p = &l->site->peering;
    enum role role = l->standing.role;
    struct event *e = add(l, EVENT_EDGE_FAILOVER, severity_of(role), role_name(before),
                          role_name(role));
    fact(e, ATTR_PEERING_CONNECTION, p->connection);
    fact(e, ATTR_PEERING_PROVIDER, p->provider);
    fact_metro(e, ATTR_PEERING_PRIMARY, l->site->primary);
    fact_metro(e, ATTR_PEERING_BACKUP, l->site->backup);
    fact_metro(e, ATTR_METRO, l->standing.metro);
    event_number(e, ATTR_DISTANCE, l->standing.km);
    fact_address(e, l);
    bool has_none = role == ROLE_NEITHER && l->site->backup == NULL;
    event_say(e, "served by %s, %s of connection %s%s",
              words(at, l->place->pop, l->standing.metro), location_of(role),
              p->connection,
              has_none ? ": without a backup that is the ordinary internet" : "");
}
