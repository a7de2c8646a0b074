#include "net/hosts_file.h"

#include "check.h"

static void found(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text;
        enum family family;
        const char *is; /* addresses, a space behind each */
        bool named;     /* in either family */
    } cases[] = {
        {"one", "192.0.2.1 c.test\n", FAMILY_IPV4, "192.0.2.1 ", true},
        {"several lines", "192.0.2.1 c.test\n192.0.2.9 d.test\n192.0.2.2\tx c.test\n",
         FAMILY_IPV4, "192.0.2.1 192.0.2.2 ", true},
        {"of one family", "192.0.2.1 c.test\n2001:db8::1 c.test\n", FAMILY_IPV6,
         "2001:db8::1 ", true},
        {"an alias, upper case", "192.0.2.1 first C.Test last", FAMILY_IPV4, "192.0.2.1 ",
         true},
        {"comments", "#192.0.2.1 c.test\n192.0.2.2 x # c.test\n192.0.2.3 c.test#x\n",
         FAMILY_IPV4, "192.0.2.3 ", true},
        {"CRLF, blanks", "\r\n  192.0.2.1   c.test  \r\n", FAMILY_IPV4, "192.0.2.1 ",
         true},
        {"twice the same", "192.0.2.1 c.test\n192.0.2.1 c.test\n", FAMILY_IPV4,
         "192.0.2.1 ", true},
        {"no address", "c.test c.test\n192.0.2.256 c.test\n192.0.2.1\n", FAMILY_IPV4, ""},
        {"part of a name", "192.0.2.1 ac.test c.test.example\n", FAMILY_IPV4, ""},
        {"more than is asked for",
         "192.0.2.1 c.test\n192.0.2.2 c.test\n192.0.2.3 c.test\n", FAMILY_IPV4,
         "192.0.2.1 192.0.2.2 ", true},
        {"of the other family", "192.0.2.1 c.test\n", FAMILY_IPV6, "", true},
        {"nothing", "", FAMILY_IPV4, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct endpoint out[2];
        char text[256], all[256] = "", address[ADDRESS_TEXT_MAX];
        snprintf(text, sizeof text, "%s", cases[i].text);
        bool named;
        size_t n = hosts_text_find(text, "c.test", cases[i].family, 7, out, 2, &named);
        CHECK(named == cases[i].named, "%s: named", cases[i].what);
        for (size_t a = 0; a < n; a++) {
            strcat(strcat(all, endpoint_address(address, &out[a])), " ");
            CHECK_INT(7, out[a].port, cases[i].what);
        }
        CHECK_TEXT(cases[i].is, all, cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
