#include "cmd/cmd.h"

#include "base/fit.h"

#include <assert.h>
#include <getopt.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { CMD_TEXT_MAX = 2 * PATH_MAX };

/* Of the user's locale; where it is not installed, of its name. */
static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    locale_t own = newlocale(LC_CTYPE_MASK, "", NULL);
    const char *name = NULL;
    if (own != NULL) {
        bool is = strcmp(nl_langinfo_l(CODESET, own), "UTF-8") == 0;
        freelocale(own);
        return is;
    }
    for (size_t i = 0; i < 3 && (name == NULL || *name == '\0'); i++)
        name = getenv(names[i]);
    return name != NULL &&
           (strcasestr(name, "UTF-8") != NULL || strcasestr(name, "UTF8") != NULL);
}

static void add_for(struct text *out, FILE *to, const char *text)
{
    bool all = !isatty(fileno(to)) || locale_is_utf8(), safe;
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        n = text_next(text, left, &safe);
        bool shown = (safe && (all || n == 1)) || *text == '\n' || *text == '\t';
        text_add_bytes(out, shown ? text : "?", shown ? n : 1);
    }
}

void cmd_write(FILE *to, const char *text)
{
    struct text shown = {0};
    add_for(&shown, to, text);
    fputs(text_string(&shown), to);
    text_free(&shown);
}

int cmd_cannot(const char *format, ...)
{
    char text[CMD_TEXT_MAX], shown[CMD_TEXT_MAX + 16]; /* arguments are untrusted */
    va_list args;
    fflush(stdout); /* keeps stdout and stderr in order */
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t len = (size_t)sprintf(shown, "edgelat: ");
    text_printable(shown + len, CMD_TEXT_MAX, text, "");
    cmd_write(stderr, strcat(shown, "\n"));
    return CMD_CANNOT;
}

int cmd_no_http(int rc)
{
    return cmd_cannot("no HTTP client: %s; raise the limits of this process (ulimit -n, "
                      "ulimit -i)",
                      strerror(-rc));
}

void cmd_clear_terminal(void)
{
    const char *terminal = getenv("TERM");
    if (isatty(STDOUT_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0)
        fputs("\033[H\033[2J", stdout); /* ECMA-48: CUP, ED */
}

bool cmd_unread(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
}

int cmd_finish(int rc)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return rc;
    if (cmd_unread()) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    if (rc == CMD_CANNOT)
        return rc;
    return cmd_cannot("cannot write all of standard output; free disk space or raise the "
                      "file size limit (ulimit -f)");
}

int cmd_columns(void)
{
    struct winsize size;
    int64_t columns;
    const char *given = getenv("COLUMNS");
    if (given != NULL && text_to_integer(given, 20, 10000, &columns))
        return (int)columns;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void cmd_print(const char *text)
{
    struct text shown = {0}, out = {0};
    add_for(&shown, stdout, text);
    fit_text(&out, text_string(&shown),
             isatty(STDOUT_FILENO) ? (size_t)cmd_columns() : 0);
    fputs(text_string(&out), stdout);
    text_free(&shown);
    text_free(&out);
}

void cmd_printf(const char *format, ...)
{
    static struct text pieces;
    char *piece;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&piece, format, args);
    va_end(args);
    if (len < 0)
        return;
    text_add_bytes(&pieces, piece, (size_t)len);
    free(piece);
    if (pieces.len == 0 || pieces.bytes[pieces.len - 1] != '\n')
        return;
    cmd_print(text_string(&pieces));
    text_free(&pieces);
}

/* ---- options ---- */

enum { OPTIONS_MAX = 32 };

bool cmd_is_option(const char *word, const struct cmd_option *option)
{
    if (word[0] != '-')
        return false;
    if (word[1] == '-')
        return strcmp(word + 2, option->name) == 0;
    return (word[1] == option->letter ||
            (option->also != 0 && word[1] == option->also)) &&
           word[2] == '\0';
}

static bool has_long(const struct cmd_option *options, const char *word, size_t len)
{
    for (; options->name != NULL; options++)
        if (strlen(options->name) == len && strncmp(options->name, word, len) == 0)
            return true;
    return false;
}

/* `word`: the option without its dashes. */
static void report_unknown_long(const char *command, const char *word,
                                const struct cmd_option *options)
{
    const char *names[OPTIONS_MAX];
    char name[64];
    size_t n = 0, len = strcspn(word, "=");
    for (; n < OPTIONS_MAX && options[n].name != NULL; n++)
        names[n] = options[n].name;
    text_copy(name, len < sizeof name ? len + 1 : sizeof name, word);
    const char *near = text_nearest(name, names, n);
    if (has_long(options, word, len))
        cmd_cannot("option --%s takes no value", name);
    else if (near != NULL)
        cmd_cannot("%s has no option --%s; did you mean --%s?", command, name, near);
    else
        cmd_cannot("%s has no option --%s; `edgelat %s --help` lists the options",
                   command, name, command);
}

int cmd_getopt(int argc, char **argv, const struct cmd_option *options)
{
    struct option longs[OPTIONS_MAX + 1] = {0};
    char shorts[4 * OPTIONS_MAX + 2] = ":"; /* getopt is silent; missing value: ':' */
    size_t len = 1;
    for (size_t i = 0; options[i].name != NULL; i++) {
        bool has_argument = options[i].argument != NULL;
        assert(i < OPTIONS_MAX);
        longs[i] =
            (struct option){options[i].name, has_argument, NULL, options[i].letter};
        const int letters[] = {options[i].letter, options[i].also};
        for (size_t k = 0; k < 2; k++) {
            if (letters[k] == 0 || letters[k] > UCHAR_MAX)
                continue;
            shorts[len++] = (char)letters[k];
            if (has_argument)
                shorts[len++] = ':';
        }
    }

    int c = getopt_long(argc, argv, shorts, longs, NULL);
    for (const struct cmd_option *o = options; o->name != NULL; o++) {
        if (c == 0 || (c != o->also && c != o->letter))
            continue;
        if (o->argument == NULL || optarg[0] != '\0' || o->may_be_empty)
            return o->letter;
        cmd_cannot("option --%s needs a value, not ''", o->name);
        return '?';
    }
    if (c != '?' && c != ':')
        return c;
    const char *word = argv[optind - 1];
    bool is_long = strncmp(word, "--", 2) == 0;
    if (c == ':' && is_long)
        cmd_cannot("option %s needs a value", word);
    else if (c == ':')
        cmd_cannot("option -%c needs a value", optopt);
    else if (is_long)
        report_unknown_long(argv[0], word + 2, options);
    else if (optind < argc && strchr(argv[optind], optopt) != NULL &&
             has_long(options, argv[optind] + 1, strlen(argv[optind]) - 1))
        cmd_cannot("%s has no option -%c; did you mean -%s?", argv[0], optopt,
                   argv[optind]);
    else
        cmd_cannot("%s has no option -%c; `edgelat %s --help` lists the options", argv[0],
                   optopt, argv[0]);
    return '?';
}
