/*
 * One target on the page: its plot, its events, and its figures over the period.
 */
#include "base/mem.h"
#include "core/time.h"
#include "core/window.h"
#include "report/html.h"
#include "report/page.h"
#include "report/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED_MAX = 60 };

/* ---- events ---- */

static const struct dataset_event *event_of(const struct dataset *p, size_t i,
                                            const char *target)
{
    const struct dataset_event *e = &p->events[i];
    bool is = target == page_of_routing
                  ? event_is_routing(e->name)
                  : strcmp(e->target, target) == 0 && !event_is_routing(e->name);
    return is ? e : NULL;
}

static bool is_of_stream(const struct dataset_event *e)
{
    return e->kind[0] != '\0' || e->family[0] != '\0';
}

/* Lists the streams with the same change: "tcp ipv4, tcp ipv6". */
static void add_streams(struct text *out, const struct dataset *p, size_t i)
{
    const struct dataset_event *first = &p->events[i];
    const char *comma = "";
    for (size_t k = i;
         k < p->n_events && p->events[k].time_ns - first->time_ns <= DATASET_TOGETHER_NS;
         k++) {
        const struct dataset_event *e = &p->events[k];
        if (!is_of_stream(e) || (k > i && e->repeats != first))
            continue;
        text_add(out, "%s", comma);
        comma = ", ";
        html_escape(out, e->kind);
        text_add(out, e->kind[0] != '\0' && e->family[0] != '\0' ? " " : "");
        html_escape(out, e->family);
    }
}

static void add_event(struct text *out, const struct dataset *p, size_t i, size_t number)
{
    const struct dataset_event *e = &p->events[i];
    const char *class = e->severity >= 17 ? " error" : e->severity >= 13 ? " warn" : "";
    text_add(out, "<tr><td class=\"l\">");
    if (number > 0)
        text_add(out, "<span class=\"n%s\">%zu</span> ", class, number);
    html_time(out, e->time_ns, page_when(p));
    text_add(out, "</td><td class=\"l w\">");
    html_escape(out, e->text[0] != '\0' ? e->text : e->name);
    text_add(out, "</td><td class=\"l w\">");
    add_streams(out, p, i);
    text_add(out, "</td></tr>\n");
}

void page_events(struct text *out, const struct page *p, const char *target)
{
    const struct dataset *dataset = p->dataset;
    size_t number = 0, listed = 0, more = 0;
    for (size_t i = 0; i < dataset->n_events; i++) {
        const struct dataset_event *e = event_of(dataset, i, target);
        if (e == NULL || e->repeats != NULL)
            continue;
        number += !e->is.routine;
        if (listed == LISTED_MAX) {
            more++;
            continue;
        }
        if (listed++ == 0)
            page_table(out, "<h3>Events</h3>\n", "Events", target);
        add_event(out, dataset, i, !e->is.routine && target[0] != '\0' ? number : 0);
    }
    text_add(out, listed > 0 ? "</table></div>\n" : "");
    if (more > 0)
        text_add(out, "<p class=\"dim\">and %zu more.</p>\n", more);
}

/* The marks of the numbered events; the caller frees them with free(). */
static struct mark *marks_of(const struct dataset *dataset, const char *target, size_t *n)
{
    struct mark *marks = NULL;
    size_t room = 0, listed = 0;
    *n = 0;
    for (size_t i = 0; i < dataset->n_events && listed < LISTED_MAX; i++) {
        const struct dataset_event *e = event_of(dataset, i, target);
        if (e == NULL || e->repeats != NULL)
            continue;
        listed++;
        if (e->is.routine)
            continue;
        marks = mem_grow(marks, &room, *n + 1, sizeof *marks);
        marks[*n] = (struct mark){e, *n + 1};
        ++*n;
    }
    return marks;
}

void page_plot(struct text *out, const struct page *p, const struct rating *r,
               const char *target)
{
    struct plotted drawn = {
        .dataset = p->dataset,
        .subject = r != NULL                   ? PLOT_TARGET
                   : target == page_of_routing ? PLOT_SESSIONS
                                               : PLOT_TRAFFIC,
        .rating = r,
        .from_ns = p->dataset->covered.n > 0 ? p->dataset->covered.all[0].start_ns
                                             : p->dataset->since_ns,
        .to_ns = p->dataset->until_ns,
    };
    struct mark *marks = marks_of(p->dataset, target, &drawn.n_marks);
    drawn.marks = marks;
    text_add(out, "<div class=\"wide plot\" tabindex=\"0\" role=\"region\" "
                  "aria-label=\"Plot: ");
    html_escape(out, target);
    text_add(out, "\">\n");
    plot(out, &drawn);
    text_add(out, "</div>\n");
    free(marks);
}

/* ---- figures ---- */

static void add_quantiles(struct text *out, const struct histogram *h)
{
    for (size_t i = 0; i < PERCENTILES; i++)
        page_percentile(out, histogram_quantile(h, percentile_quantile[i]),
                        percentile_supported(i, h->count));
    page_ms(out, h->count > 0 ? h->max_ns : DELAY_UNDEFINED);
}

static void add_counts(struct text *out, const struct page *p, const char *kind,
                       const struct dataset_series *series)
{
    char loss[HTML_TIME_MAX];
    const struct kinds *kinds = p->dataset->kinds;
    const uint32_t *o = series->sum.outcomes;
    size_t number = kinds_find(kinds, kind);
    struct loss_count count = loss_count_of(
        number != KIND_NONE ? kinds->list[number] : NULL, o, series->sum.counters);
    uint64_t sent = outcomes_sent(o), failed = outcomes_failed(o);
    text_add(out, "<td>%llu</td><td>%s</td><td>%llu</td>", (unsigned long long)sent,
             sent == 0 || (count.lost == 0 && failed > 0)
                 ? "-"
                 : html_percent(loss, count.lost, count.sent),
             (unsigned long long)failed);
}

/* The first cells of a row, up to the place, without the end of the last one. */
static void add_place(struct text *out, const struct page *p,
                      const struct dataset_stream *s, const struct dataset_series *series)
{
    text_add(out, "<tr><td class=\"l\">");
    html_escape(out, s->kind);
    text_add(out, "</td><td class=\"l\">");
    html_escape(out, s->family);
    text_add(out, "</td><td class=\"l\">");
    page_pop(out, p, series->pop);
    text_add(out, series->address[0] != '\0' ? " " : "");
    html_escape(out, series->address);
}

static void add_series(struct text *out, const struct page *p,
                       const struct dataset_stream *s,
                       const struct dataset_series *series)
{
    static const struct histogram none;
    const struct dataset_delay *main =
        dataset_delay(series, kinds_main_delay(p->dataset->kinds, s->kind));
    add_place(out, p, s, series);
    text_add(out, "</td><td class=\"l\">%s</td>",
             kinds_main_delay(p->dataset->kinds, s->kind));
    add_counts(out, p, s->kind, series);
    add_quantiles(out, main != NULL ? &main->sum : &none);
    text_add(out, "</tr>\n");
}

/* The other delays of a series. */
static void add_phases(struct text *out, const struct page *p,
                       const struct dataset_stream *s,
                       const struct dataset_series *series)
{
    for (size_t i = 0; i < series->n_delays; i++) {
        const struct dataset_delay *c = &series->delays[i];
        if (c->is_main || c->sum.count == 0)
            continue;
        add_place(out, p, s, series);
        text_add(out, "</td><td class=\"l\">");
        html_escape(out, c->name);
        text_add(out, "</td><td>%llu</td>", (unsigned long long)c->sum.count);
        add_quantiles(out, &c->sum);
        text_add(out, "</tr>\n");
    }
}

static bool is_empty(const struct dataset_series *series)
{
    const uint32_t *o = series->sum.outcomes;
    return outcomes_sent(o) + o[OUTCOME_NOT_MEASURED] == 0;
}

/* In percent, of the coarsest histogram of the main delays, or of the others: buckets are
 * wider where values are far apart. */
static double largest_error(const struct dataset_target *t, bool main)
{
    int scale = HISTOGRAM_SCALE;
    for (size_t s = 0; s < t->n_streams; s++)
        for (size_t i = 0; i < t->streams[s].n_series; i++)
            for (size_t d = 0; d < t->streams[s].series[i]->n_delays; d++) {
                const struct dataset_delay *delay = &t->streams[s].series[i]->delays[d];
                const struct histogram *sum = &delay->sum;
                if (delay->is_main == main && sum->count > 0 && sum->scale < scale)
                    scale = sum->scale;
            }
    return ceil(1e4 * histogram_error(scale)) / 100;
}

static void add_figures(struct text *out, const struct page *p,
                        const struct dataset_target *t)
{
    char heading[160];
    snprintf(
        heading, sizeof heading,
        "<h3>Whole period, in ms (from histograms: percentiles are within %.2f\u00a0%%)"
        "</h3>\n",
        largest_error(t, true));
    page_table(out, heading, "Figures", t->name);
    text_add(out, "<tr><th class=\"l\">kind</th><th class=\"l\">family</th><th "
                  "class=\"l\">PoP</th><th class=\"l\">delay</th><th>probes</th>"
                  "<th>loss</th><th title=\"refused, errors of TLS and "
                  "HTTP\">failed</th><th>p50</th><th>p90</th>"
                  "<th>p95</th><th>p99</th><th>max</th></tr>\n");
    for (size_t s = 0; s < t->n_streams; s++)
        for (size_t i = 0; i < t->streams[s].n_series; i++)
            if (!is_empty(t->streams[s].series[i]))
                add_series(out, p, &t->streams[s], t->streams[s].series[i]);
    text_add(out, "</table></div>\n");
}

/* A table that is folded until the reader opens it; none without rows, which it frees. */
static void add_folded(struct text *out, const char *summary, const char *what,
                       const struct dataset_target *t, const char *header,
                       struct text *rows)
{
    if (rows->len > 0) {
        text_add(out, "<details>\n<summary>%s</summary>\n", summary);
        page_table(out, "", what, t->name);
        text_add(out, "%s", header);
        text_add_bytes(out, rows->bytes, rows->len);
        text_add(out, "</table></div>\n</details>\n");
    }
    text_free(rows);
}

static void add_all_phases(struct text *out, const struct page *p,
                           const struct dataset_target *t)
{
    struct text rows = {0};
    char summary[96];
    snprintf(summary, sizeof summary,
             "Phases: the parts of each delay, in ms (within %.2f\u00a0%%)",
             largest_error(t, false));
    for (size_t s = 0; s < t->n_streams; s++)
        for (size_t i = 0; i < t->streams[s].n_series; i++)
            add_phases(&rows, p, &t->streams[s], t->streams[s].series[i]);
    add_folded(
        out, summary, "Phases", t,
        "<tr><th class=\"l\">kind</th><th class=\"l\">family</th><th "
        "class=\"l\">PoP</th><th class=\"l\">delay</th><th>results</th><th>p50</th>"
        "<th>p90</th><th>p95</th><th>p99</th><th>max</th></tr>\n",
        &rows);
}

/* "17.2 (16.9 to 17.4)", or "-" */
static void add_interval(struct text *out, const struct dataset_period *period,
                         size_t percentile)
{
    double ms = (double)period->percentiles[percentile].ns / 1e6;
    double low = (double)period->percentiles[percentile].low_ns / 1e6;
    double high = (double)period->percentiles[percentile].high_ns / 1e6;
    int digits = ms < 10 ? 2 : 1;
    if (ms > 0)
        text_add(out, "<td>%.*f (%.*f to %.*f)</td>", digits, ms, digits, low, digits,
                 high);
    else
        text_add(out, "<td>-</td>");
}

static void add_period(struct text *out, const struct page *p,
                       const struct dataset_stream *s,
                       const struct dataset_series *series, size_t i)
{
    add_place(out, p, s, series);
    text_add(out, "</td><td class=\"l\">%s</td><td class=\"l\">", period_name[i]);
    html_time(out, (int64_t)series->periods[i].time_ns, WHEN_DAY);
    text_add(out, "</td>");
    for (size_t k = 0; k < PERCENTILES; k++)
        add_interval(out, &series->periods[i], k);
    text_add(out, "</tr>\n");
}

/* The rows of all periods of a target. */
static void add_period_rows(struct text *out, const struct page *p,
                            const struct dataset_target *t)
{
    for (size_t s = 0; s < t->n_streams; s++)
        for (size_t i = 0; i < t->streams[s].n_series; i++)
            for (size_t k = 0; k < PERIODS; k++)
                if (t->streams[s].series[i]->periods[k].time_ns != 0)
                    add_period(out, p, &t->streams[s], t->streams[s].series[i], k);
}

static void add_periods(struct text *out, const struct page *p,
                        const struct dataset_target *t)
{
    struct text rows = {0};
    add_period_rows(&rows, p, t);
    add_folded(out, "Last hour, day and three days, in ms, with 95 % intervals",
               "Percentiles of rolling periods", t,
               "<tr><th class=\"l\">kind</th><th class=\"l\">family</th><th "
               "class=\"l\">PoP</th><th class=\"l\">period</th><th "
               "class=\"l\">until</th><th>p50</th><th>p90</th><th>p95</th>"
               "<th>p99</th></tr>\n",
               &rows);
}

static void add_notes(struct text *out, const struct dataset_target *t)
{
    for (size_t s = 0; s < t->n_streams; s++) {
        uint64_t unanswered = 0;
        for (size_t i = 0; i < t->streams[s].n_series; i++)
            unanswered += t->streams[s].series[i]->unanswered;
        if (unanswered == 0)
            continue;
        text_add(out, "<p class=\"small\">");
        html_escape(out, t->streams[s].kind);
        text_add(out, " over ");
        html_escape(out, t->streams[s].family);
        text_add(out,
                 ": %llu probes were not answered while other kinds were; they are "
                 "probably filtered and are not counted as loss.</p>\n",
                 (unsigned long long)unanswered);
    }
    if (t->foreign)
        text_add(out,
                 "<p class=\"small\">A network other than Microsoft's edge "
                 "answered for this name; the target then has no PoP and no rank.</p>\n");
    if (t->intercepted)
        text_add(out, "<p class=\"small\">A middlebox answered TCP handshakes; their "
                      "delays are not counted.</p>\n");
}

/* ---- the section ---- */

void page_target(struct text *out, const struct page *p, const struct rating *r,
                 size_t number)
{
    const struct dataset_target *t = r->target;
    text_add(out, "<section id=\"t%zu\">\n<h2>", number);
    html_escape(out, t->name);
    text_add(out, " <span class=\"dim\">");
    html_escape(out, t->host);
    if (t->service[0] != '\0')
        text_add(out, " for ");
    html_escape(out, t->service);
    text_add(out, "</span></h2>\n");
    page_plot(out, p, r, t->name);
    add_notes(out, t);
    page_media(out, p, t->name);
    page_events(out, p, t->name);
    add_figures(out, p, t);
    add_all_phases(out, p, t);
    add_periods(out, p, t);
    text_add(out, "</section>\n");
}
