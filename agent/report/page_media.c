/*
 * The bursts like a call to a target, as a table.
 */
#include "base/mem.h"
#include "core/emodel.h"
#include "core/time.h"
#include "report/html.h"
#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED_MAX = 48 };

static const enum media_measure columns[] = {MEDIA_LOSS, MEDIA_BURST_LOSS, MEDIA_DELAY,
                                             MEDIA_VARIATION, MEDIA_REORDERING};
enum { COLUMNS = sizeof columns / sizeof *columns };

static bool is_time(enum media_measure m)
{
    return m == MEDIA_DELAY || m == MEDIA_VARIATION;
}

/* `value`: seconds, or a share. */
static void add_value(struct text *out, enum media_measure m, double value)
{
    if (isnan(value))
        text_add(out, "<td>-</td>");
    else if (is_time(m))
        text_add(out, "<td>%.*f\u00a0ms</td>", value < 0.01 ? 2 : 1, 1e3 * value);
    else
        text_add(out, "<td>%.3g\u00a0%%</td>", 100 * value);
}

static void add_limits(struct text *out, const struct media_limits *limits)
{
    text_add(out, "<tr class=\"dim\"><td class=\"l\">limit of each direction</td>"
                  "<td class=\"l\"></td><td>-</td><td>-</td>");
    for (size_t i = 0; i < COLUMNS; i++) {
        double most = limits->of[columns[i]].most;
        add_value(out, columns[i],
                  most <= 0             ? NAN
                  : is_time(columns[i]) ? most / NS_PER_S
                                        : most);
    }
    text_add(out, "<td class=\"l\"></td></tr>\n");
}

static void add_burst(struct text *out, const struct page *p,
                      const struct dataset_media *m)
{
    static const char *const classes[] = {"dim", "good", "fair", "bad"};
    static const char *const words[] = {"-", "within", "cannot tell", "over"};
    text_add(out, "<tr><td class=\"l\">");
    html_time(out, m->time_ns, page_when(p->dataset));
    text_add(out, "</td><td class=\"l\">");
    html_escape(out, m->family);
    text_add(out, isnan(m->mos) ? "</td><td>-</td>" : "</td><td>%.2f</td>", m->mos);
    text_add(out, isnan(m->longest_burst) ? "<td>-</td>" : "<td>%.0f</td>",
             m->longest_burst);
    for (size_t i = 0; i < COLUMNS; i++)
        add_value(out, columns[i], m->values[columns[i]]);
    text_add(out, "<td class=\"l\"><span class=\"%s\">%s</span></td></tr>\n",
             classes[m->verdict], words[m->verdict]);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median and the lowest MOS; false: none is known. */
static bool find_mos(const struct dataset *p, const char *target, double *median,
                     double *lowest)
{
    double *all = mem_alloc((p->n_media + 1) * sizeof *all);
    size_t n = 0;
    for (size_t i = 0; i < p->n_media; i++)
        if (strcmp(p->media[i].target, target) == 0 && !isnan(p->media[i].mos))
            all[n++] = p->media[i].mos;
    qsort(all, n, sizeof *all, by_value);
    *median = n > 0 ? all[n / 2] : NAN;
    *lowest = n > 0 ? all[0] : NAN;
    free(all);
    return n > 0;
}

static void add_summary(struct text *out, const struct page *p, const char *target,
                        const struct media_limits *limits)
{
    struct media_count n = dataset_media_of(p->dataset, target);
    double median, lowest;
    text_add(out,
             "<p>%zu burst%s of %d packets in 15 s: %zu within Microsoft's limits for "
             "media, %zu over, %zu cannot tell",
             n.all, n.all == 1 ? "" : "s", MEDIA_PACKETS, n.of[MEDIA_WITHIN],
             n.of[MEDIA_OVER], n.all - n.of[MEDIA_WITHIN] - n.of[MEDIA_OVER]);
    if (find_mos(p->dataset, target, &median, &lowest))
        text_add(out, "; estimated MOS %.2f in the median, %.2f at the lowest", median,
                 lowest);
    text_add(out,
             ".</p>\n<p class=\"small dim\">MOS: E-model of ITU-T G.107 for %s. A packet "
             "crosses the path twice and the limits are for one direction: over means "
             "that one direction must exceed its limit; between the limit and twice the "
             "limit nobody can tell.",
             emodel_g711.name);
    if (limits->of[MEDIA_LOSS].source[0] != '\0') {
        text_add(out, " Limits: ");
        html_escape(out, limits->of[MEDIA_LOSS].source);
        text_add(out, ".");
    }
    text_add(out, "</p>\n");
}

void page_media(struct text *out, const struct page *p, const char *target)
{
    struct media_limits limits;
    size_t all = dataset_media_of(p->dataset, target).all, number = 0;
    if (all == 0)
        return;
    thresholds_media(&p->known->thresholds, &limits);
    text_add(out, "<h3>Media: bursts like a call</h3>\n");
    add_summary(out, p, target, &limits);
    page_table(out, "", "Bursts like a call", target);
    text_add(out, "<tr><th class=\"l\">began</th><th class=\"l\">family</th><th>MOS</th>"
                  "<th>lost in a row</th><th>loss</th><th>worst 200\u00a0ms</th>"
                  "<th>round trip</th><th>variation</th><th>reordering</th>"
                  "<th class=\"l\">limits</th></tr>\n");
    add_limits(out, &limits);
    for (size_t i = 0; i < p->dataset->n_media; i++) {
        const struct dataset_media *m = &p->dataset->media[i];
        if (strcmp(m->target, target) == 0 && ++number + LISTED_MAX > all)
            add_burst(out, p, m);
    }
    text_add(out, "</table></div>\n");
    if (all > LISTED_MAX)
        text_add(out, "<p class=\"dim\">and %zu earlier ones, in the plot.</p>\n",
                 all - LISTED_MAX);
}
