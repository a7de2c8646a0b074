#include "net/system_lookup.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/nsswitch.h"
#include "core/resolution.h"
#include "net/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>

#define NSSWITCH "/etc/nsswitch.conf"

struct system_lookup {
    uv_getaddrinfo_t request;
    uint16_t port;
    system_lookup_cb *cb; /* NULL: cancelled */
    void *user;
};

static bool under_way; /* of this process, as its thread pool is */

bool system_lookup_helps(void)
{
    static bool logged;
    char *text, source[NSSWITCH_SOURCE_MAX];
    size_t len;
    if (file_read(AT_FDCWD, NSSWITCH, FILE_PLAIN, NSSWITCH_BYTES_MAX, &text, &len) < 0)
        return false;
    bool helps = nsswitch_other_source(text, source);
    free(text);
    if (helps && !logged)
        log_info(
            "resolver",
            "names that DNS does not have are looked up by getaddrinfo(): %s has the "
            "source %s",
            NSSWITCH, source);
    logged |= helps;
    return helps;
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct system_lookup *s = request->data;
    struct endpoint found[RESOLUTION_ADDRESSES_MAX];
    size_t n = 0;
    under_way = false;
    for (struct addrinfo *a = status == 0 ? list : NULL;
         a != NULL && n < RESOLUTION_ADDRESSES_MAX; a = a->ai_next) {
        found[n] = sockaddr_endpoint(a->ai_addr);
        found[n].port = s->port;
        n += endpoint_is_host(&found[n]);
    }
    uv_freeaddrinfo(list);
    if (s->cb != NULL)
        s->cb(found, n, s->user);
    free(s);
}

struct system_lookup *system_lookup_start(uv_loop_t *loop, const char *host,
                                          enum family family, uint16_t port,
                                          system_lookup_cb *cb, void *user)
{
    struct addrinfo hints = {.ai_family = family == FAMILY_IPV6 ? AF_INET6 : AF_INET,
                             .ai_socktype = SOCK_STREAM};
    if (under_way)
        return NULL;
    struct system_lookup *s = mem_alloc(sizeof *s);
    *s = (struct system_lookup){.port = port, .cb = cb, .user = user};
    s->request.data = s;
    under_way = uv_getaddrinfo(loop, &s->request, on_found, host, NULL, &hints) == 0;
    if (under_way)
        return s;
    free(s);
    return NULL;
}

void system_lookup_cancel(struct system_lookup *s)
{
    if (s == NULL)
        return;
    s->cb = NULL;
    uv_cancel((uv_req_t *)&s->request); /* on_found() comes either way */
}
