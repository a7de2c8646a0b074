/*
 * Whether a loss is more than chance, as a few lost of a few probes prove little, and how
 * it is written.
 */
#ifndef EDGELAT_CORE_LOSS_H
#define EDGELAT_CORE_LOSS_H

#include "core/counter.h"
#include "core/kind.h"
#include "core/result.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What the loss of a kind is a share of: packets, where a probe is a single one and those
 * sent again are counted, else probes. Never a sum over kinds: those lose differently.
 * NULL is a kind that is not known here.
 */
struct loss_count {
    uint64_t sent, lost;
};
struct loss_count loss_count_of(const struct kind *kind,
                                const uint32_t outcomes[OUTCOME_COUNT],
                                const uint32_t counters[COUNTERS]);

#define LOSS_CHANCE 0.005

/*
 * Whether `lost` of `sent` probes would be seen with a probability of less than
 * LOSS_CHANCE if the way lost no more than `ratio`: the upper tail of the binomial
 * distribution, by the normal one where many losses are to be expected.
 */
bool loss_exceeds(uint64_t lost, uint64_t sent, double ratio);

/* The 95 % score interval of the share `lost` of `sent`, which is not 0 (E. B. Wilson 1927,
 * "Probable inference, the law of succession, and statistical inference"). */
struct loss_interval {
    double low, high;
};
struct loss_interval loss_interval(uint64_t lost, uint64_t sent);

#define LOSS_TEXT_MAX 16

/*
 * The lost share of the `sent` probes, "12.5 %". "-" when nothing was sent, and when
 * nothing was lost but some failed (outcomes_failed()): "0.0 %" would read as if a dead
 * port were fine. Returns `out` or a literal.
 */
const char *loss_text(char out[LOSS_TEXT_MAX], uint64_t lost, uint64_t failed,
                      uint64_t sent);

#endif
