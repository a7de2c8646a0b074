#include "cmd/agent_answer.h"
#include "cmd/load.h"

#include <getopt.h>

static int run(int argc, char **argv)
{
    const char *given;
    bool json, watch;
    if (!agent_answer_parse(argc, argv, &given, &json, &watch))
        return CMD_CANNOT;
    if (optind < argc)
        return cmd_cannot(
            "status takes no argument '%s'; to probe a host use `edgelat probe`",
            argv[optind]);
    struct config config;
    int rc = agent_answer_config(&config, load_path(given));
    if (rc == CMD_FINE)
        rc = watch ? agent_answer_watch(config.status_socket, json)
                   : agent_answer_show(config.status_socket, json);
    config_free(&config);
    return rc;
}

const struct command command_status = {
    .name = "status",
    .summary = "state of the running agent, and its problems",
    .options = agent_answer_options,
    .about =
        "Shows the state of the agent on this host: whether it probes, each target with "
        "PoP, state and the delays of its last window, the batches waiting in the "
        "spool, the last answers of the collectors, the last events, and the problems "
        "with the next step for each. For root and the group edgelat.",
    .notes =
        "Exit code: 0 no problems found, or too early to say; 1 problems: probing is "
        "stopped, a target is down or degraded, a collector accepts no batches, ...; "
        "2 error: no agent answers, or permission denied.",
    .examples = "sudo edgelat status\n"
                "sudo edgelat status --json | jq '.findings, .spool'\n"
                "sudo edgelat status --watch\n"
                "edgelat status >/dev/null || echo check the agent\n",
    .run = run,
};
