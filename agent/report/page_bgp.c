/*
 * BGP on the page: the sessions that the routers reported, their availability over time, and
 * the events of sessions and prefixes.
 */
#include "core/event_names.h"
#include "report/html.h"
#include "report/page.h"

#include <string.h>

enum { LISTED_MAX = 15 };

const char page_of_routing[] = "BGP sessions";

static void add_session_name(struct text *out, const struct dataset_session *s)
{
    html_escape(out, s->peer);
    text_add(out, " (AS");
    html_escape(out, s->as);
    text_add(out, s->location[0] != '\0' ? ", " : "");
    html_escape(out, s->location);
    text_add(out, ") of ");
    html_escape(out, s->router);
}

static void add_available(struct text *out, int64_t known_ns, int64_t down_ns)
{
    double percent = 100 * (1 - (double)down_ns / (double)known_ns);
    /* 99.9996 % of a month is no 100 % */
    if (down_ns > 0 && percent > 99.99)
        text_add(out, "over 99.99 %%");
    else
        text_add(out, "%.2f %%", percent);
}

/* ---- the problems ---- */

/* For how long is not known when it was lost while its router reported nothing. */
static bool was_down(const struct dataset_session *s)
{
    int64_t down_ns;
    return dataset_session_known(s, &down_ns) > 0 && (down_ns > 0 || s->flaps > 0);
}

static void add_outage(struct text *out, const struct dataset_session *s)
{
    char duration[HTML_TIME_MAX];
    int64_t down_ns, known_ns = dataset_session_known(s, &down_ns);
    text_add(out, "<li><strong>Session with ");
    add_session_name(out, s);
    text_add(out, "</strong>: up ");
    add_available(out, known_ns, down_ns);
    text_add(out, " of the time, ");
    if (down_ns > 0)
        text_add(out, "down for %s, ", html_duration(duration, down_ns));
    text_add(out, "lost %.0f time%s</li>\n", s->flaps, s->flaps == 1 ? "" : "s");
}

/* Sessions have their own lines. */
static bool is_problem(const struct dataset_event *e)
{
    return event_is_routing(e->name) && e->severity >= SEVERITY_ERROR &&
           e->repeats == NULL &&
           strncmp(e->name, EVENT_BGP_PREFIX, strlen(EVENT_BGP_PREFIX)) != 0;
}

/* One that has become invalid in the period has an event. */
static bool is_invalid_from_start(const struct dataset_prefix *x)
{
    return strcmp(x->state, "invalid") == 0 && x->from_start;
}

static bool has_event_of(const struct dataset *p, const struct dataset_prefix *x)
{
    for (size_t i = 0; i < p->n_events; i++)
        if (strcmp(p->events[i].name, EVENT_ROUTE_INVALID) == 0 &&
            strncmp(p->events[i].text, x->prefix, strlen(x->prefix)) == 0)
            return true;
    return false;
}

static size_t add_invalid(struct text *out, const struct dataset *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_prefixes; i++) {
        const struct dataset_prefix *x = &p->prefixes[i];
        if (!is_invalid_from_start(x) || has_event_of(p, x))
            continue;
        n++;
        if (out == NULL)
            continue;
        text_add(out, "<li><strong>");
        html_escape(out, x->prefix);
        text_add(out,
                 "</strong>: its origin AS%u is invalid by RPKI (RFC 6811) since before "
                 "this period: possible hijack or leak</li>\n",
                 (unsigned)x->origin_as);
    }
    return n;
}

size_t page_routing_problems(struct text *out, const struct page *p)
{
    const struct dataset *dataset = p->dataset;
    size_t n = 0, events = 0;
    for (size_t i = 0; i < dataset->n_sessions; i++) {
        if (!was_down(dataset->sessions[i]))
            continue;
        n++;
        if (out != NULL)
            add_outage(out, dataset->sessions[i]);
    }
    for (size_t i = 0; i < dataset->n_events; i++) {
        const struct dataset_event *e = &dataset->events[i];
        if (!is_problem(e) || events++ >= LISTED_MAX || out == NULL)
            continue;
        text_add(out, "<li>");
        html_time(out, e->time_ns, page_when(dataset));
        text_add(out, ": ");
        html_escape(out, e->text[0] != '\0' ? e->text : e->name);
        text_add(out, "</li>\n");
    }
    n += add_invalid(out, dataset);
    if (out != NULL && events > LISTED_MAX)
        text_add(out, "<li>and %zu more, listed below</li>\n", events - LISTED_MAX);
    return n + events;
}

/* ---- the section ---- */

static void add_session(struct text *out, const struct dataset_session *s, size_t number)
{
    char duration[HTML_TIME_MAX];
    int64_t down_ns, known_ns = dataset_session_known(s, &down_ns);
    text_add(out, "<tr><td class=\"l\">BGP %zu</td><td class=\"l\">", number);
    html_escape(out, s->peer);
    text_add(out, "</td><td>");
    html_escape(out, s->as);
    text_add(out, "</td><td class=\"l\">");
    html_escape(out, s->router);
    text_add(out, "</td><td class=\"l\">");
    html_escape(out, s->location[0] != '\0' ? s->location : "-");
    text_add(out, "</td><td>");
    if (known_ns > 0)
        add_available(out, known_ns, down_ns);
    else
        text_add(out, "-");
    text_add(out, "</td><td>%s</td><td>%.0f</td></tr>\n",
             down_ns > 0 ? html_duration(duration, down_ns) : "-", s->flaps);
}

static void add_prefix(struct text *out, const struct dataset_prefix *x)
{
    text_add(out, "<tr><td class=\"l\">");
    html_escape(out, x->prefix);
    text_add(out, "</td><td class=\"l\">");
    html_escape(out, x->service);
    text_add(out, "</td><td>%u</td><td class=\"l\">", (unsigned)x->origin_as);
    html_escape(out, strcmp(x->state, "not_found") == 0 ? "not found" : x->state);
    text_add(out, "</td><td class=\"l\">");
    if (x->from_start)
        text_add(out, "all of the period");
    else
        html_time(out, x->since_ns, WHEN_DAY);
    text_add(out, "</td></tr>\n");
}

/* The invalid ones first. */
static void add_prefixes(struct text *out, const struct dataset *p)
{
    if (p->n_prefixes == 0)
        return;
    page_table(out, "", "Origins of the watched prefixes by RPKI", page_of_routing);
    text_add(out, "<tr><th class=\"l\">prefix</th><th class=\"l\">service</th>"
                  "<th>origin AS</th><th class=\"l\">by RPKI</th>"
                  "<th class=\"l\">since</th></tr>\n");
    for (int invalid = 1; invalid >= 0; invalid--)
        for (size_t i = 0; i < p->n_prefixes; i++)
            if ((strcmp(p->prefixes[i].state, "invalid") == 0) == invalid)
                add_prefix(out, &p->prefixes[i]);
    text_add(out, "</table></div>\n");
}

static bool has_events(const struct dataset *p)
{
    for (size_t i = 0; i < p->n_events; i++)
        if (event_is_routing(p->events[i].name))
            return true;
    return false;
}

void page_routing(struct text *out, const struct page *p)
{
    const struct dataset *dataset = p->dataset;
    if (dataset->n_sessions == 0 && dataset->n_prefixes == 0 && !has_events(dataset))
        return;
    text_add(out, "<section id=\"bgp\">\n<h2>BGP</h2>\n");
    if (dataset->n_sessions > 0) {
        page_plot(out, p, NULL, page_of_routing);
        page_table(out, "", "Sessions", page_of_routing);
        text_add(out,
                 "<tr><th class=\"l\">session</th><th class=\"l\">peer</th><th>AS</th>"
                 "<th class=\"l\">router</th><th class=\"l\">location</th>"
                 "<th>up</th><th>down for</th><th>flaps</th></tr>\n");
        for (size_t i = 0; i < dataset->n_sessions; i++)
            add_session(out, dataset->sessions[i], i + 1);
        text_add(out, "</table></div>\n");
    }
    add_prefixes(out, dataset);
    page_events(out, p, page_of_routing);
    text_add(out, "</section>\n");
}
