#include "base/json.h"
#include "check.h"

static void objects_nest(void **state)
{
    (void)state;
    struct text t = {0};
    struct json j = json_to(&t);
    json_object(&j, NULL);
    json_string(&j, "target", "exchange");
    json_string(&j, "pop", NULL);
    json_object(&j, "delays");
    json_object_end(&j);
    json_array(&j, "list");
    json_integer(&j, NULL, INT64_MIN);
    json_unsigned(&j, NULL, UINT64_MAX);
    json_array(&j, NULL);
    json_array_end(&j);
    json_bool(&j, NULL, true);
    json_array_end(&j);
    json_bool(&j, "last", false);
    json_null(&j, "none");
    json_object_end(&j);
    CHECK_TEXT("{\"target\":\"exchange\",\"pop\":null,\"delays\":{},"
               "\"list\":[-9223372036854775808,18446744073709551615,[],true],"
               "\"last\":false,\"none\":null}",
               text_string(&t), "object");
    text_free(&t);
}

static void strings_are_always_valid(void **state)
{
    (void)state;
    static const struct {
        const char *what, *bytes;
        size_t len;
        const char *expected;
    } cases[] = {
        {"plain", "abc", 3, "\"abc\""},
        {"quotes and backslashes", "a\"b\\c", 5, "\"a\\\"b\\\\c\""},
        {"control characters", "\n\x1f\x7f", 3, "\"\\u000a\\u001f\\u007f\""},
        {"of eight bits", "\xc2\x9b\xc2\xa0", 4, "\"\\u009b\xc2\xa0\""},
        {"NUL inside", "a\0b", 3, "\"a\\u0000b\""},
        {"UTF-8 of two, three, four bytes", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
         "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"Latin-1", "caf\xe9", 4, "\"caf\xef\xbf\xbd\""},
        {"cut sequence", "\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"overlong slash", "\xc0\xaf", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"overlong of three", "\xe0\x80\xaf", 3,
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"surrogate", "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"beyond Unicode", "\xf4\x90\x80\x80", 4,
         "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text t = {0};
        struct json j = json_to(&t);
        json_string_bytes(&j, NULL, cases[i].bytes, cases[i].len);
        CHECK_TEXT(cases[i].expected, text_string(&t), cases[i].what);
        text_free(&t);
    }
}

static void numbers_read_back(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *expected;
    } cases[] = {
        {0, "0"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {-2.5, "-2.5"},
        {1e300, "1e+300"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1234567, "1234567"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text t = {0};
        struct json j = json_to(&t);
        json_number(&j, NULL, cases[i].value);
        CHECK_TEXT(cases[i].expected, text_string(&t), "number");
        if (isfinite(cases[i].value))
            CHECK(strtod(text_string(&t), NULL) == cases[i].value, "reads back");
        text_free(&t);
    }
}

static void delays_keep_their_nanoseconds(void **state)
{
    (void)state;
    struct text t = {0};
    struct json j = json_to(&t);
    json_object(&j, NULL);
    json_ms(&j, "a", 1234567);
    json_ms(&j, "b", 0);
    json_ms(&j, "c", 999999);
    json_ms(&j, "d", -1500000);
    json_ms(&j, "e", INT64_MAX);
    json_object_end(&j);
    CHECK_TEXT("{\"a\":1.234567,\"b\":0.000000,\"c\":0.999999,\"d\":-1.500000,"
               "\"e\":9223372036854.775807}",
               text_string(&t), "milliseconds");
    text_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_nest),
        cmocka_unit_test(strings_are_always_valid),
        cmocka_unit_test(numbers_read_back),
        cmocka_unit_test(delays_keep_their_nanoseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
