/*
 * Draws one kind of probe: medians as lines, areas up to the highest delay, loss as bars. Lines are SVG
 * paths with relative commands, which are the shortest form.
 */
#include "base/mem.h"
#include "core/time.h"
#include "report/canvas.h"
#include "report/downsample.h"
#include "report/html.h"
#include "report/scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TITLE_HEIGHT = 40,
    DELAY_HEIGHT = 200,
    SPACE = 10, /* between delays and loss */
    LOSS_HEIGHT = 26,
    BIN = 12, /* columns with a tooltip */
};

/* The CSS class of a family. Where lanes have both, IPv4 is a wide line below the one of
 * IPv6, so that both are seen where they have the same delay. */
static const char *class_of(const struct lane *lane, size_t i)
{
    return strcmp(lane->streams[i]->family, "ipv6") == 0 ? "v6"
           : lane->n > 1                                 ? "v4 wide"
                                                         : "v4";
}

/* ---- delays ---- */

static int y_of(const struct canvas *c, const struct scale *s, int64_t ns)
{
    return c->y + DELAY_HEIGHT - (int)lround(DELAY_HEIGHT * scale_at(s, ms(ns)));
}

struct pen {
    struct text *out;
    int x, y;
    bool down;
};

static void pen_to(struct pen *p, int x, int y)
{
    if (!p->down)
        text_add(p->out, "M%d %d", x, y);
    else if (y == p->y)
        text_add(p->out, "h%d", x - p->x);
    else if (x == p->x)
        text_add(p->out, "v%d", y - p->y);
    else
        text_add(p->out, "l%d%s%d", x - p->x, y < p->y ? "" : " ", y - p->y);
    *p = (struct pen){p->out, x, y, true};
}

static bool has_value(const struct column *c)
{
    return c->p50_least_ns != DELAY_UNDEFINED;
}

/* Draws both ends of each column, the end closer to the previous point first. */
static void draw_median(struct canvas *c, const struct scale *s,
                        const struct column *columns, const char *class)
{
    struct pen pen = {.out = c->out};
    text_add(c->out, "<path class=\"p50 %s\" d=\"", class);
    for (size_t i = 0; i < c->columns; i++) {
        if (!has_value(&columns[i]))
            continue;
        int x = canvas_column_x(c, i) + 1;
        int low = y_of(c, s, columns[i].p50_least_ns);
        int high = y_of(c, s, columns[i].p50_most_ns);
        bool alone = !pen.down || columns[i].gap;
        pen.down = !alone;
        bool low_first = alone || abs(low - pen.y) < abs(high - pen.y);
        pen_to(&pen, x, low_first ? low : high);
        if (low != high)
            pen_to(&pen, x, low_first ? high : low);
        else if (alone)
            text_add(c->out, "h0"); /* a dot if no neighbour follows */
    }
    text_add(c->out, "\"/>\n");
}

/* False if the highest delay is the median everywhere: each window had one result. */
static bool has_area(const struct canvas *c, const struct column *columns)
{
    for (size_t i = 0; i < c->columns; i++)
        if (columns[i].highest_ns > columns[i].p50_most_ns)
            return true;
    return false;
}

/* The area from the median to the highest delay, one closed shape between two gaps. */
static void draw_area(struct canvas *c, const struct scale *s,
                      const struct column *columns, const char *class)
{
    struct pen pen = {.out = c->out};
    text_add(c->out, "<path class=\"high %s\" d=\"", class);
    for (size_t first = 0, end; first < c->columns; first = end) {
        end = first + 1;
        if (!has_value(&columns[first]))
            continue;
        while (end < c->columns && !columns[end].gap)
            end++;
        pen.down = false;
        for (size_t i = first; i < end; i++)
            if (has_value(&columns[i]))
                pen_to(&pen, canvas_column_x(c, i) + 1,
                       y_of(c, s, columns[i].highest_ns));
        for (size_t i = end; i-- > first;)
            if (has_value(&columns[i]))
                pen_to(&pen, canvas_column_x(c, i) + 1,
                       y_of(c, s, columns[i].p50_least_ns));
        text_add(c->out, "z");
    }
    text_add(c->out, "\"/>\n");
}

/* ---- the axes ---- */

static void draw_delay_axis(struct canvas *c, const struct scale *s, const char *kind)
{
    text_add(c->out, "<text class=\"kind\" x=\"%d\" y=\"%d\">", LEFT, c->y - 10);
    html_escape(c->out, kind);
    text_add(c->out, " %s<tspan class=\"dim\"> in ms%s</tspan></text>\n",
             kinds_main_delay(c->of->dataset->kinds, kind),
             s->logarithmic ? ", logarithmic" : "");
    for (size_t i = 0; i < s->n_ticks; i++) {
        int y = y_of(c, s, (int64_t)(s->ticks_ms[i] * 1e6));
        text_add(c->out,
                 "<path class=\"grid\" d=\"M%d %dh%d\"/><text class=\"side\" x=\"%d\" "
                 "y=\"%d\">%g</text>\n",
                 LEFT, y, WIDTH, LEFT - 10, y + 7, s->ticks_ms[i]);
    }
}

static void draw_limit(struct canvas *c, const struct scale *s, const char *kind)
{
    int64_t limit_ns = c->of->rating->limits.delay_ns;
    if (limit_ns <= 0 || ms(limit_ns) > s->high_ms || ms(limit_ns) < s->low_ms ||
        strcmp(kinds_main_delay(c->of->dataset->kinds, kind), KIND_ROUND_TRIP) != 0)
        return;
    int y = y_of(c, s, limit_ns);
    text_add(c->out,
             "<path class=\"limit\" d=\"M%d %dh%d\"/><text class=\"limit\" x=\"%d\" "
             "y=\"%d\">limit %g ms</text>\n",
             LEFT, y, WIDTH, LEFT + WIDTH - 6, y - 6, ms(limit_ns));
}

/* Marks the times without a window. */
static void draw_uncovered(struct canvas *c, int y, int height)
{
    const struct intervals *covered = &c->of->dataset->covered;
    int64_t from_ns = c->of->from_ns;
    for (size_t i = 0; i <= covered->n; i++) {
        int64_t to_ns = i < covered->n ? covered->all[i].start_ns : c->of->to_ns;
        int x = canvas_x(c, from_ns), width = canvas_x(c, to_ns) - x;
        if (to_ns > from_ns && width > c->pitch)
            text_add(c->out,
                     "<rect class=\"none\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\">"
                     "<title>nothing was measured</title></rect>\n",
                     x, y, width, height);
        if (i < covered->n)
            from_ns = covered->all[i].end_ns;
    }
}

/* ---- loss ---- */

/* The width of a window, at least one column. */
static int bar_width(const struct canvas *c)
{
    double share =
        (double)c->of->dataset->window_ns / (double)(c->of->to_ns - c->of->from_ns);
    int width = share < 1 ? (int)(0.8 * share * WIDTH) : WIDTH;
    return width > c->pitch ? width : c->pitch;
}

static void draw_loss(struct canvas *c, const struct column *columns, const char *family)
{
    int base = c->y + LOSS_HEIGHT - 2, room = LOSS_HEIGHT - 6;
    canvas_side(c, base, "loss", family);
    text_add(c->out,
             "<path class=\"grid\" d=\"M%d %dh%d\"/><path class=\"loss\" "
             "style=\"stroke-width:%d\" d=\"",
             LEFT, base, WIDTH, bar_width(c));
    for (size_t i = 0; i < c->columns; i++) {
        if (columns[i].lost == 0)
            continue;
        double share = (double)columns[i].lost / (double)columns[i].sent;
        int height = 4 + (int)lround((room - 4) * share); /* a single loss is visible */
        text_add(c->out, "M%d %dv-%d", canvas_column_x(c, i) + 1, base, height);
    }
    text_add(c->out, "\"/>\n");
    c->y += LOSS_HEIGHT;
}

/* ---- tooltips ---- */

static void add_bin(struct canvas *c, const struct dataset_stream *s,
                    const struct column *columns, size_t first, size_t end)
{
    int64_t least_ns = DELAY_UNDEFINED, most_ns = DELAY_UNDEFINED;
    int64_t highest_ns = DELAY_UNDEFINED;
    uint64_t sent = 0, lost = 0;
    for (size_t i = first; i < end; i++) {
        const struct column *column = &columns[i];
        if (has_value(column) &&
            (least_ns == DELAY_UNDEFINED || column->p50_least_ns < least_ns))
            least_ns = column->p50_least_ns;
        if (column->p50_most_ns > most_ns)
            most_ns = column->p50_most_ns;
        if (column->highest_ns > highest_ns)
            highest_ns = column->highest_ns;
        sent += column->sent;
        lost += column->lost;
    }
    if (sent == 0)
        return;
    text_add(c->out, "\n");
    canvas_family(c, s->family);
    text_add(c->out, ": ");
    if (most_ns != DELAY_UNDEFINED)
        text_add(c->out, "median %.1f to %.1f ms, highest %.1f ms", ms(least_ns),
                 ms(most_ns), ms(highest_ns));
    if (lost > 0)
        text_add(c->out, "%s%llu of %llu lost", most_ns != DELAY_UNDEFINED ? ", " : "",
                 (unsigned long long)lost, (unsigned long long)sent);
}

static void draw_tooltips(struct canvas *c, const struct lane *lane,
                          struct column columns[][COLUMNS_MAX], int top)
{
    enum when how =
        c->of->to_ns - c->of->from_ns > 20 * 3600 * NS_PER_S ? WHEN_DAY : WHEN_CLOCK;
    text_add(c->out, "<g class=\"tips\">");
    for (size_t first = 0; first < c->columns; first += BIN) {
        char from[HTML_TIME_MAX], to[HTML_TIME_MAX];
        int width = c->pitch * BIN, height = c->y - top;
        text_add(c->out, "<path d=\"M%d %dh%dv%dh-%dz\"><title>%s to %s",
                 canvas_column_x(c, first), top, width, height, width,
                 html_clock(from, canvas_time(c, first), how),
                 html_clock(to, canvas_time(c, first + BIN), WHEN_CLOCK));
        for (size_t i = 0; i < lane->n; i++)
            add_bin(c, lane->streams[i], columns[i], first, first + BIN);
        text_add(c->out, "</title></path>\n");
    }
    text_add(c->out, "</g>\n");
}

/* ---- lanes ---- */

/* False if there is no delay to draw. */
static bool scale_of(const struct canvas *c, const struct lane *lane,
                     struct column columns[][COLUMNS_MAX], struct scale *out)
{
    int64_t *medians = mem_alloc(lane->n * COLUMNS_MAX * sizeof *medians), most_ns = 0;
    size_t n = 0;
    for (size_t s = 0; s < lane->n; s++)
        for (size_t i = 0; i < c->columns; i++) {
            if (!has_value(&columns[s][i]))
                continue;
            medians[n++] = columns[s][i].p50_least_ns;
            most_ns =
                columns[s][i].highest_ns > most_ns ? columns[s][i].highest_ns : most_ns;
        }
    if (n > 0) {
        qsort(medians, n, sizeof *medians, ns_compare);
        *out = scale_for(ms(medians[0]), ms(medians[n / 2]), ms(most_ns));
    }
    free(medians);
    return n > 0;
}

void canvas_lane(struct canvas *c, const struct lane *lane)
{
    struct column(*columns)[COLUMNS_MAX] = mem_alloc(lane->n * sizeof *columns);
    struct scale scale;
    const char *kind = lane->streams[0]->kind;
    for (size_t i = 0; i < lane->n; i++)
        downsample(columns[i], c->columns, lane->streams[i], c->of->from_ns, c->of->to_ns,
                   &c->of->dataset->covered);
    c->y += TITLE_HEIGHT;
    int top = c->y;
    if (scale_of(c, lane, columns, &scale)) {
        draw_delay_axis(c, &scale, kind);
        for (size_t i = 0; i < lane->n; i++)
            if (has_area(c, columns[i]))
                draw_area(c, &scale, columns[i], class_of(lane, i));
        for (size_t i = 0; i < lane->n; i++)
            draw_median(c, &scale, columns[i], class_of(lane, i));
        draw_limit(c, &scale, kind);
        c->y += DELAY_HEIGHT + SPACE;
    } else {
        text_add(c->out, "<text class=\"kind\" x=\"%d\" y=\"%d\">", LEFT, c->y - 10);
        html_escape(c->out, kind);
        text_add(c->out, "<tspan class=\"dim\"> no replies</tspan></text>\n");
    }
    for (size_t i = 0; i < lane->n; i++)
        draw_loss(c, columns[i], lane->streams[i]->family);
    draw_uncovered(c, top, c->y - top);
    draw_tooltips(c, lane, columns, top);
    free(columns);
}
