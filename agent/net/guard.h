/*
 * Disconnects a peer that keeps a library busy. OpenSSL, nghttp2 and libcurl return to
 * the loop only when a socket has no more bytes, so a peer that sends faster than they
 * read blocks the loop: an endless stream of HelloRequest records kept one SSL_connect()
 * running as long as it lasted; WINDOW_UPDATE frames kept one curl_multi_socket_action()
 * running for 32 s.
 *
 * Each libcurl call runs between guard_enter() and guard_leave(). There are two limits:
 *
 * - CPU time of one call, GUARD_CALL_NS. A timer on the CPU clock of the loop's thread
 *   (timer_create(2), CLOCK_THREAD_CPUTIME_ID) sends a signal to that thread, and the
 *   handler disconnects the peer's sockets. The library's next read finds a reset
 *   connection and the call returns. The limit is CPU time, not wall time: a busy,
 *   suspended or stopped host must not disconnect a correct peer. Local cryptography
 *   can take as long on a slow CPU (a 4096-bit RSA signature), so the peer must also
 *   have sent GUARD_FLOOD_BYTES for this request.
 * - Bytes received for one request, GUARD_BYTES, as counted by the kernel
 *   (tcpi_bytes_received). This covers what the agent's own counters do not see: TLS
 *   records, frames, chunk extensions. The limit is checked after each call, so the
 *   bytes of one more call can be added to it.
 *
 * Alternatives: a separate process for TLS and HTTP would have to pass sockets,
 * timestamps and results, and its delays would include a second wake-up. A watchdog
 * thread would need wall time, and locks against the reuse of descriptors. The signal
 * handler runs in the thread whose call it ends, and that thread removes descriptors
 * from the guard before it closes them, so the handler never sees a reused one. The
 * handler calls only connect() and getsockopt(), which are plain system calls. connect()
 * with AF_UNSPEC resets the connection and discards received data (Linux, connect(2));
 * after shutdown() the library would still read up to 6 MB from the socket buffer.
 *
 * A computation without reads is not interrupted. The size of one message and the
 * offered algorithms bound it (net/tls.h: tls_harden()).
 */
#ifndef EDGELAT_NET_GUARD_H
#define EDGELAT_NET_GUARD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Half of the 100 ms for which the loop may block: the kernel checks the timer on its
 * tick, which can be 10 ms. A handshake takes 2 to 15 ms. */
#define GUARD_CALL_NS (50 * INT64_C(1000000))

/* After a flood, each call has a lower limit for a while: an attacker who floods one
 * target (on the path, or by DNS) can flood all of them in the same loop iteration, and
 * 20 sockets would block it for a second. The time is longer than the interval of most
 * targets. */
#define GUARD_WARY_NS     (5 * INT64_C(1000000))
#define GUARD_WARY_FOR_NS (600 * INT64_C(1000000000))

/* More than a handshake with a long CA list; a flood sends as much in a millisecond. */
#define GUARD_FLOOD_BYTES (UINT64_C(32) << 10)

/* Several times the size of a 128 KiB reply head or a 100 KB certificate. */
#define GUARD_BYTES (UINT64_C(1) << 20)

/* Two attempts for each connection of a libcurl multi handle. */
enum { GUARD_SOCKETS = 16 };

enum guard_verdict { GUARD_FINE, GUARD_TOO_LONG, GUARD_TOO_MUCH };

struct guard { /* The sockets that one library call may read from; { 0 } has none. */
    volatile int fd_plus_1[GUARD_SOCKETS]; /* 0 is free */
    uint64_t bytes_before[GUARD_SOCKETS];  /* received before this request */
    volatile sig_atomic_t verdict;         /* enum guard_verdict; for this request */
};

/* Starts the timer for the calling thread; one per process, reference-counted. Returns 0
 * or -errno. */
int guard_start(void);
void guard_stop(void);

/* False: too many sockets. Also limits the receive buffer of `fd`. */
bool guard_add(struct guard *g, int fd);
void guard_forget(struct guard *g, int fd); /* call before closing `fd` */

bool guard_is_empty(const struct guard *g); /* no socket */

/* Starts a new request: resets the verdict and the byte counts. */
void guard_begin(struct guard *g);

/* Calls must not nest. After guard_leave(), the verdict covers all calls since
 * guard_begin(). */
void guard_enter(struct guard *g);
void guard_leave(struct guard *g);

#endif
