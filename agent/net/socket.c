#include "net/socket.h"

#include "base/text.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

bool socket_set_zone(struct endpoint *e, const char *zone)
{
    int64_t index = zone[0] != '\0' ? if_nametoindex(zone) : e->scope;
    if (zone[0] != '\0' && index == 0 && !text_to_integer(zone, 1, INT32_MAX, &index))
        return false;
    e->scope = (uint32_t)index;
    return true;
}

socklen_t sockaddr_of(struct sockaddr_storage *out, const struct endpoint *e)
{
    memset(out, 0, sizeof *out);
    if (e->family == FAMILY_IPV4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(e->port);
        memcpy(&in->sin_addr, e->bytes, 4);
        return sizeof *in;
    }
    if (e->family == FAMILY_IPV6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(e->port);
        in6->sin6_scope_id = e->scope;
        memcpy(&in6->sin6_addr, e->bytes, 16);
        return sizeof *in6;
    }
    return 0;
}

struct endpoint sockaddr_endpoint(const struct sockaddr *address)
{
    struct endpoint e = {.family = FAMILY_NONE};
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        e.family = FAMILY_IPV4;
        e.port = ntohs(in->sin_port);
        memcpy(e.bytes, &in->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
        e.family = mapped ? FAMILY_IPV4 : FAMILY_IPV6;
        e.port = ntohs(in6->sin6_port);
        e.scope = in6->sin6_scope_id;
        memcpy(e.bytes, in6->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
    }
    return e;
}

static int bind_source(int fd, const struct endpoint *source)
{
    struct sockaddr_storage address;
    int on = 1;
    if (source->family == FAMILY_NONE)
        return 0;
    /* Without it each socket takes a port of its own, for all destinations. Raw and ping
     * sockets do not know the option. */
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    socklen_t len = sockaddr_of(&address, source);
    return bind(fd, (struct sockaddr *)&address, len) == 0 ? 0 : -errno;
}

int socket_steer(int fd, enum family family, const struct uplink *u)
{
    if (u == NULL)
        return 0;
    if (!uplink_has_family(u, family))
        return -EAFNOSUPPORT;
    if (u->interface[0] != '\0' &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, u->interface,
                   (socklen_t)strlen(u->interface)) != 0)
        return -errno;
    if (u->mark != 0 &&
        setsockopt(fd, SOL_SOCKET, SO_MARK, &u->mark, sizeof u->mark) != 0)
        return -errno;
    return 0;
}

int socket_use_uplink(int fd, enum family family, const struct uplink *u)
{
    int rc = socket_steer(fd, family, u);
    return rc != 0 || u == NULL ? rc : bind_source(fd, &u->source[family_slot(family)]);
}

struct endpoint socket_own(int fd)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof own;
    if (getsockname(fd, (struct sockaddr *)&own, &len) != 0)
        return (struct endpoint){.family = FAMILY_NONE};
    return sockaddr_endpoint((struct sockaddr *)&own);
}

struct endpoint socket_source(const struct endpoint *to, const struct uplink *uplink)
{
    struct sockaddr_storage address;
    struct endpoint source = {.family = FAMILY_NONE};
    socklen_t len = sockaddr_of(&address, to);
    int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return source;
    if (socket_use_uplink(fd, (enum family)to->family, uplink) == 0 &&
        connect(fd, (struct sockaddr *)&address, len) == 0)
        source = socket_own(fd);
    close(fd);
    return source;
}

bool socket_source_serves(const struct endpoint *source, const struct endpoint *to)
{
    return source->family == FAMILY_IPV4 ||
           (source->family == FAMILY_IPV6 &&
            (endpoint_nobodys(source) == NULL || endpoint_nobodys(to) != NULL));
}

bool socket_has_route(const struct endpoint *to, const struct uplink *uplink)
{
    struct endpoint source = socket_source(to, uplink);
    return socket_source_serves(&source, to);
}

bool socket_has_default_route(enum family family, const struct uplink *uplink)
{
    static const struct endpoint anywhere[] = {
        {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 1}, .port = 443},
        {.family = FAMILY_IPV6, .bytes = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 443}};
    return socket_has_route(&anywhere[family_slot(family)], uplink);
}

uint32_t socket_drops(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof info;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0)
        return 0;
    return info[SK_MEMINFO_DROPS];
}
