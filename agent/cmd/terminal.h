/*
 * The terminal in full-screen mode, by ncurses: shows a screen, reports keys and changes of
 * size. It uses characters beyond ASCII only where the locale is UTF-8, and colours only
 * where the terminal has them and NO_COLOR (no-color.org) is not set.
 */
#ifndef EDGELAT_CMD_TERMINAL_H
#define EDGELAT_CMD_TERMINAL_H

#include "base/text.h"
#include "cmd/screen.h"

#include <stdbool.h>
#include <uv.h>

struct terminal;

/* `key`: a character, or an enum of cmd/top_model.h; 0: the size has changed. */
typedef void terminal_cb(int key, void *user);

/* Whether standard input and output are a terminal with an addressable cursor. False: `why`
 * has one clause. */
bool terminal_usable(struct text *why);

/* Call terminal_usable() before. NULL: the terminal cannot be opened. */
struct terminal *terminal_open(uv_loop_t *loop, terminal_cb *on_key, void *user);

/* Empties the screen and sets it to the size and the character set of the terminal. */
void terminal_clear(const struct terminal *t, struct screen *s);
void terminal_show(struct terminal *t, const struct screen *s);

/* Restores the terminal. No callback after it returns; NULL is fine. */
void terminal_close(struct terminal *t);

#endif
