#include "net/http_dns.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/time.h"
#include "net/race.h"
#include "net/resolver.h"
#include "net/timer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    FAMILIES = 2,
    ADDRESSES_MAX = 8,
    HOSTS_MAX = 8, /* more than there are collectors */
};

/* libcurl would get an error that came faster than this just as fast. */
#define SLOW_NS NS_PER_S

#define KEPT_LEAST_NS (10 * NS_PER_S)
#define KEPT_MOST_NS  (300 * NS_PER_S)
#define KNOWN_MAX     (HOST_TEXT_MAX + 16 + FAMILIES * ADDRESSES_MAX * (ADDRESS_TEXT_MAX + 3))

struct known {
    char host[HOST_TEXT_MAX];
    uint16_t port;
    int64_t until_ns; /* valid until then, uv_hrtime(); 0: resolve again */
    struct endpoint addresses[RACE_MAX]; /* in the order to try them */
    size_t n;                            /* 0: none known */
    bool proven;                         /* the first of them worked */
    struct endpoint failed;              /* address that failed last; FAMILY_NONE: none */
};

_Static_assert(FAMILIES *ADDRESSES_MAX == RACE_MAX, "all of them can be raced");

struct http_hosts {
    uv_loop_t *loop;
    const struct uplink *uplink; /* NULL: the system's routes */
    struct resolver *resolver;   /* NULL: it could not start; libcurl resolves names */
    struct known known[HOSTS_MAX];
    size_t next;          /* entry to replace next */
    char text[KNOWN_MAX]; /* of http_hosts_known() */
};

struct family_answer { /* of one family */
    struct http_question *of;
    struct lookup *lookup;
    struct endpoint addresses[ADDRESSES_MAX];
    size_t n;
};

struct http_question {
    struct http_hosts *hosts;
    struct known *known;
    struct family_answer answers[FAMILIES];
    unsigned left;     /* outstanding answers */
    uv_timer_t *delay; /* ends the wait for the other family; NULL: not running */
    struct race *race; /* in progress, or NULL */
    int64_t began_ns, name_ns, race_ns;
    uint32_t ttl_s;
    const char *error; /* no server answered; NULL: one did, or all failed at once */
    http_host_cb *cb;
    void *user;
};

struct http_hosts *http_hosts_create(uv_loop_t *loop, const char *servers,
                                     const struct uplink *uplink)
{
    struct http_hosts *h = mem_zalloc(sizeof *h);
    h->loop = loop;
    h->uplink = uplink;
    if (resolver_create(&h->resolver, loop, servers) < 0)
        h->resolver = NULL;
    else if (servers != NULL && uplink != NULL)
        resolver_use_uplink(h->resolver, uplink);
    return h;
}

void http_hosts_destroy(struct http_hosts *h)
{
    if (h == NULL)
        return;
    resolver_destroy(h->resolver);
    free(h);
}

/* ---- known addresses ---- */

static const struct known *find(const struct http_hosts *h, const char *host,
                                uint16_t port)
{
    for (size_t i = 0; i < HOSTS_MAX; i++)
        if (h->known[i].port == port && strcasecmp(h->known[i].host, host) == 0)
            return &h->known[i];
    return NULL;
}

static struct known *find_or_add(struct http_hosts *h, const char *host, uint16_t port)
{
    struct known *k = (struct known *)find(h, host, port);
    if (k != NULL)
        return k;
    k = &h->known[h->next];
    h->next = (h->next + 1) % HOSTS_MAX;
    *k = (struct known){.port = port};
    text_copy(k->host, sizeof k->host, host);
    return k;
}

/* "+HOST:PORT:ADDRESS,[ADDRESS]" */
const char *http_hosts_known(struct http_hosts *h, const char *host, uint16_t port)
{
    const struct known *k = find(h, host, port);
    if (k == NULL || k->n == 0)
        return NULL;
    size_t len = (size_t)snprintf(h->text, sizeof h->text, "+%s:%u:", k->host, k->port);
    for (size_t i = 0; i < k->n; i++) {
        char address[ADDRESS_TEXT_MAX];
        bool ipv6 = k->addresses[i].family == FAMILY_IPV6;
        endpoint_address(address, &k->addresses[i]);
        len += (size_t)snprintf(h->text + len, sizeof h->text - len,
                                ipv6 ? "%s[%s]" : "%s%s", i > 0 ? "," : "", address);
    }
    return h->text;
}

/* Index of an address; k->n: not in the list. */
static size_t place_of(const struct known *k, const struct endpoint *address)
{
    size_t i = 0;
    while (i < k->n && !endpoint_same_address(&k->addresses[i], address))
        i++;
    return i;
}

static void move_first(struct known *k, size_t i)
{
    struct endpoint first = k->addresses[i];
    memmove(&k->addresses[1], &k->addresses[0], i * sizeof first);
    k->addresses[0] = first;
}

static void move_last(struct known *k, size_t i)
{
    struct endpoint last = k->addresses[i];
    memmove(&k->addresses[i], &k->addresses[i + 1], (k->n - i - 1) * sizeof last);
    k->addresses[k->n - 1] = last;
}

void http_hosts_worked(struct http_hosts *h, const char *host, uint16_t port,
                       const struct endpoint *address)
{
    struct known *k = (struct known *)find(h, host, port);
    size_t i = k != NULL ? place_of(k, address) : 0;
    if (k == NULL || i == k->n)
        return;
    move_first(k, i);
    k->proven = true;
    k->failed = (struct endpoint){0};
}

void http_hosts_failed(struct http_hosts *h, const char *host, uint16_t port)
{
    struct known *k = (struct known *)find(h, host, port);
    if (k == NULL)
        return;
    k->until_ns = 0;
    k->proven = false;
    if (k->n == 0)
        return;
    k->failed = k->addresses[0];
    move_last(k, 0);
}

/* Alternates the families, IPv6 first (RFC 8305, section 4), but keeps a proven address
 * first and a failed one last. */
static void set_addresses(struct known *k, const struct http_question *q)
{
    struct endpoint first = k->addresses[0];
    k->n = 0;
    for (size_t i = 0; i < ADDRESSES_MAX; i++)
        for (size_t f = 0; f < FAMILIES; f++)
            if (i < q->answers[f].n)
                k->addresses[k->n++] = q->answers[f].addresses[i];
    size_t at = k->proven ? place_of(k, &first) : k->n;
    k->proven = at < k->n;
    if (k->proven)
        move_first(k, at);
    size_t failed = place_of(k, &k->failed);
    if (failed < k->n)
        move_last(k, failed);
}

/* ---- resolving one host, both families ---- */

static void keep(struct http_question *q)
{
    struct known *k = q->known;
    int64_t kept_ns = KEPT_LEAST_NS;
    if (q->answers[0].n + q->answers[1].n > 0) {
        set_addresses(k, q);
        kept_ns = q->ttl_s * NS_PER_S;
    } else if (q->error == NULL) {
        k->n = 0; /* the system's resolver may know it */
    } else if (k->n == 0) {
        return; /* keep libcurl from resolving it */
    }
    kept_ns = kept_ns < KEPT_LEAST_NS  ? KEPT_LEAST_NS
              : kept_ns > KEPT_MOST_NS ? KEPT_MOST_NS
                                       : kept_ns;
    k->until_ns = (int64_t)uv_hrtime() + kept_ns;
}

/* Cancels the lookups in progress. */
static void stop_asking(struct http_question *q)
{
    for (size_t f = 0; f < FAMILIES; f++)
        if (q->answers[f].lookup != NULL)
            lookup_cancel(q->answers[f].lookup);
    timer_close(q->delay);
    q->delay = NULL;
}

static void end_question(struct http_question *q)
{
    const char *error = q->known->n == 0 ? q->error : NULL;
    http_host_cb *cb = q->cb;
    int64_t name_ns = q->name_ns;
    void *user = q->user;
    free(q);
    cb(error, name_ns, user);
}

static void on_race(size_t winner, void *user)
{
    struct http_question *q = user;
    if (winner < q->known->n)
        move_first(q->known, winner);
    end_question(q);
}

static bool race(struct http_question *q)
{
    const struct known *k = q->known;
    if (k->n < 2 || k->proven)
        return false;
    q->race = race_begin(q->hosts->loop, q->hosts->uplink, k->addresses, k->n, q->race_ns,
                         on_race, q);
    return true;
}

static void on_named(struct http_question *q)
{
    stop_asking(q);
    keep(q);
    q->name_ns = (int64_t)uv_hrtime() - q->began_ns;
    if (!race(q))
        end_question(q);
}

static void on_delay(uv_timer_t *delay)
{
    on_named(delay->data);
}

static void wait_for_other_family(struct http_question *q)
{
    q->delay = timer_new(q->hosts->loop, q);
    timer_in(q->delay, on_delay, HTTP_HOST_DELAY_NS);
}

static void on_answer(const struct resolution *r, void *user)
{
    struct family_answer *a = user;
    struct http_question *q = a->of;
    a->lookup = NULL;
    for (size_t i = 0; i < r->n && a->n < ADDRESSES_MAX; i++)
        a->addresses[a->n++] = r->addresses[i];
    if (r->n > 0 && r->ttl_s < q->ttl_s)
        q->ttl_s = r->ttl_s;
    if (r->error != NULL && r->temporary && r->took_ns >= SLOW_NS)
        q->error = r->error;
    if (--q->left == 0)
        on_named(q);
    else if (a->n > 0)
        wait_for_other_family(q);
}

static void ask(struct http_question *q)
{
    static const enum family families[FAMILIES] = {FAMILY_IPV6, FAMILY_IPV4};
    struct resolver *resolver = q->hosts->resolver;
    const struct known *k = q->known;
    for (size_t f = 0; f < FAMILIES; f++) {
        q->left++;
        q->answers[f].of = q;
        q->answers[f].lookup = resolver_lookup(resolver, k->host, families[f], k->port,
                                               on_answer, &q->answers[f]);
    }
}

struct http_question *http_hosts_ask(struct http_hosts *h, const char *host,
                                     uint16_t port, int64_t race_ns, http_host_cb *cb,
                                     void *user)
{
    if (h->resolver == NULL || endpoint_literal(host) != FAMILY_NONE ||
        strlen(host) >= HOST_TEXT_MAX)
        return NULL;
    struct http_question *q = mem_zalloc(sizeof *q);
    *q = (struct http_question){.hosts = h,
                                .known = find_or_add(h, host, port),
                                .began_ns = (int64_t)uv_hrtime(),
                                .race_ns = race_ns,
                                .ttl_s = UINT32_MAX,
                                .cb = cb,
                                .user = user};
    if (q->began_ns >= q->known->until_ns) {
        ask(q);
        return q;
    }
    if (race(q))
        return q;
    free(q);
    return NULL;
}

void http_question_cancel(struct http_question *q)
{
    if (q == NULL)
        return;
    stop_asking(q);
    if (q->race != NULL)
        race_cancel(q->race);
    free(q);
}
