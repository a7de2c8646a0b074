#include "net/network.h"

#include "check.h"

static struct network_item link_of(uint32_t interface)
{
    struct network_item i = {.part = NETWORK_LINK, .interface = interface};
    snprintf(i.name, sizeof i.name, "eth%u", interface);
    return i;
}

static struct network_item route(const char *gateway, uint32_t interface, uint32_t metric)
{
    struct network_item i = link_of(interface);
    i.part = NETWORK_ROUTE;
    i.metric = metric;
    i.family = strchr(gateway, ':') != NULL ? FAMILY_IPV6 : FAMILY_IPV4;
    if (gateway[0] != '\0')
        CHECK(endpoint_parse(&i.address, gateway, 0), "%s", gateway);
    return i;
}

static struct network_item address(const char *text, uint8_t prefix_len,
                                   uint32_t interface)
{
    struct network_item i = route(text, interface, 0);
    i.part = NETWORK_ADDRESS;
    i.prefix_len = prefix_len;
    return i;
}

/* A route to one address that is probed. */
static struct network_item specific(const char *to, const char *gateway,
                                    uint32_t interface)
{
    struct network_item i = route(gateway, interface, 0);
    CHECK(endpoint_parse(&i.to, to, 0), "%s", to);
    i.family = (enum family)i.to.family;
    return i;
}

/* On eth1 is the uplink, on eth2 another one, eth7 is a container's. */
enum {
    A,        /* 192.0.2.1 by eth1 */
    A_METRIC, /* the same */
    A_SOURCE, /* the same, with the source TWO */
    B,        /* 192.0.2.2 by eth1 */
    B_OTHER,  /* 192.0.2.2 by eth2 */
    B_BEHIND, /* the same, but behind all of the above */
    C_IPV6,
    DIRECT,
    DIRECT_OTHER,
    TO,        /* 203.0.113.9 by eth1, as the default route A */
    TO_TUNNEL, /* by eth2 */
    TO_GATEWAY,
    ONE,
    ONE_LONG,
    TWO,
    FAR,
    TWO_OTHER,
    SIX,
    SIX_TOO, /* a temporary address of the same prefix */
    SIX_MORE,
    CONTAINER,
    LINK_1,
    LINK_2,
    LINK_7,
    ITEMS
};
static struct network_item items[ITEMS];

static void make_items(void)
{
    items[A] = route("192.0.2.1", 1, 0);
    items[A_METRIC] = route("192.0.2.1", 1, 100);
    items[A_SOURCE] = route("192.0.2.1", 1, 0);
    items[B] = route("192.0.2.2", 1, 0);
    items[B_OTHER] = route("192.0.2.2", 2, 0);
    items[B_BEHIND] = route("192.0.2.2", 2, 700);
    items[C_IPV6] = route("fe80::1", 1, 1024);
    items[DIRECT] = route("", 1, 0);
    items[DIRECT_OTHER] = route("", 2, 0);
    items[TO] = specific("203.0.113.9", "192.0.2.1", 1);
    items[TO_TUNNEL] = specific("203.0.113.9", "", 2);
    items[TO_GATEWAY] = specific("203.0.113.9", "192.0.2.254", 1);
    items[ONE] = address("192.0.2.7", 24, 1);
    items[ONE_LONG] = address("192.0.2.7", 25, 1);
    items[TWO] = address("192.0.2.8", 24, 1);
    items[FAR] = address("198.51.100.8", 24, 1);
    items[TWO_OTHER] = address("192.0.2.8", 24, 2);
    items[SIX] = address("2001:db8:1::7", 64, 1);
    items[SIX_TOO] = address("2001:db8:1::8", 64, 1);
    items[SIX_MORE] = address("2001:db8:2::7", 64, 1);
    items[CONTAINER] = address("172.17.0.1", 16, 7);
    items[LINK_1] = link_of(1);
    items[LINK_2] = link_of(2);
    items[LINK_7] = link_of(7);
    items[A_SOURCE].source = items[TWO].address;
}

#define END ITEMS

static struct network network_of(const int *which)
{
    struct network n = {0};
    for (; *which != END; which++)
        network_add(&n, &items[*which]);
    return n;
}

static const struct {
    const char *what;
    int before[8], after[8];
    size_t differences;
    const char *text;
} cases[] = {
    {"nothing", {END}, {END}, 0, ""},
    {"the same in another order", {A, ONE, LINK_1, END}, {LINK_1, ONE, A, END}, 0, ""},
    /* not a move */
    {"a container's link", {A, LINK_1, END}, {A, LINK_1, LINK_7, END}, 0, ""},
    {"a bridge's address", {A, ONE, END}, {A, ONE, LINK_7, CONTAINER, END}, 0, ""},
    {"an address without a route", {A, ONE, END}, {A, ONE, TWO_OTHER, END}, 0, ""},
    {"a second address of the uplink", {A, ONE, END}, {A, ONE, FAR, TWO, END}, 0, ""},
    {"a link without a route", {A, LINK_2, END}, {A, END}, 0, ""},
    {"another metric", {A, END}, {A_METRIC, END}, 0, ""},
    {"a route that waits behind",
     {A, ONE, END},
     {A, ONE, B_BEHIND, TWO_OTHER, END},
     0,
     ""},
    {"it goes", {A, B_BEHIND, LINK_2, END}, {A, END}, 0, ""},
    {"a route like the default one", {A, END}, {A, TO, END}, 0, ""},
    /* moves */
    {"link up", {A, END}, {A, LINK_1, END}, 1, "link eth1 is up"},
    {"link down", {A, LINK_1, LINK_7, END}, {A, END}, 1, "link eth1 is down"},
    {"route new",
     {ONE, END},
     {A, ONE, END},
     1,
     "the default route 192.0.2.1 by eth1 is new"},
    {"route gone",
     {A, ONE, LINK_1, END},
     {ONE, END},
     2,
     "link eth1 is down, the default route 192.0.2.1 by eth1 is gone"},
    {"route without gateway",
     {END},
     {DIRECT, END},
     1,
     "the default route by eth1 is new"},
    {"IPv6 route gone",
     {C_IPV6, SIX, END},
     {SIX, END},
     1,
     "the IPv6 default route fe80::1 by eth1 is gone"},
    {"another gateway",
     {A, END},
     {B, END},
     1,
     "the default route went from 192.0.2.1 to 192.0.2.2 by eth1"},
    {"among containers",
     {A, LINK_1, END},
     {B, LINK_1, LINK_7, CONTAINER, END},
     1,
     "the default route went from 192.0.2.1 to 192.0.2.2 by eth1"},
    {"another interface",
     {A, ONE, LINK_1, LINK_2, END},
     {B_OTHER, ONE, TWO_OTHER, LINK_1, LINK_2, END},
     1,
     "the default route went from 192.0.2.1 by eth1 to 192.0.2.2 by eth2"},
    {"the one behind takes over",
     {A, ONE, B_BEHIND, TWO_OTHER, END},
     {ONE, B_BEHIND, TWO_OTHER, END},
     1,
     "the default route went from 192.0.2.1 by eth1 to 192.0.2.2 by eth2"},
    {"no gateway, another interface",
     {DIRECT, END},
     {DIRECT_OTHER, END},
     1,
     "the default route went from eth1 to eth2"},
    {"a gateway, one interface",
     {DIRECT, END},
     {A, END},
     1,
     "the default route went from eth1 to 192.0.2.1 by eth1"},
    {"one more of the same metric",
     {A, END},
     {A, B_OTHER, END},
     1,
     "the default route 192.0.2.2 by eth2 is new"},
    {"of another family, no successor",
     {A, END},
     {C_IPV6, END},
     2,
     "the default route 192.0.2.1 by eth1 is gone, the IPv6 default route fe80::1 by "
     "eth1 is new"},
    {"another address",
     {A, ONE, END},
     {A, TWO, END},
     1,
     "the address of eth1 went from 192.0.2.7/24 to 192.0.2.8/24"},
    {"another prefix",
     {A, ONE, END},
     {A, ONE_LONG, END},
     1,
     "the address of eth1 went from 192.0.2.7/24 to 192.0.2.7/25"},
    {"the gateway's subnet",
     {A, FAR, END},
     {A, FAR, ONE, END},
     1,
     "the address of eth1 went from 198.51.100.8/24 to 192.0.2.7/24"},
    {"the route's own source",
     {A, ONE, TWO, END},
     {A_SOURCE, ONE, TWO, END},
     1,
     "the address of eth1 went from 192.0.2.7/24 to 192.0.2.8/24"},
    {"another IPv6 prefix",
     {C_IPV6, SIX, END},
     {C_IPV6, SIX, SIX_MORE, END},
     1,
     "address 2001:db8:2::7/64 of eth1 is new"},
    {"a tunnel to what is probed",
     {A, ONE, END},
     {A, ONE, TO_TUNNEL, TWO_OTHER, END},
     1,
     "the route to 203.0.113.9 by eth2 is new"},
    {"it ends",
     {A, ONE, TO_TUNNEL, TWO_OTHER, END},
     {A, ONE, TO, END},
     1,
     "the route to 203.0.113.9 by eth2 is gone"},
    {"it goes by another gateway",
     {A, TO_TUNNEL, END},
     {A, TO_GATEWAY, END},
     1,
     "the route to 203.0.113.9 went from eth2 to 192.0.2.254 by eth1"},
    {"causes first, three of them; default routes before others",
     {A, LINK_1, TO_TUNNEL, C_IPV6, END},
     {END},
     4,
     "link eth1 is down, the default route 192.0.2.1 by eth1 is gone, the IPv6 default "
     "route fe80::1 by eth1 is gone and 1 more"},
};

static void differences(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text = {0};
        struct network before = network_of(cases[i].before);
        struct network after = network_of(cases[i].after);
        CHECK_INT(cases[i].differences, network_compare(&text, &before, &after),
                  cases[i].what);
        CHECK_TEXT(cases[i].text, text_string(&text), cases[i].what);
        bool links_alone =
            strncmp(cases[i].text, "link", 4) == 0 && cases[i].differences == 1;
        CHECK_INT(cases[i].differences == 0 || links_alone,
                  network_place(&before) == network_place(&after), cases[i].what);
        network_free(&before);
        network_free(&after);
        text_free(&text);
    }
}

static void identity_across_restarts(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool same;
        int one[6], other[6];
    } pairs[] = {
        {"another address of the subnet", true, {A, ONE, END}, {A, TWO, END}},
        {"another metric", true, {A, ONE, END}, {A_METRIC, ONE, END}},
        {"another interface number", true, {B, TWO, END}, {B_OTHER, TWO_OTHER, END}},
        {"a container", true, {A, ONE, END}, {A, ONE, CONTAINER, LINK_7, END}},
        {"a route to a target", true, {A, ONE, END}, {A, ONE, TO_TUNNEL, TWO_OTHER, END}},
        {"IPv6 beside IPv4", true, {A, ONE, END}, {A, ONE, C_IPV6, SIX, END}},
        {"another gateway", false, {A, ONE, END}, {B, ONE, END}},
        {"another prefix", false, {A, ONE, END}, {A, FAR, END}},
        {"another length", false, {A, ONE, END}, {A, ONE_LONG, END}},
        {"without a gateway", false, {DIRECT, ONE, END}, {DIRECT_OTHER, TWO_OTHER, END}},
        {"IPv6 alone", false, {C_IPV6, SIX, END}, {C_IPV6, SIX_MORE, END}},
        {"IPv6 with a second address",
         true,
         {C_IPV6, SIX, END},
         {C_IPV6, SIX, SIX_TOO, END}},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct network one = network_of(pairs[i].one), other = network_of(pairs[i].other);
        CHECK_INT(pairs[i].same, network_identity(&one) == network_identity(&other),
                  pairs[i].what);
        CHECK(network_identity(&one) != 0, "a default route");
        network_free(&one);
        network_free(&other);
    }
    struct network none = network_of((const int[]){ONE, TO, LINK_1, END});
    CHECK_INT(0, network_identity(&none), "no default route");
    network_free(&none);
}

static void interfaces_in_use(void **state)
{
    (void)state;
    struct network n =
        network_of((const int[]){A, B_BEHIND, ONE, CONTAINER, LINK_7, TO_TUNNEL, END});
    CHECK(network_uses(&n, 1), "of the default route");
    CHECK(network_uses(&n, 2), "of what is probed");
    CHECK(!network_uses(&n, 7), "a container's");
    network_forget_route(&n, &items[TO_TUNNEL].to);
    CHECK(!network_uses(&n, 2), "a route that waits behind another one");
    network_free(&n);
}

static void is_bounded(void **state)
{
    (void)state;
    struct network n = {0};
    for (uint32_t i = 0; i < 2 * NETWORK_ITEMS_MAX; i++) {
        struct network_item item = link_of(i / 2);
        network_add(&n, &item);
        CHECK_INT(i / 2 + 1, n.n, "each once");
    }
    struct network_item more = link_of(NETWORK_ITEMS_MAX);
    network_add(&n, &more);
    CHECK_INT(NETWORK_ITEMS_MAX, n.n, "and no more");
    network_free(&n);
}

static void gateways(void **state)
{
    (void)state;
    struct network n = {0};
    struct network_item found, link_local = route("fe80::1", 3, 1024),
                               far = route("192.0.2.2", 2, 200);
    CHECK(!network_gateway(&n, FAMILY_IPV4, &found), "no route");
    network_add(&n, &far);
    network_add(&n, &link_local);
    CHECK(network_gateway(&n, FAMILY_IPV4, &found) && found.interface == 2,
          "the only one");
    struct network_item near = route("192.0.2.1", 1, 100);
    network_add(&n, &near);
    CHECK(network_gateway(&n, FAMILY_IPV4, &found) && found.interface == 1,
          "the lowest metric");
    CHECK(network_gateway(&n, FAMILY_IPV6, &found) && found.address.scope == 3,
          "a link-local address has a scope");
    struct network_item direct = route("", 4, 0);
    network_add(&n, &direct);
    CHECK(!network_gateway(&n, FAMILY_IPV4, &found), "a point-to-point link has none");
    network_free(&n);
}

/* Whether a missing default route is a fault. */
static void expected_routes(void **state)
{
    (void)state;
    static const struct {
        const char *what, *route; /* on interface 1; NULL: none */
        const char *addresses[2]; /* on interfaces 1 and 2; NULL: none */
        bool ipv4, ipv6;
    } hosts[] = {
        {"nothing", NULL, {NULL, NULL}, false, false},
        {"IPv6 only", "fe80::1", {"2001:db8::2", NULL}, false, true},
        {"IPv4 only", "192.0.2.1", {"192.0.2.2", NULL}, true, false},
        {"an IPv4 address beside the IPv6 route",
         "fe80::1",
         {"10.0.0.2", NULL},
         true,
         false},
        {"an IPv6 address beside the IPv4 route",
         "192.0.2.1",
         {"2001:db8::2", NULL},
         false,
         true},
        {"a unique local one, as routers without an IPv6 uplink give",
         "192.0.2.1",
         {"fd00::2", NULL},
         false,
         false},
        {"addresses that hosts give themselves",
         "192.0.2.1",
         {"fe80::2", NULL},
         false,
         false},
        {"of IPv4", "fe80::1", {"169.254.1.2", NULL}, false, false},
        {"a bridge of containers", "fe80::1", {"2001:db8::2", "172.17.0.1"}, false, true},
        {"no route at all", NULL, {"192.0.2.2", "2001:db8::2"}, true, true},
    };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct network n = {0};
        struct network_item item;
        if (hosts[i].route != NULL) {
            item = route(hosts[i].route, 1, 100);
            network_add(&n, &item);
        }
        for (size_t a = 0; a < 2; a++) {
            if (hosts[i].addresses[a] == NULL)
                continue;
            item = address(hosts[i].addresses[a], 24, (uint32_t)a + 1);
            network_add(&n, &item);
        }
        CHECK_INT(hosts[i].ipv4, network_expects_route(&n, FAMILY_IPV4), hosts[i].what);
        CHECK_INT(hosts[i].ipv6, network_expects_route(&n, FAMILY_IPV6), hosts[i].what);
        network_free(&n);
    }
}

static void lack_of_routes(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool link, address, route;
        const char *text;
    } hosts[] = {
        {"the cable is out", false, false, false,
         "no network interface is up; check cable or Wi-Fi: ip link"},
        {"DHCP does not answer", true, false, false,
         "interface eth1 has no address; check DHCP or its configuration: ip address"},
        {"no default route", true, true, false,
         "there is no default route, though eth1 has the address 192.0.2.2/24; add one: ip route"},
        {"a rule forbids it", true, true, true,
         "the default route 192.0.2.1 by eth1 is not used; look at the rules: ip rule; ip route"},
    };
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct network n = {0};
        struct network_item link = link_of(1), self_given = address("169.254.1.2", 16, 1),
                            own = address("192.0.2.2", 24, 1),
                            gateway = route("192.0.2.1", 1, 100);
        struct text text = {0};
        text_copy(link.name, sizeof link.name, "eth1");
        text_copy(own.name, sizeof own.name, "eth1");
        text_copy(gateway.name, sizeof gateway.name, "eth1");
        network_add(&n, &self_given);
        if (hosts[i].link)
            network_add(&n, &link);
        if (hosts[i].address)
            network_add(&n, &own);
        if (hosts[i].route)
            network_add(&n, &gateway);
        network_lack_text(&text, &n);
        CHECK_TEXT(hosts[i].text, text_string(&text), hosts[i].what);
        text_free(&text);
        network_free(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gateways),
        cmocka_unit_test(differences),
        cmocka_unit_test(identity_across_restarts),
        cmocka_unit_test(interfaces_in_use),
        cmocka_unit_test(is_bounded),
        cmocka_unit_test(expected_routes),
        cmocka_unit_test(lack_of_routes),
    };
    make_items();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
