#include "net/servers.h"

#include "check.h"

static const struct {
    const char *text, *told;
} cases[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"192.0.2.1:53 192.0.2.2:5353", "192.0.2.1, 192.0.2.2:5353"},
    {"2001:db8::1,[2001:db8::2]", "2001:db8::1, 2001:db8::2"},
    {"[2001:db8::1]:53, [2001:db8::1]:5353", "2001:db8::1, [2001:db8::1]:5353"},
    {"[2001:db8:1111:2222:3333:4444:5555:6661]:5353 "
     "[2001:db8:1111:2222:3333:4444:5555:6662]:5353 "
     "[2001:db8:1111:2222:3333:4444:5555:6663]:5353",
     "[2001:db8:1111:2222:3333:4444:5555:6661]:5353, "
     "[2001:db8:1111:2222:3333:4444:5555:6662]:5353"},
};

static void lists_come_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ares_addr_port_node list[SERVERS_MAX];
        ares_channel channel;
        char told[128];
        CHECK(servers_parse(list, cases[i].text) > 0, "%s is a list", cases[i].text);
        CHECK_INT(ARES_SUCCESS, ares_init(&channel), "a channel");
        CHECK_INT(ARES_SUCCESS, ares_set_servers_ports(channel, list), cases[i].text);
        servers_text(told, sizeof told, channel);
        CHECK_TEXT(cases[i].told, told, cases[i].text);
        ares_destroy(channel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
