#include "report/page.h"

#include "core/event_names.h"
#include "core/time.h"
#include "edge/doors.h"
#include "otlp/names.h"
#include "report/html.h"
#include "report/page_style.h"

#include <stdlib.h>
#include <string.h>

void page_pop(struct text *out, const struct page *p, const char *pop)
{
    const struct metro *m = catalogue_of_pop(&p->known->metros, pop, POP_FRONT_DOOR);
    if (m != NULL) {
        html_escape(out, m->city);
        text_add(out, " (");
    }
    html_escape(out, pop);
    text_add(out, m != NULL ? ")" : "");
}

enum when page_when(const struct dataset *p)
{
    bool days = p->until_ns - p->since_ns > 20 * 3600 * NS_PER_S;
    return !days ? WHEN_SECOND : p->window_ns < 60 * NS_PER_S ? WHEN_EXACT : WHEN_DAY;
}

void page_ms(struct text *out, int64_t ns)
{
    if (ns < 0)
        text_add(out, "<td>-</td>");
    else
        text_add(out, "<td>%.*f</td>", ns < 10 * NS_PER_MS ? 2 : 1, (double)ns / 1e6);
}

void page_percentile(struct text *out, int64_t ns, bool supported)
{
    if (supported || ns < 0)
        page_ms(out, ns);
    else
        text_add(out, "<td class=\"few\">(%.*f)</td>", ns < 10 * NS_PER_MS ? 2 : 1,
                 (double)ns / 1e6);
}

void page_table(struct text *out, const char *heading, const char *what,
                const char *target)
{
    text_add(out, "%s<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s",
             heading, what);
    text_add(out, target[0] != '\0' ? ": " : "");
    html_escape(out, target);
    text_add(out, "\"><table>\n");
}

/* ---- the headline ---- */

/* Groups targets by their main PoP: "LON for exchange, teams; AMS for bing". */
static void add_served(struct text *out, const struct page *p)
{
    size_t n = p->n_own, n_listed = 0;
    bool done[DATASET_TARGETS_MAX] = {false};
    for (size_t i = 0; i < n; i++) {
        const char *pop = p->ratings[i].n_pops > 0 ? p->ratings[i].pops[0].pop : NULL;
        if (done[i] || pop == NULL)
            continue;
        text_add(out, n_listed++ == 0 ? "<p>Served by <strong>" : "; <strong>");
        page_pop(out, p, pop);
        text_add(out, "</strong> for ");
        for (size_t k = i; k < n; k++) {
            const struct rating *r = &p->ratings[k];
            if (r->n_pops == 0 || strcmp(r->pops[0].pop, pop) != 0)
                continue;
            done[k] = true;
            text_add(out, k > i ? ", " : "");
            html_escape(out, r->target->name);
        }
    }
    text_add(out, n_listed > 0 ? ".</p>\n" : "");
}

static void add_interval(struct text *out, const struct page *p, int64_t start_ns,
                         int64_t end_ns)
{
    char duration[HTML_TIME_MAX], first[HTML_TIME_MAX], last[HTML_TIME_MAX];
    enum when how = page_when(p->dataset);
    enum when clock = how == WHEN_DAY ? WHEN_CLOCK : WHEN_SECOND;
    bool same_day = strcmp(html_clock(first, start_ns, WHEN_DATE),
                           html_clock(last, end_ns, WHEN_DATE)) == 0;
    html_time(out, start_ns, how);
    text_add(out, " to ");
    if (end_ns >= p->dataset->until_ns)
        text_add(out, "the end");
    else
        html_time(out, end_ns, same_day ? clock : how);
    text_add(out, " (%s)", html_duration(duration, end_ns - start_ns));
}

static bool overlaps_any(const struct incident *s, const struct intervals *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (s->start_ns < all->all[i].end_ns && all->all[i].start_ns < s->end_ns)
            return true;
    return false;
}

static void add_incident(struct text *out, const struct page *p, const struct rating *r,
                         const struct incident *s)
{
    text_add(out, "<li><strong>");
    html_escape(out, r->target->name);
    text_add(out, "</strong> ");
    add_interval(out, p, s->start_ns, s->end_ns);
    text_add(out, ": ");
    if (s->because == NULL) {
        text_add(out, s->down ? "no probe was answered"
                              : "down or degraded since before this period");
    } else {
        html_escape(out, s->because->text);
        text_add(out, " (");
        html_escape(out, s->because->kind);
        text_add(out, ", ");
        html_escape(out, s->because->family);
        int more = __builtin_popcount(s->streams) - 1;
        text_add(out, more > 0 ? " and %d more)" : ")", more);
    }
    text_add(out, "</li>\n");
}

/* The gap after covered interval `i`; false if it is no longer than two windows. */
static bool gap_after(const struct dataset *p, size_t i, struct interval *out)
{
    const struct intervals *covered = &p->covered;
    out->start_ns = covered->all[i].end_ns;
    out->end_ns = i + 1 < covered->n ? covered->all[i + 1].start_ns : p->until_ns;
    return out->end_ns - out->start_ns > 2 * p->window_ns;
}

static size_t count_gaps(const struct dataset *p)
{
    struct interval gap;
    size_t n = 0;
    for (size_t i = 0; i < p->covered.n; i++)
        n += gap_after(p, i, &gap);
    return n;
}

static void add_gaps(struct text *out, const struct page *p)
{
    enum { LISTED_MAX = 8 };
    struct interval gap;
    size_t n = 0;
    for (size_t i = 0; i < p->dataset->covered.n; i++) {
        if (!gap_after(p->dataset, i, &gap) || n++ >= LISTED_MAX)
            continue;
        text_add(out, "<li><strong>Nothing was measured</strong> ");
        add_interval(out, p, gap.start_ns, gap.end_ns);
        text_add(out, ": the agent was not running, or probing was stopped</li>\n");
    }
    if (n > LISTED_MAX)
        text_add(out, "<li>and %zu more gaps</li>\n", n - LISTED_MAX);
}

static void add_incidents(struct text *out, const struct page *p,
                          const struct intervals *down)
{
    enum { LISTED_MAX = 15 };
    size_t n = 0;
    text_add(out, "<ul>\n");
    for (size_t i = 0; i < down->n; i++) {
        text_add(out, "<li><strong>All targets</strong> ");
        add_interval(out, p, down->all[i].start_ns, down->all[i].end_ns);
        text_add(out, ": no target answered: the site's uplink was down, not one "
                      "service</li>\n");
    }
    for (size_t t = 0; t < p->n_own; t++)
        for (size_t i = 0; i < p->ratings[t].n_incidents; i++)
            if (!overlaps_any(&p->ratings[t].incidents[i], down) && n++ < LISTED_MAX)
                add_incident(out, p, &p->ratings[t], &p->ratings[t].incidents[i]);
    if (n > LISTED_MAX)
        text_add(out, "<li>and %zu more, listed with their targets</li>\n",
                 n - LISTED_MAX);
    add_gaps(out, p);
    text_add(out, "</ul>\n");
}

/* Lists "teams (icmp loss 0.53 %), ...": the targets over their limits for the period as
 * a whole. */
static void add_exceeded(struct text *out, const struct page *p)
{
    const char *comma = "";
    for (size_t i = 0; i < p->n_own; i++) {
        const struct rating *r = &p->ratings[i];
        char loss[HTML_TIME_MAX];
        if (!r->slow && !r->lossy && !r->failing)
            continue;
        text_add(out, "%s", comma);
        html_escape(out, r->target->name);
        text_add(out, " (");
        if (r->slow)
            text_add(out, "median %.1f ms", (double)r->p50_ns / 1e6);
        bool first = !r->slow;
        for (size_t k = 0; k < r->n_losses; k++) {
            const struct rating_loss *l = &r->losses[k];
            if (l->lossy || l->failing) {
                text_add(out, first ? "" : ", ");
                html_escape(out, l->kind);
                first = false;
            }
            if (l->lossy)
                text_add(out, " loss %s",
                         html_percent(loss, l->count.lost, l->count.sent));
            if (l->failing)
                text_add(out, "%s errors in %s", l->lossy ? "," : "",
                         html_percent(loss, l->errors, l->probes));
        }
        text_add(out, ")");
        comma = ", ";
    }
}

/* ---- what is the case at the end of the period ---- */

static bool is_own(const struct page *p, const char *target)
{
    for (size_t t = 0; t < p->n_own; t++)
        if (strcmp(p->ratings[t].target->name, target) == 0)
            return true;
    return false;
}

/* `name`: of the event, NULL: any. */
static bool is_open(const struct page *p, size_t i, enum event_leaves leaves,
                    const char *name)
{
    const struct dataset_open *open = &p->dataset->open[i];
    return open->leaves == leaves && is_own(p, open->event->target) &&
           (name == NULL || strcmp(open->event->name, name) == 0);
}

static size_t count_open(const struct page *p, enum event_leaves leaves, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < p->dataset->n_open; i++)
        n += is_open(p, i, leaves, name);
    return n;
}

/* "<li><strong>exchange</strong> (ipv4) since 09:00: "; 0: since before this period. */
static void begin_open(struct text *out, const char *target, const char *family,
                       int64_t since_ns)
{
    text_add(out, "<li><strong>");
    html_escape(out, target);
    text_add(out, "</strong> (");
    html_escape(out, family);
    text_add(out, ") since ");
    if (since_ns != 0)
        html_time(out, since_ns, WHEN_DAY);
    else
        text_add(out, "before this period");
    text_add(out, ": ");
}

static void add_open(struct text *out, const struct page *p, enum event_leaves leaves,
                     const char *name, const char *heading)
{
    enum { LISTED_MAX = 15 };
    size_t n = 0, all = count_open(p, leaves, name);
    if (all == 0)
        return;
    text_add(out, "<p>%s</p>\n<ul>\n", heading);
    for (size_t i = 0; i < p->dataset->n_open && n < LISTED_MAX; i++) {
        const struct dataset_event *e = p->dataset->open[i].event;
        if (!is_open(p, i, leaves, name))
            continue;
        n++;
        begin_open(out, e->target, e->family, e->time_ns);
        html_escape(out, e->text);
        text_add(out, "</li>\n");
    }
    if (all > n)
        text_add(out, "<li>and %zu more, listed with their targets</li>\n", all - n);
    text_add(out, "</ul>\n");
}

/* Adds a line for each name, unless `out` is NULL; returns how many there are. */
static size_t add_silent_addresses(struct text *out, const struct page *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_own; i++)
        for (size_t f = 0; f < 2; f++) {
            const struct dataset_target *t = p->ratings[i].target;
            const struct dataset_addresses *a = &t->addresses[f];
            if (a->silent == 0 || (int64_t)a->time_ns < t->last_seen_ns)
                continue;
            n++;
            if (out == NULL)
                continue;
            bool before = a->since_ns < p->dataset->since_ns + p->dataset->window_ns;
            begin_open(out, t->name, family_name(f == 0 ? FAMILY_IPV4 : FAMILY_IPV6),
                       before ? 0 : a->since_ns);
            text_add(out, "%llu of %llu addresses of ", (unsigned long long)a->silent,
                     (unsigned long long)a->all);
            html_escape(out, t->host);
            text_add(out, a->silent == 1 ? " does not answer" : " do not answer");
            for (size_t k = 0; k < a->n_listed; k++) {
                text_add(out, k == 0 ? ": " : ", ");
                html_escape(out, a->list[k]);
            }
            text_add(out, "</li>\n");
        }
    return n;
}

/* For the period as a whole, then by incidents. */
static void add_verdict(struct text *out, const struct page *p)
{
    size_t beyond = 0, bad = 0, others = 0, n = p->n_own;
    size_t findings = count_open(p, EVENT_LEAVES_FINDING, NULL);
    size_t holes = count_open(p, EVENT_LEAVES_FINDING, EVENT_PATH_BLACK_HOLE);
    size_t routing = page_routing_problems(NULL, p);
    size_t silent = add_silent_addresses(NULL, p);
    bool notes = count_open(p, EVENT_LEAVES_NOTE, NULL) > 0;
    for (size_t i = 0; i < n; i++) {
        const struct rating *r = &p->ratings[i];
        beyond += r->slow || r->lossy || r->failing;
        others += r->target->foreign || r->target->tls_by[0] != '\0';
        bad += r->n_incidents > 0;
    }
    text_add(out, "<p class=\"verdict %s\">",
             beyond > 0                                       ? "bad"
             : bad + findings + others + routing + silent > 0 ? "fair"
                                                              : "good");
    if (beyond > 0) {
        text_add(
            out,
            "%zu of %zu targets over their limits or failing for the period as a whole: ",
            beyond, n);
        add_exceeded(out, p);
    } else if (bad > 0) {
        text_add(out,
                 "Within their limits for the period as a whole, but with incidents: "
                 "%zu of %zu targets",
                 bad, n);
    } else if (others > 0) {
        text_add(out, "Within the limits, but not all was measured to Microsoft's edge");
    } else if (routing > 0) {
        text_add(out, "Within the limits, but BGP had problems");
    } else if (holes > 0) {
        text_add(out, "Within the limits, but large packets vanish");
    } else if (findings > 0) {
        text_add(out, "Within the limits, but not through the nearest front door");
    } else if (silent > 0) {
        text_add(out, "Within the limits, but not every address of a name answers");
    } else {
        text_add(out, "%sithin the limits throughout%s", notes ? "W" : "Good: w",
                 count_gaps(p->dataset) > 0 ? " the measured time" : "");
    }
    text_add(out, ".</p>\n");
}

static size_t count_of(const struct dataset_self *self)
{
    return self->last > 0 && self->last < 1e6 ? (size_t)self->last : 0;
}

/* What the last sweep of front doors stated. */
static void add_doors(struct text *out, const struct page *p)
{
    const struct dataset_self *answering =
        dataset_self(p->dataset, METRIC_AGENT_FRONT_DOORS, "answering");
    const struct dataset_self *left =
        dataset_self(p->dataset, METRIC_AGENT_FRONT_DOORS, "left");
    if (answering == NULL || left == NULL)
        return;
    struct doors_summary s = {.answering = count_of(answering), .left = count_of(left)};
    text_add(out, "<p>The best measured front door is the ");
    doors_summary_text(out, &s);
    text_add(out, ".</p>\n");
}

/* The figures of these targets do not describe the edge. */
static void add_foreign(struct text *out, const struct page *p)
{
    for (size_t i = 0; i < p->n_own; i++) {
        const struct dataset_target *t = p->ratings[i].target;
        if (!t->foreign)
            continue;
        text_add(out, "<p><strong>");
        html_escape(out, t->name);
        text_add(out, "</strong>: ");
        html_escape(out, t->host);
        text_add(out, " was not on Microsoft's edge here: another network answered; "
                      "configure another name of the service.</p>\n");
    }
}

static void add_intercepted_tls(struct text *out, const struct page *p)
{
    for (size_t i = 0; i < p->n_own; i++) {
        const struct dataset_target *t = p->ratings[i].target;
        if (t->tls_by[0] == '\0')
            continue;
        text_add(out, "<p><strong>");
        html_escape(out, t->name);
        text_add(out, "</strong>: TLS was intercepted by ");
        html_escape(out, t->tls_by);
        text_add(out, ", the issuer of the certificate of ");
        html_escape(out, t->host);
        text_add(out, "; exempt the name from TLS inspection.</p>\n");
    }
}

void page_headline(struct text *out, const struct page *p)
{
    const struct dataset *dataset = p->dataset;
    struct intervals down = rating_all_down(dataset);
    size_t incidents = down.n;
    for (size_t t = 0; t < p->n_own; t++)
        incidents += p->ratings[t].n_incidents;
    add_verdict(out, p);
    add_served(out, p);
    add_doors(out, p);
    add_foreign(out, p);
    add_intercepted_tls(out, p);
    add_open(out, p, EVENT_LEAVES_FINDING, EVENT_PATH_BLACK_HOLE,
             "Large packets vanish on the path, connections hang:");
    add_open(out, p, EVENT_LEAVES_FINDING, EVENT_EDGE_SUBOPTIMAL,
             "Not through the nearest front door:");
    add_open(out, p, EVENT_LEAVES_NOTE, NULL, "Worth knowing, no problem by itself:");
    if (add_silent_addresses(NULL, p) > 0) {
        text_add(out, "<p>Addresses that do not answer while others of the name do; a "
                      "client that tries one first takes the next after 250 ms (RFC "
                      "8305):</p>\n<ul>\n");
        add_silent_addresses(out, p);
        text_add(out, "</ul>\n");
    }
    if (page_routing_problems(NULL, p) > 0) {
        text_add(out, "<p>BGP:</p>\n<ul>\n");
        page_routing_problems(out, p);
        text_add(out, "</ul>\n");
    }
    if (incidents == 0)
        text_add(out, "<p>No target was down or degraded.</p>\n");
    if (incidents + count_gaps(dataset) > 0)
        add_incidents(out, p, &down);
    free(down.all);
}

/* ---- head and end ---- */

static void add_title(struct text *out, const struct dataset *p)
{
    text_add(out, "Latency to the Microsoft edge: ");
    html_escape(out, p->site[0] != '\0' ? p->site : p->host);
}

static void add_covered(struct text *out, const struct page *p)
{
    const struct dataset *dataset = p->dataset;
    char zone[HTML_TIME_MAX], duration[HTML_TIME_MAX];
    text_add(out, "<p class=\"dim\">");
    if (dataset->covered.n > 0) {
        html_time(out, dataset->covered.all[0].start_ns, WHEN_DAY);
        text_add(out, " to ");
        html_time(out, dataset->covered.all[dataset->covered.n - 1].end_ns, WHEN_DAY);
        text_add(out, ", %s of measurements; ",
                 html_duration(duration, intervals_sum(&dataset->covered)));
    }
    if (p->all) {
        text_add(out,
                 "counts and percentiles begin where those of the first batch begin");
    } else {
        text_add(out, "requested since ");
        html_time(out, dataset->since_ns, WHEN_DAY);
    }
    text_add(out, ". Times are local (");
    html_escape(out, html_zone(zone, p->now_ns));
    text_add(out, "). Host ");
    html_escape(out, dataset->host[0] != '\0' ? dataset->host : "unknown");
    text_add(out, ".</p>\n");
}

static void add_legend(struct text *out)
{
    text_add(
        out,
        "<p class=\"legend dim\"><span class=\"key v4\"></span>IPv4 <span class=\"key "
        "v6\"></span>IPv6: the line is the median of each window, the area reaches up to its "
        "highest delay. <span "
        "class=\"key loss\"></span>loss, to the full height of its row. <span "
        "class=\"key none\"></span>nothing was measured. Numbers are the events below "
        "each plot.</p>\n");
}

void page_render(struct text *out, const struct page *p)
{
    text_add(out,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
             "style-src 'unsafe-inline'\"/>\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
             "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
    add_title(out, p->dataset);
    text_add(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>",
             page_style);
    add_title(out, p->dataset);
    text_add(out, "</h1>\n");
    add_covered(out, p);
    page_headline(out, p);
    text_add(out, "</header>\n<main>\n");
    page_overview(out, p);
    add_legend(out);
    for (size_t i = 0; i < p->dataset->n_targets; i++)
        page_target(out, p, &p->ratings[i], i);
    page_routing(out, p);
    page_traffic(out, p);
    page_agent(out, p);
    text_add(out, "</main>\n</body>\n</html>\n");
}
