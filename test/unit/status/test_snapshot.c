/* The status snapshot: closed windows, and the problems that it reports. */
#include "status/snapshot.h"

#include "base/fit.h"
#include "core/event_names.h"
#include "core/series.h"
#include "core/unsent.h"
#include "unit/core/rig.h"

static const char near[] = "192.0.2.1", other[] = "192.0.2.9";

struct bed {
    struct rig rig;
    struct config config;
    struct snapshot s;
    struct events events;
    struct text findings, json, text, narrow; /* narrow: of 80 columns */
};

static struct bed *bed_begin_with(size_t targets)
{
    struct bed *b = calloc(1, sizeof *b);
    begin(&b->rig);
    pipeline_destroy(b->rig.p);
    b->rig.settings.n_targets = targets;
    b->rig.p =
        pipeline_create(&b->rig.settings, &kinds, check_seed(), b->rig.now, b->rig.wall);
    b->config = (struct config){.window_ns = b->rig.settings.window_ns,
                                .targets = b->rig.targets,
                                .n_targets = targets};
    snapshot_begin(&b->s, &b->config, &kinds, b->rig.wall);
    b->s.instance_id = "0123";
    b->s.host_name = "branch";
    b->s.now = b->rig.wall;
    return b;
}

static struct bed *bed_begin(void)
{
    return bed_begin_with(1);
}

static void bed_end(struct bed *b)
{
    snapshot_free(&b->s);
    events_free(&b->events);
    end(&b->rig);
    text_free(&b->findings);
    text_free(&b->json);
    text_free(&b->text);
    text_free(&b->narrow);
    free(b);
}

/* Closes the window and renders the snapshot. */
static void show(struct bed *b)
{
    text_clear(&b->findings);
    text_clear(&b->json);
    text_clear(&b->text);
    struct status_findings found = {0};
    size_t lines = 0;
    snapshot_findings(&b->s, &found);
    text_add(&b->findings, "%s", text_string(&found.lines));
    for (const char *c = text_string(&b->findings); *c != '\0'; c++)
        lines += *c == '\n';
    CHECK_INT(lines, found.n, "one line a finding");
    snapshot_json(&b->s, &found, &b->json);
    struct text made = {0};
    snapshot_text(&b->s, &found, &made);
    fit_text(&b->text, text_string(&made), 0);
    text_clear(&b->narrow);
    fit_text(&b->narrow, text_string(&made), 80);
    text_free(&made);
    status_findings_free(&found);
}

static void window(struct bed *b)
{
    close_window(&b->rig);
    b->events.n = 0;
    events_copy(&b->events, b->rig.batch->events, b->rig.batch->n_events);
    snapshot_window(&b->s, b->rig.batch, &b->events, NS_PER_MS);
    b->s.now = b->rig.wall;
    show(b);
}

static void pings(struct bed *b, int replies, int losses)
{
    for (int i = 0; i < replies; i++)
        reply(&b->rig, PING4, near, MS(3));
    for (int i = 0; i < losses; i++)
        give(&b->rig, PING4, near, OUTCOME_LOSS, DELAY_UNDEFINED, "");
}

static void has(const struct text *in, const char *words, const char *what)
{
    CHECK(strstr(text_string(in), words) != NULL, "%s: no \"%s\" in\n%s", what, words,
          text_string(in));
}

static void has_not(const struct text *in, const char *words, const char *what)
{
    CHECK(strstr(text_string(in), words) == NULL, "%s: \"%s\" in\n%s", what, words,
          text_string(in));
}

/* Names of targets may be host names. */
static void long_names(void **state)
{
    (void)state;
    char name[80];
    for (size_t len = 1; len < 70; len++) {
        struct bed *b = bed_begin();
        memset(name, 'x', len);
        name[len] = '\0';
        b->rig.targets[0].name = name;
        resolve(&b->rig, 0, near, "AMS");
        for (int i = 0; i < 70; i++) { /* until the last hour has percentiles */
            pings(b, 20, 0);
            window(b);
        }
        has(&b->narrow, "(left out at 80 columns: ", "a table");
        has(&b->narrow, name, "not cut");
        for (const char *line = text_string(&b->narrow); *line != '\0';) {
            size_t width = strcspn(line, "\n");
            CHECK(width <= 80, "%zu: %zu columns: %.*s", len, width, (int)width, line);
            line += width + (line[width] == '\n');
        }
        bed_end(b);
    }
}

static void before_the_first_window(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    show(b);
    CHECK_TEXT("", text_string(&b->findings), "no problems yet");
    has(&b->text, "no window has closed yet\n", "text");
    has(&b->text, "   -  near    near.example: no results yet\n", "text");
    has(&b->text, "\ntoo early to say whether there are problems: no results yet\n",
        "text");
    has_not(&b->text, "No problems found", "text");
    has(&b->json, "\"too_early\":true,\"findings\":[]", "JSON");
    has(&b->json, "\"window\":{\"start\":null,\"end\":null,", "JSON");
    has(&b->json,
        "\"targets\":[{\"target\":\"near\",\"host\":\"near.example\",\"configured\":true,"
        "\"rank\":null,\"pop\":null,\"state\":\"unknown\","
        "\"charged_to\":null,\"intercepted\":false,"
        "\"interception\":null,\"streams\":[],\"addresses\":[],\"verdict\":\"unknown\","
        "\"verdict_basis\":null,\"tls_issuer\":null,\"tls_intercepted\":false}]",
        "JSON");
    bed_end(b);
}

/* Without DNS the failure is reported at once, never "No problems found". */
static void without_dns(void **state)
{
    static const char said[] =
        "near: near.example has no address: no such name; check the name and the DNS "
        "servers (servers in [dns], or /etc/resolv.conf)\n";
    (void)state;
    struct bed *b = bed_begin();
    window(b);
    b->s.since.ns = b->s.window_end.ns - 3 * NS_PER_S; /* the lookup is in progress */
    show(b);
    has(&b->text, "\ntoo early to say ", "a window without a result");
    b->s.targets[0].failure = "no such name";
    show(b);
    CHECK_TEXT(said, text_string(&b->findings), "the lookup has failed");
    has_not(&b->text, "No problems found", "text");
    b->s.targets[0].failure = NULL;
    resolve(&b->rig, 0, near, "AMS");
    pings(b, 9, 0);
    window(b);
    CHECK_TEXT("", text_string(&b->findings), "it has one now");
    has(&b->text, "\nNo problems found\n", "text");
    has(&b->json, "\"too_early\":false,\"findings\":[]", "JSON");
    bed_end(b);
}

static void web_results(struct bed *b, enum outcome outcome, uint16_t status, int n)
{
    for (int i = 0; i < n; i++) {
        struct endpoint to = address(near);
        struct result result = result_of(WEB4, &to, b->rig.wall, outcome);
        result.delays[0] = MS(3);
        result.http.status = status;
        pipeline_result(b->rig.p, &result);
        pass(&b->rig, NS_PER_MS);
    }
}

/* From the first window on, although the state changes later. */
static void a_server_that_fails(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "AMS");
    pings(b, 9, 0);
    web_results(b, OUTCOME_HTTP_ERROR, 503, 5);
    window(b);
    CHECK_TEXT(
        "near: its server answers HTTP 503 (5 of 5 web probes): the path works, the "
        "service does not; see its service health, or run `edgelat probe web "
        "near.example`\n",
        text_string(&b->findings), "503");
    has(&b->json, "\"slow\":0,\"server_errors\":5,\"server_error\":503", "JSON");
    for (int w = 0; w < 2; w++) {
        pings(b, 9, 0);
        web_results(b, OUTCOME_SLOW, 0, 5);
        window(b);
    }
    CHECK_TEXT(
        "near: 5 of 5 web replies did not come within 2s, although it is connected, nor "
        "later; run `edgelat probe web near.example`\n",
        text_string(&b->findings), "silent");
    has(&b->text, "Service down: near", "nothing comes");
    for (int w = 0; w < 2; w++) {
        pings(b, 9, 0);
        web_results(b, OUTCOME_SLOW, 0, 5);
        for (int i = 0; i < 5; i++)
            pipeline_after(b->rig.p, WEB4, COUNTER_LATE);
        window(b);
    }
    CHECK_TEXT(
        "near: 5 of 5 web replies took longer than 2s, although it is connected; run "
        "`edgelat probe web near.example`\n",
        text_string(&b->findings), "slow");
    has(&b->text, "Service slow: near", "it comes late");
    has(&b->json, "\"slow\":5,\"server_errors\":0,\"server_error\":null", "JSON");
    pings(b, 9, 0);
    web_results(b, OUTCOME_REPLY, 403, 5);
    window(b);
    has_not(&b->text, "HTTP", "403 is an answer");
    bed_end(b);
}

static void intercepted_tls(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "AMS");
    for (int foreign = 0; foreign < 2; foreign++) {
        pipeline_issuer(b->rig.p, 0, FAMILY_IPV4, foreign ? "Contoso CA" : "Microsoft",
                        foreign);
        pings(b, 9, 0);
        window(b);
        CHECK_TEXT(foreign
                       ? "near: TLS is intercepted by Contoso CA (the issuer of the "
                         "certificate of near.example, which the service does not use); "
                         "exempt the name from TLS inspection, or add the issuer to "
                         "issuers.csv\n"
                       : "",
                   text_string(&b->findings), "problems");
        has(&b->json,
            foreign ? "\"tls_issuer\":\"Contoso CA\",\"tls_intercepted\":true"
                    : "\"tls_issuer\":\"Microsoft\",\"tls_intercepted\":false",
            "JSON");
    }
    bed_end(b);
}

static void a_target(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "AMS");
    pings(b, 9, 1);
    window(b);
    has(&b->text,
        "rank  target  PoP  kind  state  sent    loss  p50, ms  p95, ms  window    address\n"
        "   1  near    AMS  ping  up       10  10.0 %    3.000  (3.000)  09:01:00  192.0.2.1\n",
        "text");
    has(&b->json,
        "\"streams\":[{\"kind\":\"ping\",\"family\":\"ipv4\",\"address\":\"192.0.2.1\","
        "\"pop\":\"AMS\",\"state\":\"up\",\"silent\":false,"
        "\"window_end\":\"2026-11-23T09:01:00.000000Z\",\"sent\":10,\"lost\":1,\"failed\":0,\"not_measured\":0,"
        "\"loss_ratio\":0.1,\"p50\":3.000000,\"p90\":3.000000,\"p95\":3.000000,"
        "\"p99\":3.000000,\"unsupported\":[\"p90\",\"p95\",\"p99\"],"
        "\"delays\":{\"rtt\":3.000000},\"packets_sent\":10,\"packets_lost\":1,\"packet_loss_ratio\":0.1,\"slow\":0,"
        "\"server_errors\":0,\"server_error\":null,"
        "\"periods\":{\"hour\":{\"start\":\"2026-11-23T09:00:00.000000Z\","
        "\"end\":\"2026-11-23T09:01:00.000000Z\",\"count\":9,\"p50\":3.00",
        "JSON");
    has(&b->json, ",\"p50_low\":2.99", "its interval");
    has(&b->json, ",\"p50_high\":3.00", "its interval");
    has_not(&b->json, "\"p90_low\"", "a percentile of nine values");
    has_not(&b->json, "\"day\"", "a day");
    has(&b->text,
        "target  PoP  kind  family  period  age  values  p50, ms (95 %)       p95, ms (95 %)\n"
        "near    AMS  ping  ipv4    hour    0 s       9  3.000 (2.998-3.002)  -\n",
        "text of the periods");
    has(&b->json, "\"rank\":1,\"pop\":\"AMS\",\"state\":\"up\"", "JSON");
    window(b);
    has(&b->text, "hour    60 s ", "the age of a period");
    has(&b->text, "up       10  10.0 %    3.000  (3.000)  09:01:00  192.0.2.1\n",
        "a window without a result leaves the one before");
    bed_end(b);
}

/* Their rows differ without their addresses, for which a terminal may have no room. */
static void both_families(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "AMS");
    resolve(&b->rig, 0, "2001:db8::1", "AMS");
    pings(b, 9, 0);
    reply(&b->rig, PING6, "2001:db8::1", MS(3));
    window(b);
    has(&b->text, "  ping/ipv4  up ", "a row");
    has(&b->text, "  ping/ipv6  up ", "the other one");
    bed_end(b);
}

/* 160,000 values of 3 ms and one of 9 ms: a bar has room for 65,535 in small units only. */
static void a_long_histogram(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    b->s.detailed = true;
    resolve(&b->rig, 0, near, "AMS");
    reply(&b->rig, PING4, near, MS(9));
    for (int w = 0; w < 4; w++) {
        pings(b, 40000, 0);
        window(b);
    }
    has(&b->json,
        "\"histogram\":{\"min\":3.000000,\"max\":9.000000,\"counts\":[160000,0,",
        "the least");
    has(&b->json, ",0,4]}", "one value is seen");
    bed_end(b);
}

/* Three addresses, one of them silent: the others' values stay the target's. */
static void addresses_of_a_name(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "AMS");
    pings(b, 2, 0);
    window(b);
    struct target_address_state *a =
        (struct target_address_state *)&b->s.targets[0].is->addresses[0];
    struct address_state all[] = {
        {.state = STATE_UP, .min_ns = MS(3), .median_ns = MS(3)},
        {.state = STATE_UP, .min_ns = MS(280), .median_ns = MS(280)},
        {.state = STATE_DOWN}};
    endpoint_parse(&all[0].to, near, 443);
    endpoint_parse(&all[1].to, "192.0.2.2", 443);
    endpoint_parse(&all[2].to, other, 443);
    a->all = all;
    a->n_all = 3;
    show(b);
    has(&b->findings,
        "near: 1 of 3 addresses of near.example does not answer while others do: "
        "192.0.2.9; ",
        "problems");
    has(&b->text,
        "3 addresses: 192.0.2.1 3.0 ms (in use), 192.0.2.2 280.0 ms, 192.0.2.9 does not "
        "answer\n",
        "text");
    has(&b->json,
        "{\"address\":\"192.0.2.9\",\"state\":\"down\",\"unanswered\":0,\"in_use\":false,",
        "JSON");
    bed_end(b);
}

static void another_place(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "AMS");
    pings(b, 5, 0);
    resolve(&b->rig, 0, other, "LON");
    for (int i = 0; i < 3; i++)
        reply(&b->rig, PING4, other, MS(9));
    window(b);
    has(&b->text, "LON  ping  up        3", "where it is now");
    has_not(&b->text, "AMS", "not where it was");
    vanish(&b->rig, 0, FAMILY_IPV4);
    window(b);
    CHECK_TEXT(
        "near: near.example is not resolved yet; check that the DNS servers answer\n",
        text_string(&b->findings), "it has no address any more");
    has(&b->text, "near.example: not resolved yet", "and no results are shown");
    bed_end(b);
}

/* A target with more addresses than there may be series is shown nevertheless. */
static void an_overflow_series(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    char pop[8];
    for (int i = 0; i < 2 * SERIES_PLACES_MAX; i++) {
        snprintf(pop, sizeof pop, "A%c%c", 'A' + i / 26, 'A' + i % 26);
        resolve(&b->rig, 0, i % 2 == 0 ? near : other, pop);
        give(&b->rig, PING4, i % 2 == 0 ? near : other, OUTCOME_REPLY, MS(3), "");
    }
    window(b);
    has(&b->json, "\"edgelat.series.overflow\"", "the event");
    has(&b->json, "\"kind\":\"ping\",\"family\":\"ipv4\"", "the stream");
    has_not(&b->json, "\"streams\":[],\"verdict\"", "no target without a stream");
    bed_end(b);
}

/* Names by the table of `edgelat diagnose`; what another finding explains is left out. */
static void names(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "");
    pings(b, 6, 0);
    window(b);
    has(&b->json, "\"finding_names\":[]", "nothing is wrong");
    for (int i = 0; i < 2; i++) {
        pings(b, 0, 6);
        window(b);
    }
    b->s.spool.disk_fails = true;
    show(b);
    has(&b->json, "\"finding_names\":[\"service_down\",null]",
        "down, and the agent's own");
    has(&b->text, "\nProblems:\nService down: near is down by ping; ", "for people");
    has(&b->text, "\nthe spool cannot be written", "no name");
    static struct events events;
    struct event *e =
        events_add(&events, EVENT_LAST_METRE, SEVERITY_WARN, b->rig.wall, NULL);
    event_change(e, "", "down");
    struct batch batch = {.window_start = b->rig.wall, .time = b->rig.wall};
    snapshot_window(&b->s, &batch, &events, 0);
    show(b);
    has(&b->json, "\"finding_names\":[\"gateway_silent\",null]",
        "the gateway explains it");
    bed_end(b);
}

static void down(void **state)
{
    (void)state;
    static const char finding[] =
        "near is down by ping; see its events, or run `edgelat probe` with near.example\n";
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "");
    pings(b, 6, 0);
    window(b);
    for (int i = 0; i < 2; i++) {
        pings(b, 0, 6);
        window(b);
    }
    CHECK_TEXT(finding, text_string(&b->findings), "problems");
    has(&b->json, "\"findings\":[\"near is down by ping; ", "JSON");
    has(&b->text, "unknown  ping  down      6  100.0 %        -        -", "text");
    has(&b->text,
        "ERROR edgelat.state.changed near (ping, ipv4): down: none of the last 12 "
        "probes was answered\n",
        "its event");
    b->s.stopped = "/etc/edgelat/stop exists";
    show(b);
    CHECK_TEXT(
        "probing is stopped: /etc/edgelat/stop exists; it resumes when the stop is "
        "lifted\n",
        text_string(&b->findings), "while nothing is measured no target is down");
    has(&b->text, "NOT PROBING: /etc/edgelat/stop exists\n", "text");
    has(&b->json, "\"probing\":false,\"stopped\":\"/etc/edgelat/stop exists\"", "JSON");
    bed_end(b);
}

/* The provider gets the report only if the loss surely begins behind the gateway. */
static void a_common_loss(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum charge charges[TARGETS];
        const char *says;
    } cases[] = {
        {"all before it",
         {CHARGE_SITE, CHARGE_SITE, CHARGE_SITE},
         "on the way to the default gateway already; give the administrator of the local "
         "network a report of it: edgelat report\n"},
        {"most behind it",
         {CHARGE_BEYOND, CHARGE_UNKNOWN, CHARGE_BEYOND},
         "behind the default gateway, on their common way; give the provider a report of "
         "it: edgelat report\n"},
        {"nobody knows",
         {CHARGE_UNKNOWN, CHARGE_UNKNOWN, CHARGE_BEYOND},
         "in the local network or behind it: the packets to the default gateway do not "
         "tell which; edgelat diagnose looks closer\n"},
        {"one of each",
         {CHARGE_SITE, CHARGE_UNKNOWN, CHARGE_BEYOND},
         "in the local network or behind it: the packets to the default gateway do not "
         "tell which; edgelat diagnose looks closer\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = bed_begin_with(TARGETS);
        struct metre_charge charges[2 * TARGETS];
        struct last_metre metre = {.charges = charges, .n_targets = TARGETS};
        for (size_t t = 0; t < TARGETS; t++) {
            charges[2 * t] = (struct metre_charge){cases[i].charges[t], CHARGE_NOTHING};
            charges[2 * t + 1] = (struct metre_charge){CHARGE_NOTHING, CHARGE_NOTHING};
            b->rig.targets[t].limits.loss_ratio = 0.01;
            resolve(&b->rig, t, near, "");
        }
        b->s.metre = &metre;
        for (int w = 0; w < 5; w++) {
            for (int n = 0; n < 60; n++)
                for (uint32_t t = 0; t < TARGETS; t++)
                    give(&b->rig, t * STREAMS + PING4, near,
                         n % 4 == 0 ? OUTCOME_LOSS : OUTCOME_REPLY,
                         n % 4 == 0 ? DELAY_UNDEFINED : MS(3), "");
            window(b);
        }
        has(&b->findings, "packets to 3 of 3 targets are lost over their limits, ",
            cases[i].what);
        has(&b->findings, cases[i].says, cases[i].what);
        bed_end(b);
    }
}

/* A DNS server has a sentence of its own, whether or not it is configured. */
static void a_dns_server(void **state)
{
    (void)state;
    static const struct {
        enum outcome outcome;
        int64_t rtt_ns;
        const char *finding;
    } cases[] = {
        {OUTCOME_REPLY, MS(3), ""},
        {OUTCOME_LOSS, DELAY_UNDEFINED, "DNS server 192.0.2.53 does not answer; "},
        {OUTCOME_REFUSED, MS(1), "DNS server 192.0.2.53 answers only errors; run "},
        {OUTCOME_REPLY, MS(240),
         "DNS server 192.0.2.53 is slow: median 240 ms, limit 100; "},
    };
    struct kind dns = {.name = "dns",
                       .delays = {"rtt"},
                       .interval_ns = NS_PER_S,
                       .slow_interval_ns = NS_PER_S,
                       .roles = {DELAY_ROUND_TRIP},
                       .of_resolver = true};
    struct kinds alone = {{&dns}, 1};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = bed_begin();
        struct target *t = &b->rig.targets[0];
        *t = target_default(&alone);
        t->name = "dns-192.0.2.53";
        t->host = "192.0.2.53";
        t->kinds[0] = t->discovered = true;
        t->limits.delay_ns = MS(100);
        pipeline_destroy(b->rig.p);
        b->rig.p = pipeline_create(&b->rig.settings, &alone, check_seed(), b->rig.now,
                                   b->rig.wall);
        b->s.kinds = &alone;
        resolve(&b->rig, 0, "192.0.2.53", "");
        reply(&b->rig, 0, "192.0.2.53", MS(3));
        window(b);
        for (int w = 0; w < 2; w++) {
            for (int k = 0; k < 6; k++)
                give(&b->rig, 0, "192.0.2.53", cases[i].outcome, cases[i].rtt_ns, "");
            window(b);
        }
        const char *found = text_string(&b->findings);
        CHECK(cases[i].finding[0] != '\0'
                  ? strncmp(found, cases[i].finding, strlen(cases[i].finding)) == 0
                  : *found == '\0',
              "case %zu: %s", i, found);
        bed_end(b);
    }
}

/* A foreign network answers, or DNS returns an unusable address. */
static void not_the_edge(void **state)
{
    (void)state;
    static const struct owner foreign = {OWNER_FOREIGN, "X-CDN-TraceID of Akamai"},
                              filtered = {OWNER_FILTERED, "DNS answers 127.0.0.1"},
                              private = {OWNER_PRIVATE, "DNS answers 10.0.0.1"};
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "");
    pipeline_owner(b->rig.p, 0, FAMILY_IPV4, &foreign, b->rig.now, b->rig.wall);
    pings(b, 6, 0);
    window(b);
    CHECK_TEXT("near: near.example is not on Microsoft's edge here (X-CDN-TraceID of "
               "Akamai); it has no PoP and no rank; configure another name of the "
               "service\n",
               text_string(&b->findings), "problems");
    has(&b->text, "   -  near    foreign  ping  up ", "text");
    has(&b->json, "\"rank\":null,\"pop\":null", "JSON");
    has(&b->json, "\"verdict\":\"foreign\",\"verdict_basis\":\"X-CDN-TraceID of Akamai\"",
        "JSON");

    pipeline_owner(b->rig.p, 0, FAMILY_IPV4, &private, b->rig.now, b->rig.wall);
    pings(b, 6, 0);
    window(b);
    CHECK_TEXT("", text_string(&b->findings), "a private endpoint is nothing wrong");
    has(&b->text, "   -  near    private  ping  up ", "but it is shown");

    vanish(&b->rig, 0, FAMILY_IPV4);
    pipeline_owner(b->rig.p, 0, FAMILY_IPV4, &filtered, b->rig.now, b->rig.wall);
    window(b);
    CHECK_TEXT(
        "near: DNS answers 127.0.0.1, for near.example: a filter or a hijack of "
        "DNS; it is not probed; allow the name in the filter, or ask other servers "
        "(`servers` in [dns])\n",
        text_string(&b->findings), "one line, not also that it has no address");
    has(&b->text, "   -  near    DNS answers 127.0.0.1\n", "text");
    has(&b->json, "\"verdict\":\"filtered\"", "JSON");
    bed_end(b);
}

static void this_host(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "");
    for (int i = 0; i < 3; i++)
        give(&b->rig, PING4, near, OUTCOME_NOT_MEASURED, DELAY_UNDEFINED, "");
    pipeline_busy(b->rig.p);
    window(b);
    struct unsent unsent = {
        .kinds = &kinds,
        .causes[PING] = {&b->rig.targets[0], &ping, FAMILY_IPV4, "firewall"}};
    b->s.unsent = &unsent;
    show(b);
    CHECK_TEXT(
        "this host was too busy to measure accurately in the last window; look for "
        "other load on it\n"
        "this host could not send ping to near (ipv4): firewall; since when: journalctl "
        "-u edgelat\n",
        text_string(&b->findings), "problems");
    has(&b->json, "\"busy\":true", "JSON");
    has(&b->json, "\"not_measured\":3,\"loss_ratio\":null,\"p50\":null", "JSON");
    bed_end(b);
}

static void without_route(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    struct unsent unsent = {.kinds = &kinds,
                            .routes = {UNSENT_NO_ROUTE, UNSENT_ROUTE},
                            .unrouted = {1, 0},
                            .missing = {true, false}};
    resolve(&b->rig, 0, near, "");
    resolve(&b->rig, 0, "2001:db8::1", "");
    give(&b->rig, PING4, near, OUTCOME_NOT_MEASURED, DELAY_UNDEFINED, "");
    reply(&b->rig, PING6, "2001:db8::1", MS(3));
    window(b);
    b->s.unsent = &unsent;
    show(b);
    CHECK_TEXT("no IPv4 route: the IPv4 addresses of 1 target are not measured; add a "
               "default route (ip -4 route), or set family = ipv6 for it\n",
               text_string(&b->findings), "one family: one line");
    has(&b->text, "  ping/ipv4  unknown     0", "its row");

    unsent.routes[SLOT_IPV4] = UNSENT_NO_ADDRESS;
    unsent.missing[SLOT_IPV4] = false;
    show(b);
    has(&b->text, "No problems found", "a host with IPv6 only");
    has_not(&b->text, "192.0.2.1", "has no row of IPv4");
    has(&b->text, "  ping  ", "so the others need no family");

    unsent.routes[SLOT_IPV6] = UNSENT_NO_ROUTE;
    unsent.offline = true;
    b->s.targets[0].failure = "no DNS server could be reached";
    show(b);
    CHECK_TEXT("this host has no route to the internet; check cable or Wi-Fi, the "
               "address and the default route: ip address; ip route\n",
               text_string(&b->findings),
               "no route at all explains what follows from it");
    has(&b->json, "\"no_route\"", "by the name that diagnose gives it");
    bed_end(b);
}

static void what_the_station_found(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "AMS");
    pings(b, 10, 0);
    window(b);
    b->s.routes = "";
    show(b);
    has(&b->text, "No problems found", "nothing of the station");
    b->s.routes = "cannot listen on 192.0.2.10:11019";
    show(b);
    has(&b->text,
        "BMP station: cannot listen on 192.0.2.10:11019; see the agent's log: journalctl "
        "-u edgelat",
        "text");
    has_not(&b->text, "BGP: ", "nothing else while the station is off");
    has_not(&b->json, "\"bgp\"", "JSON: neither");
    struct snapshot_session sessions[] = {
        {"198.51.100.2", 65002, "r1", "Ashburn", "up", 0.995, 0},
        {"2001:db8::6", 4200000003, "r1", "", "down", NAN, 1},
    };
    b->s.bgp = (struct snapshot_bgp){.on = true,
                                     .routers = 2,
                                     .connected = 1,
                                     .sessions = sessions,
                                     .n_sessions = 2,
                                     .up = 1,
                                     .announced = 1,
                                     .withdrawn = 3};
    b->s.routes = "1 BGP session is down";
    show(b);
    has(&b->text, "BMP station: 1 BGP session is down; see `edgelat routes`", "on");
    has(&b->text,
        "\nBGP: 1 of 2 sessions up, 1 watched prefix announced, 3 withdrawn\n"
        "  198.51.100.2 (AS65002) of r1, Ashburn: up, 99.5 % of the last window, 0 flaps\n"
        "  2001:db8::6 (AS4200000003) of r1: down, 1 flap\n",
        "sessions and prefixes");
    has(&b->json,
        "\"bgp\":{\"routers\":2,\"routers_connected\":1,\"sessions\":[{\"peer\":"
        "\"198.51.100.2\",\"peer_as\":65002,\"router\":\"r1\",\"location\":\"Ashburn\","
        "\"state\":\"up\",\"availability\":0.995,\"flaps\":0},{",
        "JSON: sessions");
    has(&b->json, "],\"prefixes_announced\":1,\"prefixes_withdrawn\":3}",
        "JSON: prefixes");
    has_not(&b->text, "No problems found", "beside it");
    bed_end(b);
}

static void what_was_found(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    struct target door = target_default(&kinds);
    door.name = "door-lon";
    door.host = "lon.example";
    door.discovered = true;
    size_t number = pipeline_add(b->rig.p, &door);
    resolve(&b->rig, 0, near, "");
    pings(b, 3, 0);
    window(b);
    has_not(&b->text, "door-lon", "a guess without an address");
    has_not(&b->json, "door-lon", "a guess without an address");
    resolve(&b->rig, number, other, "LON");
    window(b);
    has(&b->text, "   -  door-lon  lon.example: no results yet\n", "text");
    has(&b->text, "+: discovered, not configured", "text");
    has(&b->json, "\"host\":\"lon.example\",\"configured\":false", "JSON");
    CHECK_TEXT("", text_string(&b->findings), "a discovered target is no problem");
    bed_end(b);
}

static void what_the_sweep_states(void **state)
{
    (void)state;
    static const struct workload exchange = {.service = "exchange"};
    struct bed *b = bed_begin();
    window(b);
    has_not(&b->text, "nearest of", "without a sweep");
    has_not(&b->json, "front_doors", "without a sweep");
    b->s.swept = true;
    b->s.doors = (struct doors_summary){&exchange, 118, 21, 20, 0};
    show(b);
    has(&b->text,
        "\nexchange: nearest of 20 front doors that answered; no other could be nearer\n",
        "none is left");
    has(&b->json,
        "\"front_doors\":{\"service\":\"exchange\",\"names\":118,\"exist\":21,"
        "\"answering\":20,\"left\":0}",
        "JSON");
    b->s.doors.left = 2;
    show(b);
    has(&b->text,
        "answered; 2 that did not answer could be nearer (by the speed of light)",
        "two are left");
    bed_end(b);
}

static void the_last_events(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    close_window(&b->rig);
    for (int i = 1; i <= SNAPSHOT_EVENTS + 2; i++)
        event_say(events_add(&b->events, "edgelat.network.changed", SEVERITY_INFO,
                             b->rig.wall, NULL),
                  "number %d", i);
    snapshot_window(&b->s, b->rig.batch, &b->events, 0);
    show(b);
    has_not(&b->text, "number 2", "only so many are kept");
    const char *first = strstr(text_string(&b->text), "number 3"),
               *last = strstr(text_string(&b->text), "number 7");
    CHECK(first != NULL && last != NULL && first < last, "the last ones, in order");
    has(&b->json,
        "\"severity\":\"INFO\",\"name\":\"edgelat.network.changed\",\"subject\":null,"
        "\"text\":\"number 7\"}],",
        "JSON");
    bed_end(b);
}

static void the_batches(void **state)
{
    (void)state;
    static const struct {
        const char *what, *finding;
        struct shipper_collector collectors[2];
        uint64_t dropped;
    } cases[] = {
        {"none was tried", "", {{.host = "a", .in_use = true}, {.host = "b"}}},
        {"all is fine",
         "",
         {{.host = "a", .in_use = true, .last_answer = {1}, .accepted = {1}},
          {.host = "b"}}},
        {"the standby collector failed once",
         "",
         {{.host = "a", .in_use = true, .last_answer = {1}, .verdict = VERDICT_ACCEPTED},
          {.host = "b",
           .last_answer = {1},
           .verdict = VERDICT_AGAIN,
           .why = "HTTP 503"}}},
        {"it passes by itself",
         "a does not accept the batches: HTTP 503; they wait in the spool and are retried\n",
         {{.host = "a",
           .in_use = true,
           .last_answer = {1},
           .verdict = VERDICT_AGAIN,
           .why = "HTTP 503"},
          {.host = "b"}}},
        {"another one has them",
         "a does not accept the batches: HTTP 401; look at `header_file`\n",
         {{.host = "a",
           .last_answer = {1},
           .verdict = VERDICT_UNUSABLE,
           .why = "HTTP 401",
           .step = "; look at `header_file`"},
          {.host = "b", .in_use = true, .last_answer = {1}}}},
        {"the spool is full",
         "a does not accept the batches: HTTP 503; they wait in the spool and are retried\n"
         "8 batches were dropped since the start: 1 beyond `size` or `batches`, 7 older "
         "than `age`; until the collector accepts, more are lost; raise the bounds of "
         "[spool], edgelat.conf(5)\n",
         {{.host = "a",
           .in_use = true,
           .last_answer = {1},
           .verdict = VERDICT_AGAIN,
           .why = "HTTP 503"},
          {.host = "b"}},
         .dropped = 8},
        {"the spool was full",
         "",
         {{.host = "a", .in_use = true, .last_answer = {1}, .accepted = {1}},
          {.host = "b"}},
         .dropped = 8},
        {"refused",
         "a does not accept the batches: HTTP 400; the refused batch is set aside\n",
         {{.host = "a",
           .in_use = true,
           .last_answer = {1},
           .verdict = VERDICT_REFUSED,
           .why = "HTTP 400"},
          {.host = "b"}}},
        {"events alone",
         "a does not accept the logs (events): HTTP 404; set `events = no`\n",
         {{.host = "a",
           .in_use = true,
           .last_answer = {1},
           .signal = SIGNAL_LOGS,
           .verdict = VERDICT_UNUSABLE,
           .why = "HTTP 404",
           .step = "; set `events = no`"},
          {.host = "b"}}},
        {"some points",
         "a accepted the last batch without 7 of its points or records: too old; they are "
         "lost, see its log\n",
         {{.host = "a",
           .in_use = true,
           .last_answer = {1},
           .accepted = {1},
           .rejected = 7,
           .rejected_why = "too old"},
          {.host = "b"}}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed *b = bed_begin();
        b->s.n_collectors = 2;
        b->s.spool.dropped = cases[i].dropped;
        b->s.spool.dropped_by[SPOOL_FULL] = cases[i].dropped / 8;
        b->s.spool.dropped_by[SPOOL_OLD] = cases[i].dropped - cases[i].dropped / 8;
        for (size_t c = 0; c < 2; c++) {
            b->s.collectors[c] = cases[i].collectors[c];
            if (b->s.collectors[c].why == NULL)
                b->s.collectors[c].why = "";
            if (b->s.collectors[c].step == NULL)
                b->s.collectors[c].step = "";
        }
        show(b);
        CHECK_TEXT(cases[i].finding, text_string(&b->findings), cases[i].what);
        bed_end(b);
    }
}

static void the_spool(void **state)
{
    (void)state;
    struct bed *b = bed_begin();
    b->s.spool = (struct spool_counters){
        .waiting = 12,
        .waiting_bytes = 34567,
        .oldest = {b->s.now.ns - 10 * MINUTE_NS},
        .dropped_by = {[SPOOL_FULL] = 1, [SPOOL_TOO_LARGE] = 2},
        .dropped = 3,
        .set_aside = 2,
        .disk_fails = true,
    };
    b->s.exports.accepted = 7;
    b->s.retry_ns = 1500 * NS_PER_MS;
    show(b);
    has(&b->text,
        "spool: 12 batches waiting, 34.6 kB, oldest 10 min; since the start: 7 "
        "accepted, 2 set aside, 3 dropped (1 beyond `size` or `batches`, 2 too large)\n"
        "no collector is configured: batches are kept in the spool\n",
        "text");
    has(&b->json,
        "\"spool\":{\"waiting\":12,\"waiting_bytes\":34567,"
        "\"oldest\":\"2026-11-23T08:50:00.000000Z\",\"dropped\":3,"
        "\"dropped_by\":{\"full\":1,\"old\":0,\"no_memory\":0,\"too_large\":2,"
        "\"removed\":0},\"set_aside\":2,",
        "JSON");
    has(&b->json, "\"next_try_s\":1.5}", "JSON");
    has(&b->findings, "2 batches were set aside in spool/bad/ since the start ",
        "problems");
    has(&b->json, "\"findings\":[", "JSON");
    has(&b->json, "2 batches were set aside in spool/bad/", "JSON");
    has(&b->findings, "the spool cannot be written to disk; ", "problems");
    bed_end(b);
}

/* An event of the target's PoP, as the window closes. */
static void report(struct bed *b, const char *name, const char *after, const char *text)
{
    pings(b, 9, 0);
    close_window(&b->rig);
    b->events.n = 0;
    struct event *e =
        events_add(&b->events, name, SEVERITY_INFO, b->rig.wall, &b->config.targets[0]);
    e->family = FAMILY_IPV4;
    event_change(e, "", after);
    event_say(e, "%s", text);
    snapshot_window(&b->s, b->rig.batch, &b->events, NS_PER_MS);
    b->s.now = b->rig.wall;
    show(b);
}

/* A finding stands until it is taken back, however many windows later; a note is no
 * problem; neither is shown beside "No problems found". */
static void what_events_left(void **state)
{
    static const char suboptimal[] = "edgelat.edge.suboptimal",
                      away[] = "edgelat.front_door.away";
    (void)state;
    struct bed *b = bed_begin();
    resolve(&b->rig, 0, near, "MIL");
    report(b, suboptimal, "suboptimal", "you lose 15.0 ms");
    for (int i = 0; i < 100; i++) {
        pings(b, 9, 0);
        window(b);
    }
    has(&b->findings, "near (ipv4), since 2026-11-23 09:0", "since when");
    has(&b->findings, " UTC: you lose 15.0 ms; ", "what");
    has(&b->text, "\nProblems:\nFar front door: near (ipv4), since ", "text");
    has_not(&b->text, "No problems found", "text");
    has(&b->json, "\"notes\":[],\"too_early\":false,\"findings\":[\"near (ipv4), since ",
        "JSON");
    report(b, away, "neither", "at neither location");
    has(&b->text, "\nNotes:\nnear (ipv4), since ", "text");
    has(&b->json, "UTC: at neither location\"],\"too_early\"", "JSON");
    report(b, suboptimal, "suboptimal", "you lose 20.0 ms");
    has_not(&b->findings, "15.0 ms", "the last one of it");
    report(b, suboptimal, "optimal", "nothing to gain any more");
    CHECK_TEXT("", text_string(&b->findings), "taken back");
    has_not(&b->text, "No problems found", "beside a note");
    has_not(&b->text, "Problems:", "a note is none");
    report(b, suboptimal, "cannot tell", "a hint");
    report(b, away, "primary", "at the primary location");
    has(&b->text, "\nNotes:\nnear (ipv4), since ", "text");
    has_not(&b->text, "at neither location\nNo", "it is over");
    report(b, suboptimal, "unknown", "nothing left");
    report(b, "edgelat.path.black_hole", "black hole", "packets vanish");
    has(&b->findings, " UTC: packets vanish\n", "a black hole, without the step of DNS");
    report(b, "edgelat.path.black_hole", "clear", "they pass");
    has(&b->text, "\nNo problems found\n", "all is over");
    has(&b->json, "\"notes\":[],", "JSON");
    bed_end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_names),
        cmocka_unit_test(before_the_first_window),
        cmocka_unit_test(without_dns),
        cmocka_unit_test(a_server_that_fails),
        cmocka_unit_test(intercepted_tls),
        cmocka_unit_test(a_target),
        cmocka_unit_test(both_families),
        cmocka_unit_test(a_long_histogram),
        cmocka_unit_test(addresses_of_a_name),
        cmocka_unit_test(another_place),
        cmocka_unit_test(an_overflow_series),
        cmocka_unit_test(names),
        cmocka_unit_test(down),
        cmocka_unit_test(a_common_loss),
        cmocka_unit_test(a_dns_server),
        cmocka_unit_test(not_the_edge),
        cmocka_unit_test(this_host),
        cmocka_unit_test(without_route),
        cmocka_unit_test(what_the_station_found),
        cmocka_unit_test(what_was_found),
        cmocka_unit_test(what_the_sweep_states),
        cmocka_unit_test(what_events_left),
        cmocka_unit_test(the_last_events),
        cmocka_unit_test(the_batches),
        cmocka_unit_test(the_spool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
