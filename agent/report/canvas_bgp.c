/*
 * Draws the availability of BGP sessions: a row for each, filled from below by the part of
 * the time in which the session was down.
 */
#include "report/canvas.h"
#include "report/downsample.h"
#include "report/html.h"

#include <math.h>

enum { ROW_HEIGHT = 26, BAR_HEIGHT = 20 };

/* The worst window of each column; below 0: unknown. */
static void fill_worst(const struct canvas *c, const struct dataset_session *s,
                       double worst[COLUMNS_MAX])
{
    for (size_t i = 0; i < c->columns; i++)
        worst[i] = -1;
    for (size_t i = 0; i < s->n; i++) {
        const struct availability *w = &s->windows[i];
        size_t at = canvas_column(c, w->start_ns);
        size_t end = canvas_column(c, w->end_ns - 1);
        for (; at <= end; at++)
            if (worst[at] < 0 || w->up < worst[at])
                worst[at] = w->up;
    }
}

static void draw_run(struct canvas *c, const struct dataset_session *s, double up,
                     size_t first, size_t end)
{
    char from[HTML_TIME_MAX];
    int x = canvas_column_x(c, first), width = c->pitch * (int)(end - first);
    int down = up < 1 ? 4 + (int)lround((BAR_HEIGHT - 4) * (1 - up)) : 0;
    text_add(c->out, "<g><title>BGP session with ");
    html_escape(c->out, s->peer);
    text_add(c->out,
             ": %.1f %% up from %s</title><rect class=\"up\" x=\"%d\" y=\"%d\" "
             "width=\"%d\" height=\"%d\"/>",
             100 * up, html_clock(from, canvas_time(c, first), WHEN_DAY), x, c->y + 2,
             width, BAR_HEIGHT);
    if (down > 0)
        text_add(c->out,
                 "<rect class=\"down\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>", x,
                 c->y + 2 + BAR_HEIGHT - down, width, down);
    text_add(c->out, "</g>\n");
}

void canvas_sessions(struct canvas *c, size_t most)
{
    const struct dataset *p = c->of->dataset;
    for (size_t i = 0; i < p->n_sessions && i < most; i++) {
        double worst[COLUMNS_MAX];
        fill_worst(c, p->sessions[i], worst);
        text_add(c->out, "<text class=\"side\" x=\"%d\" y=\"%d\">BGP %zu</text>\n",
                 LEFT - 10, c->y + 19, i + 1);
        for (size_t first = 0, end; first < c->columns; first = end) {
            end = first + 1;
            while (end < c->columns && worst[end] == worst[first])
                end++;
            if (worst[first] >= 0)
                draw_run(c, p->sessions[i], worst[first], first, end);
        }
        c->y += ROW_HEIGHT;
    }
}
