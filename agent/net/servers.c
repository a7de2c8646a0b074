#include "net/servers.h"

#include "base/text.h"
#include "core/endpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define SEPARATORS " \t,"
#define DNS_PORT   53

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

static void add_server(struct text *out, const struct ares_addr_port_node *server)
{
    bool ipv6 = server->family == AF_INET6;
    bool port = server->udp_port != 0 && server->udp_port != DNS_PORT;
    struct endpoint e = {.family = ipv6 ? FAMILY_IPV6 : FAMILY_IPV4};
    char address[ADDRESS_TEXT_MAX];
    memcpy(e.bytes, &server->addr, ipv6 ? 16 : 4);
    endpoint_address(address, &e);
    text_add(out, ipv6 && port ? "[%s]" : "%s", address);
    if (port)
        text_add(out, ":%d", server->udp_port);
}

void servers_text(char *out, size_t room, ares_channel channel)
{
    struct ares_addr_port_node *list = NULL;
    struct text text = {0};
    out[0] = '\0';
    if (ares_get_servers_ports(channel, &list) != ARES_SUCCESS)
        return;
    for (const struct ares_addr_port_node *s = list; s != NULL; s = s->next) {
        text_add(&text, "%s", text.len > 0 ? ", " : "");
        add_server(&text, s);
        if (text.len >= room)
            break;
        text_copy(out, room, text_string(&text));
    }
    text_free(&text);
    ares_free_data(list);
}
