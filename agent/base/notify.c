#include "base/notify.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *socket_name(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    return name != NULL && *name != '\0' ? name : NULL;
}

bool notify_wanted(void)
{
    return socket_name() != NULL;
}

/* Accepts a path, or "@name" for an abstract socket, whose name begins with a NUL byte
 * and is delimited by the address length: unix(7). Returns the length, or 0 for an
 * invalid name. */
static socklen_t address_from(struct sockaddr_un *out, const char *name)
{
    size_t len = strlen(name);
    if ((*name != '/' && *name != '@') || len < 2 || len >= sizeof out->sun_path)
        return 0;
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(out->sun_path, name, len);
    if (*name == '@')
        out->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*name == '/'));
}

static int send_to(const char *name, const char *text, size_t len)
{
    struct sockaddr_un address;
    socklen_t address_len = address_from(&address, name);
    if (address_len == 0)
        return -EINVAL;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    ssize_t sent = sendto(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT,
                          (struct sockaddr *)&address, address_len);
    int rc = sent < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int notify_send(const char *format, ...)
{
    const char *name = socket_name();
    if (name == NULL)
        return 0;
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text)
        return -EMSGSIZE;
    return send_to(name, text, (size_t)len);
}

/* A positive decimal number, or 0. */
static int64_t number_in(const char *variable)
{
    const char *text = getenv(variable);
    int64_t n = 0;
    return text != NULL && text_to_integer(text, 0, INT64_MAX, &n) ? n : 0;
}

int64_t notify_watchdog_ns(void)
{
    int64_t us = number_in("WATCHDOG_USEC");
    bool ours =
        getenv("WATCHDOG_PID") == NULL || number_in("WATCHDOG_PID") == (int64_t)getpid();
    return ours && us <= INT64_MAX / 1000 ? us * 1000 : 0;
}
