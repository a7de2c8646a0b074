/*
 * HOST:PORT as people write it, on a command line, in the configuration, in a URL or a
 * list of DNS servers: the one reader of it.
 *
 *     teams.microsoft.com   192.0.2.1        2001:db8::1          fe80::1%eth0
 *     teams.microsoft.com:443  192.0.2.1:443  [2001:db8::1]:443  [fe80::1%eth0]:443
 *
 * Without brackets two or more colons are an IPv6 address alone, never one with a port
 * (RFC 5952 section 6): "::1:443" is the address ::1:443. Names are of letters, digits,
 * '-' and '_' (RFC 1123; '_' is seen in the field), may end with a dot, and their last
 * label is no number, which would be a mistyped address.
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
    uint16_t port; /* 0 where none is given */
};

enum host_use {
    HOST_REMOTE, /* to connect to: there is a host, the port is not 0 */
    HOST_LISTEN, /* ":4318" is every address of this host, port 0 any that is free */
};

/* Returns NULL, or what is wrong as a clause for people (static); then `out` is not to be
 * used. */
const char *host_port_parse(struct host_port *out, const char *text, enum host_use use);

/*
 * The authority of a URL, `len` bytes: there an IPv6 address is always in brackets, and
 * the '%' before its zone may be written "%25" (RFC 6874).
 */
const char *host_port_parse_url(struct host_port *out, const char *authority, size_t len);

/* Whether it is a name as described above. */
bool host_is_name(const char *host);

#endif
