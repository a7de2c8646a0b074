/*
 * The destination of a probe: an IP address and a port, as a plain value that can be
 * compared, copied and printed without a socket.
 */
#ifndef EDGELAT_CORE_ENDPOINT_H
#define EDGELAT_CORE_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* FAMILY_PROXY: reached by name through an HTTP proxy, which alone knows the address. */
enum family { FAMILY_NONE = 0, FAMILY_PROXY = 1, FAMILY_IPV4 = 4, FAMILY_IPV6 = 6 };

/* The place of a family in an array by family: IPv4, IPv6, proxy. */
enum { SLOT_IPV4, SLOT_IPV6, SLOT_PROXY, FAMILY_SLOTS };

static inline size_t family_slot(enum family family)
{
    return family == FAMILY_IPV6    ? SLOT_IPV6
           : family == FAMILY_PROXY ? SLOT_PROXY
                                    : SLOT_IPV4;
}

struct endpoint {
    uint8_t family;    /* enum family; FAMILY_NONE: no address */
    uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest 0 */
    uint16_t port;     /* host order; 0 if the kind has no ports */
    uint32_t scope;    /* interface index of a link-local IPv6 address, else 0 */
};

#define ADDRESS_TEXT_MAX 46

/* The address without the port; "" for FAMILY_NONE and FAMILY_PROXY. Returns `out`. */
const char *endpoint_address(char out[ADDRESS_TEXT_MAX], const struct endpoint *e);

/* Reads an IPv4 or IPv6 address literal (no port, no brackets, no zone). */
bool endpoint_parse(struct endpoint *out, const char *address, uint16_t port);

#define ZONE_TEXT_MAX 16 /* IFNAMSIZ */

/*
 * The same, but a link-local IPv6 address may name its zone (RFC 4007): "fe80::1%eth0" or
 * "fe80::1%2". `zone` is "" without one. `out->scope` stays 0: only the host knows its
 * interfaces (net/socket.h).
 */
bool endpoint_parse_zoned(struct endpoint *out, char zone[ZONE_TEXT_MAX],
                          const char *address, uint16_t port);

/* Returns the family of an address literal, with or without zone; FAMILY_NONE: not an
 * address. */
enum family endpoint_literal(const char *host);

/* True for IPv6 only: such an address needs a zone. */
bool endpoint_is_link_local(const struct endpoint *e);

/* Compares family, address and scope, not the port. */
bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b);

/* Of what endpoint_same_address() compares. */
uint32_t endpoint_hash(const struct endpoint *e);

/* A list of address literals, separated by spaces, tabs or commas: takes the next one;
 * false at the end. Other words are skipped. */
bool endpoint_next(const char **list, struct endpoint *out);
bool endpoint_is_listed(const char *list, const struct endpoint *address);

/* Whether the first `bits` bits are the same: an address is in a prefix. In network order,
 * as endpoint.bytes; of one family. */
bool endpoint_same_prefix(const uint8_t *a, const uint8_t *b, size_t bits);

/* Whether the address is in one of the prefixes, "ADDRESS/LENGTH ..." separated by spaces;
 * the list is valid (config/values.h). */
bool endpoint_in_prefixes(const char *prefixes, const struct endpoint *e);

/* True for the address of a single host: not multicast or broadcast, which many hosts
 * would answer, and not unspecified (0.0.0.0, ::), which DNS filters return for a blocked
 * name. */
bool endpoint_is_host(const struct endpoint *e);

/*
 * Returns why no host on the internet can have this address (static text: "the loopback
 * address of this host", a link-local, an unspecified or a multicast one), or NULL when a
 * host can or the family is FAMILY_NONE. Filters, captive portals and hijacked DNS return
 * such addresses.
 */
const char *endpoint_nobodys(const struct endpoint *e);

/* An IPv4 address as NAT64 translates it: 64:ff9b::/96 (RFC 6052), 64:ff9b:1::/48 (RFC 8215). */
bool endpoint_is_nat64(const struct endpoint *e);

/* RFC 1918, RFC 6598, RFC 4193, fec0::/10, and 198.18.0.0/15 (RFC 2544), which tunnels of
 * VPN clients use. */
bool endpoint_is_private(const struct endpoint *e);

/* True for a name of this host or of a local network, which may have any address: an
 * address literal, a single label, names under localhost, local, internal, home.arpa,
 * lan, test, example and similar (RFC 6761, RFC 6762, RFC 8375). */
bool host_is_local(const char *host);

/* "ipv4", "ipv6": network.type of OpenTelemetry; "proxy", "none". */
const char *family_name(enum family family);

#endif
