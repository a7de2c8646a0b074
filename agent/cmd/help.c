#include "cmd/help.h"

#include "cmd/cmd.h"
#include "probe/kinds.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 80, LABEL_MAX = 64 };

/* ---- wrapped text ---- */

struct line {
    struct text *out;
    size_t indent; /* of continuation lines */
    size_t column; /* of the next character */
};

static void add_word(struct line *line, const char *word, size_t len)
{
    if (line->column > line->indent && line->column + 1 + len > COLUMNS) {
        text_add(line->out, "\n%*s", (int)line->indent, "");
        line->column = line->indent;
    } else if (line->column > line->indent) {
        text_add_bytes(line->out, " ", 1);
        line->column++;
    }
    text_add_bytes(line->out, word, len);
    line->column += len;
}

static void add_words(struct line *line, const char *s, size_t len)
{
    for (size_t n; len > 0; s += n, len -= n) {
        const char *space = memchr(s, ' ', len);
        n = space != NULL ? (size_t)(space - s) : len;
        add_word(line, s, n);
        if (space != NULL)
            n++;
    }
}

/* Each line of `s` is a paragraph. */
static void add_paragraphs(struct text *out, const char *s)
{
    while (*s != '\0') {
        size_t len = strcspn(s, "\n");
        add_words(&(struct line){.out = out}, s, len);
        text_add(out, "\n");
        s += len + (s[len] == '\n');
    }
}

static void add_examples(struct text *out, const char *s)
{
    for (size_t len; *s != '\0'; s += len + 1) {
        len = strcspn(s, "\n");
        text_add(out, "  %.*s\n", (int)len, s);
    }
}

/* ---- options ---- */

static void label_of(char label[LABEL_MAX], const struct cmd_option *o)
{
    char letter[] = {'-', (char)o->letter, ',', '\0'};
    snprintf(label, LABEL_MAX, "%3s --%s%s%s", o->letter > UCHAR_MAX ? "" : letter,
             o->name, o->argument != NULL ? " " : "",
             o->argument != NULL ? o->argument : "");
}

void help_option(struct text *out, const struct cmd_option *option)
{
    struct kinds kinds = kinds_using(probe_kind_words(), option->uses);
    kinds_add_names(out, &kinds, ", ", ", ");
    text_add(out, "%s%s", kinds.n > 0 ? ": " : "", option->help);
}

static void add_row(struct text *out, size_t width, const char *label, const char *help)
{
    size_t indent = 2 + width + 2;
    text_add(out, "  %-*s  ", (int)width, label);
    add_words(&(struct line){out, indent, indent}, help, strlen(help));
    text_add(out, "\n");
}

/* The options of the table, then --help. */
static void add_options(struct text *out, const struct cmd_option *options)
{
    char label[LABEL_MAX];
    size_t width = 0;
    label_of(label, &cmd_help_option);
    width = strlen(label);
    for (const struct cmd_option *o = options; o->name != NULL; o++) {
        label_of(label, o);
        width = strlen(label) > width ? strlen(label) : width;
    }
    text_add(out, "\n");
    for (const struct cmd_option *o = options; o->name != NULL; o++) {
        label_of(label, o);
        struct text help = {0};
        help_option(&help, o);
        add_row(out, width, label, text_string(&help));
        text_free(&help);
    }
    label_of(label, &cmd_help_option);
    add_row(out, width, label, cmd_help_option.help);
}

/* "-c FILE" or "--json", in brackets if optional. */
static void add_usage_of(struct line *line, const struct cmd_option *o)
{
    char word[LABEL_MAX], name[] = {'-', (char)o->letter, '\0'};
    bool is_long = o->letter > UCHAR_MAX;
    int len = snprintf(word, sizeof word, "%s%s%s%s%s%s", o->required ? "" : "[",
                       is_long ? "--" : "", is_long ? o->name : name,
                       o->argument != NULL ? " " : "",
                       o->argument != NULL ? o->argument : "", o->required ? "" : "]");
    add_word(line, word, (size_t)len);
}

/* Required options and arguments come first. */
static void add_usage(struct text *out, const struct command *c)
{
    size_t before = out->len;
    text_add(out, "usage: edgelat %s ", c->name);
    struct line line = {out, out->len - before, out->len - before};
    for (const struct cmd_option *o = c->options; o->name != NULL; o++)
        if (o->required)
            add_usage_of(&line, o);
    if (c->arguments != NULL)
        add_words(&line, c->arguments, strlen(c->arguments));
    for (const struct cmd_option *o = c->options; o->name != NULL; o++)
        if (!o->required)
            add_usage_of(&line, o);
    text_add(out, "\n\n");
}

static void add_kind_examples(struct text *out)
{
    for (size_t i = 0; i < probe_kinds_count; i++)
        if (probe_kinds[i]->kind.examples != NULL)
            add_examples(out, probe_kinds[i]->kind.examples);
}

static void add_kinds(struct text *out)
{
    text_add(out, "Kinds: ");
    kinds_add_names(out, probe_kind_words(), ", ", ", ");
    text_add(out, ".\n");
}

void help_command(struct text *out, const struct command *c)
{
    add_usage(out, c);
    add_paragraphs(out, c->about);
    if (c->first == CMD_KIND)
        add_kinds(out);
    add_options(out, c->options);
    if (c->notes != NULL) {
        text_add(out, "\n");
        add_paragraphs(out, c->notes);
    }
    text_add(out, "\nexamples:\n");
    if (c->examples != NULL)
        add_examples(out, c->examples);
    if (c->first == CMD_KIND)
        add_kind_examples(out);
}

void help_program(struct text *out)
{
    struct text about = {0};
    text_add(&about, "Measures the path from this host to the Microsoft edge: round-trip "
                     "delay, loss and delay variation by ");
    kinds_add_labels(&about, probe_kind_words(), ", ", " and ");
    text_add(&about, "; once from the command line, or continuously as an agent that "
                     "ships percentiles to an OTLP collector.");
    text_add(out, "usage: edgelat COMMAND [OPTION...]\n\n");
    add_paragraphs(out, text_string(&about));
    text_free(&about);
    text_add(out, "\n");
    size_t width = 0;
    for (size_t i = 0; i < cmd_commands_count; i++)
        width =
            strlen(cmd_commands[i]->name) > width ? strlen(cmd_commands[i]->name) : width;
    for (size_t i = 0; i < cmd_commands_count; i++)
        add_row(out, width, cmd_commands[i]->name, cmd_commands[i]->summary);
    add_options(out, cmd_own_options);
    text_add(out, "\n");
    add_paragraphs(out,
                   "`edgelat COMMAND --help` describes a command. Exit codes: 0 OK, 1 "
                   "problem found, 2 error.");
    const struct kind *quick = kinds_with(probe_kind_words(), DELAY_HANDSHAKE);
    text_add(out, "\nexamples:\n  edgelat probe %s %-*s  probe a host now\n", quick->name,
             (int)(22 - strlen(quick->name)), "teams.microsoft.com");
    add_examples(
        out, "edgelat nearest                        the nearest PoPs, ranked\n"
             "sudo edgelat run                       run the agent, as the service does\n"
             "sudo edgelat status                    state of the running agent\n"
             "sudo edgelat report -o report.html     HTML report of the last 24 h\n");
}
