#include "export/verdict.h"

#include "check.h"

static struct verdict of(int status, const char *body, size_t len)
{
    struct http_reply reply = {
        .failure = HTTP_OK, .error = "", .status = status, .body = body, .body_len = len};
    return verdict_of(&reply, SIGNAL_METRICS);
}

static void statuses(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum verdict_kind kind;
    } cases[] = {
        {200, VERDICT_ACCEPTED}, {202, VERDICT_ACCEPTED}, {204, VERDICT_ACCEPTED},
        {301, VERDICT_UNUSABLE}, {307, VERDICT_UNUSABLE}, {400, VERDICT_REFUSED},
        {401, VERDICT_UNUSABLE}, {403, VERDICT_UNUSABLE}, {404, VERDICT_UNUSABLE},
        {405, VERDICT_UNUSABLE}, {407, VERDICT_UNUSABLE}, {408, VERDICT_AGAIN},
        {413, VERDICT_REFUSED},  {415, VERDICT_REFUSED},  {422, VERDICT_REFUSED},
        {429, VERDICT_AGAIN},    {500, VERDICT_REFUSED},  {501, VERDICT_REFUSED},
        {502, VERDICT_AGAIN},    {503, VERDICT_AGAIN},    {504, VERDICT_AGAIN},
        {505, VERDICT_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char what[16];
        snprintf(what, sizeof what, "HTTP %d", cases[i].status);
        struct verdict v = of(cases[i].status, "", 0);
        CHECK_INT(cases[i].kind, v.kind, what);
        CHECK_TEXT(v.kind == VERDICT_ACCEPTED ? "" : what, v.why, what);
    }
}

/* A collector without logs must not keep the metrics waiting. */
static void logs_that_nobody_takes(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum verdict_kind kind;
    } cases[] = {
        {200, VERDICT_ACCEPTED}, {400, VERDICT_REFUSED},  {401, VERDICT_UNUSABLE},
        {404, VERDICT_REFUSED},  {405, VERDICT_REFUSED},  {501, VERDICT_REFUSED},
        {503, VERDICT_AGAIN},    {302, VERDICT_UNUSABLE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_reply reply = {
            .failure = HTTP_OK, .error = "", .status = cases[i].status, .body = ""};
        struct verdict v = verdict_of(&reply, SIGNAL_LOGS);
        CHECK(v.kind == cases[i].kind, "HTTP %d: %d", cases[i].status, (int)v.kind);
    }
}

static void no_reply(void **state)
{
    (void)state;
    static const struct {
        enum http_failure failure;
        enum verdict_kind kind;
    } cases[] = {
        {HTTP_FAILED_CONNECT, VERDICT_AGAIN},  {HTTP_FAILED_TIMEOUT, VERDICT_AGAIN},
        {HTTP_FAILED_REPLY, VERDICT_AGAIN},    {HTTP_FAILED_TLS, VERDICT_UNUSABLE},
        {HTTP_FAILED_LOCAL, VERDICT_UNUSABLE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        /* a status may have come before the reply was cut: it does not count */
        struct http_reply reply = {
            .failure = cases[i].failure, .error = "the cause", .status = 200, .body = ""};
        struct verdict v = verdict_of(&reply, SIGNAL_METRICS);
        CHECK_INT(cases[i].kind, v.kind, "kind");
        CHECK_TEXT("the cause", v.why, "why");
    }
}

#define BYTES(text) text, sizeof text - 1

static void partial_success(void **state)
{
    (void)state;
    static const struct {
        const char *what, *body;
        size_t len;
        long long rejected;
        const char *why;
    } cases[] = {
        {"nothing", BYTES(""), 0, ""},
        {"partial_success, empty", BYTES("\x0a\x00"), 0, ""},
        {"points", BYTES("\x0a\x02\x08\x07"), 7, ""},
        {"points and why", BYTES("\x0a\x07\x08\x07\x12\x03old"), 7, "old"},
        {"a warning", BYTES("\x0a\x05\x12\x03old"), 0, "old"},
        {"no text", BYTES("\x0a\x07\x08\x07\x12\x03\x1b[m"), 7, "?[m"},
        {"less than none", BYTES("\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         0, ""},
        {"a field that we do not know", BYTES("\x1a\x01x"), 0, ""},
        {"JSON", BYTES("{}"), 0, "2 bytes that are no ExportMetricsServiceResponse"},
        {"cut", BYTES("\x0a\x09\x08"), 0,
         "3 bytes that are no ExportMetricsServiceResponse"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict v = of(200, cases[i].body, cases[i].len);
        CHECK_INT(VERDICT_ACCEPTED, v.kind, cases[i].what);
        CHECK_INT(cases[i].rejected, v.rejected_points, cases[i].what);
        CHECK_TEXT(cases[i].why, v.why, cases[i].what);
    }
}

/* A portal that has everything its own page is no collector; a word of text may be one.
 */
static void pages(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        enum verdict_kind kind;
        const char *why;
    } cases[] = {
        {"<html><head><title>Log in</title></head>", VERDICT_UNUSABLE,
         "HTTP 200 with a web page, 'Log in', and no answer"},
        {" \n <!DOCTYPE html>\n<p>no title", VERDICT_UNUSABLE,
         "HTTP 200 with a web page, ' ? <!DOCTYPE html>?<p>no title', and no answer"},
        {"<title>cut", VERDICT_UNUSABLE,
         "HTTP 200 with a web page, 'cut', and no answer"},
        {"ok", VERDICT_ACCEPTED, "2 bytes that are no ExportMetricsServiceResponse"},
        /* a protobuf message of 60 bytes, which begins with a line end and '<' */
        {"\n<\x12:sixty bytes in all, of which the first is a tag, and so on",
         VERDICT_ACCEPTED, "sixty bytes in all, of which the first is a tag, and so on"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict v = of(200, cases[i].body, strlen(cases[i].body));
        CHECK_INT(cases[i].kind, v.kind, cases[i].body);
        CHECK_TEXT(cases[i].why, v.why, cases[i].body);
    }
    static const char busy[] =
        "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n";
    struct verdict v = of(503, BYTES(busy));
    CHECK_TEXT("HTTP 503: 503 Service Temporarily Unavailable", v.why,
               "as nginx says it");
}

static void what_it_says(void **state)
{
    (void)state;
    struct verdict v = of(400, BYTES("\x08\x03\x12\x0cno protobuf!"));
    CHECK_TEXT("HTTP 400: no protobuf!", v.why, "google.rpc.Status");
    v = of(400, BYTES("line\r\nline\n\x1b[31m\xc3\xa9\n"));
    CHECK_TEXT("HTTP 400: line??line??[31m??", v.why, "one line of text");
    char body[60000];
    memset(body, 'x', sizeof body);
    v = of(400, body, sizeof body);
    CHECK_INT(strlen("HTTP 400: ") + 199, strlen(v.why), "bounded");
}

/* nginx before the collector: the batch is not to blame. */
static void wrong_connection(void **state)
{
    (void)state;
    static const char *const titles[] = {"No required SSL certificate was sent",
                                         "The SSL certificate error",
                                         "The plain HTTP request was sent to HTTPS port"};
    for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
        char body[200];
        int len = snprintf(body, sizeof body,
                           "<html>\r\n<head><title>400 %s</title></head>\r\n<body>\r\n",
                           titles[i]);
        CHECK_INT(VERDICT_UNUSABLE, of(400, body, (size_t)len).kind, titles[i]);
    }
}

static void stop(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        bool stop;
        const char *reason;
    } cases[] = {
        {"edgelat: stop probing", true, ""},
        {"edgelat: stop probing\n", true, ""},
        {"edgelat: stop probing\r\nand more\r\n", true, ""},
        {"edgelat: stop probing: maintenance, until 14:00\n", true,
         "maintenance, until 14:00"},
        {"edgelat: stop probing: \r\n", true, ""},
        {"edgelat: stop probing: \x1b[2J\n", true, "?[2J"},
        {"edgelat: stop probing please", false, ""},
        {"edgelat: stop probin", false, ""},
        {" edgelat: stop probing", false, ""},
        {"Edgelat: stop probing", false, ""},
        {"no\nedgelat: stop probing\n", false, ""},
        {"", false, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict v = of(403, cases[i].body, strlen(cases[i].body));
        CHECK(v.stop == cases[i].stop, "%s", cases[i].body);
        CHECK_TEXT(cases[i].reason, v.reason, cases[i].body);
        CHECK_INT(v.stop ? VERDICT_AGAIN : VERDICT_UNUSABLE, v.kind, cases[i].body);
    }
    CHECK(!of(401, BYTES(STOP_PROBING)).stop, "another status says nothing");
    CHECK(!of(200, BYTES(STOP_PROBING)).stop, "nor does one that is fine");
    char body[4096] = STOP_PROBING ": ";
    memset(body + strlen(body), 'x', sizeof body - strlen(body));
    struct verdict v = of(403, body, sizeof body);
    CHECK_INT(STOP_REASON_MAX - 1, strlen(v.reason), "bounded");
}

static void too_large(void **state)
{
    (void)state;
    CHECK(of(413, "", 0).too_large, "413");
    CHECK(of(400, BYTES("\x08\x03\x12\x1chttp: request body too large")).too_large,
          "as an OpenTelemetry Collector says it");
    CHECK(!of(400, BYTES("no protobuf")).too_large, "another 400");
    CHECK(!of(200, BYTES("too large")).too_large, "accepted");
}

/* Many unknown fields: each takes memory while it is parsed, and that is bounded. */
static void memory_is_bounded(void **state)
{
    (void)state;
    static char body[64 * 1024];
    for (size_t i = 0; i + 1 < sizeof body; i += 2) {
        body[i] = 0x1a; /* field 3, no bytes */
        body[i + 1] = 0;
    }
    struct verdict v = of(200, body, sizeof body);
    CHECK_INT(VERDICT_ACCEPTED, v.kind, "accepted");
    CHECK_TEXT("65536 bytes that are no ExportMetricsServiceResponse", v.why, "given up");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses),
        cmocka_unit_test(no_reply),
        cmocka_unit_test(partial_success),
        cmocka_unit_test(pages),
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(logs_that_nobody_takes),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(too_large),
        cmocka_unit_test(stop),
        cmocka_unit_test(wrong_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
