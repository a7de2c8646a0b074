#include "diagnose/resolver_round.h"

#include "base/mem.h"
#include "net/clock.h"
#include "net/resolver.h"
#include "net/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP_NS (30 * NS_PER_MS) /* between two lookups */

struct asked_name { /* one lookup under way */
    struct asked_server *server;
    size_t service, family;
};

struct asked_server {
    struct resolver_round *round;
    struct facts_resolver *facts;
    struct resolver *resolver; /* NULL: it could not be made */
    size_t next;               /* lookups that were sent */
    uv_timer_t *timer;
    struct asked_name names[FACTS_SERVICES][FACTS_FAMILIES];
};

struct resolver_round {
    struct facts *facts;
    struct asked_server servers[DNS_SERVERS_MAX];
};

/* A filter's address, such as 0.0.0.0, is an answer, too. */
static bool is_answer(const struct resolution *r)
{
    return r->error == NULL || !r->temporary || r->unfit.family != FAMILY_NONE;
}

static void keep_answer(struct facts_answer *a, const struct resolution *r,
                        const char *host)
{
    struct endpoint none = {.family = FAMILY_NONE};
    a->answered = is_answer(r);
    a->no_name = r->error != NULL && !r->temporary;
    a->n = resolution_addresses(r, host, a->all, FACTS_ANSWERS);
    resolution_choose(r, host, &none, &a->unfit);
}

static void on_answer(const struct resolution *r, void *user)
{
    struct asked_name *name = user;
    struct facts_resolver *f = name->server->facts;
    const char *host = name->server->round->facts->services[name->service].target.host;
    bool answered = is_answer(r);
    if (strcmp(r->servers, "hosts file") == 0)
        return;
    f->asked++;
    f->answered += answered;
    f->failed += !answered;
    if (answered)
        delay_ring_add(&f->lookups, wall_now(), r->took_ns);
    else
        text_copy(f->error, sizeof f->error, r->error);
    keep_answer(&f->answers[name->service][name->family], r, host);
}

static void ask(struct asked_server *s, size_t service, size_t family)
{
    char absolute[HOST_TEXT_MAX + 1];
    struct asked_name *name = &s->names[service][family];
    const struct target *t = &s->round->facts->services[service].target;
    snprintf(absolute, sizeof absolute, "%s.", t->host);
    *name = (struct asked_name){s, service, family};
    s->facts->answers[service][family].asked = true;
    resolver_lookup(s->resolver, absolute,
                    family == SLOT_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4, target_port(t, NULL),
                    on_answer, name);
}

static void on_timer(uv_timer_t *timer)
{
    struct asked_server *s = timer->data;
    size_t n = s->next++;
    ask(s, n / FACTS_FAMILIES, n % FACTS_FAMILIES);
    if (s->next < FACTS_FAMILIES * s->round->facts->n_services)
        timer_in(timer, on_timer, GAP_NS);
}

struct resolver_round *resolver_round_start(uv_loop_t *loop, struct facts *facts,
                                            const struct uplink *uplink)
{
    struct resolver_round *r = mem_zalloc(sizeof *r);
    r->facts = facts;
    for (size_t i = 0; i < facts->n_resolvers; i++) {
        struct asked_server *s = &r->servers[i];
        s->round = r;
        s->facts = &facts->resolvers[i];
        s->timer = timer_new(loop, s);
        if (facts->n_services == 0 ||
            resolver_create(&s->resolver, loop, s->facts->name) != 0) {
            s->resolver = NULL;
            continue;
        }
        if (uplink != NULL)
            resolver_use_uplink(s->resolver, uplink);
        timer_in(s->timer, on_timer, (int64_t)i * NS_PER_MS);
    }
    return r;
}

void resolver_round_destroy(struct resolver_round *r)
{
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->facts->n_resolvers; i++) {
        resolver_destroy(r->servers[i].resolver);
        timer_close(r->servers[i].timer);
    }
    free(r);
}
