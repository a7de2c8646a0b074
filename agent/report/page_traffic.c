/*
 * Traffic on the page: interfaces, and the services of Microsoft, over time and in a table.
 */
#include "report/html.h"
#include "report/page.h"

const char page_of_traffic[] = "Traffic";

static void add_bytes(struct text *out, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    size_t unit = 0;
    for (; bytes >= 1000 && unit < 5; unit++)
        bytes /= 1000;
    text_add(out, "<td>%.*f %s</td>", unit > 0 && bytes < 100 ? 1 : 0, bytes,
             units[unit]);
}

static void add_row(struct text *out, const struct dataset_traffic *t)
{
    char rate[HTML_TIME_MAX];
    struct traffic_window all = dataset_traffic_all(t);
    text_add(out, "<tr><td class=\"l\">");
    html_escape(out, t->name);
    text_add(out, "</td><td class=\"l\">");
    html_escape(out, t->link ? "interface" : t->source);
    text_add(out, "</td><td class=\"l\">");
    html_escape(out, t->direction);
    text_add(out, "</td>");
    add_bytes(out, t->counts[TRAFFIC_BYTES].sum);
    text_add(out, "<td>%s</td>", t->n > 0 ? html_rate(rate, all.mean) : "-");
    text_add(out, "<td>%s</td><td class=\"l\">",
             t->n > 0 ? html_rate(rate, all.highest) : "-");
    if (t->n > 0 && all.highest > 0)
        html_time(out, all.start_ns, WHEN_DAY);
    if (t->link)
        text_add(out, "</td><td>%.0f</td><td>%.0f</td></tr>\n",
                 t->counts[TRAFFIC_ERRORS].sum, t->counts[TRAFFIC_DROPS].sum);
    else
        text_add(out, "</td><td>-</td><td>-</td></tr>\n");
}

void page_traffic(struct text *out, const struct page *p)
{
    const struct dataset *dataset = p->dataset;
    if (dataset->n_traffic == 0)
        return;
    text_add(out, "<section id=\"traffic\">\n<h2>Traffic</h2>\n");
    page_plot(out, p, NULL, page_of_traffic);
    page_table(out, "", "Interfaces and services", page_of_traffic);
    text_add(
        out,
        "<tr><th class=\"l\">interface or service</th><th class=\"l\">source</th>"
        "<th class=\"l\">direction</th><th>bytes</th><th>mean</th>"
        "<th>highest second</th><th class=\"l\">in the window from</th><th>errors</th>"
        "<th>drops</th></tr>\n");
    for (size_t i = 0; i < dataset->n_traffic; i++)
        add_row(out, dataset->traffic[i]);
    text_add(out, "</table></div>\n</section>\n");
}
