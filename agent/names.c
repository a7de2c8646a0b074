#include "names.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/backoff.h"
#include "edge/pop.h"
#include "net/chance.h"
#include "net/clock.h"
#include "probe/kinds.h"
#include "probe/tcp/decoy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Back-off of a name that could not be resolved. */
#define RETRY_FIRST_NS (2 * NS_PER_S)
#define RETRY_MOST_NS  (60 * NS_PER_S)

/* An answer is kept for its TTL, but no shorter and no longer than this. */
#define KEEP_LEAST_NS (5 * NS_PER_S)
#define KEEP_MOST_NS  (3600 * NS_PER_S)

/* The decoy port is tried once for each address, but no more often than that. */
#define DECOY_LEAST_NS (3600 * NS_PER_S)

#define NEVER_NS INT64_MAX

struct name { /* of a target, in one family */
    struct names *names;
    const struct target *target; /* NULL: the family is not wanted */
    size_t number;
    enum family family;
    bool rests;
    struct lookup *under_way;
    struct mono ask_at;
    unsigned failures;    /* in a row */
    char error[96];       /* of the last failure */
    struct endpoint used; /* FAMILY_NONE: none yet */
    struct decoy *decoy;  /* under way */
    struct mono decoy_at; /* not before */
    bool decoy_answered;  /* by a middlebox: it may be gone one day */
};

struct names {
    uv_loop_t *loop;
    struct resolver *resolver;
    struct names_events events;
    struct random random;
    struct name *list; /* two a target */
    size_t n;
    bool paused;
    struct names_counters counters;
};

/* ---- what an answer means ---- */

/* The last name that shows a PoP, of what was asked for and its chain. */
static void find_pop(char out[POP_TEXT_MAX], const char *host, const struct resolution *r)
{
    struct pop pop;
    out[0] = '\0';
    if (pop_from_cname(&pop, host))
        pop_text(out, &pop);
    for (size_t i = 0; i < r->n_cnames; i++)
        if (pop_from_cname(&pop, r->cnames[i]))
            pop_text(out, &pop);
}

static void describe_question(struct asked *out, const struct resolution *r)
{
    struct text chain = {0};
    for (size_t i = 0; i < r->n_cnames; i++)
        text_add(&chain, "%s%s", i > 0 ? " -> " : "", r->cnames[i]);
    text_copy(out->chain, sizeof out->chain, text_string(&chain));
    text_free(&chain);
    text_copy(out->servers, sizeof out->servers, r->servers);
}

/* ---- the decoy ---- */

static void on_decoy(int64_t handshake_ns, void *user)
{
    struct name *n = user;
    struct names *all = n->names;
    n->decoy = NULL;
    n->decoy_answered = handshake_ns != DELAY_UNDEFINED;
    all->events.on_decoy(n->number, n->family, handshake_ns, all->events.user);
}

/* Asks at a port that nobody serves whether a middlebox answers there. */
static void try_decoy(struct name *n, const struct endpoint *to, struct mono now)
{
    bool handshakes = false;
    for (size_t k = 0; k < probe_kinds_count; k++)
        handshakes |= n->target->kinds[k] && probe_kinds[k]->kind.handshakes;
    if (!handshakes || to->family == FAMILY_NONE || n->decoy != NULL ||
        now.ns < n->decoy_at.ns)
        return;
    n->decoy_at.ns = now.ns + DECOY_LEAST_NS;
    n->decoy = decoy_start(n->names->loop, n->target, to, on_decoy, n);
}

/* ---- answers ---- */

/* That a name which was guessed does not exist, or no longer, is no news: it is not
 * probed, and not asked for again before the next look. */
static bool is_guess(const struct name *n, const struct resolution *r)
{
    return n->target->discovered && !r->temporary;
}

static void give_up(struct name *n)
{
    struct names *all = n->names;
    struct named answer = {
        .family = n->family, .to = {.family = FAMILY_NONE}, .last = n->target->host};
    n->ask_at.ns = NEVER_NS;
    n->used = answer.to;
    all->events.on_named(n->number, &answer, all->events.user);
}

static void say_failed(const struct name *n, const struct resolution *r, bool first)
{
    const char *next = n->used.family == FAMILY_NONE
                           ? "it is not probed until it resolves"
                           : "the last address is probed on";
    if (first && !n->target->discovered)
        log_warn("resolver", "%s (%s, %s): %s; %s", n->target->host, n->target->name,
                 family_name(n->family), r->error, next);
    else
        log_debug("resolver", "%s (%s): %s", n->target->host, family_name(n->family),
                  r->error);
}

static void lookup_failed(struct name *n, const struct resolution *r)
{
    struct names *all = n->names;
    all->counters.failures++;
    text_copy(n->error, sizeof n->error, r->error);
    n->ask_at.ns = mono_now().ns +
                   backoff_ns(&all->random, RETRY_FIRST_NS, RETRY_MOST_NS, n->failures);
    say_failed(n, r, n->failures++ == 0);
    if (is_guess(n, r))
        give_up(n);
}

static int64_t keep_ns(const struct resolution *r)
{
    int64_t ns = (int64_t)r->ttl_s * NS_PER_S;
    ns = ns < KEEP_LEAST_NS ? KEEP_LEAST_NS : ns;
    return ns > KEEP_MOST_NS ? KEEP_MOST_NS : ns;
}

static void say_address(const struct name *n, const struct named *a)
{
    char address[ADDRESS_TEXT_MAX];
    log_info("resolver", "%s (%s) is %s%s%s", n->target->host, n->target->name,
             endpoint_address(address, &a->to), a->pop[0] != '\0' ? ", PoP " : "",
             a->pop);
}

static void lookup_answered(struct name *n, const struct resolution *r)
{
    struct names *all = n->names;
    struct mono now = mono_now();
    struct named answer = {.family = n->family,
                           .last = r->last[0] != '\0' ? r->last : n->target->host,
                           .all = r->addresses,
                           .n_all = r->n};
    answer.to = resolution_choose(r, n->target->host, &n->used, &answer.unfit);
    n->ask_at.ns = now.ns + keep_ns(r);
    n->failures = 0;
    find_pop(answer.pop, n->target->host, r);
    describe_question(&answer.asked, r);
    bool changed =
        !endpoint_same_address(&answer.to, &n->used) && answer.to.family != FAMILY_NONE;
    if (changed)
        say_address(n, &answer);
    if (changed || n->decoy_answered)
        try_decoy(n, &answer.to, now);
    n->used = answer.to;
    all->events.on_named(n->number, &answer, all->events.user);
}

static void on_resolution(const struct resolution *r, void *user)
{
    struct name *n = user;
    n->under_way = NULL;
    if (n->rests)
        return;
    if (r->error != NULL && r->unfit.family == FAMILY_NONE)
        lookup_failed(n, r);
    else
        lookup_answered(n, r);
}

/* ---- what is asked ---- */

/* A guessed name is complete: with a search domain that has a wildcard it would always
 * exist. */
static struct lookup *ask(struct name *n)
{
    const struct target *t = n->target;
    char absolute[HOST_TEXT_MAX + 1];
    snprintf(absolute, sizeof absolute, "%s.", t->host);
    return resolver_lookup(n->names->resolver, t->discovered ? absolute : t->host,
                           n->family, t->port, on_resolution, n);
}

void names_tick(struct names *all, struct mono now)
{
    for (size_t i = 0; i < all->n; i++) {
        struct name *n = &all->list[i];
        if (all->paused || n->target == NULL || n->rests || n->under_way != NULL ||
            n->ask_at.ns > now.ns)
            continue;
        all->counters.lookups++;
        n->under_way = ask(n);
    }
}

void names_ask_all(struct names *all, struct mono now)
{
    for (size_t i = 0; i < all->n; i++) {
        all->list[i].ask_at = now;
        all->list[i].decoy_at = now;
    }
}

void names_add(struct names *all, size_t number, const struct target *target)
{
    struct name *pair = &all->list[2 * number];
    pair[0] = (struct name){.names = all, .number = number, .family = FAMILY_IPV4};
    pair[1] = (struct name){.names = all, .number = number, .family = FAMILY_IPV6};
    pair[0].target = target->ipv4 ? target : NULL;
    pair[1].target = target->ipv6 ? target : NULL;
    if (all->n < 2 * number + 2)
        all->n = 2 * number + 2;
}

void names_rest(struct names *all, size_t number)
{
    for (size_t f = 0; f < 2; f++) {
        all->list[2 * number + f].rests = true;
        all->list[2 * number + f].used = (struct endpoint){.family = FAMILY_NONE};
    }
}

void names_wake(struct names *all, size_t number, struct mono now)
{
    for (size_t f = 0; f < 2; f++) {
        all->list[2 * number + f].rests = false;
        all->list[2 * number + f].ask_at = now;
    }
}

static void abandon(struct name *n)
{
    if (n->under_way != NULL)
        lookup_cancel(n->under_way);
    decoy_cancel(n->decoy);
    n->under_way = NULL;
    n->decoy = NULL;
}

void names_pause(struct names *all, bool paused)
{
    all->paused = paused;
    for (size_t i = 0; paused && i < all->n; i++)
        abandon(&all->list[i]);
}

/* ---- the whole ---- */

struct names *names_create(uv_loop_t *loop, struct resolver *resolver, size_t room,
                           struct names_events events)
{
    struct names *all = mem_zalloc(sizeof *all);
    all->loop = loop;
    all->resolver = resolver;
    all->events = events;
    all->random = random_from(chance_seed());
    all->paused = true;
    all->list = mem_zalloc(2 * room * sizeof *all->list);
    return all;
}

void names_destroy(struct names *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < all->n; i++)
        abandon(&all->list[i]);
    free(all->list);
    free(all);
}

const char *names_failure(const struct names *all, size_t number)
{
    const char *error = NULL;
    for (size_t i = 2 * number; i < 2 * number + 2 && i < all->n; i++) {
        const struct name *n = &all->list[i];
        if (n->target == NULL)
            continue;
        if (n->failures == 0 || n->used.family != FAMILY_NONE)
            return NULL;
        error = error != NULL ? error : n->error;
    }
    return error;
}

struct names_counters names_counters(const struct names *all)
{
    return all->counters;
}
