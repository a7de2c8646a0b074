#include "core/time.h"
#include "report/canvas.h"
#include "report/downsample.h"
#include "report/html.h"

#include <string.h>

enum {
    STRIP_HEIGHT = 30,
    LETTER_WIDTH = 14,
};

/* How long a PoP is shown after its last sample: the longer of the default slow interval
 * with a margin and three windows. */
#define POP_VALID_NS      (400 * NS_PER_S)
#define POP_VALID_WINDOWS 3

static size_t pop_colour(struct canvas *c, const char *pop)
{
    size_t i = 0;
    while (i < c->n_pops && strcmp(c->pops[i], pop) != 0)
        i++;
    if (i == c->n_pops && c->n_pops < CANVAS_POPS_MAX)
        c->pops[c->n_pops++] = pop;
    return i < CANVAS_POPS_MAX ? i : CANVAS_POPS_MAX - 1;
}

/* `what`: "served by", "enters at". */
static void draw_served(struct canvas *c, const char *what, const char *pop, size_t first,
                        size_t end, const char *family)
{
    int x = canvas_column_x(c, first), width = c->pitch * (int)(end - first);
    char from[HTML_TIME_MAX];
    text_add(c->out, "<g><title>");
    canvas_family(c, family);
    text_add(c->out, ": %s ", what);
    html_escape(c->out, pop);
    text_add(c->out,
             " from %s</title><rect class=\"p%zu\" x=\"%d\" y=\"%d\" width=\"%d\" "
             "height=\"%d\"/>",
             html_clock(from, canvas_time(c, first), WHEN_DAY), pop_colour(c, pop), x,
             c->y + 2, width, STRIP_HEIGHT - 6);
    if (width >= LETTER_WIDTH * (int)strlen(pop) + 8) {
        text_add(c->out, "<text class=\"pop\" x=\"%d\" y=\"%d\">", x + 8, c->y + 21);
        html_escape(c->out, pop);
        text_add(c->out, "</text>");
    }
    text_add(c->out, "</g>\n");
}

/* Sets the last PoP of each column. False if no PoP is known. */
static bool fill_pops(const struct canvas *c, const char *family,
                      const char *pops[COLUMNS_MAX])
{
    const struct dataset_target *t = c->of->rating->target;
    bool any = false;
    for (size_t s = 0; s < t->n_streams; s++) {
        const struct dataset_stream *stream = &t->streams[s];
        for (size_t i = 0; strcmp(stream->family, family) == 0 && i < stream->n; i++) {
            const struct sample *m = &stream->samples[i];
            const char *pop = stream->series[m->series]->pop;
            if (strcmp(pop, "unknown") == 0 || pop[0] == '\0')
                continue;
            pops[canvas_column(c, downsample_middle(m))] = pop;
            any = true;
        }
    }
    return any;
}

static size_t pop_valid_columns(const struct canvas *c)
{
    int64_t ns = POP_VALID_WINDOWS * c->of->dataset->window_ns;
    ns = ns > POP_VALID_NS ? ns : POP_VALID_NS;
    return 1 + canvas_column(c, c->of->from_ns + ns);
}

static void draw_strip(struct canvas *c, const char *label, const char *what,
                       const char *pops[COLUMNS_MAX], const char *family)
{
    canvas_side(c, c->y + 21, label, family);
    for (size_t first = 0, end; first < c->columns; first = end) {
        size_t last = first; /* the last column of this PoP */
        end = first + 1;
        if (pops[first] == NULL)
            continue;
        while (end < c->columns && end - last <= pop_valid_columns(c) &&
               (pops[end] == NULL || strcmp(pops[end], pops[first]) == 0)) {
            last = pops[end] != NULL ? end : last;
            end++;
        }
        if (end == c->columns || pops[end] == NULL) /* no later sample */
            end = last + 1;
        draw_served(c, what, pops[first], first, end, family);
    }
    c->y += STRIP_HEIGHT;
}

void canvas_strip(struct canvas *c, const char *family)
{
    const char *pops[COLUMNS_MAX] = {NULL};
    if (fill_pops(c, family, pops))
        draw_strip(c, "PoP", "served by", pops, family);
}

void canvas_entries(struct canvas *c, const char *family)
{
    const char *metros[COLUMNS_MAX] = {NULL};
    const struct dataset_target *t = c->of->rating->target;
    bool any = false;
    for (size_t i = 0; i < t->n_entries; i++) {
        const struct dataset_entry *e = &t->entries[i];
        if (strcmp(e->family, family) != 0)
            continue;
        size_t first = canvas_column(c, e->first_ns);
        size_t last = canvas_column(c, e->last_ns);
        for (size_t k = first; k <= last && k < c->columns; k++)
            metros[k] = e->metro;
        any = true;
    }
    if (any)
        draw_strip(c, "entry", "enters Microsoft's network at", metros, family);
}
