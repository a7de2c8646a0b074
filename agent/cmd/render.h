/*
 * Renders results and summaries as text for people or as JSON (one object per line) for
 * scripts. The JSON keys are a contract (README). Undefined values are null in JSON and "-"
 * in tables.
 */
#ifndef EDGELAT_CMD_RENDER_H
#define EDGELAT_CMD_RENDER_H

#include "base/text.h"
#include "core/kind.h"
#include "core/result.h"
#include "core/target.h"
#include "core/window.h"

struct shown_address { /* an address of a host that was probed */
    struct endpoint to;
    struct summary summary;
    uint64_t waiting;
    bool silent; /* left out of the summary: never answered, while another one did */
};

struct shown {          /* subject of a result or summary */
    const char *target; /* as the user wrote it */
    const struct kind *kind;
    struct endpoint to;
    bool unix_time;    /* in place of the local time */
    uint32_t sequence; /* of a result: number of the probe to its host, from 1 */
    int columns;       /* of the terminal; 0: unlimited */
    bool alone;        /* the only target: rows of a terminal need not name it */
    /* for summaries only: */
    const char *pop;               /* that the replies name; NULL or "": unknown */
    int64_t spread_ns[DELAYS_MAX]; /* standard deviations; 0: none */
    int64_t limit_ns;              /* for the median of the first delay; 0: none */
    const char *limit_source;      /* "": the configuration */
    int64_t usual_ns; /* the same here, by the agent; DELAY_UNDEFINED or 0: unknown */
    uint64_t waiting; /* probes neither answered nor lost */
    bool intercepted; /* a middlebox answers the handshakes */
    const char *interception; /* clause of core/intercept.h; "" or NULL: none */
    const struct shown_address *addresses; /* where the host has several */
    size_t n_addresses;
};

void render_result_json(struct text *out, const struct shown *of,
                        const struct result *result);
void render_result_line(struct text *out, const struct shown *of,
                        const struct result *result);

/* "mapped":{"address","port"}: this host as a STUN server sees it; nothing for
 * FAMILY_NONE. */
struct json;
void render_mapped_json(struct json *j, const struct endpoint *mapped);

void render_summary_json(struct text *out, const struct shown *of,
                         const struct summary *summary);

/* The block of one stream: its subject, counts, a row per delay of its kind, and its limit.
 * Columns drop out where it is wider than the terminal; no row is longer than 80. */
void render_summary_lines(struct text *out, const struct shown *of,
                          const struct summary *summary);

/* "teams.example tcp ipv4: 12 sent, 11 replies, 0 waiting, 8.3 % loss, p50 3.11 ms" */
void render_status_line(struct text *out, const struct shown *of,
                        const struct summary *summary);

/* Explains parentheses; print it if a percentile was shown in them. */
extern const char render_supported_note[];

/* "12.345", or "-" for DELAY_UNDEFINED; `out` has room for 24. */
const char *render_ms(char *out, int64_t ns);

#endif
