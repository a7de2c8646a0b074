/* Up, degraded and down, another level, another nearest one: what a pipeline tells. */
#include "base/mem.h"
#include "core/flap.h"
#include "core/random.h"
#include "unit/core/rig.h"

static const char near[] = "192.0.2.1", middle[] = "192.0.2.2";

/* The pings of the first target in one window: replies, then losses. */
static void window(struct rig *r, int replies, int losses, int64_t rtt_ns)
{
    for (int i = 0; i < replies; i++)
        reply(r, PING4, near, rtt_ns);
    for (int i = 0; i < losses; i++)
        give(r, PING4, near, OUTCOME_LOSS, DELAY_UNDEFINED, "");
    close_window(r);
}

static const struct event *find(const struct rig *r, const char *name)
{
    for (size_t i = 0; i < r->batch->n_events; i++)
        if (strcmp(r->batch->events[i].name, name) == 0)
            return &r->batch->events[i];
    return NULL;
}

static const struct event *expect(const struct rig *r, const char *name,
                                  const char *before, const char *after)
{
    const struct event *e = find(r, name);
    CHECK(e != NULL, "%s is told", name);
    CHECK_TEXT(before, e->before, name);
    CHECK_TEXT(after, e->after, name);
    CHECK(e->target == &r->targets[0] && e->kind == &ping && e->family == FAMILY_IPV4,
          "of that stream");
    CHECK_INT(r->batch->time.ns, e->time.ns, "when the window closed");
    return e;
}

static double number(const struct event *e, const char *name)
{
    for (size_t i = 0; i < e->n_facts; i++)
        if (strcmp(e->facts[i].name, name) == 0)
            return e->facts[i].number;
    return NAN;
}

static void down_and_up_again(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, near, "");
    window(&r, 6, 0, MS(3));
    CHECK_INT(0, r.batch->n_events, "to be up is no news");
    CHECK(r.batch->targets[0].addresses[0].answers, "it answers");
    CHECK(!r.batch->targets[0].addresses[1].answers, "by IPv4 alone");
    window(&r, 0, 6, 0);
    CHECK(!r.batch->targets[0].addresses[0].answers, "not in this window");
    CHECK(find(&r, "edgelat.state.changed") == NULL, "one window proves nothing");
    window(&r, 0, 6, 0);
    const struct event *e = expect(&r, "edgelat.state.changed", "up", "down");
    char subject[EVENT_SUBJECT_MAX];
    CHECK_INT(SEVERITY_ERROR, e->severity, "down is an error");
    CHECK_TEXT("near (ping, ipv4)", event_subject(subject, e), "of what");
    CHECK_TEXT("down: none of the last 12 probes was answered", e->text, "in words");
    window(&r, 0, 6, 0);
    CHECK_INT(0, r.batch->n_events, "told once");
    CHECK_INT(STATE_DOWN, r.batch->targets[0].states[0][0], "and held, by IPv4");
    CHECK_INT(STATE_UNKNOWN, r.batch->targets[0].states[1][0], "not by IPv6");
    for (int i = 0; i < FLAP_BETTER_AFTER; i++)
        window(&r, 6, 0, MS(3));
    e = expect(&r, "edgelat.state.changed", "down", "up");
    CHECK_INT(SEVERITY_INFO, e->severity, "good news");
    end(&r);
}

/* Not with the window in which it was seen: a loss before it, and one after it, do not
 * move its ends. */
static void an_outage_begins_and_ends_with_a_probe(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, near, "");
    give(&r, PING4, near, OUTCOME_LOSS, DELAY_UNDEFINED, "");
    reply(&r, PING4, near, MS(3));
    int64_t lost_ns = r.wall.ns;
    give(&r, PING4, near, OUTCOME_LOSS, DELAY_UNDEFINED, "");
    close_window(&r);
    window(&r, 0, 6, 0);
    window(&r, 0, 6, 0);
    const struct event *e = expect(&r, "edgelat.state.changed", "up", "down");
    CHECK_INT(lost_ns, e->since.ns, "the first probe that was not answered");
    for (int i = 0; i < 3; i++)
        give(&r, PING4, near, OUTCOME_LOSS, DELAY_UNDEFINED, "");
    int64_t answered_ns = r.wall.ns;
    window(&r, 2, 1, MS(3));
    window(&r, 6, 0, MS(3));
    window(&r, 6, 0, MS(3));
    e = expect(&r, "edgelat.state.changed", "down", "up");
    CHECK_INT(answered_ns, e->since.ns, "the first answer");
    end(&r);
}

/* The commonest outage of a branch: its router answers each probe with "host
 * unreachable". What the pipeline tells must be what it tells of silence, the outcome's
 * name apart. */
static void unreachable_is_an_outage(void **state)
{
    (void)state;
    static const enum outcome outcomes[] = {OUTCOME_LOSS, OUTCOME_UNREACHABLE};
    for (size_t o = 0; o < 2; o++) {
        struct rig r;
        begin(&r);
        resolve(&r, 0, near, "");
        window(&r, 6, 0, MS(3));
        for (int w = 0; w < 2; w++) {
            for (int i = 0; i < 6; i++)
                give(&r, PING4, near, outcomes[o], DELAY_UNDEFINED, "");
            close_window(&r);
        }
        const struct event *e = expect(&r, "edgelat.state.changed", "up", "down");
        CHECK_NEAR(1, number(e, "edgelat.loss_ratio"), 0, "the event's loss");
        const struct series *s = expect_series(&r, PING, "", 6, "replies");
        CHECK_INT(12, s->outcomes[outcomes[o]], "counted by name");
        CHECK_NEAR(1, s->window.loss_ratio, 0, "loss of the window");
        CHECK_INT(12, s->window.longest_burst, "one burst");
        CHECK_INT(12, r.batch->targets[0].lost, "lost, for the ranking");
        CHECK_INT(0, r.batch->targets[0].rank, "not ranked");
        end(&r);
    }
}

/* Connected, but the server fails or is slow: the target is up, nothing is lost, and the
 * cause is told. 4xx are replies. */
static void failing_and_slow_replies_degrade(void **state)
{
    (void)state;
    static const struct {
        enum outcome outcome;
        uint16_t status;
        const char *says;
    } cases[] = {
        {OUTCOME_HTTP_ERROR, 503,
         "degraded: its server answered HTTP 503, its own failure, to 6 of 6 probes"},
        {OUTCOME_SLOW, 0, "degraded: connected, but 6 of 6 replies took longer than 2s"},
        {OUTCOME_REPLY, 404, NULL},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct rig r;
        const struct event *e = NULL;
        begin(&r);
        resolve(&r, 0, near, "");
        for (int w = 0; w < 3; w++) {
            for (int i = 0; i < 6; i++) {
                struct endpoint to = address(near);
                struct result result = result_of(
                    WEB4, &to, r.wall, w == 0 ? OUTCOME_REPLY : cases[c].outcome);
                result.delays[0] = MS(3);
                result.http.status = w == 0 ? 200 : cases[c].status;
                pipeline_result(r.p, &result);
                pass(&r, NS_PER_MS);
            }
            close_window(&r);
            e = find(&r, "edgelat.state.changed");
            CHECK(r.batch->targets[0].up, "up in each window");
            CHECK_INT(0, r.batch->targets[0].lost, "nothing is lost");
        }
        CHECK((e != NULL) == (cases[c].says != NULL), "told, or no news");
        if (e != NULL)
            CHECK_TEXT(cases[c].says, e->text, "in words");
        end(&r);
    }
}

static void degraded_by_its_limits(void **state)
{
    (void)state;
    static const struct {
        const char *what, *says;
        struct limits limits;
        int replies, losses;
        int64_t rtt_ns;
    } cases[] = {
        {"delay",
         "its median delay is 70.000 ms, more than 60 ms",
         {.delay_ns = MS(60)},
         6,
         0,
         MS(70)},
        {"none passed", NULL, {.delay_ns = MS(60), .loss_ratio = 0.3}, 5, 1, MS(3)},
        {"no limits", NULL, {.delay_ns = 0}, 3, 3, MS(700)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rig r;
        begin(&r);
        r.targets[0].limits = cases[i].limits;
        resolve(&r, 0, near, "");
        size_t told = 0;
        for (int w = 0; w < 5; w++) {
            window(&r, cases[i].replies, cases[i].losses, cases[i].rtt_ns);
            const struct event *e = find(&r, "edgelat.state.changed");
            if (e == NULL)
                continue;
            told++;
            CHECK(cases[i].says != NULL && strstr(e->text, cases[i].says) != NULL,
                  "%s: %s", cases[i].what, e->text);
            CHECK_TEXT("degraded", e->after, cases[i].what);
            CHECK_INT(SEVERITY_WARN, e->severity, "a warning");
            CHECK(number(e, "edgelat.limit") > 0, "with the limit");
        }
        CHECK_INT(cases[i].says != NULL, told, cases[i].what);
        end(&r);
    }
}

static const char *text_of(const struct event *e, const char *name)
{
    for (size_t i = 0; i < e->n_facts; i++)
        if (strcmp(e->facts[i].name, name) == 0)
            return e->facts[i].text;
    return "";
}

/* Every third packet is lost: the text and the numbers beside it say the same. */
static void loss_degrades(void **state)
{
    (void)state;
    static const struct {
        const char *source, *told;
        bool media;
    } cases[] = {
        {"", "configuration", false},
        {"thresholds.csv: a page", "thresholds.csv: a page", true},
    };
    for (size_t c = 0; c < 2; c++) {
        struct rig r;
        const struct event *e = NULL;
        int windows = 0;
        begin(&r);
        r.targets[0].limits.loss_ratio = 0.02;
        r.targets[0].limits.loss_of_media = cases[c].media;
        r.targets[0].limits.loss_source = cases[c].source;
        resolve(&r, 0, near, "");
        window(&r, 6, 0, MS(3));
        for (; e == NULL && windows < 10; windows++) {
            for (int i = 0; i < 6; i++) {
                give(&r, PING4, near, i % 3 == 1 ? OUTCOME_LOSS : OUTCOME_REPLY,
                     i % 3 == 1 ? DELAY_UNDEFINED : MS(3), "");
                pass(&r, 9 * NS_PER_S);
            }
            close_window(&r);
            e = find(&r, "edgelat.state.changed");
        }
        CHECK(windows >= 3 && windows <= 6, "in %d windows", windows);
        e = expect(&r, "edgelat.state.changed", "up", "degraded");
        unsigned lost = 0, sent = 0;
        double percent = 0;
        CHECK(sscanf(e->text,
                     "degraded: %u of %u packets were lost since %*5s UTC, %lf %%", &lost,
                     &sent, &percent) == 3,
              "%s", e->text);
        CHECK(strstr(e->text, "more than 2 %") != NULL, "%s", e->text);
        CHECK((strstr(e->text, "limit for media") != NULL) == cases[c].media, "%s",
              e->text);
        CHECK_NEAR((double)lost / sent, number(e, "edgelat.loss_ratio"), 1e-9,
                   "as in text");
        CHECK_NEAR(100.0 * lost / sent, percent, 0.0501, "as a share");
        CHECK_INT(lost, number(e, "edgelat.loss.lost"), "lost");
        CHECK_INT(sent, number(e, "edgelat.loss.sent"), "sent");
        CHECK(number(e, "edgelat.loss.low") < 1.0 / 3 &&
                  number(e, "edgelat.loss.high") > 1.0 / 3,
              "the interval holds the truth");
        CHECK_TEXT(cases[c].told, text_of(e, "edgelat.limit.source"), "who says so");
        end(&r);
    }
}

static const struct kind syn = {.name = "syn",
                                .delays = {"rtt"},
                                .uses = USES_PORT,
                                .interval_ns = 10 * NS_PER_S,
                                .slow_interval_ns = 10 * NS_PER_S,
                                .roles = {DELAY_HANDSHAKE},
                                .on_by_default = true,
                                .single_packets = true};
static const struct kinds pooled = {{&ping, &syn}, 2};

static void begin_with(struct rig *r, const struct kinds *with)
{
    begin(r);
    pipeline_destroy(r->p);
    for (size_t t = 0; t < TARGETS; t++) {
        struct target old = r->targets[t];
        r->targets[t] = target_default(with);
        r->targets[t].name = old.name;
        r->targets[t].host = old.host;
    }
    r->p = pipeline_create(&r->settings, with, 1, r->now, r->wall);
    resolve(r, 0, near, "");
    resolve(r, 1, middle, "");
}

struct packets { /* all that were sent, by time */
    struct packet {
        int64_t sent_ns;
        bool lost;
    } * all;
    size_t n;
};

/* What the text says must be what was sent since then, up to the packets that wait for the
 * losses among them. */
static void check_loss_event(const struct event *e, const struct packets *p, double limit)
{
    unsigned lost = 0, sent = 0;
    double percent = 0;
    CHECK(sscanf(e->text,
                 "degraded: %u of %u packets on this path were lost since %*5s UTC, %lf "
                 "%%",
                 &lost, &sent, &percent) == 3,
          "%s", e->text);
    uint32_t most = 0, most_lost = 0, queued = 0, queued_lost = 0;
    for (size_t i = p->n; i-- > 0 && p->all[i].sent_ns >= e->since.ns;) {
        bool waits = p->all[p->n - 1].sent_ns - p->all[i].sent_ns <= 11 * NS_PER_S;
        most++;
        most_lost += p->all[i].lost;
        queued += waits;
        queued_lost += waits && p->all[i].lost;
    }
    CHECK(sent <= most && sent + queued >= most, "%u sent: %s", most, e->text);
    CHECK(lost <= most_lost && lost + queued_lost >= most_lost, "%u lost: %s", most_lost,
          e->text);
    CHECK_NEAR(100.0 * lost / sent, percent, 0.0501, "as a share");
    CHECK_INT(sent, number(e, "edgelat.loss.sent"), "sent");
    CHECK_INT(lost, number(e, "edgelat.loss.lost"), "lost");
    CHECK_NEAR((double)lost / sent, number(e, "edgelat.loss_ratio"), 1e-9, "the ratio");
    CHECK(number(e, "edgelat.loss.low") < (double)lost / sent &&
              number(e, "edgelat.loss.high") > (double)lost / sent,
          "the interval is that of these packets");
    bool over = (double)lost / sent > limit;
    CHECK(strstr(e->text, over ? "), more than " : "), not surely less than ") != NULL,
          "%s", e->text);
}

/* The kinds of a path share one test: an event has the packets of all, however few are
 * those of its own kind. */
static void loss_is_told_of_the_packets_it_is_judged_by(void **state)
{
    (void)state;
    static const struct {
        const char *what, *says;
        double limit, ping, syn, site; /* `site`: of the other target */
        int pings;                     /* in a window, beside six SYNs */
    } cases[] = {
        {"few pings, many SYNs", "), more than 2 %", 0.02, 0.2, 0.2, 0, 1},
        {"the path loses", "), more than 2 %", 0.02, 0.05, 0.05, 0, 6},
        {"ICMP is limited", ", by other kinds only ", 0.02, 0.1, 0, 0, 6},
        {"the site loses", "), not surely less than 10 %", 0.1, 0.08, 0.08, 0.4, 6},
    };
    enum { WINDOWS = 10000 };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct random random = random_from(2);
        struct rig r;
        struct packets sent = {mem_alloc(12 * WINDOWS * sizeof *sent.all), 0};
        int events = 0, said = 0;
        begin_with(&r, &pooled);
        r.targets[0].limits.loss_ratio = r.targets[1].limits.loss_ratio = cases[c].limit;
        for (int w = 0; w < WINDOWS && said < 3; w++) {
            for (int i = 0; i < 12; i++, pass(&r, 4 * NS_PER_S)) {
                bool is_ping = i % 2 == 0;
                if (is_ping && i / 2 >= cases[c].pings)
                    continue;
                bool lost =
                    random_unit(&random) < (is_ping ? cases[c].ping : cases[c].syn);
                sent.all[sent.n++] = (struct packet){r.wall.ns, lost};
                give(&r, is_ping ? 0 : 2, near, lost ? OUTCOME_LOSS : OUTCOME_REPLY,
                     lost ? DELAY_UNDEFINED : MS(3), "");
                lost = random_unit(&random) < cases[c].site;
                give(&r, is_ping ? 4 : 6, middle, lost ? OUTCOME_LOSS : OUTCOME_REPLY,
                     lost ? DELAY_UNDEFINED : MS(3), "");
            }
            close_window(&r);
            for (size_t i = 0; i < r.batch->n_events; i++) {
                const struct event *e = &r.batch->events[i];
                if (e->target != &r.targets[0] || strstr(e->text, " packets") == NULL ||
                    strstr(e->text, " bursts") != NULL)
                    continue;
                check_loss_event(e, &sent, cases[c].limit);
                said += strstr(e->text, cases[c].says) != NULL;
                events++;
            }
        }
        CHECK(said > 0, "%s: %d events", cases[c].what, events);
        free(sent.all);
        end(&r);
    }
}

/* Every second probe is answered when its packet was sent again. */
static void packets_sent_again_are_lost(void **state)
{
    (void)state;
    struct rig r;
    const struct event *e = NULL;
    begin(&r);
    r.targets[0].limits.loss_ratio = 0.02;
    resolve(&r, 0, near, "");
    for (int w = 0; e == NULL && w < 12; w++) {
        for (int i = 0; i < 6; i++) {
            struct endpoint to = address(near);
            struct result result = result_of(PING4, &to, r.wall, OUTCOME_REPLY);
            result.delays[0] = i % 2 ? MS(3) : DELAY_UNDEFINED;
            result.lost_packets = i % 2 == 0;
            pipeline_result(r.p, &result);
            pass(&r, 9 * NS_PER_S);
        }
        close_window(&r);
        e = find(&r, "edgelat.state.changed");
    }
    CHECK(e != NULL, "it is told");
    CHECK_NEAR(1.0 / 3, number(e, "edgelat.loss_ratio"), 0.05, "one of three packets");
    end(&r);
}

/* An outage of three packets every ten minutes is 5 % of them, and no steady loss. */
static void bursts_are_told_as_bursts(void **state)
{
    (void)state;
    struct rig r;
    const struct event *e = NULL;
    begin(&r);
    r.targets[0].limits.loss_ratio = 0.02;
    resolve(&r, 0, near, "");
    for (int w = 0; e == NULL && w < 120; w++) {
        for (int i = 0; i < 6; i++) {
            bool lost = w % 10 == 9 && i < 4;
            give(&r, PING4, near, lost ? OUTCOME_LOSS : OUTCOME_REPLY,
                 lost ? DELAY_UNDEFINED : MS(3), "");
            pass(&r, 9 * NS_PER_S);
        }
        close_window(&r);
        e = find(&r, "edgelat.state.changed");
    }
    CHECK(e != NULL, "it is told");
    CHECK(strstr(e->text, "bursts of loss since ") != NULL, "%s", e->text);
    CHECK(strstr(e->text, "of up to 4 packets in a row") != NULL, "%s", e->text);
    CHECK(number(e, "edgelat.loss.bursts") >= 3, "how many");
    end(&r);
}

static void varying_delay_degrades(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    r.targets[0].limits.variation_ns = MS(15);
    r.targets[0].limits.variation_source = "a page";
    resolve(&r, 0, near, "");
    for (int w = 0; w < FLAP_WORSE_AFTER; w++) {
        for (int i = 0; i < 6; i++)
            reply(&r, PING4, near, i % 2 == 0 ? MS(3) : MS(43));
        close_window(&r);
    }
    const struct event *e = expect(&r, "edgelat.state.changed", "unknown", "degraded");
    CHECK(strstr(e->text, "its delay varies by 40.000 ms, more than 15 ms") != NULL, "%s",
          e->text);
    CHECK_TEXT("a page", e->facts[e->n_facts - 1].text, "and who says so");
    end(&r);
}

/* Losses at the ends of an outage are not a way that loses. */
static void an_outage_is_no_loss(void **state)
{
    (void)state;
    static const struct {
        int replies, losses;
    } windows[] = {{6, 0}, {6, 0}, {6, 0}, {3, 3}, {0, 6}, {0, 6}, {0, 6},
                   {2, 4}, {6, 0}, {6, 0}, {6, 0}, {6, 0}, {6, 0}, {6, 0}};
    struct rig r;
    size_t told = 0;
    begin(&r);
    r.targets[0].limits.loss_ratio = 0.02;
    resolve(&r, 0, near, "");
    for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
        window(&r, windows[w].replies, windows[w].losses, MS(3));
        const struct event *e = find(&r, "edgelat.state.changed");
        if (e != NULL)
            CHECK_TEXT(told++ == 0 ? "down" : "up", e->after, "down, then up");
    }
    CHECK_INT(2, told, "and nothing between");
    end(&r);
}

static void a_host_that_slept_blames_nobody(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, near, "");
    window(&r, 6, 0, MS(3));
    for (int w = 0; w < 4; w++) {
        pipeline_interrupted(r.p);
        window(&r, 0, 6, 0);
        CHECK(find(&r, "edgelat.state.changed") == NULL, "it was asleep");
    }
    end(&r);
}

static void silence_of_filtered_pings_is_no_outage(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, near, "");
    for (int w = 0; w < 4; w++) {
        give(&r, WEB4, near, OUTCOME_REPLY, MS(3), "");
        window(&r, 0, 6, 0);
        CHECK(find(&r, "edgelat.state.changed") == NULL, "ICMP was never answered");
    }
    end(&r);
}

/* Windows until the state is reported as down, one probe of each kind a window: 'x' is lost,
 * '.' answered, ' ' not sent. */
static int windows_to_down(struct rig *r, char pings, char syns)
{
    for (int w = 1; w <= 40; w++) {
        static const enum outcome outcomes[] = {
            ['x'] = OUTCOME_LOSS, ['.'] = OUTCOME_REPLY};
        if (pings != ' ')
            give(r, PING4, near, outcomes[(size_t)pings], pings == '.' ? MS(3) : -1, "");
        if (syns != ' ')
            give(r, WEB4, near, outcomes[(size_t)syns], syns == '.' ? MS(3) : -1, "");
        close_window(r);
        const struct event *e = find(r, "edgelat.state.changed");
        if (e != NULL && strcmp(e->after, "down") == 0)
            return w;
    }
    return 0;
}

/* At a probe a window: as many in a row as chance does not explain. */
static void few_lost_probes_are_no_outage(void **state)
{
    (void)state;
    static const struct {
        const char *what, *says;
        char pings, syns;
        int every; /* probe of the pings before is lost; 0: none */
        int windows;
    } cases[] = {
        {"pings alone", "down: none of the last 8 probes was answered", 'x', '.', 0, 8},
        {"SYNs alone", "down: none of the last 4 probes was answered", '.', 'x', 0, 4},
        {"the only kind", "down: none of the last 4 probes was answered", 'x', ' ', 0, 4},
        {"all kinds", "down: none of the last 4 probes by any kind was answered", 'x',
         'x', 0, 2},
        {"pings are often lost", "down: none of the last ", 'x', '.', 3, 0},
        {"nothing is", "", '.', '.', 0, 0},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct rig r;
        begin_with(&r, &pooled);
        for (int w = 0; w < 300; w++) {
            bool lost = cases[c].every > 0 && w % cases[c].every == 1;
            give(&r, PING4, near, lost ? OUTCOME_LOSS : OUTCOME_REPLY, lost ? -1 : MS(3),
                 "");
            if (cases[c].syns != ' ')
                reply(&r, WEB4, near, MS(3));
            close_window(&r);
            CHECK(find(&r, "edgelat.state.changed") == NULL, "single losses");
        }
        int64_t begins_ns = r.wall.ns;
        int windows = windows_to_down(&r, cases[c].pings, cases[c].syns);
        if (cases[c].every > 0)
            CHECK(windows >= 13 && windows <= 18, "%s: %d windows", cases[c].what,
                  windows);
        else
            CHECK_INT(cases[c].windows, windows, cases[c].what);
        const struct event *e = find(&r, "edgelat.state.changed");
        if (e != NULL) {
            CHECK(strstr(e->text, cases[c].says) == e->text, "%s", e->text);
            CHECK(e->since.ns >= begins_ns && e->since.ns < begins_ns + NS_PER_S,
                  "since the first of them");
        }
        end(&r);
    }
}

/* An outage that is too short to be sure, at a probe a minute, is a burst, a longer one is
 * down: each is reported as one of both. */
static void each_outage_is_a_burst_or_down(void **state)
{
    (void)state;
    for (int lost = 2; lost < 8; lost++) {
        struct rig r;
        int downs = 0, bursts = 0;
        begin_with(&r, &pooled);
        r.targets[0].interval_ns[PING] = r.targets[0].slow_interval_ns[PING] = MINUTE_NS;
        r.targets[0].interval_ns[1] = r.targets[0].slow_interval_ns[1] = 1440 * MINUTE_NS;
        r.targets[0].limits.loss_ratio = 0.02;
        for (int w = 0; w < 120; w++) {
            bool is = w > 20 && w % 15 < lost;
            give(&r, PING4, near, is ? OUTCOME_LOSS : OUTCOME_REPLY, is ? -1 : MS(3), "");
            close_window(&r);
            for (size_t i = 0; i < r.batch->n_events; i++) {
                downs += strcmp(r.batch->events[i].after, "down") == 0;
                bursts += strstr(r.batch->events[i].text, "bursts of loss since") != NULL;
            }
        }
        bool told = lost >= 4;
        CHECK((downs > 0) == told && (bursts > 0) == !told,
              "%d lost in a row: %d downs, %d bursts", lost, downs, bursts);
        end(&r);
    }
}

/* What was lost in an outage is not the loss of the path: the next one is told as soon. */
static void an_outage_does_not_slow_the_next(void **state)
{
    (void)state;
    struct rig r;
    begin_with(&r, &pooled);
    windows_to_down(&r, '.', '.');
    for (int i = 0; i < 3; i++) {
        CHECK_INT(2, windows_to_down(&r, 'x', 'x'), "all kinds");
        windows_to_down(&r, 'x', 'x');
        for (int w = 0; w < 120; w++)
            windows_to_down(&r, '.', '.');
    }
    CHECK_INT(8, windows_to_down(&r, 'x', '.'), "pings alone");
    end(&r);
}

/* Probes lost while this host slept, which the interrupted window may not show. */
static void sleep_is_no_evidence(void **state)
{
    (void)state;
    struct rig r;
    begin_with(&r, &pooled);
    windows_to_down(&r, '.', ' ');
    give(&r, PING4, near, OUTCOME_LOSS, DELAY_UNDEFINED, "");
    pipeline_interrupted(r.p);
    close_window(&r);
    CHECK_INT(4, windows_to_down(&r, 'x', ' '), "four that were lost after it");
    end(&r);
}

static void a_flapping_one_is_one_event(void **state)
{
    (void)state;
    struct rig r;
    size_t changed = 0, flapping = 0, settled = 0;
    begin(&r);
    resolve(&r, 0, near, "");
    for (int w = 0; w < 12 * 60; w++) { /* half a day of it, then a quiet one */
        bool down = w < 6 * 60 && w / 5 % 2 == 1;
        window(&r, down ? 0 : 6, down ? 6 : 0, MS(3));
        for (size_t i = 0; i < r.batch->n_events; i++) {
            changed += strcmp(r.batch->events[i].name, "edgelat.state.changed") == 0;
            flapping += strcmp(r.batch->events[i].name, "edgelat.state.flapping") == 0;
            settled += strcmp(r.batch->events[i].name, "edgelat.state.settled") == 0;
        }
    }
    CHECK_INT(1, flapping, "one event that it flaps");
    CHECK_INT(1, settled, "one that it has settled");
    CHECK(changed <= 6, "and %zu changes before", changed);
    end(&r);
}

static void another_level_is_told(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, near, "");
    for (int w = 0; w < 30; w++)
        window(&r, 6, 0, MS(10) + w % 5 * 20 * NS_PER_US);
    int windows = 0;
    do {
        window(&r, 6, 0, MS(12.5));
        windows++;
    } while (find(&r, "edgelat.delay.shifted") == NULL && windows < 10);
    CHECK(windows <= 3, "in %d windows", windows);
    const struct event *e = find(&r, "edgelat.delay.shifted");
    CHECK_INT(SEVERITY_WARN, e->severity, "longer");
    CHECK(e->calls_survey, "another one may be the nearest now");
    CHECK_NEAR(1.25, number(e, "edgelat.shift.ratio"), 0.01, "by a quarter");
    end(&r);
}

/* Pings and one page a minute become longer at once. */
static void one_cause_is_one_shift(void **state)
{
    (void)state;
    struct rig r;
    const struct event *e = NULL;
    int events = 0;
    char text[EVENT_TEXT_MAX] = "";
    begin(&r);
    int64_t shifted_ns = r.wall.ns + 30 * MINUTE_NS;
    resolve(&r, 0, near, "");
    for (int w = 0; w < 60; w++) {
        int64_t rtt_ns = (w < 30 ? MS(10) : MS(15)) + w % 5 * 20 * NS_PER_US;
        reply(&r, WEB4, near, rtt_ns);
        window(&r, 6, 0, rtt_ns);
        e = find(&r, "edgelat.delay.shifted");
        if (e == NULL)
            continue;
        events++;
        snprintf(text, sizeof text, "%s", e->text);
        CHECK_INT(2, number(e, "edgelat.shift.members"), text);
        CHECK_INT(2, number(e, "edgelat.shift.streams"), text);
        CHECK(e->target == &r.targets[0] && e->kind == NULL, "of the target, of no kind");
        CHECK(number(e, "edgelat.shift.low") <= number(e, "edgelat.shift.after") &&
                  number(e, "edgelat.shift.high") >= number(e, "edgelat.shift.after"),
              "%s", text);
        CHECK_NEAR(0.015, number(e, "edgelat.shift.after"), 0.0001, text);
        CHECK(e->since.ns >= shifted_ns && e->since.ns < shifted_ns + MINUTE_NS, "since");
    }
    CHECK_INT(1, events, text);
    CHECK(strstr(text, "the delay of 2 of 2 streams went by +") == text, "%s", text);
    end(&r);
}

static void another_address_is_no_shift(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, near, "LON");
    for (int w = 0; w < 30; w++)
        window(&r, 6, 0, MS(10));
    resolve(&r, 0, middle, "FRA");
    for (int w = 0; w < 10; w++) {
        for (int i = 0; i < 6; i++)
            reply(&r, PING4, middle, MS(30));
        close_window(&r);
        CHECK(find(&r, "edgelat.delay.shifted") == NULL, "it is another PoP");
    }
    end(&r);
}

/* Its PoP is told by an answer, some windows after the address has changed. */
static void another_pop_that_is_told_late_is_no_shift(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, near, "");
    give(&r, WEB4, near, OUTCOME_REPLY, MS(10), "LON");
    for (int w = 0; w < 30; w++)
        window(&r, 6, 0, MS(10));
    resolve(&r, 0, middle, "");
    for (int w = 0; w < 20; w++) {
        for (int i = 0; i < 6; i++)
            reply(&r, PING4, middle, MS(30));
        if (w == 5)
            give(&r, WEB4, middle, OUTCOME_REPLY, MS(30), "FRA");
        close_window(&r);
        CHECK(find(&r, "edgelat.delay.shifted") == NULL, "it is another PoP");
    }
    for (int w = 0; w < 5; w++) {
        for (int i = 0; i < 6; i++)
            reply(&r, PING4, middle, MS(45));
        close_window(&r);
        if (find(&r, "edgelat.delay.shifted") != NULL) {
            end(&r);
            return;
        }
    }
    fail_msg("the new path is judged as well");
}

static void another_nearest_is_told(void **state)
{
    (void)state;
    struct rig r;
    begin(&r);
    resolve(&r, 0, near, "");
    resolve(&r, 1, middle, "");
    for (int w = 0; w < 16; w++) {
        reply(&r, STREAMS, middle, MS(9)); /* middle's ping */
        window(&r, 6, 0, w < 8 ? MS(3) : MS(30));
        const struct event *e = find(&r, "edgelat.nearest.changed");
        if (e == NULL)
            continue;
        CHECK_TEXT("near", e->before, "who it was");
        CHECK_TEXT("middle", e->after, "who it is");
        CHECK(!e->calls_survey, "the survey itself would call for the next");
        CHECK(w >= 8, "not before it is true: window %d", w);
        end(&r);
        return;
    }
    fail_msg("it was not told");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(down_and_up_again),
        cmocka_unit_test(an_outage_begins_and_ends_with_a_probe),
        cmocka_unit_test(unreachable_is_an_outage),
        cmocka_unit_test(failing_and_slow_replies_degrade),
        cmocka_unit_test(degraded_by_its_limits),
        cmocka_unit_test(loss_degrades),
        cmocka_unit_test(loss_is_told_of_the_packets_it_is_judged_by),
        cmocka_unit_test(packets_sent_again_are_lost),
        cmocka_unit_test(bursts_are_told_as_bursts),
        cmocka_unit_test(varying_delay_degrades),
        cmocka_unit_test(an_outage_is_no_loss),
        cmocka_unit_test(a_host_that_slept_blames_nobody),
        cmocka_unit_test(silence_of_filtered_pings_is_no_outage),
        cmocka_unit_test(few_lost_probes_are_no_outage),
        cmocka_unit_test(each_outage_is_a_burst_or_down),
        cmocka_unit_test(an_outage_does_not_slow_the_next),
        cmocka_unit_test(sleep_is_no_evidence),
        cmocka_unit_test(a_flapping_one_is_one_event),
        cmocka_unit_test(another_level_is_told),
        cmocka_unit_test(one_cause_is_one_shift),
        cmocka_unit_test(another_address_is_no_shift),
        cmocka_unit_test(another_pop_that_is_told_late_is_no_shift),
        cmocka_unit_test(another_nearest_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
