#include "daemon/routes_server.h"

#include "base/log.h"
#include "base/mem.h"
#include "route/rib_show.h"
#include "status/answer.h"
#include "status/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct routes_server {
    const struct config *config;
    const struct station *station;
    struct status_socket *socket; /* NULL: not available */
};

const char *routes_socket_path(char out[ROUTES_SOCKET_MAX], const char *status_socket)
{
    snprintf(out, ROUTES_SOCKET_MAX, "%s.routes", status_socket);
    return out;
}

static void on_ask(struct text *answer, void *user)
{
    struct routes_server *s = user;
    const struct rib *rib = station_rib(s->station);
    struct text json = {0}, text = {0};
    rib_json(rib, s->config->bmp_listen, &json);
    rib_text(rib, s->config->bmp_listen, &text);
    answer_write(answer, rib_has_problems(rib), &json, &text);
    text_free(&json);
    text_free(&text);
}

struct routes_server *routes_server_create(uv_loop_t *loop, const struct config *config,
                                           const struct station *station)
{
    struct routes_server *s = mem_zalloc(sizeof *s);
    char path[ROUTES_SOCKET_MAX];
    s->config = config;
    s->station = station;
    routes_socket_path(path, config->status_socket);
    int rc = status_socket_create(&s->socket, loop, path, STATUS_ONCE, on_ask, s);
    if (rc < 0)
        log_warn("bmp",
                 "%s: %s; `edgelat routes` cannot reach this agent; set status_socket in "
                 "[agent] to a file in a folder of the user that runs edgelat",
                 path, strerror(-rc));
    return s;
}

void routes_server_destroy(struct routes_server *s)
{
    if (s == NULL)
        return;
    status_socket_destroy(s->socket);
    free(s);
}
