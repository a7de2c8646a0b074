/*
 * Ends a peer that keeps a library busy. OpenSSL, nghttp2 and libcurl return to the loop
 * only when a socket has no more bytes, so a peer that sends faster than they read holds
 * the loop: HelloRequest records without end kept one SSL_connect() for as long as they
 * came, WINDOW_UPDATE frames one curl_multi_socket_action() for 32 s.
 *
 * Each call of libcurl stands between guard_enter() and guard_leave(). Two limits:
 *
 * - CPU time of one call, GUARD_CALL_NS. A timer on the CPU clock of the loop's thread
 *   (timer_create(2), CLOCK_THREAD_CPUTIME_ID) sends that thread a signal; the handler
 *   disconnects the peer's sockets. The library finds a reset connection with its next
 *   read and returns. CPU time, and not the time of day: a host that is busy, suspended
 *   or stopped must not end a peer that does nothing wrong. Nor must our own
 *   cryptography, which takes as long on a small processor (a signature by RSA with 4096
 *   bits): the peer must have sent GUARD_FLOOD_BYTES for this request.
 * - Bytes for one request, GUARD_BYTES, as the kernel counts them (tcpi_bytes_received).
 *   It bounds what no counter of ours sees: TLS records, frames, chunk extensions. It is
 *   checked after each call, so one call's worth can come on top.
 *
 * Why not otherwise: a process of its own for TLS and HTTP would have to hand over
 * sockets, stamps and results, and its delays would include a second wake-up. A thread
 * that watches needs the time of day, and locks against the reuse of a descriptor. The
 * handler runs in the thread whose call it ends: descriptors are forgotten before they
 * are closed, by that thread, so it never sees one that has been used again. It calls
 * connect() and getsockopt(), which are system calls and no more. AF_UNSPEC resets the connection and
 * throws away what was received (Linux, connect(2)); after shutdown() the library would
 * still read up to 6 MB that wait in the socket.
 *
 * A computation without reads in between is not ended: it is bounded by the size of one
 * message, and by what is offered (net/tls.h: tls_harden()).
 */
#ifndef EDGELAT_NET_GUARD_H
#define EDGELAT_NET_GUARD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Half of the 100 ms that the loop may stand still: the kernel looks at the timer on its
 * tick, 10 ms where that is slow. A handshake takes 2 to 15 ms. */
#define GUARD_CALL_NS (50 * INT64_C(1000000))

/* After a flood each call gets less for a while: whoever floods one target (on the path, or
 * by DNS) can flood all of them in the same turn of the loop, and 20 sockets would hold it
 * for a second. Longer than the interval of most targets. */
#define GUARD_WARY_NS     (5 * INT64_C(1000000))
#define GUARD_WARY_FOR_NS (600 * INT64_C(1000000000))

/* More than a handshake with a long list of CAs; a flood has as much in a millisecond. */
#define GUARD_FLOOD_BYTES (UINT64_C(32) << 10)

/* Heads of 128 KiB and certificates of 100 KB fit several times. */
#define GUARD_BYTES (UINT64_C(1) << 20)

/* Two attempts for each of the connections that a multi handle of libcurl has. */
enum { GUARD_SOCKETS = 16 };

enum guard_verdict { GUARD_FINE, GUARD_TOO_LONG, GUARD_TOO_MUCH };

struct guard { /* of the sockets that one library call may read from; zero is none */
    volatile int fd_plus_1[GUARD_SOCKETS]; /* 0 is free */
    uint64_t bytes_before[GUARD_SOCKETS];  /* received before this request */
    volatile sig_atomic_t verdict;         /* enum guard_verdict; of this request */
};

/* One timer a process, for the thread that calls; counted. 0 or -errno. */
int guard_start(void);
void guard_stop(void);

bool guard_add(struct guard *g, int fd);    /* false: too many; bounds its buffer, too */
void guard_forget(struct guard *g, int fd); /* before it is closed */

/* A new request: bytes are counted from here. */
void guard_begin(struct guard *g);

/* Do not nest. After guard_leave() the verdict holds for all calls since
 * guard_begin(). */
void guard_enter(struct guard *g);
void guard_leave(struct guard *g);

#endif
