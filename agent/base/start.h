/*
 * What a process inherits from its parent and has to put right before it does anything
 * else: standard descriptors, signals, resource limits (setrlimit(2)).
 *
 * Why not each call by itself: libuv, OpenSSL and libevent answer a shortage during their
 * set-up with abort() or an assertion, or take descriptor 0 to 2 for a pipe of their own.
 */
#ifndef EDGELAT_BASE_START_H
#define EDGELAT_BASE_START_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens /dev/null for each of the descriptors 0, 1 and 2 that is closed: else the next
 * socket or pipe takes its number, and what is printed goes into it. A write past the
 * limit of file sizes becomes an error (EFBIG) in place of death by SIGXFSZ. Returns 0 or
 * -errno.
 */
int start_descriptors(void);

/*
 * Removes the environment variables by which a library writes secrets to a file
 * (SSLKEYLOGFILE of libcurl) or runs code (OPENSSL_CONF and the like name modules; this
 * host's openssl.cnf is still read). OpenSSL ignores its own where the file has a
 * capability (secure_getenv(3)), but not for root, and libcurl never does.
 */
void start_environment(void);

/*
 * The signals that ask a service for something: SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1
 * and SIGUSR2. Blocked for good before the first thread, they never have their default
 * action, which is death: not before the loop reads them from a signalfd(2), not after
 * it, and not during a restart in place, as execve() keeps the mask and what is pending.
 * SIGPIPE is ignored. Nothing can be done for the milliseconds of the dynamic linker
 * before main(), when the parent has not blocked them; systemd reloads after READY=1 only.
 */
void start_hold_signals(void);

/* Opens a signalfd(2) from which those signals are read. Returns it, or -errno. */
int start_signals(void);

/*
 * Raises the soft limit of the stack where it is too low for us. False: that is not
 * allowed, and one sentence on standard error says so, written without a formatting
 * function, as those need a stack.
 */
bool start_stack(void);

/*
 * What each program of ours begins with: start_descriptors(), start_stack() and
 * start_environment(). False: it has to end, and what can be said has been.
 */
bool start_program(void);

struct start_needs {
    size_t descriptors;  /* besides the standard ones and what was inherited */
    size_t memory_bytes; /* of address space */
    size_t threads;
    size_t file_bytes; /* of the largest file that is written */
};

/*
 * Tries whether all that is there, after raising the soft limits of descriptors and of
 * file sizes as far as needed and allowed. False: one clause in `why`, with the next
 * step.
 */
bool start_has(const struct start_needs *needs, struct text *why);

#endif
