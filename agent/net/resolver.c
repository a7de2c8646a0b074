/*
 * c-ares asks and parses; the loop gives it its sockets and its time. Every lookup has a
 * timer of its own. It ends a lookup whose time is over, as the tries and servers of
 * c-ares add up to more than that; and every answer is given out by it, on the next turn:
 * c-ares may answer from inside its own functions and must not be destroyed from inside
 * them. c-ares cannot cancel one question, so a lookup that was given up stays behind,
 * mute, until c-ares lets go of it.
 */
#include "net/resolver.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/time.h"
#include "net/hosts_file.h"
#include "net/poll.h"
#include "net/resolver_answer.h"
#include "net/servers.h"

#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RESOLV_CONF  "/etc/resolv.conf"
#define LIMIT_MS     5000 /* of one lookup in all */
#define FIRST_TRY_MS 1200 /* doubles with each round of the servers */
#define TRIES        3

struct resolver {
    uv_loop_t *loop;
    uv_timer_t *timer; /* when c-ares wants to look at its own time-outs */
    ares_channel channel;
    bool open; /* there is a channel */
    struct ares_addr_port_node servers[SERVERS_MAX];
    int n_servers;                /* 0: the system's */
    struct timespec conf_changed; /* of RESOLV_CONF, when the channel was made */
    struct poll **polls;
    size_t n_polls, polls_room;
    struct lookup *lookups; /* also the mute ones */
};

struct lookup {
    struct resolver *resolver;
    struct lookup *next, **self; /* in resolver->lookups */
    uv_timer_t *timer;           /* NULL: mute */
    char host[HOST_TEXT_MAX];
    enum family family;
    uint16_t port;
    int64_t asked_ns;
    bool asking; /* c-ares holds it */
    bool again;  /* to be asked on a new channel */
    resolver_cb *cb;
    void *user;
    struct resolution answer;
};

static void free_handle(uv_handle_t *handle)
{
    free(handle);
}

static uv_timer_t *new_timer(uv_loop_t *loop, void *data)
{
    uv_timer_t *timer = mem_zalloc(sizeof *timer);
    uv_timer_init(loop, timer);
    timer->data = data;
    return timer;
}

/* ---- c-ares on the loop ---- */

static void on_timer(uv_timer_t *timer);

/* Called after everything that c-ares did; without it a lost packet would hang for ever.
 */
static void arm(struct resolver *r)
{
    struct timeval room;
    struct timeval *wait = r->open ? ares_timeout(r->channel, NULL, &room) : NULL;
    if (wait == NULL) {
        uv_timer_stop(r->timer);
        return;
    }
    uint64_t ms = (uint64_t)wait->tv_sec * 1000 + ((uint64_t)wait->tv_usec + 999) / 1000;
    uv_update_time(r->loop); /* timers count from the loop's cached time */
    uv_timer_start(r->timer, on_timer, ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct resolver *r = timer->data;
    ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(r);
}

static void on_socket(struct poll *p, bool readable, bool writable, void *user)
{
    struct resolver *r = user;
    int fd = poll_fd(p);
    ares_process_fd(r->channel, readable ? fd : ARES_SOCKET_BAD,
                    writable ? fd : ARES_SOCKET_BAD);
    arm(r);
}

static size_t find_poll(const struct resolver *r, int fd)
{
    size_t i = 0;
    while (i < r->n_polls && poll_fd(r->polls[i]) != fd)
        i++;
    return i;
}

static void on_socket_state(void *user, ares_socket_t fd, int read, int write)
{
    struct resolver *r = user;
    size_t i = find_poll(r, fd);
    if (!read && !write) { /* c-ares closes it next */
        if (i < r->n_polls) {
            poll_close(r->polls[i]);
            r->polls[i] = r->polls[--r->n_polls];
        }
        return;
    }
    if (i == r->n_polls) {
        struct poll *p = poll_open(r->loop, fd, on_socket, r);
        if (p == NULL)
            return; /* the question then runs into its time-out */
        r->polls = mem_grow(r->polls, &r->polls_room, i + 1, sizeof(struct poll *));
        r->polls[r->n_polls++] = p;
    }
    poll_want(r->polls[i], read, write);
}

static struct timespec conf_changed(void)
{
    struct stat s;
    return stat(RESOLV_CONF, &s) == 0 ? s.st_mtim : (struct timespec){0};
}

static int open_channel(struct resolver *r)
{
    struct ares_options options = {
        .timeout = FIRST_TRY_MS,
        .tries = TRIES,
        .lookups = "b", /* DNS alone; the hosts file is from_hosts_file()'s */
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = r,
    };
    int mask =
        ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
    mask |= ARES_OPT_QUERY_CACHE; /* newer c-ares keeps answers, unless told: 0 s */
#endif
    r->conf_changed = conf_changed();
    if (ares_init_options(&r->channel, &options, mask) != ARES_SUCCESS)
        return -EIO;
    r->open = true;
    if (r->n_servers > 0 &&
        ares_set_servers_ports(r->channel, r->servers) != ARES_SUCCESS)
        return -EINVAL;
    return 0;
}

static void close_channel(struct resolver *r)
{
    if (r->open)
        ares_destroy(r->channel); /* calls on_answer() for all that it holds */
    r->open = false;
}

/* ---- one lookup ---- */

static void free_lookup(struct lookup *l)
{
    *l->self = l->next;
    if (l->next != NULL)
        l->next->self = l->self;
    free(l);
}

/* The end of a lookup for the one who asked; c-ares may go on for a while. */
static void mute(struct lookup *l)
{
    uv_close((uv_handle_t *)l->timer, free_handle);
    l->timer = NULL;
    if (!l->asking)
        free_lookup(l);
}

static void give_out(uv_timer_t *timer)
{
    struct lookup *l = timer->data;
    struct resolution answer = l->answer;
    resolver_cb *cb = l->cb;
    void *user = l->user;
    mute(l);
    cb(&answer, user); /* may destroy the resolver */
}

static void give_out_soon(struct lookup *l)
{
    l->answer.took_ns = (int64_t)uv_hrtime() - l->asked_ns;
    uv_timer_start(l->timer, give_out, 0, 0);
}

static void on_limit(uv_timer_t *timer)
{
    struct lookup *l = timer->data;
    l->answer.error = "no DNS server answered within 5 s";
    l->answer.temporary = true;
    l->answer.took_ns = (int64_t)uv_hrtime() - l->asked_ns;
    give_out(timer); /* at once: c-ares, which is not on the stack, could still answer */
}

/* ---- what c-ares says ---- */

static void on_answer(void *user, int status, int timeouts, struct ares_addrinfo *info)
{
    (void)timeouts;
    struct lookup *l = user;
    l->asking = false;
    if (l->timer == NULL) {
        free_lookup(l);
    } else if (status == ARES_SUCCESS) {
        answer_take(&l->answer, info, l->port);
        give_out_soon(l);
    } else if (status != ARES_EDESTRUCTION) { /* then it is asked again */
        answer_error(&l->answer, status);
        give_out_soon(l);
    }
    if (info != NULL)
        ares_freeaddrinfo(info);
}

/* ---- asking ---- */

static int address_family(enum family family)
{
    return family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
}

/* Before DNS. ares_getaddrinfo() of c-ares 1.18 could do it as well, but leaks memory for
 * a name that the file has in the other family only. */
static bool from_hosts_file(struct lookup *l)
{
    struct resolution *a = &l->answer;
    a->n = hosts_file_find(l->host, l->family, l->port, a->addresses,
                           RESOLUTION_ADDRESSES_MAX);
    if (a->n > 0)
        text_copy(a->servers, sizeof a->servers, "hosts file");
    return a->n > 0;
}

bool resolver_in_file(const char *host, enum family family)
{
    struct endpoint found;
    return hosts_file_find(host, family, 0, &found, 1) > 0;
}

static void ask(struct lookup *l)
{
    struct resolver *r = l->resolver;
    if (!r->open) {
        l->answer.error = "names cannot be resolved on this host: c-ares does not start";
        l->answer.temporary = true;
        give_out_soon(l);
        return;
    }
    if (from_hosts_file(l)) {
        give_out_soon(l);
        return;
    }
    servers_text(l->answer.servers, sizeof l->answer.servers, r->channel);
    struct ares_addrinfo_hints hints = {
        .ai_family = address_family(l->family),
        .ai_socktype = SOCK_STREAM,
        .ai_flags = ARES_AI_CANONNAME | ARES_AI_NOSORT, /* the server's order */
    };
    l->asking = true;
    ares_getaddrinfo(r->channel, l->host, NULL, &hints, on_answer, l);
}

/* Other servers: what is under way is asked again there. */
static void follow_conf(struct resolver *r)
{
    struct timespec changed = conf_changed();
    if (r->n_servers > 0 || (r->open && changed.tv_sec == r->conf_changed.tv_sec &&
                             changed.tv_nsec == r->conf_changed.tv_nsec))
        return;
    struct lookup *l, *next;
    for (l = r->lookups; l != NULL; l = l->next)
        l->again = l->asking && l->timer != NULL;
    close_channel(r); /* mute lookups are gone then */
    open_channel(r);
    for (l = r->lookups; l != NULL; l = next) {
        next = l->next;
        if (l->again)
            ask(l);
    }
    arm(r);
}

struct lookup *resolver_lookup(struct resolver *r, const char *host, enum family family,
                               uint16_t port, resolver_cb *cb, void *user)
{
    follow_conf(r);
    struct lookup *l = mem_zalloc(sizeof *l);
    l->resolver = r;
    l->family = family;
    l->port = port;
    l->cb = cb;
    l->user = user;
    l->asked_ns = (int64_t)uv_hrtime();
    l->timer = new_timer(r->loop, l);
    l->next = r->lookups;
    l->self = &r->lookups;
    if (l->next != NULL)
        l->next->self = &l->next;
    r->lookups = l;

    if (endpoint_parse(&l->answer.addresses[0], host, port)) {
        l->answer.n = l->answer.addresses[0].family == family;
        l->answer.ttl_s = UINT32_MAX;
        if (!endpoint_is_host(&l->answer.addresses[0])) {
            l->answer.n = 0;
            answer_no_host(&l->answer);
        }
        give_out_soon(l);
        return l;
    }
    uv_update_time(r->loop);
    uv_timer_start(l->timer, on_limit, LIMIT_MS, 0);
    if (text_copy(l->host, sizeof l->host, host))
        ask(l);
    else {
        answer_error(&l->answer, ARES_EBADNAME);
        give_out_soon(l);
    }
    arm(r);
    return l;
}

void lookup_cancel(struct lookup *l)
{
    mute(l);
}

/* ---- beginning and end ---- */

int resolver_create(struct resolver **out, uv_loop_t *loop, const char *servers)
{
    struct resolver *r = mem_zalloc(sizeof *r);
    r->loop = loop;
    r->n_servers = servers != NULL ? servers_parse(r->servers, servers) : 0;
    int rc = r->n_servers < 0 ? r->n_servers : open_channel(r);
    if (rc < 0) {
        close_channel(r);
        free(r);
        return rc;
    }
    r->timer = new_timer(loop, r);
    *out = r;
    return 0;
}

void resolver_destroy(struct resolver *r)
{
    if (r == NULL)
        return;
    for (struct lookup *l = r->lookups, *next; l != NULL; l = next) {
        next = l->next;
        if (l->timer != NULL)
            mute(l);
    }
    close_channel(r);
    uv_close((uv_handle_t *)r->timer, free_handle);
    free(r->polls);
    free(r);
}
