/*
 * The first table of the page (all targets) and the last one (the agent).
 */
#include "core/time.h"
#include "otlp/names.h"
#include "report/html.h"
#include "report/page.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- all targets ---- */

static void add_pops(struct text *out, const struct page *p, const struct rating *r)
{
    text_add(out, "<td class=\"l w\">");
    bool at_pop = strcmp(r->target->host, GATEWAY_HOST) != 0 &&
                  !dataset_is_resolver(p->dataset, r->target);
    if (r->n_pops == 0)
        text_add(out, at_pop ? "unknown" : "-");
    for (size_t i = 0; i < r->n_pops; i++) {
        text_add(out, i > 0 ? ", " : "");
        page_pop(out, p, r->pops[i].pop);
        if (r->n_pops > 1)
            text_add(out, " %.0f\u00a0%%", 100 * r->pops[i].share);
    }
    text_add(out, "</td>");
}

static void add_verdict(struct text *out, const struct page *p, const struct rating *r)
{
    const struct limits *l = &r->limits;
    double points = NAN;
    bool is_rtt = r->round_trip;
    if (strcmp(r->target->service, "exchange") == 0 && is_rtt)
        points = thresholds_points(&p->known->thresholds, "exchange_tcp_latency",
                                   (double)r->p50_ns / 1e6);
    text_add(out, "<td class=\"l w\">");
    if (is_rtt && l->delay_ns > 0) {
        text_add(out, "<span class=\"%s\">%s</span>, limit <span title=\"",
                 r->slow ? "bad" : "good", r->slow ? "slow" : "good");
        html_escape(out, l->delay_source != NULL ? l->delay_source : "configuration");
        text_add(out, "\">%g ms</span>", (double)l->delay_ns / 1e6);
    }
    if (!isnan(points))
        text_add(out, ", Microsoft's score %.0f of 100", points);
    if (r->lossy)
        text_add(out, "%s<span class=\"bad\">loss over %g\u00a0%%</span>",
                 is_rtt && l->delay_ns > 0 ? ", " : "", 100 * l->loss_ratio);
    for (size_t i = 0; i < r->n_losses; i++)
        if (r->losses[i].failing)
            text_add(out, "%s<span class=\"bad\">%s errors</span>",
                     (is_rtt && l->delay_ns > 0) || r->lossy ? ", " : "",
                     r->losses[i].kind);
    if ((!is_rtt || l->delay_ns == 0) && !r->lossy && !r->failing)
        text_add(out, "<span class=\"dim\">no delay limit</span>");
    text_add(out, "</td>");
}

/* "0.4 %", "2 % failed", or both: a target that refuses connections has no loss, but has
 * failures. */
static void add_loss_of(struct text *out, const struct rating_loss *l)
{
    char share[HTML_TIME_MAX];
    if (l->count.lost > 0 || l->failed == 0)
        text_add(out, "%s%s", html_percent(share, l->count.lost, l->count.sent),
                 l->failed > 0 ? ", " : "");
    if (l->failed > 0)
        text_add(out, "%s failed", html_percent(share, l->failed, l->probes));
}

/* "icmp 9.8 %; tcp 10 %": one figure for each kind; with the kind's name if there are
 * several. */
static void add_loss(struct text *out, const struct rating *r)
{
    size_t n = 0, shown = 0;
    for (size_t i = 0; i < r->n_losses; i++)
        n += r->losses[i].count.sent > 0;
    for (size_t i = 0; i < r->n_losses; i++) {
        if (r->losses[i].count.sent == 0)
            continue;
        text_add(out, shown++ > 0 ? "; " : "");
        if (n > 1) {
            html_escape(out, r->losses[i].kind);
            text_add(out, " ");
        }
        add_loss_of(out, &r->losses[i]);
    }
    if (n == 0)
        text_add(out, "-");
}

static void add_row(struct text *out, const struct page *p, size_t i)
{
    const struct rating *r = &p->ratings[i];
    char bad[HTML_TIME_MAX];
    text_add(out, "<tr><td>");
    if (r->target->rank > 0)
        text_add(out, "%u", r->target->rank);
    text_add(out, "</td><td class=\"l\"><a href=\"#t%zu\">", i);
    html_escape(out, r->target->name);
    text_add(out, "</a></td>");
    add_pops(out, p, r);
    text_add(out, "<td class=\"l\">%s %s</td>", r->kind != NULL ? r->kind : "-",
             r->delay != NULL ? r->delay : "");
    page_ms(out, r->p50_ns);
    page_percentile(out, r->p95_ns, r->p95_supported);
    text_add(out, "<td>");
    add_loss(out, r);
    text_add(out, "</td><td class=\"%s\">%s</td>", r->n_incidents > 0 ? "bad" : "",
             r->n_incidents > 0 ? html_duration(bad, rating_bad_ns(r)) : "-");
    add_verdict(out, p, r);
    text_add(out, "</tr>\n");
}

void page_overview(struct text *out, const struct page *p)
{
    text_add(out,
             "<section>\n<h2>All targets <span class=\"dim\">by rank, nearest first; "
             "delays in ms</span></h2>\n");
    page_table(out, "", "All targets", "");
    text_add(out,
             "<tr><th>rank</th><th class=\"l\">target</th><th class=\"l\">served by</th>"
             "<th class=\"l\">delay</th><th>median</th><th>p95</th><th>loss</th>"
             "<th>bad for</th><th class=\"l\">limits</th></tr>\n");
    for (size_t i = 0; i < p->dataset->n_targets; i++) {
        if (i == p->n_own)
            text_add(out,
                     "<tr><td></td><td class=\"l dim\" colspan=\"8\">discovered, not "
                     "configured</td></tr>\n");
        add_row(out, p, i);
    }
    text_add(out, "</table></div>\n</section>\n");
}

/* ---- the agent ---- */

static void add_fact(struct text *out, const char *name, const char *value)
{
    text_add(out, "<tr><td class=\"l\">%s</td><td class=\"l w\">", name);
    html_escape(out, value);
    text_add(out, "</td></tr>\n");
}

__attribute__((format(printf, 3, 4))) static void
add_fact_format(struct text *out, const char *name, const char *format, ...)
{
    char value[256];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    add_fact(out, name, value);
}

static double sum_of(const struct page *p, const char *name, const char *attribute)
{
    const struct dataset_self *self = dataset_self(p->dataset, name, attribute);
    return self != NULL ? self->sum : 0;
}

static double most_of(const struct page *p, const char *name)
{
    const struct dataset_self *self = dataset_self(p->dataset, name, "");
    return self != NULL ? self->max : 0;
}

/* Lists the runs that began in the period. */
static void add_runs(struct text *out, const struct page *p)
{
    enum { SHOWN_MAX = 10 };
    size_t n = 0;
    text_add(out, "<tr><td class=\"l\">started</td><td class=\"l w\">");
    for (size_t i = 0; i < p->dataset->n_runs; i++) {
        if (p->dataset->runs[i] < p->dataset->since_ns || n++ >= SHOWN_MAX)
            continue;
        text_add(out, n > 1 ? ", " : "");
        html_time(out, p->dataset->runs[i], WHEN_DAY);
    }
    if (n > SHOWN_MAX)
        text_add(out, " and %zu more", n - SHOWN_MAX);
    if (n == 0) /* with delta counts start times are unknown */
        text_add(out, p->dataset->n_runs > 0 ? "not in this period" : "unknown");
    text_add(out, "</td></tr>\n");
}

static void add_probes(struct text *out, const struct page *p)
{
    uint64_t sent = 0, missed = 0, not_measured = 0;
    for (size_t t = 0; t < p->dataset->n_targets; t++)
        for (size_t s = 0; s < p->dataset->targets[t]->n_streams; s++) {
            const struct dataset_stream *stream = &p->dataset->targets[t]->streams[s];
            for (size_t i = 0; i < stream->n_series; i++) {
                sent += outcomes_sent(stream->series[i]->sum.outcomes);
                missed += stream->series[i]->sum.counters[COUNTER_MISSED];
                not_measured += stream->series[i]->sum.outcomes[OUTCOME_NOT_MEASURED];
            }
        }
    add_fact_format(
        out, "probes",
        "%llu sent, %llu missed (due, but not sent in time), %llu not measured (this "
        "host could not send)",
        (unsigned long long)sent, (unsigned long long)missed,
        (unsigned long long)not_measured);
    add_fact_format(out, "windows",
                    "%.0f busy, %.0f interrupted (the host slept or was stopped)",
                    sum_of(p, METRIC_AGENT_WINDOWS, "busy"),
                    sum_of(p, METRIC_AGENT_WINDOWS, "interrupted"));
}

static void add_export(struct text *out, const struct page *p)
{
    add_fact_format(out, "export",
                    "%.0f batches accepted, %.0f refused, %.0f attempts failed",
                    sum_of(p, METRIC_AGENT_EXPORT_RESULTS, "accepted"),
                    sum_of(p, METRIC_AGENT_EXPORT_RESULTS, "refused"),
                    sum_of(p, METRIC_AGENT_EXPORT_RESULTS, "failed"));
    add_fact_format(
        out, "spool", "%.0f batches waiting at most, %.0f dropped, %.0f set aside",
        most_of(p, METRIC_AGENT_SPOOL_WAITING), sum_of(p, METRIC_AGENT_SPOOL_DROPPED, ""),
        sum_of(p, METRIC_AGENT_SPOOL_SET_ASIDE, ""));
    add_fact_format(
        out, "this page",
        "%zu batches read, %zu files skipped (damaged or not a batch), %zu of other "
        "agents, %zu "
        "values left out",
        p->dataset->batches, p->skipped, p->foreign, p->dataset->left_out);
}

void page_agent(struct text *out, const struct page *p)
{
    const struct dataset *dataset = p->dataset;
    double cpu_s = sum_of(p, METRIC_AGENT_CPU_TIME, "user") +
                   sum_of(p, METRIC_AGENT_CPU_TIME, "system");
    double covered_s = (double)intervals_sum(&dataset->covered) / 1e9;
    page_table(out, "<section>\n<h2>The agent</h2>\n", "The agent", "");
    add_fact(out, "version", dataset->version);
    add_fact(out, "site", dataset->site[0] != '\0' ? dataset->site : "(none configured)");
    add_fact(out, "host", dataset->host);
    add_fact(out, "instance", dataset->instance);
    add_runs(out, p);
    add_probes(out, p);
    add_fact_format(
        out, "load",
        "%.2f %% of one core, %.1f MiB of memory at most, loop lag %.1f ms at most",
        covered_s > 0 ? 100 * cpu_s / covered_s : 0,
        most_of(p, METRIC_AGENT_MEMORY_RESIDENT) / (1 << 20),
        1000 * most_of(p, METRIC_AGENT_LOOP_LAG));
    add_export(out, p);
    text_add(out, "</table></div>\n");
    page_events(out, p, "");
    text_add(out, "</section>\n");
}
