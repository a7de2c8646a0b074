/*
 * Options that a command would accept and ignore: a usage error each, one sentence and exit code 2,
 * before anything is probed, read or written.
 */
#include "program.h"

static void refused(void **state)
{
    static const struct {
        const char *arguments, *message;
    } cases[] = {
        {"trace --as-database /nosuch.mmdb 127.0.0.1",
         "--as-database /nosuch.mmdb: No such file or directory; no AS is taken from it; "
         "give another file"},
        {"trace --paths --icmp 127.0.0.1",
         "--paths varies ports, which ICMP has not; leave out --icmp"},
        {"traffic show --dry-run",
         "traffic: --dry-run is for setup and remove, not for show; leave it out"},
        {"traffic serve --dry-run",
         "traffic: --dry-run is for setup and remove, not for serve; leave it out"},
        {"traffic setup --socket /nosuch/socket",
         "traffic: --socket is for serve, not for setup; leave it out"},
        {"traffic show --socket /nosuch/socket",
         "traffic: --socket is for serve, not for show; leave it out"},
        {"check-config --keys edgelat.conf",
         "check-config --keys prints all keys, and reads no file; leave out 'edgelat.conf'"},
        {"check-config -k -c edgelat.conf",
         "check-config --keys prints all keys, and reads no file; leave out 'edgelat.conf'"},
        {"probe tcp --size 100 127.0.0.1",
         "--size is for icmp, not for tcp; leave it out"},
        {"probe tcp --df 127.0.0.1", "--df is for icmp, not for tcp; leave it out"},
        {"probe icmp --path / 127.0.0.1",
         "--path is for https, not for icmp; leave it out"},
        {"probe tcp --server-name a.example 127.0.0.1",
         "--server-name is for https, not for tcp; leave it out"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ran r;
        char line[512];
        program_run(&r, "", cases[i].arguments);
        snprintf(line, sizeof line, "edgelat: %s\n", cases[i].message);
        CHECK_TEXT(line, r.err, cases[i].arguments);
        CHECK_TEXT("", r.out, cases[i].arguments);
        CHECK_INT(2, r.code, cases[i].arguments);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
