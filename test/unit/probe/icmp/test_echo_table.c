#include "check.h"

#include "probe/icmp/echo_table.h"

static int somebody; /* an exchange is only ever compared with NULL */
#define UNDER_WAY ((struct exchange *)&somebody)

static struct sent_echo sent(uint16_t id, uint16_t seq, uint64_t nonce, int64_t at_s)
{
    return (struct sent_echo){.echo = {id, seq, 77, nonce},
                              .to = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 1}},
                              .sent = {at_s * NS_PER_S},
                              .x = UNDER_WAY};
}

static struct icmp_message reply_to(const struct sent_echo *e)
{
    return (struct icmp_message){.what = ICMP_IS_REPLY, .echo = e->echo, .whole = true};
}

static void what_matches(void **unused)
{
    (void)unused;
    struct echo_table e = echo_table_create();
    struct sent_echo a = sent(1, 2, 3, 0),
                     b = sent(1, 2, 4, 0); /* same id and sequence */
    uint64_t na = echo_table_add(&e, &a), nb = echo_table_add(&e, &b);
    struct icmp_message ra = reply_to(&a), rb = reply_to(&b);
    CHECK(echo_table_match(&e, &ra, &a.to) == na, "the first by its nonce");
    CHECK(echo_table_match(&e, &rb, &b.to) == nb, "the second by its nonce");
    struct endpoint other = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 2}};
    CHECK(echo_table_match(&e, &ra, &other) == ECHO_NONE, "another source");
    struct icmp_message m = ra;
    m.echo.nonce += 10;
    CHECK(echo_table_match(&e, &m, &a.to) == ECHO_NONE, "another nonce");
    m = ra;
    m.echo.tag++;
    CHECK(echo_table_match(&e, &m, &a.to) == ECHO_NONE, "another tag");
    m = ra;
    m.echo.seq++;
    CHECK(echo_table_match(&e, &m, &a.to) == ECHO_NONE, "another sequence");

    m = (struct icmp_message){
        .what = ICMP_IS_ERROR, .echo = {.id = 1, .seq = 2}, .quoted_to = a.to};
    CHECK(echo_table_match(&e, &m, &other) == nb,
          "an error that quotes little: the latest");
    m.quoted_to = other;
    CHECK(echo_table_match(&e, &m, &a.to) == ECHO_NONE,
          "an error on another destination");
    echo_table_free(&e);
}

/* A day of one a second: it remembers 15 s, and the memory stays small. */
static void forgets(void **unused)
{
    (void)unused;
    struct echo_table e = echo_table_create();
    for (int s = 0; s < 86400; s++) {
        struct sent_echo one = sent(5, (uint16_t)s, (uint64_t)s, s);
        uint64_t n = echo_table_add(&e, &one);
        echo_table_at(&e, n)->x = NULL;
    }
    CHECK_INT(64, e.room, "the room of the start");
    struct sent_echo recent = sent(5, (uint16_t)(86399 - 14), 86399 - 14, 0);
    struct icmp_message m = reply_to(&recent);
    CHECK(echo_table_match(&e, &m, &recent.to) != ECHO_NONE, "14 s ago is remembered");
    struct sent_echo old = sent(5, (uint16_t)(86399 - 17), 86399 - 17, 0);
    m = reply_to(&old);
    CHECK(echo_table_match(&e, &m, &old.to) == ECHO_NONE, "17 s ago is forgotten");
    CHECK(echo_table_at(&e, 0) == NULL, "so is the first");
    echo_table_free(&e);
}

static void full(void **unused)
{
    (void)unused;
    struct echo_table e = echo_table_create();
    for (uint32_t i = 0; i < ECHO_TABLE_MAX; i++) {
        struct sent_echo one = sent((uint16_t)(i >> 8), (uint16_t)i, i, 0);
        CHECK(echo_table_add(&e, &one) == i, "number %u", i);
    }
    struct sent_echo one = sent(1, 1, 1, 1);
    CHECK(echo_table_add(&e, &one) == ECHO_NONE, "all are under way");
    for (uint32_t i = 0; i < ECHO_TABLE_MAX; i += 1009) {
        struct sent_echo was = sent((uint16_t)(i >> 8), (uint16_t)i, i, 0);
        struct icmp_message m = reply_to(&was);
        CHECK(echo_table_match(&e, &m, &was.to) == i, "number %u is found", i);
    }
    echo_table_at(&e, 0)->x = NULL;
    CHECK(echo_table_add(&e, &one) == ECHO_TABLE_MAX, "one is over: there is room");
    CHECK(echo_table_at(&e, 0) == NULL, "and it is forgotten");
    echo_table_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_matches),
        cmocka_unit_test(forgets),
        cmocka_unit_test(full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
