#include "ship/verdict.h"

#include "check.h"
#include "otlp/gzip.h"

static struct verdict of(int status, const char *body, size_t len)
{
    struct http_reply reply = {
        .failure = HTTP_OK, .error = "", .status = status, .body = body, .body_len = len};
    return verdict_of(&reply, SIGNAL_METRICS);
}

static struct verdict typed(const char *type, const char *encoding, const char *body,
                            size_t len)
{
    struct http_reply reply = {
        .failure = HTTP_OK, .error = "", .status = 200, .body = body, .body_len = len};
    snprintf(reply.type, sizeof reply.type, "%s", type);
    snprintf(reply.encoding, sizeof reply.encoding, "%s", encoding);
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
        {401, VERDICT_UNUSABLE}, {402, VERDICT_UNUSABLE}, {403, VERDICT_UNUSABLE},
        {404, VERDICT_UNUSABLE}, {405, VERDICT_UNUSABLE}, {407, VERDICT_UNUSABLE},
        {408, VERDICT_AGAIN},    {410, VERDICT_UNUSABLE}, {413, VERDICT_REFUSED},
        {415, VERDICT_REFUSED},  {422, VERDICT_REFUSED},  {425, VERDICT_AGAIN},
        {429, VERDICT_AGAIN},    {500, VERDICT_AGAIN},    {501, VERDICT_UNUSABLE},
        {502, VERDICT_AGAIN},    {503, VERDICT_AGAIN},    {504, VERDICT_AGAIN},
        {505, VERDICT_AGAIN},    {507, VERDICT_AGAIN},    {511, VERDICT_UNUSABLE},
        {520, VERDICT_AGAIN},    {522, VERDICT_AGAIN},    {525, VERDICT_AGAIN},
        {529, VERDICT_AGAIN},    {530, VERDICT_AGAIN},    {599, VERDICT_AGAIN},
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
        {"JSON", BYTES("{}"), 0, ""},
        {"JSON, empty", BYTES(" {\n\"partialSuccess\": {} }\n"), 0, ""},
        {"JSON, null", BYTES("{\"partialSuccess\":null}"), 0, ""},
        {"JSON, points and why",
         BYTES(
             "{\"partialSuccess\":{\"rejectedDataPoints\":\"17\",\"errorMessage\":\"too "
             "old\\u0021\\n\"}}"),
         17, "too old!"},
        {"JSON, a number",
         BYTES("{\"partialSuccess\":{\"errorMessage\":\"\",\"rejectedDataPoints\":17}}"),
         17, ""},
        {"JSON, the field's own names",
         BYTES("{\"partial_success\":{\"rejected_log_records\":3,\"error_message\":\"no "
               "\xc3\xa9\"}}"),
         3, "no \xc3\xa9"},
        {"JSON, less than none",
         BYTES("{\"partialSuccess\":{\"rejectedDataPoints\":-4}}"), 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict v = of(200, cases[i].body, cases[i].len);
        CHECK_INT(VERDICT_ACCEPTED, v.kind, cases[i].what);
        CHECK_INT(cases[i].rejected, v.rejected_points, cases[i].what);
        CHECK_TEXT(cases[i].why, v.why, cases[i].what);
    }
}

/* What a captive portal, a web server or another API answers: nothing is delivered. */
static void no_collector(void **state)
{
    (void)state;
#define SIGN_IN "<html><head><title>Sign in</title></head></html>"
    static const struct {
        const char *what, *type, *body;
        size_t len;
        const char *why; /* NULL: whatever */
    } cases[] = {
        {"page", "text/html", BYTES(SIGN_IN),
         "HTTP 200 with a web page (text/html) 'Sign in', which is no OTLP response"},
        {"without type", "", BYTES(SIGN_IN),
         "HTTP 200 with a web page 'Sign in', which is no OTLP response"},
        {"byte order mark", "", BYTES("\xef\xbb\xbf" SIGN_IN),
         "HTTP 200 with a web page 'Sign in', which is no OTLP response"},
        {"as text", "text/plain", BYTES(SIGN_IN), NULL},
        {"as protobuf", "application/x-protobuf", BYTES(SIGN_IN), NULL},
        {"as JSON", "application/json", BYTES(SIGN_IN), NULL},
        {"white space", "", BYTES(" \r\n\t\n" SIGN_IN), NULL},
        {"a comment", "", BYTES("<!-- portal -->" SIGN_IN), NULL},
        {"XHTML", "application/xhtml+xml", BYTES("<?xml version=\"1.0\"?>" SIGN_IN),
         NULL},
        {"upper case", "", BYTES("<HTML><TITLE lang=en>\n Guests </TITLE></HTML>"),
         "HTTP 200 with a web page 'Guests', which is no OTLP response"},
        {"meta refresh", "",
         BYTES("<meta http-equiv=refresh content='0;url=http://portal.test/'>"), NULL},
        {"script alone", "text/javascript", BYTES("location.href='/portal'"), NULL},
        {"script, no type", "", BYTES("location.href='/portal'"), NULL},
        {"a page without bytes", "text/html", BYTES(""),
         "HTTP 200 with a web page (text/html) '', which is no OTLP response"},
        {"UTF-16", "", BYTES("\xff\xfe<\0h\0t\0m\0l\0>\0"), NULL},
        {"UTF-16, no mark", "", BYTES("<\0h\0t\0m\0l\0>\0"), NULL},
        {"greeting", "text/html", BYTES("<html><body><h1>It works!</h1></body></html>"),
         NULL},
        {"greeting as text", "text/plain", BYTES("It works!\n"),
         "HTTP 200 with a body (text/plain) 'It works!', which is no OTLP response"},
        {"a word", "", BYTES("ok"), NULL},
        {"a word, protobuf", "application/x-protobuf", BYTES("Success"), NULL},
        {"JSON of another", "application/json", BYTES("{\"error\":\"no\"}"), NULL},
        {"JSON that is no object", "application/json", BYTES("[]"), NULL},
        {"JSON text", "application/json", BYTES("\"OK\""), NULL},
        {"JSON, torn", "application/json", BYTES("{\"partialSuccess\":{"), NULL},
        {"JSON and more", "application/json", BYTES("{}<html>"), NULL},
        {"JSON in a page", "text/html", BYTES("{}"), NULL},
        {"protobuf, torn", "application/x-protobuf", BYTES("\x0a\x09\x08"), NULL},
        {"fields that nobody knows", "", BYTES("\x1a\x01x"), NULL},
        /* bytes that protobuf could read: a field of 60 bytes */
        {"text that looks like protobuf", "text/plain",
         BYTES("\n<sixty bytes in all, of which the first is a line end, and s"), NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict v = typed(cases[i].type, "", cases[i].body, cases[i].len);
        CHECK_INT(VERDICT_UNUSABLE, v.kind, cases[i].what);
        CHECK(v.foreign, "%s", cases[i].what);
        if (cases[i].why != NULL)
            CHECK_TEXT(cases[i].why, v.why, cases[i].what);
    }
}

/* As receivers of the field answer. */
static void collectors(void **state)
{
    (void)state;
    static const struct {
        const char *what, *type, *body;
        size_t len;
    } cases[] = {
        {"OpenTelemetry Collector", "application/x-protobuf", BYTES("\x0a\x00")},
        {"the same, an older one", "application/x-protobuf", BYTES("")},
        {"VictoriaMetrics, Prometheus", "", BYTES("")},
        {"nginx: return 200", "text/plain", BYTES("")},
        {"JSON", "application/json", BYTES("{\"partialSuccess\":{}}")},
        {"Go, type guessed", "text/plain", BYTES("{}")},
        {"Go, type guessed", "application/octet-stream", BYTES("\x0a\x00")},
        {"a later OTLP", "application/x-protobuf", BYTES("\x0a\x00\x1a\x01x")},
        {"a message of 60 bytes", "",
         BYTES("\n<\x12:sixty bytes in all, of which the first is a tag, and so on")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct verdict v = typed(cases[i].type, "", cases[i].body, cases[i].len);
        CHECK_INT(VERDICT_ACCEPTED, v.kind, cases[i].what);
    }
}

/* Made by Python's gzip and zlib of {"code":3,"message":"label value too long"}. */
#define LABEL_DEFLATED                                                                   \
    "\xab\x56\x4a\xce\x4f\x49\x55\xb2\x32\xd6\x51\xca\x4d\x2d\x2e\x4e\x4c\x07"           \
    "\xb2\x95\x72\x12\x93\x52\x73\x14\xca\x12\x73\x4a\x53\x15\x4a\xf2\xf3\x15"           \
    "\x72\xf2\xf3\xd2\x95\x6a\x01"

static void packed_bodies(void **state)
{
    (void)state;
    static const struct {
        const char *encoding, *body;
        size_t len;
        const char *why;
    } cases[] = {
        {"deflate", BYTES(LABEL_DEFLATED), "HTTP 400: label value too long"},
        {"deflate", BYTES("\x78\x9c" LABEL_DEFLATED "\x36\x58\x0e\x97"),
         "HTTP 400: label value too long"},
        {"gzip",
         BYTES("\x1f\x8b\x08\0\0\0\0\0\x02\xff" LABEL_DEFLATED
               "\xf7\xd4\xac\x35\x2b\x00\x00\x00"),
         "HTTP 400: label value too long"},
        {"x-gzip", BYTES("\x1f\x8b\x08\0\0\0\0\0\x02\xff" LABEL_DEFLATED),
         "HTTP 400: label value too long"},
        {"gzip", BYTES("not packed"), "HTTP 400: not packed"},
        {"deflate", BYTES("not packed"), "HTTP 400: not packed"},
        {"br", BYTES("\x1b\x02"), "HTTP 400: ??"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_reply reply = {.error = "", .status = 400};
        reply.body = cases[i].body;
        reply.body_len = cases[i].len;
        strcpy(reply.encoding, cases[i].encoding);
        CHECK_TEXT(cases[i].why, verdict_of(&reply, SIGNAL_METRICS).why,
                   cases[i].encoding);
    }
    /* 10 MiB of zeros in 10 kB: no more is unpacked than is kept of a plain body */
    static char zeros[10 << 20];
    size_t len;
    char *bomb = gzip_pack(zeros, sizeof zeros, &len);
    struct verdict v = typed("application/x-protobuf", "gzip", bomb, len);
    free(bomb);
    CHECK_INT(VERDICT_UNUSABLE, v.kind, "a bomb");
    char *fine = gzip_pack("\x0a\x00", 2, &len);
    CHECK_INT(VERDICT_ACCEPTED, typed("", "gzip", fine, len).kind, "a packed response");
    free(fine);
}

static void page_of_a_failure(void **state)
{
    (void)state;
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
    CHECK_TEXT("HTTP 400: line??line??[31m\xc3\xa9", v.why, "one line of text");
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
    CHECK(!of(200, BYTES("too large")).too_large, "another status");
}

/* Many unknown fields: each takes memory while it is parsed, and that is bounded. */
static void memory_is_bounded(void **state)
{
    (void)state;
    static char body[64 * 1024 + 2] = "\x0a";
    for (size_t i = 2; i + 1 < sizeof body; i += 2) {
        body[i] = 0x1a; /* field 3, no bytes */
        body[i + 1] = 0;
    }
    struct verdict v = typed("application/x-protobuf", "", body, sizeof body);
    CHECK_INT(VERDICT_UNUSABLE, v.kind, "given up");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses),
        cmocka_unit_test(no_reply),
        cmocka_unit_test(partial_success),
        cmocka_unit_test(no_collector),
        cmocka_unit_test(collectors),
        cmocka_unit_test(packed_bodies),
        cmocka_unit_test(page_of_a_failure),
        cmocka_unit_test(what_it_says),
        cmocka_unit_test(logs_that_nobody_takes),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(too_large),
        cmocka_unit_test(stop),
        cmocka_unit_test(wrong_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
