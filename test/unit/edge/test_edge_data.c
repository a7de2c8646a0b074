#include "edge/edge_data.h"

#include "unit/edge/shipped.h"

static const struct kind icmp = {"icmp",   {"rtt"},       0,
                                 NS_PER_S, 10 * NS_PER_S, .on_by_default = true};
static const struct kinds kinds = {{&icmp}, 1};

/* The shipped files, without the prefixes. */
static struct edge_data all_shipped(void)
{
    struct edge_data k = {.prefixes = {.n = 0}};
    SHIPPED_PARSE(catalogue_parse, &k.metros, "metros.csv");
    SHIPPED_PARSE(thresholds_parse, &k.thresholds, "thresholds.csv");
    SHIPPED_PARSE(workloads_parse, &k.workloads, "targets.csv");
    return k;
}

static size_t complete(struct edge_data *k, struct config *c, const char *text,
                       struct said *said)
{
    *c = config_default();
    CHECK_INT(0, config_parse(c, &kinds, "f", text, strlen(text), ship_log_add, said),
              "it reads well");
    return edge_data_complete(k, c, &kinds, "f", ship_log_add, said);
}

static void places_must_be_known(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"[agent]\nlocation = AMS\n", ""},
        {"[agent]\nlocation = 52.4 4.9\n", ""},
        {"[agent]\nlocation = AMD\n", "f:2: location = AMD in [agent]: "},
        {"[agent]\nlocation = 95 0\n", "f:2: location = 95 0 in [agent]: "},
        {"[peering_service]\nconnection = x\nprimary = Ashburn\nprimary_metro = ASH\n",
         ""},
        {"[peering_service]\nconnection = x\nbackup_metro = XYZ\n",
         "f:3: backup_metro = XYZ in [peering_service]: "},
    };
    struct edge_data k = all_shipped();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct said said = {.n = 0};
        struct config c;
        CHECK_INT(*cases[i].said != '\0', complete(&k, &c, cases[i].text, &said),
                  cases[i].text);
        CHECK(strncmp(cases[i].said, text_string(&said.lines), strlen(cases[i].said)) ==
                  0,
              "%s: said %s", cases[i].text, text_string(&said.lines));
        config_free(&c);
        text_free(&said.lines);
    }
    edge_data_free(&k);
}

static void without_targets_the_workloads_are(void **state)
{
    (void)state;
    struct edge_data k = all_shipped(), nothing = {.prefixes = {.n = 0}};
    struct said said = {.n = 0};
    struct config c;
    CHECK_INT(0, complete(&k, &c, "[agent]\n", &said), "no target is fine");
    CHECK_INT(k.workloads.n, c.n_targets, "one a workload");
    CHECK_TEXT(k.workloads.all[0].host, c.targets[0].host, "its host");
    CHECK(!c.targets[0].discovered && c.targets[0].kinds[0], "as if configured");
    config_free(&c);
    CHECK_INT(0, complete(&k, &c, "[target x]\nhost = x.example\n", &said), "one target");
    CHECK_INT(1, c.n_targets, "it is the only one");
    config_free(&c);
    CHECK_INT(1, complete(&nothing, &c, "[agent]\n", &said), "and no file either");
    CHECK(strstr(text_string(&said.lines),
                 "no target is configured, and there is no targets.csv") != NULL,
          "got %s", text_string(&said.lines));
    config_free(&c);
    text_free(&said.lines);
    edge_data_free(&k);
}

static void limits_are_completed(void **state)
{
    (void)state;
    struct edge_data k = all_shipped();
    struct said said = {.n = 0};
    struct config c;
    complete(&k, &c,
             "[target a]\nhost = a.example\nservice = teams\ndelay_limit = 25ms\n"
             "[target b]\nhost = b.example\nservice = exchange\n"
             "[target c]\nhost = c.example\n",
             &said);
    CHECK_INT(25 * NS_PER_MS, c.targets[0].limits.delay_ns, "its own wins");
    CHECK_NEAR(0.001, c.targets[0].limits.loss_ratio, 1e-9, "of Teams");
    CHECK_INT(100 * NS_PER_MS, c.targets[1].limits.delay_ns, "of Exchange");
    CHECK_INT(0, c.targets[2].limits.delay_ns, "of nothing");
    CHECK_NEAR(0.02, c.targets[2].limits.loss_ratio, 1e-9, "always a limit of loss");
    config_free(&c);
    text_free(&said.lines);
    edge_data_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_must_be_known),
        cmocka_unit_test(without_targets_the_workloads_are),
        cmocka_unit_test(limits_are_completed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
