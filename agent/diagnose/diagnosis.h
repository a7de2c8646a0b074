/*
 * The result of `edgelat diagnose` as values: a row for each check, and the findings with
 * what to do. judge.h makes it of the facts. Pure.
 *
 * Where a fault explains another one, only the first is a finding, and the other one is
 * named in it: a captive portal breaks TLS, a lossy first hop slows every service. What
 * explains what follows the order in which a packet meets the checks.
 */
#ifndef EDGELAT_DIAGNOSE_DIAGNOSIS_H
#define EDGELAT_DIAGNOSE_DIAGNOSIS_H

#include "base/text.h"
#include "core/endpoint.h"
#include "core/fault.h"
#include "core/target.h"

#include <stdbool.h>
#include <stddef.h>

/* In the order in which a packet meets them. */
enum check_id {
    CHECK_INTERFACE,
    CHECK_GATEWAY,
    CHECK_RESOLVER,
    CHECK_NAMES,
    CHECK_PORTAL,
    CHECK_PROXY,
    CHECK_VPN,
    CHECK_PUBLIC_ADDRESS,
    CHECK_PATH,
    CHECK_FRONT_DOOR,
    CHECK_LOSS,
    CHECK_VARIATION,
    CHECK_TCP,
    CHECK_TLS,
    CHECK_HTTPS,
    CHECK_INTERCEPTION,
    CHECK_MEDIA,
    CHECK_MTU,
    CHECK_IPV6,
    CHECK_LOAD,
    CHECK_CLOCK,
    CHECK_IDS
};

const char *check_name(enum check_id id); /* "interface", "gateway", ... */

enum grade {
    GRADE_GOOD,
    GRADE_POOR, /* over a recommendation, not over a limit; or a hint */
    GRADE_BAD,
    GRADE_UNKNOWN,
};
const char *grade_name(enum grade g); /* "good", "poor", "bad", "unknown" */

struct check_row {
    enum check_id id;
    enum grade grade;
    char subject[128];             /* "eth0", "192.0.2.1", "teams" */
    enum family family;            /* FAMILY_NONE: none in particular */
    double value, low, high;       /* and its 95 % interval, in `unit`; NaN: none */
    const char *unit;              /* "ms", "%", "bytes", "s"; "": no value */
    double threshold;              /* NaN: none */
    char source[LIMIT_SOURCE_MAX]; /* of the threshold */
    double usual;                  /* the agent's median here; NaN: unknown */
    char text[360];                /* one clause */
    bool intercepted;              /* another host answers in its place */
    const char *why; /* it is unknown; NULL: as the first part of `text` says */
};

enum certainty { CERTAINTY_SURE, CERTAINTY_LIKELY };

struct fault_found {
    enum fault fault;
    enum certainty certainty;
    uint32_t services; /* bit i: service i; 0: all, or none in particular */
    bool shared; /* of the way of all packets: also of what no service is named for */
    /* Bits of faults that are not its cause, although faults like them can be. */
    uint64_t despite;
    const char *title;   /* fault_title(), or what is true of this case */
    const char *segment; /* "this host", "local network", "DNS", "provider", ... */
    const char *whom;    /* to call */
    char what[400];      /* a sentence: what is wrong, with figures */
    char next[320];      /* a sentence: what to do */
    /* Further cases of it and what it explains, a clause each; "": none. */
    char also[320];
    size_t n_more; /* those that did not fit; `also` ends with their number */
};

enum { CHECK_ROWS_MAX = 256, FAULTS_FOUND_MAX = 64 };

struct diagnosis {
    struct check_row rows[CHECK_ROWS_MAX];
    size_t n_rows;
    struct fault_found found[FAULTS_FOUND_MAX]; /* the findings */
    size_t n_found;
    char unknown[1536]; /* what could not be told, and why; "": nothing */
};

/* Adds a row without a value, to be filled in; never NULL: the last one is used again. */
struct check_row *diagnosis_row(struct diagnosis *d, enum check_id id, enum grade grade,
                                const char *subject);

/* Adds a fault; never NULL. Its title, segment and whom are those of the fault. */
struct fault_found *diagnosis_fault(struct diagnosis *d, enum fault f,
                                    enum certainty certainty, uint32_t services);

/* Leaves the faults that no other one explains, the most basic first, one of each title. */
void diagnosis_explain(struct diagnosis *d);

/* Adds a clause to a list of them ("a; b") of fixed room; what does not fit is counted, and
 * the end says how many. */
void diagnosis_add_clause(char *out, size_t room, size_t *n_more, const char *clause,
                          size_t len);
void diagnosis_end_clauses(char *out, size_t room, size_t n_more);

/* The verdict in plain words: some lines, for people; or one line. */
void diagnosis_text(const struct diagnosis *d, struct text *out);
void diagnosis_line(const struct diagnosis *d, struct text *out);

#endif
