/* Parsing of status answers: a whole answer, or nothing. */
#include "status/answer.h"

#include "check.h"

static void there_and_back(void **state)
{
    (void)state;
    struct text out = {0}, json = {0}, text = {0};
    struct status_answer a;
    text_add(&json, "{\"a\":1}\n");
    text_add(&text, "one\ntwo\n");
    answer_write(&out, 1, &json, &text);
    CHECK_TEXT("edgelat status 2 1 8 8\n{\"a\":1}\none\ntwo\n", text_string(&out),
               "bytes");
    CHECK(answer_read(&a, out.bytes, out.len), "it is one");
    CHECK_INT(1, a.code, "code");
    CHECK(a.json_len == 8 && memcmp(a.json, json.bytes, 8) == 0, "JSON");
    CHECK(a.text_len == 8 && memcmp(a.text, text.bytes, 8) == 0, "text");
    for (size_t len = 0; len < out.len; len++) {
        char *part = malloc(len + 1); /* exact size: AddressSanitizer detects overreads */
        memcpy(part, out.bytes, len);
        part = realloc(part, len > 0 ? len : 1);
        CHECK(!answer_read(&a, part, len), "%zu bytes of it are none", len);
        free(part);
    }
    text_free(&out);
    text_free(&json);
    text_free(&text);
}

static void what_is_no_text_is_not_sent(void **state)
{
    (void)state;
    struct text out = {0}, json = {0}, text = {0};
    struct status_answer a;
    text_add(&json, "\"Z\xc3\xbcrich\xc2\x9b\"\n");
    text_add(&text, "cut Z\xc3\n\x1b[2J\ta\xe2\x80\xae\n");
    answer_write(&out, 0, &json, &text);
    CHECK_TEXT("edgelat status 2 0 12 17\n\"Z\xc3\xbcrich??\"\ncut Z?\n?[2J\ta???\n",
               text_string(&out), "bytes");
    CHECK(answer_read(&a, out.bytes, out.len), "and it is one");
    text_free(&out);
    text_free(&json);
    text_free(&text);
}

static const struct {
    const char *what, *bytes;
    bool is;
} cases[] = {
    {"nothing in it", "edgelat status 1 0 0 0\n", true},
    {"beyond ASCII", "edgelat status 1 0 8 0\nZ\xc3\xbcrich\n", true},
    {"more than it says", "edgelat status 1 0 0 0\nx", false},
    {"less than it says", "edgelat status 1 0 2 2\nx\ny", false},
    {"something else", "HTTP/1.1 400 Bad Request\n\n", false},
    {"the version before", "edgelat status 1 0 0 4\none\n", true},
    {"no version", "edgelat status 0 0 0 0\n", false},
    {"the next version", "edgelat status 3 0 0 0\n", false},
    {"no such code", "edgelat status 1 2 0 0\n", false},
    {"a number is missing", "edgelat status 1 0 0\n", false},
    {"one too many", "edgelat status 1 0 0 0 0\n", false},
    {"no number", "edgelat status 1 0 x 0\n", false},
    {"below nothing", "edgelat status 1 0 -1 1\n", false},
    {"larger than a size can be", "edgelat status 1 0 18446744073709551615 1\n", false},
    {"a head without end",
     "edgelat status 1 0 0 "
     "00000000000000000000000000000000000000000000000000000000000000000000000000000000\n",
     false},
    {"the last line has no end", "edgelat status 1 0 0 1\nx", false},
    {"it moves the cursor", "edgelat status 1 0 0 5\n\x1b[2J\n", false},
    {"the same in eight bits",
     "edgelat status 1 0 0 5\n\xc2\x9b"
     "2J\n",
     false},
    {"no UTF-8", "edgelat status 1 0 0 2\n\xff\n", false},
};

static void what_is_none(void **state)
{
    (void)state;
    struct status_answer a;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_INT(cases[i].is, answer_read(&a, cases[i].bytes, strlen(cases[i].bytes)),
                  cases[i].what);
    CHECK(!answer_read(&a, "edgelat status 1 0 0 2\n\0\n", 25), "a NUL");
}

static void newer_agents(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool is;
    } heads[] = {
        {"edgelat status 1 0 0 0\n", false},  {"edgelat status 2 2 0 0\n", false},
        {"edgelat status 3 0 0 0\n", true},   {"edgelat status 3", true},
        {"edgelat status 40 other\n", true},  {"edgelat status ", false},
        {"edgelat status -3 0 0 0\n", false}, {"edgelat status 99999999999 0\n", false},
        {"HTTP/1.1 400 Bad\n", false},        {"", false},
    };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        CHECK_INT(heads[i].is, answer_is_newer(heads[i].bytes, strlen(heads[i].bytes)),
                  heads[i].bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(what_is_no_text_is_not_sent),
        cmocka_unit_test(what_is_none),
        cmocka_unit_test(newer_agents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
