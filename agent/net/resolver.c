/*
 * Decides which name is asked of which server, as glibc's resolver does and c-ares 1.18
 * does not: one search list for both families, the next server when one is lame. Each
 * server has its own channel, so an answer can be attributed to its server.
 *
 * A query goes to the first server, and to the next one at once when a server fails, or
 * when it has been silent for a while. The first useful answer ends the query; later
 * answers are ignored. Each lookup has a timer that processes its answers. c-ares cannot
 * cancel a single query, so a cancelled lookup stays allocated without a callback (mute)
 * until its queries have ended.
 */
#include "net/resolver.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "config/resolv_conf.h"
#include "core/time.h"
#include "net/error_queue.h"
#include "net/hosts_file.h"
#include "net/resolver_answer.h"
#include "net/resolver_channel.h"
#include "net/socket.h"
#include "net/system_lookup.h"
#include "net/timer.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RESOLV_CONF  "/etc/resolv.conf"
#define LIMIT_NS     (5 * NS_PER_S)     /* for a whole lookup */
#define FIRST_TRY_NS (1200 * NS_PER_MS) /* doubles with each round of the servers */
#define ROUNDS       3
#define STUB         "127.0.0.53"     /* of systemd-resolved(8) */
#define BUSY_NS      (50 * NS_PER_MS) /* another system lookup is under way */

struct resolver {
    const struct uplink *uplink; /* NULL: the system's routes */
    uv_loop_t *loop;
    struct dns_server given[DNS_SERVERS_MAX];
    size_t n_given; /* 0: the system's */
    struct resolv_conf conf;
    struct file_stamp conf_stamp; /* of RESOLV_CONF when it was read */
    struct dns_server upstream[DNS_SERVERS_MAX];
    size_t n_upstream;
    struct file_stamp upstream_stamp;                   /* of UPSTREAM_CONF */
    struct resolver_channel *channels[DNS_SERVERS_MAX]; /* NULL: no query is under way */
    size_t rotated;         /* first server of the next query */
    struct lookup *lookups; /* including mute ones */
    struct lookup *turn;    /* with single-request: the lookup in progress */
    int stamping;           /* error_queue_keep_stamping() */
};

enum step {
    STEP_TRY,
    STEP_REPLIED,
    STEP_SYSTEM,
    STEP_LITERAL,
    STEP_DONE
}; /* what the timer does next */

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
    unsigned asking;     /* queries under way, including earlier ones */
    enum resolver_answer reply;
    int64_t replied_ns;
    bool answered;       /* a server has answered */
    bool no_address;     /* a candidate exists */
    const char *failure; /* error of the last candidate without an answer, or NULL */
    const char *absent;  /* why no candidate exists */
    bool asked_system;
    struct system_lookup *system; /* under way, or NULL */
    resolver_cb *cb;
    void *user;
    bool asks;                 /* DNS servers */
    struct resolution *answer; /* NULL: none yet; 5 kB, and all targets are due at once */
};

struct sent_question { /* one query to one server */
    struct lookup *lookup;
    unsigned question;
    size_t server;
};

/* ---- configuration and channels ---- */

static struct file_stamp stamp_of(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 ? file_stamp_of(&s) : (struct file_stamp){0};
}

static void read_file(struct resolv_conf *c, const char *path)
{
    size_t len = 0;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    char *text = mem_alloc(RESOLV_CONF_BYTES_MAX);
    while ((n = read(fd, text + len, RESOLV_CONF_BYTES_MAX - len)) > 0)
        len += (size_t)n;
    resolv_conf_read(c, text, len);
    free(text);
    close(fd);
}

static void read_conf(struct resolver *r)
{
    char hostname[HOST_TEXT_MAX] = "";
    resolv_conf_free(&r->conf);
    r->conf = resolv_conf_default();
    r->conf_stamp = stamp_of(RESOLV_CONF);
    read_file(&r->conf, RESOLV_CONF);
    gethostname(hostname, sizeof hostname - 1);
    resolv_conf_environment(&r->conf, getenv("RES_OPTIONS"), getenv("LOCALDOMAIN"));
    resolv_conf_complete(&r->conf, hostname);
    if (r->n_given == 0)
        return;
    memcpy(r->conf.servers, r->given, sizeof r->given);
    r->conf.n_servers = r->n_given;
}

/* Open while queries are under way, as a channel of c-ares takes 74 kB. NULL: c-ares does
 * not start. */
static struct resolver_channel *channel_to(struct resolver *r, size_t server)
{
    if (r->channels[server] == NULL)
        r->channels[server] =
            resolver_channel_open(r->loop, r->uplink, &r->conf.servers[server], &r->conf);
    return r->channels[server];
}

static void close_channel(struct resolver *r, size_t server)
{
    struct resolver_channel *c = r->channels[server];
    r->channels[server] = NULL; /* first: on_reply() comes for pending queries */
    resolver_channel_close(c);
}

static void close_channels(struct resolver *r)
{
    for (size_t i = 0; i < r->conf.n_servers; i++)
        close_channel(r, i);
}

/* ---- one lookup ---- */

static void begin(struct lookup *l);

static struct resolution *answer_of(struct lookup *l)
{
    const struct resolv_conf *c = &l->resolver->conf;
    if (l->answer != NULL)
        return l->answer;
    l->answer = mem_zalloc(sizeof *l->answer);
    if (l->asks)
        dns_servers_text(l->answer->servers, sizeof l->answer->servers, c->servers,
                         c->n_servers);
    return l->answer;
}

static void free_lookup(struct lookup *l)
{
    *l->self = l->next;
    if (l->next != NULL)
        l->next->self = l->self;
    free(l->answer);
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
    system_lookup_cancel(l->system);
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
    struct resolution *answer = answer_of(l);
    resolver_cb *cb = l->cb;
    void *user = l->user;
    answer->took_ns = l->replied_ns - l->asked_ns;
    l->answer = NULL;
    mute(l);
    cb(answer, user); /* may destroy the resolver */
    free(answer);
}

static void conclude(struct lookup *l);

static void on_system(const struct endpoint *found, size_t n, void *user)
{
    struct lookup *l = user;
    struct resolution *a = answer_of(l);
    l->system = NULL;
    if (n == 0) {
        conclude(l);
        return;
    }
    memcpy(a->addresses, found, n * sizeof *found);
    a->n = n;
    a->error = NULL;
    a->ttl_s = RESOLUTION_ABSENT_TTL_S;
    text_copy(a->servers, sizeof a->servers, "nsswitch.conf");
    l->replied_ns = (int64_t)uv_hrtime();
    done(l);
}

/* Waits for its turn, at most until the limit of the lookup. */
static void ask_system(struct lookup *l)
{
    int64_t left_ns = l->limit_ns - (int64_t)uv_hrtime();
    if (left_ns <= 0) {
        system_lookup_cancel(l->system);
        l->system = NULL;
        conclude(l);
        return;
    }
    if (l->system == NULL)
        l->system = system_lookup_start(l->resolver->loop, l->host, l->family, l->port,
                                        on_system, l);
    wake(l, STEP_SYSTEM, l->system != NULL ? left_ns : BUSY_NS);
}

/* No candidate has an address of that family. */
static void conclude(struct lookup *l)
{
    struct resolution *a = answer_of(l);
    bool unknown = !l->no_address && l->family != FAMILY_NONE;
    if (unknown && !l->asked_system && l->resolver->n_given == 0 &&
        system_lookup_helps()) {
        l->asked_system = true;
        l->limit_ns = (int64_t)uv_hrtime() + LIMIT_NS;
        ask_system(l);
        return;
    }
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
    if (l->failed == (1u << l->resolver->conf.n_servers) - 1) {
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

static void read_reply(struct lookup *l, const struct dns_reply *r)
{
    l->answered |= r->bytes != NULL;
    if (r->bytes == NULL)
        l->reply = resolver_answer_missing(answer_of(l), r->status);
    else if (l->text)
        l->reply = resolver_answer_text(answer_of(l), r->bytes, r->len);
    else if (l->family == FAMILY_NONE)
        l->reply = resolver_answer_name(answer_of(l), r->bytes, r->len);
    else
        l->reply = resolver_answer_read(answer_of(l), r->bytes, r->len, l->asked_family,
                                        l->port);
}

static void on_reply(const struct dns_reply *reply, void *user)
{
    struct sent_question sent = *(struct sent_question *)user;
    struct lookup *l = sent.lookup;
    struct resolver *r = l->resolver;
    free(user);
    l->asking--;
    if (r->channels[sent.server] != NULL &&
        resolver_channel_is_idle(r->channels[sent.server]))
        close_channel(r, sent.server);
    if (l->timer == NULL) {
        if (l->asking == 0)
            free_lookup(l);
        return;
    }
    if (sent.question != l->question || l->step != STEP_TRY ||
        reply->status == ARES_EDESTRUCTION || reply->status == ARES_ETIMEOUT)
        return;
    read_reply(l, reply);
    if (sent.question == 1 && sent.server == l->first)
        l->asked_ns = reply->sent.ns;
    l->replied_ns =
        reply->took_ns < 0 ? (int64_t)uv_hrtime() : reply->sent.ns + reply->took_ns;
    if (l->reply != RESOLVER_FAILED)
        wake(l, STEP_REPLIED, 0);
    else if (reply->bytes == NULL && hung_up_once(l, sent.server))
        wake(l, STEP_TRY, 0);
    else
        server_failed(l, sent.server);
}

static void send_to(struct lookup *l, size_t server)
{
    struct resolver_channel *channel = channel_to(l->resolver, server);
    struct sent_question *sent;
    int type = l->text                          ? ns_t_txt
               : l->family == FAMILY_NONE       ? ns_t_ptr
               : l->asked_family == FAMILY_IPV6 ? ns_t_aaaa
                                                : ns_t_a;
    if (channel == NULL) {
        answer_of(l)->error =
            "names cannot be resolved on this host: c-ares does not start";
        server_failed(l, server);
        return;
    }
    sent = mem_alloc(sizeof *sent);
    *sent = (struct sent_question){l, l->question, server};
    l->asking++;
    if (!resolver_channel_query(channel, l->name, type, on_reply, sent)) {
        answer_of(l)->error = "no file descriptor left to query a DNS server";
        server_failed(l, server);
    }
}

static void try_next(struct lookup *l)
{
    const struct resolver *r = l->resolver;
    for (; l->tried < ROUNDS * r->conf.n_servers; l->tried++) {
        size_t server = (l->first + l->tried) % r->conf.n_servers;
        if ((l->failed & 1u << server) != 0)
            continue;
        wake(l, STEP_TRY, FIRST_TRY_NS << l->tried++ / r->conf.n_servers);
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
    l->first = r->conf.rotate ? r->rotated++ % r->conf.n_servers : 0;
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
        l->failure = answer_of(l)->error;
    if (l->reply == RESOLVER_NO_NAME)
        l->absent = answer_of(l)->error;
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

static void take_literal(struct lookup *l)
{
    char zone[ZONE_TEXT_MAX];
    struct resolution *a = answer_of(l);
    struct endpoint *to = &a->addresses[0];
    endpoint_parse_zoned(to, zone, l->host, l->port);
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

static void on_lookup(uv_timer_t *timer)
{
    struct lookup *l = timer->data;
    if (l->step == STEP_LITERAL)
        take_literal(l);
    if (l->step >= STEP_LITERAL) {
        deliver(l);
    } else if (l->step == STEP_REPLIED) {
        take_reply(l);
    } else if (l->step == STEP_SYSTEM) {
        ask_system(l);
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
    struct endpoint found[RESOLUTION_ADDRESSES_MAX];
    bool named;
    size_t n = hosts_file_find(l->host, l->family, l->port, found,
                               RESOLUTION_ADDRESSES_MAX, &named);
    if (!named)
        return false;
    struct resolution *a = answer_of(l);
    memcpy(a->addresses, found, n * sizeof *found);
    a->n = n;
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

static void ask(struct lookup *l)
{
    struct resolver *r = l->resolver;
    if (l->family != FAMILY_NONE && from_hosts_file(l)) {
        done(l);
        return;
    }
    l->asks = true;
    if (l->family == FAMILY_IPV6 && r->conf.no_aaaa) {
        answer_of(l)->ttl_s = RESOLUTION_ABSENT_TTL_S;
        done(l);
    } else {
        begin(l);
    }
}

/* After a change of resolv.conf, restarts the lookups in progress. */
static void follow_conf(struct resolver *r)
{
    struct file_stamp stamp = stamp_of(RESOLV_CONF);
    if (file_stamp_equal(&stamp, &r->conf_stamp))
        return;
    close_channels(r); /* frees mute lookups */
    read_conf(r);
    r->turn = NULL;
    for (struct lookup *l = r->lookups; l != NULL; l = l->next)
        if (l->step < STEP_LITERAL) {
            uv_timer_stop(l->timer);
            system_lookup_cancel(l->system);
            l->system = NULL;
            l->asked_system = false;
            l->step = STEP_TRY;
            l->candidate = 0;
            l->question++;
            free(l->answer);
            l->answer = NULL;
            l->answered = l->no_address = false;
            l->failure = NULL;
            l->limit_ns = 0;
            ask(l);
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
    if (!text_copy(l->host, sizeof l->host, host)) {
        resolver_answer_missing(answer_of(l), ARES_EBADNAME);
        done(l);
    } else if (endpoint_parse_zoned(&e, zone, host, port)) {
        done(l);
        l->step = STEP_LITERAL;
    } else {
        ask(l);
    }
    return l;
}

void lookup_cancel(struct lookup *l)
{
    mute(l);
}

/* ---- the servers ---- */

static bool is_stub_alone(const struct resolv_conf *c)
{
    char text[ADDRESS_TEXT_MAX];
    return c->n_servers == 1 &&
           strcmp(endpoint_address(text, &c->servers[0].at), STUB) == 0;
}

static void read_upstream(struct resolver *r)
{
    struct file_stamp stamp = stamp_of(UPSTREAM_CONF);
    if (file_stamp_equal(&stamp, &r->upstream_stamp))
        return;
    struct resolv_conf c = resolv_conf_default();
    read_file(&c, UPSTREAM_CONF);
    r->upstream_stamp = stamp;
    r->n_upstream = c.n_servers;
    memcpy(r->upstream, c.servers, sizeof c.servers);
    resolv_conf_free(&c);
}

static size_t add_servers(struct dns_server *out, size_t n, const struct dns_server *from,
                          size_t n_from)
{
    for (size_t i = 0; i < n_from && n < DNS_SERVERS_MAX; i++) {
        out[n] = from[i];
        n += socket_set_zone(&out[n].at, out[n].zone);
    }
    return n;
}

size_t resolver_servers_behind(struct resolver *r, struct dns_server *out)
{
    follow_conf(r);
    size_t n = add_servers(out, 0, r->conf.servers, r->conf.n_servers);
    if (r->n_given > 0 || !is_stub_alone(&r->conf))
        return n;
    read_upstream(r);
    return add_servers(out, n, r->upstream, r->n_upstream);
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
    r->stamping = error_queue_keep_stamping();
    read_conf(r);
    *out = r;
    return 0;
}

size_t resolver_servers(const struct resolver *r, struct dns_server *out)
{
    memcpy(out, r->conf.servers, r->conf.n_servers * sizeof *out);
    return r->conf.n_servers;
}

void resolver_use_uplink(struct resolver *r, const struct uplink *uplink)
{
    r->uplink = uplink;
    close_channels(r);
    read_conf(r);
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
    if (r->stamping >= 0)
        close(r->stamping);
    resolv_conf_free(&r->conf);
    free(r);
}
