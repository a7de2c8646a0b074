/* Queries, and what counts as their answer. */
#include "check.h"

#include "net/resolver_query.h"

#include <arpa/nameser.h>
#include <string.h>

#define ID       0x12, 0x34
#define QUESTION 1, 'a', 4, 't', 'e', 's', 't', 0, 0, 1, 0, 1

static const uint8_t query[] = {ID, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, QUESTION};

static void a_query(void **unused)
{
    (void)unused;
    uint8_t out[RESOLVER_QUERY_MAX];
    CHECK_INT(sizeof query, resolver_query_write(out, "a.test", ns_t_a, 0x1234),
              "length");
    CHECK(memcmp(out, query, sizeof query) == 0, "as RFC 1035, section 4.1 draws it");
    CHECK_INT(sizeof query, resolver_query_write(out, "a.test.", ns_t_a, 0x1234), "dot");
}

static void names(void **unused)
{
    (void)unused;
    uint8_t out[RESOLVER_QUERY_MAX];
    char name[400] = "", label[65];
    memset(label, 'a', 64);
    label[64] = '\0';
    CHECK_INT(0, resolver_query_write(out, label, ns_t_a, 0), "a label of 64");
    CHECK_INT(0, resolver_query_write(out, "a..test", ns_t_a, 0), "an empty label");
    label[63] = '\0';
    for (int i = 0; i < 3; i++) {
        strcat(name, label);
        strcat(name, ".");
    }
    label[61] = '\0';
    strcat(name, label);
    CHECK_INT(RESOLVER_QUERY_MAX, resolver_query_write(out, name, ns_t_a, 0),
              "253 bytes");
    strcat(name, "a");
    CHECK_INT(0, resolver_query_write(out, name, ns_t_a, 0), "254 bytes");
}

static const struct {
    const char *what;
    uint8_t bytes[48];
    size_t len;
    enum resolver_match match;
    struct resolver_head head;
} cases[] = {
    {"an address",
     {ID, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, QUESTION, 0xc0, 12, 0, 1, 0, 1},
     sizeof query + 6,
     RESOLVER_MATCH,
     {.answers = 1}},
    {"cut after the question, truncated, SERVFAIL",
     {ID, 0x83, 0x82, 0, 1, 1, 2, 0, 0, 0, 0, QUESTION},
     sizeof query,
     RESOLVER_MATCH,
     {.rcode = 2, .truncated = true, .answers = 258}},
    {"another case",
     {ID,  0x81, 0x83, 0,   1,   0,   0, 0, 0, 0, 0, 1,
      'A', 4,    'T',  'e', 'S', 't', 0, 0, 1, 0, 1},
     sizeof query,
     RESOLVER_MATCH,
     {.rcode = 3}},
    {"the query itself",
     {ID, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, QUESTION},
     sizeof query,
     RESOLVER_ECHO,
     {0}},
    {"another id",
     {0x12, 0x35, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, QUESTION},
     sizeof query,
     RESOLVER_OTHER,
     {0}},
    {"another opcode",
     {ID, 0xa9, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, QUESTION},
     sizeof query,
     RESOLVER_OTHER,
     {0}},
    {"two questions",
     {ID, 0x81, 0x80, 0, 2, 0, 0, 0, 0, 0, 0, QUESTION, QUESTION},
     sizeof query + 12,
     RESOLVER_OTHER,
     {0}},
    {"no question", {ID, 0x81, 0x85, 0, 0, 0, 0, 0, 0, 0, 0}, 12, RESOLVER_OTHER, {0}},
    {"another name",
     {ID,  0x81, 0x80, 0,   1,   0,   0, 0, 0, 0, 0, 1,
      'b', 4,    't',  'e', 's', 't', 0, 0, 1, 0, 1},
     sizeof query,
     RESOLVER_OTHER,
     {0}},
    {"another type",
     {ID,  0x81, 0x80, 0,   1,   0,   0, 0, 0,  0, 0, 1,
      'a', 4,    't',  'e', 's', 't', 0, 0, 28, 0, 1},
     sizeof query,
     RESOLVER_OTHER,
     {0}},
    {"a question that is cut",
     {ID, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0, QUESTION},
     sizeof query - 1,
     RESOLVER_OTHER,
     {0}},
    {"a header that is cut", {ID, 0x81}, 3, RESOLVER_OTHER, {0}},
    {"nothing", {0}, 0, RESOLVER_OTHER, {0}},
};

static void matches(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct resolver_head head = {0};
        CHECK_INT(cases[i].match,
                  resolver_query_match(&head, wire_from(query, sizeof query),
                                       wire_from(cases[i].bytes, cases[i].len)),
                  cases[i].what);
        CHECK_INT(cases[i].head.rcode, head.rcode, cases[i].what);
        CHECK_INT(cases[i].head.truncated, head.truncated, cases[i].what);
        CHECK_INT(cases[i].head.answers, head.answers, cases[i].what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query),
        cmocka_unit_test(names),
        cmocka_unit_test(matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
