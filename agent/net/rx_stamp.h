/*
 * Arrival times of bytes on a TCP socket, from the kernel's timestamps of their packets.
 * They do not depend on when this process gets to read the bytes.
 */
#ifndef EDGELAT_NET_RX_STAMP_H
#define EDGELAT_NET_RX_STAMP_H

#include <stddef.h>
#include <stdint.h>

/* Enables timestamps for packets that arrive from now on. */
void rx_stamp_enable(int socket);

/*
 * The uv_hrtime() at which the last of the next `len` readable bytes arrived. Does not
 * consume the bytes. 0: no bytes, or no timestamp. Timestamps use the wall clock, which
 * may be stepped: check the result against known bounds.
 */
int64_t rx_stamp_next(int socket, size_t len);

#endif
