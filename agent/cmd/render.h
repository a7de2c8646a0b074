/*
 * How results and summaries are shown: as text for people, as JSON (one object a line)
 * for scripts. The JSON keys are a contract: see the README. What is undefined is null in
 * JSON and "-" in a table.
 */
#ifndef EDGELAT_CMD_RENDER_H
#define EDGELAT_CMD_RENDER_H

#include "base/json.h"
#include "base/text.h"
#include "core/kind.h"
#include "core/result.h"
#include "core/target.h"
#include "core/window.h"

struct shown {          /* what a result or a summary is about */
    const char *target; /* as the user wrote it */
    const struct kind *kind;
    struct endpoint to;
    int target_width; /* of the first column of the summaries, at least */
    uint64_t waiting; /* of a summary: probes sent that are neither answered nor lost */
    bool intercepted; /* of a summary: a middlebox answers the handshakes */
    const char *interception; /* the clause of core/intercept.h on it; "" or NULL: none */
};

void render_result_json(struct text *out, const struct shown *of,
                        const struct result *result);
void render_result_line(struct text *out, const struct shown *of,
                        const struct result *result);

void render_summary_json(struct text *out, const struct shown *of,
                         const struct summary *summary);

/* A table: the head, then the lines of one stream, one a delay of its kind. */
void render_summary_head(struct text *out, int target_width);
void render_summary_lines(struct text *out, const struct shown *of,
                          const struct summary *summary);

/* Why a percentile stands in brackets; only where one did. */
extern const char render_supported_note[];

/* "12.345", or "-" for DELAY_UNDEFINED; `out` has room for 24. */
const char *render_ms(char *out, int64_t ns);
void render_delay_json(struct json *j, const char *key,
                       int64_t ns); /* null where undefined */

#endif
