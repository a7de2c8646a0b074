/*
 * The log: one line an entry on standard error, for people and for the journal. A line
 * names the module, the subject, the cause and the next step:
 *
 *     warn shipper: export to collector.example: HTTP 503; next try in 8 s, 42 batches
 * waiting
 *
 * When standard error is the journal's stream (JOURNAL_STREAM names its device and inode:
 * systemd.exec(5)) a line begins with its syslog priority, which the journal takes off
 * again. A change of state is logged once, at info; repeats at debug. Never a secret.
 */
#ifndef EDGELAT_BASE_LOG_H
#define EDGELAT_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(
    enum log_level most); /* what is more detailed is left out; info at first */

/*
 * For a service, before privileges are given up: from now on no line waits for a reader
 * of standard error. A line that finds no room (a full pipe, a stopped terminal, a
 * journal that hangs) is dropped, and how many were is logged once there is room.
 *
 * O_NONBLOCK belongs to the open file, which the shell and other processes share, so
 * standard error is opened anew through /proc and the new one, which is ours alone, takes
 * its place; sockets are asked by MSG_DONTWAIT. Where neither is possible (no /proc, a
 * pipe of another user) poll(2) is asked first: a pipe has room for a line then, unless
 * another process that writes to the same pipe takes it in between.
 */
void log_never_wait(void);

/* A line as it is, without level and module: what is said of a file of the user's. Cut
 * after LOG_TEXT_MAX bytes. */
enum { LOG_TEXT_MAX = 6 << 10 };
__attribute__((format(printf, 2, 3))) void log_text(enum log_level level,
                                                    const char *format, ...);

__attribute__((format(printf, 2, 3))) void log_error(const char *module,
                                                     const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_warn(const char *module,
                                                    const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_info(const char *module,
                                                    const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_debug(const char *module,
                                                     const char *format, ...);

#endif
