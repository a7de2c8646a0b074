#include "check.h"
#include "net/idn.h"

/* Expected: Python's encodings.idna and the examples of UTS #46. */
static void names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected; /* NULL: refused */
    } cases[] = {
        {"bücher.example", "xn--bcher-kva.example"},
        {"BÜCHER.example:443", "xn--bcher-kva.example:443"},
        {"www.日本.jp", "www.xn--wgv71a.jp"},
        {"plain.example", "plain.example"},
        {"Teams.Example", "Teams.Example"},
        {"[2001:db8::1]:443", "[2001:db8::1]:443"},
        {"b\xfc"
         "cher.example",
         NULL},
        {"ü\xe2\x80\xae.example", NULL}, /* a control of the direction */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[300] = "";
        const char *why;
        bool fine = idn_to_ascii(out, sizeof out, cases[i].text, &why);
        CHECK_INT(cases[i].expected != NULL, fine, cases[i].text);
        if (fine)
            CHECK_TEXT(cases[i].expected, out, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
