/* A screen: each character in its columns, whatever its width. */
#include "base/fit.h"
#include "check.h"
#include "cmd/screen.h"

#define TOKYO   "\xe6\x9d\xb1\xe4\xba\xac"
#define SAO     "Sa\xcc\x83o" /* with a combining tilde */
#define BANGKOK "\xe0\xb8\x81\xe0\xb8\xa3\xe0\xb8\xb8\xe0\xb8\x87"

static struct screen screen;

/* The first row, without blanks at its end. */
static const char *row(void)
{
    static char text[SCREEN_COLUMNS_MAX * 12 + 1];
    char *to = text;
    size_t columns = 0;
    for (int x = 0; x < screen.columns; x++) {
        const struct screen_cell *c = &screen.cells[0][x];
        if (c->character == 0) {
            CHECK_INT(x + 1, columns, "the right half of a wide character");
            continue;
        }
        char *from = to;
        CHECK_INT(x, columns, "a character is in its column");
        to += text_encode(to, c->character);
        for (size_t i = 0; i < SCREEN_MARKS && c->marks[i] != 0; i++)
            to += text_encode(to, c->marks[i]);
        columns += fit_width(from, (size_t)(to - from));
    }
    CHECK_INT(screen.columns, columns, "no wider than the screen");
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
    return text;
}

static void fields(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int width;
        bool utf8;
        const char *shown; /* between | and | */
    } cases[] = {
        {"near", 6, true, "|near  |"},
        {"near", -6, true, "|  near|"},
        {"Amsterdam", 6, true, "|Amste~|"},
        {"Z\xc3\xbcrich", 6, true, "|Z\xc3\xbcrich|"},
        {"Z\xc3\xbcrich", 6, false, "|Z?rich|"},
        {"Z\xc3\xbcrich", -8, true, "|  Z\xc3\xbcrich|"},
        {TOKYO, 4, true, "|" TOKYO "|"},
        {TOKYO, 6, true, "|" TOKYO "  |"},
        {TOKYO, -6, true, "|  " TOKYO "|"},
        {TOKYO, 3, true, "|\xe6\x9d\xb1~|"},
        {TOKYO TOKYO, 6, true, "|" TOKYO " ~|"}, /* half a character is left */
        {TOKYO, 6, false, "|??    |"},
        {SAO, 4, true, "|" SAO " |"},
        {SAO, 3, true, "|" SAO "|"},
        {BANGKOK, 5, true, "|" BANGKOK "  |"},
        {"\xcc\x83o", 3, true, "|o  |"}, /* a mark of nothing */
        {"\x1b[31m", 8, true, "|?[31m   |"},
        {"\xc2\x9b"
         "31m",
         8, true, "|?31m    |"},
        {"a\xe2\x80\xae"
         "b",
         8, true, "|a?b     |"},
        {"a\xff\xc3", 4, true, "|a?? |"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int width = abs(cases[i].width);
        screen_clear(&screen, 1, 20);
        screen.utf8 = cases[i].utf8;
        screen_put(&screen, 0, 0, STYLE_PLAIN, "|");
        CHECK_INT(1 + width,
                  screen_field(&screen, 0, 1, cases[i].width, STYLE_PLAIN, cases[i].text),
                  cases[i].shown);
        screen_put(&screen, 0, 1 + width, STYLE_PLAIN, "|");
        CHECK_TEXT(cases[i].shown, row(), cases[i].text);
    }
}

static void at_the_edge(void **state)
{
    (void)state;
    for (int columns = 0; columns <= 8; columns++) {
        screen_clear(&screen, 1, columns);
        screen.utf8 = true;
        CHECK_INT(7, screen_put(&screen, 0, 0, STYLE_BAR, "Z\xc3\xbc " TOKYO), "its end");
        CHECK(fit_width(row(), strlen(row())) <= (size_t)columns, "%s", row());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields),
        cmocka_unit_test(at_the_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
