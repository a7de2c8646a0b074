/*
 * Which machine this is: its machine-id(5), hashed, as that file asks for: HMAC-SHA-256
 * keyed by it over an id of our own, cut to 128 bits (sd_id128_get_machine_app_specific).
 * The hash stays the same over reinstallations and does not tell the machine-id.
 */
#ifndef EDGELAT_NET_MACHINE_H
#define EDGELAT_NET_MACHINE_H

#define MACHINE_TEXT_MAX 33 /* 32 hexadecimal digits */

/*
 * Returns 0, -ENOENT: this machine has no id that lasts (none, not made yet, one for this
 * boot alone, or a container of one program, where it changes whenever it is made anew),
 * or -errno: it cannot be read now.
 */
int machine_hash(char out[MACHINE_TEXT_MAX]);

#endif
