/*
 * The log: one line an entry on standard error, for people and for the journal. A line
 * names the module, the subject, the cause and the next step:
 *
 *     warn shipper: export to collector.example: HTTP 503; next try in 8 s, 42 batches
 * waiting
 *
 * Under systemd (JOURNAL_STREAM is set) a line begins with its syslog priority, which the
 * journal takes off again. A change of state is logged once, at info; repeats at debug.
 * Never a secret.
 */
#ifndef EDGELAT_BASE_LOG_H
#define EDGELAT_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_set_level(
    enum log_level most); /* what is more detailed is left out; info at first */

__attribute__((format(printf, 2, 3))) void log_error(const char *module,
                                                     const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_warn(const char *module,
                                                    const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_info(const char *module,
                                                    const char *format, ...);
__attribute__((format(printf, 2, 3))) void log_debug(const char *module,
                                                     const char *format, ...);

#endif
