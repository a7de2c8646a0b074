#include "config/ini.h"

#include "base/text.h"
#include "check.h"

/* All items of a text, one a line: "1 [word|name]", "2 key|value", "3 ! problem". */
static const char *items(struct text *out, const char *text, size_t len)
{
    struct ini ini = ini_open(text, len);
    text_clear(out);
    for (struct ini_item i; ini_next(&ini, &i);)
        if (i.what == INI_PROBLEM)
            text_add(out, "%zu ! %s\n", i.line, i.problem);
        else
            text_add(out, i.what == INI_SECTION ? "%zu [%s|%s]\n" : "%zu %s|%s\n", i.line,
                     i.word, i.value);
    ini_close(&ini);
    return text_string(out);
}

#define NO_EQUALS                                                                        \
    "no '=' in this line; it must be 'key = value', a [section], or a comment that "     \
    "begins with '#'"
#define NOT_UTF8 "not UTF-8; save the file in that encoding"
#define CONTROL  "a control character; only text may stand here"

static const struct {
    const char *what, *text, *expected;
} cases[] = {
    {"nothing", "", ""},
    {"blank lines and comments", "\n  \n# a = b\n\t; [c]\n", ""},
    {"a section and a key", "[agent]\nsite = here\n", "1 [agent|]\n2 site|here\n"},
    {"no newline at the end", "a=b", "1 a|b\n"},
    {"blanks around everything", " [ target \t ams ] \n\ta  =  b c \t\n",
     "1 [target|ams]\n2 a|b c\n"},
    {"CR LF", "[dns]\r\na = b\r\n", "1 [dns|]\n2 a|b\n"},
    {"byte order mark", "\xEF\xBB\xBF[dns]\na=b", "1 [dns|]\n2 a|b\n"},
    {"byte order mark in the middle is text", "a=b\n\xEF\xBB\xBF[dns]\n",
     "1 a|b\n2 ! " NO_EQUALS "\n"},
    {"only the first '=' counts", "url = http://x/?a=b=c\n", "1 url|http://x/?a=b=c\n"},
    {"comment signs in a value", "site = a # b ; c\n", "1 site|a # b ; c\n"},
    {"empty value", "site =\n", "1 site|\n"},
    {"no '='", "site\n", "1 ! " NO_EQUALS "\n"},
    {"no key", " = 5\n", "1 ! no key before the '='\n"},
    {"open section", "[agent\na=b\n",
     "1 ! a section begins with '[' and its line ends with ']'\n2 a|b\n"},
    {"only a bracket", "[", "1 ! a section begins with '[' and its line ends with ']'\n"},
    {"empty section", "[]\n", "1 [|]\n"},
    {"UTF-8", "site = K\xC3\xB6ln \xE2\x82\xAC \xF0\x9F\x98\x80\n",
     "1 site|K\xC3\xB6ln \xE2\x82\xAC \xF0\x9F\x98\x80\n"},
    {"Latin-1", "a=1\nsite = K\xF6ln\nb=2\n", "1 a|1\n2 ! " NOT_UTF8 "\n3 b|2\n"},
    {"Latin-1 in a comment", "# K\xF6ln\n", "1 ! " NOT_UTF8 "\n"},
    {"cut at the end of a line", "a=\xC3\nb=2\n", "1 ! " NOT_UTF8 "\n2 b|2\n"},
    {"cut at the end of the text", "a=\xE2\x82", "1 ! " NOT_UTF8 "\n"},
    {"overlong", "a=\xC0\xAF\n", "1 ! " NOT_UTF8 "\n"},
    {"surrogate", "a=\xED\xA0\x80\n", "1 ! " NOT_UTF8 "\n"},
    {"escape sequence", "site = \x1B[31m\n", "1 ! " CONTROL "\n"},
    {"CR in the middle", "a=b\rc=d\n", "1 ! " CONTROL "\n"},
    {"DEL", "a=\x7F\n", "1 ! " CONTROL "\n"},
};

static void test_lines(void **state)
{
    (void)state;
    struct text out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_TEXT(cases[i].expected, items(&out, cases[i].text, strlen(cases[i].text)),
                   cases[i].what);
    text_free(&out);
}

static void test_nul_ends_the_file(void **state)
{
    (void)state;
    static const char bytes[] = "a=b\nc=\0d\ne=f\n";
    struct text out = {0};
    CHECK_TEXT("1 a|b\n2 ! a NUL byte; this is not a text file\n",
               items(&out, bytes, sizeof bytes - 1), "nothing after the NUL");
    text_free(&out);
}

static void test_line_limit(void **state)
{
    (void)state;
    struct text out = {0}, text = {0};
    text_add(&text, "a=%0*d\n", INI_LINE_MAX - 2, 0);
    items(&out, text.bytes, text.len);
    CHECK_INT(INI_LINE_MAX - 2 + 5, out.len, "the whole of the longest line: 1 a|0...");

    text_clear(&text);
    text_add(&text, "a=%0*d\nb=2\n", INI_LINE_MAX - 1, 0);
    CHECK_TEXT("1 ! longer than 64 KiB\n2 b|2\n", items(&out, text.bytes, text.len),
               "one more, and the line after it");
    text_free(&text);
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_nul_ends_the_file),
        cmocka_unit_test(test_line_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
