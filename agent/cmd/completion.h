/*
 * The completion of edgelat for a shell, made from the tables of commands and options
 * (cmd.h) and of kinds. The packages install what `make completions` writes into
 * packaging/completions; a test compares both.
 */
#ifndef EDGELAT_CMD_COMPLETION_H
#define EDGELAT_CMD_COMPLETION_H

#include "base/text.h"

#include <stdbool.h>

/* `shell`: "bash", "zsh" or "fish"; false for another one. */
bool completion_render(struct text *out, const char *shell);

#endif
