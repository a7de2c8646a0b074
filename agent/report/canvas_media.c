/*
 * Draws the bursts like a call to a target: a bar at its time for each, as high as the
 * estimated MOS, coloured by how the burst compares with the limits for media.
 */
#include "report/canvas.h"
#include "report/html.h"

#include <math.h>
#include <string.h>

/* MOS is from 1 to 4.5 (ITU-T G.107, annex B). */
#define MOS_LEAST 1.0
#define MOS_MOST  4.5

enum { ROW_HEIGHT = 40, BAR_HEIGHT = 34, BAR_WIDTH = 6 };

static const char *class_of(enum media_verdict verdict)
{
    return verdict == MEDIA_OVER ? "over" : verdict == MEDIA_WITHIN ? "within" : "unsure";
}

static void draw_bar(struct canvas *c, const struct dataset_media *m)
{
    char clock[HTML_TIME_MAX];
    double mos = m->mos > MOS_MOST ? MOS_MOST : m->mos; /* NaN: nothing came back */
    double share = mos > MOS_LEAST ? (mos - MOS_LEAST) / (MOS_MOST - MOS_LEAST) : 0;
    int height = 3 + (int)lround(share * (BAR_HEIGHT - 3));
    int x = canvas_x(c, m->time_ns);
    x = x + BAR_WIDTH <= LEFT + WIDTH ? x : LEFT + WIDTH - BAR_WIDTH;
    text_add(c->out, "<path class=\"media %s\" d=\"M%d %dh%dv-%dh-%dZ\"><title>%s ",
             class_of(m->verdict), x, c->y + 3 + BAR_HEIGHT, BAR_WIDTH, height, BAR_WIDTH,
             html_clock(clock, m->time_ns, WHEN_SECOND));
    html_escape(c->out, m->text);
    text_add(c->out, "</title></path>\n");
}

void canvas_media(struct canvas *c)
{
    const struct dataset *p = c->of->dataset;
    const char *target = c->of->rating->target->name;
    if (dataset_media_of(p, target).all == 0)
        return;
    text_add(c->out,
             "<text class=\"side\" x=\"%d\" y=\"%d\">call MOS</text>"
             "<path class=\"grid\" d=\"M%d %dH%d\"/>\n",
             LEFT - 10, c->y + 26, LEFT, c->y + 3 + BAR_HEIGHT, LEFT + WIDTH);
    for (size_t i = 0; i < p->n_media; i++)
        if (strcmp(p->media[i].target, target) == 0)
            draw_bar(c, &p->media[i]);
    c->y += ROW_HEIGHT;
}
