#include "report/plot.h"

#include "report/canvas.h"
#include "report/downsample.h"
#include "report/html.h"
#include "report/scale.h"

#include <stdio.h>
#include <string.h>

enum {
    ALL_WIDTH = LEFT + WIDTH + 12,
    MARKS_HEIGHT = 40,
    MARK_RADIUS = 16,
    AXIS_HEIGHT = 40,
    LABELS = 8, /* approximate number on the time axis */
    LABEL_WIDTH = 120,
};

/* ---- shared by the parts ---- */

int canvas_column_x(const struct canvas *c, size_t column)
{
    return LEFT + c->pitch * (int)column;
}

size_t canvas_column(const struct canvas *c, int64_t ns)
{
    return downsample_column(ns, c->of->from_ns, c->of->to_ns, c->columns);
}

int canvas_x(const struct canvas *c, int64_t ns)
{
    return canvas_column_x(c, canvas_column(c, ns));
}

int64_t canvas_time(const struct canvas *c, size_t column)
{
    double span_ns = (double)(c->of->to_ns - c->of->from_ns);
    return c->of->from_ns + (int64_t)(span_ns * (double)column / (double)c->columns);
}

void canvas_family(struct canvas *c, const char *family)
{
    html_escape(c->out, strcmp(family, "ipv4") == 0   ? "IPv4"
                        : strcmp(family, "ipv6") == 0 ? "IPv6"
                                                      : family);
}

void canvas_side(struct canvas *c, int y, const char *what, const char *family)
{
    text_add(c->out, "<text class=\"side\" x=\"%d\" y=\"%d\">%s ", LEFT - 10, y, what);
    canvas_family(c, family);
    text_add(c->out, "</text>\n");
}

/* ---- the time axis ---- */

/* Ticks at round local times. */
static void draw_time_axis(struct canvas *c, int top)
{
    int64_t span_ns = c->of->to_ns - c->of->from_ns;
    int64_t step_ns = scale_time_step(span_ns, LABELS);
    int64_t east_ns = html_east_ns(c->of->from_ns);
    enum when how = step_ns < INT64_C(60000000000) ? WHEN_SECOND : WHEN_CLOCK;
    int64_t at_ns =
        (c->of->from_ns + east_ns + step_ns - 1) / step_ns * step_ns - east_ns;
    for (; at_ns < c->of->to_ns; at_ns += step_ns) {
        char clock[HTML_TIME_MAX];
        int x = canvas_x(c, at_ns);
        html_clock(clock, at_ns, how);
        if (strcmp(clock, "00:00") == 0)
            html_clock(clock, at_ns, WHEN_DATE);
        text_add(c->out, "<path class=\"grid\" d=\"M%d %dV%d\"/>", x, top, c->y + 4);
        if (x + LABEL_WIDTH / 2 <= ALL_WIDTH)
            text_add(c->out, "<text class=\"hour\" x=\"%d\" y=\"%d\">%s</text>\n", x,
                     c->y + 28, clock);
    }
    c->y += AXIS_HEIGHT;
}

/* The streams of the same kind as stream `first`; empty if an earlier stream has that
 * kind, as the lane is drawn already. */
static struct lane lane_of(const struct dataset_target *t, size_t first)
{
    struct lane lane = {.n = 0};
    for (size_t i = first; i < t->n_streams; i++)
        if (strcmp(t->streams[i].kind, t->streams[first].kind) == 0 &&
            t->streams[i].n > 0)
            lane.streams[lane.n++] = &t->streams[i];
    for (size_t i = 0; i < first; i++)
        if (strcmp(t->streams[i].kind, t->streams[first].kind) == 0)
            lane.n = 0;
    return lane;
}

/* ---- events ---- */

static const char *severity_class(int severity)
{
    return severity >= 17 ? "error" : severity >= 13 ? "warn" : "info";
}

static int mark_x(const struct canvas *c, size_t i)
{
    return canvas_x(c, c->of->marks[i].event->time_ns) + 1;
}

/* The half width of the bubble of marks `first` to `last`: "2", "2-5". */
static int bubble_reach(const struct canvas *c, size_t first, size_t last)
{
    const struct mark *marks = c->of->marks;
    int len = first == last
                  ? snprintf(NULL, 0, "%zu", marks[first].number)
                  : snprintf(NULL, 0, "%zu-%zu", marks[first].number, marks[last].number);
    int reach = 6 * len + 6;
    return reach > MARK_RADIUS ? reach : MARK_RADIUS;
}

/* The last mark that shares the bubble of mark `first`, because the next one would overlap
 * it. */
static size_t bubble_end(const struct canvas *c, size_t first)
{
    size_t last = first;
    while (last + 1 < c->of->n_marks &&
           mark_x(c, last + 1) - mark_x(c, first) <
               bubble_reach(c, first, last) + bubble_reach(c, last + 1, last + 1) + 2)
        last++;
    return last;
}

static void draw_bubble(struct canvas *c, size_t first, size_t last)
{
    const struct mark *marks = c->of->marks;
    int x = mark_x(c, first), reach = bubble_reach(c, first, last), severity = 0;
    x = x + reach < ALL_WIDTH ? x : ALL_WIDTH - reach;
    text_add(c->out, "<g><title>");
    for (size_t i = first; i <= last; i++) {
        const struct dataset_event *e = marks[i].event;
        char clock[HTML_TIME_MAX];
        severity = e->severity > severity ? e->severity : severity;
        text_add(c->out, "%s%zu: %s ", i > first ? "\n" : "", marks[i].number,
                 html_clock(clock, e->time_ns, WHEN_SECOND));
        html_escape(c->out, e->text[0] != '\0' ? e->text : e->name);
    }
    text_add(c->out,
             "</title><rect class=\"mark %s\" x=\"%d\" y=\"%d\" width=\"%d\" "
             "height=\"%d\" rx=\"%d\"/><text class=\"mark\" x=\"%d\" y=\"25\">%zu",
             severity_class(severity), x - reach, 18 - MARK_RADIUS, 2 * reach,
             2 * MARK_RADIUS, MARK_RADIUS, x, marks[first].number);
    if (last > first)
        text_add(c->out, "-%zu", marks[last].number);
    text_add(c->out, "</text></g>\n");
}

static void draw_marks(struct canvas *c)
{
    for (size_t i = 0; i < c->of->n_marks; i++)
        text_add(c->out, "<path class=\"mark %s\" d=\"M%d %dV%d\"/>\n",
                 severity_class(c->of->marks[i].event->severity), mark_x(c, i),
                 MARKS_HEIGHT - 6, c->y);
    for (size_t first = 0, last; first < c->of->n_marks; first = last + 1) {
        last = bubble_end(c, first);
        draw_bubble(c, first, last);
    }
}

/* Of BGP, on the time line of a target. */
static void draw_routing_marks(struct canvas *c)
{
    for (size_t i = 0; i < c->of->dataset->n_events; i++) {
        const struct dataset_event *e = &c->of->dataset->events[i];
        if (!event_is_routing(e->name) || e->severity < SEVERITY_WARN)
            continue;
        text_add(c->out, "<path class=\"mark %s\" d=\"M%d %dV%d\"><title>",
                 severity_class(e->severity), canvas_x(c, e->time_ns) + 1, c->top, c->y);
        html_escape(c->out, e->text[0] != '\0' ? e->text : e->name);
        text_add(c->out, "</title></path>\n");
    }
}

/* ---- the plot ---- */

enum {
    SESSIONS_OF_TARGET = 4,
    SESSIONS_ALL = 32,
    TRAFFIC_OF_TARGET = 8,
    TRAFFIC_ALL = 64
};

static void draw_target(struct canvas *c)
{
    const struct dataset_target *t = c->of->rating->target;
    canvas_strip(c, "ipv4");
    canvas_strip(c, "ipv6");
    canvas_entries(c, "ipv4");
    canvas_entries(c, "ipv6");
    canvas_sessions(c, SESSIONS_OF_TARGET);
    for (size_t i = 0; i < t->n_streams; i++) {
        struct lane lane = lane_of(t, i);
        if (lane.n > 0)
            canvas_lane(c, &lane);
    }
    canvas_media(c);
    canvas_traffic(c, t->service, TRAFFIC_OF_TARGET);
    draw_routing_marks(c);
}

/* Measured: a week of 20 targets over both families by icmp, tcp and https is under 1 MiB. */
static size_t columns_for(size_t targets)
{
    return targets <= 5 ? COLUMNS_MAX : targets <= 10 ? 480 : targets <= 15 ? 360 : 288;
}

void plot(struct text *out, const struct plotted *p)
{
    struct text body = {0}, axis = {0}; /* the axis is drawn below the rest */
    struct canvas c = {.out = &body, .of = p, .y = p->n_marks > 0 ? MARKS_HEIGHT : 0};
    c.top = c.y;
    c.columns = columns_for(p->dataset->n_targets);
    c.pitch = WIDTH / (int)c.columns;
    if (p->subject == PLOT_TARGET)
        draw_target(&c);
    else if (p->subject == PLOT_SESSIONS)
        canvas_sessions(&c, SESSIONS_ALL);
    else
        canvas_traffic(&c, NULL, TRAFFIC_ALL);
    draw_marks(&c);
    c.out = &axis;
    draw_time_axis(&c, c.top);
    text_add(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", ALL_WIDTH,
             c.y);
    html_escape(out, p->subject == PLOT_TARGET     ? p->rating->target->name
                     : p->subject == PLOT_SESSIONS ? "BGP sessions"
                                                   : "Traffic");
    text_add(out, ": %s over time\">\n%s%s</svg>\n",
             p->subject == PLOT_TARGET     ? "delay, loss and traffic"
             : p->subject == PLOT_SESSIONS ? "availability"
                                           : "rates",
             text_string(&axis), text_string(&body));
    text_free(&axis);
    text_free(&body);
}
