#include "cmd/host.h"

#include "cmd/cmd.h"
#include "cmd/load.h"
#include "net/idn.h"
#include "net/netlink.h"
#include "net/socket.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

/* Why an address cannot be probed, or NULL. Names are resolved first: NULL. */
static const char *why_not_address(const char *host, const struct host_rules *r)
{
    struct endpoint e;
    char zone[ZONE_TEXT_MAX];
    if (!endpoint_parse_zoned(&e, zone, host, 0))
        return NULL;
    if (!endpoint_is_host(&e))
        return "not the address of one host (broadcast, multicast or unspecified)";
    if (endpoint_is_link_local(&e) && zone[0] == '\0')
        return "a link-local address; add its interface, as in fe80::1%eth0";
    if (!socket_set_zone(&e, zone))
        return "on an interface that this host does not have; `ip link` lists them";
    if (e.family == FAMILY_IPV4 && r->ipv6_only)
        return "an IPv4 address; omit -6";
    if (e.family == FAMILY_IPV6 && r->ipv4_only)
        return "an IPv6 address; omit -4";
    return NULL;
}

bool cmd_host(struct host_port *out, const char *text, const struct host_rules *r)
{
    const char *slashes = strstr(text, "://");
    if (slashes != NULL || strchr(text, '/') != NULL) {
        const char *host = slashes != NULL ? slashes + 3 : text;
        cmd_cannot("'%s' is not a host: use '%.*s'%s", text, (int)strcspn(host, "/"),
                   host, r->path);
        return false;
    }
    char ascii[HOST_TEXT_MAX + sizeof "[]:65535"];
    const char *why;
    if (idn_to_ascii(ascii, sizeof ascii, text, &why))
        why = host_port_parse(out, ascii, HOST_REMOTE);
    if (why != NULL) {
        cmd_cannot("'%s': %s", text, why);
        return false;
    }
    if (out->has_port && !r->port) {
        cmd_cannot("'%s': %s has no ports; give the host only", text, r->without);
        return false;
    }
    if ((why = why_not_address(out->host, r)) != NULL) {
        cmd_cannot("%s is %s", out->host, why);
        return false;
    }
    return true;
}

static bool has_source(const struct uplink *u, enum family family)
{
    int domain = family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
    int fd = socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int rc = fd < 0 ? 0 : socket_use_uplink(fd, family, u);
    close(fd);
    return rc != -EADDRNOTAVAIL;
}

/* True: the configuration has an uplink of that name. */
static bool find_configured(struct uplink *out, const char *name, const char *file)
{
    struct config c;
    bool found = false;
    if (access(load_path(file), R_OK) != 0)
        return false;
    load_config(&c, load_path(file)); /* reports what is wrong with it */
    for (size_t i = 0; i < c.n_uplinks && !found; i++) {
        found = strcmp(c.uplinks[i].name, name) == 0;
        if (found)
            *out = c.uplinks[i];
    }
    config_free(&c);
    return found;
}

bool cmd_uplink(struct uplink *out, const char *text, const char *file)
{
    struct endpoint e;
    struct uplink u = {0};
    if (endpoint_parse(&e, text, 0)) {
        u.source[e.family == FAMILY_IPV6 ? SLOT_IPV6 : SLOT_IPV4] = e;
        if (!has_source(&u, (enum family)e.family)) {
            cmd_cannot("-I %s: this host has no such address; `ip address` lists them",
                       text);
            return false;
        }
    } else if (if_nametoindex(text) == 0 && find_configured(out, text, file)) {
        return true;
    } else if (if_nametoindex(text) == 0 ||
               !text_copy(u.interface, sizeof u.interface, text)) {
        cmd_cannot("-I %s: this host has no such interface; `ip link` lists them", text);
        return false;
    }
    text_copy(u.name, sizeof u.name, text);
    *out = u;
    return true;
}

bool cmd_no_route(struct text *out, const struct uplink *uplink)
{
    struct network n = {0};
    if (socket_has_default_route(FAMILY_IPV4, uplink) ||
        socket_has_default_route(FAMILY_IPV6, uplink))
        return false;
    text_add(out, "this host has no route to the internet");
    if (uplink != NULL) {
        text_add(out, " over %s; see: ip route", uplink->name);
    } else if (netlink_read_network(&n) == 0) {
        text_add(out, ": ");
        network_lack_text(out, &n);
    }
    network_free(&n);
    return true;
}

int cmd_no_address(const char *host, const char *error, bool temporary)
{
    struct text next = {0};
    const char *why = error != NULL ? error : "no address of that family";
    if (endpoint_literal(host) != FAMILY_NONE) /* no lookup */
        return cmd_cannot("%s: %s", host, why);
    if (!temporary || !cmd_no_route(&next, NULL))
        text_add(&next, "check the name and the DNS server in /etc/resolv.conf");
    cmd_cannot("%s: %s; %s", host, why, text_string(&next));
    text_free(&next);
    return CMD_CANNOT;
}
