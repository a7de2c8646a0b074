#include "config/ini.h"

#include "base/mem.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct ini ini_open(const char *text, size_t len)
{
    struct ini i = {.text = mem_alloc(len + 1), .len = len};
    if (len > 0)
        memcpy(i.text, text, len);
    i.text[len] = '\0';
    i.at = text_mark(i.text, len);
    return i;
}

void ini_close(struct ini *i)
{
    free(i->text);
    *i = (struct ini){0};
}

static void read_section(struct ini_item *item, char *line)
{
    char *end = line + strlen(line) - 1;
    if (*end != ']') {
        item->what = INI_PROBLEM;
        item->problem = "a section begins with '[' and its line ends with ']'";
        return;
    }
    *end = '\0';
    item->what = INI_SECTION;
    item->word = text_trim(line + 1);
    size_t word = strcspn(item->word, " \t");
    item->value = item->word + word;
    if (*item->value != '\0')
        *item->value++ = '\0';
    item->value = text_trim(item->value);
}

static void read_key(struct ini_item *item, char *line)
{
    char *equals = strchr(line, '=');
    if (equals == NULL || equals == line) {
        item->what = INI_PROBLEM;
        item->problem = equals == NULL
                            ? "no '=' in this line; it must be 'key = value', a "
                              "[section], or a comment that begins with '#'"
                            : "no key before the '='";
        return;
    }
    *equals = '\0';
    item->what = INI_KEY;
    item->word = text_trim(line);
    item->value = text_trim(equals + 1);
}

/* Splits off the next line. NULL if it is not valid text; `*problem` says why. */
static char *take_line(struct ini *i, const char **problem)
{
    char *line = i->text + i->at;
    size_t left = i->len - i->at;
    char *end = memchr(line, '\n', left);
    size_t len = end == NULL ? left : (size_t)(end - line);

    i->at += len + (end != NULL);
    i->line++;
    line[len] = '\0';
    *problem = NULL;
    if (strlen(line) < len) {
        i->at = i->len;
        *problem = "a NUL byte; this is not a text file";
        return NULL;
    }
    if (len > 0 && line[len - 1] == '\r')
        line[--len] = '\0';
    *problem = len > INI_LINE_MAX ? "longer than 64 KiB" : text_wrong(line, len);
    return *problem == NULL ? text_trim(line) : NULL;
}

bool ini_next(struct ini *i, struct ini_item *out)
{
    while (i->at < i->len) {
        const char *problem;
        char *line = take_line(i, &problem);
        *out =
            (struct ini_item){.what = INI_PROBLEM, .line = i->line, .problem = problem};
        if (line == NULL)
            return true;
        if (*line == '\0' || *line == '#' || *line == ';')
            continue;
        if (*line == '[')
            read_section(out, line);
        else
            read_key(out, line);
        return true;
    }
    return false;
}
