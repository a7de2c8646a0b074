#include "base/mem.h"
#include "base/text.h"
#include "check.h"

#include <limits.h>
#include <locale.h>
#include <wchar.h>
#include <wctype.h>

static void text_grows(void **state)
{
    (void)state;
    struct text t = {0};
    CHECK_TEXT("", text_string(&t), "empty");
    text_add(&t, "%s", "");
    CHECK_TEXT("", text_string(&t), "still empty");
    size_t len = 0;
    for (int i = 0; i < 500; i++) {
        text_add(&t, "%d;", i);
        len += i < 10 ? 2 : i < 100 ? 3 : 4;
    }
    CHECK_INT(len, t.len, "length");
    CHECK_INT(len, strlen(text_string(&t)), "ended by NUL");
    CHECK(strstr(text_string(&t), ";498;499;") != NULL, "the end is there");
    text_clear(&t);
    CHECK_TEXT("", text_string(&t), "cleared");
    text_add_bytes(&t, "a\0b", 3);
    CHECK_INT(3, t.len, "bytes, NUL among them");
    CHECK_INT('b', t.bytes[2], "behind it");
    text_free(&t);
    CHECK(t.bytes == NULL && t.len == 0, "freed");
}

static void a_copy_is_cut_to_fit(void **state)
{
    (void)state;
    char to[4];
    CHECK(text_copy(to, sizeof to, "abc"), "fits");
    CHECK_TEXT("abc", to, "whole");
    CHECK(!text_copy(to, sizeof to, "abcd"), "does not fit");
    CHECK_TEXT("abc", to, "cut");
    CHECK(text_copy(to, sizeof to, ""), "nothing fits always");
    CHECK_TEXT("", to, "nothing");
    CHECK(!text_copy(to, 1, "a"), "no room but for the end");
    CHECK_TEXT("", to, "ended");
}

static void what_is_no_text_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *what, *line;
        bool is;
    } cases[] = {
        {"nothing", "", true},
        {"words and a tab", "a\tb", true},
        {"beyond ASCII", "Z\xc3\xbcrich, \xe6\x9d\xb1\xe4\xba\xac", true},
        {"the first one behind C1", "\xc2\xa0", true},
        {"an escape", "\x1b[2J", false},
        {"delete", "a\x7f", false},
        {"the escape of eight bits (C1)", "\xc2\x9b 2J", false},
        {"half a character", "Z\xc3", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cases[i].is, text_wrong(cases[i].line, strlen(cases[i].line)) == NULL,
                  cases[i].what);
}

static void the_nearest_word_is_suggested(void **state)
{
    (void)state;
    static const char *const words[] = {"interval", "slow_interval", "port", "path"};
    static const struct {
        const char *word, *expected; /* NULL: none is near enough */
    } cases[] = {
        {"intervall", "interval"},
        {"interval", "interval"},
        {"inteval", "interval"},
        {"prot", "port"},
        {"slowinterval", "slow_interval"},
        {"banana", NULL},
        {"x", NULL},
        {"udp", NULL},
        {"watch", NULL}, /* two typos from path */
        {"", NULL},
        {"a word that is very much longer than any key that a configuration has", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = text_nearest(cases[i].word, words, 4);
        CHECK_TEXT(cases[i].expected != NULL ? cases[i].expected : "(none)",
                   nearest != NULL ? nearest : "(none)", cases[i].word);
    }
}

static void integers_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t expected;
    } cases[] = {
        {"0", true, 0},       {"42", true, 42},   {"-7", true, -7},
        {"1000", true, 1000}, {"1001", false, 0}, {"-11", false, 0},
        {"", false, 0},       {"-", false, 0},    {" 5", false, 0},
        {"5 ", false, 0},     {"+5", false, 0},   {"5x", false, 0},
        {"0x10", false, 0},   {"1.0", false, 0},  {"99999999999999999999", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 555;
        bool ok = text_to_integer(cases[i].text, -10, 1000, &value);
        CHECK_INT(cases[i].ok, ok, cases[i].text);
        CHECK_INT(ok ? cases[i].expected : 555, value, cases[i].text);
    }
}

static void numbers_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        double expected;
    } cases[] = {
        {"0", true, 0},       {"0.25", true, 0.25}, {"-0.5", true, -0.5},
        {"1", true, 1},       {"1.01", false, 0},   {"-1.01", false, 0},
        {"", false, 0},       {".", false, 0},      {"-", false, 0},
        {"nan", false, 0},    {"inf", false, 0},    {"1e-1", false, 0},
        {"0x1p-1", false, 0}, {" 0", false, 0},     {"0.5%", false, 0},
        {"0.5.5", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double value = 555;
        bool ok = text_to_number(cases[i].text, -1, 1, &value);
        CHECK_INT(cases[i].ok, ok, cases[i].text);
        CHECK_NEAR(ok ? cases[i].expected : 555, value, 0, cases[i].text);
    }
}

static void arrays_grow_by_doubling(void **state)
{
    (void)state;
    size_t room = 0;
    int *numbers = NULL;
    for (int i = 0; i < 1000; i++) {
        numbers = mem_grow(numbers, &room, (size_t)i + 1, sizeof *numbers);
        numbers[i] = i;
    }
    CHECK_INT(1024, room, "room");
    for (int i = 0; i < 1000; i++)
        CHECK_INT(i, numbers[i], "kept");
    free(numbers);
}

static void a_byte_order_mark_is_measured(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len, mark;
    } cases[] = {
        {"\xEF\xBB\xBFkey", 6, 3}, {"\xEF\xBB\xBF", 3, 3}, {"\xEF\xBB\xBF", 2, 0},
        {"\xEF\xBBkey", 5, 0},     {"key", 3, 0},          {"", 0, 0},
        {" \xEF\xBB\xBF", 4, 0},   {"\xFF\xFEk", 3, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cases[i].mark, text_mark(cases[i].bytes, cases[i].len), cases[i].bytes);
}

static void shown(void **state)
{
    (void)state;
    static const struct {
        const char *from, *keep, *expected;
    } rows[] = {
        {"plain /etc/a b.conf", "", "plain /etc/a b.conf"},
        {"\x1b]0;title\x07\x1b[31mred", "", "\\x1b]0;title\\x07\\x1b[31mred"},
        {"two\nlines\r", "", "two\\x0alines\\x0d"},
        {"two\nlines\r", "\n", "two\nlines\\x0d"},
        {"M\xc3\xbcnchen \xe6\x9d\xb1", "", "M\xc3\xbcnchen \xe6\x9d\xb1"},
        {"Latin-1 \xfc", "", "Latin-1 \\xfc"},
        {"C1 \xc2\x9b"
         "31m",
         "", "C1 \\xc2\\x9b31m"},
        {"fdp\xe2\x80\xae"
         "fnoc",
         "", "fdp\\xe2\\x80\\xaefnoc"},
        {"line\xe2\x80\xa8 separator", "", "line\\xe2\\x80\\xa8 separator"},
        {"cut \xe6\x9d", "", "cut \\xe6\\x9d"},
        {"\x7f", "", "\\x7f"},
        {"\x1b\n", NULL, "\\x1b\\x0a"},
        {"", "", ""},
    };
    char out[256], small[7];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_TEXT(rows[i].expected,
                   text_printable(out, sizeof out, rows[i].from, rows[i].keep),
                   rows[i].from);
    CHECK_TEXT("abc",
               text_printable(small, sizeof small,
                              "abc\x1b"
                              "d",
                              ""),
               "cut between characters");
}

/* The locale C.UTF-8 of glibc knows what is UTF-8 and what is a control character. */
static void characters_as_glibc_has_them(void **state)
{
    (void)state;
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    CHECK(utf8 != NULL, "C.UTF-8 is installed");
    locale_t before = uselocale(utf8);
    size_t unsafe = 0;
    for (uint32_t code = 1; code <= 0x10ffff; code++) {
        char at[MB_LEN_MAX], encoded[4];
        bool safe;
        mbstate_t fresh = {0};
        size_t n = wcrtomb(at, (wchar_t)code, &fresh);
        if (n > 4) { /* a surrogate */
            CHECK(text_next(encoded, text_encode(encoded, code), &safe) == 1 && !safe,
                  "U+%04x is none", code);
            continue;
        }
        CHECK(text_next(at, n, &safe) == n && text_code(at, n) == code, "U+%04x", code);
        CHECK(text_encode(encoded, code) == n && memcmp(encoded, at, n) == 0, "U+%04x",
              code);
        CHECK(!safe || !iswcntrl((wint_t)code), "U+%04x is a control character", code);
        unsafe += !safe;
    }
    CHECK_INT(31 + 33 + 1 + 1 + 1 + 5 + 7 + 16 + 1 + 3 + 0x1000, unsafe, "no others");

    uint64_t random = check_seed();
    for (size_t i = 0; i < 2000000; i++) {
        char bytes[4];
        bool safe;
        wchar_t wide;
        mbstate_t fresh = {0};
        random = random * 6364136223846793005u + 1442695040888963407u;
        for (size_t k = 0; k < 4; k++) /* mostly those that begin or go on */
            bytes[k] = (char)(random >> (16 + 8 * k) | (i % 8 != 0 ? 0x80 : 0));
        size_t n = mbrtowc(&wide, bytes, 4, &fresh);
        bool valid = n <= 4 && !(wide >= 0xd800 && wide < 0xe000) && wide <= 0x10ffff;
        CHECK_INT(valid ? (n == 0 ? 1 : n) : 1, text_next(bytes, 4, &safe), "length");
        CHECK(valid || !safe, "%08x is no character", *(uint32_t *)bytes);
    }
    uselocale(before);
    freelocale(utf8);
}

static void lines_from_outside(void **state)
{
    (void)state;
    static const struct {
        const char *from, *line, *visible;
        size_t room;
    } rows[] = {
        {"Z\xc3\xbcrich 1", "Z\xc3\xbcrich 1", "Z\xc3\xbcrich?1", 80},
        {"Z\xfcrich", "Z?rich", "Z?rich", 80},
        {"a\x1b[2J\tb\n", "a?[2J b?", "a?[2J?b?", 80},
        {"\xc2\x9b\xe2\x80\xae\xf3\xa0\x81\x81", "???", "???", 80},
        {"\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1\xe4\xba\xac",
         "\xe6\x9d\xb1\xe4\xba\xac", 7},
        {"\xe6\x9d\xb1\xe4\xba\xac", "\xe6\x9d\xb1", "\xe6\x9d\xb1\xe4\xba\xac", 6},
        {"cut \xe6\x9d", "cut ??", "cut???", 80},
        {"", "", "", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[80], text[80];
        text_copy_line(out, rows[i].room, rows[i].from, strlen(rows[i].from));
        CHECK_TEXT(rows[i].line, out, rows[i].from);
        text_copy(text, sizeof text, rows[i].from);
        text_visible(text);
        CHECK_TEXT(rows[i].visible, text, rows[i].from);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown),
        cmocka_unit_test(characters_as_glibc_has_them),
        cmocka_unit_test(lines_from_outside),
        cmocka_unit_test(text_grows),
        cmocka_unit_test(a_copy_is_cut_to_fit),
        cmocka_unit_test(a_byte_order_mark_is_measured),
        cmocka_unit_test(what_is_no_text_is_told),
        cmocka_unit_test(the_nearest_word_is_suggested),
        cmocka_unit_test(integers_are_read_strictly),
        cmocka_unit_test(numbers_are_read_strictly),
        cmocka_unit_test(arrays_grow_by_doubling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
