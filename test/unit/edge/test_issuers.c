#include "edge/issuers.h"

#include "shipped.h"

static void the_shipped_ones(void **state)
{
    (void)state;
    static const struct {
        const char *service, *issuer;
        bool foreign;
    } cases[] = {
        {"exchange", "Microsoft Corporation", false},
        {"exchange", "DigiCert Inc", false},
        {"teams", "digicert inc", false}, /* in any case */
        {"office", "GlobalSign nv-sa", false},
        {"exchange", "Contoso Proxy CA", true},
        {"sharepoint", "Zscaler Inc.", true},
        {"front-door", "Fortinet", true},
        {"azure-front-door", "Not Microsoft Corporation", true},
        {"teams", "Microsoftish", true},
        {"exchange", "", false},           /* no certificate was seen */
        {"intranet", "Contoso CA", false}, /* a service that nobody knows */
        {"", "Contoso CA", false},
    };
    struct issuers s;
    SHIPPED_PARSE(issuers_parse, &s, "issuers.csv");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(issuers_foreign(&s, cases[i].service, cases[i].issuer) == cases[i].foreign,
              "%s, %s", cases[i].service, cases[i].issuer);
    issuers_free(&s);
}

static void every_default_service_is_there(void **state)
{
    (void)state;
    struct issuers s;
    size_t len, n = 0;
    char *text = shipped("targets.csv", &len);
    SHIPPED_PARSE(issuers_parse, &s, "issuers.csv");
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char service[64];
        if (line[0] == '#' || strncmp(line, "name,", 5) == 0 ||
            sscanf(line, "%*[^,],%63[^,]", service) != 1)
            continue;
        CHECK(issuers_foreign(&s, service, "Contoso"), "%s", service);
        n++;
    }
    CHECK(n >= 7, "%zu targets", n);
    free(text);
    issuers_free(&s);
}

static void wild_cards(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {
        {"*", "x", true},         {"a*", "a", true},        {"a*", "ba", false},
        {"*a", "ba", true},       {"*a", "ab", false},      {"*ab*ab", "abxab", true},
        {"*ab*ab", "xab", false}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false},
        {"*aab", "aaaab", true},  {"a.c", "abc", false},    {"abc", "abcd", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct issuers s;
        struct said said = {.n = 0};
        char text[160];
        snprintf(text, sizeof text, "# edgelat issuers 1\nservice,issuer\ns,%s\n",
                 cases[i].pattern);
        struct datafile_source from = source_of(text, strlen(text), &said);
        CHECK_INT(0, issuers_parse(&s, &from), cases[i].pattern);
        CHECK(issuers_foreign(&s, "s", cases[i].text) != cases[i].fits, "%s, %s",
              cases[i].pattern, cases[i].text);
        issuers_free(&s);
        text_free(&said.lines);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_ones),
        cmocka_unit_test(every_default_service_is_there),
        cmocka_unit_test(wild_cards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
