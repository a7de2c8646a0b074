#include "diagnose/tunnel.h"

#include "core/endpoint.h"

#include <stdlib.h>
#include <string.h>

/* Of <linux/if_arp.h>: tunnels of IP, GRE and SIT. */
static const uint16_t types[] = {768, 769, 776, 778, 823};
enum { TYPE_NONE = 65534 }; /* tun, WireGuard */

static const char *const kinds[] = {"wireguard", "ipip", "gre",   "gretap",
                                    "vti",       "xfrm", "sit",   "vti6",
                                    "ip6tnl",    "ovpn", "ip6gre"};
static const char *const names[] = {"tun",     "wg",  "vpn",      "ipsec",
                                    "cscotun", "gpd", "nordlynx", "tailscale",
                                    "utun",    "zt",  "ovpn",     "proton"};

enum tunnel tunnel_judge(const struct link_state *link)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (link->type == types[i])
            return TUNNEL_SURE;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(link->kind, kinds[i]) == 0)
            return TUNNEL_SURE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(link->name, names[i], strlen(names[i])) == 0)
            return TUNNEL_SURE;
    return link->type == TYPE_NONE || strcmp(link->kind, "tun") == 0 ? TUNNEL_MAYBE
                                                                     : TUNNEL_NONE;
}

enum { FLAG_UP = 1, FLAG_GATEWAY = 2, FLAG_REJECT = 0x200 };

/* Interface, destination, gateway, flags, three counts, mask. */
enum { ROUTE_FIELDS = 8 };

static uint32_t hexadecimal(const char *word)
{
    return (uint32_t)strtoul(word, NULL, 16);
}

static bool carries(const char *name, char *line, char out[INTERFACE_NAME_MAX])
{
    char *word[ROUTE_FIELDS], *end;
    for (size_t i = 0; i < ROUTE_FIELDS; i++) {
        line += strspn(line, " \t");
        end = line + strcspn(line, " \t");
        if (end == line)
            return false;
        word[i] = line;
        line = *end != '\0' ? end + 1 : end;
        *end = '\0';
    }
    if (strcmp(word[0], "Iface") == 0)
        return false; /* the head */
    uint32_t to = hexadecimal(word[1]), flags = hexadecimal(word[3]),
             mask = hexadecimal(word[7]);
    bool leaves = to == 0 || (flags & FLAG_GATEWAY) != 0;
    if (mask == UINT32_MAX) { /* in network order, as the kernel prints its memory */
        struct endpoint server = {.family = FAMILY_IPV4};
        memcpy(server.bytes, &to, sizeof to);
        leaves = leaves ||
                 (!endpoint_is_private(&server) && endpoint_nobodys(&server) == NULL);
    }
    if ((flags & FLAG_UP) == 0 || (flags & FLAG_REJECT) != 0 || !leaves ||
        strcmp(word[0], name) == 0)
        return false;
    text_copy(out, INTERFACE_NAME_MAX, word[0]);
    text_visible(out);
    return true;
}

bool tunnel_outer(char out[INTERFACE_NAME_MAX], const char *routes, size_t len,
                  const char *name)
{
    char line[160];
    out[0] = '\0';
    for (size_t at = 0; at < len;) {
        const char *end = memchr(routes + at, '\n', len - at);
        size_t n = end != NULL ? (size_t)(end - (routes + at)) : len - at;
        if (n < sizeof line) {
            memcpy(line, routes + at, n);
            line[n] = '\0';
            if (carries(name, line, out))
                return true;
        }
        at += n + 1;
    }
    return false;
}
