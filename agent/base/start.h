/*
 * Corrects the state that a process inherits from its parent, before anything else:
 * standard descriptors, signals, resource limits (setrlimit(2)).
 *
 * Handling the errors of single calls is not sufficient: on a shortage during setup,
 * libuv, OpenSSL and libevent call abort() or fail an assertion, or use descriptors 0 to
 * 2 for pipes of their own.
 */
#ifndef EDGELAT_BASE_START_H
#define EDGELAT_BASE_START_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed; otherwise the
 * next socket or pipe gets its number and receives the output. Ignores SIGXFSZ, so a
 * write past the file size limit returns EFBIG instead of ending the process. Returns 0
 * or -errno.
 */
int start_descriptors(void);

/*
 * Removes environment variables by which a library writes secrets to a file
 * (SSLKEYLOGFILE of libcurl) or runs code (OPENSSL_CONF and similar variables name
 * modules; the openssl.cnf of this host is still read). OpenSSL ignores its variables
 * when the program file has a capability (secure_getenv(3)), but not for root; libcurl
 * never ignores its own.
 */
void start_environment(void);

/*
 * Blocks the signals that control a service: SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1
 * and SIGUSR2. They stay blocked from before the first thread is created, so their
 * default action (termination) never happens: not before the loop reads them from a
 * signalfd(2), not after it, and not during a restart in place, as execve() keeps the
 * mask and pending signals. Also ignores SIGPIPE. The milliseconds of the dynamic linker
 * before main() are not covered, unless the parent has blocked the signals; systemd
 * reloads only after READY=1.
 */
void start_hold_signals(void);

/* Opens a signalfd(2) for these signals. Returns the descriptor or -errno. */
int start_signals(void);

/*
 * Raises the soft stack limit if it is too low. False: not allowed; a message has been
 * written to standard error, without a formatting function, as those need stack space.
 */
bool start_stack(void);

/*
 * Runs start_descriptors(), start_stack() and start_environment(); each program calls
 * this first. False: the program must exit; messages have been written as far as
 * possible.
 */
bool start_program(void);

struct start_needs {
    size_t descriptors;  /* besides standard and inherited ones */
    size_t memory_bytes; /* address space */
    size_t threads;
    size_t file_bytes; /* largest file to be written */
};

/*
 * Raises the soft limits of descriptors and file size as far as needed and allowed, then
 * checks that all needs are met. False: one clause in `why`, with the next step.
 */
bool start_has(const struct start_needs *needs, struct text *why);

#endif
