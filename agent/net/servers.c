#include "net/servers.h"

#include "base/text.h"
#include "core/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SEPARATORS " \t,"

/* "A", "[A]", "[A]:PORT"; "A:PORT" only for IPv4, as IPv6 is made of colons. */
static bool split(char *item, char **address, char **port)
{
    *address = item;
    *port = NULL;
    if (item[0] == '[') {
        char *end = strchr(item, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        *address = item + 1;
        *port = end[1] == ':' ? end + 2 : NULL;
        *end = '\0';
        return true;
    }
    char *colon = strchr(item, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        *colon = '\0';
        *port = colon + 1;
    }
    return true;
}

static bool parse_one(struct ares_addr_port_node *out, char *item)
{
    char *address, *port;
    struct endpoint e;
    int64_t number = 0; /* 53 */
    if (!split(item, &address, &port) || !endpoint_parse(&e, address, 0))
        return false;
    if (port != NULL && !text_to_integer(port, 1, 65535, &number))
        return false;
    *out = (struct ares_addr_port_node){
        .family = e.family == FAMILY_IPV4 ? AF_INET : AF_INET6,
        .udp_port = (int)number,
        .tcp_port = (int)number,
    };
    memcpy(&out->addr, e.bytes, e.family == FAMILY_IPV4 ? 4 : 16);
    return true;
}

int servers_parse(struct ares_addr_port_node list[SERVERS_MAX], const char *text)
{
    int n = 0;
    for (text += strspn(text, SEPARATORS); *text != '\0';
         text += strspn(text, SEPARATORS)) {
        size_t len = strcspn(text, SEPARATORS);
        char item[ADDRESS_TEXT_MAX + sizeof "[]:65535"];
        if (n == SERVERS_MAX)
            return -E2BIG;
        snprintf(item, sizeof item, "%.*s", (int)len, text);
        if (len >= sizeof item || !parse_one(&list[n], item))
            return -EINVAL;
        if (n > 0)
            list[n - 1].next = &list[n];
        n++;
        text += len;
    }
    return n;
}
