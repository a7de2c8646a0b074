/*
 * A screen as a value: a grid of characters with styles, which the model of `edgelat top`
 * draws and cmd/terminal.h shows. What does not fit is cut off. Pure.
 */
#ifndef EDGELAT_CMD_SCREEN_H
#define EDGELAT_CMD_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

enum { SCREEN_ROWS_MAX = 200, SCREEN_COLUMNS_MAX = 500, SCREEN_MARKS = 2 };

enum style {
    STYLE_PLAIN,
    STYLE_BOLD,
    STYLE_BAR, /* reverse */
    STYLE_GOOD,
    STYLE_WARN,
    STYLE_BAD,
    STYLES
};

struct screen_cell {
    uint32_t character; /* Unicode, safe to show; 0: the right half of a wide one */
    uint32_t marks[SCREEN_MARKS]; /* combining with it; 0: none */
    uint8_t style;                /* enum style */
    bool selected;                /* the row of the cursor */
};

struct screen {
    int rows, columns;
    bool utf8; /* else ASCII only */
    struct screen_cell cells[SCREEN_ROWS_MAX][SCREEN_COLUMNS_MAX];
};

/* Empties it; sizes beyond the maxima are cut. */
void screen_clear(struct screen *s, int rows, int columns);

/* Puts text; what is not safe to show, or beyond ASCII if `utf8` is false, becomes '?'.
 * Returns the column after it. */
int screen_put(struct screen *s, int row, int column, enum style style, const char *text);

/* The same in a field: left-aligned if `width` > 0, right-aligned if below 0. Text that is
 * longer ends with '~'. */
int screen_field(struct screen *s, int row, int column, int width, enum style style,
                 const char *text);

/* A block of `eighths` eighths of a row, 0 to 8, from the bottom. */
void screen_block(struct screen *s, int row, int column, enum style style, int eighths);

void screen_style_row(struct screen *s, int row, enum style style);
void screen_select_row(struct screen *s, int row);

#endif
