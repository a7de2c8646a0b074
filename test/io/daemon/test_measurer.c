/*
 * The measurer with real names, clocks, handshakes and network changes; its probes
 * are scripted (fake_kinds.h), so every count is known exactly.
 */
#include "daemon/doors_file.h"
#include "daemon/measurer.h"

#include "io/daemon/daemon_bed.h"
#include "unit/edge/shipped.h"

#include <errno.h>

enum { SERIES_MAX = 32, STATES_MAX = 16, WINDOWS_MAX = 8 };

struct window_seen { /* a copy: the batch is valid only during the call */
    struct wall start, time;
    bool first, busy;
    struct series series[SERIES_MAX];
    size_t n_series;
    struct target_state states[STATES_MAX];
    size_t n_states;
    struct event events[16];
    size_t n_events;
};

struct rig {
    uv_loop_t loop;
    struct config config;
    struct edge_data known;
    struct http *http;
    struct measurer *measurer;
    struct window_seen windows[WINDOWS_MAX];
    size_t n_windows, n_swept;
};

static void on_batch(const struct batch *batch, void *user)
{
    struct rig *r = user;
    CHECK(r->n_windows < WINDOWS_MAX && batch->n_series <= SERIES_MAX &&
              batch->n_targets <= STATES_MAX && batch->n_events <= 16,
          "room for the batch");
    struct window_seen *w = &r->windows[r->n_windows++];
    w->start = batch->window_start;
    w->time = batch->time;
    w->first = batch->first;
    w->busy = batch->busy;
    CHECK_INT(0, batch->n_self, "the agent's own metrics are the reporter's");
    for (size_t i = 0; i < batch->n_series; i++)
        memcpy(&w->series[w->n_series++], batch->series[i],
               offsetof(struct series, window) +
                   summary_bytes(kind_delays(batch->series[i]->kind)));
    for (size_t i = 0; i < batch->n_targets; i++)
        w->states[w->n_states++] = batch->targets[i];
    for (size_t i = 0; i < batch->n_events; i++)
        w->events[w->n_events++] = batch->events[i];
}

static void on_swept(void *user)
{
    struct rig *r = user;
    r->n_swept++;
}

static struct rig *begin(void)
{
    struct rig *r = calloc(1, sizeof *r);
    fake = (struct fake){.sent = 0};
    for (size_t i = 0; i < 256; i++)
        fake.servers[i].rtt_ns = (int64_t)i * 3 * NS_PER_MS;
    uv_loop_init(&r->loop);
    r->config = world_config();
    CHECK_INT(0, http_create(&r->http, &r->loop), "http");
    return r;
}

static void create(struct rig *r)
{
    struct explorer_pace pace = {.gap_ns = NS_PER_MS};
    struct measurer_events events = {
        .on_batch = on_batch, .on_swept = on_swept, .user = r};
    CHECK_INT(0,
              measurer_create(&r->measurer, &r->loop, &r->config, &r->known, r->http,
                              pace, NULL, events),
              "created");
}

static void end(struct rig *r)
{
    size_t windows = r->n_windows;
    measurer_destroy(r->measurer);
    http_destroy(r->http);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    CHECK_INT(windows, r->n_windows, "nothing comes after the end");
    CHECK_INT(0, uv_loop_close(&r->loop), "every handle is closed");
    CHECK_INT(0, fake.open, "every kind is closed");
    CHECK_INT(0, fake.n_waiting, "every probe has ended");
    config_free(&r->config);
    edge_data_free(&r->known);
    free(r);
}

/* Closes the window when no probe is in flight: every result is in it. */
static const struct window_seen *close_window(struct rig *r)
{
    measurer_close_window(r->measurer);
    return &r->windows[r->n_windows - 1];
}

static const struct window_seen *stop_and_close(struct rig *r)
{
    measurer_pause(r->measurer, "the test counts");
    TURN_UNTIL(&r->loop, 2000, fake.n_waiting == 0);
    return close_window(r);
}

static const struct series *series_of(const struct window_seen *w, const char *target,
                                      const char *kind)
{
    const struct series *found = NULL;
    for (size_t i = 0; i < w->n_series; i++)
        if (strcmp(w->series[i].target->name, target) == 0 &&
            strcmp(w->series[i].kind->name, kind) == 0) {
            CHECK(found == NULL, "one series of %s by %s", target, kind);
            found = &w->series[i];
        }
    CHECK(found != NULL, "a series of %s by %s", target, kind);
    return found;
}

static const struct target_state *state_of(const struct window_seen *w, const char *name)
{
    for (size_t i = 0; i < w->n_states; i++)
        if (strcmp(w->states[i].target->name, name) == 0)
            return &w->states[i];
    fail_msg("no state of %s", name);
    return NULL;
}

static const struct event *event_of(const struct window_seen *w, const char *name)
{
    const struct event *found = NULL;
    for (size_t i = 0; i < w->n_events; i++)
        if (strcmp(w->events[i].name, name) == 0) {
            CHECK(found == NULL, "%s comes once", name);
            found = &w->events[i];
        }
    return found;
}

/* The window counts all probes that the server received, with the server's delay. */
static void check_series(const struct window_seen *w, const char *target,
                         const char *kind, size_t number,
                         const struct fake_server *server)
{
    const struct series *s = series_of(w, target, kind);
    for (size_t o = 0; o < OUTCOME_COUNT; o++)
        CHECK_INT(server->ended[number][o], s->outcomes[o], outcome_name(o));
    CHECK_INT(server->ended[number][OUTCOME_REPLY], s->delays[0].count, "delays");
    if (s->window.delays[0].count > 0) {
        CHECK_INT(server->rtt_ns, s->window.delays[0].min_ns, "least delay");
        CHECK_INT(server->rtt_ns, s->window.delays[0].max_ns, "longest delay");
    }
}

/* ---- names and probes ---- */

static void resolves_probes_and_counts(void **state)
{
    (void)state;
    struct rig *r = begin();
    struct fake_server *near = &fake.servers[1], *far = &fake.servers[2];
    world_target(&r->config, "near.test", true, true);
    world_target(&r->config, "far.test", true, false);
    world_target(&r->config, "gone.test", true, false);
    world_target(&r->config, "filtered.office.com", true, false);
    near->pop = "AMS";
    create(r);
    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 5000,
               near->sent[FAKE_ECHO] >= 8 && near->sent[FAKE_SHAKE] >= 8 &&
                   far->sent[FAKE_ECHO] >= 8);
    near->duplicates = 2;
    TURN_UNTIL(&r->loop, 2000, near->duplicates == 0);

    const struct window_seen *w = stop_and_close(r);
    CHECK(w->first, "no window before it");
    check_series(w, "near", "echo", FAKE_ECHO, near);
    check_series(w, "near", "shake", FAKE_SHAKE, near);
    check_series(w, "far", "echo", FAKE_ECHO, far);
    CHECK_INT(3, w->n_series, "nothing of what has no address");
    CHECK_INT(fake.sent, near->sent[0] + near->sent[1] + far->sent[0], "nor sent");
    CHECK_INT(2,
              series_of(w, "near", "echo")->counters[COUNTER_DUPLICATES] +
                  series_of(w, "near", "shake")->counters[COUNTER_DUPLICATES],
              "duplicates");
    CHECK_TEXT("AMS", series_of(w, "near", "echo")->pop, "the PoP that answers named");
    CHECK_TEXT("", series_of(w, "far", "echo")->pop, "no PoP is known");

    CHECK_INT(1, state_of(w, "near")->rank, "3 ms");
    CHECK_INT(2, state_of(w, "far")->rank, "6 ms");
    CHECK_INT(0, state_of(w, "gone")->rank, "it has no address");
    CHECK(state_of(w, "near")->up && !state_of(w, "gone")->measured, "up, and unknown");
    CHECK_INT(OWNER_FILTERED, target_verdict(state_of(w, "filtered"))->type,
              "nobody's address");
    CHECK_TEXT("no such name", measurer_failure(r->measurer, 2), "why it is not probed");
    CHECK(measurer_failure(r->measurer, 0) == NULL, "it has an address");

    struct measurer_counters c = measurer_counters(r->measurer);
    CHECK_INT(fake.sent, c.prober.sent, "sent");
    CHECK_INT(fake.sent, c.prober.answered, "answered");
    CHECK(c.names.lookups >= 4 && c.names.failures >= 1, "lookups, one failed");
    CHECK(!c.probing, "it is paused");
    end(r);
}

static void losses_and_refusals(void **state)
{
    (void)state;
    struct rig *r = begin();
    struct fake_server *near = &fake.servers[1], *far = &fake.servers[2];
    world_target(&r->config, "near.test", true, false);
    world_target(&r->config, "far.test", true, false);
    far->conduct = CONDUCT_REFUSES;
    create(r);
    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 5000, near->sent[0] >= 4 && far->sent[0] >= 4);
    near->conduct = CONDUCT_SILENT;
    TURN_UNTIL(&r->loop, 5000, near->ended[0][OUTCOME_LOSS] >= 4);
    const struct window_seen *w = stop_and_close(r);
    check_series(w, "near", "echo", FAKE_ECHO, near);
    check_series(w, "far", "echo", FAKE_ECHO, far);
    CHECK(far->ended[0][OUTCOME_REFUSED] >= 4 && state_of(w, "far")->up,
          "a refusal came from the target");
    CHECK(!w->busy, "this host was not busy");

    near->conduct = CONDUCT_UNHEARD;
    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 5000, near->ended[0][OUTCOME_NOT_MEASURED] >= 2);
    w = stop_and_close(r);
    check_series(w, "near", "echo", FAKE_ECHO, near);
    CHECK(w->busy, "this host dropped answers");
    end(r);
}

static void a_kind_that_cannot_be_opened(void **state)
{
    (void)state;
    struct rig *r = begin();
    world_target(&r->config, "near.test", true, false);
    fake.broken = "no permission; run as root";
    create(r);
    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 5000, measurer_counters(r->measurer).prober.not_measured >= 3);
    const struct window_seen *w = close_window(r);
    const struct series *s = series_of(w, "near", "echo");
    CHECK_INT(measurer_counters(r->measurer).prober.not_measured,
              s->outcomes[OUTCOME_NOT_MEASURED], "not measured");
    CHECK_INT(0, s->outcomes[OUTCOME_LOSS], "and not lost");
    CHECK(!state_of(w, "near")->measured, "nothing was sent");
    end(r);
}

static void dns_servers_that_are_none(void **state)
{
    (void)state;
    struct rig *r = begin();
    struct explorer_pace pace = {.gap_ns = NS_PER_MS};
    struct measurer_events events = {.on_batch = on_batch, .user = r};
    text_copy(r->config.dns_servers, sizeof r->config.dns_servers, "ns.example");
    CHECK_INT(-EINVAL,
              measurer_create(&r->measurer, &r->loop, &r->config, &r->known, r->http,
                              pace, NULL, events),
              "a name is no address");
    end(r);
}

/* ---- pause and resume ---- */

static void pauses_and_resumes(void **state)
{
    (void)state;
    struct rig *r = begin();
    world_target(&r->config, "near.test", true, false);
    create(r);
    turn_for(&r->loop, 150);
    CHECK_INT(0, fake.sent, "paused at first");
    CHECK_INT(0, measurer_counters(r->measurer).names.lookups, "nor is DNS asked");

    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 5000, fake.sent >= 3);
    CHECK(measurer_counters(r->measurer).probing, "it probes");
    const struct window_seen *w = close_window(r);
    CHECK(event_of(w, "edgelat.agent.resumed") == NULL, "nobody had stopped it");

    measurer_pause(r->measurer, "tea");
    measurer_pause(r->measurer, "tea, still");
    uint64_t sent = fake.sent, lookups = measurer_counters(r->measurer).names.lookups;
    measurer_survey(r->measurer, "near");
    turn_for(&r->loop, 150);
    CHECK_INT(sent, fake.sent, "nothing is sent");
    CHECK_INT(lookups, measurer_counters(r->measurer).names.lookups, "nor asked");
    w = close_window(r);
    const struct event *e = event_of(w, "edgelat.agent.stopped");
    CHECK(e != NULL, "that it was stopped is an event, once");
    CHECK_TEXT("tea", e->text, "why");
    CHECK_TEXT("probing", e->before, "before");
    CHECK_TEXT("stopped", e->after, "after");
    CHECK_INT(SEVERITY_WARN, e->severity, "severity");

    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 5000, fake.sent > sent);
    w = close_window(r);
    e = event_of(w, "edgelat.agent.resumed");
    CHECK(e != NULL && e->severity == SEVERITY_INFO, "that it goes on is one too");
    CHECK_TEXT("stopped", e->before, "before");
    CHECK_TEXT("probing", e->after, "after");
    end(r);
}

static void ends_with_everything_under_way(void **state)
{
    (void)state;
    struct rig *r = begin();
    world_target(&r->config, "near.test", true, true);
    world_target(&r->config, "gone.test", true, true);
    fake.servers[1].conduct = CONDUCT_SILENT;
    create(r);
    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 5000, fake.n_waiting > 0);
    measurer_pause(r->measurer, "lookups are forgotten");
    measurer_resume(r->measurer);
    uv_run(&r->loop, UV_RUN_NOWAIT); /* resolves again */
    end(r);
}

/* ---- the network, middleboxes ---- */

static void another_network(void **state)
{
    (void)state;
    struct rig *r = begin();
    world_target(&r->config, "near.test", true, false);
    create(r);
    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 5000, fake.sent >= 3);
    uint64_t lookups = measurer_counters(r->measurer).names.lookups;
    CHECK_INT(0,
              system("ip link add w0 type veth peer name w1 && ip link set w0 up && "
                     "ip link set w1 up && ip addr add 10.8.0.1/24 dev w0 && "
                     "ip route add default via 10.8.0.2"),
              "a way out");
    TURN_UNTIL(&r->loop, 10000, measurer_counters(r->measurer).names.lookups > lookups);
    const struct window_seen *w = close_window(r);
    const struct event *e = event_of(w, "edgelat.network.changed");
    CHECK(e != NULL && strstr(e->text, "the default route 10.8.0.2 by w0 is new") != NULL,
          "what changed: %s", e != NULL ? e->text : "no event");
    CHECK_INT(0, system("ip link del w0"), "as before");
    end(r);
}

static void a_middlebox(void **state)
{
    (void)state;
    struct rig *r = begin();
    struct listener decoy;
    world_target(&r->config, "near.test", false, true);
    world_target(&r->config, "far.test", false, true);
    listener_open(&decoy, &r->loop, 1, INTERCEPT_DECOY_PORT);
    create(r);
    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 5000, decoy.accepted > 0 && fake.servers[2].sent[1] >= 4);
    const struct window_seen *w = stop_and_close(r);
    const struct target_state *near = state_of(w, "near"), *far = state_of(w, "far");
    CHECK(near->intercepted && strstr(near->interception, "no service uses") != NULL,
          "it answers on a port that no service uses: %s", near->interception);
    CHECK_INT(0, series_of(w, "near", "shake")->window.delays[0].count,
              "its handshakes are left out");
    CHECK(!far->intercepted, "nobody answers there");
    CHECK_INT(1, far->rank, "the other one is the nearest");
    CHECK_INT(1, decoy.accepted, "one handshake an address");
    listener_close(&decoy);
    end(r);
}

/* ---- front doors ---- */

static void parse_workloads(struct workloads *out)
{
    static const char text[] =
        "# edgelat targets 2026-01-01\nname,service,host,path,by_metro\n"
        "mail,exchange,mail.test,/,{code}-efz.ms-acdc.office.com\n";
    struct said said = {.n = 0};
    struct datafile_source from = source_of(text, sizeof text - 1, &said);
    CHECK_INT(0, workloads_parse(out, &from), text_string(&said.lines));
}

static void sweeps_front_doors(void **state)
{
    (void)state;
    struct rig *r = begin();
    struct listener lhr, ams;
    SHIPPED_PARSE(catalogue_parse, &r->known.metros, "metros.csv");
    parse_workloads(&r->known.workloads);
    struct target *mail = world_target(&r->config, "mail.test", true, false);
    text_copy(mail->service, sizeof mail->service, "exchange");
    r->config.front_doors = 4;
    listener_open(&lhr, &r->loop, 3, 443);
    listener_open(&ams, &r->loop, 4, 443); /* fra, at .5, refuses */
    create(r);
    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 20000, fake.servers[4].sent[0] >= 3);
    const struct window_seen *w = stop_and_close(r);
    CHECK(lhr.accepted > 1 && ams.accepted > 1, "several handshakes with each");
    CHECK_INT(2, w->n_states, "the door that serves mail.test is not probed twice");
    CHECK_TEXT("LHR", state_of(w, "mail")->pop, "by its chain");
    const struct target_state *door = state_of(w, "mail-ams");
    CHECK_TEXT("AMS", door->pop, "by its name");
    CHECK(door->target->discovered && !door->target->ipv6, "found; as mail.test is");
    check_series(w, "mail-ams", "echo", FAKE_ECHO, &fake.servers[4]);
    check_series(w, "mail", "echo", FAKE_ECHO, &fake.servers[3]);
    CHECK_INT(0, fake.servers[5].sent[0], "what does not answer is not probed");
    const struct event *e = event_of(w, "edgelat.target.resolved");
    CHECK_TEXT("mail.test is 198.51.100.3, by lhr-efz.ms-acdc.office.com",
               e != NULL ? e->text : "no event", "the chain of what is configured");

    struct doors_summary doors;
    CHECK(measurer_summary(r->measurer, &doors), "the sweep can state something");
    CHECK_INT(3, doors.exist, "names that exist");
    CHECK_INT(2, doors.answering, "of which answer");
    CHECK(doors.names > 50, "one for each metro");
    listener_close(&lhr);
    listener_close(&ams);
    end(r);
}

/* An agent that finds what the folder has, until it has probed the front door of
 * Amsterdam and swept; returns its lookups. */
static uint64_t lookups_with(const char *folder, bool resumes)
{
    struct rig *r = begin();
    struct listener lhr, ams;
    SHIPPED_PARSE(catalogue_parse, &r->known.metros, "metros.csv");
    parse_workloads(&r->known.workloads);
    struct target *mail = world_target(&r->config, "mail.test", true, false);
    text_copy(mail->service, sizeof mail->service, "exchange");
    r->config.front_doors = 4;
    listener_open(&lhr, &r->loop, 3, 443);
    listener_open(&ams, &r->loop, 4, 443);
    create(r);
    doors_file_load(folder, r->measurer);
    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 20000, fake.servers[4].sent[0] >= 3);
    if (!resumes)
        TURN_UNTIL(&r->loop, 20000, r->n_swept > 0);
    CHECK_INT(!resumes, r->n_swept, "a resumed sweep is not a whole one");
    if (r->n_swept > 0)
        doors_file_store(folder, r->measurer);
    uint64_t lookups = measurer_counters(r->measurer).names.lookups;
    stop_and_close(r);
    listener_close(&lhr);
    listener_close(&ams);
    end(r);
    return lookups;
}

#define DOORS "doors"

static void front_doors_survive_a_restart(void **state)
{
    (void)state;
    struct child_folder folder;
    child_folder(&folder);
    CHECK_INT(0,
              system("ip link add w0 type veth peer name w1 && ip link set w0 up && "
                     "ip link set w1 up && ip addr add 10.8.0.1/24 dev w0 && "
                     "ip route add default via 10.8.0.2"),
              "an uplink");
    CHECK(lookups_with(folder.path, false) > 50, "at first all names are asked for");
    CHECK(lookups_with(folder.path, true) < 10, "after a restart only what is probed");
    CHECK_INT(0, system("ip route replace default via 10.8.0.3"), "another one");
    CHECK(lookups_with(folder.path, false) > 50, "in another network all again");
    CHECK(lookups_with(folder.path, true) < 10, "which is kept instead");
    child_write(folder.path, DOORS, "edgelat doors 1\nnetwork nowhere\n");
    CHECK(lookups_with(folder.path, false) > 50, "a damaged file is replaced");
    CHECK(lookups_with(folder.path, true) < 10, "by a whole one");
    CHECK_INT(0, system("ip link del w0"), "none");
    CHECK(lookups_with(folder.path, false) > 50, "without a default route all again");
    child_folder_remove(&folder);
}

/* ---- windows ---- */

static void windows_close_on_time(void **state)
{
    (void)state;
    struct rig *r = begin();
    world_target(&r->config, "near.test", true, false);
    r->config.window_ns = NS_PER_S / 2;
    create(r);
    measurer_resume(r->measurer);
    TURN_UNTIL(&r->loop, 5000, r->n_windows == 3);
    for (size_t i = 0; i < 3; i++) {
        const struct window_seen *w = &r->windows[i];
        CHECK_INT(0, w->time.ns / NS_PER_MS % 500 / 200, "on each half second");
        CHECK_INT(i == 0, w->first, "the first one");
        if (i > 0)
            CHECK_INT(r->windows[i - 1].time.ns, w->start.ns, "without a gap");
    }
    check_series(stop_and_close(r), "near", "echo", FAKE_ECHO, &fake.servers[1]);
    end(r);
}

int main(void)
{
    if (!make_network()) {
        printf("1..0 # SKIP no network namespaces here\n");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves_probes_and_counts),
        cmocka_unit_test(losses_and_refusals),
        cmocka_unit_test(a_kind_that_cannot_be_opened),
        cmocka_unit_test(dns_servers_that_are_none),
        cmocka_unit_test(pauses_and_resumes),
        cmocka_unit_test(ends_with_everything_under_way),
        cmocka_unit_test(another_network),
        cmocka_unit_test(a_middlebox),
        cmocka_unit_test(sweeps_front_doors),
        cmocka_unit_test(front_doors_survive_a_restart),
        cmocka_unit_test(windows_close_on_time),
    };
    return cmocka_run_group_tests(tests, world_begin, world_end);
}
