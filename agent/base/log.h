/*
 * The log: one line per entry on standard error, for people and for the journal. A line
 * names the module, the subject, the cause and the next step:
 *
 *     warn shipper: export to collector.example: HTTP 503; next try in 8 s, 42 batches
 *     waiting
 *
 * When standard error is the stream of the journal (JOURNAL_STREAM contains its device
 * and inode: systemd.exec(5)), a line begins with its syslog priority, which the journal
 * strips. A change of state is logged once, at info; repeats at debug. Secrets are never
 * logged.
 */
#ifndef EDGELAT_BASE_LOG_H
#define EDGELAT_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(
    /* most detailed level that is logged; default: info */
    enum log_level most);

/* Drops the lines of a module that a command reports itself. The name is static; NULL:
 * none. */
void log_mute(const char *module);

/*
 * For a service, to be called before privileges are dropped. From then on logging never
 * blocks on the reader of standard error. A line that does not fit (a full pipe, a
 * stopped terminal, a hanging journal) is dropped, and the number of dropped lines is
 * logged once there is room.
 *
 * O_NONBLOCK belongs to the open file description, which the shell and other processes
 * share. So standard error is opened again through /proc and replaced by that private
 * description; sockets use MSG_DONTWAIT. If neither is possible (no /proc, a pipe of
 * another user), poll(2) is called before each line: a pipe then has room for the line,
 * unless another process writes to the same pipe in between.
 */
void log_never_wait(void);

/* Logs a message without level and module, for problems in a file of the user. Truncated
 * to LOG_TEXT_MAX bytes. */
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
