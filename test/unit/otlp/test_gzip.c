#include "otlp/gzip.h"

#include "check.h"

#include <errno.h>

static char *numbers(size_t *len)
{
    size_t room = 300000;
    char *text = malloc(room);
    *len = 0;
    for (int i = 0; *len + 16 < room; i++)
        *len += (size_t)sprintf(text + *len, "%d ", i);
    return text;
}

static void there_and_back(void **state)
{
    (void)state;
    size_t whole;
    char *text = numbers(&whole);
    const size_t lengths[] = {0, 1, 2, 32767, 32768, 32769, 65536, whole};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t packed_len, again_len, len;
        void *packed = gzip_pack(text, lengths[i], &packed_len);
        void *again = gzip_pack(text, lengths[i], &again_len), *out;
        CHECK(packed_len == again_len && memcmp(packed, again, packed_len) == 0,
              "the same bytes each time");
        CHECK(gzip_is(packed, packed_len), "begins like gzip");
        CHECK_INT(0, gzip_unpack(packed, packed_len, lengths[i], &out, &len), "unpacks");
        CHECK(len == lengths[i] && memcmp(out, text, len) == 0, "the same text");
        CHECK_INT(0, gzip_check(packed, packed_len, lengths[i]), "whole");
        if (lengths[i] > 0)
            CHECK_INT(-EMSGSIZE, gzip_check(packed, packed_len, lengths[i] - 1),
                      "more than the bound");
        free(out);
        free(packed);
        free(again);
    }
    free(text);
}

/* Without the time of packing and the system; 2: the slowest algorithm (RFC 1952, XFL). */
static void header(void **state)
{
    (void)state;
    const unsigned char expected[10] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255};
    size_t len;
    void *packed = gzip_pack("a", 1, &len);
    CHECK(memcmp(packed, expected, sizeof expected) == 0, "not the header expected");
    free(packed);
}

static void torn_and_changed(void **state)
{
    (void)state;
    size_t len, out_len;
    unsigned char *packed = gzip_pack("a batch of numbers: 1 2 3 4 5", 29, &len);
    void *out;
    for (size_t cut = 0; cut < len; cut++) {
        CHECK_INT(-EBADMSG, gzip_unpack(packed, cut, 1000, &out, &out_len), "torn");
        CHECK_INT(-EBADMSG, gzip_check(packed, cut, 1000), "torn");
    }
    for (size_t i = 10; i < len; i++) { /* in the header some bits say nothing */
        if (i == len - 9)               /* and some after the last code */
            continue;
        packed[i] ^= 0x10;
        CHECK(gzip_check(packed, len, 1000) < 0, "byte %zu changed", i);
        packed[i] ^= 0x10;
    }
    packed = realloc(packed, len + 1);
    packed[len] = 0;
    CHECK_INT(-EBADMSG, gzip_check(packed, len + 1, 1000), "something behind it");
    CHECK_INT(0, gzip_check(packed, len, 1000), "whole again");
    free(packed);
    CHECK(!gzip_is("{}", 2) && !gzip_is("\x1f", 1), "not gzip");
}

/* 64 MiB of zeros are 64 KiB on disk. */
static void bomb(void **state)
{
    (void)state;
    size_t zeros = 64u << 20, len, out_len;
    void *memory = calloc(1, zeros), *out;
    void *packed = gzip_pack(memory, zeros, &len);
    free(memory);
    CHECK_INT(-EMSGSIZE, gzip_unpack(packed, len, 1u << 20, &out, &out_len), "bounded");
    CHECK_INT(-EMSGSIZE, gzip_check(packed, len, 1u << 20), "bounded");
    free(packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(header),
        cmocka_unit_test(torn_and_changed),
        cmocka_unit_test(bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
