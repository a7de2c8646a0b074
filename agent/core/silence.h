/*
 * Whether unanswered probes are an outage or chance. At a probe a minute and 15 % of loss
 * every seventh window has no answer, and two in a row have none 800 times a month.
 *
 * The evidence of a silence is the logarithm of the probability that chance lost all of
 * its packets: each adds -ln p. It is sure from SILENCE_NATS on: chance begins such a run
 * with one in 3.3 million packets (Wald 1947, "Sequential analysis": the likelihood ratio
 * against a target that answers nothing), and from SILENCE_PROBES on. p is the loss that was seen before, at least
 * SILENCE_LOSS_LEAST. Alone, a kind that networks and hosts limit proves less: at least
 * SILENCE_LOSS_LIMITED. So it takes this many packets in a row, and never more than 22:
 *
 *   loss seen                                  up to 2 %   5 %   15 %   30 %
 *   the kinds of a target together, or alone   4           6     8      13
 *   alone, if it may be limited                8           8     8      13
 *
 * The loss seen is a mean over about SILENCE_MEMORY packets, or what is left of the
 * highest such mean, as lines lose in the evening: it halves in 2,800 answers, two days at
 * one a minute. Losses come in runs (Gilbert 1960), so how often a loss follows a loss is
 * learned, too, and bounds the evidence of all probes but the first. An outage, a silence
 * that was sure and lasted SILENCE_SHORT_NS or more, is no part of either.
 *
 * Figures of test/sim/test_silence.c with four times as many draws as it has now. Ten targets,
 * a month of two years; beside it the rule of two windows without an answer, which is the whole rule for many probes a window:
 *
 *                                             a ping a minute    shipped intervals
 *   false reports as down, 2 % of loss        0 (two: 170)       0 (two: 110)
 *   15 %                                      0.04 (7,800)       0 (5,700)
 *   30 %                                      0.04 (21,000)      0 (17,000)
 *   60 % for 30 s, twice an hour              0.1 (350)          0.8 (340)
 *   50 % for 5 minutes, four times a day      0.5 (560)          1.2 (680)
 *   outages of 10 s, ten an hour              0 (310)            0 (360)
 *   in the first three hours at 15 %          0.08 (32)          0.01 (23)
 *   in the first three hours at 30 %          0.7 (87)           0.1 (71)
 *
 *   reported after minutes                    no loss   15 %   30 %
 *   six probes a minute, any kinds            2.4       2.4    2.4; pings alone 3.0
 *   one a minute, all of icmp, tcp, https     2.4       2.5    3.6
 *   one a minute, the only kind               4.4       10     15
 *   one a minute, pings alone                 8.5       10     16
 *   one a minute, TCP alone                   3.4       3.6    4.9
 *   one in five minutes, HTTPS only           15        16     19
 *   two windows, one a minute                 2.4
 */
#ifndef EDGELAT_CORE_SILENCE_H
#define EDGELAT_CORE_SILENCE_H

#include "core/time.h"

#include <stdbool.h>
#include <stdint.h>

#define SILENCE_NATS         15.0
#define SILENCE_PROBES       3 /* at least, as a short outage hits all packets of one */
#define SILENCE_LOSS_LEAST   0.02
#define SILENCE_LOSS_LIMITED 0.15
#define SILENCE_LOSS_MOST    0.5 /* taken for chance */
#define SILENCE_MEMORY       64
#define SILENCE_SHORT_NS     (180 * NS_PER_S) /* a burst, however sure */
#define SILENCE_KEPT         4096
#define SILENCE_AFTER        32
#define SILENCE_ORDER_NS     (11 * NS_PER_S) /* the longest waiting time, and a little */

/* The loss of the packets of a stream; { 0 } has seen none. */
struct silence_loss {
    float now, most;
};

void silence_learn(struct silence_loss *l, uint32_t lost, uint32_t arrived);

/* The evidence of a lost packet, where chance loses at least the share `least`. */
double silence_evidence(const struct silence_loss *l, double least);

/* Probes in a row without an answer, of a stream or of several together; { 0 }: none. */
struct silence {
    struct wall since;    /* the first of them was sent; 0: there is none */
    struct wall answered; /* the last probe that was answered was sent; 0: none was */
    uint32_t probes, packets;
    float nats;
    float after; /* share of losses after a loss, in silences that were not sure */
};

/* A probe sent at `sent` was lost, and so many packets with it. Returns false when a later
 * probe was answered before that was known: it is not part of a silence. */
bool silence_lost(struct silence *s, struct wall sent, uint32_t packets, double nats);

/* A probe sent at `sent` was answered; `down`: the silence before it made a stream down.
 * Returns how many packets of the silence count as loss: those of an outage do not. */
uint32_t silence_answered(struct silence *s, struct wall sent, bool down);

/* The host slept or was stopped: what was lost before is no evidence. */
void silence_break(struct silence *s);

bool silence_is_sure(const struct silence *s);

#endif
