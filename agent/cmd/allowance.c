#include "cmd/allowance.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* "192.0.2.1" also for ::ffff:192.0.2.1, which is the same host. */
static const char *host_text(char out[ADDRESS_TEXT_MAX], const struct endpoint *to)
{
    static const char mapped[] = "::ffff:";
    const char *text = endpoint_address(out, to);
    bool is_mapped =
        strncmp(text, mapped, sizeof mapped - 1) == 0 && strchr(text, '.') != NULL;
    return is_mapped ? text + sizeof mapped - 1 : text;
}

/* Returns 0 or -errno; -EADDRINUSE: another process holds it. */
static int take_token(const char *host, int number)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int len = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "edgelat/%u/%s/%d",
                       (unsigned)getuid(), host, number);
    if (bind(fd, (struct sockaddr *)&name,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) == 0)
        return 0; /* stays open until the process ends */
    int rc = -errno;
    close(fd);
    return rc;
}

bool allowance_take(const struct endpoint *to, double per_second, struct text *why)
{
    char text[ADDRESS_TEXT_MAX];
    const char *host = host_text(text, to);
    int wanted = (int)ceil(per_second - 1e-9), rc = 0;
    if (geteuid() == 0)
        return true;
    if (wanted > ALLOWANCE_PER_S) {
        text_add(
            why,
            "%s would get %d probes a second, because several hosts or kinds probe this "
            "address; only root may send more than %d: probe it once, or use -i %g",
            host, wanted, ALLOWANCE_PER_S, per_second / ALLOWANCE_PER_S);
        return false;
    }
    for (int n = 0; n < ALLOWANCE_PER_S && wanted > 0; n++) {
        rc = take_token(host, n);
        if (rc < 0 && rc != -EADDRINUSE)
            break;
        wanted -= rc == 0;
    }
    if (wanted > 0 && rc < 0 && rc != -EADDRINUSE)
        text_add(why, "%s: cannot limit the probe rate: %s", host, strerror(-rc));
    else if (wanted > 0)
        text_add(
            why,
            "%s: already probed by this user; only root may send more than %d probes "
            "a second: wait for the other `edgelat probe`, or use a longer -i",
            host, ALLOWANCE_PER_S);
    return wanted <= 0;
}
