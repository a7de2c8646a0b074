/*
 * Counts of values to three digits, for percentiles within 0.2 % of the order statistic.
 * Each octave is divided into 512 equal steps, and a step is represented by its middle,
 * so the error is below 0.1 %; values below 1024 ns are exact. Only steps that occur are
 * stored, 4 bytes each, so a few hundred values of a quiet path take some hundred bytes.
 * At most 28,160 steps exist.
 */
#ifndef EDGELAT_CORE_TALLY_H
#define EDGELAT_CORE_TALLY_H

#include <stddef.h>
#include <stdint.h>

#define TALLY_KEY_MAX 28159     /* the step of INT64_MAX */
#define TALLY_OVER    INT64_MAX /* a censored value: it is longer than all others */

struct tally_step {
    uint16_t key;
    uint16_t count; /* not 0; a step with more values occurs several times */
};

struct tally { /* start with { 0 }, end with tally_free() */
    uint64_t count;
    struct tally_step *steps; /* by key */
    uint32_t n, room;
};

void tally_free(struct tally *t);
void tally_add(struct tally *t, int64_t ns); /* ns >= 0 */
void tally_merge(struct tally *into, const struct tally *from);

uint16_t tally_key(int64_t ns);
/* The bounds of a step, both included: all values with that key. */
int64_t tally_least(uint16_t key);
int64_t tally_most(uint16_t key);

/* The number of censored values. */
uint64_t tally_over(const struct tally *t);

/* The step of the value of that rank, 1 to `count`. */
uint16_t tally_at(const struct tally *t, uint64_t rank);

#endif
