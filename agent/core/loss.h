/*
 * Whether a loss is more than chance, as a few lost of a few probes prove little, and how
 * it is written.
 */
#ifndef EDGELAT_CORE_LOSS_H
#define EDGELAT_CORE_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#define LOSS_CHANCE 0.005

/*
 * Whether `lost` of `sent` probes would be seen with a probability of less than
 * LOSS_CHANCE if the way lost no more than `ratio`: the upper tail of the binomial
 * distribution, by the normal one where many losses are to be expected.
 */
bool loss_exceeds(uint64_t lost, uint64_t sent, double ratio);

#define LOSS_TEXT_MAX 16

/*
 * The lost share of the `sent` probes, "12.5 %". "-" when nothing was sent, and when
 * nothing was lost but some failed (outcomes_failed()): "0.0 %" would read as if a dead
 * port were fine. Returns `out` or a literal.
 */
const char *loss_text(char out[LOSS_TEXT_MAX], uint64_t lost, uint64_t failed,
                      uint64_t sent);

#endif
