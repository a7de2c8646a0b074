#include "edge/site.h"

#include "core/result.h"
#include "edge/location.h"

#include <math.h>
#include <string.h>
#include <strings.h>

const char *role_name(enum role role)
{
    static const char *const names[] = {
        [ROLE_NONE] = "none",     [ROLE_UNKNOWN] = "unknown", [ROLE_PRIMARY] = "primary",
        [ROLE_BACKUP] = "backup", [ROLE_NEITHER] = "neither",
    };
    return names[role];
}

/* ---- the configuration ---- */

struct site_reading {
    struct site *site;
    config_problem_cb *on_problem;
    void *user;
    size_t problems;
};

/* Reports and clears `what`. */
static void problem(struct site_reading *r, struct text *what)
{
    r->problems++;
    if (r->on_problem != NULL)
        r->on_problem(text_string(what), r->user);
    text_free(what);
}

static void read_location(struct site_reading *r, const char *location)
{
    struct site *s = r->site;
    struct text what = {0};
    if (*location == '\0')
        return;
    text_add(&what, "location = %s in [agent]: ", location);
    if (!location_parse(&s->at, s->metros, location, &what))
        problem(r, &what);
    else
        catalogue_nearest(s->metros, s->at, &s->nearest, 1);
    text_free(&what);
}

/* In Azure a connection without a backup location has "None": traffic fails over to the
 * ordinary internet. */
static bool is_none(const char *location)
{
    return *location == '\0' || strcasecmp(location, "none") == 0;
}

/* The metro of a location: by its _metro key, or if the location itself is a code. */
static const struct metro *read_metro(struct site_reading *r, const char *key,
                                      const char *location, const char *code)
{
    struct text what = {0};
    const struct metro *m;
    if (*code == '\0' && is_none(location))
        return NULL;
    if (*code != '\0') {
        text_add(&what, "%s_metro = %s in [peering_service]: ", key, code);
        m = location_metro(r->site->metros, code, &what);
    } else {
        text_add(&what, "%s = %s in [peering_service] needs the key %s_metro, too: ", key,
                 location, key);
        m = location_metro(r->site->metros, location, &what);
    }
    if (m == NULL)
        problem(r, &what);
    text_free(&what);
    return m;
}

size_t site_read(struct site *out, const struct catalogue *metros, const char *location,
                 const struct peering *peering, config_problem_cb *on_problem, void *user)
{
    struct site_reading r = {.site = out, .on_problem = on_problem, .user = user};
    *out = (struct site){.metros = metros, .peering = *peering};
    read_location(&r, location);
    if (peering->connection[0] == '\0')
        return r.problems;
    out->primary = read_metro(&r, "primary", peering->primary, peering->primary_metro);
    out->backup = read_metro(&r, "backup", peering->backup, peering->backup_metro);
    return r.problems;
}

/* ---- the standing of a PoP ---- */

/* ROLE_NEITHER requires that both locations are known, or that there is no backup. */
enum role site_role(const struct site *s, const struct metro *m)
{
    const struct peering *p = &s->peering;
    bool has_backup = p->backup_metro[0] != '\0' || !is_none(p->backup);
    if (p->connection[0] == '\0')
        return ROLE_NONE;
    if (catalogue_same_metro(m, s->primary))
        return ROLE_PRIMARY;
    if (catalogue_same_metro(m, s->backup))
        return ROLE_BACKUP;
    if (m == NULL || s->primary == NULL || (has_backup && s->backup == NULL))
        return ROLE_UNKNOWN;
    return ROLE_NEITHER;
}

struct standing site_standing(const struct site *site, const char *pop, const char *basis)
{
    struct standing s = {.km = NAN, .bound_ns = DELAY_UNDEFINED, .excess_km = NAN};
    s.metro = catalogue_of_pop(site->metros, pop, pop_family_of(basis));
    s.role = site_role(site, s.metro);
    if (s.metro == NULL || site->nearest.metro == NULL)
        return s;
    s.km = distance_km(site->at, s.metro->at);
    s.bound_ns = distance_rtt_bound_ns(s.km);
    s.excess_km =
        catalogue_same_metro(s.metro, site->nearest.metro) ? 0 : s.km - site->nearest.km;
    return s;
}
