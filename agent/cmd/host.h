/*
 * HOST or HOST:PORT as an argument of a command that sends packets to it, and the uplink
 * that they take.
 */
#ifndef EDGELAT_CMD_HOST_H
#define EDGELAT_CMD_HOST_H

#include "base/text.h"
#include "core/host_port.h"
#include "core/uplink.h"

#include <stdbool.h>

struct host_rules {
    bool ipv4_only, ipv6_only;
    bool port;           /* may have one */
    const char *without; /* what has no ports, for the message: "icmp" */
    const char *path;    /* what to do with the path of a URL: ""; or "and give ..." */
};

/* False: reported. */
bool cmd_host(struct host_port *out, const char *text, const struct host_rules *r);

/* The argument of -I: an interface or an address of this host, or the name of an [uplink] of
 * the configuration (`file`, or NULL: load_path()). False: reported. */
bool cmd_uplink(struct uplink *out, const char *text, const char *file);

/* Appends why this host reaches nothing outside over the uplink (NULL: by the system's routes),
 * for lack of a route, with the next step. False: it has a route. */
bool cmd_no_route(struct text *out, const struct uplink *uplink);

/* Prints that `host` has no address, with the next step; `error` is that of the lookup, by the
 * system's routes, NULL: none, and `temporary`: no DNS server answered. Returns CMD_CANNOT. */
int cmd_no_address(const char *host, const char *error, bool temporary);

#endif
