#include "core/loss.h"

#include <math.h>
#include <stdio.h>

#define EXPECTED_MANY 50.0  /* the normal distribution is near enough from here on */
#define NORMAL_BOUND  2.576 /* of LOSS_CHANCE, one-sided */

bool loss_exceeds(uint64_t lost, uint64_t sent, double ratio)
{
    double n = (double)sent, expected = n * ratio;
    if ((double)lost <= expected)
        return false;
    if (expected >= EXPECTED_MANY)
        return ((double)lost - expected) / sqrt(expected * (1 - ratio)) > NORMAL_BOUND;
    double term = pow(1 - ratio, n), below = 0; /* of exactly i losses; of fewer */
    for (uint64_t i = 0; i < lost; i++) {
        below += term;
        term *= (n - (double)i) / ((double)i + 1) * ratio / (1 - ratio);
    }
    return 1 - below < LOSS_CHANCE;
}

const char *loss_text(char out[LOSS_TEXT_MAX], uint64_t lost, uint64_t failed,
                      uint64_t sent)
{
    if (sent == 0 || (lost == 0 && failed > 0))
        return "-";
    snprintf(out, LOSS_TEXT_MAX, "%.1f %%", 100 * (double)lost / (double)sent);
    return out;
}
