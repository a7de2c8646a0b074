#include "net/http_host.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/time.h"
#include "net/resolver.h"

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

/* An error that came sooner comes as soon to libcurl. */
#define SLOW_NS NS_PER_S

#define KEPT_LEAST_NS (10 * NS_PER_S)
#define KEPT_MOST_NS  (300 * NS_PER_S)
#define KNOWN_MAX     (HOST_TEXT_MAX + 16 + FAMILIES * ADDRESSES_MAX * (ADDRESS_TEXT_MAX + 3))

struct known {
    char host[HOST_TEXT_MAX];
    uint16_t port;
    int64_t until_ns;     /* it holds, by uv_hrtime(); 0: it is to be asked for */
    char text[KNOWN_MAX]; /* "" is nothing */
};

struct http_hosts {
    struct resolver *resolver; /* NULL: it does not start; libcurl asks */
    struct known known[HOSTS_MAX];
    size_t next; /* the one that makes room */
};

struct answer { /* of one family */
    struct http_question *of;
    struct lookup *lookup;
    struct endpoint addresses[ADDRESSES_MAX];
    size_t n;
};

struct http_question {
    struct known *known;
    struct answer answers[FAMILIES];
    unsigned left; /* answers that have not come */
    uint32_t ttl_s;
    const char *error; /* no server answered; NULL: one did, or all said no at once */
    http_host_cb *cb;
    void *user;
};

struct http_hosts *http_hosts_create(uv_loop_t *loop, const char *servers)
{
    struct http_hosts *h = mem_zalloc(sizeof *h);
    if (resolver_create(&h->resolver, loop, servers) < 0)
        h->resolver = NULL;
    return h;
}

void http_hosts_destroy(struct http_hosts *h)
{
    if (h == NULL)
        return;
    resolver_destroy(h->resolver);
    free(h);
}

/* ---- what is known ---- */

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

const char *http_hosts_known(const struct http_hosts *h, const char *host, uint16_t port)
{
    const struct known *k = find(h, host, port);
    return k != NULL && k->text[0] != '\0' ? k->text : NULL;
}

void http_hosts_doubt(struct http_hosts *h, const char *host, uint16_t port)
{
    struct known *k = (struct known *)find(h, host, port);
    if (k != NULL)
        k->until_ns = 0;
}

/* "+HOST:PORT:ADDRESS,[ADDRESS]": libcurl tries them in this order, the families by
 * turns. */
static void note(struct known *k, const struct http_question *q)
{
    size_t len = (size_t)snprintf(k->text, sizeof k->text, "+%s:%u:", k->host, k->port);
    const char *comma = "";
    for (size_t f = 0; f < FAMILIES; f++)
        for (size_t i = 0; i < q->answers[f].n; i++) {
            char address[ADDRESS_TEXT_MAX];
            bool ipv6 = q->answers[f].addresses[i].family == FAMILY_IPV6;
            endpoint_address(address, &q->answers[f].addresses[i]);
            len += (size_t)snprintf(k->text + len, sizeof k->text - len,
                                    ipv6 ? "%s[%s]" : "%s%s", comma, address);
            comma = ",";
        }
}

/* ---- one question: both families ---- */

static void keep(struct http_question *q)
{
    struct known *k = q->known;
    int64_t kept_ns = KEPT_LEAST_NS;
    if (q->answers[0].n + q->answers[1].n > 0) {
        note(k, q);
        kept_ns = q->ttl_s * NS_PER_S;
    } else if (q->error == NULL) {
        k->text[0] = '\0'; /* the system may know it */
    } else if (k->text[0] == '\0') {
        return; /* libcurl must not ask */
    }
    kept_ns = kept_ns < KEPT_LEAST_NS  ? KEPT_LEAST_NS
              : kept_ns > KEPT_MOST_NS ? KEPT_MOST_NS
                                       : kept_ns;
    k->until_ns = (int64_t)uv_hrtime() + kept_ns;
}

static void on_answer(const struct resolution *r, void *user)
{
    struct answer *a = user;
    struct http_question *q = a->of;
    a->lookup = NULL;
    for (size_t i = 0; i < r->n && a->n < ADDRESSES_MAX; i++)
        a->addresses[a->n++] = r->addresses[i];
    if (r->n > 0 && r->ttl_s < q->ttl_s)
        q->ttl_s = r->ttl_s;
    if (r->error != NULL && r->temporary && r->took_ns >= SLOW_NS)
        q->error = r->error;
    if (--q->left > 0)
        return;
    keep(q);
    const char *error = q->known->text[0] == '\0' ? q->error : NULL;
    http_host_cb *cb = q->cb;
    void *of_cb = q->user;
    free(q);
    cb(error, of_cb);
}

struct http_question *http_hosts_ask(struct http_hosts *h, const char *host,
                                     uint16_t port, http_host_cb *cb, void *user)
{
    static const enum family families[FAMILIES] = {FAMILY_IPV6, FAMILY_IPV4};
    struct endpoint literal;
    if (h->resolver == NULL || endpoint_parse(&literal, host, port) ||
        strlen(host) >= HOST_TEXT_MAX)
        return NULL;
    struct known *k = find_or_add(h, host, port);
    if ((int64_t)uv_hrtime() < k->until_ns)
        return NULL;
    struct http_question *q = mem_zalloc(sizeof *q);
    *q = (struct http_question){.known = k, .ttl_s = UINT32_MAX, .cb = cb, .user = user};
    bool of_file[FAMILIES], in_file = false;
    for (size_t f = 0; f < FAMILIES; f++)
        in_file |= of_file[f] = resolver_in_file(h->resolver, host, families[f]);
    for (size_t f = 0; f < FAMILIES; f++) {
        if (in_file && !of_file[f]) /* the file says all, as it does for others */
            continue;
        q->left++;
        q->answers[f].of = q;
        q->answers[f].lookup = resolver_lookup(h->resolver, host, families[f], port,
                                               on_answer, &q->answers[f]);
    }
    return q;
}

void http_question_cancel(struct http_question *q)
{
    if (q == NULL)
        return;
    for (size_t f = 0; f < FAMILIES; f++)
        if (q->answers[f].lookup != NULL)
            lookup_cancel(q->answers[f].lookup);
    free(q);
}
