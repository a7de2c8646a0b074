#include "collector/in_place.h"

#include "base/fit.h"
#include "base/mem.h"
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ROWS_DEFAULT = 24, COLUMNS_DEFAULT = 80, TABLE_LEAST = 4 };

/* ---- what is drawn ---- */

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; (text = strchr(text, '\n')) != NULL; text++)
        n++;
    return n;
}

/* Adds the line at `text`, at most so many columns of it; returns the next line. */
static const char *add_line(struct text *out, const char *text, size_t columns)
{
    size_t len = strcspn(text, "\n");
    text_add_bytes(out, text, fit_bytes(text, len, columns));
    text_add(out, "\n");
    return text + len + (text[len] == '\n');
}

size_t in_place_draw(struct text *out, const struct in_place *s, size_t rows,
                     size_t columns)
{
    struct text fitted = {0};
    fit_text(&fitted, text_string(&s->table), columns);
    const char *table = text_string(&fitted);
    size_t lines = count_lines(table), events = 0, before = count_lines(text_string(out));
    while (events < IN_PLACE_EVENTS && s->events[events] != NULL)
        events++;
    size_t fixed = 1 + (events > 0 ? events + 1 : 0); /* the cursor's line, events */
    size_t room = rows > fixed + TABLE_LEAST ? rows - fixed : TABLE_LEAST;
    size_t shown = lines <= room ? lines : room - 1;
    for (size_t i = 0; i < shown; i++)
        table = add_line(out, table, columns);
    if (shown < lines)
        text_add(out, "... and %zu more lines; the terminal is too small\n",
                 lines - shown);
    text_free(&fitted);
    if (events > 0)
        text_add(out, "\n");
    for (size_t i = 0; i < events; i++)
        add_line(out, s->events[i], columns);
    return count_lines(text_string(out)) - before;
}

/* ---- the terminal ---- */

static void redraw(struct in_place *s)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 ||
        size.ws_col == 0)
        size = (struct winsize){.ws_row = ROWS_DEFAULT, .ws_col = COLUMNS_DEFAULT};
    if (s->height > 0)
        printf("\033[%zuA", s->height); /* up to the first line */
    text_clear(&s->drawn);
    s->height = in_place_draw(&s->drawn, s, size.ws_row, size.ws_col);
    for (char *rest = s->drawn.bytes, *line;
         rest != NULL && (line = strsep(&rest, "\n")) != NULL && rest != NULL;) {
        cmd_write(stdout, line);
        printf("\033[K\n"); /* clears the rest of the line */
    }
    printf("\033[J"); /* clears what is below */
    fflush(stdout);
}

struct in_place in_place_begin(void)
{
    return (struct in_place){.terminal = isatty(STDOUT_FILENO) == 1};
}

void in_place_table(struct in_place *s, const struct text *table)
{
    text_clear(&s->table);
    text_add_bytes(&s->table, table->bytes, table->len);
    if (s->terminal)
        redraw(s);
}

static void add_event(struct in_place *s, const char *line, size_t len)
{
    size_t n = 0;
    while (n < IN_PLACE_EVENTS && s->events[n] != NULL)
        n++;
    if (n == IN_PLACE_EVENTS) {
        free(s->events[0]);
        memmove(s->events, s->events + 1, --n * sizeof *s->events);
    }
    s->events[n] = mem_zalloc(len + 1);
    memcpy(s->events[n], line, len);
}

void in_place_events(struct in_place *s, const struct text *lines)
{
    const char *line = text_string(lines);
    if (*line == '\0')
        return;
    if (!s->terminal) {
        fputs(line, stdout);
        fflush(stdout);
        return;
    }
    for (; *line != '\0'; line += strcspn(line, "\n") + 1)
        add_event(s, line, strcspn(line, "\n"));
    redraw(s);
}

void in_place_end(struct in_place *s)
{
    if (!s->terminal)
        cmd_print(text_string(&s->table));
    for (size_t i = 0; i < IN_PLACE_EVENTS; i++)
        free(s->events[i]);
    text_free(&s->table);
    text_free(&s->drawn);
}
