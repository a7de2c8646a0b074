/*
 * What goes over the status socket: whoever connects is sent one answer, and the end. No
 * request is read. The answer is a line "edgelat status 1 CODE JSON TEXT", where CODE is
 * 1 when something is wrong, else 0, and JSON and TEXT say how many bytes of each follow:
 * one JSON object on a line, then the same for people. The agent renders both, so that a
 * newer or older command shows what the agent knows.
 */
#ifndef EDGELAT_STATUS_ANSWER_H
#define EDGELAT_STATUS_ANSWER_H

#include "base/text.h"

#define ANSWER_MAX (4 << 20) /* bytes of an answer that is read */

struct status_answer { /* views */
    int code;
    const char *json, *text;
    size_t json_len, text_len;
};

/* Where either is no text there is a '?'. */
void answer_write(struct text *out, int code, const struct text *json,
                  const struct text *text);

/* False: it is none, or not all of one, or holds what is no text and could play tricks
 * with a terminal. */
bool answer_read(struct status_answer *out, const char *bytes, size_t len);

#endif
