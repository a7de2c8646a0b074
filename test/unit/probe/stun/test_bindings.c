#include "check.h"

#include "probe/stun/bindings.h"

static int somebody; /* an exchange is only ever compared with NULL */
#define UNDER_WAY ((struct exchange *)&somebody)

static struct endpoint server(uint8_t host)
{
    return (struct endpoint){
        .family = FAMILY_IPV4, .bytes = {192, 0, 2, host}, .port = 3478};
}

static bool add(struct bindings *b, const struct endpoint *to, int64_t at_s,
                uint64_t chance, uint32_t *number)
{
    struct binding one = {.chance = chance, .x = UNDER_WAY};
    return bindings_add(b, &one, to, (struct mono){at_s * NS_PER_S}, number);
}

static void what_matches(void **unused)
{
    (void)unused;
    struct bindings b = bindings_create(0x12345678);
    struct endpoint one = server(1), two = server(2);
    uint32_t n1, n2;
    CHECK(add(&b, &one, 0, 7, &n1) && add(&b, &two, 0, 7, &n2), "room");
    struct stun_id id = bindings_id(&b, n1), other = bindings_id(&b, n2);
    CHECK(memcmp(&id, &other, sizeof id) != 0, "ids differ, with the same chance too");
    CHECK(bindings_find(&b, &id) == bindings_at(&b, n1), "the first by its id");
    CHECK(bindings_find(&b, &other) == bindings_at(&b, n2), "the second by its id");
    for (size_t i = 0; i < sizeof id.bytes; i++) {
        struct stun_id wrong = id;
        wrong.bytes[i] ^= 0x80;
        CHECK(bindings_find(&b, &wrong) == NULL, "byte %zu counts", i);
    }
    CHECK(bindings_last_to(&b, &one) == bindings_at(&b, n1), "by its address");
    bindings_at(&b, n1)->x = NULL;
    CHECK(bindings_last_to(&b, &one) == NULL, "it is over");
    CHECK(bindings_find(&b, &id) != NULL, "but its duplicates are recognised");
    two.port = 3479;
    CHECK(bindings_last_to(&b, &two) == NULL, "another port");
    bindings_free(&b);
}

/* A model keeps all that the table must keep; numbers wrap meanwhile. */
static void it_forgets_what_is_old(void **unused)
{
    (void)unused;
    struct bindings b = bindings_create(3);
    b.first = b.next = UINT32_MAX - 100;
    struct stun_id ids[400];
    for (uint32_t i = 0; i < 400; i++) {
        uint32_t number;
        struct endpoint to = server(1);
        CHECK(add(&b, &to, i, i, &number), "room");
        ids[i] = bindings_id(&b, number);
        bindings_at(&b, number)->x = NULL;
        for (uint32_t k = 0; k <= i; k++)
            CHECK((bindings_find(&b, &ids[k]) != NULL) ==
                      ((i - k) * 1000 <= BINDING_KEEP_MS),
                  "request %u after %u s", k, i - k);
    }
    CHECK(b.room <= 64, "the room of the start: %u", b.room);
    bindings_free(&b);
}

static void it_is_bounded(void **unused)
{
    (void)unused;
    struct bindings b = bindings_create(9);
    uint32_t number = 0;
    struct endpoint to = server(1);
    for (uint32_t i = 0; i < BINDINGS_MAX; i++)
        CHECK(add(&b, &to, 0, i, &number), "room");
    CHECK(!add(&b, &to, 0, 0, &number), "all of them are under way");
    CHECK(bindings_at(&b, number)->x == UNDER_WAY, "the last is still there");
    bindings_at(&b, b.first)->x = NULL;
    CHECK(add(&b, &to, 0, 0, &number), "the place of one that is over");
    bindings_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_matches),
        cmocka_unit_test(it_forgets_what_is_old),
        cmocka_unit_test(it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
