#include "cmd/diagnose_print.h"

#include "base/json.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static int decimals(const char *unit, double value)
{
    if (strcmp(unit, "bytes") == 0 || strcmp(unit, "s") == 0)
        return 0;
    return value >= 100 ? 0 : value >= 10 ? 1 : 2;
}

/* 0 for what rounds to "-0". */
static double plain_zero(double value, int decimals)
{
    return fabs(value) * pow(10, decimals) < 0.5 ? 0 : value;
}

static void add_value(struct text *out, const struct check_row *r)
{
    int n = decimals(r->unit, fabs(r->value));
    text_add(out, "%.*f %s", n, plain_zero(r->value, n), r->unit);
    if (!isnan(r->low) && !isnan(r->high))
        text_add(out, " (%.*f to %.*f)", n, plain_zero(r->low, n), n,
                 plain_zero(r->high, n));
    if (!isnan(r->threshold))
        text_add(out, ", limit %g", r->threshold);
    if (!isnan(r->usual))
        text_add(out, ", usual here %.*f", n, r->usual);
    text_add(out, "; ");
}

static void add_row(struct text *out, const struct check_row *r)
{
    char subject[sizeof r->subject], words[sizeof r->text];
    text_add(out, "\t%s\t%s\t%s", grade_name(r->grade), check_name(r->id),
             text_printable(subject, sizeof subject, r->subject, NULL));
    if (r->family == FAMILY_IPV4 || r->family == FAMILY_IPV6)
        text_add(out, "%s%s", r->subject[0] != '\0' ? " " : "", family_name(r->family));
    text_add(out, "%s", r->subject[0] != '\0' || r->family != FAMILY_NONE ? ": " : "");
    if (!isnan(r->value))
        add_value(out, r);
    text_add(out, "%s\n", text_printable(words, sizeof words, r->text, NULL));
}

static void add_printable(struct text *out, const struct text *from)
{
    size_t room = 4 * from->len + 1;
    char *shown = mem_alloc(room);
    text_add(out, "%s", text_printable(shown, room, text_string(from), "\n"));
    free(shown);
}

void diagnose_print_text(struct text *out, const struct diagnosed *d)
{
    struct text verdict = {0};
    if (d->facts->uplink[0] != '\0')
        text_add(out, "Measured over %s only:\n", d->facts->uplink);
    text_add(out, "\t\t\t\t\n"); /* without titles; the third cell is prose */
    for (size_t i = 0; i < d->diagnosis->n_rows; i++)
        add_row(out, &d->diagnosis->rows[i]);
    text_add(out, "\n");
    diagnosis_text(d->diagnosis, &verdict);
    add_printable(out, &verdict);
    text_free(&verdict);
}

void diagnose_print_fleet(struct text *out, const struct diagnosed *d)
{
    struct text line = {0};
    text_add(&line, "%s%s%s%s%s: ", d->host_name, d->site[0] != '\0' ? " " : "", d->site,
             d->facts->uplink[0] != '\0' ? " over " : "", d->facts->uplink);
    diagnosis_line(d->diagnosis, &line);
    add_printable(out, &line);
    text_add(out, "\n");
    text_free(&line);
}

/* ---- JSON ---- */

static void json_row(struct text *out, const struct check_row *r)
{
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_string(&j, "check", check_name(r->id));
    json_text(&j, "subject", r->subject);
    if (r->family == FAMILY_NONE)
        json_null(&j, "family");
    else
        json_string(&j, "family", family_name(r->family));
    json_string(&j, "grade", grade_name(r->grade));
    json_number(&j, "value", r->value);
    json_number(&j, "low", r->low);
    json_number(&j, "high", r->high);
    json_text(&j, "unit", r->unit);
    json_number(&j, "threshold", r->threshold);
    json_text(&j, "threshold_source", r->source);
    json_number(&j, "usual", r->usual);
    json_string(&j, "text", r->text);
    json_object_end(&j);
    text_add(out, "\n");
}

static void json_services(struct json *j, const struct facts *f, uint32_t services)
{
    json_array(j, "services");
    for (size_t i = 0; i < f->n_services; i++)
        if ((services & (UINT32_C(1) << i)) != 0)
            json_string(j, NULL, f->services[i].target.name);
    json_array_end(j);
}

static void json_finding(struct text *out, const struct diagnosed *d,
                         const struct fault_found *x)
{
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_string(&j, "finding", fault_name(x->fault));
    json_string(&j, "title", x->title);
    json_string(&j, "certainty", x->certainty == CERTAINTY_SURE ? "sure" : "likely");
    json_string(&j, "segment", x->segment);
    json_services(&j, d->facts, x->services);
    json_string(&j, "what", x->what);
    json_text(&j, "also", x->also);
    json_string(&j, "next", x->next);
    json_string(&j, "whom", x->whom);
    json_object_end(&j);
    text_add(out, "\n");
}

void diagnose_print_json(struct text *out, const struct diagnosed *d)
{
    char time[WALL_TEXT_MAX];
    struct text verdict = {0};
    for (size_t i = 0; i < d->diagnosis->n_rows; i++)
        json_row(out, &d->diagnosis->rows[i]);
    for (size_t i = 0; i < d->diagnosis->n_found; i++)
        json_finding(out, d, &d->diagnosis->found[i]);
    diagnosis_line(d->diagnosis, &verdict);
    struct json j = json_to(out);
    json_object(&j, NULL);
    json_bool(&j, "summary", true);
    json_string(&j, "time", wall_text(time, d->facts->time));
    json_string(&j, "host_name", d->host_name);
    json_text(&j, "site", d->site);
    json_text(&j, "uplink", d->facts->uplink);
    json_number(&j, "took_s", (double)d->facts->took_ns / 1e9);
    json_array(&j, "findings");
    for (size_t i = 0; i < d->diagnosis->n_found; i++)
        json_string(&j, NULL, fault_name(d->diagnosis->found[i].fault));
    json_array_end(&j);
    json_string(&j, "verdict", text_string(&verdict));
    json_text(&j, "not_checked", d->diagnosis->unknown);
    json_object_end(&j);
    text_add(out, "\n");
    text_free(&verdict);
}
