#include "edge/mtu_watch.h"

#include "base/mem.h"
#include "core/event_names.h"

#include <stdlib.h>

struct mtu_watched {
    uint8_t holes; /* searches in a row that found a black hole */
    uint8_t slow;  /* results in a row that look like one */
    bool reported;
};

void mtu_watch_end(struct mtu_watch *w)
{
    free(w->all);
    free(w->more);
    *w = (struct mtu_watch){.n = 0};
}

static size_t place_of(struct mtu_watch *w, const struct target *target,
                       enum family family)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->all[i].target == target && w->all[i].family == family)
            return i;
    w->all = mem_grow(w->all, &w->room, w->n + 1, sizeof *w->all);
    w->more = mem_grow(w->more, &w->more_room, w->n + 1, sizeof *w->more);
    w->all[w->n] = (struct path_mtu){.target = target, .family = family};
    w->more[w->n] = (struct mtu_watched){.holes = 0};
    return w->n++;
}

enum { TCP_HEADERS_IPV4 = 40, TCP_HEADERS_IPV6 = 60 };

static void report(const struct path_mtu *m, bool hole, struct wall since,
                   struct wall now, struct events *events)
{
    bool ipv6 = m->family == FAMILY_IPV6;
    struct event *e = events_add(events, EVENT_PATH_BLACK_HOLE,
                                 hole ? SEVERITY_WARN : SEVERITY_INFO, now, m->target);
    e->family = m->family;
    e->since = since;
    event_change(e, hole ? "clear" : "black hole", hole ? "black hole" : "clear");
    event_number(e, ATTR_PATH_MTU, m->bytes);
    event_text(e, ATTR_PATH_MTU_LIMIT, mtu_limit_name(m->limit));
    if (hole)
        event_say(e,
                  "packets larger than %u bytes vanish and no router reports it (a black "
                  "hole), so connections hang; let firewalls pass ICMP \"%s\", or limit "
                  "the TCP MSS to %d",
                  m->bytes, ipv6 ? "packet too big" : "fragmentation needed",
                  m->bytes - (ipv6 ? TCP_HEADERS_IPV6 : TCP_HEADERS_IPV4));
    else
        event_say(e, "packets of %u bytes pass, and none larger vanishes (no black hole)",
                  m->bytes);
}

bool mtu_watch_add(struct mtu_watch *w, const struct target *target, enum family family,
                   uint16_t bytes, enum mtu_limit limit, struct wall now,
                   struct events *events)
{
    size_t i = place_of(w, target, family);
    struct path_mtu *m = &w->all[i];
    struct mtu_watched *more = &w->more[i];
    bool hole = limit == MTU_LIMIT_BLACK_HOLE;
    if (bytes == 0 || (hole && bytes < MTU_HOLE_LEAST))
        return false;
    struct wall first = more->holes > 0 && m->limit == limit ? m->searched : now;
    m->searched = now;
    m->bytes = bytes;
    m->limit = limit;
    more->holes = !hole                             ? 0
                  : more->holes < MTU_HOLE_SEARCHES ? (uint8_t)(more->holes + 1)
                                                    : more->holes;
    bool known = more->holes == MTU_HOLE_SEARCHES;
    if (known != more->reported && (known || !hole)) {
        report(m, known, first, now, events);
        more->reported = known;
    }
    return hole && !known;
}

bool mtu_watch_suspects(struct mtu_watch *w, const struct target *target,
                        const struct result *result)
{
    enum family family = (enum family)result->to.family;
    if ((family != FAMILY_IPV4 && family != FAMILY_IPV6) || result->http.proxy)
        return false;
    size_t i = place_of(w, target, family);
    uint8_t *slow = &w->more[i].slow;
    if (result->http.status != 0)
        *slow = 0;
    else if (result->outcome == OUTCOME_SLOW && *slow < MTU_SUSPICIOUS)
        return ++*slow == MTU_SUSPICIOUS;
    return false;
}

/* What is reported stays so until a search shows that it is gone. */
void mtu_watch_moved(struct mtu_watch *w)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->all[i].target->uplink != NULL)
            continue;
        w->all[i].bytes = 0;
        w->more[i].holes = w->more[i].slow = 0;
    }
}
