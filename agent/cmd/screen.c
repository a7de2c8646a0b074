#include "cmd/screen.h"

#include "base/fit.h"

#include <string.h>

void screen_clear(struct screen *s, int rows, int columns)
{
    s->rows = rows < 0 ? 0 : rows > SCREEN_ROWS_MAX ? SCREEN_ROWS_MAX : rows;
    s->columns = columns < 0                    ? 0
                 : columns > SCREEN_COLUMNS_MAX ? SCREEN_COLUMNS_MAX
                                                : columns;
    for (int row = 0; row < s->rows; row++)
        for (int column = 0; column < s->columns; column++)
            s->cells[row][column] = (struct screen_cell){.character = ' '};
}

static void put(struct screen *s, int row, int column, enum style style, uint32_t c)
{
    if (row < 0 || row >= s->rows || column < 0 || column >= s->columns)
        return;
    s->cells[row][column] =
        (struct screen_cell){.character = c,
                             .style = (uint8_t)style,
                             .selected = s->cells[row][column].selected};
}

static void put_mark(struct screen *s, int row, int column, uint32_t mark)
{
    if (row < 0 || row >= s->rows || column < 0 || column >= s->columns)
        return;
    uint32_t *marks = s->cells[row][column].marks;
    for (size_t i = 0; i < SCREEN_MARKS; i++)
        if (marks[i] == 0) {
            marks[i] = mark;
            return;
        }
}

/* Returns the bytes of the next character; sets what is shown of it, and its columns. */
static size_t next_character(const struct screen *s, const char *text, uint32_t *c,
                             int *columns)
{
    bool safe;
    size_t n = text_next(text, strlen(text), &safe);
    bool shown = safe && (s->utf8 || n == 1);
    *c = shown ? text_code(text, n) : '?';
    *columns = shown && n > 1 ? (int)fit_width(text, n) : 1;
    return n;
}

/* The same up to the column `end`, with blanks in place of half a wide character. */
static int put_until(struct screen *s, int row, int column, int end, enum style style,
                     const char *text)
{
    const int from = column;
    int left = column, columns; /* of the last character */
    for (uint32_t c; *text != '\0';) {
        text += next_character(s, text, &c, &columns);
        if (columns == 0 && column > from)
            put_mark(s, row, left, c);
        if (columns == 0)
            continue;
        left = column;
        bool fits = column + columns <= end;
        for (int i = 0; i < columns && column < end; i++)
            put(s, row, column++, style, !fits ? ' ' : i == 0 ? c : 0);
        if (!fits)
            break;
    }
    return column;
}

static int width_of(const struct screen *s, const char *text)
{
    int width = 0, columns;
    for (uint32_t c; *text != '\0'; width += columns)
        text += next_character(s, text, &c, &columns);
    return width;
}

int screen_put(struct screen *s, int row, int column, enum style style, const char *text)
{
    int end = column + width_of(s, text);
    put_until(s, row, column, s->columns, style, text);
    return end;
}

int screen_field(struct screen *s, int row, int column, int width, enum style style,
                 const char *text)
{
    int room = width < 0 ? -width : width, len = width_of(s, text);
    int from = width < 0 && len < room ? column + room - len : column;
    put_until(s, row, from, column + room - (len > room), style, text);
    if (len > room)
        put(s, row, column + room - 1, style, '~');
    return column + room;
}

void screen_block(struct screen *s, int row, int column, enum style style, int eighths)
{
    static const char ascii[] = " .,:;+*%#";
    if (eighths <= 0)
        return;
    if (eighths > 8)
        eighths = 8;
    put(s, row, column, style,
        s->utf8 ? 0x2580 + (uint32_t)eighths : (uint32_t)ascii[eighths]);
}

void screen_style_row(struct screen *s, int row, enum style style)
{
    for (int column = 0; row >= 0 && row < s->rows && column < s->columns; column++)
        s->cells[row][column].style = (uint8_t)style;
}

void screen_select_row(struct screen *s, int row)
{
    for (int column = 0; row >= 0 && row < s->rows && column < s->columns; column++)
        s->cells[row][column].selected = true;
}
