/*
 * Asks ModemManager over D-Bus for the radio link of the modem behind a network interface
 * (org.freedesktop.ModemManager1: GetManagedObjects, then Modem.Ports, .SignalQuality and
 * .AccessTechnologies, Modem.Signal). Neither starts ModemManager nor changes its settings: the
 * values in dBm are there if something has asked it for them (`mmcli -m any
 * --signal-setup=30`). libsystemd is loaded when it is first asked; without it, or built without
 * its headers, nothing is known.
 */
#ifndef EDGELAT_NET_MODEM_H
#define EDGELAT_NET_MODEM_H

#include <stdbool.h>

#define MODEM_WAIT_US 2000000 /* for an answer */

struct modem_link {
    bool found;      /* ModemManager has a modem with this interface */
    char radio[8];   /* "5G", "LTE", "3G", "2G"; "": none */
    int quality;     /* 0 to 100, of no standard scale; -1: unknown */
    double rsrp_dbm; /* reference signal received power (3GPP TS 36.214); NaN: unknown */
    double snr_db;   /* NaN: unknown */
};

/* The kernel calls the interface one of a modem (DEVTYPE=wwan). */
bool modem_has(const char *interface);

/* Blocks for up to a few times MODEM_WAIT_US: for a thread of the pool. */
struct modem_link modem_read(const char *interface);

#endif
