/*
 * Draws the traffic of interfaces and services: a row for each direction, filled to the
 * highest second (light) and to the mean (dark) of each column. Both directions of an interface
 * or service have the same scale.
 */
#include "report/canvas.h"
#include "report/downsample.h"
#include "report/html.h"

#include <math.h>
#include <string.h>

enum { ROW_HEIGHT = 40, BAR_HEIGHT = 34 };

struct columns { /* below 0: unknown */
    double mean[COLUMNS_MAX], highest[COLUMNS_MAX];
};

static void fill_columns(const struct canvas *c, const struct dataset_traffic *t,
                         struct columns *to)
{
    for (size_t i = 0; i < c->columns; i++)
        to->mean[i] = to->highest[i] = -1;
    for (size_t i = 0; i < t->n; i++) {
        const struct traffic_window *w = &t->windows[i];
        size_t at = canvas_column(c, w->start_ns);
        size_t end = canvas_column(c, w->end_ns - 1);
        for (; at <= end; at++) {
            to->mean[at] = fmax(to->mean[at], w->mean);
            to->highest[at] = fmax(to->highest[at], w->highest);
        }
    }
}

/* One area for each run of known columns. */
static void draw_area(struct canvas *c, const char *class, const double *values,
                      double top)
{
    int base = c->y + 3 + BAR_HEIGHT;
    text_add(c->out, "<path class=\"%s\" d=\"", class);
    for (size_t i = 0; i < c->columns; i++) {
        bool begins = values[i] >= 0 && (i == 0 || values[i - 1] < 0);
        bool ends = values[i] >= 0 && (i + 1 == c->columns || values[i + 1] < 0);
        int y = base - (int)lround(BAR_HEIGHT * fmax(values[i], 0) / top);
        if (begins)
            text_add(c->out, "M%d %d", canvas_column_x(c, i), base);
        if (begins || (values[i] >= 0 && values[i] != values[i - 1]))
            text_add(c->out, "H%dV%d", canvas_column_x(c, i), y);
        if (ends)
            text_add(c->out, "H%dV%dZ", canvas_column_x(c, i + 1), base);
    }
    text_add(c->out, "\"/>");
}

static double top_of(const struct dataset *p, const struct dataset_traffic *t)
{
    double top = 1;
    for (size_t i = 0; i < p->n_traffic; i++) {
        const struct dataset_traffic *other = p->traffic[i];
        if (other->link == t->link && strcmp(other->name, t->name) == 0 &&
            strcmp(other->source, t->source) == 0)
            top = fmax(top, dataset_traffic_all(other).highest);
    }
    return top;
}

static void draw_row(struct canvas *c, const struct dataset_traffic *t)
{
    struct columns columns;
    char rate[HTML_TIME_MAX], highest[HTML_TIME_MAX];
    struct traffic_window all = dataset_traffic_all(t);
    double top = top_of(c->of->dataset, t);
    fill_columns(c, t, &columns);
    text_add(c->out, "<text class=\"side\" x=\"%d\" y=\"%d\">", LEFT - 10, c->y + 26);
    html_escape(c->out, t->name);
    text_add(c->out, "</text><g><title>");
    html_escape(c->out, t->name);
    text_add(c->out, ", ");
    html_escape(c->out, t->direction);
    text_add(c->out, ": mean %s, highest second %s; the full height is %s",
             html_rate(rate, all.mean), html_rate(highest, all.highest),
             html_rate((char[HTML_TIME_MAX]){0}, top));
    text_add(c->out, "</title>");
    draw_area(c, "peak", columns.highest, top);
    draw_area(c, "rate", columns.mean, top);
    text_add(c->out, "</g><text class=\"in\" x=\"%d\" y=\"%d\">", LEFT + 6, c->y + 18);
    html_escape(c->out, t->direction);
    text_add(c->out, "</text>\n");
    c->y += ROW_HEIGHT;
}

void canvas_traffic(struct canvas *c, const char *service, size_t most)
{
    const struct dataset *p = c->of->dataset;
    for (size_t i = 0, n = 0; i < p->n_traffic && n < most; i++) {
        const struct dataset_traffic *t = p->traffic[i];
        if (t->n == 0 || (service != NULL && !t->link && strcmp(t->name, service) != 0))
            continue;
        draw_row(c, t);
        n++;
    }
}
