/*
 * A list of DNS servers as people write it, for c-ares (whose own reader takes port 99999
 * and refuses "[::1]").
 */
#ifndef EDGELAT_NET_SERVERS_H
#define EDGELAT_NET_SERVERS_H

#include <ares.h>

#include <stddef.h>

#define SERVERS_MAX 8

/*
 * Reads "192.0.2.1 [2001:db8::1]:5353, 2001:db8::2" into `list`, linked, and returns how
 * many there are; -EINVAL when one is not an address, -E2BIG when there are too many.
 */
int servers_parse(struct ares_addr_port_node list[SERVERS_MAX], const char *text);

/* The servers that a channel asks, in that form; as many as there is room for. */
void servers_text(char *out, size_t room, ares_channel channel);

#endif
