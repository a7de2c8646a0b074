/* Datagrams of rtnetlink(7): what they tell is compared and put into words. */
#include "net/netlink_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void take(const struct netlink_event *event, void *user)
{
    struct network *n = user;
    network_add(&n[event->there], &event->item);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct network n[2] = {{0}};
    struct text text = {0};
    netlink_read(bytes, len, take, n);
    network_compare(&text, &n[0], &n[1]);
    text_free(&text);
    network_free(&n[0]);
    network_free(&n[1]);
    return 0;
}
