/*
 * The protocol of the status socket: each client receives one answer, then end of file. No
 * request is read. The answer is a line "edgelat status 2 CODE JSON TEXT", where CODE is 1
 * when there are problems, else 0, and JSON and TEXT are byte counts. The JSON object
 * follows on one line, then the readable text, with tables (base/fit.h). The agent renders
 * both, so that a client of the same version of this form, 2, shows everything that the
 * agent reports. Version 1 was without tables; it is still read.
 */
#ifndef EDGELAT_STATUS_ANSWER_H
#define EDGELAT_STATUS_ANSWER_H

#include "base/text.h"

#define ANSWER_MAX (4 << 20) /* bytes; a longer answer is refused */

struct status_answer { /* views into the bytes that were read */
    int code;
    const char *json, *text;
    size_t json_len, text_len;
};

/* Replaces what is not safe to show (text_next()), other than newlines and tabs, by '?'. */
void answer_write(struct text *out, int code, const struct text *json,
                  const struct text *text);

/* False: not an answer, incomplete, or with bytes that are invalid UTF-8 or control
 * characters, which could manipulate a terminal. */
bool answer_read(struct status_answer *out, const char *bytes, size_t len);

/* The answer that answer_read() refused is of a version of the form yet to come. */
bool answer_is_newer(const char *bytes, size_t len);

#endif
