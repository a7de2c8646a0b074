/* The length of the way back, and the grade of paths whose truth is written beside them. */
#include "edge/potato.h"

#include "core/result.h"
#include "core/time.h"

#include "check.h"

#define MS(x) ((int64_t)((x)*NS_PER_MS))

static void test_length(void **state)
{
    (void)state;
    static const struct {
        int16_t ttl;
        unsigned hops;
    } lengths[] = {{64, 1},  {60, 5},  {128, 1},  {117, 12}, {255, 1},
                   {247, 9}, {25, 40}, {24, 0},   {65, 0},   {1, 0},
                   {0, 0},   {-1, 0},  {216, 40}, {215, 0},  {129, 0}};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        CHECK_INT(lengths[i].hops, potato_hops_back(lengths[i].ttl), "hops back");
}

#define OTHERS(delay, ttl)                                                               \
    {                                                                                    \
        false, MS(delay), ttl                                                            \
    }
#define MICROSOFTS(delay, ttl)                                                           \
    {                                                                                    \
        true, MS(delay), ttl                                                             \
    }
#define SILENT                                                                           \
    {                                                                                    \
        false, DELAY_UNDEFINED, -1                                                       \
    }
#define NOWHERE                                                                          \
    {                                                                                    \
        .entry_km = NAN, .nearest_km = NAN, .serving_km = NAN,                           \
        .nearest_ns = DELAY_UNDEFINED                                                    \
    }

static const struct {
    const char *what;
    struct potato_hop hops[10];
    size_t n;
    bool reached;
    struct potato_places places;
    enum potato_grade forward, back, grade;
} cases[] = {
    {"a PoP next door that serves",
     {OTHERS(0.3, 64), OTHERS(1, 254), MICROSOFTS(1.5, 253), MICROSOFTS(1.9, 125)},
     4,
     true,
     NOWHERE,
     POTATO_COLD,
     POTATO_CANNOT_TELL,
     POTATO_COLD},
    {"near entry, far server, equal ways",
     {OTHERS(0.3, 64), OTHERS(1, 254), MICROSOFTS(1.5, 253), MICROSOFTS(9, 252),
      MICROSOFTS(20, 251), MICROSOFTS(20, 123)},
     6,
     true,
     NOWHERE,
     POTATO_COLD,
     POTATO_COLD,
     POTATO_COLD},
    {"the way back leaves elsewhere",
     {OTHERS(0.3, 64), OTHERS(1, 254), MICROSOFTS(1.5, 253), MICROSOFTS(9, 252),
      MICROSOFTS(20, 246), MICROSOFTS(20, 118)},
     6,
     true,
     NOWHERE,
     POTATO_COLD,
     POTATO_HOT,
     POTATO_HOT},
    {"the provider's own ways differ, Microsoft's do not",
     {OTHERS(0.3, 64), OTHERS(1, 250), MICROSOFTS(1.5, 249), MICROSOFTS(9, 248),
      MICROSOFTS(20, 247), MICROSOFTS(20, 119)},
     6,
     true,
     NOWHERE,
     POTATO_COLD,
     POTATO_COLD,
     POTATO_COLD},
    {"too few answers",
     {OTHERS(0.3, 64), OTHERS(1, 254), MICROSOFTS(1.5, -1), MICROSOFTS(20, 125)},
     4,
     true,
     NOWHERE,
     POTATO_COLD,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL},
    {"by TCP nothing is known of the way back",
     {OTHERS(0.3, -1), MICROSOFTS(1.5, -1), MICROSOFTS(20, -1)},
     3,
     true,
     NOWHERE,
     POTATO_COLD,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL},
    {"a far entry, a nearer door",
     {OTHERS(0.3, 64), OTHERS(20, 254), MICROSOFTS(28, 253), MICROSOFTS(28.4, 125)},
     4,
     true,
     {.entry_km = NAN, .nearest_km = NAN, .serving_km = NAN, .nearest_ns = MS(6)},
     POTATO_HOT,
     POTATO_CANNOT_TELL,
     POTATO_HOT},
    {"a far entry, no door is nearer",
     {OTHERS(0.3, 64), OTHERS(20, 254), MICROSOFTS(28, 253), MICROSOFTS(28.4, 125)},
     4,
     true,
     {.entry_km = NAN, .nearest_km = NAN, .serving_km = NAN, .nearest_ns = MS(27)},
     POTATO_COLD,
     POTATO_CANNOT_TELL,
     POTATO_COLD},
    {"a far entry, nothing else is known",
     {OTHERS(0.3, 64), OTHERS(20, 254), MICROSOFTS(28, 253), MICROSOFTS(28.4, 125)},
     4,
     true,
     NOWHERE,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL},
    {"a far entry by the catalogue",
     {OTHERS(0.3, 64), OTHERS(20, 254), MICROSOFTS(28, 253), MICROSOFTS(28.4, 125)},
     4,
     true,
     {.entry_km = 1600, .nearest_km = 40, .serving_km = 0, .nearest_ns = DELAY_UNDEFINED},
     POTATO_HOT,
     POTATO_CANNOT_TELL,
     POTATO_HOT},
    {"the nearest metro is as far",
     {OTHERS(0.3, 64), OTHERS(20, 254), MICROSOFTS(28, 253), MICROSOFTS(28.4, 125)},
     4,
     true,
     {.entry_km = 1600,
      .nearest_km = 1500,
      .serving_km = 0,
      .nearest_ns = DELAY_UNDEFINED},
     POTATO_COLD,
     POTATO_CANNOT_TELL,
     POTATO_COLD},
    {"faster than light: the location is wrong",
     {OTHERS(0.3, 64), OTHERS(2, 254), MICROSOFTS(5, 253), MICROSOFTS(5.4, 125)},
     4,
     true,
     {.entry_km = 5000, .nearest_km = 40, .serving_km = 0, .nearest_ns = DELAY_UNDEFINED},
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL},
    {"a hidden entry that may be nearer",
     {OTHERS(0.3, 64), SILENT, SILENT, MICROSOFTS(28, 252), MICROSOFTS(28.4, 124)},
     5,
     true,
     {.entry_hidden = true,
      .entry_km = 1600,
      .nearest_km = 40,
      .serving_km = 0,
      .nearest_ns = MS(6)},
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL},
    {"a hidden entry, near in any case",
     {OTHERS(0.3, 64), SILENT, MICROSOFTS(2, 253), MICROSOFTS(2.4, 125)},
     4,
     true,
     {.entry_hidden = true,
      .entry_km = NAN,
      .nearest_km = NAN,
      .serving_km = NAN,
      .nearest_ns = DELAY_UNDEFINED},
     POTATO_COLD,
     POTATO_CANNOT_TELL,
     POTATO_COLD},
    {"a detour on the way",
     {OTHERS(0.3, 64), OTHERS(1, 254), MICROSOFTS(1.5, 253), MICROSOFTS(9, 252),
      MICROSOFTS(40, 251), MICROSOFTS(40, 123)},
     6,
     true,
     {.entry_km = NAN,
      .nearest_km = NAN,
      .serving_km = 500,
      .nearest_ns = DELAY_UNDEFINED},
     POTATO_COLD,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL},
    {"a slow router at the entry",
     {OTHERS(0.3, 64), OTHERS(1, 254), MICROSOFTS(30, 253), MICROSOFTS(1.9, 125)},
     4,
     true,
     NOWHERE,
     POTATO_COLD,
     POTATO_CANNOT_TELL,
     POTATO_COLD},
    {"no hop of Microsoft's",
     {OTHERS(0.3, 64), OTHERS(1, 254)},
     2,
     true,
     NOWHERE,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL},
    {"no hop",
     {{0}},
     0,
     false,
     NOWHERE,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL,
     POTATO_CANNOT_TELL},
};

static void test_grades(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct potato p =
            potato_judge(cases[i].hops, cases[i].n, cases[i].reached, &cases[i].places);
        CHECK_TEXT(potato_grade_name(cases[i].forward), potato_grade_name(p.forward),
                   cases[i].what);
        CHECK_TEXT(potato_grade_name(cases[i].back), potato_grade_name(p.back),
                   cases[i].what);
        CHECK_TEXT(potato_grade_name(cases[i].grade), potato_grade_name(p.grade),
                   cases[i].what);
        struct text text = {0};
        potato_sentence(&text, &p);
        CHECK(text.len > 0 && text.bytes[text.len - 1] == '.', "%s: %s", cases[i].what,
              text_string(&text));
        text_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_grades),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
