/* Which interface is a tunnel of a VPN, by routing tables as the kernel prints them. */
#include "diagnose/tunnel.h"

#include "check.h"

#define HEAD                                                                             \
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"

static const struct {
    const char *what, *name, *routes, *outer;
} cases[] = {
    {"the only uplink", "wan0",
     HEAD "wan0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n", ""},
    {"OpenVPN, redirect-gateway def1", "tun0",
     HEAD "tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"
          "eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
     "eth0"},
    {"a route to the server only", "wg0",
     HEAD "wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n"
          "eth1\t097100CB\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n",
     "eth1"},
    {"a private host beside it", "wg0",
     HEAD "wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n"
          "eth1\t0900000A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n",
     ""},
    {"a local network beside it", "wg0",
     HEAD "wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n"
          "docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n",
     ""},
    {"a rejecting route", "wg0",
     HEAD "eth0\t00000000\t0100A8C0\t0203\t0\t0\t100\t00000000\t0\t0\t0\n", ""},
    {"cut short", "wg0", HEAD "eth0\t00000000\t0100A8C0", ""},
    {"nothing", "wg0", "", ""},
};

static void test_outer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[INTERFACE_NAME_MAX];
        bool found =
            tunnel_outer(out, cases[i].routes, strlen(cases[i].routes), cases[i].name);
        CHECK_TEXT(cases[i].outer, out, cases[i].what);
        CHECK_INT(cases[i].outer[0] != '\0', found, cases[i].what);
    }
}

static void test_kinds(void **state)
{
    (void)state;
    static const struct {
        struct link_state link;
        enum tunnel expected;
    } links[] = {
        {{.name = "eth0", .type = 1}, TUNNEL_NONE},
        {{.name = "ppp0", .type = 512}, TUNNEL_NONE},
        {{.name = "wlan0", .type = 1, .kind = ""}, TUNNEL_NONE},
        {{.name = "br0", .type = 1, .kind = "bridge"}, TUNNEL_NONE},
        {{.name = "office", .type = 65534, .kind = "wireguard"}, TUNNEL_SURE},
        {{.name = "x0", .type = 65534, .kind = "tun"}, TUNNEL_MAYBE},
        {{.name = "tun0", .type = 1}, TUNNEL_SURE},
        {{.name = "tap0", .type = 1, .kind = "tun"}, TUNNEL_MAYBE},
        {{.name = "gre1", .type = 778}, TUNNEL_SURE},
    };
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        CHECK_INT(links[i].expected, tunnel_judge(&links[i].link), links[i].link.name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outer),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
