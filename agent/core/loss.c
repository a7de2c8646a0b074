#include "core/loss.h"

#include <math.h>
#include <stdio.h>

#define EXPECTED_MANY 50.0  /* the normal distribution is near enough from here on */
#define NORMAL_BOUND  2.576 /* of LOSS_CHANCE, one-sided */

struct loss_count loss_count_of(const struct kind *kind,
                                const uint32_t outcomes[OUTCOME_COUNT],
                                const uint32_t counters[COUNTERS])
{
    uint64_t again =
        kind != NULL && kind->single_packets ? counters[COUNTER_LOST_PACKETS] : 0;
    return (struct loss_count){.sent = outcomes_sent(outcomes) + again,
                               .lost = outcomes_lost(outcomes) + again};
}

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

struct loss_interval loss_interval(uint64_t lost, uint64_t sent)
{
    static const double z2 = 1.96 * 1.96;
    double n = (double)sent, p = (double)lost / n, by = 1 + z2 / n;
    double middle = p + z2 / (2 * n);
    double half = sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n)));
    return (struct loss_interval){(middle - half) / by, (middle + half) / by};
}

const char *loss_text(char out[LOSS_TEXT_MAX], uint64_t lost, uint64_t failed,
                      uint64_t sent)
{
    if (sent == 0 || (lost == 0 && failed > 0))
        return "-";
    snprintf(out, LOSS_TEXT_MAX, "%.1f %%", 100 * (double)lost / (double)sent);
    return out;
}
