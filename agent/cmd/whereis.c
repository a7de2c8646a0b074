#include "edge/whereis.h"

#include "base/fit.h"
#include "base/json.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/data.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { OPT_JSON = 256 };

static const struct cmd_option options[] = {
    {"json", OPT_JSON, NULL,
     "one JSON object per text; keys (null where unknown): text, kind (header, router, "
     "cname, banner, metro, address or unknown), metro, site, city, country, service, "
     "verdict (edge, region or foreign), basis"},
    {0},
};

struct whereis_run {
    struct data data;
    bool json, unknown;
    size_t texts;
};

static void print_json(const struct whereis *w, const char *text, size_t len)
{
    struct text line = {0};
    struct json j = json_to(&line);
    json_object(&j, NULL);
    json_string_bytes(&j, "text", text, len);
    json_string(&j, "kind", whereis_kind_name(w->kind));
    json_text(&j, "metro", w->pop.metro);
    json_text(&j, "site", w->pop.site);
    json_string(&j, "city", w->metro != NULL ? w->metro->city : NULL);
    json_string(&j, "country", w->metro != NULL ? metro_country(w->metro) : NULL);
    json_string(&j, "service", w->service);
    json_string(&j, "verdict", w->owner != OWNER_UNKNOWN ? owner_name(w->owner) : NULL);
    json_text(&j, "basis", w->basis);
    json_object_end(&j);
    printf("%s\n", text_string(&line));
    text_free(&line);
}

static void print_excerpt(const char *text, size_t len)
{
    enum { COLUMNS = 48 };
    char shown[4 * COLUMNS + 1];
    size_t n = fit_bytes(text, len, COLUMNS);
    text_copy_line(shown, sizeof shown, text, n);
    cmd_printf("%s%s: ", shown, n < len ? "..." : "");
}

static void print_pop(const struct whereis *w)
{
    const struct metro *m = w->metro;
    if (m == NULL)
        cmd_printf("city unknown");
    else if (strcmp(m->city, metro_country(m)) == 0)
        cmd_printf("%s", m->city);
    else
        cmd_printf("%s, %s", m->city, metro_country(m));
    cmd_printf(" (%s%s%s)", w->pop.metro, *w->pop.site != '\0' ? ", site " : "",
               w->pop.site);
}

static const char *why_unknown(const struct whereis *w)
{
    switch (w->kind) {
    case WHEREIS_HEADER:
        return ", the header names no PoP";
    case WHEREIS_ADDRESS:
        return ", in no prefix of the list";
    default:
        return "";
    }
}

static void print_line(const struct whereis *w, const char *text, size_t len)
{
    bool named = w->pop.family != POP_UNKNOWN;
    print_excerpt(text, len);
    if (named)
        print_pop(w);
    if (w->owner == OWNER_FOREIGN)
        cmd_printf("not Microsoft's edge%s%s", w->service != NULL ? ": network of " : "",
                   w->service != NULL ? w->service : "");
    else if (w->service != NULL)
        cmd_printf("%s%sservice %s", named ? ", " : "",
                   w->owner == OWNER_REGION ? "an Azure region, not Microsoft's edge, "
                                            : "",
                   w->service);
    if (*w->basis != '\0')
        cmd_printf(", by %s\n", w->basis);
    else
        cmd_printf("unknown%s\n", why_unknown(w));
}

static void look_up(struct whereis_run *run, const char *text, size_t len)
{
    struct whereis w;
    run->texts++;
    whereis(&w, &run->data.known, text, len);
    run->unknown = run->unknown || !whereis_known(&w);
    if (run->json)
        print_json(&w, text, len);
    else
        print_line(&w, text, len);
}

/* Of an overlong line keeps one byte more than whereis() examines. */
static void look_up_lines(struct whereis_run *run, FILE *in)
{
    char line[WHEREIS_TEXT_MAX + 1];
    size_t len = 0;
    for (int c = getc(in);; c = getc(in)) {
        if (c != '\n' && c != EOF) {
            if (len < sizeof line)
                line[len++] = (char)c;
            continue;
        }
        if (len > 0 && line[len - 1] == '\r')
            len--;
        size_t mark = text_mark(line, len);
        if (len > mark)
            look_up(run, line + mark, len - mark);
        len = 0;
        if (c == EOF)
            return;
    }
}

static int look_up_all(struct whereis_run *run, char **texts)
{
    if (*texts == NULL)
        look_up_lines(run, stdin);
    for (; *texts != NULL; texts++) {
        if (strcmp(*texts, "-") == 0)
            look_up_lines(run, stdin);
        else
            look_up(run, *texts, strlen(*texts));
    }
    if (ferror(stdin))
        return cmd_cannot("cannot read standard input: %s", strerror(errno));
    if (run->texts == 0)
        return cmd_cannot("standard input is empty; give TEXT or pipe lines in");
    return run->unknown ? CMD_BAD : CMD_FINE;
}

/* Reports missing data files and what stays unknown without them. */
static void report_missing(const struct data *d, const struct data_folders *folders)
{
    struct text addresses = {0};
    bool metros = d->path[DATA_METROS] == NULL;
    bool prefixes = d->path[DATA_PREFIXES] == NULL;
    for (size_t i = 0; i < folders->n; i++)
        text_add(&addresses, "%s%s", i > 0 ? ", " : "", folders->path[i]);
    cmd_cannot("%s stay unknown: no %s%s%s in any of %s; install the package's files, or "
               "set EDGELAT_DATA to their folder",
               !prefixes ? "cities"
               : !metros ? "addresses"
                         : "cities and addresses",
               metros ? data_names[DATA_METROS] : "", metros && prefixes ? ", no " : "",
               prefixes ? data_names[DATA_PREFIXES] : "", text_string(&addresses));
    text_free(&addresses);
}

static int whereis_command(int argc, char **argv)
{
    struct whereis_run run = {.json = false};
    for (int c; (c = cmd_getopt(argc, argv, options)) != -1;) {
        if (c != OPT_JSON)
            return CMD_CANNOT;
        run.json = true;
    }
    if (optind == argc && isatty(STDIN_FILENO))
        return cmd_cannot("TEXT is required; `edgelat whereis --help` has examples");

    struct data_folders folders = data_folders();
    data_load(&run.data, &folders);
    if (run.data.path[DATA_METROS] == NULL || run.data.path[DATA_PREFIXES] == NULL)
        report_missing(&run.data, &folders);
    int code = look_up_all(&run, argv + optind);
    data_free(&run.data);
    return code;
}

const struct command command_whereis = {
    .name = "whereis",
    .summary = "name the PoP of a header, host name, code or address",
    .arguments = "[TEXT...]",
    .options = options,
    .about =
        "Identifies the PoP of Microsoft's edge in a text: reply headers as any tool "
        "prints them (or only a value), a line of traceroute, dig or ping, an SMTP "
        "banner, a metro code, a city or an IP address. Also reports that a text is "
        "not of Microsoft's edge. Works offline; an unknown code is shown unmodified. "
        "Exit code 1: a text is unknown.\n"
        "The text - reads standard input, one text per line; so does a pipe without "
        "TEXT.",
    .examples =
        "edgelat whereis 'X-MSEdge-Ref: Ref A: 0 Ref B: LON04EDGE0411 Ref C: 0'\n"
        "edgelat whereis ae25-0.icr02.sg3.ntwk.msn.net mdw-efz.ms-acdc.office.com\n"
        "curl -sI https://outlook.office365.com | grep -i efz | edgelat whereis\n",
    .run = whereis_command,
};
