#include "cmd/agent_answer.h"
#include "cmd/load.h"
#include "daemon/routes_server.h"

#include <getopt.h>
#include <unistd.h>

static int show(const struct config *config, bool json, bool watch)
{
    char path[ROUTES_SOCKET_MAX];
    routes_socket_path(path, config->status_socket);
    if (access(path, F_OK) != 0 && access(config->status_socket, F_OK) == 0)
        return cmd_cannot("the agent has no BMP station: it cannot listen on %s (see "
                          "`edgelat status`), or was started before listen was set; "
                          "correct it, and restart edgelat",
                          config->bmp_listen);
    return watch ? agent_answer_watch(path, json) : agent_answer_show(path, json);
}

static int run(int argc, char **argv)
{
    const char *given;
    bool json, watch;
    if (!agent_answer_parse(argc, argv, &given, &json, &watch))
        return CMD_CANNOT;
    if (optind < argc)
        return cmd_cannot("routes takes no argument '%s'", argv[optind]);
    struct config config;
    int rc = agent_answer_config(&config, load_path(given));
    if (rc == CMD_FINE && config.bmp_listen[0] == '\0')
        rc = cmd_cannot(
            "the BMP station is off; to switch it on, set listen and routers in "
            "[bmp] of the configuration, restart edgelat, and point the BMP of "
            "the router there");
    else if (rc == CMD_FINE)
        rc = show(&config, json, watch);
    config_free(&config);
    return rc;
}

const struct command command_routes = {
    .name = "routes",
    .summary = "BGP sessions and watched prefixes of the BMP station",
    .options = agent_answer_options,
    .about =
        "Shows what routers report to the BMP station of the running agent: each BGP "
        "session with its state, flaps and availability, and the registered prefixes "
        "and Microsoft's with active and backup path, AS path, next hop, and what is "
        "wrong with them. With an RPKI validator ([bmp] validator) also whether it is "
        "reached, and for each path whether its origin is valid, invalid or not found by "
        "RPKI (RFC 6811). The station is off unless [bmp] listen is set; see "
        "edgelat.conf(5). For root and the group edgelat.",
    .notes =
        "Exit code: 0 no problems found; 1 problems: no router has connected, one has "
        "left, a session is down, a prefix is withdrawn, a path has a fault, or the RPKI "
        "validator is not reached; 2 error: "
        "the station is off, no agent answers, or permission denied.",
    .examples =
        "sudo edgelat routes\n"
        "sudo edgelat routes --json | jq '.sessions[] | {peer, state, flaps}'\n"
        "sudo edgelat routes --json | jq '.prefixes[] | select(.state == \"withdrawn\")'\n"
        "sudo edgelat routes --json | jq '.validator'\n",
    .run = run,
};
