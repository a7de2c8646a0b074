#include "collector/in_place.h"

#include "check.h"

/* Lines "1" to "n", each with `more` behind the number. */
static void set_table(struct in_place *s, int n, const char *more)
{
    text_clear(&s->table);
    for (int i = 1; i <= n; i++)
        text_add(&s->table, "%d%s\n", i, more);
}

static void add_events(struct in_place *s, const char *lines)
{
    struct text text = {0};
    text_add(&text, "%s", lines);
    in_place_events(s, &text);
    text_free(&text);
}

static void test_fits(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int lines;
        size_t rows, columns;
        const char *more, *expected;
    } cases[] = {
        {"all of it", 3, 24, 80, " x", "1 x\n2 x\n3 x\n"},
        {"exactly", 5, 6, 80, "", "1\n2\n3\n4\n5\n"},
        {"one line too many", 6, 6, 80, "",
         "1\n2\n3\n4\n... and 2 more lines; the terminal is too small\n"},
        {"cut by characters", 2, 24, 3, "\xc3\xbc\xc3\xbc\xc3\xbc",
         "1\xc3\xbc\xc3\xbc\n2\xc3\xbc\xc3\xbc\n"},
        {"folded at spaces", 1, 24, 3, " x y", "1 x\n  y\n"},
        {"a tiny terminal", 9, 1, 80, "",
         "1\n2\n3\n... and 6 more lines; the terminal is too small\n"},
        {"nothing yet", 0, 24, 80, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct in_place s = {.terminal = false};
        struct text out = {0};
        set_table(&s, cases[i].lines, cases[i].more);
        size_t n = in_place_draw(&out, &s, cases[i].rows, cases[i].columns), lines = 0;
        CHECK_TEXT(cases[i].expected, text_string(&out), cases[i].what);
        for (const char *c = text_string(&out); *c != '\0'; c++)
            lines += *c == '\n';
        CHECK_INT(lines, n, cases[i].what);
        text_free(&out);
        text_clear(&s.table);
        in_place_end(&s);
    }
}

/* The newest events stand below the table; they never push it out. */
static void test_events(void **state)
{
    (void)state;
    struct in_place s = {.terminal = true};
    struct text out = {0};
    set_table(&s, 20, "");
    add_events(&s, "a\nb\nc\n");
    add_events(&s, "d\ne\nf\ng\n");
    size_t n = in_place_draw(&out, &s, 13, 80);
    CHECK_TEXT("1\n2\n3\n4\n... and 16 more lines; the terminal is too small\n\n"
               "b\nc\nd\ne\nf\ng\n",
               text_string(&out), "the last six");
    CHECK_INT(12, n, "one line is left for the cursor");
    text_free(&out);
    in_place_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fits),
        cmocka_unit_test(test_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
