#include "cmd/cmd.h"

const struct command *const cmd_commands[] = {
    &command_run,    &command_diagnose, &command_probe,   &command_nearest,
    &command_trace,  &command_top,      &command_status,  &command_routes,
    &command_report, &command_whereis,  &command_traffic, &command_check_config,
    &command_decode, &command_collect,
};

const size_t cmd_commands_count = sizeof cmd_commands / sizeof *cmd_commands;
_Static_assert(sizeof cmd_commands / sizeof *cmd_commands <= CMD_COMMANDS_MAX, "");

const struct cmd_option cmd_own_options[] = {
    {"version", 'V', NULL, "print the version"},
    {"completion", CMD_OPTION_COMPLETION, "SHELL",
     "print the completion for bash, zsh or fish; for services: those of diagnose",
     CMD_SHELL},
    {0},
};

const struct cmd_option cmd_help_option = {"help", 'h', NULL, "print this help"};
