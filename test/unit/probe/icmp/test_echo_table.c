#include "check.h"

#include "probe/icmp/echo_table.h"

static int somebody; /* an exchange is only ever compared with NULL */
#define UNDER_WAY ((struct exchange *)&somebody)

enum { TAG = 77 };

static const struct endpoint host = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 1}};

static struct sent_echo sent(uint16_t id, uint16_t seq, uint64_t nonce)
{
    return (struct sent_echo){.id = id,
                              .seq = seq,
                              .nonce = nonce,
                              .to_hash = endpoint_hash(&host),
                              .x = UNDER_WAY};
}

static uint64_t add(struct echo_table *e, const struct sent_echo *echo, int64_t at_s)
{
    return echo_table_add(e, echo, (struct mono){at_s * NS_PER_S});
}

static struct icmp_message reply_to(const struct sent_echo *e)
{
    return (struct icmp_message){
        .what = ICMP_IS_REPLY, .echo = {e->id, e->seq, TAG, e->nonce}, .whole = true};
}

static void what_matches(void **unused)
{
    (void)unused;
    struct echo_table e = echo_table_create(TAG);
    struct sent_echo a = sent(1, 2, 3), b = sent(1, 2, 4); /* same id and sequence */
    uint64_t na = add(&e, &a, 0), nb = add(&e, &b, 0);
    struct icmp_message ra = reply_to(&a), rb = reply_to(&b);
    CHECK(echo_table_match(&e, &ra, &host) == na, "the first by its nonce");
    CHECK(echo_table_match(&e, &rb, &host) == nb, "the second by its nonce");
    struct endpoint other = {.family = FAMILY_IPV4, .bytes = {192, 0, 2, 2}};
    CHECK(echo_table_match(&e, &ra, &other) == ECHO_NONE, "another source");
    struct icmp_message m = ra;
    m.echo.nonce += 10;
    CHECK(echo_table_match(&e, &m, &host) == ECHO_NONE, "another nonce");
    m = ra;
    m.echo.tag++;
    CHECK(echo_table_match(&e, &m, &host) == ECHO_NONE, "another tag");
    m = ra;
    m.echo.seq++;
    CHECK(echo_table_match(&e, &m, &host) == ECHO_NONE, "another sequence");

    m = (struct icmp_message){
        .what = ICMP_IS_ERROR, .echo = {.id = 1, .seq = 2}, .quoted_to = host};
    CHECK(echo_table_match(&e, &m, &other) == nb,
          "an error that quotes little: the latest");
    m.quoted_to = other;
    CHECK(echo_table_match(&e, &m, &host) == ECHO_NONE,
          "an error on another destination");
    echo_table_free(&e);
}

/* A day of one a second: it remembers 15 s, and the memory stays small. */
static void forgets(void **unused)
{
    (void)unused;
    struct echo_table e = echo_table_create(TAG);
    for (int s = 0; s < 86400; s++) {
        struct sent_echo one = sent(5, (uint16_t)s, (uint64_t)s);
        uint64_t n = add(&e, &one, s);
        echo_table_at(&e, n)->x = NULL;
    }
    CHECK_INT(64, e.room, "the room of the start");
    struct sent_echo recent = sent(5, (uint16_t)(86399 - 14), 86399 - 14);
    struct icmp_message m = reply_to(&recent);
    CHECK(echo_table_match(&e, &m, &host) != ECHO_NONE, "14 s ago is remembered");
    struct sent_echo old = sent(5, (uint16_t)(86399 - 17), 86399 - 17);
    m = reply_to(&old);
    CHECK(echo_table_match(&e, &m, &host) == ECHO_NONE, "17 s ago is forgotten");
    CHECK(echo_table_at(&e, 0) == NULL, "so is the first");
    echo_table_free(&e);
}

/* The buckets have the low 32 bits of a number only: some numbers around their end. */
static void numbers_wrap(void **unused)
{
    (void)unused;
    struct echo_table e = echo_table_create(TAG);
    e.first = e.next = UINT32_MAX - 500;
    for (uint32_t i = 0; i < 1000; i++) {
        struct sent_echo one = sent(5, (uint16_t)i, i);
        uint64_t n = add(&e, &one, i / 10);
        echo_table_at(&e, n)->x = NULL;
        for (uint32_t back = 0; back <= i && back <= 150; back += 25) {
            struct sent_echo was = sent(5, (uint16_t)(i - back), i - back);
            struct icmp_message m = reply_to(&was);
            CHECK(echo_table_match(&e, &m, &host) == n - back, "%u after %u", back, i);
        }
    }
    echo_table_free(&e);
}

static void full(void **unused)
{
    (void)unused;
    struct echo_table e = echo_table_create(TAG);
    for (uint32_t i = 0; i < ECHO_TABLE_MAX; i++) {
        struct sent_echo one = sent((uint16_t)(i >> 8), (uint16_t)i, i);
        CHECK(add(&e, &one, 0) == i, "number %u", i);
    }
    struct sent_echo one = sent(1, 1, 1);
    CHECK(add(&e, &one, 1) == ECHO_NONE, "all are under way");
    for (uint32_t i = 0; i < ECHO_TABLE_MAX; i += 1009) {
        struct sent_echo was = sent((uint16_t)(i >> 8), (uint16_t)i, i);
        struct icmp_message m = reply_to(&was);
        CHECK(echo_table_match(&e, &m, &host) == i, "number %u is found", i);
    }
    echo_table_at(&e, 0)->x = NULL;
    CHECK(add(&e, &one, 1) == ECHO_TABLE_MAX, "one is over: there is room");
    CHECK(echo_table_at(&e, 0) == NULL, "and it is forgotten");
    echo_table_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_matches),
        cmocka_unit_test(forgets),
        cmocka_unit_test(numbers_wrap),
        cmocka_unit_test(full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
