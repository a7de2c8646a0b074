/*
 * Prints what the running agent answers at a socket of its (status/answer.h): `edgelat
 * status`, `edgelat routes`.
 */
#ifndef EDGELAT_CMD_AGENT_ANSWER_H
#define EDGELAT_CMD_AGENT_ANSWER_H

#include "cmd/cmd.h"
#include "config/config.h"
#include "status/answer.h"

/* --config and --json. */
extern const struct cmd_option agent_answer_options[];

/* Reads these options: `*config` is the file given, or NULL. False: one is unknown, which
 * was printed. */
bool agent_answer_parse(int argc, char **argv, const char **config, bool *json,
                        bool *watch);

/*
 * Reads the configuration, for the name of the socket; free it with config_free(). Problems
 * in it are no error here: the agent runs with the configuration it was started with.
 * Neither is a missing or unreadable file at the default path. Returns CMD_FINE, or
 * CMD_CANNOT after a message.
 */
int agent_answer_config(struct config *c, const char *path);

/* Reads the answer at the socket into `bytes`; `out` has views of it. Returns 0, -errno, or
 * -EPROTO: not an answer of an agent. -EPROTONOSUPPORT: of a newer one. -ENOENT, -ECONNREFUSED: no agent. */
int agent_answer_read(const char *path, struct text *bytes, struct status_answer *out);

/* Prints the answer at the socket. Returns the exit code; after a message if CMD_CANNOT. */
int agent_answer_show(const char *path, bool json);

/* The same every AGENT_ANSWER_WATCH_S seconds, on a terminal in place of the last one, until
 * it is interrupted, nobody reads it, or no agent answers. */
enum { AGENT_ANSWER_WATCH_S = 5 };
int agent_answer_watch(const char *path, bool json);

#endif
