/* Datagrams of rtnetlink(7): what they tell is compared and put into words. The same ones
 * as answers about one address. */
#include "net/netlink_message.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void take(const struct netlink_event *event, void *user)
{
    struct network *n = user;
    network_add(&n[event->there], &event->item);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct network n[2] = {{0}};
    struct network_item hop = {.family = FAMILY_IPV4, .address.family = FAMILY_IPV4};
    struct text text = {0};
    netlink_read(bytes, len, take, n);
    network_compare(&text, &n[0], &n[1]);
    text_free(&text);
    assert(!netlink_read_hop(bytes, len, &hop) || hop.interface != 0);
    assert(hop.address.family == FAMILY_IPV4 || hop.address.family == FAMILY_IPV6);
    netlink_read_neighbour(bytes, len);
    network_free(&n[0]);
    network_free(&n[1]);
    return 0;
}
