#include "edge/target_name.h"

#include "base/mem.h"
#include "base/text.h"
#include "core/backoff.h"
#include "edge/pop.h"

#include <stdlib.h>
#include <string.h>

/* Back-off of a name that could not be resolved. */
#define RETRY_FIRST_NS (2 * NS_PER_S)
#define RETRY_MOST_NS  (60 * NS_PER_S)

/* An answer is kept for its TTL, but no shorter and no longer than this. */
#define KEEP_LEAST_NS (5 * NS_PER_S)
#define KEEP_MOST_NS  (3600 * NS_PER_S)

/* The decoy port is tried once for each address, but no more often than this. */
#define DECOY_LEAST_NS (3600 * NS_PER_S)

/* The same where a proxy carries everything. */
#define RARELY_LEAST_NS (600 * NS_PER_S)
#define RARELY_MOST_NS  (12 * 3600 * NS_PER_S)

#define NEVER_NS INT64_MAX

void target_name_destroy(struct target_name *n)
{
    if (n == NULL)
        return;
    free(n->all);
    free(n->known);
    free(n->seen);
    free(n->last);
    free(n->dns);
    free(n);
}

void target_name_ask(struct target_name *n)
{
    n->ask_at.ns = n->decoy_at.ns = 0;
}

void target_name_rest(struct target_name *n)
{
    n->used = (struct endpoint){.family = FAMILY_NONE};
    n->change = TARGET_NAME_REST;
    n->n = n->n_known = 0;
}

void target_name_use_proxy(struct target_name *n, uint16_t port)
{
    n->ask_at.ns = NEVER_NS;
    n->moved = n->used.family == FAMILY_NONE;
    n->used = (struct endpoint){.family = FAMILY_PROXY, .port = port};
}

void target_name_pop(char out[POP_TEXT_MAX], const char *host, const struct resolution *r)
{
    struct pop pop;
    out[0] = '\0';
    if (pop_from_cname(&pop, host))
        pop_text(out, &pop);
    for (size_t i = 0; i < r->n_cnames; i++)
        if (pop_from_cname(&pop, r->cnames[i]))
            pop_text(out, &pop);
}

static struct dns_answer *describe_question(const struct resolution *r)
{
    struct text chain = {0};
    for (size_t i = 0; i < r->n_cnames; i++)
        text_add(&chain, "%s%s", i > 0 ? " -> " : "", r->cnames[i]);
    struct dns_answer *kept = resolution_keep(text_string(&chain), r->servers);
    text_free(&chain);
    return kept;
}

static int64_t keep_ns(const struct resolution *r)
{
    int64_t ns = (int64_t)r->ttl_s * NS_PER_S;
    ns = ns < KEEP_LEAST_NS ? KEEP_LEAST_NS : ns;
    return ns > KEEP_MOST_NS ? KEEP_MOST_NS : ns;
}

static void forget_known(struct target_name *n, size_t i)
{
    n->n_known--;
    memmove(&n->known[i], &n->known[i + 1], (n->n_known - i) * sizeof *n->known);
    memmove(&n->seen[i], &n->seen[i + 1], (n->n_known - i) * sizeof *n->seen);
}

/* The one that was in no answer for longest; n_known: all are in this one. */
static size_t oldest_known(const struct target_name *n)
{
    size_t oldest = n->n_known;
    for (size_t i = 0; i < n->n_known; i++)
        if (!n->known[i].current &&
            (oldest == n->n_known || n->seen[i].ns < n->seen[oldest].ns))
            oldest = i;
    return oldest;
}

static void know(struct target_name *n, const struct endpoint *to, struct mono now)
{
    size_t i = 0;
    while (i < n->n_known && !endpoint_same_address(&n->known[i].to, to))
        i++;
    if (i == ADDRESSES_MAX) {
        if ((i = oldest_known(n)) == n->n_known)
            return;
        forget_known(n, i);
        i = n->n_known;
    }
    if (i == n->n_known) {
        n->n_known++;
        n->known = mem_resize(n->known, n->n_known * sizeof *n->known);
        n->seen = mem_resize(n->seen, n->n_known * sizeof *n->seen);
    }
    n->known[i] = (struct known_address){*to, true};
    n->seen[i] = now;
}

/* The one in use comes first into the list, so that it is never left out. */
static void know_all(struct target_name *n, const char *host, const struct resolution *r,
                     const struct endpoint *used, struct mono now)
{
    struct endpoint all[RESOLUTION_ADDRESSES_MAX];
    size_t n_all = resolution_addresses(r, host, all, RESOLUTION_ADDRESSES_MAX);
    for (size_t i = 0; i < n->n_known; i++) {
        n->known[i].current = false;
        for (size_t k = 0; k < n_all; k++)
            n->known[i].current |= endpoint_same_address(&n->known[i].to, &all[k]);
    }
    know(n, used, now);
    for (size_t i = 0; i < n_all; i++)
        know(n, &all[i], now);
    for (size_t i = 0; i < n->n_known;)
        if (!n->known[i].current && now.ns - n->seen[i].ns > TARGET_NAME_KEEP_NS)
            forget_known(n, i);
        else
            i++;
}

struct endpoint target_name_answered(struct target_name *n, const char *host,
                                     const struct resolution *r, bool handshakes,
                                     struct mono now)
{
    struct endpoint unfit, to = resolution_choose(r, host, &n->used, &unfit);
    bool known = to.family != FAMILY_NONE;
    n->ask_at.ns = now.ns + keep_ns(r);
    n->failures = 0;
    n->left = false;
    n->moved = known && !endpoint_same_address(&to, &n->used);
    n->used = to;
    n->change = known ? TARGET_NAME_USE : TARGET_NAME_REST;
    n->n = !known                             ? 0
           : r->n < TARGET_NAME_ADDRESSES_MAX ? r->n
                                              : TARGET_NAME_ADDRESSES_MAX;
    free(n->all);
    n->all = mem_copy(r->addresses, n->n * sizeof *n->all);
    if (known)
        know_all(n, host, r, &to, now);
    free(n->last);
    n->last = mem_string(r->last[0] != '\0' ? r->last : host);
    target_name_pop(n->pop, host, r);
    free(n->dns);
    n->dns = describe_question(r);
    if ((n->moved || n->decoy_answered) && known && handshakes && !n->decoy_under_way &&
        now.ns >= n->decoy_at.ns) {
        n->decoy_at.ns = now.ns + DECOY_LEAST_NS;
        n->decoy_due = true;
    }
    return known ? to : unfit;
}

bool target_name_failed(struct target_name *n, const struct resolution *r, bool guessed,
                        struct random *random, struct mono now)
{
    n->error = r->error;
    n->left = n->rarely;
    int64_t wait_ns =
        n->rarely ? RARELY_LEAST_NS +
                        backoff_ns(random, RARELY_LEAST_NS, RARELY_MOST_NS, n->failures)
                  : backoff_ns(random, RETRY_FIRST_NS, RETRY_MOST_NS, n->failures);
    n->failures++;
    n->ask_at.ns = now.ns + wait_ns;
    n->failed = true;
    if (!guessed || r->temporary)
        return false;
    target_name_rest(n);
    n->ask_at.ns = NEVER_NS;
    n->pop[0] = '\0';
    free(n->dns);
    n->dns = NULL;
    return true;
}

bool target_name_prefer(struct target_name *n, const struct endpoint *to)
{
    size_t i = 0;
    while (i < n->n_known && !endpoint_same_address(&n->known[i].to, to))
        i++;
    if (i == n->n_known || !n->known[i].current || endpoint_same_address(&n->used, to) ||
        n->used.family == FAMILY_NONE)
        return false;
    n->used = n->known[i].to;
    n->change = TARGET_NAME_USE;
    n->moved = true;
    return true;
}

bool target_name_has(const struct target_name *n, const struct endpoint *address)
{
    for (size_t i = 0; i < n->n; i++)
        if (address->family != FAMILY_NONE && endpoint_same_address(&n->all[i], address))
            return true;
    return false;
}
