#include "cmd/nearest_table.h"

#include "capture.h"
#include "check.h"
#include "core/time.h"

#define MS(x) ((int64_t)((x)*NS_PER_MS))

static const struct kind icmp = {.name = "icmp", .delays = {"rtt"}};
static const struct kind tcp = {.name = "tcp", .delays = {"rtt"}, .uses = USES_PORT};

enum { SERIES_MAX = 4 };

struct rows { /* one target, with its streams */
    struct target target;
    struct target_state state;
    struct series series[SERIES_MAX];
    const struct series *list[SERIES_MAX];
    struct batch batch;
};

static void begin(struct rows *r)
{
    *r = (struct rows){.state = {.target = &r->target, .pop = "AMS", .rank = 1}};
    r->target.name = "teams";
    r->target.host = "teams.example";
    r->batch = (struct batch){.series = r->list, .targets = &r->state, .n_targets = 1};
}

/* Adds a stream with `replies` from `min_ms` up, 1 ms apart, and other outcomes. */
static void add(struct rows *r, const struct kind *kind, const char *address,
                uint64_t replies, double min_ms, enum outcome other, uint64_t others)
{
    struct series *s = &r->series[r->batch.n_series];
    r->list[r->batch.n_series++] = s;
    *s = (struct series){.target = &r->target, .kind = kind, .in_window = true};
    endpoint_parse(&s->to, address, 443);
    s->family = (enum family)s->to.family;
    struct window *w = window_create(kind, (struct wall){0});
    for (uint64_t i = 0; i < replies + others; i++) {
        bool reply = i < replies;
        struct result result =
            result_of(0, &s->to, (struct wall){(int64_t)(i + 1) * NS_PER_S},
                      reply ? OUTCOME_REPLY : other);
        if (reply)
            result.delays[0] = MS(min_ms + (double)i);
        window_add(w, &result);
    }
    window_summary(w, (struct wall){60 * NS_PER_S}, &s->window);
    window_destroy(w);
    r->state.addresses[s->family == FAMILY_IPV6].to = s->to;
    r->state.sent += replies + others;
    r->state.lost += other == OUTCOME_LOSS ? others : 0;
    if (s->window.delays[0].count > 0 &&
        (r->state.min_ns <= 0 || s->window.delays[0].min_ns < r->state.min_ns))
        r->state.min_ns = s->window.delays[0].min_ns;
}

static const char *print(struct capture *c, const struct rows *r, bool json)
{
    static const struct catalogue none;
    static const struct site nowhere = {.metros = &none};
    struct nearest_view view = {&nowhere, "", json};
    capture_begin(c);
    nearest_print(&view, &r->batch);
    capture_end(c);
    return c->out;
}

static void expect(const struct rows *r, bool json, const char *part, const char *what)
{
    struct capture c;
    CHECK(strstr(print(&c, r, json), part) != NULL, "%s: no '%s' in %s", what, part,
          c.out);
}

/* The p50 of two results is not that of twelve: what stands beside it is of the same
 * kind and family, and it is in parentheses. */
static void a_row_is_of_one_stream(void **state)
{
    (void)state;
    struct rows r;
    begin(&r);
    add(&r, &icmp, "192.0.2.1", 4, 9, OUTCOME_LOSS, 2);
    add(&r, &tcp, "192.0.2.1", 4, 8, OUTCOME_LOSS, 0);
    add(&r, &tcp, "2001:db8::1", 2, 3, OUTCOME_LOSS, 0);
    expect(&r, false, "  3.000  (3.000)  0.0 %     2  tcp   ipv6 ", "few");
    expect(&r, false, "(in parentheses: ", "and why");
    expect(&r, true,
           "\"kind\":\"tcp\",\"min\":3.000000,\"p50\":3.000000,"
           "\"unsupported\":[\"p50\"],\"loss_ratio\":0,\"sent\":2,"
           "\"received\":2,",
           "JSON");
    expect(&r, true, "\"target_sent\":12", "all kinds");
    begin(&r);
    add(&r, &tcp, "192.0.2.1", 6, 8, OUTCOME_LOSS, 0);
    expect(&r, false, "  8.000   10.000  0.0 %     6  tcp   ipv4 ", "enough");
    expect(&r, true, "\"unsupported\":[]", "enough, in JSON");
}

static void losses_of_others_are_told(void **state)
{
    (void)state;
    struct rows r;
    begin(&r);
    r.state.rank = 0;
    add(&r, &tcp, "192.0.2.1", 6, 3, OUTCOME_LOSS, 0);
    add(&r, &icmp, "192.0.2.1", 3, 9, OUTCOME_LOSS, 3);
    expect(&r, false, "teams: 3 of 12 probes were lost over all kinds and families\n",
           "why it has no rank");
}

static void failures_are_not_fine(void **state)
{
    (void)state;
    struct rows r;
    begin(&r);
    r.state.rank = 0;
    r.state.min_ns = DELAY_UNDEFINED;
    add(&r, &tcp, "192.0.2.1", 0, 0, OUTCOME_REFUSED, 6);
    expect(&r, false, "      -        -     -     6  -     -       -", "refused");
    begin(&r);
    r.state.min_ns = DELAY_UNDEFINED;
    add(&r, &tcp, "192.0.2.1", 0, 0, OUTCOME_UNREACHABLE, 6);
    expect(&r, false, "      -        -  100.0 %     6  -     -       -", "unreachable");
}

/* IPv4 is behind a middlebox: its distance is the TLS delay, that of IPv6 the RTT. */
static void behind_a_middlebox_tls_counts(void **state)
{
    (void)state;
    static const struct kind https = {.name = "https",
                                      .delays = {"rtt", "tls"},
                                      .uses = USES_PORT,
                                      .roles = {DELAY_HANDSHAKE, DELAY_TLS}};
    const struct delay_summary tls = {.count = 5, .min_ns = MS(40)};
    static const struct intercept middlebox = {.decoy = {MS(2), 1}};
    struct rows r;
    begin(&r);
    add(&r, &https, "192.0.2.1", 0, 0, OUTCOME_LOSS, 0);
    r.series[0].window.sent = 5;
    r.series[0].window.delays[1] = tls;
    r.state.intercepted = true;
    r.state.addresses[0].intercept = &middlebox;
    expect(&r, true, "\"kind\":\"https\",\"min\":40.000000,", "TLS");
    add(&r, &https, "2001:db8::1", 5, 30, OUTCOME_LOSS, 0);
    r.series[1].window.delays[1] = tls;
    expect(&r, true, "\"kind\":\"https\",\"min\":30.000000,", "the round trip by IPv6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behind_a_middlebox_tls_counts),
        cmocka_unit_test(a_row_is_of_one_stream),
        cmocka_unit_test(losses_of_others_are_told),
        cmocka_unit_test(failures_are_not_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
