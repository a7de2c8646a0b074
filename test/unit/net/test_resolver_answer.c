#include "net/resolver_answer.h"

#include "check.h"

#include <netinet/in.h>

static struct resolution take(struct ares_addrinfo_cname *cnames,
                              struct ares_addrinfo_node *nodes)
{
    struct resolution r = {0};
    struct ares_addrinfo info = {.cnames = cnames, .nodes = nodes};
    answer_take(&r, &info, 443);
    return r;
}

static struct sockaddr_in somewhere = {.sin_family = AF_INET, .sin_addr = {0x010200c0}};

static struct ares_addrinfo_node node(int ttl)
{
    return (struct ares_addrinfo_node){
        .ai_ttl = ttl, .ai_family = AF_INET, .ai_addr = (struct sockaddr *)&somewhere};
}

/* Whatever c-ares lets through: older ones everything. */
static void names_are_visible(void **state)
{
    (void)state;
    char too_long[1021];
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    const struct {
        const char *sent, *expected;
    } cases[] = {
        {"lhr-efz.ms-acdc.office.com", "lhr-efz.ms-acdc.office.com"},
        {"\x1b[31mred\n.test", "?[31mred?.test"},
        {"two words\x7f.test", "two?words?.test"},
        {"k\xc3\xb6ln.test", "k??ln.test"},
        {"\\000\"quoted\"", "\\000\"quoted\""},
        {too_long, too_long + sizeof too_long - HOST_TEXT_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ares_addrinfo_cname cname = {.ttl = 60, .name = (char *)cases[i].sent};
        struct ares_addrinfo_node n = node(60);
        struct resolution r = take(&cname, &n);
        CHECK_INT(1, r.n_cnames, cases[i].sent);
        CHECK_TEXT(cases[i].expected, r.cnames[0], "name");
    }
}

static void the_least_ttl(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int cname, address;
        uint32_t expected;
    } cases[] = {
        {"of the chain", 40, 300, 40},
        {"of the address", 300, 40, 40},
        {"most", INT32_MAX, INT32_MAX, INT32_MAX},
        {"more than 31 bits", INT32_MIN, 300, 0},
        {"all bits", 300, -1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ares_addrinfo_cname cname = {.ttl = cases[i].cname, .name = "a.test"};
        struct ares_addrinfo_node n = node(cases[i].address);
        CHECK_INT(cases[i].expected, take(&cname, &n).ttl_s, cases[i].what);
    }
}

static void addresses_of_no_host_are_passed_over(void **state)
{
    (void)state;
    static struct sockaddr_in everybody = {.sin_family = AF_INET,
                                           .sin_addr = {0x010000e0}}; /* 224.0.0.1 */
    struct ares_addrinfo_node first = node(60), second = node(60);
    first.ai_addr = (struct sockaddr *)&everybody;
    struct resolution r = take(NULL, &first);
    CHECK_INT(0, r.n, "224.0.0.1");
    CHECK(r.error != NULL && r.temporary, "it is said, and asked again");
    first.ai_next = &second;
    r = take(NULL, &first);
    CHECK_INT(1, r.n, "192.0.2.1 beside it");
    CHECK(r.error == NULL, "is fine");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_visible),
        cmocka_unit_test(the_least_ttl),
        cmocka_unit_test(addresses_of_no_host_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
