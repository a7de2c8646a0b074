#include "traffic/handshake_reader.h"

#include "base/log.h"
#include "base/mem.h"
#include "net/clock.h"
#include "net/packet_socket.h"
#include "net/poll.h"
#include "net/seed.h"
#include "net/timer.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHECK_MS = 2000, /* the interface, and the addresses of this host */
    TURN_MAX = 8,    /* batches in a turn of the loop, so that a flood delays no probe */
    WHY_MAX = 160,
};

struct handshake_reader {
    uv_loop_t *loop;
    const char *interface;
    struct handshakes handshakes;
    int fd; /* -1: none */
    unsigned index;
    struct poll *poll;
    uv_timer_t *timer;
    uint64_t drops;
    char why[WHY_MAX]; /* why none is seen; "": they are */
};

/* ---- packets ---- */

static void close_socket(struct handshake_reader *r)
{
    if (r->fd < 0)
        return;
    poll_close(r->poll);
    close(r->fd);
    r->fd = -1;
}

static void on_readable(struct poll *p, bool readable, bool writable, void *user)
{
    struct handshake_reader *r = user;
    struct packet packets[PACKET_BATCH];
    ssize_t n = PACKET_BATCH;
    (void)p, (void)readable, (void)writable;
    for (int turn = 0; turn < TURN_MAX && n == PACKET_BATCH; turn++) {
        n = packet_socket_receive(r->fd, packets);
        struct mono now = mono_now();
        for (ssize_t i = 0; i < n; i++) {
            struct handshake_packet packet = {packets[i].bytes, packets[i].len,
                                              packets[i].protocol, packets[i].wall_ns,
                                              now};
            handshakes_take(&r->handshakes, &packet);
        }
    }
    if (n < 0)
        close_socket(r); /* the interface is down; the timer opens it again */
}

/* ---- the interface ---- */

static void set_state(struct handshake_reader *r, const char *why)
{
    if (strcmp(r->why, why) == 0)
        return;
    if (*why == '\0')
        log_info("traffic", "handshakes of users are seen on %s", r->interface);
    else
        log_warn("traffic", "no handshakes of users: %s", why);
    text_copy(r->why, sizeof r->why, why);
}

static void find_own(struct handshakes *h)
{
    struct ifaddrs *all = NULL;
    h->n_own = 0;
    if (getifaddrs(&all) < 0)
        return;
    for (struct ifaddrs *a = all; a != NULL && h->n_own < HANDSHAKE_OWN_MAX;
         a = a->ifa_next) {
        struct endpoint *e = &h->own[h->n_own];
        int family = a->ifa_addr != NULL ? a->ifa_addr->sa_family : AF_UNSPEC;
        *e = (struct endpoint){.family = FAMILY_NONE};
        if (family == AF_INET) {
            e->family = FAMILY_IPV4;
            memcpy(e->bytes, &((struct sockaddr_in *)a->ifa_addr)->sin_addr, 4);
        } else if (family == AF_INET6) {
            e->family = FAMILY_IPV6;
            memcpy(e->bytes, &((struct sockaddr_in6 *)a->ifa_addr)->sin6_addr, 16);
        }
        h->n_own += e->family != FAMILY_NONE;
    }
    freeifaddrs(all);
}

static void open_socket(struct handshake_reader *r)
{
    char why[WHY_MAX] = "";
    int rc = r->index != 0 ? packet_socket_open(r->index) : -ENODEV;
    if (rc == -ENODEV)
        snprintf(why, sizeof why,
                 "there is no interface %s; correct handshakes in [traffic]",
                 r->interface);
    else if (rc == -EPERM || rc == -EACCES)
        snprintf(
            why, sizeof why,
            "permission denied on %s; they need CAP_NET_RAW, as edgelat.service has it",
            r->interface);
    else if (rc == -EAFNOSUPPORT)
        snprintf(
            why, sizeof why,
            "packet sockets are forbidden; allow AF_PACKET in a drop-in of the unit, "
            "see handshakes in edgelat.conf(5)");
    else if (rc < 0)
        snprintf(why, sizeof why, "%s: %s", r->interface, strerror(-rc));
    if (rc >= 0) {
        r->fd = rc;
        r->poll = poll_open(r->loop, r->fd, on_readable, r);
        if (r->poll == NULL) {
            close(r->fd);
            r->fd = -1;
            snprintf(why, sizeof why, "no descriptor is left");
        } else {
            poll_want(r->poll, true, false);
        }
    }
    set_state(r, why);
}

static void check(struct handshake_reader *r)
{
    unsigned index = if_nametoindex(r->interface);
    if (index != r->index)
        close_socket(r);
    r->index = index;
    find_own(&r->handshakes);
    if (r->fd < 0)
        open_socket(r);
    else
        r->drops += packet_socket_drops(r->fd);
}

static void on_check(uv_timer_t *timer)
{
    check(timer->data);
}

/* ---- the rest ---- */

struct handshakes *handshake_reader_handshakes(struct handshake_reader *r)
{
    return &r->handshakes;
}

size_t handshake_reader_problems(const struct handshake_reader *r, struct text *out)
{
    size_t n = 0;
    if (r->why[0] != '\0') {
        text_add(out, "no handshakes of users are seen: %s\n", r->why);
        n++;
    }
    if (r->drops > 0) {
        text_add(
            out,
            "the kernel dropped %llu packets of handshakes on %s: this host is too busy "
            "to see all\n",
            (unsigned long long)r->drops, r->interface);
        n++;
    }
    return n;
}

struct handshake_reader *handshake_reader_create(uv_loop_t *loop,
                                                 const struct config *config,
                                                 const struct edge_data *edge_data)
{
    struct handshake_reader *r = mem_zalloc(sizeof *r);
    uint64_t key[2] = {seed_random(), seed_random()};
    r->loop = loop;
    r->interface = config->traffic_handshakes;
    r->fd = -1;
    handshakes_begin(&r->handshakes, &edge_data->prefixes, key);
    r->timer = timer_new(loop, r);
    uv_timer_start(r->timer, on_check, CHECK_MS, CHECK_MS);
    check(r);
    return r;
}

void handshake_reader_destroy(struct handshake_reader *r)
{
    if (r == NULL)
        return;
    close_socket(r);
    timer_close(r->timer);
    handshakes_free(&r->handshakes);
    free(r);
}
