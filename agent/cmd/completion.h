/*
 * Shell completions, made from the tables of commands and options (cmd.h) and of kinds. The
 * packages install the files that `make completions` writes to packaging/completions; a
 * test compares both.
 */
#ifndef EDGELAT_CMD_COMPLETION_H
#define EDGELAT_CMD_COMPLETION_H

#include "base/text.h"

#include <stdbool.h>

/* `shell`: "bash", "zsh" or "fish"; returns false for any other. */
bool completion_render(struct text *out, const char *shell);

#endif
