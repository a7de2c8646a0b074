#include "base/json_read.h"

#include "check.h"

static struct json_span of(const char *text)
{
    return json_span_of(text, strlen(text));
}

static void well_formed_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fine;
    } cases[] = {
        {"{}", true},
        {" [1, -2.5e+3, true, false, null, \"a\\\"b\"] \n", true},
        {"{\"a\":{\"b\":[{}]}}", true},
        {"\"text\"", true},
        {"", false},
        {"   ", false},
        {"{", false},
        {"{\"a\"}", false},
        {"{\"a\":}", false},
        {"{a:1}", false},
        {"{\"a\":1,}", false},
        {"[1 2]", false},
        {"{} {}", false},
        {"nul", false},
        {"\"open", false},
        {"\"open\\", false},
        {"\"line\nend\"", false},
        {"<html>", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK((of(cases[i].text).len > 0) == cases[i].fine, "%s", cases[i].text);
    CHECK_INT(0, json_span_of(NULL, 0).len, "nothing");
    char deep[2 * 4096];
    memset(deep, '[', 4096);
    memset(deep + 4096, ']', 4096);
    CHECK_INT(0, json_span_of(deep, sizeof deep).len, "nesting is bounded");
    CHECK(json_span_of(deep + 4096 - JSON_DEPTH_MAX, 2 * JSON_DEPTH_MAX).len > 0,
          "up to there");
}

static void members(void **state)
{
    (void)state;
    struct json_span o =
        of("{\"n\": -12 ,\"s\":\"34\",\"in\":{\"n\":5},\"n\":6, \"t\":\"x\"}");
    int64_t n = 0;
    CHECK_INT(5, json_members(o), "how many");
    CHECK(json_read_integer(json_member(o, "n"), &n) && n == -12, "the first of two");
    CHECK(json_read_integer(json_member(o, "s"), &n) && n == 34, "as a string");
    CHECK(json_read_integer(json_member(json_member(o, "in"), "n"), &n) && n == 5,
          "in it");
    CHECK(!json_read_integer(json_member(o, "t"), &n), "no integer");
    CHECK(!json_read_integer(json_member(o, "none"), &n), "not there");
    CHECK(!json_read_integer(of("123456789012345678901234567890"), &n), "too large");
    CHECK_INT(0, json_member(of("[1]"), "n").len, "no object");
    CHECK_INT(0, json_members((struct json_span){0}), "nothing");
}

static void strings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *is;
    } cases[] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"a\\n\\t\\\"\\\\\\/\"", "a\n\t\"\\/"},
        {"\"\\u0041\\u00e9\"", "A\xc3\xa9"},
        {"\"caf\xc3\xa9 \xe2\x82\xac\"", "caf\xc3\xa9 \xe2\x82\xac"},
        {"\"\\u20ac\\ud83d\\ude00.\"", "\xe2\x82\xac\xf0\x9f\x98\x80."},
        {"\"\\ud83d\\ud83d.\\ude00\\ud83d\"", "??.??"},
        {"\"\\ud83d\\n\\u12\"", "?\n?"},
        {"\"\\u001b[2J\\u009b\\u0000\"", "?[2J??"},
        {"\"\\u202e\xe2\x80\xae \xc2\x9b\xff\xc3\"", "?? ???"},
        {"\"12345678901234\"", "12345678901234"},
        {"\"1234567890123\xc3\xa9\"", "1234567890123"},
        {"\"12345678901\\u20ac4\"", "12345678901\xe2\x82\xac"},
        {"\"longer than the room\"", "longer than th"},
    };
    char out[15];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(json_read_string(of(cases[i].text), out, sizeof out), "%s", cases[i].text);
        CHECK_TEXT(cases[i].is, out, cases[i].text);
    }
    CHECK(!json_read_string(of("12"), out, sizeof out), "no string");
    CHECK_TEXT("", out, "nothing");
}

static void test_items(void **state)
{
    (void)state;
    static const char text[] = " [1, [2], {\"a\": 3} , \"4\"]";
    static const char *const expected[] = {"1", "[2]", "{\"a\": 3}", "\"4\""};
    struct json_span array = json_span_of(text, strlen(text)), item = {0};
    size_t n = 0;
    for (; json_next_item(array, &item); n++)
        CHECK(n < 4 && item.len == strlen(expected[n]) &&
                  memcmp(item.at, expected[n], item.len) == 0,
              "item %zu is %.*s", n, (int)item.len, item.at);
    CHECK_INT(4, n, "all of them");
    item = (struct json_span){0};
    CHECK(!json_next_item(json_span_of("[]", 2), &item), "an empty array");
    CHECK(!json_next_item(json_span_of("{}", 2), &item), "no array");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_or_not),
        cmocka_unit_test(members),
        cmocka_unit_test(test_items),
        cmocka_unit_test(strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
