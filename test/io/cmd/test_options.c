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
        {"probe --media 127.0.0.1",
         "--media is for stun; give the kind: edgelat probe stun"},
        {"--completion=csh",
         "--completion needs the name of a shell, bash, zsh or fish; or services"},
        /* what a newcomer types */
        {"diagnose --html /nosuch/ticket.html",
         "cannot write /nosuch/ticket.html: No such file or directory; give another file"},
        {"probe", "HOST is required; `edgelat probe --help` has examples"},
        {"probe icmp", "HOST is required; `edgelat probe --help` has examples"},
        {"probe teams.microsoft.com icmp",
         "the kind comes first: edgelat probe icmp teams.microsoft.com"},
        {"probe udp 127.0.0.1",
         "unknown kind of probe 'udp'; the kinds are icmp, tcp, https, stun and dns"},
        {"probe tpc 127.0.0.1", "unknown kind of probe 'tpc'; did you mean 'tcp'?"},
        {"probe icmp 127.0.0.1 --watch",
         "probe has no option --watch; `edgelat probe --help` lists the options"},
        {"probe icmp -c x 127.0.0.1",
         "-c takes a whole number from 0 to 100000000, not 'x'"},
        {"probe tcp -t 5 127.0.0.1", "--ttl is for icmp, not for tcp; leave it out"},
        {"probe icmp 203.0.113.20 -6", "203.0.113.20 is an IPv4 address; omit -6"},
        {"probe icmp 255.255.255.255",
         "255.255.255.255 is not the address of one host (broadcast, multicast or "
         "unspecified)"},
        {"probe 224.0.0.1", "224.0.0.1 is not the address of one host (broadcast, "
                            "multicast or unspecified)"},
        {"probe icmp fe80::1",
         "fe80::1 is a link-local address; add its interface, as in fe80::1%eth0"},
        {"probe tcp '[2001:db8::20'", "'[2001:db8::20': the ']' is missing"},
        {"probe tcp '[teams.microsoft.com]:443'",
         "'[teams.microsoft.com]:443': brackets are for an IPv6 address"},
        {"probe https 127.0.0.1 --ca /tmp", "--ca /tmp: Is a directory"},
        {"probe https 127.0.0.1 --ca /bin/sh",
         "--ca /bin/sh: no certificate in PEM form (-----BEGIN CERTIFICATE-----); is it "
         "the right file?"},
        {"whereis", NULL},
        {"status --wtach", "status has no option --wtach; did you mean --watch?"},
        {"top x",
         "top takes no argument 'x'; targets come from the agent or the configuration"},
        {"top </dev/null",
         "top needs a full screen, but standard input and output are not "
         "a terminal; use `edgelat status --watch`"},
        {"https 127.0.0.1",
         "unknown command 'https'; `edgelat --help` lists the commands"},
        {"collect --listen 127.0.0.1:99999 --dir /tmp",
         "--listen '127.0.0.1:99999': the port is a number from 0 to 65535; it takes "
         "ADDR:PORT, such as 127.0.0.1:4318, [::1]:4318 or :4318"},
        {"collect --listen 127.0.0.1:0 --dir /bin/ls",
         "cannot collect on 127.0.0.1:0 into /bin/ls: the folder cannot be used: Not a "
         "directory"},
        {"report -o /nosuch/x --state /tmp /etc/passwd",
         "--state names the folder of all batches; leave out '/etc/passwd'"},
        {"probe icmp 127.0.0.1 -I 192.0.2.77",
         "-I 192.0.2.77: this host has no such address; `ip address` lists them"},
        {"probe icmp 127.0.0.1 -I nosuch0",
         "-I nosuch0: this host has no such interface; `ip link` lists them"},
        {"diagnose exchnge", "no service is called 'exchnge'; did you mean 'exchange'?"},
        {"diagnose frobnicate",
         "no service is called 'frobnicate', only exchange, sharepoint, teams, office, "
         "front-door, azure-front-door; give a host by its whole name, as www.example.com"},
        {"diagnose -I nosuch0",
         "-I nosuch0: this host has no such interface; `ip link` lists them"},
        {"diagnose -I ''", "option --uplink needs a value, not ''"},
        {"probe https 127.0.0.1 --ca ''", "option --ca needs a value, not ''"},
        {"diagnose --html /tmp", "/tmp: not a regular file; use - for standard output"},
        {"probe stun --media 192.0.2.1 -I 127.0.0.1",
         "192.0.2.1: this host has no route to its address over 127.0.0.1; see: ip route"},
        {"probe icmp fe80::1%nosuch0",
         "fe80::1%nosuch0 is on an interface that this host does not have; `ip link` "
         "lists them"},
        /* bytes for the terminal */
        {"probe icmp \"$(printf 'te\\001ams\\n.com')\"",
         "'te\\x01ams\\x0a.com': not a host name or an address; an international name is "
         "written in its xn-- form"},
        {"\"$(printf 'x\\033[31my')\"",
         "unknown command 'x\\x1b[31my'; `edgelat --help` lists the commands"},
        {"report --state /nosuch", NULL},
        {"probe icmp b\xfc"
         "cher.example",
         NULL},
        {"probe https 127.0.0.1 --ca /nosuch", "--ca /nosuch: No such file or directory"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ran r;
        char line[512];
        program_run(&r, "", cases[i].arguments);
        snprintf(line, sizeof line, "edgelat: %s\n", cases[i].message);
        if (cases[i].message != NULL)
            CHECK_TEXT(line, r.err, cases[i].arguments);
        CHECK(strncmp(r.err, "edgelat: ", 9) == 0 &&
                  strchr(r.err, '\n') == strrchr(r.err, '\n'),
              "%s: one sentence: %s", cases[i].arguments, r.err);
        CHECK_TEXT("", r.out, cases[i].arguments);
        CHECK_INT(2, r.code, cases[i].arguments);
    }
}

int main(void)
{
    /* LeakSanitizer stops other threads by ptrace(), which the filter forbids */
    setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    const struct CMUnitTest tests[] = {cmocka_unit_test(refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
