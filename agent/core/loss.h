/*
 * Whether a loss is more than chance: a few lost of a few probes prove little.
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

#endif
