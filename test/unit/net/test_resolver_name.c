/* The name of an address, as a server answers it (RFC 1035, 3.5; RFC 3596, 2.5). */
#include "check.h"

#include "net/resolver_answer.h"

/* Question and answer of 2.1.44.104.in-addr.arpa, PTR, name at 12. */
#define HEAD(answers) 0, 0, 0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0
#define QUESTION                                                                         \
    1, '2', 1, '1', 2, '4', '4', 3, '1', '0', '4', 7, 'i', 'n', '-', 'a', 'd', 'd', 'r', \
        4, 'a', 'r', 'p', 'a', 0, 0, 12, 0, 1
#define RECORD(type, len) 0xc0, 12, 0, type, 0, 1, 0, 0, 1, 0, 0, len

static const struct {
    const char *what;
    uint8_t bytes[96];
    size_t len;
    enum resolver_answer reply;
    const char *name;
} cases[] = {
    {"a name that is cut off",
     {HEAD(1), QUESTION, RECORD(12, 9), 2, 'r', '1', 4, 't', 'e', 's', 't'},
     12 + 29 + 12 + 8,
     RESOLVER_FAILED,
     ""},
    {"a name",
     {HEAD(1), QUESTION, RECORD(12, 9), 2, 'r', '1', 4, 't', 'e', 's', 't', 0},
     12 + 29 + 12 + 9,
     RESOLVER_FOUND,
     "r1.test"},
    {"the first of two",
     {HEAD(2), QUESTION, RECORD(12, 4), 2, 'r', '1', 0, RECORD(12, 4), 2, 'r', '2', 0},
     12 + 29 + 2 * (12 + 4),
     RESOLVER_FOUND,
     "r1"},
    {"no name", {HEAD(0), QUESTION}, 12 + 29, RESOLVER_NO_ADDRESS, ""},
    {"another type",
     {HEAD(1), QUESTION, RECORD(16, 3), 2, 'r', '1'},
     12 + 29 + 12 + 3,
     RESOLVER_NO_ADDRESS,
     ""},
    {"bytes that a terminal obeys",
     {HEAD(1), QUESTION, RECORD(12, 5), 3, 'r', 27, 7, 0},
     12 + 29 + 12 + 5,
     RESOLVER_FOUND,
     "r"},
};

static void names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct resolution a = {0};
        enum resolver_answer reply =
            resolver_answer_name(&a, cases[i].bytes, cases[i].len);
        CHECK_INT(cases[i].reply, reply, cases[i].what);
        size_t len = strlen(cases[i].name);
        CHECK(strncmp(cases[i].name, a.last, len) == 0, "%s: %s", cases[i].what, a.last);
        for (const char *c = a.last; *c != '\0'; c++)
            CHECK(*c > ' ' && *c <= '~', "%s: visible", cases[i].what);
    }
}

static void reverse(void **state)
{
    (void)state;
    char name[HOST_TEXT_MAX];
    struct endpoint e;
    CHECK(endpoint_parse(&e, "104.44.1.2", 0), "IPv4");
    resolver_answer_reverse(name, &e);
    CHECK_TEXT("2.1.44.104.in-addr.arpa.", name, "IPv4");
    CHECK(endpoint_parse(&e, "4321:0:1:2:3:4:567:89ab", 0), "IPv6");
    resolver_answer_reverse(name, &e); /* the example of RFC 3596 */
    CHECK_TEXT(
        "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa.", name,
        "IPv6");
}

/* The same question for TXT; strings with a byte of length each. */
static const struct {
    const char *what;
    uint8_t bytes[96];
    size_t len;
    enum resolver_answer reply;
    size_t n;
    const char *first;
} texts[] = {
    {"one string",
     {HEAD(1), QUESTION, RECORD(16, 5), 4, '8', '0', '7', '5'},
     12 + 29 + 12 + 5,
     RESOLVER_FOUND,
     1,
     "8075"},
    {"two strings are joined",
     {HEAD(1), QUESTION, RECORD(16, 6), 2, '8', '0', 2, '7', '5'},
     12 + 29 + 12 + 6,
     RESOLVER_FOUND,
     1,
     "8075"},
    {"two records",
     {HEAD(2), QUESTION, RECORD(16, 2), 1, 'a', RECORD(16, 2), 1, 'b'},
     12 + 29 + 2 * (12 + 2),
     RESOLVER_FOUND,
     2,
     "a"},
    {"a string that is longer than its record",
     {HEAD(1), QUESTION, RECORD(16, 3), 9, '8', '0'},
     12 + 29 + 12 + 3,
     RESOLVER_FAILED,
     0,
     ""},
    {"a record that is longer than the message",
     {HEAD(1), QUESTION, RECORD(16, 9), 8, '8', '0'},
     12 + 29 + 12 + 3,
     RESOLVER_FAILED,
     0,
     ""},
    {"bytes that a terminal obeys",
     {HEAD(1), QUESTION, RECORD(16, 4), 3, '8', 27, '7'},
     12 + 29 + 12 + 4,
     RESOLVER_FOUND,
     1,
     "8?7"},
    {"an empty string",
     {HEAD(1), QUESTION, RECORD(16, 1), 0},
     12 + 29 + 12 + 1,
     RESOLVER_FOUND,
     1,
     ""},
    {"none", {HEAD(0), QUESTION}, 12 + 29, RESOLVER_NO_ADDRESS, 0, ""},
};

static void texts_of_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct resolution a = {0};
        CHECK_INT(texts[i].reply, resolver_answer_text(&a, texts[i].bytes, texts[i].len),
                  texts[i].what);
        CHECK_INT(texts[i].n, a.n_texts, texts[i].what);
        if (a.n_texts > 0)
            CHECK_TEXT(texts[i].first, a.texts[0], texts[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(texts_of_records),
        cmocka_unit_test(reverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
