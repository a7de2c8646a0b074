/*
 * When bytes came in on a TCP socket, by the kernel's stamp of their packet: however long
 * this process was kept from reading them.
 */
#ifndef EDGELAT_NET_RX_STAMP_H
#define EDGELAT_NET_RX_STAMP_H

#include <stddef.h>
#include <stdint.h>

/* Asks for the stamps of what comes from now on. */
void rx_stamp_enable(int socket);

/*
 * The uv_hrtime() at which the last of the next `len` bytes that can be read came in; the
 * bytes stay. 0: there are none, or the kernel does not say. The stamps are the wall
 * clock's: bound the answer by what is known of it, as that clock may have been stepped.
 */
int64_t rx_stamp_next(int socket, size_t len);

#endif
