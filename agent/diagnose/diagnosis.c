#include "diagnose/diagnosis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const char *check_name(enum check_id id)
{
    static const char *const names[CHECK_IDS] = {
        [CHECK_INTERFACE] = "interface",
        [CHECK_GATEWAY] = "gateway",
        [CHECK_RESOLVER] = "resolver",
        [CHECK_NAMES] = "names",
        [CHECK_PORTAL] = "captive_portal",
        [CHECK_PROXY] = "proxy",
        [CHECK_VPN] = "vpn",
        [CHECK_PUBLIC_ADDRESS] = "public_address",
        [CHECK_PATH] = "path",
        [CHECK_FRONT_DOOR] = "front_door",
        [CHECK_LOSS] = "loss",
        [CHECK_VARIATION] = "delay_variation",
        [CHECK_TCP] = "tcp",
        [CHECK_TLS] = "tls",
        [CHECK_HTTPS] = "https",
        [CHECK_INTERCEPTION] = "interception",
        [CHECK_MEDIA] = "media",
        [CHECK_MTU] = "mtu",
        [CHECK_IPV6] = "ipv6",
        [CHECK_LOAD] = "load",
        [CHECK_CLOCK] = "clock",
    };
    return names[id];
}

const char *grade_name(enum grade g)
{
    static const char *const names[] = {[GRADE_GOOD] = "good",
                                        [GRADE_POOR] = "poor",
                                        [GRADE_BAD] = "bad",
                                        [GRADE_UNKNOWN] = "unknown"};
    return names[g];
}

struct check_row *diagnosis_row(struct diagnosis *d, enum check_id id, enum grade grade,
                                const char *subject)
{
    struct check_row *row =
        &d->rows[d->n_rows < CHECK_ROWS_MAX ? d->n_rows++ : CHECK_ROWS_MAX - 1];
    *row = (struct check_row){.id = id,
                              .grade = grade,
                              .value = NAN,
                              .low = NAN,
                              .high = NAN,
                              .unit = "",
                              .threshold = NAN,
                              .usual = NAN};
    text_copy(row->subject, sizeof row->subject, subject);
    return row;
}

struct fault_found *diagnosis_fault(struct diagnosis *d, enum fault f,
                                    enum certainty certainty, uint32_t services)
{
    struct fault_found *x =
        &d->found[d->n_found < FAULTS_FOUND_MAX ? d->n_found++ : FAULTS_FOUND_MAX - 1];
    *x = (struct fault_found){.fault = f,
                              .certainty = certainty,
                              .services = services,
                              .title = fault_title(f),
                              .segment = fault_segment(f),
                              .whom = fault_whom(f)};
    return x;
}

/* Whether `a` explains `b`: it can, and concerns all of its services. */
static bool explains(const struct fault_found *a, const struct fault_found *b)
{
    bool within = b->services != 0 ? (b->services & ~a->services) == 0 : a->shared;
    bool covers = a->services == 0 || within;
    return a->fault != b->fault && (b->despite & FAULT_BIT(a->fault)) == 0 &&
           fault_explains(a->fault, b->fault) && covers;
}

/* The first clause: up to a semicolon or the full stop, or to a parenthesis with which a phrase
 * ends. One inside of it is left out: "a middlebox (a modem) answers"; a short one stays: "(LHR)". */
static void first_clause(char *out, size_t room, const char *sentence)
{
    enum { SHORT = 6 };
    size_t n = 0;
    for (const char *at = sentence; *at != '\0' && *at != ';' && n + 1 < room; at++) {
        if (*at == '.' && (at[1] == ' ' || at[1] == '\0'))
            break;
        const char *end = *at == '(' ? strchr(at, ')') : NULL;
        if (end != NULL && end - at > SHORT && end[1] != ' ')
            break;
        if (end != NULL && end - at > SHORT)
            at = end + 1; /* and the space behind it */
        else
            out[n++] = *at;
    }
    while (n > 0 && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

void diagnosis_add_clause(char *out, size_t room, size_t *n_more, const char *clause,
                          size_t len)
{
    static const char most[] = "; and 256 more";
    size_t at = strlen(out);
    const char *between = at > 0 ? "; " : "";
    if (*n_more > 0 || at + strlen(between) + len + sizeof most > room) {
        *n_more += 1;
        return;
    }
    snprintf(out + at, room - at, "%s%.*s", between, (int)len, clause);
}

void diagnosis_end_clauses(char *out, size_t room, size_t n_more)
{
    size_t at = strlen(out);
    if (n_more > 0)
        snprintf(out + at, room - at, "%s%zu more", at > 0 ? "; and " : "", n_more);
}

static void add_also(struct fault_found *x, const struct fault_found *other)
{
    char clause[sizeof other->what];
    first_clause(clause, sizeof clause, other->what);
    diagnosis_add_clause(x->also, sizeof x->also, &x->n_more, clause, strlen(clause));
}

static bool is_explained(const struct fault_found *all, size_t n,
                         const struct fault_found *x)
{
    for (size_t i = 0; i < n; i++)
        if (explains(&all[i], x))
            return true;
    return false;
}

/* The finding that explains `x`, or what explains it, and so on; NULL: none. */
static struct fault_found *finding_behind(struct diagnosis *d,
                                          const struct fault_found *all, size_t n,
                                          const struct fault_found *x, int steps)
{
    struct fault_found *behind = NULL;
    for (size_t k = 0; k < d->n_found && behind == NULL; k++)
        behind = explains(&d->found[k], x) ? &d->found[k] : NULL;
    for (size_t i = 0; i < n && behind == NULL && steps > 0; i++)
        if (explains(&all[i], x))
            behind = finding_behind(d, all, n, &all[i], steps - 1);
    return behind;
}

static void add_finding(struct diagnosis *d, const struct fault_found *x)
{
    struct fault_found *last = NULL;
    for (size_t i = 0; i < d->n_found; i++)
        if (d->found[i].fault == x->fault && strcmp(d->found[i].title, x->title) == 0)
            last = &d->found[i];
    if (last == NULL) {
        d->found[d->n_found++] = *x;
        return;
    }
    bool all = last->services == 0 || x->services == 0;
    last->services = all ? 0 : last->services | x->services;
    last->shared |= x->shared;
    add_also(last, x);
}

void diagnosis_explain(struct diagnosis *d)
{
    struct fault_found all[FAULTS_FOUND_MAX];
    size_t n = d->n_found;
    memcpy(all, d->found, n * sizeof *all);
    d->n_found = 0;
    for (enum fault f = 0; f < FAULTS; f++)
        for (size_t i = 0; i < n; i++)
            if (all[i].fault == f && !is_explained(all, n, &all[i]))
                add_finding(d, &all[i]);
    for (size_t i = 0; i < n; i++) {
        struct fault_found *behind =
            is_explained(all, n, &all[i]) ? finding_behind(d, all, n, &all[i], 2) : NULL;
        if (behind != NULL)
            add_also(behind, &all[i]);
    }
    for (size_t k = 0; k < d->n_found; k++)
        diagnosis_end_clauses(d->found[k].also, sizeof d->found[k].also,
                              d->found[k].n_more);
}

void diagnosis_text(const struct diagnosis *d, struct text *out)
{
    if (d->n_found == 0)
        text_add(out, "Verdict: nothing wrong found from here.\n");
    for (size_t i = 0; i < d->n_found; i++) {
        const struct fault_found *x = &d->found[i];
        text_add(out, "%s%s\n  What:    %s\n",
                 i == 0 ? "Verdict: " : "Also:    ", x->title, x->what);
        text_add(out, "  Where:   %s%s\n", x->segment,
                 x->certainty == CERTAINTY_SURE ? "" : " (likely, not certain)");
        if (x->also[0] != '\0')
            text_add(out, "  With it: %s\n", x->also);
        text_add(out, "  Next:    %s\n", x->next);
        text_add(out, "  Call:    %s\n", x->whom);
    }
    if (d->unknown[0] != '\0')
        text_add(out, "Not checked: %s\n", d->unknown);
}

void diagnosis_line(const struct diagnosis *d, struct text *out)
{
    if (d->n_found == 0)
        text_add(out, "nothing wrong found from here");
    for (size_t i = 0; i < d->n_found; i++)
        text_add(out, "%s%s%s: %s", i > 0 ? " | " : "", fault_name(d->found[i].fault),
                 d->found[i].certainty == CERTAINTY_SURE ? "" : " (likely)",
                 d->found[i].what);
}
