#include "cmd/screen.h"

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
    s->cells[row][column].character = c;
    s->cells[row][column].style = (uint8_t)style;
}

static uint32_t printable(char c)
{
    return c >= ' ' && c < 0x7f ? (uint32_t)c : '?';
}

int screen_put(struct screen *s, int row, int column, enum style style, const char *text)
{
    for (; *text != '\0'; text++)
        put(s, row, column++, style, printable(*text));
    return column;
}

int screen_field(struct screen *s, int row, int column, int width, enum style style,
                 const char *text)
{
    int room = width < 0 ? -width : width, len = (int)strlen(text);
    int from = width < 0 && len < room ? column + room - len : column;
    for (int i = 0; i < len && i < room; i++)
        put(s, row, from + i, style,
            i == room - 1 && len > room ? '~' : printable(text[i]));
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
