/* Answers of the status socket, and sockets that cannot be created. */
#include "daemon/status_server.h"

#include "../../unit/cmd/capture.h"
#include "io/daemon/status_ask.h"
#include "io/spool/spool_bed.h"

static const struct kind kind = {.name = "icmp", .delays = {"rtt", NULL}};

struct rig {
    struct spool_bed spool;
    struct config config;
    struct kill_switch kill_switch;
    struct measurer *measurer;           /* NULL: not measuring yet */
    struct station *station;             /* NULL: off */
    struct flow_receiver *flows;         /* NULL: off */
    struct interface_reader *interfaces; /* NULL: none is read */
    struct set_reader *sets;             /* NULL: off */
    struct handshake_reader *handshakes; /* NULL: off */
    struct status_server *server;
    struct capture log;
};

static struct rig *begin(void)
{
    struct rig *r = calloc(1, sizeof *r);
    bed_begin(&r->spool);
    bed_open(&r->spool, wide);
    r->config = config_default();
    r->config.n_targets = 1;
    r->config.targets = calloc(1, sizeof *r->config.targets);
    r->config.targets[0] = (struct target){.name = "teams", .host = "teams.example"};
    snprintf(r->config.status_socket, sizeof r->config.status_socket, "%s/status",
             r->spool.folder.path);
    snprintf(r->config.stop_file, sizeof r->config.stop_file, "%s/stop",
             r->spool.folder.path);
    kill_switch_begin(&r->kill_switch, &r->config);
    return r;
}

static struct status_server *create(struct rig *r)
{
    struct status_server_sources sources = {.config = &r->config,
                                            .instance_id = "the-id",
                                            .host_name = "branch",
                                            .kill_switch = &r->kill_switch,
                                            .spool = r->spool.spool,
                                            .measurer = &r->measurer,
                                            .station = &r->station,
                                            .flows = &r->flows,
                                            .interfaces = &r->interfaces,
                                            .sets = &r->sets,
                                            .handshakes = &r->handshakes};
    capture_begin(&r->log);
    struct status_server *s = status_server_create(&r->spool.loop, &sources);
    capture_end(&r->log);
    return s;
}

static void end(struct rig *r)
{
    status_server_destroy(r->server);
    config_free(&r->config);
    bed_end(&r->spool);
    free(r);
}

static void answers_with_what_is_known(void **state)
{
    (void)state;
    static struct events events;
    static struct asked a;
    struct rig *r = begin();
    r->server = create(r);
    CHECK_TEXT("", r->log.err, "nothing to complain about");
    ask_status(&a, &r->spool.loop, r->config.status_socket);
    CHECK_STATUS(&a, "\"instance_id\":\"the-id\"");
    CHECK_STATUS(&a, "\"probing\":true");
    CHECK_STATUS(&a, "\"too_early\":true");
    CHECK_STATUS(&a, "\"target\":\"teams\"");

    struct target_state window = {.target = &r->config.targets[0], .rank = 1};
    struct series series = {
        .target = window.target, .kind = &kind, .family = FAMILY_IPV4, .in_window = true};
    const struct series *list[] = {&series};
    struct batch batch = {.window_start = {INT64_C(1795424400) * NS_PER_S},
                          .time = {INT64_C(1795424460) * NS_PER_S},
                          .series = list,
                          .n_series = 1,
                          .targets = &window,
                          .n_targets = 1};
    event_say(
        events_add(&events, "edgelat.network.changed", SEVERITY_INFO, batch.time, NULL),
        "the default route is new");
    status_server_window(r->server, &batch, &events, NULL, 250 * NS_PER_MS);
    bed_add(&r->spool, 1);
    child_write(r->spool.folder.path, "stop", "");
    kill_switch_check(&r->kill_switch);
    ask_status(&a, &r->spool.loop, r->config.status_socket);
    CHECK_STATUS(&a, "\"end\":\"2026-11-23T09:01:00");
    CHECK_STATUS(&a, "\"rank\":1");
    CHECK_STATUS(&a, "\"loop_lag\":250");
    CHECK_STATUS(&a, "the default route is new");
    CHECK_STATUS(&a, "\"waiting\":1");
    CHECK_STATUS(&a, "\"probing\":false");
    CHECK_STATUS(&a, "/stop exists");
    CHECK_INT(1, a.answer.code, "something is wrong: probing is stopped");
    end(r);
}

static void where_there_is_no_socket(void **state)
{
    (void)state;
    struct rig *r = begin();
    r->server = create(r);
    struct status_server *second = create(r);
    CHECK(strstr(r->log.err, "another agent answers there") != NULL, "%s", r->log.err);
    status_server_destroy(second);

    snprintf(r->config.status_socket, sizeof r->config.status_socket, "%s/file",
             r->spool.folder.path);
    child_write(r->spool.folder.path, "file", "mine");
    second = create(r);
    CHECK(strstr(r->log.err, "is not a socket") != NULL, "%s", r->log.err);
    status_server_destroy(second);
    CHECK_INT(0, access(r->config.status_socket, F_OK), "what is no socket stays");

    snprintf(r->config.status_socket, sizeof r->config.status_socket, "%s/none/status",
             r->spool.folder.path);
    second = create(r);
    CHECK(strstr(r->log.err, "No such file") != NULL, "%s", r->log.err);
    status_server_window(second, &(struct batch){0}, &(struct events){0}, NULL, 0);
    status_server_destroy(second);
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_with_what_is_known),
        cmocka_unit_test(where_there_is_no_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
