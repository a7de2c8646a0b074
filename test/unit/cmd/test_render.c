#include "check.h"
#include "cmd/render.h"

#include <time.h>

static const struct kind tcp = {.name = "tcp", .delays = {"rtt"}, .uses = USES_PORT};

static struct shown shown(void)
{
    struct shown of = {.target = "teams.example", .kind = &tcp};
    endpoint_parse(&of.to, "203.0.113.20", 443);
    return of;
}

static struct result result(enum outcome outcome, int64_t rtt)
{
    struct shown of = shown();
    struct wall time = {INT64_C(1795424400123456789)};
    struct result r = result_of(0, &of.to, time, outcome);
    r.delays[0] = rtt;
    return r;
}

static void a_result_in_json(void **state)
{
    (void)state;
    struct shown of = shown();
    struct text out = {0};
    struct result r = result(OUTCOME_REPLY, 3107512);
    render_result_json(&out, &of, &r);
    CHECK_TEXT("{\"time\":\"2026-11-23T09:00:00.123456Z\",\"target\":\"teams.example\","
               "\"kind\":\"tcp\","
               "\"address\":\"203.0.113.20\",\"family\":\"ipv4\",\"port\":443,"
               "\"outcome\":\"reply\","
               "\"pop\":null,\"delays\":{\"rtt\":3.107512}}\n",
               text_string(&out), "a reply");
    text_clear(&out);
    r = result(OUTCOME_LOSS, DELAY_UNDEFINED);
    strcpy(r.cause, "no reply within 2 s");
    render_result_json(&out, &of, &r);
    CHECK(strstr(text_string(&out),
                 "\"outcome\":\"loss\",\"pop\":null,\"delays\":{\"rtt\":null},"
                 "\"cause\":\"no reply within 2 s\"}") != NULL,
          "loss has a null delay: %s", text_string(&out));
    text_free(&out);
}

static void a_result_as_text(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum outcome outcome;
        int64_t rtt;
        uint8_t lost_packets;
        const char *expected;
    } cases[] = {
        {"a reply", OUTCOME_REPLY, 3107512, 0, "rtt 3.11 ms\n"},
        {"a reply to the second SYN", OUTCOME_REPLY, DELAY_UNDEFINED, 1,
         "reply, delay undefined  1 lost packet retransmitted\n"},
        {"loss", OUTCOME_LOSS, DELAY_UNDEFINED, 0, "loss\n"},
        {"a refusal", OUTCOME_REFUSED, 1000000, 0, "refused  rtt 1.00 ms\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shown of = shown();
        struct text out = {0};
        struct result r = result(cases[i].outcome, cases[i].rtt);
        r.lost_packets = cases[i].lost_packets;
        render_result_line(&out, &of, &r);
        char expected[200];
        snprintf(expected, sizeof expected,
                 "09:00:00.123Z  teams.example  tcp  203.0.113.20:443  %s",
                 cases[i].expected);
        CHECK_TEXT(expected, text_string(&out), cases[i].what);
        text_free(&out);
    }
}

/* Why there is no reply does not drop out: it goes to a line of its own. */
static void a_cause_is_always_shown(void **state)
{
    (void)state;
    struct shown of = shown();
    struct text out = {0};
    struct result r = result(OUTCOME_NOT_MEASURED, DELAY_UNDEFINED);
    strcpy(r.cause, "this host has no route to the address over uplink dsl");
    of.columns = 80;
    render_result_line(&out, &of, &r);
    CHECK_TEXT("09:00:00.123Z  tcp  203.0.113.20:443  not_measured\n"
               "    (this host has no route to the address over uplink dsl)\n",
               strstr(text_string(&out), "09:"), "80 columns");
    text_clear(&out);
    of.columns = 50;
    render_result_line(&out, &of, &r);
    CHECK_TEXT("09:00:00.123Z  tcp  203.0.113.20:443  not_measured\n"
               "    (this host has no route to the address over\n    uplink dsl)\n",
               text_string(&out), "50 columns");
    text_free(&out);
}

/* The row has the time zone. */
static void local_time_has_its_zone(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *expected; /* of 09:00:00.123 UTC, 23 November */
    } cases[] = {
        {"UTC0", "09:00:00.123Z  "},
        {"EST5EDT,M3.2.0,M11.1.0", "04:00:00.123-05:00  "},
        {"IST-5:30", "14:30:00.123+05:30  "},
        {"NST3:30", "05:30:00.123-03:30  "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shown of = shown();
        struct text out = {0};
        struct result r = result(OUTCOME_REPLY, NS_PER_MS);
        setenv("TZ", cases[i].zone, 1);
        tzset();
        render_result_line(&out, &of, &r);
        CHECK(strncmp(text_string(&out), cases[i].expected, strlen(cases[i].expected)) ==
                  0,
              "%s: %s", cases[i].zone, text_string(&out));
        text_clear(&out);
        render_result_json(&out, &of, &r);
        CHECK(strstr(text_string(&out), "\"2026-11-23T09:00:00.123456Z\"") != NULL,
              "JSON is UTC: %s", text_string(&out));
        text_free(&out);
    }
    setenv("TZ", "UTC0", 1);
    tzset();
}

static struct summary summary_of(const enum outcome *outcomes, size_t n)
{
    struct window *w = window_create(&tcp, (struct wall){0});
    struct summary summary;
    for (size_t i = 0; i < n; i++) {
        struct result r = result(
            outcomes[i], outcomes[i] == OUTCOME_REPLY ? NS_PER_MS : DELAY_UNDEFINED);
        r.time.ns += (int64_t)i * NS_PER_S;
        window_add(w, &r);
    }
    window_summary(w, (struct wall){60 * NS_PER_S}, &summary);
    window_destroy(w);
    return summary;
}

/* The table and the counts below it: words of a line, separated by one space. */
static void nothing_looks_fine_that_is_not(void **state)
{
    (void)state;
    static const enum outcome R = OUTCOME_REPLY, L = OUTCOME_LOSS, F = OUTCOME_REFUSED,
                              T = OUTCOME_TLS_ERROR;
    const struct {
        const char *what;
        enum outcome outcomes[4];
        size_t n;
        uint64_t waiting;
        const char *row, *counts, *json;
    } cases[] = {
        {"all refused",
         {F, F},
         2,
         0,
         "2 sent, 0 replies, loss -",
         "2 refused (100.0 % failed)",
         "\"sent\":2,\"received\":0,\"waiting\":0,\"lost\":0,\"failed\":2,\"loss_ratio\":"
         "0,"},
        {"half failed",
         {R, T},
         2,
         0,
         "2 sent, 1 reply, loss -, ",
         "1 TLS error (50.0 % failed)",
         "\"sent\":2,\"received\":1,\"waiting\":0,\"lost\":0,\"failed\":1,\"loss_ratio\":"
         "0,"},
        {"lost and failed",
         {R, L, F, R},
         4,
         0,
         "4 sent, 2 replies, loss 25.0 %",
         "1 refused (25.0 % failed)",
         "\"lost\":1,\"failed\":1,"},
        {"none has come back",
         {R},
         0,
         5,
         "5 sent, 0 replies, loss -",
         "5 still waiting",
         "\"sent\":5,\"received\":0,\"waiting\":5,\"lost\":0,\"failed\":0,\"loss_ratio\":"
         "null,"},
        {"the last one is under way",
         {R, R},
         2,
         1,
         "3 sent, 2 replies, loss 0.0 %",
         "1 still waiting",
         "\"sent\":3,\"received\":2,\"waiting\":1,"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct summary s = summary_of(cases[i].outcomes, cases[i].n);
        struct shown of = shown();
        struct text out = {0};
        char words[1024];
        size_t n = 0;
        of.waiting = cases[i].waiting;
        render_summary_lines(&out, &of, &s);
        for (const char *c = text_string(&out); *c != '\0' && n < sizeof words - 1; c++)
            if (*c != ' ' || (n > 0 && words[n - 1] != ' '))
                words[n++] = *c;
        words[n] = '\0';
        CHECK(strstr(words, "teams.example tcp ipv4 203.0.113.20:443") != NULL,
              "the family: %s", words);
        CHECK(strstr(words, cases[i].row) != NULL, "%s: %s", cases[i].what, words);
        CHECK(strstr(words, cases[i].counts) != NULL, "%s: %s", cases[i].what, words);
        text_clear(&out);
        render_summary_json(&out, &of, &s);
        CHECK(strstr(text_string(&out), cases[i].json) != NULL, "%s: %s", cases[i].what,
              text_string(&out));
        text_free(&out);
    }
}

/* The percentiles of differences (RFC 5481) are those of a sorted list; where the values
 * are not kept, nothing is stated. The delays differ by 1 us on a path of 20 ms. */
static void above_minimum_is_exact(void **state)
{
    (void)state;
    for (int kept = 0; kept < 2; kept++) {
        struct shown of = shown();
        struct text out = {0};
        struct window *w = window_create(&tcp, (struct wall){0});
        struct summary summary;
        if (kept)
            window_keep_exact(w, 1000);
        for (int i = 0; i < 1000; i++) {
            struct result r =
                result(OUTCOME_REPLY, 20 * NS_PER_MS + i * 377 % 1000 * 1000);
            r.time.ns += i * NS_PER_S;
            window_add(w, &r);
        }
        window_summary(w, (struct wall){1000 * NS_PER_S}, &summary);
        render_summary_json(&out, &of, &summary);
        const char *expected =
            kept ? "\"delay_above_minimum\":{\"min\":0.000000,\"p50\":0.499000,"
                   "\"p90\":0.899000,\"p95\":0.949000,\"p99\":0.989000,\"max\":0.999000"
                 : "\"delay_above_minimum\":{\"min\":0.000000,\"p50\":null,"
                   "\"p90\":null,\"p95\":null,\"p99\":null,\"max\":0.999000";
        CHECK(strstr(text_string(&out), expected) != NULL, "%s", text_string(&out));
        text_free(&out);
        window_destroy(w);
    }
}

static void a_summary(void **state)
{
    (void)state;
    struct shown of = shown();
    struct window *w = window_create(&tcp, (struct wall){0});
    for (int i = 1; i <= 10; i++) {
        struct result r = result(i == 5 ? OUTCOME_LOSS : OUTCOME_REPLY,
                                 i == 5 ? DELAY_UNDEFINED : i * NS_PER_MS);
        r.time.ns += i * NS_PER_S;
        window_add(w, &r);
    }
    window_count(w, COUNTER_MISSED, 3);
    struct summary summary;
    window_summary(w, (struct wall){60 * NS_PER_S}, &summary);
    struct text out = {0};
    render_summary_json(&out, &of, &summary);
    CHECK(strstr(text_string(&out), "\"summary\":true,\"target\":\"teams.example\"") !=
              NULL,
          "%s", text_string(&out));
    CHECK(strstr(text_string(&out), "\"sent\":10,\"received\":9,\"waiting\":0,\"lost\":1,"
                                    "\"failed\":0,\"loss_ratio\":0.1,") != NULL,
          "%s", text_string(&out));
    CHECK(strstr(text_string(&out), "\"missed\":3,") != NULL, "%s", text_string(&out));
    CHECK(strstr(text_string(&out), "\"rtt\":{\"min\":1.000000,\"p50\":6.000000,") !=
              NULL,
          "%s", text_string(&out));
    CHECK(strstr(text_string(&out), "\"unsupported\":[\"p90\",\"p95\",\"p99\"]") != NULL,
          "%s", text_string(&out));
    CHECK(strstr(text_string(&out),
                 "\"delay_above_minimum\":{\"min\":0.000000,\"p50\":5.000000,") != NULL,
          "RFC 5481: %s", text_string(&out));
    text_clear(&out);
    render_summary_lines(&out, &of, &summary);
    CHECK(strstr(text_string(&out), "10.0 %") != NULL, "%s", text_string(&out));
    CHECK(strstr(text_string(&out), "(10.0)") != NULL,
          "a doubtful percentile is in parentheses: %s", text_string(&out));
    text_free(&out);
    window_destroy(w);
}

/* No row is longer than the terminal, with IPv6 and all columns; names are not cut. */
static void it_fits(void **state)
{
    (void)state;
    static const struct kind https = {
        .name = "https",
        .delays = {"rtt", "dns", "connect", "tls", "first_byte", "warm_first_byte"},
        .uses = USES_PORT};
    struct shown of = {.target = "outlook.office365.com",
                       .kind = &https,
                       .pop = "AMS",
                       .limit_ns = 60 * NS_PER_MS,
                       .limit_source = "Microsoft's guidance for this service",
                       .usual_ns = 3 * NS_PER_MS,
                       .spread_ns = {NS_PER_MS}};
    endpoint_parse(&of.to, "2603:1026:c03:3001:1234:5678:9abc:def0", 443);
    struct window *w = window_create(&https, (struct wall){0});
    struct text out = {0};
    struct summary summary;
    for (int i = 0; i < 3; i++) {
        struct result r =
            result_of(0, &of.to, (struct wall){i * NS_PER_S}, OUTCOME_REPLY);
        for (size_t d = 0; d < 6; d++)
            r.delays[d] = (1072 + i) * NS_PER_MS;
        strcpy(r.pop, "AMS");
        r.http.status = 200;
        window_add(w, &r);
        of.columns = 80;
        render_result_line(&out, &of, &r);
    }
    window_count(w, COUNTER_LATE, 3);
    for (of.columns = 80; of.columns >= 40; of.columns -= 40) {
        window_summary(w, (struct wall){60 * NS_PER_S}, &summary);
        render_summary_lines(&out, &of, &summary);
        const char *line = text_string(&out);
        for (size_t len; line != NULL && *line != '\0';
             line += len + (line[len] == '\n')) {
            len = strcspn(line, "\n");
            CHECK(len <= (size_t)of.columns, "%d columns: %.*s", of.columns, (int)len,
                  line);
        }
        CHECK((strstr(text_string(&out), " dev") != NULL) == (of.columns == 80),
              "columns drop out: %s", text_string(&out));
        CHECK(strstr(text_string(&out), "1072") != NULL, "always ms: %s",
              text_string(&out));
        CHECK(strstr(text_string(&out), "ABOVE") != NULL, "the limit: %s",
              text_string(&out));
        text_clear(&out);
    }
    text_free(&out);
    window_destroy(w);
}

static void a_proxy_is_told(void **state)
{
    (void)state;
    struct shown of = shown();
    struct text out = {0};
    struct result r = result(OUTCOME_UNREACHABLE, DELAY_UNDEFINED);
    r.http.proxy = true;
    render_result_json(&out, &of, &r);
    CHECK(strstr(text_string(&out), "\"http\":{\"status\":null,") != NULL &&
              strstr(text_string(&out), "\"proxy\":true}") != NULL,
          "also without a reply: %s", text_string(&out));
    text_clear(&out);
    render_result_line(&out, &of, &r);
    CHECK(strstr(text_string(&out), "  via a proxy") != NULL, "%s", text_string(&out));
    text_free(&out);
}

static void a_middlebox_in_the_summary(void **state)
{
    (void)state;
    struct shown of = shown();
    struct text out = {0};
    struct window *w = window_create(&tcp, (struct wall){0});
    struct summary summary;
    window_summary(w, (struct wall){60 * NS_PER_S}, &summary);
    render_summary_json(&out, &of, &summary);
    CHECK(strstr(text_string(&out), "\"intercepted\":false,\"interception\":null") !=
              NULL,
          "none: %s", text_string(&out));
    text_clear(&out);
    of.interception = "cannot tell whether a middlebox answers the handshakes";
    render_summary_json(&out, &of, &summary);
    CHECK(strstr(text_string(&out),
                 "\"intercepted\":false,\"interception\":\"cannot tell") != NULL,
          "in doubt: %s", text_string(&out));
    text_clear(&out);
    render_summary_lines(&out, &of, &summary);
    CHECK(strstr(text_string(&out),
                 "cannot tell whether a middlebox answers the handshakes\n") != NULL,
          "nothing is left out: %s", text_string(&out));
    text_clear(&out);
    of.intercepted = true;
    of.interception = "a middlebox 2.0 ms away answers the handshakes";
    render_summary_json(&out, &of, &summary);
    CHECK(strstr(text_string(&out), "\"intercepted\":true,\"interception\":\"a middlebox "
                                    "2.0 ms away answers the handshakes\"") != NULL,
          "one: %s", text_string(&out));
    text_clear(&out);
    render_summary_lines(&out, &of, &summary);
    CHECK(strstr(text_string(&out), "a middlebox 2.0 ms away answers the handshakes; "
                                    "their delays are left out\n") != NULL,
          "a line of its own: %s", text_string(&out));
    window_destroy(w);
    text_free(&out);
}

/* The keys are a contract: scripts read them. */
static void every_counter_of_a_summary(void **state)
{
    (void)state;
    static const char *const keys[] = {"\"late\":1,",      "\"duplicates\":2,",
                                       "\"reordered\":3,", "\"lost_packets\":4,",
                                       "\"missed\":5,",    "\"longest_loss_burst\":7,"};
    struct shown of = shown();
    struct summary summary = {.counters = {1, 2, 3, 4, 5}, .longest_burst = 7};
    struct text out = {0};
    of.columns = 200;
    render_summary_json(&out, &of, &summary);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        CHECK(strstr(text_string(&out), keys[i]) != NULL, "%s: %s", keys[i],
              text_string(&out));
    text_clear(&out);
    render_summary_lines(&out, &of, &summary);
    CHECK(strstr(text_string(&out), "1 late, 2 duplicates, 3 reordered, 4 "
                                    "retransmitted, 7 lost in a row\n") != NULL,
          "%s", text_string(&out));
    text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_counter_of_a_summary),
        cmocka_unit_test(a_result_in_json),
        cmocka_unit_test(a_result_as_text),
        cmocka_unit_test(a_summary),
        cmocka_unit_test(above_minimum_is_exact),
        cmocka_unit_test(a_middlebox_in_the_summary),
        cmocka_unit_test(a_proxy_is_told),
        cmocka_unit_test(it_fits),
        cmocka_unit_test(a_cause_is_always_shown),
        cmocka_unit_test(local_time_has_its_zone),
        cmocka_unit_test(nothing_looks_fine_that_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
