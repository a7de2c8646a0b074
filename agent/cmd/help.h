/*
 * The output of --help, made from the tables of options (cmd.h): the usage line, the
 * options in aligned columns and the texts of a command, wrapped at 80 columns.
 */
#ifndef EDGELAT_CMD_HELP_H
#define EDGELAT_CMD_HELP_H

#include "base/text.h"

struct command;
struct cmd_option;

/* The help of an option, with the kinds of probe it applies to: "icmp: payload". */
void help_option(struct text *out, const struct cmd_option *option);

void help_command(struct text *out, const struct command *command);
void help_program(struct text *out); /* of `edgelat --help` */

#endif
