#include "cmd/diagnose_print.h"

#include "report/html.h"

#include <math.h>
#include <string.h>

/* The classes of the style sheet of reports. */
static const char *class_of(enum grade g)
{
    static const char *const classes[] = {[GRADE_GOOD] = "good",
                                          [GRADE_POOR] = "fair",
                                          [GRADE_BAD] = "bad",
                                          [GRADE_UNKNOWN] = "dim"};
    return classes[g];
}

static void add_paragraph(struct text *out, const char *label, const char *words)
{
    if (words[0] == '\0')
        return;
    text_add(out, "<p><b>%s</b> ", label);
    html_escape(out, words);
    text_add(out, "</p>\n");
}

static void add_finding(struct text *out, const struct fault_found *x)
{
    bool sure = x->certainty == CERTAINTY_SURE;
    text_add(out, "<section>\n<h2 class=\"%s\">", sure ? "bad" : "fair");
    html_escape(out, x->title);
    text_add(out, "</h2>\n");
    add_paragraph(out, "What:", x->what);
    add_paragraph(out, "Where:", x->segment);
    add_paragraph(out, "How sure:", sure ? "sure" : "likely; another cause is possible");
    add_paragraph(out, "With it:", x->also);
    add_paragraph(out, "Next:", x->next);
    add_paragraph(out, "Call:", x->whom);
    text_add(out, "</section>\n");
}

static void add_number(struct text *out, double value)
{
    if (isnan(value))
        text_add(out, "<td>-</td>");
    else
        text_add(out, "<td>%.*f</td>",
                 fabs(value) < 10    ? 2
                 : fabs(value) < 100 ? 1
                                     : 0,
                 value);
}

static void add_row(struct text *out, const struct check_row *r)
{
    text_add(out, "<tr><td class=\"l %s\">%s</td><td class=\"l\">%s</td><td class=\"l\">",
             class_of(r->grade), grade_name(r->grade), check_name(r->id));
    html_escape(out, r->subject);
    if (r->family == FAMILY_IPV4 || r->family == FAMILY_IPV6)
        text_add(out, " %s", family_name(r->family));
    text_add(out, "</td>");
    add_number(out, r->value);
    if (isnan(r->low) || isnan(r->high))
        text_add(out, "<td>-</td>");
    else
        text_add(out, "<td>%.1f to %.1f</td>", r->low, r->high);
    add_number(out, r->threshold);
    add_number(out, r->usual);
    text_add(out, "<td class=\"l\">%s</td><td class=\"l w\">", r->unit);
    html_escape(out, r->text);
    if (r->source[0] != '\0') {
        text_add(out, " <span class=\"dim\">Limit: ");
        html_escape(out, r->source);
        text_add(out, ".</span>");
    }
    text_add(out, "</td></tr>\n");
}

void diagnose_print_page(struct text *out, const struct diagnosed *d)
{
    const struct diagnosis *x = d->diagnosis;
    struct text title = {0};
    char zone[HTML_TIME_MAX];
    text_add(&title, "Diagnosis of %s%s%s", d->host_name, d->site[0] != '\0' ? ", " : "",
             d->site);
    html_begin(out, text_string(&title));
    text_add(out, "<header>\n<h1>");
    html_escape(out, text_string(&title));
    text_add(out, "</h1>\n<p class=\"dim\">");
    html_time(out, d->facts->time.ns, WHEN_EXACT);
    text_add(out, " (%s), by edgelat " EDGELAT_VERSION " in %.0f s</p>\n",
             html_zone(zone, d->facts->time.ns), (double)d->facts->took_ns / 1e9);
    add_paragraph(out, "Measured over:", d->facts->uplink);
    text_add(out, "<p class=\"verdict %s\">", x->n_found > 0 ? "bad" : "good");
    if (x->n_found == 0)
        text_add(out, "Nothing wrong found from here.");
    else
        text_add(out, "%zu problem%s found.", x->n_found, x->n_found > 1 ? "s" : "");
    text_add(out, "</p>\n</header>\n<main>\n");
    for (size_t i = 0; i < x->n_found; i++)
        add_finding(out, &x->found[i]);
    add_paragraph(out, "Not checked:", x->unknown);
    text_add(
        out,
        "<section>\n<h2>Checks</h2>\n<p class=\"dim\">In the order in which a packet "
        "meets them. Poor: over a recommendation; bad: over a limit. The interval is "
        "that of the median, 95 %%.</p>\n<div class=\"wide\" tabindex=\"0\" "
        "role=\"region\" aria-label=\"Checks\"><table>\n<tr><th "
        "class=\"l\">result</th><th class=\"l\">check</th><th "
        "class=\"l\">of</th><th>value</th><th>interval</th><th>limit</th><th>usual "
        "here</th><th class=\"l\">unit</th><th class=\"l\">details</th></tr>\n");
    for (size_t i = 0; i < x->n_rows; i++)
        add_row(out, &x->rows[i]);
    text_add(out, "</table></div>\n</section>\n</main>\n</body>\n</html>\n");
    text_free(&title);
}
