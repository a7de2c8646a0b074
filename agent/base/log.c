#include "base/log.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static enum log_level most_detailed = LOG_LEVEL_INFO;
static const char *muted;

static struct {
    bool begun, journal, socket, never_waits;
    uint64_t dropped; /* lines since the last one written */
} out;

static const struct {
    const char *name;
    const char *prefix; /* syslog priority, see sd-daemon(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "<3>"},
    [LOG_LEVEL_WARN] = {"warn", "<4>"},
    [LOG_LEVEL_INFO] = {"info", "<6>"},
    [LOG_LEVEL_DEBUG] = {"debug", "<7>"},
};

void log_mute(const char *module)
{
    muted = module;
}

void log_set_level(enum log_level most)
{
    most_detailed = most;
}

/* ---- standard error ---- */

/* True if standard error is the stream of the journal, and not a pipe of a child whose
 * parent has that stream: device and inode are compared, see systemd.exec(5). */
static bool is_journal(const struct stat *is)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    char end;
    return stream != NULL &&
           sscanf(stream, "%" SCNuMAX ":%" SCNuMAX "%c", &device, &inode, &end) == 2 &&
           device == is->st_dev && inode == is->st_ino;
}

static void begin(void)
{
    struct stat is;
    out.begun = true;
    if (fstat(STDERR_FILENO, &is) < 0)
        return;
    out.journal = is_journal(&is);
    out.socket = S_ISSOCK(is.st_mode);
}

void log_never_wait(void)
{
    struct stat is;
    out.never_waits = true;
    if (fstat(STDERR_FILENO, &is) < 0 || !(S_ISFIFO(is.st_mode) || S_ISCHR(is.st_mode)))
        return;
    int own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0)
        return;
    dup2(own, STDERR_FILENO);
    close(own);
}

/* Writes all pieces with one call. False: dropped or truncated. */
static bool write_pieces(struct iovec *pieces, size_t n)
{
    struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
    ssize_t len = 0, written;
    for (size_t i = 0; i < n; i++)
        len += (ssize_t)pieces[i].iov_len;
    if (out.never_waits && out.socket) {
        struct msghdr message = {.msg_iov = pieces, .msg_iovlen = n};
        written = sendmsg(STDERR_FILENO, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (out.never_waits && poll(&room, 1, 0) != 1) {
        return false;
    } else {
        written = writev(STDERR_FILENO, pieces, (int)n);
    }
    return written == len;
}

static bool write_text(enum log_level level, const char *text)
{
    const char *prefix = out.journal ? levels[level].prefix : "";
    struct iovec pieces[] = {
        {(char *)prefix, strlen(prefix)},
        {(char *)text, strlen(text)},
        {"\n", 1},
    };
    return write_pieces(pieces, sizeof pieces / sizeof *pieces);
}

static void write_or_drop(enum log_level level, const char *text)
{
    int error = errno;
    char lost[128];
    if (!out.begun)
        begin();
    if (out.dropped > 0) {
        snprintf(lost, sizeof lost,
                 "warn log: %" PRIu64 " lines were dropped: standard error was not read",
                 out.dropped);
        if (write_text(LOG_LEVEL_WARN, lost))
            out.dropped = 0;
    }
    if ((out.dropped > 0 || !write_text(level, text)) && out.never_waits)
        out.dropped++;
    errno = error;
}

/* ---- lines ---- */

void log_text(enum log_level level, const char *format, ...)
{
    char text[LOG_TEXT_MAX], shown[LOG_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    write_or_drop(level, text_printable(shown, sizeof shown, text, "\n"));
}

static void write_line(enum log_level level, const char *module, const char *format,
                       va_list args)
{
    if (level > most_detailed || (muted != NULL && strcmp(module, muted) == 0))
        return;
    /* One write per line, so lines of two processes do not mix. */
    char shown[1024], line[1024];
    int used = snprintf(line, sizeof line, "%s %s: ", levels[level].name, module);
    vsnprintf(line + used, sizeof line - (size_t)used, format, args);
    write_or_drop(level, text_printable(shown, sizeof shown, line, ""));
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
