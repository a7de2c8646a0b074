#include "core/fault.h"

#include "core/event_names.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LAN      "the administrator of the local network"
#define RESOLVER "the administrator of the DNS server"
#define SECURITY "the administrator of the security gateway"
#define PROVIDER "the provider"
#define SUPPORT  "Microsoft's support, after a look at its service health page"

static const struct {
    const char *name, *title, *segment, *whom;
} faults[FAULTS] = {
    [FAULT_NO_ROUTE] = {"no_route", "No route", "this host",
                        "whoever runs this host's network"},
    [FAULT_LINK_DUPLEX] = {"link_duplex", "Half duplex", "local network",
                           "the administrator of the switch"},
    [FAULT_LINK_ERRORS] = {"link_errors", "Interface errors", "local network", LAN},
    [FAULT_LINK_SIGNAL] = {"wifi_signal", "Weak Wi-Fi", "local network",
                           "the administrator of the Wi-Fi"},
    [FAULT_GATEWAY_SILENT] = {"gateway_silent", "Gateway silent", "local network", LAN},
    [FAULT_GATEWAY_LOSS] = {"gateway_loss", "First hop loses packets", "local network",
                            LAN},
    [FAULT_GATEWAY_SLOW] = {"gateway_slow", "First hop slow", "local network", LAN},
    [FAULT_NO_DNS] = {"no_dns", "No DNS", "DNS", "the administrator of the DNS servers"},
    [FAULT_RESOLVER_DEAD] = {"resolver_dead", "DNS server dead", "DNS", RESOLVER},
    [FAULT_RESOLVER_LOSS] = {"resolver_loss", "DNS queries lost", "DNS",
                             "the administrator of the DNS server, or the provider"},
    [FAULT_RESOLVER_SLOW] = {"resolver_slow", "DNS server slow", "DNS", RESOLVER},
    [FAULT_RESOLVER_LIES] = {"resolver_lies", "DNS answers wrong", "DNS", RESOLVER},
    [FAULT_RESOLVER_FAR] = {"resolver_far", "DNS leads to a far PoP", "DNS", RESOLVER},
    [FAULT_PORTAL] = {"captive_portal", "Captive portal", "local network",
                      "the operator of this network"},
    [FAULT_PROXY_FAILS] = {"proxy_fails", "Proxy fails", "proxy",
                           "the administrator of the proxy"},
    [FAULT_PROXY] = {"proxy", "Proxy in the way", "proxy",
                     "the administrator of the proxy"},
    [FAULT_VPN] = {"vpn", "VPN in the way", "VPN", "the administrator of the VPN"},
    [FAULT_ADDRESS_OUTSIDE] = {"address_outside", "Public address not registered",
                               "provider", PROVIDER},
    [FAULT_BACKUP_POP] = {"backup_pop", "Backup location in use", "provider",
                          "the peering provider"},
    [FAULT_CONNECTIONS] = {"connections_limited", "New connections limited", "firewall",
                           "the administrator of the firewall"},
    [FAULT_PATH_LOSS] = {"path_loss", "Packets lost on the way", "provider", PROVIDER},
    [FAULT_LARGE_LOSS] = {"large_packet_loss", "Large packets lost", "path", PROVIDER},
    [FAULT_JITTER] = {"delay_variation", "Delay varies", "path", PROVIDER},
    [FAULT_PROVIDER_SLOW] = {"provider_slow", "Provider slow", "provider", PROVIDER},
    [FAULT_PATH_BROKEN] = {"path_broken", "Uplink down", "provider", PROVIDER},
    [FAULT_FAR_DOOR] = {"far_front_door", "Far front door", "Microsoft", RESOLVER},
    [FAULT_CLOCK] = {"clock", "Clock wrong", "this host", "whoever runs this host"},
    [FAULT_INTERCEPTED] = {"tls_intercepted", "TLS intercepted", "security gateway",
                           SECURITY},
    [FAULT_MIDDLEBOX] = {"middlebox", "Middlebox answers", "security gateway", SECURITY},
    [FAULT_MTU] = {"mtu_black_hole", "MTU black hole", "path",
                   "the provider, or whoever runs the tunnel"},
    [FAULT_IPV4_BROKEN] = {"ipv4_broken", "IPv4 down, IPv6 works", "IPv4",
                           LAN ", then the provider"},
    [FAULT_IPV6_BROKEN] = {"ipv6_broken", "IPv6 broken", "IPv6", LAN},
    [FAULT_IPV6_SLOW] = {"ipv6_slow", "IPv6 slow", "IPv6", PROVIDER},
    [FAULT_SERVICE_DOWN] = {"service_down", "Service down", "service", SUPPORT},
    [FAULT_SERVICE_ADDRESS] = {"service_address_down", "Address of a service down",
                               "service", SUPPORT},
    [FAULT_SERVICE_ERRORS] = {"service_errors", "Service fails", "service", SUPPORT},
    [FAULT_SERVICE_TLS] = {"service_tls", "TLS fails", "service", SECURITY},
    [FAULT_SERVICE_LOSS] = {"service_loss", "Packets to a service lost", "path",
                            PROVIDER},
    [FAULT_SERVICE_SLOW] = {"service_slow", "Service slow", "path", PROVIDER},
    [FAULT_UDP_BLOCKED] = {"udp_blocked", "UDP blocked", "firewall",
                           "the administrator of the firewall"},
    [FAULT_MEDIA] = {"media", "Media over a limit", "path", PROVIDER},
    [FAULT_LOAD] = {"delay_under_load", "Delay under load", "access line",
                    "whoever runs the router of this site"},
};

const char *fault_name(enum fault f)
{
    return faults[f].name;
}

const char *fault_title(enum fault f)
{
    return faults[f].title;
}

const char *fault_segment(enum fault f)
{
    return faults[f].segment;
}

const char *fault_whom(enum fault f)
{
    return faults[f].whom;
}

#define BIT(fault)  FAULT_BIT(fault)
#define SLOW_THINGS (BIT(FAULT_SERVICE_SLOW) | BIT(FAULT_MEDIA) | BIT(FAULT_IPV6_SLOW))
#define LOSS_THINGS                                                                      \
    (BIT(FAULT_PATH_LOSS) | BIT(FAULT_SERVICE_LOSS) | BIT(FAULT_RESOLVER_LOSS) |         \
     BIT(FAULT_JITTER) | BIT(FAULT_LARGE_LOSS) | SLOW_THINGS)
/* What a lossy or slow first hop does to all that is behind it. */
#define LOCAL_THINGS (BIT(FAULT_GATEWAY_SLOW) | BIT(FAULT_RESOLVER_SLOW) | LOSS_THINGS)
/* What fails where HTTPS of a service cannot work. */
#define DOWN_THINGS                                                                      \
    (BIT(FAULT_SERVICE_DOWN) | BIT(FAULT_SERVICE_TLS) | BIT(FAULT_SERVICE_ERRORS) |      \
     BIT(FAULT_SERVICE_LOSS) | BIT(FAULT_SERVICE_SLOW))
#define WHERE_THINGS                                                                     \
    (BIT(FAULT_FAR_DOOR) | BIT(FAULT_RESOLVER_FAR) | BIT(FAULT_PROVIDER_SLOW) |          \
     BIT(FAULT_BACKUP_POP))
#define ALL_BEHIND(fault) (~UINT64_C(0) << ((fault) + 1))

/* What a fault explains, by bits of enum fault. */
static const uint64_t explained[FAULTS] = {
    [FAULT_NO_ROUTE] = ALL_BEHIND(FAULT_NO_ROUTE),
    [FAULT_LINK_DUPLEX] = BIT(FAULT_LINK_ERRORS) | BIT(FAULT_GATEWAY_LOSS) | LOCAL_THINGS,
    [FAULT_LINK_ERRORS] = BIT(FAULT_GATEWAY_LOSS) | LOCAL_THINGS,
    [FAULT_LINK_SIGNAL] = BIT(FAULT_LINK_ERRORS) | BIT(FAULT_GATEWAY_LOSS) | LOCAL_THINGS,
    [FAULT_GATEWAY_SILENT] = ALL_BEHIND(FAULT_GATEWAY_SILENT),
    [FAULT_GATEWAY_LOSS] = LOCAL_THINGS,
    [FAULT_GATEWAY_SLOW] = BIT(FAULT_RESOLVER_SLOW) | SLOW_THINGS,
    [FAULT_NO_DNS] = ALL_BEHIND(FAULT_NO_DNS),
    [FAULT_RESOLVER_DEAD] = BIT(FAULT_RESOLVER_SLOW) | BIT(FAULT_RESOLVER_LOSS),
    [FAULT_RESOLVER_LOSS] = BIT(FAULT_RESOLVER_SLOW),
    [FAULT_RESOLVER_LIES] = DOWN_THINGS | WHERE_THINGS | BIT(FAULT_INTERCEPTED) |
                            BIT(FAULT_PATH_BROKEN) | BIT(FAULT_IPV4_BROKEN) |
                            BIT(FAULT_MIDDLEBOX) | BIT(FAULT_UDP_BLOCKED),
    [FAULT_RESOLVER_FAR] = BIT(FAULT_FAR_DOOR) | SLOW_THINGS | BIT(FAULT_PROVIDER_SLOW),
    [FAULT_PORTAL] = DOWN_THINGS | WHERE_THINGS | BIT(FAULT_INTERCEPTED) |
                     BIT(FAULT_MIDDLEBOX) | BIT(FAULT_RESOLVER_LIES) |
                     BIT(FAULT_PATH_LOSS) | BIT(FAULT_PATH_BROKEN) |
                     BIT(FAULT_UDP_BLOCKED) | BIT(FAULT_CLOCK) | BIT(FAULT_MTU) |
                     BIT(FAULT_IPV4_BROKEN) | BIT(FAULT_IPV6_BROKEN) |
                     BIT(FAULT_CONNECTIONS) | BIT(FAULT_RESOLVER_SLOW),
    [FAULT_PROXY_FAILS] = DOWN_THINGS,
    [FAULT_PROXY] = SLOW_THINGS | BIT(FAULT_UDP_BLOCKED),
    [FAULT_VPN] = WHERE_THINGS | SLOW_THINGS | BIT(FAULT_ADDRESS_OUTSIDE) |
                  BIT(FAULT_RESOLVER_SLOW) | BIT(FAULT_GATEWAY_SLOW),
    [FAULT_BACKUP_POP] = BIT(FAULT_PROVIDER_SLOW) | BIT(FAULT_FAR_DOOR) |
                         BIT(FAULT_RESOLVER_FAR) | SLOW_THINGS,
    [FAULT_CONNECTIONS] = BIT(FAULT_PATH_LOSS) | BIT(FAULT_SERVICE_ADDRESS) |
                          BIT(FAULT_IPV4_BROKEN) | BIT(FAULT_IPV6_BROKEN) | DOWN_THINGS,
    [FAULT_PATH_LOSS] = BIT(FAULT_SERVICE_LOSS) | BIT(FAULT_LARGE_LOSS) |
                        BIT(FAULT_RESOLVER_SLOW) | SLOW_THINGS,
    [FAULT_LARGE_LOSS] = BIT(FAULT_SERVICE_SLOW),
    [FAULT_JITTER] = BIT(FAULT_MEDIA),
    [FAULT_PROVIDER_SLOW] = BIT(FAULT_RESOLVER_SLOW) | SLOW_THINGS,
    [FAULT_PATH_BROKEN] = DOWN_THINGS | BIT(FAULT_UDP_BLOCKED) |
                          BIT(FAULT_RESOLVER_DEAD) | BIT(FAULT_RESOLVER_SLOW),
    [FAULT_FAR_DOOR] = SLOW_THINGS,
    [FAULT_CLOCK] = BIT(FAULT_SERVICE_TLS),
    [FAULT_INTERCEPTED] = BIT(FAULT_MIDDLEBOX) | BIT(FAULT_SERVICE_TLS),
    [FAULT_MIDDLEBOX] = DOWN_THINGS,
    [FAULT_MTU] = DOWN_THINGS | BIT(FAULT_LARGE_LOSS),
    [FAULT_IPV4_BROKEN] = BIT(FAULT_SERVICE_DOWN) | BIT(FAULT_UDP_BLOCKED),
    [FAULT_IPV6_BROKEN] = BIT(FAULT_IPV6_SLOW),
    [FAULT_SERVICE_DOWN] = BIT(FAULT_SERVICE_TLS) | BIT(FAULT_SERVICE_LOSS) |
                           BIT(FAULT_SERVICE_ERRORS) | BIT(FAULT_SERVICE_SLOW) |
                           BIT(FAULT_SERVICE_ADDRESS) | BIT(FAULT_IPV6_BROKEN),
    [FAULT_SERVICE_LOSS] = BIT(FAULT_SERVICE_SLOW),
    [FAULT_UDP_BLOCKED] = BIT(FAULT_MEDIA),
};

bool fault_explains(enum fault a, enum fault b)
{
    return a != b && a != FAULT_NONE && b != FAULT_NONE && (explained[a] & BIT(b)) != 0;
}

enum fault fault_of_event(const char *name, const char *after)
{
    static const struct {
        const char *name, *after;
        enum fault fault;
    } all[] = {
        {EVENT_LAST_METRE, "down", FAULT_GATEWAY_SILENT},
        {EVENT_LAST_METRE, "lossy", FAULT_GATEWAY_LOSS},
        {EVENT_LAST_METRE, "slow", FAULT_GATEWAY_SLOW},
        {EVENT_RESOLVER_FARTHER, "farther", FAULT_RESOLVER_FAR},
        {EVENT_FRONT_DOOR_AWAY, "backup", FAULT_BACKUP_POP},
        {EVENT_EDGE_FAILOVER, "backup", FAULT_BACKUP_POP},
        {EVENT_EDGE_SUBOPTIMAL, "suboptimal", FAULT_FAR_DOOR},
        {EVENT_PATH_BLACK_HOLE, "black hole", FAULT_MTU},
        {EVENT_UDP_BLOCKED, "blocked", FAULT_UDP_BLOCKED},
        {EVENT_CLOCK_CHANGED, "wrong", FAULT_CLOCK},
        {EVENT_BLOAT_RECEIVE, "bloated", FAULT_LOAD},
        {EVENT_BLOAT_TRANSMIT, "bloated", FAULT_LOAD},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, name) == 0 && strcmp(all[i].after, after) == 0)
            return all[i].fault;
    return FAULT_NONE;
}
