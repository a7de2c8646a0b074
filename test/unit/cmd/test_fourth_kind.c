/*
 * The commands with a fourth kind in the table: help, completions, configuration and
 * messages take its name from the table. This file defines the names of probe/kinds.h, so
 * that its object is not linked.
 */
#include "capture.h"
#include "cmd/cmd.h"
#include "cmd/completion.h"
#include "cmd/help.h"
#include "folder.h"
#include "probe/https/https.h"
#include "probe/icmp/icmp.h"
#include "probe/kinds.h"
#include "probe/tcp/tcp.h"

#include <getopt.h>

static const struct probe_kind route_kind = {
    .kind = {.name = "route",
             .delays = {"rtt", "hops"},
             .uses = USES_DSCP | USES_PAYLOAD,
             .interval_ns = 50 * NS_PER_S,
             .slow_interval_ns = 100 * NS_PER_S,
             .label = "traceroute",
             .examples = "edgelat probe route a.example\n",
             .packets = 60,
             .bytes = 3600},
};
const struct probe_kind *const probe_kinds[] = {&icmp_kind, &tcp_kind, &https_kind,
                                                &route_kind};
const size_t probe_kinds_count = 4;

const struct kinds *probe_kind_words(void)
{
    static struct kinds kinds;
    for (kinds.n = 0; kinds.n < probe_kinds_count; kinds.n++)
        kinds.list[kinds.n] = &probe_kinds[kinds.n]->kind;
    return &kinds;
}

static void check_has(const char *text, const char *part)
{
    CHECK(strstr(text, part) != NULL, "'%s' is in: %s", part, text);
}

static int run(struct capture *out, const struct command *c, const char *first,
               const char *second)
{
    char *argv[] = {(char *)c->name, (char *)first, (char *)second, NULL};
    optind = 0;
    capture_begin(out);
    int code = c->run(second == NULL ? 2 : 3, argv);
    capture_end(out);
    return code;
}

static void help_names_it(void **state)
{
    (void)state;
    struct text text = {0};
    help_command(&text, &command_probe);
    check_has(text_string(&text), "Kinds: icmp, tcp, https, route.\n");
    check_has(text_string(&text), "icmp, route: payload, 16 to 1400");
    check_has(text_string(&text), "icmp, tcp, https, route: DSCP, 0 to 63");
    check_has(text_string(&text), "  https: path to request (default /)");
    check_has(text_string(&text), "\n  edgelat probe route a.example\n");
    text_clear(&text);
    help_program(&text);
    check_has(text_string(&text), "by ICMP, TCP, HTTPS and traceroute;");
    text_free(&text);
}

static void completions_offer_it(void **state)
{
    (void)state;
    static const char *const offers[][2] = {
        {"bash", "_edgelat_kinds='icmp tcp https route'"},
        {"zsh", "'1:kind:(icmp tcp https route)'"},
        {"fish", "-a 'icmp tcp https route'"},
        {"zsh", "{-s+,--size=}'[icmp, route: payload, 16 to 1400]:BYTES: '"},
    };
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
        struct text text = {0};
        CHECK(completion_render(&text, offers[i][0]), "%s", offers[i][0]);
        check_has(text_string(&text), offers[i][1]);
        text_free(&text);
    }
}

static void probe_knows_its_name(void **state)
{
    (void)state;
    struct capture out;
    CHECK_INT(CMD_CANNOT, run(&out, &command_probe, "rout", "a.example"), "no kind");
    CHECK_TEXT("edgelat: unknown kind of probe 'rout'; did you mean 'route'?\n", out.err,
               "the nearest");
    CHECK_INT(CMD_CANNOT, run(&out, &command_probe, "quic", "a.example"), "no kind");
    CHECK_TEXT("edgelat: unknown kind of probe 'quic'; the kinds are icmp, tcp, https "
               "and route\n",
               out.err, "all of them");
    CHECK_INT(CMD_CANNOT, run(&out, &command_probe, "route", "a.example:7"), "no port");
    CHECK_TEXT("edgelat: 'a.example:7': route has no ports; give the host only\n",
               out.err, "as it states");
}

static void keys_name_it(void **state)
{
    (void)state;
    struct capture out;
    char *argv[] = {"check-config", "--keys", NULL};
    optind = 0;
    capture_begin(&out);
    int code = command_check_config.run(2, argv);
    capture_end(&out);
    CHECK_INT(CMD_FINE, code, "--keys");
    check_has(out.out, " icmp, route: bytes of payload");
    check_has(out.out, " tcp, https: ");
    check_has(out.out, "kinds of probe, separated by spaces [icmp tcp https]\n");
}

static void check_config(const char *text, int code, const char *expected)
{
    struct folder f = folder_make();
    struct capture out;
    const char *path = folder_write(&f, "a.conf", text);
    CHECK_INT(code, run(&out, &command_check_config, path, NULL), text);
    check_has(code == CMD_FINE ? out.out : out.err, expected);
    folder_remove(&f);
}

/* Rates by hand: an address has one family; at 10, 10 and 60 s, and at 50 s. */
static void a_configuration_turns_it_on(void **state)
{
    (void)state;
#define AGENT "[agent]\nfront_doors = 0\nworkloads = no\n[target a]\nhost = 192.0.2.1\n"
    check_config(AGENT, CMD_FINE, "1 target, 3 kinds, up to 0.22 probes/s");
    check_config(AGENT "kinds = route\n", CMD_FINE,
                 "1 target, 1 kind, up to 0.02 probes/s");
    check_config(AGENT "kinds = route\nroute_interval = 2s\n", CMD_FINE,
                 "1 target, 1 kind, up to 0.50 probes/s");
    check_config(AGENT "kinds = icmp rout\n", CMD_CANNOT,
                 "of: icmp tcp https route; did you mean 'route'?");
    check_config(AGENT "rout_interval = 2s\n", CMD_CANNOT,
                 "did you mean 'route_interval'?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_it),
        cmocka_unit_test(completions_offer_it),
        cmocka_unit_test(probe_knows_its_name),
        cmocka_unit_test(keys_name_it),
        cmocka_unit_test(a_configuration_turns_it_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
