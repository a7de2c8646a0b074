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

enum {
    A,
    A_METRIC,
    B,
    B_OTHER,
    C_IPV6,
    DIRECT,
    DIRECT_OTHER,
    ONE,
    ONE_LONG,
    TWO,
    TWO_OTHER,
    LINK_1,
    LINK_2,
    ITEMS
};
static struct network_item items[ITEMS];

static void make_items(void)
{
    items[A] = route("192.0.2.1", 1, 0);
    items[A_METRIC] = route("192.0.2.1", 1, 100);
    items[B] = route("192.0.2.2", 1, 0);
    items[B_OTHER] = route("192.0.2.2", 2, 0);
    items[C_IPV6] = route("fe80::1", 1, 1024);
    items[DIRECT] = route("", 1, 0);
    items[DIRECT_OTHER] = route("", 2, 0);
    items[ONE] = address("192.0.2.7", 24, 1);
    items[ONE_LONG] = address("192.0.2.7", 25, 1);
    items[TWO] = address("192.0.2.8", 24, 1);
    items[TWO_OTHER] = address("192.0.2.8", 24, 2);
    items[LINK_1] = link_of(1);
    items[LINK_2] = link_of(2);
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
    int before[6], after[6];
    size_t differences;
    const char *text;
} cases[] = {
    {"nothing", {END}, {END}, 0, ""},
    {"the same in another order", {A, ONE, LINK_1, END}, {LINK_1, ONE, A, END}, 0, ""},
    {"link up", {END}, {LINK_1, END}, 1, "link eth1 is up"},
    {"link down", {LINK_1, LINK_2, END}, {LINK_1, END}, 1, "link eth2 is down"},
    {"links are no successors",
     {LINK_1, END},
     {LINK_2, END},
     2,
     "link eth1 is down, link eth2 is up"},
    {"route new", {END}, {A, END}, 1, "the default route 192.0.2.1 by eth1 is new"},
    {"route gone", {A, END}, {END}, 1, "the default route 192.0.2.1 by eth1 is gone"},
    {"route without gateway",
     {END},
     {DIRECT, END},
     1,
     "the default route by eth1 is new"},
    {"IPv6 route gone",
     {C_IPV6, END},
     {END},
     1,
     "the IPv6 default route fe80::1 by eth1 is gone"},
    {"another gateway",
     {A, END},
     {B, END},
     1,
     "the default route went from 192.0.2.1 to 192.0.2.2 by eth1"},
    {"another interface",
     {A, END},
     {B_OTHER, END},
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
    {"another metric",
     {A, END},
     {A_METRIC, END},
     1,
     "the metric of the default route 192.0.2.1 by eth1 went from 0 to 100"},
    {"one more route",
     {A, END},
     {A, B_OTHER, END},
     1,
     "the default route 192.0.2.2 by eth2 is new"},
    {"of another family, no successor",
     {A, END},
     {C_IPV6, END},
     2,
     "the default route 192.0.2.1 by eth1 is gone, the IPv6 default route fe80::1 by "
     "eth1 "
     "is new"},
    {"address new",
     {ONE, END},
     {ONE, TWO, END},
     1,
     "address 192.0.2.8/24 of eth1 is new"},
    {"another address",
     {ONE, END},
     {TWO, END},
     1,
     "the address of eth1 went from 192.0.2.7/24 to 192.0.2.8/24"},
    {"another prefix",
     {ONE, END},
     {ONE_LONG, END},
     1,
     "the address of eth1 went from 192.0.2.7/24 to 192.0.2.7/25"},
    {"another interface's address",
     {ONE, END},
     {TWO_OTHER, END},
     2,
     "address 192.0.2.7/24 of eth1 is gone, address 192.0.2.8/24 of eth2 is new"},
    {"causes first, three of them",
     {ONE, TWO, A, C_IPV6, LINK_1, END},
     {LINK_2, END},
     6,
     "link eth1 is down, link eth2 is up, the default route 192.0.2.1 by eth1 is gone "
     "and "
     "3 more"},
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
        network_free(&before);
        network_free(&after);
        text_free(&text);
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences),
        cmocka_unit_test(is_bounded),
    };
    make_items();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
