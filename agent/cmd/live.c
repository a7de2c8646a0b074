#include "cmd/live.h"

#include "base/mem.h"
#include "cmd/allowance.h"
#include "cmd/cmd.h"
#include "cmd/expected.h"
#include "cmd/host.h"
#include "cmd/interrupt.h"
#include "cmd/render.h"
#include "core/addresses.h"
#include "core/destination.h"
#include "core/intercept.h"
#include "core/pipeline.h"
#include "core/schedule.h"
#include "core/window.h"
#include "edge/owners.h"
#include "net/clock.h"
#include "net/race.h"
#include "net/seed.h"
#include "net/socket.h"
#include "net/timer.h"
#include "probe/kinds.h"
#include "probe/prober.h"
#include "probe/tcp/single.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Results whose percentiles are exact: a day at the highest rate, 8 MB per delay. */
#define EXACT_MAX (1 << 20)

struct question { /* one DNS lookup */
    struct session *session;
    size_t target;
    enum family family;
    struct endpoint answers[ADDRESSES_MAX];
    size_t n;              /* 0: no usable address */
    bool won;              /* a connection was made to this family first */
    struct endpoint unfit; /* the unusable address instead; FAMILY_NONE: none */
    const char *error;
    bool temporary; /* no DNS server answered */
};

struct live_race { /* between the families of a target */
    struct session *session;
    struct question *families[2]; /* the preferred one first */
    struct race *race;            /* NULL: it is over */
};

/* An address of a host. Its results belong to the host too, but not while it has never
 * answered: a client takes another one (RFC 8305). */
struct live_stream {
    size_t host;
    struct endpoint to;
    struct window *window;
    uint32_t sent, reported; /* probes sent, results received */
    bool answered;
    uint32_t held;      /* results that are not the host's yet, ... */
    struct result last; /* ... the last of them */
};

struct live_host { /* a host by one kind in one family: a stream of the schedule */
    size_t target, kind;
    size_t first, n; /* its addresses, probed in turn */
    struct window *window;
    struct { /* Welford's method, by delay */
        uint64_t n;
        double mean, squares;
    } spread[DELAYS_MAX];
    char pop[POP_TEXT_MAX]; /* of the last reply that names one */
    uint32_t sent;
    struct intercept intercept;
    struct single *decoy; /* NULL: finished */
};

struct session {
    const struct live *live;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t quit; /* Ctrl-\\ */
    struct interrupt interrupt;
    struct resolver *resolver;
    struct http *http;
    struct prober *prober;
    struct question *questions;
    size_t n_questions, unanswered;
    struct live_race *races;
    size_t n_races, racing;
    struct live_host *hosts;
    size_t n_hosts;
    struct live_stream *streams;
    size_t n_streams;
    uint64_t sent; /* by the prober */
    struct schedule *schedule;
    int columns; /* of the terminal; 0: unlimited */
    struct expected *expected;
    struct text not_measured; /* the first such result: what, and why; "": rows show it */
    bool over;
    int exit_code;
    struct text out;
};

static const struct kind *kind_of(const struct live_host *host)
{
    return &probe_kinds[host->kind]->kind;
}

/* The number of a probe to its host, from 1, by result.number. A probe under way is younger
 * than that many others. */
#define SEQUENCES (1 << 20)
static uint32_t sequences[SEQUENCES];

static struct shown shown(const struct session *s, const struct live_stream *stream)
{
    return (struct shown){
        .target = s->live->targets[s->hosts[stream->host].target].name,
        .kind = kind_of(&s->hosts[stream->host]),
        .to = stream->to,
        .columns = s->columns,
        .alone = s->live->n == 1,
        .unix_time = s->live->unix_time,
        .waiting = stream->sent - stream->reported,
    };
}

static void print(struct session *s)
{
    cmd_write(stdout, text_string(&s->out));
    fflush(stdout);
    text_clear(&s->out);
}

static void end(struct session *s)
{
    if (s->over)
        return;
    s->over = true;
    for (size_t i = 0; i < s->n_hosts; i++)
        single_cancel(s->hosts[i].decoy);
    for (size_t i = 0; i < s->n_races; i++)
        if (s->races[i].race != NULL)
            race_cancel(s->races[i].race);
    prober_destroy(s->prober);
    resolver_destroy(s->resolver);
    http_destroy(s->http);
    uv_close((uv_handle_t *)&s->timer, NULL);
    uv_close((uv_handle_t *)&s->quit, NULL);
    interrupt_stop(&s->interrupt);
}

/* ---- probes ---- */

static bool done(const struct session *s)
{
    struct mono at;
    if (ferror(stdout))
        return true; /* disk full: main() reports it */
    return prober_under_way(s->prober) == 0 && !schedule_next(s->schedule, &at);
}

static void send_probe(struct session *s, const struct due *due)
{
    struct live_host *host = &s->hosts[due->stream];
    size_t at = host->first + host->sent % host->n;
    window_count(host->window, COUNTER_MISSED, due->missed);
    if (mono_now().ns - due->at.ns > PIPELINE_LATE_NS)
        window_busy(host->window);
    sequences[++s->sent % SEQUENCES] = ++host->sent;
    s->streams[at].sent++;
    if (host->sent == s->live->count)
        schedule_set(s->schedule, due->stream, 0, 0, due->at);
    prober_send(s->prober, (uint32_t)at, host->kind, &s->live->targets[host->target],
                &s->streams[at].to);
}

/* Sends the probes that are due and re-arms the timer, or ends the session. */
static void on_turn(uv_timer_t *timer)
{
    struct session *s = timer->data;
    struct due due;
    while (!ferror(stdout) && schedule_take(s->schedule, mono_now(), &due))
        send_probe(s, &due);
    if (done(s)) {
        end(s);
        return;
    }
    struct mono at;
    if (schedule_next(s->schedule, &at)) {
        timer_in(timer, on_turn, at.ns - mono_now().ns);
    }
}

/* Adds what was held to the host's results. */
static void release(struct session *s, struct live_stream *stream)
{
    for (; stream->held > 0; stream->held--)
        window_add(s->hosts[stream->host].window, &stream->last);
}

static void add_spread(struct live_host *host, const struct result *result)
{
    for (size_t d = 0; d < kind_delays(kind_of(host)); d++) {
        double value = (double)result->delays[d];
        if (result->delays[d] == DELAY_UNDEFINED)
            continue;
        double off = value - host->spread[d].mean;
        host->spread[d].mean += off / (double)++host->spread[d].n;
        host->spread[d].squares += off * (value - host->spread[d].mean);
    }
}

static void add_result(struct session *s, struct live_stream *stream,
                       const struct result *result)
{
    struct live_host *host = &s->hosts[stream->host];
    stream->reported++;
    stream->answered |= !outcome_is_lost(result->outcome) &&
                        result->outcome != OUTCOME_REFUSED &&
                        result->outcome != OUTCOME_NOT_MEASURED;
    /* A row in text shows the cause already. */
    if (result->outcome == OUTCOME_NOT_MEASURED && s->not_measured.len == 0 &&
        (s->live->json || s->live->quiet))
        text_add(&s->not_measured, "%s: not measured by %s: %s",
                 s->live->targets[host->target].name, kind_of(host)->name, result->cause);
    window_add(stream->window, result);
    intercept_add(&host->intercept, kind_of(host), result);
    if (!stream->answered && host->n > 1) {
        stream->held++;
        stream->last = *result;
        return;
    }
    release(s, stream);
    window_add(host->window, result);
    add_spread(host, result);
    if (result->pop[0] != '\0')
        text_copy(host->pop, sizeof host->pop, result->pop);
}

static void on_result(const struct result *result, void *user)
{
    struct session *s = user;
    struct live_stream *stream = &s->streams[result->stream];
    add_result(s, stream, result);
    struct shown of = shown(s, stream);
    of.sequence = sequences[result->number % SEQUENCES];
    if (s->live->json && !s->live->quiet)
        render_result_json(&s->out, &of, result);
    else if (!s->live->quiet)
        render_result_line(&s->out, &of, result);
    print(s);
    if (done(s))
        uv_timer_start(&s->timer, on_turn, 0, 0); /* not from the prober's callback */
}

static void on_after(uint32_t stream, enum counter what, void *user)
{
    struct session *s = user;
    struct live_host *host = &s->hosts[s->streams[stream].host];
    if (what == COUNTER_LATE)
        window_late(host->window, s->live->targets[host->target].waiting_ns[host->kind]);
    else
        window_count(host->window, what, 1);
}

static void on_busy(void *user)
{
    struct session *s = user;
    for (size_t i = 0; i < s->n_hosts; i++)
        window_busy(s->hosts[i].window);
}

/* ---- names ---- */

static struct window *new_window(size_t kind)
{
    struct window *w = window_create(&probe_kinds[kind]->kind, wall_now());
    window_keep_exact(w, EXACT_MAX);
    return w;
}

static void add_host(struct session *s, const struct question *q, size_t kind)
{
    s->hosts[s->n_hosts] = (struct live_host){
        .target = q->target,
        .kind = kind,
        .first = s->n_streams,
        .n = q->n,
        .window = new_window(kind),
    };
    for (size_t i = 0; i < q->n; i++) {
        struct live_stream *stream = &s->streams[s->n_streams++];
        *stream = (struct live_stream){
            .host = s->n_hosts, .to = q->answers[i], .window = new_window(kind)};
        stream->to.port =
            target_port(&s->live->targets[q->target], &probe_kinds[kind]->kind);
    }
    s->n_hosts++;
}

static void no_address(struct session *s, const struct target *target,
                       const struct question *failed)
{
    if (failed != NULL && failed->unfit.family != FAMILY_NONE) {
        char text[OWNER_TEXT_MAX];
        struct owner owner = owners_filtered(&failed->unfit);
        s->exit_code = cmd_cannot("%s", owner_text(text, &owner, target->host));
        return;
    }
    s->exit_code = cmd_no_address(target->host, failed != NULL ? failed->error : NULL,
                                  failed != NULL && failed->temporary);
}

static bool by_proxy(const struct session *s, size_t target, size_t kind)
{
    return target_goes_by_proxy(&s->live->targets[target], &probe_kinds[kind]->kind);
}

/* A kind that needs the addresses of the host. */
static bool needs_lookup(const struct session *s, size_t target)
{
    bool needs = false;
    for (size_t k = 0; k < s->live->n_kinds; k++)
        needs |= !by_proxy(s, target, s->live->kinds[k]);
    return needs;
}

/* Whether a user's traffic takes the addresses of `q` rather than those of `than`. */
static bool is_preferred(const struct question *q, const struct question *than)
{
    const struct uplink *uplink = q->session->live->targets[q->target].uplink;
    struct endpoint a = socket_source(&q->answers[0], uplink),
                    b = socket_source(&than->answers[0], uplink);
    return destination_is_better(&q->answers[0], &a, &than->answers[0], &b);
}

/*
 * Chooses the addresses to probe with one kind: each requested family, or else the one that
 * a user's traffic takes.
 */
static void choose_host(struct session *s, size_t t, size_t kind)
{
    const struct question *best = NULL;
    if (by_proxy(s, t, kind)) {
        add_host(s,
                 &(struct question){
                     .target = t, .answers = {{.family = FAMILY_PROXY}}, .n = 1},
                 kind);
        return;
    }
    for (size_t i = 0; i < s->n_questions; i++) {
        const struct question *q = &s->questions[i];
        if (q->target != t || q->n == 0)
            continue;
        if (s->live->every_family)
            add_host(s, q, kind);
        else if (best == NULL || q->won || (!best->won && is_preferred(q, best)))
            best = q;
    }
    if (best != NULL)
        add_host(s, best, kind);
}

/* Reports a host without an address. */
static void check_addresses(struct session *s, size_t t)
{
    const struct question *failed = NULL;
    for (size_t i = 0; i < s->n_questions; i++) {
        const struct question *q = &s->questions[i];
        if (q->target == t && q->n > 0)
            return;
        if (q->target == t && (failed == NULL || failed->unfit.family == FAMILY_NONE))
            failed = q;
    }
    if (needs_lookup(s, t))
        no_address(s, &s->live->targets[t], failed);
}

static void choose_hosts(struct session *s)
{
    for (size_t t = 0; t < s->live->n; t++) {
        for (size_t k = 0; k < s->live->n_kinds; k++)
            choose_host(s, t, s->live->kinds[k]);
        check_addresses(s, t);
    }
}

/* Takes the allowance once per address, for all hosts with that address. */
static bool take_allowance(struct session *s)
{
    struct text why = {0};
    bool allowed = true;
    for (size_t i = 0; i < s->n_streams && allowed; i++) {
        size_t first = 0;
        double same = 0; /* of the probes of a host, summed over hosts */
        if (s->streams[i].to.family == FAMILY_PROXY)
            continue;
        while (!endpoint_same_address(&s->streams[first].to, &s->streams[i].to))
            first++;
        for (size_t k = i; k < s->n_streams; k++)
            if (endpoint_same_address(&s->streams[k].to, &s->streams[i].to))
                same += 1 / (double)s->hosts[s->streams[k].host].n;
        if (first == i)
            allowed = allowance_take(&s->streams[i].to,
                                     same * 1e9 / (double)s->live->interval_ns, &why);
    }
    if (!allowed)
        s->exit_code = cmd_cannot("%s", text_string(&why));
    text_free(&why);
    return allowed;
}

static void on_decoy(int64_t handshake_ns, void *user)
{
    struct live_host *host = user;
    host->decoy = NULL;
    intercept_decoy(&host->intercept, handshake_ns);
}

/* One per host, before the probes. */
static void start_decoys(struct session *s)
{
    for (size_t i = 0; i < s->n_hosts; i++) {
        struct live_host *host = &s->hosts[i];
        if (kind_delay(kind_of(host), DELAY_HANDSHAKE) == KIND_NONE)
            continue;
        const struct target *t = &s->live->targets[host->target];
        struct endpoint nobody = s->streams[host->first].to;
        if (nobody.family == FAMILY_PROXY) /* it does not go there directly */
            continue;
        nobody.port = intercept_decoy_port(target_port(t, kind_of(host)));
        host->decoy = single_start(&s->loop, &nobody, t->uplink, t->dscp,
                                   SINGLE_WAITING_NS, on_decoy, host);
    }
}

/* Loads certificates now, so that the first probe is not delayed. */
static void preload(struct session *s)
{
    for (size_t i = 0; i < s->n_hosts; i++)
        if (kind_delay(kind_of(&s->hosts[i]), DELAY_TLS) != KIND_NONE)
            http_preload(s->http, s->live->targets[s->hosts[i].target].ca_file);
}

static void begin(struct session *s)
{
    choose_hosts(s);
    preload(s);
    if (!take_allowance(s)) {
        end(s);
        return;
    }
    start_decoys(s);
    s->schedule = schedule_create(PATTERN_PERIODIC, seed_random());
    int64_t first_within_ns = s->n_hosts == 1 ? 1 : s->live->interval_ns;
    for (size_t i = 0; i < s->n_hosts; i++)
        schedule_set(s->schedule, i, s->live->interval_ns, first_within_ns, mono_now());
    uv_timer_start(&s->timer, on_turn, 0, 0);
}

/* ---- which family users take: a race of connections, RFC 8305 ---- */

static void on_raced(size_t winner, void *user)
{
    struct live_race *race = user;
    race->race = NULL;
    if (winner != RACE_NONE)
        race->families[winner]->won = true;
    if (--race->session->racing == 0)
        begin(race->session);
}

/* The port that connections go to; 0: none of the kinds makes any. */
static uint16_t connection_port(const struct session *s, const struct target *target)
{
    for (size_t k = 0; k < s->live->n_kinds; k++) {
        const struct kind *kind = &probe_kinds[s->live->kinds[k]]->kind;
        if (kind_delay(kind, DELAY_HANDSHAKE) != KIND_NONE)
            return target_port(target, kind);
    }
    return 0;
}

static void start_race(struct session *s, struct question *a, struct question *b)
{
    uint16_t port = connection_port(s, &s->live->targets[a->target]);
    if (port == 0 || a->n == 0 || b->n == 0)
        return;
    bool swap = is_preferred(b, a);
    struct live_race *race = &s->races[s->n_races++];
    *race = (struct live_race){.session = s, .families = {swap ? b : a, swap ? a : b}};
    struct endpoint to[] = {race->families[0]->answers[0], race->families[1]->answers[0]};
    to[0].port = to[1].port = port;
    race->race = race_begin(&s->loop, s->live->targets[a->target].uplink, to, 2,
                            WAITING_NS, on_raced, race);
    s->racing++;
}

/* Targets with addresses of both families, if either will do; then begins. */
static void race_families(struct session *s)
{
    s->races = mem_zalloc((s->n_questions + 1) * sizeof *s->races);
    for (size_t i = 0; i + 1 < s->n_questions && !s->live->every_family; i++)
        if (s->questions[i].target == s->questions[i + 1].target)
            start_race(s, &s->questions[i], &s->questions[i + 1]);
    if (s->racing == 0)
        begin(s);
}

static void on_resolution(const struct resolution *r, void *user)
{
    struct question *q = user;
    const char *host = q->session->live->targets[q->target].host;
    q->error = r->error;
    q->temporary = r->temporary;
    struct endpoint none = {.family = FAMILY_NONE};
    resolution_choose(r, host, &none, &q->unfit);
    q->n = resolution_addresses(r, host, q->answers, ADDRESSES_MAX);
    if (--q->session->unanswered == 0)
        race_families(q->session);
}

static void resolve_all(struct session *s)
{
    static const enum family families[] = {FAMILY_IPV4, FAMILY_IPV6};
    s->questions = mem_zalloc(2 * s->live->n * sizeof *s->questions);
    size_t hosts = 2 * s->live->n * s->live->n_kinds;
    s->hosts = mem_zalloc(hosts * sizeof *s->hosts);
    s->streams = mem_zalloc(hosts * ADDRESSES_MAX * sizeof *s->streams);
    for (size_t t = 0; t < s->live->n; t++)
        for (size_t f = 0; f < 2 && needs_lookup(s, t); f++)
            if (f == 0 ? s->live->targets[t].ipv4 : s->live->targets[t].ipv6)
                s->questions[s->n_questions++] =
                    (struct question){.session = s, .target = t, .family = families[f]};
    s->unanswered = s->n_questions;
    if (s->unanswered == 0) /* all by proxy */
        begin(s);
    for (size_t i = 0; i < s->n_questions; i++) {
        struct question *q = &s->questions[i];
        const struct target *target = &s->live->targets[q->target];
        resolver_lookup(s->resolver, target->host, q->family, 0, on_resolution, q);
    }
}

/* ---- session ---- */

static void on_interrupt(void *user)
{
    end(user);
}

/* Leaves out the handshakes of a middlebox. */
static void summarise(const struct live_host *host, struct window *window,
                      struct summary *out)
{
    for (size_t d = 0; d < kind_delays(kind_of(host)); d++)
        if (intercepted(&host->intercept) && intercept_leaves_out(kind_of(host), d))
            window_leave_out(window, d);
    window_summary(window, wall_now(), out);
}

/* A probe in flight at the end does not count as lost; but if no probe was answered, the
 * host did not answer. */
static void judge(struct session *s, const struct summary *w, uint64_t waiting)
{
    bool answered = waiting > 0 ? w->received > 0 : true;
    if ((w->received < w->sent || !answered) && s->exit_code == CMD_FINE)
        s->exit_code = CMD_BAD;
    if (w->outcomes[OUTCOME_NOT_MEASURED] > 0)
        s->exit_code = CMD_CANNOT;
}

/* A client takes an address that answers, where there is one. */
static bool is_silent(const struct session *s, const struct live_stream *stream)
{
    const struct live_host *host = &s->hosts[stream->host];
    bool any = false;
    for (size_t i = host->first; i < host->first + host->n; i++)
        any |= s->streams[i].answered;
    return any && !stream->answered && stream->reported > 0;
}

/* The address that a host's summary names: the nearest of those that answer, else the
 * first. */
static const struct live_stream *best_address(struct session *s,
                                              const struct live_host *host)
{
    const struct live_stream *best = &s->streams[host->first];
    int64_t best_ns = INT64_MAX;
    for (size_t i = host->first; i < host->first + host->n; i++) {
        struct summary summary;
        summarise(host, s->streams[i].window, &summary);
        if (summary.delays[0].count == 0 || summary.delays[0].min_ns >= best_ns)
            continue;
        best = &s->streams[i];
        best_ns = summary.delays[0].min_ns;
    }
    return best;
}

/* Describes what is left out of the host's summary and its addresses, as far as they were
 * probed. */
static void describe_addresses(struct session *s, const struct live_host *host,
                               struct shown_address *out, struct shown *of)
{
    of->addresses = out;
    if (host->n == 1)
        of->waiting = s->streams[host->first].sent - s->streams[host->first].reported;
    for (size_t i = host->first; host->n > 1 && i < host->first + host->n; i++) {
        struct live_stream *stream = &s->streams[i];
        if (stream->sent == 0)
            continue;
        struct shown_address *a = &out[of->n_addresses++];
        *a = (struct shown_address){.to = stream->to,
                                    .waiting = stream->sent - stream->reported,
                                    .silent = is_silent(s, stream)};
        summarise(host, stream->window, &a->summary);
        of->waiting += a->silent ? 0 : a->waiting;
        if (!a->silent)
            release(s, stream);
        else if (s->exit_code == CMD_FINE)
            s->exit_code = CMD_BAD;
    }
}

/* Sets the PoP, which only some kinds name, the limit and the usual delay. */
static void expect(struct session *s, const struct live_host *host, struct shown *of)
{
    const struct target *target = &s->live->targets[host->target];
    of->pop = host->pop;
    for (size_t i = 0; i < s->n_hosts && of->pop[0] == '\0'; i++)
        if (s->hosts[i].target == host->target &&
            endpoint_same_address(&s->streams[s->hosts[i].first].to,
                                  &s->streams[host->first].to))
            of->pop = s->hosts[i].pop;
    of->limit_ns = expected_limit(s->expected, target->host, &of->limit_source);
    of->usual_ns = expected_usual(s->expected, target->host, kind_of(host)->name,
                                  (enum family)of->to.family);
}

/* Prints the summary of a host. Returns true when a percentile has too few samples. */
static bool conclude_host(struct session *s, struct live_host *host)
{
    static struct shown_address addresses[ADDRESSES_MAX];
    char interception[INTERCEPT_TEXT_MAX];
    struct summary summary;
    bool marked = false;
    struct shown of = shown(s, best_address(s, host));
    of.waiting = 0;
    of.intercepted = intercepted(&host->intercept);
    of.interception = intercept_text(interception, &host->intercept, probe_kind_words());
    describe_addresses(s, host, addresses, &of);
    summarise(host, host->window, &summary);
    for (size_t d = 0; d < kind_delays(kind_of(host)); d++)
        if (host->spread[d].n > 1)
            of.spread_ns[d] =
                (int64_t)sqrt(host->spread[d].squares / (double)host->spread[d].n);
    expect(s, host, &of);
    if (of.limit_ns > 0 && summary.delays[0].count > 0 &&
        summary.delays[0].percentile_ns[P50] > of.limit_ns && s->exit_code == CMD_FINE)
        s->exit_code = CMD_BAD;
    if (s->live->json)
        render_summary_json(&s->out, &of, &summary);
    else
        render_summary_lines(&s->out, &of, &summary);
    for (size_t p = 0; p < PERCENTILES; p++)
        marked |= summary.delays[0].count > 0 && !summary.delays[0].supported[p];
    judge(s, &summary, of.waiting);
    return marked;
}

/* Prints the summaries and decides the exit code. */
static void conclude(struct session *s)
{
    bool marked = false;
    if (!s->live->json && s->n_hosts > 0)
        text_add(&s->out, "\n");
    if (s->n_hosts == 0 && s->exit_code == CMD_FINE)
        s->exit_code = cmd_cannot("stopped before a name was resolved; nothing was sent");
    for (size_t i = 0; i < s->n_hosts; i++)
        marked |= conclude_host(s, &s->hosts[i]);
    if (marked && !s->live->json)
        text_add(&s->out, "%s", render_supported_note);
    print(s);
    if (s->not_measured.len > 0)
        cmd_cannot("%s", text_string(&s->not_measured));
}

/* One line per host on standard error, as ping does. */
static void on_quit(uv_signal_t *signal, int number)
{
    struct session *s = signal->data;
    struct text out = {0};
    (void)number;
    for (size_t i = 0; i < s->n_hosts; i++) {
        struct live_host *host = &s->hosts[i];
        struct summary summary;
        struct shown of = shown(s, best_address(s, host));
        of.waiting = 0;
        for (size_t k = host->first; k < host->first + host->n; k++)
            of.waiting += s->streams[k].sent - s->streams[k].reported;
        summarise(host, host->window, &summary);
        render_status_line(&out, &of, &summary);
    }
    fflush(stdout);
    cmd_write(stderr, text_string(&out));
    text_free(&out);
}

static int open_session(struct session *s)
{
    char why[256];
    uv_loop_init(&s->loop);
    uv_timer_init(&s->loop, &s->timer);
    uv_signal_init(&s->loop, &s->quit);
    s->timer.data = s->quit.data = s;
    uv_signal_start(&s->quit, on_quit, SIGQUIT);
    interrupt_start(&s->interrupt, &s->loop, on_interrupt, s);
    resolver_create(&s->resolver, &s->loop, NULL);
    int rc = http_create(&s->http, &s->loop);
    if (rc < 0)
        return cmd_no_http(rc);
    struct prober_events events = {
        .on_result = on_result, .on_after = on_after, .on_busy = on_busy, .user = s};
    s->prober = prober_create(&s->loop, probe_kinds, probe_kinds_count, s->resolver,
                              s->http, events);
    /* Of several kinds, one that cannot be opened is "not measured". */
    for (size_t k = 0; k < s->live->n_kinds; k++)
        if (prober_open(s->prober, s->live->kinds[k], why, sizeof why) < 0 &&
            s->live->n_kinds == 1)
            return cmd_cannot("%s", why);
    return CMD_FINE;
}

/* Printed before resolving, which may take seconds. */
static void announce(const struct live *live)
{
    double every_ms = ms(live->interval_ns);
    char times[32] = "until Ctrl-C";
    if (live->count > 0)
        snprintf(times, sizeof times, "%u probe%s", live->count,
                 live->count == 1 ? "" : "s");
    struct kinds kinds = {.n = live->n_kinds};
    struct text labels = {0};
    for (size_t k = 0; k < live->n_kinds; k++)
        kinds.list[k] = &probe_kinds[live->kinds[k]]->kind;
    kinds_add_labels(&labels, &kinds, ", ", " and ");
    if (live->n == 1)
        cmd_printf("%s to %s", text_string(&labels), live->targets[0].name);
    else
        cmd_printf("%s to %zu hosts", text_string(&labels), live->n);
    bool both = live->every_family && live->targets[0].ipv4 && live->targets[0].ipv6;
    cmd_printf(": %s%s%s", times, kinds.n > 1 && live->count > 0 ? " each" : "",
               both ? " by IPv4 and IPv6" : "");
    if (live->count != 1)
        cmd_printf(", %g %s apart", every_ms < 1000 ? every_ms : every_ms / 1000,
                   every_ms < 1000 ? "ms" : "s");
    cmd_printf("\n");
    text_free(&labels);
    fflush(stdout);
}

int live_run(const struct live *live)
{
    struct session s = {
        .live = live, .columns = cmd_columns(), .expected = expected_read()};
    if (!live->json)
        announce(live);
    s.exit_code = open_session(&s);
    if (s.exit_code == CMD_FINE)
        resolve_all(&s);
    else
        end(&s);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    if (s.schedule != NULL) /* probing began */
        conclude(&s);
    uv_loop_close(&s.loop);
    for (size_t i = 0; i < s.n_streams; i++)
        window_destroy(s.streams[i].window);
    for (size_t i = 0; i < s.n_hosts; i++)
        window_destroy(s.hosts[i].window);
    schedule_destroy(s.schedule);
    expected_free(s.expected);
    free(s.hosts);
    free(s.streams);
    free(s.questions);
    free(s.races);
    text_free(&s.not_measured);
    text_free(&s.out);
    return s.exit_code;
}
