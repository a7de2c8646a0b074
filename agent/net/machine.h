/*
 * Identifies this machine by a hash of its machine-id(5), as that page requires:
 * HMAC-SHA-256 of an application id, keyed with the machine-id, truncated to 128 bits
 * (sd_id128_get_machine_app_specific(3)). The hash survives a reinstallation of the
 * agent and does not reveal the machine-id.
 */
#ifndef EDGELAT_NET_MACHINE_H
#define EDGELAT_NET_MACHINE_H

#define MACHINE_TEXT_MAX 33 /* 32 hexadecimal digits */

/*
 * Returns 0; -ENOENT: the machine has no persistent id (missing, not initialised yet,
 * valid for this boot only, or an application container, whose id changes whenever it is
 * created again); or -errno: it cannot be read now.
 */
int machine_hash(char out[MACHINE_TEXT_MAX]);

#endif
