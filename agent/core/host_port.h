/*
 * Parses HOST:PORT as written on a command line, in the configuration, in a URL or in a
 * list of DNS servers.
 *
 *     teams.microsoft.com   192.0.2.1        2001:db8::1          fe80::1%eth0
 *     teams.microsoft.com:443  192.0.2.1:443  [2001:db8::1]:443  [fe80::1%eth0]:443
 *
 * Without brackets, two or more colons mean an IPv6 address without a port (RFC 5952
 * section 6): "::1:443" is the address ::1:443. Names consist of letters, digits, '-' and
 * '_' (RFC 1123; '_' occurs in practice) and may end with a dot. Their last label must
 * not be a number: that would be a mistyped address.
 */
#ifndef EDGELAT_CORE_HOST_PORT_H
#define EDGELAT_CORE_HOST_PORT_H

#include "core/endpoint.h"
#include "core/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host_port {
    char host[HOST_TEXT_MAX]; /* without brackets, with its zone */
    enum family family;       /* of an address; FAMILY_NONE: a name */
    bool has_port;
    uint16_t port; /* 0 if not given */
};

enum host_use {
    HOST_REMOTE, /* to connect to: the host is required, port 0 is refused */
    HOST_LISTEN, /* ":4318" means every address of this host, port 0 any free port */
};

/* Returns NULL, or the error as one clause (static); `out` is then undefined. */
const char *host_port_parse(struct host_port *out, const char *text, enum host_use use);

/*
 * Parses the authority of a URL, `len` bytes, where an IPv6 address is always in brackets
 * and the '%' before its zone may be written "%25" (RFC 6874).
 */
const char *host_port_parse_url(struct host_port *out, const char *authority, size_t len);

/* True for a name as described above. */
bool host_is_name(const char *host);

#endif
