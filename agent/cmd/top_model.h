/*
 * What `edgelat top` shows: the last status of an agent (the JSON of its windows socket,
 * daemon/status_server.h), how the user looks at it, and how it is drawn. The bytes come from
 * another process and are bounded by the caller (ANSWER_MAX). Pure.
 */
#ifndef EDGELAT_CMD_TOP_MODEL_H
#define EDGELAT_CMD_TOP_MODEL_H

#include "cmd/screen.h"

#include <stdbool.h>
#include <stddef.h>

enum { /* keys that are not characters */
       TOP_KEY_UP = 256,
       TOP_KEY_DOWN,
       TOP_KEY_PAGE_UP,
       TOP_KEY_PAGE_DOWN,
       TOP_KEY_HOME,
       TOP_KEY_END,
       TOP_KEY_ENTER,
       TOP_KEY_ESCAPE,
};

struct top;

struct top *top_create(void);
void top_destroy(struct top *t); /* NULL is fine */

/* Takes a copy of one status. False: not a status; the previous one is kept. The cursor stays on
 * its target. */
bool top_update(struct top *t, const char *json, size_t len);

/* Where the status comes from, or why none comes: in the first line. */
void top_source(struct top *t, const char *text);

/* Returns false when the key ends the program. */
bool top_key(struct top *t, int key);

/* Draws all of it; `s` has its size (screen_clear()). */
void top_draw(struct top *t, struct screen *s);

#endif
