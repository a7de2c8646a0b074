#include "probe/path/segments.h"

#include "core/result.h"
#include "edge/whereis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- segments ---- */

static bool by_name(struct segment_hop *hop, const struct edge_data *known)
{
    struct whereis w;
    whereis(&w, known, hop->name, strlen(hop->name));
    bool router = w.kind == WHEREIS_ROUTER;
    bool host =
        w.kind == WHEREIS_CNAME && (w.owner == OWNER_EDGE || w.owner == OWNER_REGION);
    if (!router && !host)
        return false;
    if (router) {
        hop->pop = w.pop;
        hop->metro = w.metro;
    }
    snprintf(hop->basis, sizeof hop->basis, "%s name", router ? "router" : "host");
    return true;
}

static bool by_prefix(struct segment_hop *hop, const struct edge_data *known)
{
    const struct prefix *p = prefixes_find(&known->prefixes, &hop->address);
    if (p == NULL)
        return false;
    snprintf(hop->basis, sizeof hop->basis, "prefix %s of %s", p->text, p->service);
    return true;
}

static bool by_as(struct segment_hop *hop, const struct edge_data *known)
{
    if (hop->as == 0 || !origins_are_microsofts(&known->origins, hop->as))
        return false;
    snprintf(hop->basis, sizeof hop->basis, "AS%u", hop->as);
    return true;
}

/* RFC 6598: of providers, for NAT on their side. */
static bool is_shared(const struct endpoint *e)
{
    static const uint8_t shared[] = {100, 64};
    return e->family == FAMILY_IPV4 && endpoint_same_prefix(e->bytes, shared, 10);
}

static bool is_inside(const struct endpoint *e)
{
    return (endpoint_is_private(e) && !is_shared(e)) || endpoint_nobodys(e) != NULL;
}

static bool is_registered(const struct endpoint *e, const struct edge_data *known)
{
    return endpoint_in_prefixes(known->site.peering.prefixes, e);
}

static bool is_known(const struct segment_hop *hop)
{
    return hop->segment != SEGMENT_UNKNOWN;
}

/* Of the hop itself, without its neighbours. */
static enum segment own_segment(struct segment_hop *hop, bool gateway, bool public_before,
                                const struct edge_data *known)
{
    if (hop->address.family == FAMILY_NONE)
        return SEGMENT_UNKNOWN;
    if ((hop->name[0] != '\0' && by_name(hop, known)) || by_prefix(hop, known) ||
        by_as(hop, known))
        return SEGMENT_MICROSOFT;
    if (is_inside(&hop->address) || is_registered(&hop->address, known))
        return public_before ? SEGMENT_UNKNOWN : SEGMENT_LOCAL;
    return gateway ? SEGMENT_LOCAL : SEGMENT_PROVIDER;
}

/* Microsoft carries no traffic for other networks, so what is behind its routers is its
 * own: the prefix table is not complete. A name of another domain, or another AS, leaves
 * that open. */
static void judge_behind(struct segment_hop *hops, size_t n, const struct entry *e)
{
    for (size_t i = e->first; i < n; i++) {
        if (hops[i].segment != SEGMENT_PROVIDER)
            continue;
        hops[i].segment = SEGMENT_UNKNOWN;
        if (hops[i].name[0] != '\0' || hops[i].as != 0)
            continue;
        hops[i].segment = SEGMENT_MICROSOFT;
        snprintf(hops[i].basis, sizeof hops[i].basis, "behind a router of Microsoft");
    }
}

/* Fills in unknown hops between two of the same segment. Between two of Microsoft's also
 * public addresses: the prefix table is not complete. */
static void fill_between(struct segment_hop *hops, size_t n, const struct entry *e)
{
    size_t last_of_microsoft = e->first;
    for (size_t i = 0; i < n; i++)
        if (hops[i].segment == SEGMENT_MICROSOFT)
            last_of_microsoft = i;
    for (size_t i = e->first; i < last_of_microsoft; i++)
        hops[i].segment = SEGMENT_MICROSOFT;
    for (size_t i = 0, last = n; i < n; i++) {
        if (!is_known(&hops[i]))
            continue;
        for (size_t k = last + 1; last < n && k < i; k++)
            if (hops[last].segment == hops[i].segment)
                hops[k].segment = hops[i].segment;
        last = i;
    }
}

struct entry segments_judge(struct segment_hop *hops, size_t n,
                            const struct edge_data *known)
{
    struct entry e = {
        .first = SEGMENT_NO_HOP, .before = SEGMENT_NO_HOP, .metro = SEGMENT_NO_HOP};
    bool public_before = false;
    for (size_t i = 0; i < n; i++) {
        hops[i].pop = (struct pop){.source = ""};
        hops[i].metro = NULL;
        hops[i].basis[0] = '\0';
        hops[i].segment = own_segment(&hops[i], i == 0, public_before, known);
        public_before =
            public_before || (is_known(&hops[i]) && hops[i].segment != SEGMENT_LOCAL);
        if (hops[i].segment == SEGMENT_MICROSOFT) {
            e.first = e.first == SEGMENT_NO_HOP ? i : e.first;
            if (e.metro == SEGMENT_NO_HOP && hops[i].pop.family != POP_UNKNOWN)
                e.metro = i;
        } else if (e.first == SEGMENT_NO_HOP && is_known(&hops[i])) {
            e.before = i;
        }
    }
    judge_behind(hops, n, &e);
    fill_between(hops, n, &e);
    if (e.first == SEGMENT_NO_HOP) {
        e.before = SEGMENT_NO_HOP;
        return e;
    }
    bool follows = e.first == 0 || e.before + 1 == e.first;
    e.state = follows && e.metro == e.first ? ENTRY_FOUND : ENTRY_HIDDEN;
    return e;
}

/* ---- AS hops ---- */

struct as_path segments_as_path(const struct segment_hop *hops, size_t n)
{
    struct as_hop all[TRACE_TTL_MAX];
    for (size_t i = 0; i < n; i++) {
        bool site = hops[i].segment == SEGMENT_LOCAL || i == 0;
        all[i] = (struct as_hop){hops[i].segment == SEGMENT_MICROSOFT ? AS_OF_MICROSOFT
                                 : site                               ? AS_OF_SITE
                                                                      : AS_OF_OTHERS,
                                 hops[i].as};
    }
    return as_path_of_hops(all, n);
}

/* ---- potato ---- */

static double nearest_km(const struct position *site, const struct catalogue *metros)
{
    double best = NAN;
    for (size_t i = 0; i < metros->n; i++) {
        double km = distance_km(*site, metros->metros[i].at);
        best = isnan(best) || km < best ? km : best;
    }
    return best;
}

struct potato segments_potato(const struct segment_hop *hops, size_t n,
                              const struct trace *trace, const struct entry *entry,
                              bool reached, const struct position *site,
                              const struct catalogue *metros)
{
    struct potato_hop all[TRACE_TTL_MAX];
    struct potato_places places = {.entry_hidden = entry->state != ENTRY_FOUND,
                                   .entry_km = NAN,
                                   .nearest_km = NAN,
                                   .serving_km = NAN,
                                   .nearest_ns = DELAY_UNDEFINED};
    const struct metro *at_entry = NULL, *serving = NULL;
    for (size_t i = 0; i < n; i++) {
        struct trace_stats s = trace_stats(trace, (uint8_t)(i + 1));
        bool microsofts = hops[i].segment == SEGMENT_MICROSOFT;
        all[i] = (struct potato_hop){microsofts, hops[i].min_ns,
                                     s.answer != NULL ? s.answer->reply_ttl : -1};
        if (microsofts && hops[i].metro != NULL)
            serving = hops[i].metro;
    }
    if (entry->state == ENTRY_FOUND)
        at_entry = hops[entry->first].metro;
    if (site != NULL && at_entry != NULL) {
        places.entry_km = distance_km(*site, at_entry->at);
        places.nearest_km = nearest_km(site, metros);
    }
    if (at_entry != NULL && serving != NULL)
        places.serving_km = distance_km(at_entry->at, serving->at);
    return potato_judge(all, n, reached, &places);
}

/* ---- the verdict ---- */

static void add_place(struct text *out, const struct segment_hop *hop)
{
    if (hop->metro != NULL)
        text_add(out, "%s (%s)", hop->metro->city, hop->pop.metro);
    else
        text_add(out, "%s", hop->pop.metro);
}

static void add_delay(struct text *out, const struct segment_hop *hop)
{
    if (hop->min_ns != DELAY_UNDEFINED)
        text_add(out, hop->min_ns < NS_PER_MS ? "%.2f ms" : "%.1f ms", ms(hop->min_ns));
}

/* "hop 4 (192.0.2.1, 8.1 ms)" */
static void add_hop(struct text *out, const struct segment_hop *hops, size_t i)
{
    char address[ADDRESS_TEXT_MAX];
    text_add(out, "hop %zu (", i + 1);
    if (hops[i].pop.family != POP_UNKNOWN)
        add_place(out, &hops[i]);
    else
        text_add(out, "%s", endpoint_address(address, &hops[i].address));
    text_add(out, ", ");
    add_delay(out, &hops[i]);
    text_add(out, ")");
}

static void add_unknown(struct text *out, const struct segment_hop *hops, size_t first,
                        size_t last)
{
    bool silent = true, one = first == last;
    for (size_t i = first; i <= last; i++)
        silent = silent && hops[i].address.family == FAMILY_NONE;
    text_add(out, one ? "hop %zu" : "hops %zu to %zu", first + 1, last + 1);
    if (silent)
        text_add(out, one ? " does not answer" : " do not answer");
    else
        text_add(out, one ? " is of an unknown network" : " are of an unknown network");
}

static void add_hidden(struct text *out, const struct segment_hop *hops, size_t n,
                       const struct entry *e, bool reached)
{
    size_t before = e->before == SEGMENT_NO_HOP ? 0 : e->before + 1; /* first unknown */
    if (before < e->first) {
        text_add(out, "Cannot tell where traffic enters Microsoft's network: ");
        add_unknown(out, hops, before, e->first - 1);
        if (e->before == SEGMENT_NO_HOP) {
            text_add(out, ". The entry is not behind ");
        } else {
            text_add(out, ". The entry is behind ");
            add_hop(out, hops, e->before);
            text_add(out, " and not behind ");
        }
        add_hop(out, hops, e->first);
    } else if (reached && e->first + 1 == n) {
        text_add(out,
                 "Cannot tell where traffic enters Microsoft's network: no router of "
                 "it answers before the target, ");
        add_hop(out, hops, e->first);
    } else {
        text_add(out, "Traffic enters Microsoft's network at ");
        add_hop(out, hops, e->first);
        text_add(out, "; cannot tell in which metro, as the router has no name");
    }
    text_add(out, ".");
    if (e->metro != SEGMENT_NO_HOP && e->metro != e->first) {
        text_add(out, " The first hop with a metro is ");
        add_hop(out, hops, e->metro);
        text_add(out, ".");
    }
}

static void add_end(struct text *out, const struct segment_hop *hops, size_t n,
                    enum trace_end end, uint8_t end_ttl)
{
    switch (end) {
    case TRACE_END_TARGET:
        text_add(out, "the target answers at hop %u, ", end_ttl);
        add_delay(out, &hops[n - 1]);
        return;
    case TRACE_END_UNREACHABLE:
        text_add(out, "the target is unreachable, says ");
        add_hop(out, hops, n - 1);
        return;
    case TRACE_END_LOOP:
        text_add(out, "the path is a routing loop: hop %u is a router that it has passed",
                 end_ttl);
        return;
    case TRACE_END_SILENT:
        if (n == 0)
            text_add(out, "no hop answers");
        else
            text_add(out, "nothing answers behind hop %zu, not even the target", n);
        return;
    }
}

void segments_verdict(struct text *out, const struct segment_hop *hops, size_t n,
                      const struct entry *e, enum trace_end end, uint8_t end_ttl)
{
    switch (e->state) {
    case ENTRY_FOUND:
        text_add(out, "Traffic enters Microsoft's network at hop %zu, ", e->first + 1);
        add_place(out, &hops[e->first]);
        text_add(out, ", ");
        add_delay(out, &hops[e->first]);
        text_add(out, " away (by %s).", hops[e->first].basis);
        break;
    case ENTRY_HIDDEN:
        add_hidden(out, hops, n, e, end == TRACE_END_TARGET);
        break;
    case ENTRY_NONE:
        text_add(out, "Cannot tell where traffic enters Microsoft's network: no hop is "
                      "known as Microsoft's; ");
        add_end(out, hops, n, end, end_ttl);
        text_add(out, ".");
        return;
    }
    if (end == TRACE_END_TARGET)
        return;
    text_add(out, " The target was not reached: ");
    add_end(out, hops, n, end, end_ttl);
    text_add(out, ".");
}
