/*
 * Where a probe goes: an IP address and a port, as a plain value that can be compared,
 * copied and printed without a socket.
 */
#ifndef EDGELAT_CORE_ENDPOINT_H
#define EDGELAT_CORE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

enum family { FAMILY_NONE = 0, FAMILY_IPV4 = 4, FAMILY_IPV6 = 6 };

struct endpoint {
    uint8_t family;    /* enum family; FAMILY_NONE is "no address" */
    uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest 0 */
    uint16_t port;     /* host order; 0 where the kind has no ports */
    uint32_t scope;    /* interface index of a link-local IPv6 address, else 0 */
};

#define ADDRESS_TEXT_MAX 46

/* The address without the port; "" for FAMILY_NONE. Returns `out`. */
const char *endpoint_address(char out[ADDRESS_TEXT_MAX], const struct endpoint *e);

/* Reads an IPv4 or IPv6 address literal (no port, no brackets, no zone). */
bool endpoint_parse(struct endpoint *out, const char *address, uint16_t port);

#define ZONE_TEXT_MAX 16 /* IFNAMSIZ */

/*
 * The same, where a link-local IPv6 address may name its zone (RFC 4007): "fe80::1%eth0"
 * or "fe80::1%2". `zone` is "" where there is none; `out->scope` stays 0, as only the
 * host knows its interfaces (net/socket.h).
 */
bool endpoint_parse_zoned(struct endpoint *out, char zone[ZONE_TEXT_MAX],
                          const char *address, uint16_t port);

/* Family of an address literal, with or without zone; FAMILY_NONE: it is none. */
enum family endpoint_literal(const char *host);

bool endpoint_is_link_local(const struct endpoint *e); /* IPv6 alone: it needs a zone */

bool endpoint_same_address(const struct endpoint *a,
                           const struct endpoint *b); /* not the port */

/* Whether it is the address of one host: no multicast or broadcast, which would have a
 * crowd answer, and none that stands for "here", as filters answer for a blocked name. */
bool endpoint_is_host(const struct endpoint *e);

/*
 * What makes it the address of no host on the internet, as filters, captive portals and
 * hijacked DNS answer for a name: "the loopback address of this host", a link-local, an
 * unspecified or a multicast one; static. NULL: a host may have it, or there is none.
 */
const char *endpoint_nobodys(const struct endpoint *e);

/* RFC 1918, RFC 6598, RFC 4193; 198.18.0.0/15 (RFC 2544), which tunnels of VPN clients
 * answer with; fec0::/10. */
bool endpoint_is_private(const struct endpoint *e);

/* Whether the name is one of this host or of a local network, so that any address is as
 * expected: an address literal, a single label, names under localhost, local, internal,
 * home.arpa, lan, test, example and the like (RFC 6761, RFC 6762, RFC 8375). */
bool host_is_local(const char *host);

const char *family_name(
    enum family family); /* "ipv4", "ipv6", "none": network.type of OpenTelemetry */

#endif
