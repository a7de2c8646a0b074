#include "report/page.h"

#include "core/time.h"
#include "report/html.h"

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

/* ---- head and end ---- */

static void add_title(struct text *out, const struct dataset *p)
{
    text_add(out, "Latency to the Microsoft edge: %s",
             p->site[0] != '\0' ? p->site : p->host);
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
        "v6\"></span>IPv6 (the narrower line where both are drawn): the line is the median of each window, the area reaches up to its "
        "highest delay. <span "
        "class=\"key loss\"></span>loss, to the full height of its row. <span "
        "class=\"key none\"></span>nothing was measured. Numbers are the events below "
        "each plot.</p>\n");
}

void page_render(struct text *out, const struct page *p)
{
    struct text title = {0};
    add_title(&title, p->dataset);
    html_begin(out, text_string(&title));
    text_add(out, "<header>\n<h1>");
    html_escape(out, text_string(&title));
    text_add(out, "</h1>\n");
    text_free(&title);
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
