/* Hosts and ports on the command line: invalid values and their messages. */
#include "cmd/cmd.h"

#include "capture.h"

#include <getopt.h>

static const struct {
    const struct command *command;
    const char *argv[5];
    const char *said;
} cases[] = {
    {&command_probe,
     {"probe", "icmp", "203.0.113.20", "-6"},
     "edgelat: 203.0.113.20 is an IPv4 address; omit -6\n"},
    {&command_probe,
     {"probe", "icmp", "2001:db8::1", "-4"},
     "edgelat: 2001:db8::1 is an IPv6 address; omit -4\n"},
    {&command_probe,
     {"probe", "icmp", "255.255.255.255"},
     "edgelat: 255.255.255.255 is not the address of one host (broadcast, multicast or "
     "unspecified)\n"},
    {&command_probe,
     {"probe", "tcp", "[ff02::1]:443"},
     "edgelat: ff02::1 is not the address of one host (broadcast, multicast or "
     "unspecified)\n"},
    {&command_probe,
     {"probe", "icmp", "fe80::1"},
     "edgelat: fe80::1 is a link-local address; add its interface, as in "
     "fe80::1%eth0\n"},
    {&command_probe,
     {"probe", "tcp", "[::1]junk"},
     "edgelat: '[::1]junk': after ']' comes ':' and a port, or nothing\n"},
    {&command_probe,
     {"probe", "tcp", "host:65536"},
     "edgelat: 'host:65536': the port is a number from 1 to 65535\n"},
    {&command_probe,
     {"probe", "icmp", "host:443"},
     "edgelat: 'host:443': icmp has no ports; give the host only\n"},
};

static void refused_with_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct capture out;
        char *argv[6] = {0};
        int argc = 0;
        for (; argc < 5 && cases[i].argv[argc] != NULL; argc++)
            argv[argc] = (char *)cases[i].argv[argc];
        optind = 0;
        capture_begin(&out);
        int rc = cases[i].command->run(argc, argv);
        capture_end(&out);
        CHECK_TEXT(cases[i].said, out.err, cases[i].argv[2]);
        CHECK_TEXT("", out.out, "nothing else");
        CHECK_INT(CMD_CANNOT, rc, "exit code");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
