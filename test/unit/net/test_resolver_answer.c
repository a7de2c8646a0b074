#include "net/resolver_answer.h"

#include "base/wire.h"
#include "check.h"

enum { A = 1, NS = 2, CNAME = 5, SOA = 6, AAAA = 28 };
enum { AA = 0x0400, RA = 0x0080, RESPONSE = 0x8100 };

/* An answer to "edge.test", put together by hand: RFC 1035. */
struct made {
    uint8_t bytes[2048];
    struct wire_out out;
    uint16_t counts[3]; /* answers, authorities, others */
};

static struct made *make(uint16_t flags)
{
    static struct made m;
    m = (struct made){.counts = {0}};
    m.out = wire_to(m.bytes, sizeof m.bytes);
    wire_put_u16(&m.out, 4711);
    wire_put_u16(&m.out, RESPONSE | flags);
    wire_put_u16(&m.out, 1);
    wire_put(&m.out, m.counts, sizeof m.counts);
    wire_put(&m.out, "\4edge\4test\0\0\1\0\1", 15);
    return &m;
}

static void add(struct made *m, size_t section, uint16_t type, uint32_t ttl,
                const void *data, size_t len)
{
    wire_put_u16(&m->out, 0xc00c);
    wire_put_u16(&m->out, type);
    wire_put_u16(&m->out, 1);
    wire_put_u32(&m->out, ttl);
    wire_put_u16(&m->out, (uint16_t)len);
    wire_put(&m->out, data, len);
    m->counts[section]++;
    m->bytes[7 + 2 * section] = (uint8_t)m->counts[section];
}

static enum resolver_answer read_as(struct resolution *r, const struct made *m,
                                    enum family family)
{
    *r = (struct resolution){.servers = "192.0.2.53"};
    return resolver_answer_read(r, m->bytes, sizeof m->bytes - m->out.left, family, 443);
}

static const uint8_t one[] = {192, 0, 2, 1}, everybody[] = {224, 0, 0, 1};
static const char door[] = "\4door\4test";

static void addresses_and_chain(void **state)
{
    (void)state;
    struct resolution r;
    struct made *m = make(RA);
    add(m, 0, CNAME, 40, door, sizeof door);
    add(m, 0, A, 300, one, sizeof one);
    CHECK_INT(RESOLVER_FOUND, read_as(&r, m, FAMILY_IPV4), "found");
    CHECK_INT(1, r.n, "addresses");
    CHECK_INT(443, r.addresses[0].port, "port");
    CHECK_INT(1, r.n_cnames, "links");
    CHECK_TEXT("door.test", r.cnames[0], "link");
    CHECK_INT(40, r.ttl_s, "least TTL");
    CHECK_TEXT("192.0.2.53", r.servers, "is kept");
    CHECK_INT(RESOLVER_NO_ADDRESS, read_as(&r, m, FAMILY_IPV6), "an A is no AAAA");
    CHECK(r.n == 0 && r.error == NULL && r.ttl_s > 0, "no address is no error");
}

/* The result for each kind of server. */
static void codes_and_lame_servers(void **state)
{
    (void)state;
    static const char ns[] = "\1a\014root-servers\3net";
    static const struct {
        const char *what;
        uint16_t flags, authority; /* 0: none */
        enum resolver_answer reply;
        const char *error; /* NULL: none */
        bool temporary;
    } cases[] = {
        {"NODATA with its SOA", RA, SOA, RESOLVER_NO_ADDRESS, NULL, false},
        {"NODATA without SOA of a resolver", RA, 0, RESOLVER_NO_ADDRESS, NULL, false},
        {"NODATA of the zone's server", AA, 0, RESOLVER_NO_ADDRESS, NULL, false},
        {"upward referral", 0, NS, RESOLVER_FAILED, "refers to others", true},
        {"nothing from a server that does not ask", 0, 0, RESOLVER_FAILED, "neither",
         true},
        {"NXDOMAIN", RA | 3, SOA, RESOLVER_NO_NAME, "no such name", false},
        {"SERVFAIL", RA | 2, 0, RESOLVER_FAILED, "SERVFAIL", true},
        {"REFUSED", 5, 0, RESOLVER_FAILED, "refused", true},
        {"NOTIMP", 4, 0, RESOLVER_FAILED, "understand", true},
        {"FORMERR", 1, 0, RESOLVER_FAILED, "understand", true},
        {"code 11", 11, 0, RESOLVER_FAILED, "unknown error", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct resolution r;
        struct made *m = make(cases[i].flags);
        if (cases[i].authority != 0)
            add(m, 1, cases[i].authority, 60, ns, sizeof ns);
        CHECK_INT(cases[i].reply, read_as(&r, m, FAMILY_IPV4), cases[i].what);
        CHECK_INT(cases[i].error == NULL, r.error == NULL, cases[i].what);
        CHECK(r.error == NULL || strstr(r.error, cases[i].error) != NULL, "%s: %s",
              cases[i].what, r.error);
        CHECK_INT(cases[i].temporary, r.temporary, cases[i].what);
    }
}

static void the_least_ttl(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint32_t cname, address, expected;
    } cases[] = {
        {"of the chain", 40, 300, 40},
        {"of the address", 300, 40, 40},
        {"most", INT32_MAX, INT32_MAX, INT32_MAX},
        {"more than 31 bits", 0x80000000, 300, 0}, /* RFC 2181, section 8 */
        {"all bits", 300, UINT32_MAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct resolution r;
        struct made *m = make(RA);
        add(m, 0, CNAME, cases[i].cname, door, sizeof door);
        add(m, 0, A, cases[i].address, one, sizeof one);
        read_as(&r, m, FAMILY_IPV4);
        CHECK_INT(cases[i].expected, r.ttl_s, cases[i].what);
    }
}

static void addresses_of_no_host_are_passed_over(void **state)
{
    (void)state;
    struct resolution r;
    struct made *m = make(RA);
    add(m, 0, A, 60, everybody, sizeof everybody);
    read_as(&r, m, FAMILY_IPV4);
    CHECK_INT(0, r.n, "224.0.0.1");
    CHECK(r.error != NULL && r.temporary, "it is said, and asked again");
    add(m, 0, A, 60, one, sizeof one);
    CHECK_INT(RESOLVER_FOUND, read_as(&r, m, FAMILY_IPV4), "found");
    CHECK_INT(1, r.n, "192.0.2.1 beside it");
    CHECK(r.error == NULL, "is fine");
}

static void each_length(void **state)
{
    (void)state;
    struct made *m = make(RA);
    add(m, 0, CNAME, 40, door, sizeof door);
    add(m, 0, A, 300, one, sizeof one);
    size_t len = sizeof m->bytes - m->out.left;
    for (size_t i = 0; i < len; i++) {
        struct resolution r = {0};
        CHECK_INT(RESOLVER_FAILED, resolver_answer_read(&r, m->bytes, i, FAMILY_IPV4, 1),
                  "cut off");
        CHECK(r.n == 0 && r.n_cnames == 0 && r.error != NULL, "nothing of it is used");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_and_chain),
        cmocka_unit_test(codes_and_lame_servers),
        cmocka_unit_test(the_least_ttl),
        cmocka_unit_test(addresses_of_no_host_are_passed_over),
        cmocka_unit_test(each_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
