#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static enum log_level most_detailed = LOG_LEVEL_INFO;

static const struct {
    const char *name;
    int syslog_priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARN] = {"warn", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

void log_set_level(enum log_level most)
{
    most_detailed = most;
}

static void write_line(enum log_level level, const char *module, const char *format,
                       va_list args)
{
    if (level > most_detailed)
        return;
    char line[1024]; /* one write a line: lines of two processes do not mix */
    int used = 0;
    if (getenv("JOURNAL_STREAM") != NULL)
        used = snprintf(line, sizeof line, "<%d>", levels[level].syslog_priority);
    used += snprintf(line + used, sizeof line - (size_t)used,
                     "%s %s: ", levels[level].name, module);
    vsnprintf(line + used, sizeof line - (size_t)used, format, args);
    fprintf(stderr, "%s\n", line);
}

#define LOG_FUNCTION(function, level)                                                    \
    void function(const char *module, const char *format, ...)                           \
    {                                                                                    \
        va_list args;                                                                    \
        va_start(args, format);                                                          \
        write_line(level, module, format, args);                                         \
        va_end(args);                                                                    \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
