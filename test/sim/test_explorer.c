/*
 * The explorer and the pipeline in a scripted world: DNS with a delay, names that move or
 * fail, addresses with a delay each. The clock is virtual, so that minutes and days of an
 * agent's life take milliseconds.
 */
#include "base/mem.h"
#include "core/pipeline.h"
#include "core/random.h"
#include "edge/explorer.h"
#include "unit/edge/shipped.h"

#define MS(x) ((int64_t)((x)*NS_PER_MS))

enum { NAMES_MAX = 160, UNDER_WAY_MAX = 4096, DNS_MS = 20 };

static const struct kind ping = {"icmp",
                                 {"rtt"},
                                 0,
                                 NS_PER_S,
                                 10 * NS_PER_S,
                                 .on_by_default = true,
                                 .may_be_filtered = true};
static const struct kind web = {.name = "https",
                                .delays = {"rtt", "first_byte"},
                                .uses = USES_PORT | USES_HTTP,
                                .interval_ns = 10 * NS_PER_S,
                                .slow_interval_ns = 60 * NS_PER_S,
                                .roles = {DELAY_HANDSHAKE, DELAY_REPLY},
                                .on_by_default = true,
                                .tells_pop = true};
static const struct kind dns = {.name = "dns",
                                .delays = {"rtt"},
                                .uses = USES_PORT | USES_QUERY,
                                .port = 53,
                                .interval_ns = 10 * NS_PER_S,
                                .slow_interval_ns = 60 * NS_PER_S,
                                .roles = {DELAY_ROUND_TRIP},
                                .of_resolver = true};
static const struct kinds kinds = {{&ping, &web, &dns}, 3};

struct record {               /* of DNS */
    const char *host, *chain; /* its CNAME, or NULL */
    uint8_t address;          /* the last byte of 198.51.100.0/24; 0: no such name */
    bool fails;               /* no server answers for it */
    uint32_t ttl_s;
    /* `each` of the `n` addresses from `address` on, beginning with another one in each
     * answer; 0: `address` alone. */
    uint8_t n, each;
    size_t asked;
};

struct server {    /* of an address */
    double rtt_ms; /* 0: does not answer */
    const char *pop, *basis;
    bool other_certificate;
};

struct answer { /* under way */
    struct mono at;
    struct explorer_step step;
    struct result
        result; /* of a probe, where `step.target` is NULL and ref is SIZE_MAX */
    char host[HOST_TEXT_MAX];
};

struct world {
    struct edge_data known;
    struct config config;
    struct explorer *explorer;
    struct pipeline *pipeline;
    bool silent;       /* DNS answers nothing */
    size_t unanswered; /* how often that was told */
    struct record records[NAMES_MAX];
    size_t n_records;
    bool ipv6; /* what has an IPv4 address has an IPv6 address, too */
    bool no_route[FAMILY_SLOTS];
    struct server servers[256];
    struct answer *under_way;
    size_t n_under_way;
    struct mono now, began;
    bool middlebox;         /* answers every handshake */
    struct kept_doors kept; /* what the last sweep found */
    size_t kept_n, forgotten;
    size_t handshakes_by[2]; /* by family */
    size_t lookups, handshakes, surveys, moves, uses, probes_to_unprobed;
    size_t lookups_a_second, most_lookups_a_second;
    int64_t second;
};

/* ---- the world ---- */

static struct record *record_of(struct world *w, const char *host)
{
    size_t len = strcspn(host, "");
    for (size_t i = 0; i < w->n_records; i++)
        if (strncasecmp(w->records[i].host, host, len + 1) == 0)
            return &w->records[i];
    return NULL;
}

static struct record *point(struct world *w, const char *host, uint8_t address)
{
    struct record *r = record_of(w, host);
    if (r == NULL)
        r = &w->records[w->n_records++];
    *r = (struct record){.host = host, .address = address, .ttl_s = 60};
    return r;
}

static void serve(struct world *w, uint8_t address, double rtt_ms, const char *pop,
                  const char *basis)
{
    w->servers[address] = (struct server){rtt_ms, pop, basis, false};
}

static struct endpoint address(uint8_t last)
{
    return (struct endpoint){
        .family = FAMILY_IPV4, .bytes = {198, 51, 100, last}, .port = 443};
}

/* The same server. */
static struct endpoint address6(uint8_t last)
{
    return (struct endpoint){
        .family = FAMILY_IPV6, .bytes = {0x20, 1, 0xd, last}, .port = 443};
}

static struct wall wall_of(const struct world *w)
{
    return (struct wall){INT64_C(1795424400) * NS_PER_S + w->now.ns - w->began.ns};
}

/* An agent that knows nothing. */
static void begin_again(struct world *w)
{
    struct pipeline_settings settings = config_pipeline(&w->config);
    struct explorer_pace pace = {250 * NS_PER_MS, 12 * NS_PER_S};
    w->under_way = mem_zalloc(UNDER_WAY_MAX * sizeof *w->under_way);
    w->n_under_way = 0;
    w->pipeline = pipeline_create(&settings, &kinds, 7, w->now, wall_of(w));
    w->explorer = explorer_create(&w->config, &w->known, &kinds, pace, 7);
    explorer_pause(w->explorer, false, w->now);
}

static void begin_at(struct world *w, const char *configuration, bool proxied)
{
    struct said said = {.n = 0};
    *w = (struct world){.now = {500 * NS_PER_S}, .began = {500 * NS_PER_S}};
    w->config = config_default();
    SHIPPED_PARSE(catalogue_parse, &w->known.metros, "metros.csv");
    SHIPPED_PARSE(workloads_parse, &w->known.workloads, "targets.csv");
    config_parse(&w->config, &kinds, "f", configuration, strlen(configuration),
                 ship_log_add, &said);
    CHECK_INT(0, said.n, text_string(&said.lines));
    for (size_t t = 0; t < w->config.n_targets; t++)
        w->config.targets[t].ipv6 = false;
    for (size_t t = 0; t < w->config.n_targets; t++)
        w->config.targets[t].proxied = proxied;
    for (size_t i = 0; i < w->known.workloads.n; i++)
        w->known.workloads.all[i].proxied = proxied;
    w->silent = proxied;
    site_read(&w->known.site, &w->known.metros, w->config.location, &w->config.peering,
              NULL, NULL);
    begin_again(w);
}

static void begin(struct world *w, const char *configuration)
{
    begin_at(w, configuration, false);
}

static void end(struct world *w)
{
    explorer_destroy(w->explorer);
    pipeline_destroy(w->pipeline);
    config_free(&w->config);
    edge_data_free(&w->known);
    kept_doors_free(&w->kept);
    free(w->under_way);
}

static struct answer *send_later(struct world *w, double ms)
{
    CHECK(w->n_under_way < UNDER_WAY_MAX, "a bounded number under way");
    struct answer *a = &w->under_way[w->n_under_way++];
    *a = (struct answer){.at = {w->now.ns + MS(ms)}};
    return a;
}

/* ---- as the measurer turns them ---- */

static void resolve(struct world *w, const struct explorer_step *step)
{
    struct answer *a = send_later(w, DNS_MS);
    a->step = *step;
    text_copy(a->host, sizeof a->host, step->host);
    w->lookups++;
    if (w->now.ns / NS_PER_S != w->second) {
        w->second = w->now.ns / NS_PER_S;
        w->lookups_a_second = 0;
    }
    if (++w->lookups_a_second > w->most_lookups_a_second)
        w->most_lookups_a_second = w->lookups_a_second;
}

static void carry_out(struct world *w, const struct explorer_step *step)
{
    size_t n;
    const struct target_state *states;
    struct endpoint nowhere = {.family = FAMILY_NONE};
    struct owner owner;
    switch (step->action) {
    case EXPLORER_ADD:
        CHECK_INT(step->number, pipeline_add(w->pipeline, step->target), "its number");
        break;
    case EXPLORER_RESOLVE:
        resolve(w, step);
        break;
    case EXPLORER_USE:
        w->uses += step->changed;
        owner = explorer_owner(w->explorer, step->number, step->family);
        if (step->target->gateway || target_is_resolver(step->target, &kinds))
            pipeline_owner(w->pipeline, step->number, step->family, &owner, w->now,
                           wall_of(w));
        pipeline_addresses(w->pipeline, step->number, step->family, step->known,
                           step->n_known);
        pipeline_resolved(w->pipeline, step->number, step->family, step->to, step->pop,
                          w->now, wall_of(w));
        break;
    case EXPLORER_STOP:
        pipeline_resolved(w->pipeline, step->number, step->family, nowhere, "", w->now,
                          wall_of(w));
        break;
    case EXPLORER_DECOY:
    case EXPLORER_HANDSHAKE:
        w->handshakes += step->action == EXPLORER_HANDSHAKE;
        w->handshakes_by[family_slot(step->family)] += step->action == EXPLORER_HANDSHAKE;
        send_later(w, 1 + w->servers[step->to.bytes[3]].rtt_ms)->step = *step;
        break;
    case EXPLORER_SURVEY_BEGIN:
        w->surveys++;
        pipeline_survey_begin(w->pipeline, w->now);
        break;
    case EXPLORER_SURVEY_END:
        states = pipeline_survey_end(w->pipeline, w->now, &n);
        explorer_ranked(w->explorer, states, n, w->now);
        break;
    case EXPLORER_MOVED:
        w->moves++;
        pipeline_moved(w->pipeline, w->now, wall_of(w));
        break;
    case EXPLORER_SWEPT:
        kept_doors_free(&w->kept);
        CHECK(explorer_keep(w->explorer, &w->kept), "a sweep found something");
        w->kept_n++;
        break;
    case EXPLORER_FORGOTTEN:
        w->forgotten++;
        break;
    case EXPLORER_UNANSWERED:
        w->unanswered++;
        break;
    case EXPLORER_FAILED:
        break;
    }
}

static void probe(struct world *w, const struct probe_request *o)
{
    const struct server *s = &w->servers[o->to.bytes[3]];
    bool lost = s->rtt_ms == 0, tls = o->kind == 1;
    enum outcome outcome = w->no_route[family_slot((enum family)o->to.family)]
                               ? OUTCOME_NOT_MEASURED
                           : lost                        ? OUTCOME_LOSS
                           : tls && s->other_certificate ? OUTCOME_TLS_ERROR
                                                         : OUTCOME_REPLY;
    struct answer *a = send_later(w, lost ? 2000 : s->rtt_ms);
    a->step.ref = SIZE_MAX;
    a->result = result_of(o->stream, &o->to, wall_of(w), outcome);
    if (outcome == OUTCOME_REPLY) {
        a->result.delays[0] = MS(tls && w->middlebox ? 0.3 : s->rtt_ms);
        a->result.delays[1] = tls ? MS(s->rtt_ms) : DELAY_UNDEFINED;
        a->result.http.status = tls ? 200 : 0;
        text_copy(a->result.pop, sizeof a->result.pop,
                  tls && s->pop != NULL ? s->pop : "");
        a->result.pop_basis = a->result.pop[0] != '\0' ? s->basis : NULL;
    }
}

static void answer_lookup(struct world *w, const struct answer *a)
{
    static struct resolution r;
    struct record *record = record_of(w, a->host);
    r = (struct resolution){.servers = "192.0.2.53", .ttl_s = 60};
    if (w->silent) {
        r.error = "no DNS server answered";
        r.temporary = true;
    } else if (record == NULL || (record->address == 0 && !record->fails)) {
        r.error = "no such name";
    } else if (record->fails) {
        r.error = "no DNS server answered";
        r.temporary = true;
    } else if (a->step.family == FAMILY_IPV4) {
        for (size_t i = 0; i < (record->n > 0 ? record->each : 1); i++)
            r.addresses[r.n++] =
                address((uint8_t)(record->address +
                                  (record->n > 0 ? (record->asked + i) % record->n : 0)));
        record->asked += record->n > record->each ? record->each : 1;
        r.ttl_s = record->ttl_s;
        if (record->chain != NULL)
            text_copy(r.cnames[r.n_cnames++], HOST_TEXT_MAX, record->chain);
        text_copy(r.last, sizeof r.last, record->chain != NULL ? record->chain : a->host);
    } else if (w->ipv6) {
        r.addresses[r.n++] = address6(record->address);
    }
    explorer_answer(w->explorer, a->step.ref, a->step.family, &r, w->now);
}

static void deliver(struct world *w, const struct answer *a)
{
    if (a->step.ref == SIZE_MAX) {
        struct endpoint to;
        size_t number = pipeline_target_of(w->pipeline, a->result.stream);
        if (!pipeline_only_watches(w->pipeline, a->result.stream))
            explorer_result(w->explorer, number, &a->result);
        pipeline_result(w->pipeline, &a->result);
        if (pipeline_prefers(w->pipeline, number, a->result.to.family, &to))
            explorer_prefer(w->explorer, number, &to);
        return;
    }
    double rtt_ms = w->servers[a->step.to.bytes[3]].rtt_ms;
    bool sent = !w->no_route[family_slot(a->step.family)];
    int64_t rtt_ns = sent && rtt_ms > 0 ? MS(rtt_ms) : DELAY_UNDEFINED;
    if (w->middlebox)
        rtt_ns = MS(0.3);
    if (a->step.action == EXPLORER_RESOLVE)
        answer_lookup(w, a);
    else if (a->step.action == EXPLORER_HANDSHAKE)
        explorer_handshake(w->explorer, a->step.ref, rtt_ns);
    else {
        explorer_decoy(w->explorer, a->step.ref, a->step.family, w->middlebox);
        pipeline_decoy(w->pipeline, a->step.ref, a->step.family,
                       w->middlebox ? MS(0.3) : DELAY_UNDEFINED);
    }
}

static void turn(struct world *w)
{
    struct explorer_step step;
    struct probe_request order;
    while (explorer_take(w->explorer, w->now, &step))
        carry_out(w, &step);
    while (pipeline_take(w->pipeline, w->now, &order))
        probe(w, &order);
    if (wall_of(w).ns >= pipeline_closing(w->pipeline).ns) {
        const struct batch *b = pipeline_close(w->pipeline, w->now, wall_of(w));
        explorer_ranked(w->explorer, b->targets, b->n_targets, w->now);
    }
}

static void run(struct world *w, double seconds)
{
    int64_t until_ns = w->now.ns + (int64_t)(seconds * 1e9);
    while (w->now.ns < until_ns) {
        struct mono at = {until_ns}, due;
        turn(w);
        if (explorer_next(w->explorer, &due) && due.ns < at.ns)
            at = due;
        if (pipeline_next(w->pipeline, &due) && due.ns < at.ns)
            at = due;
        int64_t closing_ns = pipeline_closing(w->pipeline).ns - wall_of(w).ns + w->now.ns;
        if (closing_ns < at.ns)
            at.ns = closing_ns;
        size_t first = w->n_under_way;
        for (size_t i = 0; i < w->n_under_way; i++)
            if (w->under_way[i].at.ns <= at.ns) {
                at = w->under_way[i].at;
                first = i;
            }
        if (at.ns > w->now.ns)
            w->now = at;
        if (first < w->n_under_way) {
            struct answer a = w->under_way[first];
            w->under_way[first] = w->under_way[--w->n_under_way];
            deliver(w, &a);
        }
    }
}

/* ---- what is asserted ---- */

static const struct target_state *state_of(struct world *w, const char *host)
{
    size_t n;
    const struct target_state *states = pipeline_survey_rank(w->pipeline, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(states[i].target->host, host) == 0)
            return &states[i];
    return NULL;
}

static bool is_probed(struct world *w, const char *host)
{
    const struct target_state *s = state_of(w, host);
    return s != NULL && s->addresses[0].to.family != FAMILY_NONE;
}

static void nearest_is(struct world *w, const char *host, const char *what)
{
    size_t n;
    const struct target_state *states = pipeline_survey_rank(w->pipeline, &n);
    size_t first = 0;
    while (first < n && states[first].rank != 1)
        first++;
    CHECK(first < n, "%s: something is ranked", what);
    CHECK_TEXT(host, states[first].target->host, what);
}

#define EXCHANGE                                                                         \
    "[agent]\nworkloads = no\nfront_doors = 3\n"                                         \
    "[target exchange]\nhost = outlook.office365.com\nservice = exchange\n"
#define OWN        "outlook.office365.com"
#define DOOR(code) code "-efz.ms-acdc.office.com"

/* Lyon: its resolver is in the United States and leads to New York. */
static void begin_lyon(struct world *w)
{
    begin(w, EXCHANGE);
    point(w, OWN, 1)->chain = DOOR("nyc");
    serve(w, 1, 82, "NYC", "X-FirstHopCafeEFZ");
    point(w, DOOR("cdg"), 2);
    serve(w, 2, 6, "CDG", "X-FirstHopCafeEFZ");
    point(w, DOOR("lhr"), 3);
    serve(w, 3, 14, "LHR", "X-FirstHopCafeEFZ");
    point(w, DOOR("fra"), 4);
    serve(w, 4, 12, "FRA", "X-FirstHopCafeEFZ");
    point(w, DOOR("nyc"), 1);
    point(w, DOOR("sin"), 5);
    serve(w, 5, 160, "SIN", "X-FirstHopCafeEFZ");
}

static void far_resolver(void **state)
{
    (void)state;
    struct world w;
    struct doors_summary s;
    begin_lyon(&w);
    run(&w, 130);
    nearest_is(&w, DOOR("cdg"), "Paris at 6 ms, although DNS leads to New York");
    CHECK(is_probed(&w, DOOR("fra")) && is_probed(&w, DOOR("lhr")), "the three nearest");
    CHECK(!is_probed(&w, DOOR("sin")), "and no far one");
    CHECK(!is_probed(&w, DOOR("nyc")), "the door that serves is not probed twice");
    CHECK(explorer_summary(w.explorer, &s), "it can state");
    CHECK_INT(5, s.exist, "how many exist");
    CHECK_INT(0, s.left, "that none is left which could be nearer");
    CHECK(w.most_lookups_a_second <= 8, "at most %zu lookups a second",
          w.most_lookups_a_second);
    size_t lookups = w.lookups, handshakes = w.handshakes;
    run(&w, 20 * 3600);
    CHECK(w.lookups - lookups < 20 * 60 * 5, "then only what is probed is asked for: %zu",
          w.lookups - lookups);
    CHECK_INT(handshakes, w.handshakes, "and no handshake beside the probes");
    run(&w, 5 * 3600);
    CHECK(w.handshakes > handshakes, "until the next day's sweep");
    end(&w);
}

/* It is probed without a lookup, has no rank, follows the host, and its silence is no
 * outage. */
static void default_gateway(void **state)
{
    (void)state;
    struct world w;
    begin(&w,
          "[agent]\nworkloads = no\nfront_doors = 0\n[target own]\nhost = o.example\n");
    point(&w, "o.example", 1);
    serve(&w, 1, 20, "FRA", "X-FEServer");
    serve(&w, 9, 1, "", "");
    struct endpoint first = address(9), second = address(10), none = {0};
    explorer_gateway(w.explorer, FAMILY_IPV4, &first);
    size_t lookups = w.lookups;
    run(&w, 3);
    CHECK_INT(lookups + 1, w.lookups, "the target's alone");
    run(&w, 200);
    const struct target_state *is = state_of(&w, GATEWAY_HOST);
    CHECK(is != NULL && is->min_ns == MS(1) && is->rank == 0, "measured, no rank");
    CHECK_INT(OWNER_GATEWAY, target_verdict(is)->type, "it is no PoP");
    explorer_gateway(w.explorer, FAMILY_IPV4, &second); /* which does not answer */
    run(&w, 200);
    is = state_of(&w, GATEWAY_HOST);
    CHECK_INT(10, is->addresses[SLOT_IPV4].to.bytes[3], "the new one is probed");
    CHECK(is->states[SLOT_IPV4][0] != STATE_DOWN, "its silence is no outage");
    CHECK(state_of(&w, "o.example")->rank == 1, "the target is not concerned");
    explorer_gateway(w.explorer, FAMILY_IPV4, &none);
    run(&w, 10);
    CHECK_INT(FAMILY_NONE, state_of(&w, GATEWAY_HOST)->addresses[SLOT_IPV4].to.family,
              "there is none");
    end(&w);
}

static struct dns_server server_at(uint8_t last, uint16_t port)
{
    struct dns_server s = {.at = address(last)};
    s.at.port = port;
    return s;
}

/* Each is probed without a lookup, has no rank, is down when it is silent, and follows
 * resolv.conf. */
static void dns_servers(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "[agent]\nworkloads = no\nfront_doors = 0\n[target own]\nhost = o.example\n"
              "[target mine]\nhost = 198.51.100.8\nkinds = dns\n");
    point(&w, "o.example", 1);
    serve(&w, 1, 20, "FRA", "X-FEServer");
    point(&w, "198.51.100.8", 8); /* the resolver answers a literal itself */
    serve(&w, 9, 1, "", "");
    struct dns_server list[] = {server_at(9, 0), server_at(10, 5353), server_at(8, 53),
                                server_at(9, 53)};
    explorer_resolvers(w.explorer, list, 4);
    run(&w, 3);
    CHECK_INT(2, w.lookups, "only of what is configured");
    run(&w, 300);
    const struct target_state *is = state_of(&w, "198.51.100.9");
    CHECK(is != NULL && is->rank == 0 && target_verdict(is)->type == OWNER_RESOLVER,
          "no rank");
    CHECK_TEXT("dns-198.51.100.9", is->target->name, "its name");
    CHECK_INT(STATE_UP, is->states[SLOT_IPV4][2], "it answers");
    is = state_of(&w, "198.51.100.10");
    CHECK_TEXT("dns-198.51.100.10-5353", is->target->name, "by its port");
    CHECK_INT(STATE_DOWN, is->states[SLOT_IPV4][2], "it is silent");
    CHECK_TEXT("mine", explorer_resolver(w.explorer, &list[2])->name,
               "a configured one is not probed twice");
    CHECK(explorer_resolver(w.explorer, &list[3]) ==
              explorer_resolver(w.explorer, &list[0]),
          "nor one that is listed twice");
    CHECK(state_of(&w, "o.example")->rank == 1, "the target is not concerned");
    explorer_resolvers(w.explorer, &list[1], 1);
    run(&w, 10);
    CHECK_INT(FAMILY_NONE, state_of(&w, "198.51.100.9")->addresses[SLOT_IPV4].to.family,
              "it has left the list");
    explorer_resolvers(w.explorer, list, 2);
    run(&w, 10);
    CHECK_INT(FAMILY_IPV4, state_of(&w, "198.51.100.9")->addresses[SLOT_IPV4].to.family,
              "it is there again");
    size_t known = 0;
    for (uint8_t i = 100; i < 200; i++) {
        struct dns_server other = server_at(i, 53);
        explorer_resolvers(w.explorer, &other, 1);
        known += explorer_resolver(w.explorer, &other) != NULL;
    }
    CHECK_INT(RESOLVERS_EVER_MAX - 2, known, "a bounded number");
    end(&w);
}

static void moved(void **state)
{
    (void)state;
    struct world w;
    begin_lyon(&w);
    run(&w, 130);
    serve(&w, 2, 140, "CDG", "X-FirstHopCafeEFZ"); /* the host is in Singapore now */
    serve(&w, 3, 150, "LHR", "X-FirstHopCafeEFZ");
    serve(&w, 4, 145, "FRA", "X-FirstHopCafeEFZ");
    serve(&w, 5, 3, "SIN", "X-FirstHopCafeEFZ");
    run(&w, 400);
    explorer_network(w.explorer, "the default gateway", true, 7, w.now);
    run(&w, 130);
    CHECK_INT(1, w.moves, "the pipeline is told once");
    nearest_is(&w, DOOR("sin"), "what was near there is not near here");
    end(&w);
}

/* Lyon with IPv4 and IPv6, of which the host has a route for some. */
static void begin_with_routes(struct world *w, bool ipv4, bool ipv6)
{
    begin_lyon(w);
    explorer_destroy(w->explorer);
    pipeline_destroy(w->pipeline);
    free(w->under_way);
    w->config.targets[0].ipv6 = w->ipv6 = true;
    begin_again(w);
    w->no_route[SLOT_IPV4] = !ipv4;
    w->no_route[SLOT_IPV6] = !ipv6;
    explorer_routes(w->explorer, ipv4, ipv6, w->now);
}

static void no_route_of_ipv4(void **state)
{
    (void)state;
    struct world w;
    struct doors_summary s;
    begin_with_routes(&w, false, true);
    run(&w, 130);
    CHECK_INT(0, w.handshakes_by[SLOT_IPV4], "nothing is tried by IPv4");
    nearest_is(&w, DOOR("cdg"), "the nearest is found by IPv6");
    CHECK(explorer_summary(w.explorer, &s), "it can state");
    CHECK_INT(5, s.answering, "that all answer");
    end(&w);
}

static void route_goes_and_comes(void **state)
{
    (void)state;
    struct world w;
    struct doors_summary s;
    begin_with_routes(&w, true, true);
    run(&w, 130);
    CHECK_INT(0, w.handshakes_by[SLOT_IPV6], "all doors are compared by IPv4");
    nearest_is(&w, DOOR("cdg"), "the nearest is found");
    for (size_t i = 0; i < 2; i++) {
        enum { AGAIN_S = 300 + 130 };
        size_t lookups = w.lookups, used = i == 0 ? SLOT_IPV6 : SLOT_IPV4;
        w.handshakes_by[SLOT_IPV4] = w.handshakes_by[SLOT_IPV6] = 0;
        w.no_route[SLOT_IPV4] = i == 0;
        for (size_t k = 0; k < 3; k++) { /* it is told at each window */
            explorer_routes(w.explorer, i > 0, true, w.now);
            run(&w, AGAIN_S / 3.0);
        }
        CHECK(w.handshakes_by[used] > 0 && w.handshakes_by[1 - used] == 0,
              "all are compared again, by the other family");
        CHECK(w.lookups - lookups < 700, "once: %zu lookups", w.lookups - lookups);
        nearest_is(&w, DOOR("cdg"), "and the nearest is found again");
        CHECK(explorer_summary(w.explorer, &s) && s.answering == 5, "all answer");
    }
    end(&w);
}

/* The agent ends and starts again; `age_s` after the sweep. */
static void restart(struct world *w, double age_s)
{
    explorer_destroy(w->explorer);
    pipeline_destroy(w->pipeline);
    w->n_under_way = w->lookups = w->handshakes = w->moves = w->surveys = w->kept_n = 0;
    struct pipeline_settings settings = config_pipeline(&w->config);
    struct explorer_pace pace = {.gap_ns = 250 * NS_PER_MS};
    w->pipeline = pipeline_create(&settings, &kinds, check_seed(), w->now, wall_of(w));
    w->explorer = explorer_create(&w->config, &w->known, &kinds, pace, check_seed());
    CHECK(explorer_resume(w->explorer, &w->kept, (int64_t)(age_s * 1e9), w->now),
          "it resumes");
    explorer_pause(w->explorer, false, w->now);
}

static void restarted(void **state)
{
    (void)state;
    struct world w;
    struct doors_summary s;
    begin_lyon(&w);
    run(&w, 130);
    CHECK_INT(1, w.kept_n, "a sweep is kept");
    restart(&w, 20 * 3600);
    run(&w, 9); /* of the survey */
    nearest_is(&w, DOOR("cdg"), "the nearest is measured at once");
    CHECK(is_probed(&w, DOOR("fra")) && is_probed(&w, DOOR("lhr")), "and the next");
    CHECK(w.lookups < 15, "not one lookup for each metro: %zu", w.lookups);
    run(&w, 100);
    CHECK(w.handshakes < 60, "nor a handshake with the far ones: %zu", w.handshakes);
    CHECK(explorer_summary(w.explorer, &s), "it can state the same");
    CHECK_INT(5, s.exist, "how many exist");
    CHECK_INT(5, s.answering, "and answer");
    CHECK_INT(0, s.left, "and that none is left");
    CHECK_INT(0, w.kept_n, "what was resumed is not a sweep");
    CHECK_INT(0, w.forgotten, "nothing contradicts");
    run(&w, 4 * 3600);
    CHECK_INT(1, w.kept_n, "the daily sweep comes when it is due");
    end(&w);
}

/* A laptop in another town, with the same addresses behind the same kind of router. */
static void restarted_elsewhere(void **state)
{
    (void)state;
    struct world w;
    begin_lyon(&w);
    run(&w, 130);
    serve(&w, 2, 140, "CDG", "X-FirstHopCafeEFZ"); /* Singapore */
    serve(&w, 3, 150, "LHR", "X-FirstHopCafeEFZ");
    serve(&w, 4, 145, "FRA", "X-FirstHopCafeEFZ");
    serve(&w, 5, 3, "SIN", "X-FirstHopCafeEFZ");
    restart(&w, 3600);
    run(&w, 140);
    CHECK_INT(1, w.forgotten, "its delays are others");
    nearest_is(&w, DOOR("sin"), "what was near there is not near here");
    CHECK(!is_probed(&w, DOOR("lhr")), "nor probed any more");
    CHECK_INT(1, w.kept_n, "and what is here is kept instead");
    serve(&w, 5, 75, "SIN", "X-FirstHopCafeEFZ"); /* back, while it was off */
    serve(&w, 2, 6, "CDG", "X-FirstHopCafeEFZ");
    serve(&w, 4, 12, "FRA", "X-FirstHopCafeEFZ");
    restart(&w, 3600);
    run(&w, 140);
    nearest_is(&w, DOOR("cdg"), "and back");
    end(&w);
}

/* ---- random sites, and moves between them while the agent was off ---- */

static double random_between(struct random *r, double least, double most)
{
    return least + (most - least) * random_unit(r);
}

/* Of the names each exists with the same chance; number + 1 is the address. */
static void begin_earth(struct world *w, struct random *r, const struct doors *names)
{
    double exist = random_between(r, 0.1, 1);
    w->n_records = 0;
    memset(w->servers, 0, sizeof w->servers);
    for (size_t i = 0; i < doors_count(names); i++)
        if (w->n_records == 0 || random_unit(r) < exist)
            point(w, doors_at(names, i)->host, (uint8_t)(i + 1));
}

/* The host is at a site near a random metro; DNS leads to any door. Returns the address of
 * the nearest. */
static uint8_t begin_site(struct world *w, struct random *r, const struct doors *names)
{
    const struct catalogue *metros = &w->known.metros;
    const struct metro *home = &metros->metros[random_below(r, (int64_t)metros->n)];
    struct position site = {home->at.latitude + random_between(r, -3, 3),
                            home->at.longitude + random_between(r, -3, 3)};
    double last_mile_ms = random_between(r, 0.5, 15);
    uint8_t nearest = 0;
    if (record_of(w, OWN) != NULL)
        w->n_records--;
    size_t n = w->n_records;
    for (size_t i = 0; i < n; i++) {
        uint8_t at = w->records[i].address;
        const struct metro *metro = doors_at(names, at - 1U)->metro;
        double bound_ms =
            (double)distance_rtt_bound_ns(distance_km(site, metro->at)) / 1e6;
        double rtt_ms = last_mile_ms + bound_ms * random_between(r, 1.2, 3);
        serve(w, at, rtt_ms, metro->code, "X-FirstHopCafeEFZ");
        if (nearest == 0 || rtt_ms < w->servers[nearest].rtt_ms)
            nearest = at;
    }
    struct record served = w->records[random_below(r, (int64_t)n)];
    point(w, OWN, served.address)->chain = served.host;
    return nearest;
}

/* Whether what ranks first is as near as the nearest, but for half a millisecond. */
static bool is_right(struct world *w, uint8_t nearest)
{
    size_t n;
    const struct target_state *states = pipeline_survey_rank(w->pipeline, &n);
    for (size_t i = 0; i < n; i++)
        if (states[i].rank == 1)
            return (double)states[i].min_ns / 1e6 <= w->servers[nearest].rtt_ms + 0.5;
    return false;
}

static void random_sites(void **state)
{
    (void)state;
    const int sites = check_quick() ? 10 : 200;
    struct random r = random_from(check_seed());
    struct world w;
    int right = 0, right_after_move = 0, forgotten = 0, right_after_restart = 0;
    begin(&w, EXCHANGE);
    struct doors *names =
        doors_create(&w.known.metros, &w.known.workloads, true, false, NS_PER_MS);
    begin_earth(&w, &r, names);
    uint8_t nearest = begin_site(&w, &r, names);
    run(&w, 240);
    for (int i = 0; i < sites; i++) {
        right += is_right(&w, nearest);
        restart(&w, 3600); /* the same site */
        run(&w, 9);        /* of the survey */
        right_after_restart += is_right(&w, nearest) && w.forgotten == 0;
        nearest = begin_site(&w, &r, names);
        restart(&w, 3600); /* another one */
        run(&w, 240);
        right_after_move += is_right(&w, nearest);
        forgotten += w.forgotten > 0;
        explorer_destroy(w.explorer);
        pipeline_destroy(w.pipeline);
        free(w.under_way);
        w.forgotten = 0;
        begin_earth(&w, &r, names);
        nearest = begin_site(&w, &r, names);
        begin_again(&w);
        run(&w, 240);
    }
    printf(
        "# %d random sites: right in %d, after a restart in %d, after a move behind the "
        "same gateway in %d (forgotten in %d)\n",
        sites, right, right_after_restart, right_after_move, forgotten);
    CHECK_INT(sites, right, "the nearest, wherever DNS leads");
    CHECK_INT(sites, right_after_restart, "and after a restart");
    CHECK_INT(sites, right_after_move, "and somewhere else");
    doors_destroy(names);
    end(&w);
}

static void restarted_with_a_new_catalogue(void **state)
{
    (void)state;
    struct world w;
    begin_lyon(&w);
    run(&w, 130);
    for (size_t i = 0; i < w.kept.n; i++) /* the name of Paris is new in this release */
        if (strcmp(w.kept.all[i].host, DOOR("cdg")) == 0)
            w.kept.all[i] = w.kept.all[--w.kept.n];
    restart(&w, 3600);
    run(&w, 100);
    nearest_is(&w, DOOR("cdg"), "a name that is not known yet is asked for");
    CHECK(w.lookups < 20, "and no other: %zu", w.lookups);
    w.kept.families[1] = true;
    struct explorer_pace pace = {.gap_ns = 250 * NS_PER_MS};
    struct explorer *other =
        explorer_create(&w.config, &w.known, &kinds, pace, check_seed());
    CHECK(!explorer_resume(other, &w.kept, 0, w.now), "other families are other names");
    explorer_destroy(other);
    end(&w);
}

static void starts_without_an_uplink(void **state)
{
    (void)state;
    struct world w;
    struct record records[NAMES_MAX];
    begin_lyon(&w);
    memcpy(records, w.records, sizeof records);
    w.n_records = 0;
    run(&w, 200);
    CHECK_INT(0, w.kept_n, "nothing is found");
    memcpy(w.records, records, sizeof records);
    w.n_records = NAMES_MAX;
    while (w.records[w.n_records - 1].host == NULL)
        w.n_records--;
    run(&w, 500);
    nearest_is(&w, DOOR("cdg"), "it sweeps again after minutes, not after a day");
    CHECK_INT(1, w.kept_n, "once");
    w.n_records = 0;
    run(&w, 25 * 3600);
    size_t lookups = w.lookups;
    run(&w, 48 * 3600);
    CHECK(w.lookups - lookups < 48 * 3600 / 30 * 5, "and ever less often: %zu lookups",
          w.lookups - lookups);
    end(&w);
}

static void unstable_network(void **state)
{
    (void)state;
    struct world w;
    begin_lyon(&w);
    run(&w, 60);
    size_t before = w.handshakes;
    for (int i = 0; i < 600; i++) {
        explorer_network(w.explorer, "link wlan0", i % 3 > 0, (uint64_t)i % 2, w.now);
        run(&w, 1);
    }
    CHECK(w.moves <= 2 * DAMPING_CHANGES, "%zu moves of 600 changes to and fro", w.moves);
    CHECK(w.handshakes - before < 500, "and few sweeps: %zu handshakes",
          w.handshakes - before);
    size_t moves = w.moves;
    explorer_network(w.explorer, "the default gateway", true, 99, w.now);
    run(&w, 2);
    CHECK_INT(moves + 1, w.moves, "a new place is always reported");
    CHECK_INT(0, explorer_settled(w.explorer, w.now), "it has not settled");
    run(&w, 3700);
    CHECK(explorer_settled(w.explorer, w.now) >= 590, "settled after an hour");
    end(&w);
}

static void zone_less_chain(void **state)
{
    (void)state;
    struct world w;
    begin(&w, EXCHANGE);
    point(&w, OWN, 3)->chain = "atm.outlook.mira.tm.svc.cloud.microsoft";
    point(&w, DOOR("lhr"), 3);
    serve(&w, 3, 9, "LHR", "X-FirstHopCafeEFZ");
    point(&w, DOOR("cdg"), 2);
    serve(&w, 2, 12, "CDG", "X-FirstHopCafeEFZ");
    run(&w, 130);
    CHECK(!is_probed(&w, DOOR("lhr")), "the same address is the same door");
    CHECK(is_probed(&w, DOOR("cdg")), "another one is");
    point(&w, DOOR("lhr"), 33); /* another address of the same door */
    serve(&w, 33, 9, "LHR", "X-FirstHopCafeEFZ");
    run(&w, 25 * 3600);
    CHECK(!is_probed(&w, DOOR("lhr")), "the PoP that replies name tells it, too");
    end(&w);
}

static void made_up_addresses(void **state)
{
    (void)state;
    struct world w;
    begin_lyon(&w);
    point(&w, DOOR("gva"), 6); /* 1 ms away, but not Microsoft's certificate */
    serve(&w, 6, 1, NULL, NULL);
    w.servers[6].other_certificate = true;
    run(&w, 300);
    CHECK(!is_probed(&w, DOOR("gva")), "it is not probed any more");
    nearest_is(&w, DOOR("cdg"), "nor the nearest");
    CHECK(is_probed(&w, DOOR("lhr")), "the next nearest took its place");
    end(&w);
}

static void middlebox(void **state)
{
    (void)state;
    struct world w;
    begin_lyon(&w);
    w.middlebox = true;
    serve(&w, 1, 82, "NYC", "X-FirstHopCafeEFZ");
    point(&w, DOOR("bos"), 7);
    serve(&w, 7, 90, "BOS", "X-FirstHopCafeEFZ");
    run(&w, 300);
    nearest_is(&w, DOOR("cdg"),
               "handshakes say nothing: step by step, around the nearest by ICMP");
    end(&w);
}

static void failing_dns(void **state)
{
    (void)state;
    struct world w;
    begin_lyon(&w);
    record_of(&w, OWN)->fails = true;
    run(&w, 30);
    CHECK(explorer_failure(w.explorer, 0) != NULL, "why there is no address is known");
    CHECK(w.lookups < 300, "with back-off: %zu lookups", w.lookups);
    record_of(&w, OWN)->fails = false;
    run(&w, 120);
    CHECK(is_probed(&w, OWN), "it is asked again");
    CHECK(explorer_failure(w.explorer, 0) == NULL, "and fine");
    record_of(&w, OWN)->fails = true;
    run(&w, 600);
    CHECK(is_probed(&w, OWN), "an address stays in use while DNS fails");
    end(&w);
}

/* Where a proxy carries everything and DNS answers nothing. */
static void proxy_only(void **state)
{
    (void)state;
    struct world w;
    begin_at(&w,
             "[agent]\nwindow = 60s\n[target exchange]\nservice = exchange\nhost = " OWN
             "\n",
             true);
    serve(&w, 0, 20, "LHR", "X-FirstHopCafeEFZ"); /* the proxy */
    run(&w, 130);
    const struct target_state *s = state_of(&w, OWN);
    CHECK_INT(MS(20), s->min_ns, "it is measured without a lookup");
    CHECK_TEXT("LHR", s->pop, "its reply names the PoP");
    CHECK_INT(FAMILY_PROXY, s->addresses[SLOT_PROXY].to.family, "by its name");
    CHECK(!is_probed(&w, OWN), "and not by IPv4");
    CHECK(explorer_failure(w.explorer, 0) == NULL, "no failure to tell");
    CHECK_INT(1, w.unanswered, "the sweep ends, and says so");
    size_t first = w.lookups;
    CHECK(first <= DOORS_UNANSWERED_MAX + 2 * (w.known.workloads.n + 1), "%zu lookups",
          first);
    run(&w, 24 * 3600);
    CHECK_INT(1, w.unanswered, "once");
    CHECK(w.lookups - first < 24 * (DOORS_UNANSWERED_MAX + w.known.workloads.n),
          "%zu lookups in a day", w.lookups - first);
    w.silent = false; /* it answers now: no such names, but for one */
    point(&w, OWN, 10);
    serve(&w, 10, 20, NULL, NULL);
    run(&w, 24 * 3600);
    CHECK(is_probed(&w, OWN), "IPv4 as well");
    CHECK(!explorer_unanswered(w.explorer), "and the sweep has ended");
    end(&w);
}

static void round_robin(void **state)
{
    (void)state;
    struct world w;
    begin(&w, EXCHANGE);
    point(&w, OWN, 1);
    serve(&w, 1, 5, "LHR", "X-FirstHopCafeEFZ");
    run(&w, 3000);
    CHECK_INT(1, w.uses, "one address, used once");
    point(&w, OWN, 9);
    run(&w, 120);
    CHECK_INT(2, w.uses, "another one is a change");
    end(&w);
}

static void surveys(void **state)
{
    (void)state;
    struct world w;
    begin(&w, EXCHANGE);
    point(&w, OWN, 1);
    serve(&w, 1, 5, "LHR", "X-FirstHopCafeEFZ");
    run(&w, 30);
    CHECK_INT(1, w.surveys, "one at the start");
    for (int i = 0; i < 100; i++)
        explorer_reason(w.explorer, w.now);
    run(&w, 20);
    CHECK_INT(1, w.surveys, "not before a minute");
    run(&w, 3000);
    CHECK_INT(2, w.surveys, "then one for all reasons");
    run(&w, 3600);
    CHECK_INT(3, w.surveys, "and each hour");
    end(&w);
    begin(&w, EXCHANGE);
    run(&w, 600);
    CHECK(w.surveys >= 9 && w.surveys <= 11, "each minute while nothing answers: %zu",
          w.surveys);
    end(&w);
}

static void paused(void **state)
{
    (void)state;
    struct world w;
    begin_lyon(&w);
    run(&w, 20);
    explorer_pause(w.explorer, true, w.now);
    pipeline_pause(w.pipeline, true, w.now);
    w.n_under_way = 0;
    size_t lookups = w.lookups, handshakes = w.handshakes;
    run(&w, 7200);
    CHECK_INT(lookups, w.lookups, "no lookup while paused");
    CHECK_INT(handshakes, w.handshakes, "and no handshake");
    pipeline_pause(w.pipeline, false, w.now);
    explorer_pause(w.explorer, false, w.now);
    run(&w, 150);
    nearest_is(&w, DOOR("cdg"), "then the sweep begins anew");
    end(&w);
}

static void turned_off(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "[agent]\nworkloads = no\nfront_doors = 0\n"
              "[target exchange]\nhost = outlook.office365.com\n");
    point(&w, OWN, 1);
    serve(&w, 1, 5, "LHR", "X-FirstHopCafeEFZ");
    run(&w, 600);
    CHECK_INT(0, w.handshakes, "no sweep");
    CHECK(w.lookups < 15, "only the target's name: %zu", w.lookups);
    end(&w);
}

/* ---- names with several addresses ---- */

#define TEAMS                                                                            \
    "[agent]\nworkloads = no\nfront_doors = 0\n[target teams]\nhost = teams.example\n"

/* DNS begins with another one each time; the value is that of the nearest. */
static void five_addresses(void **state)
{
    (void)state;
    static const double rtt_ms[5] = {150, 20, 280, 85, 215};
    for (size_t first = 0; first < 5; first++) {
        struct world w;
        begin(&w, TEAMS);
        *point(&w, "teams.example", 10) = (struct record){.host = "teams.example",
                                                          .address = 10,
                                                          .ttl_s = 60,
                                                          .n = 5,
                                                          .each = 5,
                                                          .asked = first};
        for (uint8_t i = 0; i < 5; i++)
            serve(&w, (uint8_t)(10 + i), rtt_ms[i], "LHR", "X-MSEdge-Ref");
        run(&w, 70);
        CHECK_INT(11, state_of(&w, "teams.example")->addresses[0].to.bytes[3],
                  "the nearest after the first survey");
        CHECK_NEAR(20, (double)state_of(&w, "teams.example")->min_ns / 1e6, 0.1, "value");
        size_t uses = w.uses;
        run(&w, 3600);
        CHECK_INT(uses, w.uses, "and it stays, whatever order DNS gives");
        serve(&w, 11, 0, NULL, NULL);
        run(&w, 300);
        const struct target_address_state *a =
            &state_of(&w, "teams.example")->addresses[0];
        CHECK_INT(13, a->to.bytes[3], "the next one when it dies");
        CHECK_INT(5, a->n_all, "five are known");
        size_t silent = 0;
        for (size_t i = 0; i < a->n_all; i++)
            silent += a->all[i].state == STATE_DOWN;
        CHECK_INT(1, silent, "one is silent");
        w.records[0].address = 12; /* 12 to 16: two have left DNS */
        run(&w, 60 + 1);
        CHECK_INT(7, state_of(&w, "teams.example")->addresses[0].n_all,
                  "they stay a while");
        run(&w, 700);
        CHECK_INT(5, state_of(&w, "teams.example")->addresses[0].n_all,
                  "then they leave");
        end(&w);
    }
}

/* Four of 200 addresses in each answer. */
static void rotating_addresses(void **state)
{
    (void)state;
    struct world w;
    begin(&w, TEAMS);
    *point(&w, "teams.example", 10) = (struct record){
        .host = "teams.example", .address = 10, .ttl_s = 5, .n = 200, .each = 4};
    for (size_t i = 0; i < 200; i++)
        serve(&w, (uint8_t)(10 + i), 20 + (double)i / 10, "LHR", "X-MSEdge-Ref");
    for (int hour = 0; hour < 6; hour++) {
        run(&w, 3600);
        CHECK(state_of(&w, "teams.example")->addresses[0].n_all <= ADDRESSES_MAX,
              "at most 8 are watched");
    }
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(far_resolver),
        cmocka_unit_test(moved),
        cmocka_unit_test(default_gateway),
        cmocka_unit_test(dns_servers),
        cmocka_unit_test(no_route_of_ipv4),
        cmocka_unit_test(route_goes_and_comes),
        cmocka_unit_test(restarted),
        cmocka_unit_test(restarted_elsewhere),
        cmocka_unit_test(random_sites),
        cmocka_unit_test(restarted_with_a_new_catalogue),
        cmocka_unit_test(starts_without_an_uplink),
        cmocka_unit_test(unstable_network),
        cmocka_unit_test(zone_less_chain),
        cmocka_unit_test(made_up_addresses),
        cmocka_unit_test(middlebox),
        cmocka_unit_test(failing_dns),
        cmocka_unit_test(proxy_only),
        cmocka_unit_test(round_robin),
        cmocka_unit_test(surveys),
        cmocka_unit_test(paused),
        cmocka_unit_test(turned_off),
        cmocka_unit_test(five_addresses),
        cmocka_unit_test(rotating_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
