/*
 * Asks the kernel for the state of network interfaces (link_message.h). No privilege is
 * needed. The kernel answers before the request returns.
 */
#ifndef EDGELAT_NET_LINK_H
#define EDGELAT_NET_LINK_H

#include "net/link_message.h"
#include "net/wifi_message.h"

struct links {          /* start with links_open(); links_close() also after an error */
    int route, generic; /* sockets; `generic` is -1 where there is none */
    /* Numbers of families; 0: the kernel has none (ethtool: before 5.6; nl80211: no Wi-Fi). */
    uint16_t ethtool, nl80211;
};

/* 0 or -errno. */
int links_open(struct links *l);
void links_close(struct links *l);

/* By its name. 0 or -errno; -ENODEV: there is no such interface. */
int links_read(const struct links *l, const char *name, struct link_state *out);

/* All values are 0 where the interface tells none. */
struct link_modes links_modes(const struct links *l, uint32_t index);

/* Of a Wi-Fi client, else all 0. Asks for the family anew while the kernel has none. */
struct wifi_link links_wifi(struct links *l, uint32_t index);

/* The name of the interface that carries the route to the address. False: none, or it is
 * this host. */
bool links_to(const struct links *l, const struct endpoint *address,
              char name[INTERFACE_NAME_MAX]);

#endif
