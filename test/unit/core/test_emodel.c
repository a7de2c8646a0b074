/*
 * The E-model: published values, and values of all formulas of G.107 with the defaults of
 * its Table 2, computed by a program that shares no code and shortens nothing.
 */
#include "check.h"

#include "core/emodel.h"

static const struct codec g729a = {"G.729A", 11, 19, "ITU-T G.113 Appendix I"};

static const struct {
    double delay_ms, loss, burst;
    const struct codec *codec;
    double rating;
} cases[] = {
    {0, 0, 1, &emodel_g711, 93.2062}, /* G.107: 93.2 for all default values */
    {20, 0, 1, &emodel_g711, 92.5313},       {50, 0, 1, &emodel_g711, 91.7562},
    {100, 0, 1, &emodel_g711, 90.6637},      {150, 0, 1, &emodel_g711, 89.5391},
    {200, 0, 1, &emodel_g711, 85.8047},      {250, 0, 1, &emodel_g711, 79.1771},
    {400, 0, 1, &emodel_g711, 62.2468},      {600, 0, 1, &emodel_g711, 49.4838},
    {50, 0.01, 1, &emodel_g711, 88.1163},    {50, 0.05, 1, &emodel_g711, 75.9754},
    {100, 0.02, 1.5, &emodel_g711, 83.4758}, {150, 0.005, 2, &emodel_g711, 87.6654},
    {20, 0.2, 1, &emodel_g711, 50.4027},     {400, 0.1, 1, &emodel_g711, 35.1813},
    {50, 0.01, 1, &g729a, 76.5562},          {100, 0.02, 1.5, &g729a, 71.4014},
    {400, 0.1, 1, &g729a, 22.2813},
};

static void ratings(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_NEAR(cases[i].rating,
                   emodel_rating(cases[i].codec, cases[i].delay_ms, cases[i].loss,
                                 cases[i].burst),
                   0.001, "rating");
    CHECK(emodel_rating(&emodel_g711, 5000, 1, 1) >= 0, "not below 0");
}

/* Table B.1/G.107 */
static void scores(void **unused)
{
    (void)unused;
    static const double pairs[][2] = {{93.2, 4.41}, {90, 4.34}, {80, 4.03}, {70, 3.60},
                                      {60, 3.10},   {50, 2.58}, {0, 1},     {100, 4.5}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        CHECK_NEAR(pairs[i][1], emodel_mos(pairs[i][0]), 0.01, "MOS");
    for (double r = 0; r <= 100; r += 0.5)
        CHECK(emodel_mos(r) >= 1 && emodel_mos(r) <= 4.5, "%g", r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratings),
        cmocka_unit_test(scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
