#include "diagnose/diagnosis.h"

#include <math.h>
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

#define BIT(fault)  (UINT64_C(1) << (fault))
#define SLOW_THINGS (BIT(FAULT_SERVICE_SLOW) | BIT(FAULT_MEDIA) | BIT(FAULT_IPV6_SLOW))
#define LOSS_THINGS                                                                      \
    (BIT(FAULT_PATH_LOSS) | BIT(FAULT_SERVICE_LOSS) | BIT(FAULT_RESOLVER_LOSS) |         \
     BIT(FAULT_JITTER) | BIT(FAULT_LARGE_LOSS) | SLOW_THINGS)
/* What a lossy or slow first hop does to all that is behind it. */
#define LOCAL_THINGS (BIT(FAULT_GATEWAY_SLOW) | BIT(FAULT_RESOLVER_SLOW) | LOSS_THINGS)
/* What fails where HTTPS of a service cannot work. */
#define DOWN_THINGS                                                                      \
    (BIT(FAULT_SERVICE_DOWN) | BIT(FAULT_SERVICE_TLS) | BIT(FAULT_SERVICE_ERRORS) |      \
     BIT(FAULT_SERVICE_LOSS) | BIT(FAULT_SERVICE_SLOW))
#define WHERE_THINGS                                                                     \
    (BIT(FAULT_FAR_DOOR) | BIT(FAULT_RESOLVER_FAR) | BIT(FAULT_PROVIDER_SLOW) |          \
     BIT(FAULT_BACKUP_POP))
#define ALL_BEHIND(fault) (~UINT64_C(0) << ((fault) + 1))

/* What a fault explains, by bits of enum fault. */
static const uint64_t explained[FAULTS] = {
    [FAULT_NO_ROUTE] = ALL_BEHIND(FAULT_NO_ROUTE),
    [FAULT_LINK_DUPLEX] = BIT(FAULT_LINK_ERRORS) | BIT(FAULT_GATEWAY_LOSS) | LOCAL_THINGS,
    [FAULT_LINK_ERRORS] = BIT(FAULT_GATEWAY_LOSS) | LOCAL_THINGS,
    [FAULT_LINK_SIGNAL] = BIT(FAULT_LINK_ERRORS) | BIT(FAULT_GATEWAY_LOSS) | LOCAL_THINGS,
    [FAULT_GATEWAY_SILENT] = ALL_BEHIND(FAULT_GATEWAY_SILENT),
    [FAULT_GATEWAY_LOSS] = LOCAL_THINGS,
    [FAULT_GATEWAY_SLOW] = BIT(FAULT_RESOLVER_SLOW) | SLOW_THINGS,
    [FAULT_NO_DNS] = ALL_BEHIND(FAULT_NO_DNS),
    [FAULT_RESOLVER_DEAD] = BIT(FAULT_RESOLVER_SLOW) | BIT(FAULT_RESOLVER_LOSS),
    [FAULT_RESOLVER_LOSS] = BIT(FAULT_RESOLVER_SLOW),
    [FAULT_RESOLVER_LIES] = DOWN_THINGS | WHERE_THINGS | BIT(FAULT_INTERCEPTED) |
                            BIT(FAULT_PATH_BROKEN) | BIT(FAULT_MIDDLEBOX),
    [FAULT_RESOLVER_FAR] = BIT(FAULT_FAR_DOOR) | SLOW_THINGS | BIT(FAULT_PROVIDER_SLOW),
    [FAULT_PORTAL] =
        DOWN_THINGS | WHERE_THINGS | BIT(FAULT_INTERCEPTED) | BIT(FAULT_MIDDLEBOX) |
        BIT(FAULT_RESOLVER_LIES) | BIT(FAULT_PATH_LOSS) | BIT(FAULT_PATH_BROKEN) |
        BIT(FAULT_UDP_BLOCKED) | BIT(FAULT_CLOCK) | BIT(FAULT_MTU) |
        BIT(FAULT_IPV6_BROKEN) | BIT(FAULT_CONNECTIONS) | BIT(FAULT_RESOLVER_SLOW),
    [FAULT_PROXY_FAILS] = DOWN_THINGS,
    [FAULT_PROXY] = SLOW_THINGS | BIT(FAULT_UDP_BLOCKED),
    [FAULT_VPN] = WHERE_THINGS | SLOW_THINGS | BIT(FAULT_ADDRESS_OUTSIDE) |
                  BIT(FAULT_RESOLVER_SLOW) | BIT(FAULT_GATEWAY_SLOW),
    [FAULT_BACKUP_POP] = BIT(FAULT_PROVIDER_SLOW) | BIT(FAULT_FAR_DOOR) |
                         BIT(FAULT_RESOLVER_FAR) | SLOW_THINGS,
    [FAULT_CONNECTIONS] = BIT(FAULT_PATH_LOSS) | BIT(FAULT_SERVICE_ADDRESS) |
                          BIT(FAULT_IPV6_BROKEN) | DOWN_THINGS,
    [FAULT_PATH_LOSS] = BIT(FAULT_SERVICE_LOSS) | BIT(FAULT_LARGE_LOSS) |
                        BIT(FAULT_RESOLVER_SLOW) | SLOW_THINGS,
    [FAULT_LARGE_LOSS] = BIT(FAULT_SERVICE_SLOW),
    /* A middlebox is found by comparing delays, which these are no measure of. */
    [FAULT_JITTER] = BIT(FAULT_MEDIA) | BIT(FAULT_MIDDLEBOX),
    [FAULT_PROVIDER_SLOW] = BIT(FAULT_RESOLVER_SLOW) | SLOW_THINGS,
    [FAULT_PATH_BROKEN] = DOWN_THINGS | BIT(FAULT_UDP_BLOCKED) |
                          BIT(FAULT_RESOLVER_DEAD) | BIT(FAULT_RESOLVER_SLOW),
    [FAULT_FAR_DOOR] = SLOW_THINGS,
    [FAULT_CLOCK] = BIT(FAULT_SERVICE_TLS),
    [FAULT_INTERCEPTED] = BIT(FAULT_MIDDLEBOX) | BIT(FAULT_SERVICE_TLS),
    [FAULT_MIDDLEBOX] = DOWN_THINGS,
    [FAULT_MTU] = DOWN_THINGS | BIT(FAULT_LARGE_LOSS),
    [FAULT_IPV6_BROKEN] = BIT(FAULT_IPV6_SLOW),
    [FAULT_SERVICE_DOWN] = BIT(FAULT_SERVICE_TLS) | BIT(FAULT_SERVICE_LOSS) |
                           BIT(FAULT_SERVICE_ERRORS) | BIT(FAULT_SERVICE_SLOW) |
                           BIT(FAULT_SERVICE_ADDRESS) | BIT(FAULT_IPV6_BROKEN),
    [FAULT_SERVICE_LOSS] = BIT(FAULT_SERVICE_SLOW),
    [FAULT_UDP_BLOCKED] = BIT(FAULT_MEDIA),
};

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
                              .segment = fault_segment(f),
                              .whom = fault_whom(f)};
    return x;
}

/* Whether `a` explains `b`: it can, and concerns all of its services. */
static bool explains(const struct fault_found *a, const struct fault_found *b)
{
    bool within = b->services != 0 ? (b->services & ~a->services) == 0 : a->shared;
    bool covers = a->services == 0 || within;
    return a->fault != b->fault && (explained[a->fault] & BIT(b->fault)) != 0 && covers;
}

/* Length of the first clause: up to a semicolon, a parenthesis or the full stop. */
static size_t clause_len(const char *sentence)
{
    size_t n = 0;
    while (sentence[n] != '\0' && sentence[n] != ';' && sentence[n] != '(' &&
           !(sentence[n] == '.' && (sentence[n + 1] == ' ' || sentence[n + 1] == '\0')))
        n++;
    while (n > 0 && sentence[n - 1] == ' ')
        n--;
    return n;
}

static void add_also(struct fault_found *x, const struct fault_found *other)
{
    size_t len = strlen(x->also), n = clause_len(other->what);
    struct text t = {0};
    text_add(&t, "%s%.*s", len > 0 ? "; " : "", (int)n, other->what);
    if (len + t.len < sizeof x->also)
        text_copy(x->also + len, sizeof x->also - len, text_string(&t));
    text_free(&t);
}

static bool is_explained(const struct diagnosis *d, size_t i)
{
    for (size_t k = 0; k < d->n_found; k++)
        if (explains(&d->found[k], &d->found[i]))
            return true;
    return false;
}

void diagnosis_explain(struct diagnosis *d)
{
    struct fault_found left[FAULTS_FOUND_MAX] = {0};
    size_t n = 0;
    for (enum fault f = 0; f < FAULTS; f++)
        for (size_t i = 0; i < d->n_found; i++)
            if (d->found[i].fault == f && !is_explained(d, i))
                left[n++] = d->found[i];
    for (size_t i = 0; i < d->n_found; i++)
        for (size_t k = 0; k < n; k++)
            if (is_explained(d, i) && explains(&left[k], &d->found[i])) {
                add_also(&left[k], &d->found[i]);
                break;
            }
    d->n_found = 0;
    for (size_t i = 0; i < n; i++) {
        struct fault_found *last = d->n_found > 0 ? &d->found[d->n_found - 1] : NULL;
        if (last != NULL && last->fault == left[i].fault) {
            last->services |= left[i].services;
            add_also(last, &left[i]);
        } else {
            d->found[d->n_found++] = left[i];
        }
    }
}

void diagnosis_text(const struct diagnosis *d, struct text *out)
{
    if (d->n_found == 0)
        text_add(out, "Verdict: nothing wrong found from here.\n");
    for (size_t i = 0; i < d->n_found; i++) {
        const struct fault_found *x = &d->found[i];
        text_add(out, "%s%s\n", i == 0 ? "Verdict: " : "Also:    ", x->what);
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
