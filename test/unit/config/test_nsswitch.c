#include "config/nsswitch.h"

#include "check.h"

static void other_source(void **state)
{
    (void)state;
    static const struct {
        const char *text, *source; /* "": none */
    } cases[] = {
        {"", ""},
        {"hosts: files dns\n", ""},
        {"hosts:files dns", ""},
        {"passwd: files sss\nhosts:      files dns myhostname\n", "myhostname"},
        {"hosts:          files mdns4_minimal [NOTFOUND=return] dns\n", "mdns4_minimal"},
        {"hosts: files [ NOTFOUND = return ] dns\n", ""},
        {"hosts: files [!UNAVAIL=return]resolve dns\n", "resolve"},
        {"# hosts: sss\nhosts: files dns # sss\n", ""},
        {"hosts: files\tdns [NOTFOUND", ""},
        {"  hosts: sss", "sss"},
        {"myhosts: sss\nhosts: dns\n", ""},
        {"hosts:\n sss\n", ""},
        {"hosts: files a_source_with_a_name_that_is_much_too_long dns wins", "wins"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char source[NSSWITCH_SOURCE_MAX] = "";
        bool has = nsswitch_other_source(cases[i].text, source);
        CHECK_TEXT(cases[i].source, source, cases[i].text);
        CHECK_INT(cases[i].source[0] != '\0', has, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
