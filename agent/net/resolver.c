/*
 * c-ares sends queries: it handles ids, ports, UDP and TCP. This file decides which name
 * is asked of which server, as glibc's resolver does and c-ares 1.18 does not: one
 * search list for both families, the next server when one is lame, servers with a scope.
 * Each server has its own c-ares channel, so an answer can be attributed to its server.
 *
 * A query goes to the first server, and to the next one at once when a server fails, or
 * when it has been silent for a while. The first useful answer ends the query; later
 * answers are ignored. Each lookup has a timer that processes its answers: c-ares calls
 * back from inside its own functions and must not be destroyed from there. c-ares cannot
 * cancel a single query, so a cancelled lookup stays allocated without a callback (mute)
 * until c-ares releases it.
 */
#include "net/resolver.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/resolv_conf.h"
#include "core/time.h"
#include "net/hosts_file.h"
#include "net/poll.h"
#include "net/resolver_answer.h"
#include "net/socket.h"
#include "net/timer.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESOLV_CONF  "/etc/resolv.conf"
#define LIMIT_NS     (5 * NS_PER_S)     /* for a whole lookup */
#define FIRST_TRY_NS (1200 * NS_PER_MS) /* doubles with each round of the servers */
#define ROUNDS       3
#define EDNS_BYTES   1200 /* as in glibc: avoids fragments */

struct server {
    struct resolver *resolver;
    ares_channel channel;
    bool open; /* `channel` exists */
    bool deaf; /* its socket cannot be watched: no descriptor left */
};

struct resolver {
    uv_loop_t *loop;
    uv_timer_t *timer; /* when c-ares must check its timeouts */
    struct dns_server given[DNS_SERVERS_MAX];
    size_t n_given; /* 0: the system's */
    struct resolv_conf conf;
    struct file_stamp conf_stamp; /* of RESOLV_CONF when it was read */
    struct server servers[DNS_SERVERS_MAX];
    size_t n_servers;
    size_t rotated; /* first server of the next query */
    struct poll **polls;
    size_t n_polls, polls_room;
    struct lookup *lookups; /* including mute ones */
    struct lookup *turn;    /* with single-request: the lookup in progress */
};

enum step { STEP_TRY, STEP_REPLIED, STEP_DONE }; /* what the timer does next */

struct lookup {
    struct resolver *resolver;
    struct lookup *next, **self; /* in resolver->lookups */
    uv_timer_t *timer;           /* NULL: mute */
    enum step step;
    char host[HOST_TEXT_MAX];
    enum family family; /* FAMILY_NONE: of a query for a name or text */
    bool text;
    uint16_t port;
    int64_t asked_ns;
    int64_t limit_ns; /* deadline; 0: waits for its turn */
    size_t candidate; /* index of the name to query instead of host */
    char name[HOST_TEXT_MAX];
    /* Family of the query. A query for the other family shows whether the name exists. */
    enum family asked_family;
    unsigned question;   /* number of the query */
    size_t first, tried; /* first server; queries sent */
    unsigned failed;     /* servers that failed, one bit each */
    unsigned hung_up;    /* servers that closed TCP before the answer, one bit each */
    unsigned asking;     /* queries held by c-ares, including earlier ones */
    enum resolver_answer reply;
    int64_t replied_ns;
    bool answered;       /* a server has answered */
    bool no_address;     /* a candidate exists */
    const char *failure; /* error of the last candidate without an answer, or NULL */
    const char *absent;  /* why no candidate exists */
    resolver_cb *cb;
    void *user;
    struct resolution answer;
};

struct sent_question { /* one query to one server */
    struct lookup *lookup;
    unsigned question;
    size_t server;
};

/* ---- c-ares on the loop ---- */

static void on_timer(uv_timer_t *timer);

/* Must be called after each c-ares call; otherwise a lost packet would never time out. */
static void arm(struct resolver *r)
{
    struct timeval first, room, *wait = NULL;
    for (size_t i = 0; i < r->n_servers; i++)
        if (r->servers[i].open &&
            (wait = ares_timeout(r->servers[i].channel, wait, &room)) == &room) {
            first = room;
            wait = &first;
        }
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
    for (size_t i = 0; i < r->n_servers; i++)
        if (r->servers[i].open)
            ares_process_fd(r->servers[i].channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(r);
}

static void on_socket(struct poll *p, bool readable, bool writable, void *user)
{
    struct server *s = user;
    int fd = poll_fd(p);
    ares_process_fd(s->channel, readable ? fd : ARES_SOCKET_BAD,
                    writable ? fd : ARES_SOCKET_BAD);
    arm(s->resolver);
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
    struct server *s = user;
    struct resolver *r = s->resolver;
    size_t i = find_poll(r, fd);
    if (!read && !write) { /* c-ares is about to close it */
        if (i < r->n_polls) {
            poll_close(r->polls[i]);
            r->polls[i] = r->polls[--r->n_polls];
        }
        return;
    }
    if (i == r->n_polls) {
        struct poll *p = poll_open(r->loop, fd, on_socket, s);
        s->deaf = p == NULL;
        if (s->deaf)
            return;
        r->polls = mem_grow(r->polls, &r->polls_room, i + 1, sizeof(struct poll *));
        r->polls[r->n_polls++] = p;
    }
    poll_want(r->polls[i], read, write);
}

/* ---- configuration and channels ---- */

static struct file_stamp conf_stamp(void)
{
    struct stat s;
    return stat(RESOLV_CONF, &s) == 0 ? file_stamp_of(&s) : (struct file_stamp){0};
}

static void read_conf(struct resolver *r)
{
    char hostname[HOST_TEXT_MAX] = "";
    size_t len = 0;
    ssize_t n;
    r->conf = resolv_conf_default();
    r->conf_stamp = conf_stamp();
    int fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0) {
        char *text = mem_alloc(RESOLV_CONF_BYTES_MAX);
        while ((n = read(fd, text + len, RESOLV_CONF_BYTES_MAX - len)) > 0)
            len += (size_t)n;
        resolv_conf_read(&r->conf, text, len);
        free(text);
        close(fd);
    }
    gethostname(hostname, sizeof hostname - 1);
    resolv_conf_environment(&r->conf, getenv("RES_OPTIONS"), getenv("LOCALDOMAIN"));
    resolv_conf_complete(&r->conf, hostname);
    if (r->n_given == 0)
        return;
    memcpy(r->conf.servers, r->given, sizeof r->given);
    r->conf.n_servers = r->n_given;
}

/* Binds to the interface of a zone: c-ares 1.18 supports no scope in addresses. */
static void set_device(ares_channel channel, const char *zone)
{
    struct endpoint e = {0};
    char name[IF_NAMESIZE];
    if (socket_set_zone(&e, zone) && if_indextoname(e.scope, name) != NULL)
        ares_set_local_dev(channel, name);
}

static void open_channel(struct server *s, const struct dns_server *to)
{
    const struct resolv_conf *conf = &s->resolver->conf;
    struct ares_addr_port_node node = {
        .family = to->at.family == FAMILY_IPV6 ? AF_INET6 : AF_INET,
        .udp_port = to->at.port,
        .tcp_port = to->at.port,
    };
    struct ares_options options = {
        .flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
                 (conf->use_vc ? ARES_FLAG_USEVC : 0) |
                 (conf->edns0 ? ARES_FLAG_EDNS : 0),
        .timeout = (int)(LIMIT_NS / NS_PER_MS),
        .tries = 1,
        .lookups = "b",
        .ednspsz = EDNS_BYTES,
        .resolvconf_path = "/dev/null", /* parsed by config/resolv_conf.c */
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = s,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
               ARES_OPT_EDNSPSZ | ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
    /* newer c-ares caches answers by default; 0 s disables it */
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    if (ares_init_options(&s->channel, &options, mask) != ARES_SUCCESS)
        return;
    s->open = true;
    memcpy(&node.addr, to->at.bytes, to->at.family == FAMILY_IPV6 ? 16 : 4);
    ares_set_servers_ports(s->channel, &node);
    if (to->zone[0] != '\0')
        set_device(s->channel, to->zone);
}

static void open_channels(struct resolver *r)
{
    read_conf(r);
    r->n_servers = r->conf.n_servers;
    for (size_t i = 0; i < r->n_servers; i++) {
        r->servers[i] = (struct server){.resolver = r};
        open_channel(&r->servers[i], &r->conf.servers[i]);
    }
}

static void close_channels(struct resolver *r)
{
    for (size_t i = 0; i < r->n_servers; i++)
        if (r->servers[i].open)
            /* calls on_answer() for each pending query */
            ares_destroy(r->servers[i].channel);
    r->n_servers = 0;
}

/* ---- one lookup ---- */

static void begin(struct lookup *l);

static void free_lookup(struct lookup *l)
{
    *l->self = l->next;
    if (l->next != NULL)
        l->next->self = l->self;
    free(l);
}

static bool waits_for_its_turn(const struct lookup *l)
{
    return l->timer != NULL && l->step == STEP_TRY && l->limit_ns == 0;
}

/* With single-request: starts the oldest waiting lookup. */
static void pass_turn(struct resolver *r)
{
    struct lookup *oldest = NULL;
    for (struct lookup *l = r->lookups; l != NULL; l = l->next)
        if (waits_for_its_turn(l))
            oldest = l;
    r->turn = NULL;
    if (oldest != NULL)
        begin(oldest);
}

/* Ends a lookup for its caller; c-ares may still hold its queries. */
static void mute(struct lookup *l)
{
    struct resolver *r = l->resolver;
    bool turn = r->turn == l;
    timer_close(l->timer);
    l->timer = NULL;
    if (l->asking == 0)
        free_lookup(l);
    if (turn)
        pass_turn(r);
}

static void on_lookup(uv_timer_t *timer);

static void wake(struct lookup *l, enum step step, int64_t in_ns)
{
    int64_t left_ns = l->limit_ns - (int64_t)uv_hrtime();
    l->step = step;
    timer_in(l->timer, on_lookup, step == STEP_TRY && in_ns > left_ns ? left_ns : in_ns);
}

/* The answer is final. */
static void done(struct lookup *l)
{
    if (l->replied_ns == 0) /* no query was sent */
        l->replied_ns = (int64_t)uv_hrtime();
    wake(l, STEP_DONE, 0);
}

static void deliver(struct lookup *l)
{
    struct resolution answer = l->answer;
    resolver_cb *cb = l->cb;
    void *user = l->user;
    answer.took_ns = l->replied_ns - l->asked_ns;
    mute(l);
    cb(&answer, user); /* may destroy the resolver */
}

/* No candidate has an address of that family. */
static void conclude(struct lookup *l)
{
    struct resolution *a = &l->answer;
    a->n = a->n_cnames = 0;
    a->error = l->no_address ? NULL : l->failure != NULL ? l->failure : l->absent;
    a->temporary = a->error != NULL && l->failure != NULL;
    a->ttl_s = RESOLUTION_ABSENT_TTL_S;
    done(l);
}

/* ---- one query to one server ---- */

/* A server cannot answer: tries the next one at once, or fails when none is left. */
static void server_failed(struct lookup *l, size_t server)
{
    l->failed |= 1u << server;
    if (l->failed == (1u << l->resolver->n_servers) - 1) {
        l->reply = RESOLVER_FAILED;
        wake(l, STEP_REPLIED, 0);
    } else {
        wake(l, STEP_TRY, 0);
    }
}

/* A server may answer one query of a TCP connection and then close it with others
 * outstanding: RFC 7766, section 6.2.4, requires to send them again. */
static bool hung_up_once(struct lookup *l, size_t server)
{
    bool once = (l->hung_up & 1u << server) == 0;
    l->hung_up |= 1u << server;
    return once;
}

static void on_answer(void *user, int status, int timeouts, unsigned char *bytes, int len)
{
    (void)timeouts;
    struct sent_question sent = *(struct sent_question *)user;
    struct lookup *l = sent.lookup;
    free(user);
    l->asking--;
    if (l->timer == NULL) {
        if (l->asking == 0)
            free_lookup(l);
        return;
    }
    if (sent.question != l->question || l->step != STEP_TRY ||
        status == ARES_EDESTRUCTION || status == ARES_ETIMEOUT)
        return;
    l->answered |= bytes != NULL;
    if (bytes == NULL)
        l->reply = resolver_answer_missing(&l->answer, status);
    else if (l->text)
        l->reply = resolver_answer_text(&l->answer, bytes, (size_t)len);
    else if (l->family == FAMILY_NONE)
        l->reply = resolver_answer_name(&l->answer, bytes, (size_t)len);
    else
        l->reply = resolver_answer_read(&l->answer, bytes, (size_t)len, l->asked_family,
                                        l->port);
    l->replied_ns = (int64_t)uv_hrtime();
    if (l->reply != RESOLVER_FAILED)
        wake(l, STEP_REPLIED, 0);
    else if (bytes == NULL && hung_up_once(l, sent.server))
        wake(l, STEP_TRY, 0);
    else
        server_failed(l, sent.server);
}

static void send_to(struct lookup *l, size_t server)
{
    struct server *s = &l->resolver->servers[server];
    struct sent_question *sent = mem_alloc(sizeof *sent);
    *sent = (struct sent_question){l, l->question, server};
    l->asking++;
    s->deaf = false;
    ares_query(s->channel, l->name, ns_c_in,
               l->text                          ? ns_t_txt
               : l->family == FAMILY_NONE       ? ns_t_ptr
               : l->asked_family == FAMILY_IPV6 ? ns_t_aaaa
                                                : ns_t_a,
               on_answer, sent);
    if (s->deaf) {
        l->answer.error = "no file descriptor left to query a DNS server";
        server_failed(l, server);
    }
    arm(l->resolver);
}

static void try_next(struct lookup *l)
{
    const struct resolver *r = l->resolver;
    for (; l->tried < ROUNDS * r->n_servers; l->tried++) {
        size_t server = (l->first + l->tried) % r->n_servers;
        if ((l->failed & 1u << server) != 0)
            continue;
        wake(l, STEP_TRY, FIRST_TRY_NS << l->tried++ / r->n_servers);
        send_to(l, server);
        return;
    }
    wake(l, STEP_TRY, LIMIT_NS); /* an answer may still arrive */
}

/* ---- candidates ---- */

static void ask_for(struct lookup *l, enum family family)
{
    struct resolver *r = l->resolver;
    l->asked_family = family;
    l->question++;
    l->tried = 0;
    l->failed = l->hung_up = 0;
    l->first = r->conf.rotate ? r->rotated++ % r->n_servers : 0;
    try_next(l);
}

static void ask_candidate(struct lookup *l)
{
    for (; resolv_conf_candidate(&l->resolver->conf, l->host, l->candidate, l->name);
         l->candidate++)
        if (l->name[0] != '\0') {
            ask_for(l, l->family);
            return;
        }
    conclude(l);
}

static bool is_last(const struct lookup *l)
{
    char name[HOST_TEXT_MAX];
    return !resolv_conf_candidate(&l->resolver->conf, l->host, l->candidate + 1, name);
}

static void take_own_reply(struct lookup *l)
{
    enum family other = l->family == FAMILY_IPV4 ? FAMILY_IPV6 : FAMILY_IPV4;
    l->no_address |= l->reply == RESOLVER_NO_ADDRESS;
    if (l->reply == RESOLVER_FAILED)
        l->failure = l->answer.error;
    if (l->reply == RESOLVER_NO_NAME)
        l->absent = l->answer.error;
    if (l->reply == RESOLVER_FOUND)
        deliver(l);
    else if (is_last(l) || (l->reply == RESOLVER_FAILED && !l->answered))
        conclude(l);
    else if (l->family == FAMILY_NONE ||
             (other == FAMILY_IPV6 && l->resolver->conf.no_aaaa)) {
        l->candidate++;
        ask_candidate(l);
    } else
        ask_for(l, other);
}

/*
 * getaddrinfo() queries both families at once and continues with the search list only if
 * the name has neither. Otherwise an IPv4-only name would get the IPv6 address of
 * another host: the name with a search domain that has a wildcard.
 */
static void take_reply(struct lookup *l)
{
    if (l->asked_family == l->family) {
        take_own_reply(l);
    } else if (l->reply == RESOLVER_FOUND) {
        l->no_address = l->no_address || l->failure == NULL;
        conclude(l);
    } else {
        l->candidate++;
        ask_candidate(l);
    }
}

static void on_lookup(uv_timer_t *timer)
{
    struct lookup *l = timer->data;
    if (l->step == STEP_DONE) {
        deliver(l);
    } else if (l->step == STEP_REPLIED) {
        take_reply(l);
    } else if ((int64_t)uv_hrtime() < l->limit_ns) {
        try_next(l);
    } else {
        l->replied_ns = (int64_t)uv_hrtime();
        l->failure = "no DNS server answered within 5 s";
        conclude(l);
    }
}

/* ---- the hosts file ---- */

/* A name that the file has in one family is not queried in DNS for the other, as with
 * getaddrinfo(). */
static bool from_hosts_file(struct lookup *l)
{
    struct resolution *a = &l->answer;
    enum family other = l->family == FAMILY_IPV4 ? FAMILY_IPV6 : FAMILY_IPV4;
    struct endpoint of_other;
    a->n = hosts_file_find(l->host, l->family, l->port, a->addresses,
                           RESOLUTION_ADDRESSES_MAX);
    if (a->n == 0 && hosts_file_find(l->host, other, 0, &of_other, 1) == 0)
        return false;
    text_copy(a->servers, sizeof a->servers, "hosts file");
    return true;
}

/* ---- start of a lookup ---- */

static void begin(struct lookup *l)
{
    struct resolver *r = l->resolver;
    if (r->conf.single_request) {
        if (r->turn != NULL)
            return; /* pass_turn() starts it */
        r->turn = l;
    }
    l->asked_ns = (int64_t)uv_hrtime();
    l->limit_ns = l->asked_ns + LIMIT_NS;
    ask_candidate(l);
}

static bool can_ask(const struct resolver *r)
{
    bool all = true;
    for (size_t i = 0; i < r->n_servers; i++)
        all = all && r->servers[i].open;
    return all;
}

static void ask(struct lookup *l)
{
    struct resolver *r = l->resolver;
    if (l->family != FAMILY_NONE && from_hosts_file(l)) {
        done(l);
    } else if (!can_ask(r)) {
        l->answer.error = "names cannot be resolved on this host: c-ares does not start";
        l->answer.temporary = true;
        done(l);
    } else {
        dns_servers_text(l->answer.servers, sizeof l->answer.servers, r->conf.servers,
                         r->n_servers);
        if (l->family == FAMILY_IPV6 && r->conf.no_aaaa) {
            l->answer.ttl_s = RESOLUTION_ABSENT_TTL_S;
            done(l);
        } else {
            begin(l);
        }
    }
}

/* After a change of resolv.conf, restarts the lookups in progress. */
static void follow_conf(struct resolver *r)
{
    struct file_stamp stamp = conf_stamp();
    if (can_ask(r) && file_stamp_equal(&stamp, &r->conf_stamp))
        return;
    close_channels(r); /* frees mute lookups */
    open_channels(r);
    r->turn = NULL;
    for (struct lookup *l = r->lookups; l != NULL; l = l->next)
        if (l->step != STEP_DONE) {
            uv_timer_stop(l->timer);
            l->step = STEP_TRY;
            l->candidate = 0;
            l->question++;
            l->answered = l->no_address = false;
            l->failure = NULL;
            l->limit_ns = 0;
            ask(l);
        }
    arm(r);
}

static void take_literal(struct lookup *l, const struct endpoint *e, const char *zone)
{
    struct resolution *a = &l->answer;
    struct endpoint *to = &a->addresses[0];
    *to = *e;
    a->ttl_s = zone[0] == '\0' ? UINT32_MAX : RESOLUTION_ABSENT_TTL_S;
    if (!endpoint_is_host(to)) {
        resolver_answer_no_host(a);
    } else if (!socket_set_zone(to, zone)) {
        a->error = "this host has no interface of that name";
        a->temporary = true;
    } else if (endpoint_is_link_local(to) && to->scope == 0) {
        a->error = "a link-local address needs its interface, as in fe80::1%eth0";
    } else {
        a->n = to->family == l->family;
    }
}

static struct lookup *new_lookup(struct resolver *r, enum family family, uint16_t port,
                                 resolver_cb *cb, void *user)
{
    follow_conf(r);
    struct lookup *l = mem_zalloc(sizeof *l);
    l->resolver = r;
    l->family = family;
    l->port = port;
    l->cb = cb;
    l->user = user;
    l->absent = "not a name that DNS can hold";
    l->asked_ns = (int64_t)uv_hrtime();
    l->timer = timer_new(r->loop, l);
    l->next = r->lookups;
    l->self = &r->lookups;
    if (l->next != NULL)
        l->next->self = &l->next;
    r->lookups = l;
    return l;
}

struct lookup *resolver_name(struct resolver *r, const struct endpoint *address,
                             resolver_cb *cb, void *user)
{
    struct lookup *l = new_lookup(r, FAMILY_NONE, 0, cb, user);
    resolver_answer_reverse(l->host, address);
    ask(l);
    return l;
}

struct lookup *resolver_text(struct resolver *r, const char *name, resolver_cb *cb,
                             void *user)
{
    struct lookup *l = new_lookup(r, FAMILY_NONE, 0, cb, user);
    l->text = true;
    text_copy(l->host, sizeof l->host, name);
    ask(l);
    return l;
}

struct lookup *resolver_lookup(struct resolver *r, const char *host, enum family family,
                               uint16_t port, resolver_cb *cb, void *user)
{
    struct endpoint e;
    char zone[ZONE_TEXT_MAX];
    struct lookup *l = new_lookup(r, family, port, cb, user);
    if (endpoint_parse_zoned(&e, zone, host, port)) {
        take_literal(l, &e, zone);
        done(l);
    } else if (text_copy(l->host, sizeof l->host, host)) {
        ask(l);
    } else {
        resolver_answer_missing(&l->answer, ARES_EBADNAME);
        done(l);
    }
    return l;
}

void lookup_cancel(struct lookup *l)
{
    mute(l);
}

/* ---- create and destroy ---- */

int resolver_create(struct resolver **out, uv_loop_t *loop, const char *servers)
{
    struct resolver *r = mem_zalloc(sizeof *r);
    char wrong[DNS_SERVER_TEXT_MAX];
    int n = dns_servers_parse(r->given, servers != NULL ? servers : "", wrong);
    if (n < 0) {
        free(r);
        return n;
    }
    r->loop = loop;
    r->n_given = (size_t)n;
    r->timer = timer_new(loop, r);
    open_channels(r);
    *out = r;
    return 0;
}

void resolver_destroy(struct resolver *r)
{
    if (r == NULL)
        return;
    r->turn = NULL; /* no other lookup starts */
    for (struct lookup *l = r->lookups, *next; l != NULL; l = next) {
        next = l->next;
        if (l->timer != NULL)
            mute(l);
    }
    close_channels(r);
    timer_close(r->timer);
    free(r->polls);
    free(r);
}
