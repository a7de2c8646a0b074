/*
 * The addresses of a name in one family. A client takes one of them: the first that
 * answers, or the next after the connection attempt delay (RFC 8305, section 5). So one
 * address is in use, and its results are those of the target. The others are watched:
 * some probes of the same schedule go to them in turn, so that no more is sent, and their
 * results are evidence about that address only. They enter no series: a name whose
 * addresses rotate would make a series of each.
 *
 * Share of the probes of a kind that go to the others: one in ADDRESS_TURN; every second
 * one during a survey, while an address may be silent, and while the one in use does not
 * answer; all until each address was probed once.
 *
 * Another address is used when the one in use has not answered ADDRESS_SILENT probes of a
 * kind in a row while others do: between two of these probes another address answered, as
 * an outage of the path says nothing about one address. During a survey the nearest is used, if it is
 * nearer by ADDRESS_NEARER_RATIO and ADDRESS_NEARER_NS (RFC 8305, section 4: a client
 * prefers lower round-trip times where it knows them). DNS rotates the order per answer,
 * so its order would make the delay of the target a matter of chance.
 *
 * An address is silent by the same evidence, in as many windows as core/flap.h wants.
 * Where none answers it is an outage of the path, which is the state of the target. A silent
 * address that DNS no longer returns is dropped after ADDRESS_LEFT_ANSWERS answers without
 * it and ADDRESS_LEFT_NS: no new client gets it. Names that return another subset each time
 * bring it back sooner.
 *
 * Figures of test/sim/test_addresses.c, at shipped intervals, windows of a minute, five
 * addresses, one dead: told after 4 windows, 95 % within 6, at up to 5 % of loss (HTTPS
 * alone, every five minutes: 76 windows); no false
 * one in 40 days with up to 20 % and outages of ten minutes.
 */
#ifndef EDGELAT_CORE_ADDRESSES_H
#define EDGELAT_CORE_ADDRESSES_H

#include "core/endpoint.h"
#include "core/flap.h"
#include "core/kind.h"
#include "core/path_loss.h"
#include "core/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_NEARER_RATIO 0.2
#define ADDRESS_NEARER_NS    (2 * NS_PER_MS)
#define ADDRESS_LEFT_NS      (120 * NS_PER_S)
#define ADDRESS_SLOT_NS      (24 * 3600 * NS_PER_S)

enum {
    ADDRESSES_MAX = 8, /* watched; Exchange answers with up to 8. Further ones are not */
    ADDRESS_TURN = 4,
    ADDRESS_SILENT = 6,
    ADDRESS_VALUES = 16,
    ADDRESS_LEFT_ANSWERS = 2,
};

#define ADDRESS_NONE SIZE_MAX

struct known_address {
    struct endpoint to;
    bool current; /* in the last answer of DNS */
};

struct address {
    struct endpoint to;
    bool current;
    bool has_slot; /* struct address_slots */
    bool probed;
    bool answered_in_window;
    uint32_t missing;               /* from so many answers of DNS in a row, ... */
    struct mono left_at;            /* ... the first of which was then */
    struct path_loss losses[2];     /* of kinds that send single packets, and of others */
    int64_t values[ADDRESS_VALUES]; /* the last round trips, a ring */
    uint32_t n_values;              /* ever */
    struct address_kind {
        uint32_t turn;         /* of the last probe */
        uint32_t failed;       /* in a row */
        uint32_t confirmed;    /* of them: another address answered before the next */
        bool unconfirmed;      /* the last one is not yet */
        bool failed_in_window; /* any, so far */
        /* When these were sent: the first failure, the first confirmed one, the last one,
         * and the last probe that was answered (0: none). */
        struct wall failing, since, last, answered;
    } kinds[KINDS_MAX];
    struct flap flap;
};

struct addresses { /* start with { 0 } */
    struct address *list;
    size_t n, used; /* `used` is an index of `list` where n > 0 */
    uint32_t turns[KINDS_MAX], turn;
    uint8_t last[KINDS_MAX]; /* index of the address that was probed last */
};

/*
 * Which addresses of a name get time series of their own: ADDRESSES_MAX in
 * ADDRESS_SLOT_NS, so that a name whose addresses rotate does not make a series of each.
 */
struct address_slots { /* start with { 0 } */
    struct address_slot {
        struct endpoint to;
        struct mono seen;
    } * all;
    size_t n; /* at most ADDRESSES_MAX */
};

/* True if the address has a slot, or gets one that was not seen for ADDRESS_SLOT_NS. */
bool address_slots_take(struct address_slots *s, const struct endpoint *to,
                        struct mono now);
void address_slots_free(struct address_slots *s);

void addresses_free(struct addresses *a);

/*
 * Sets the addresses in their order, at most ADDRESSES_MAX; what is known of those that
 * stay is kept. `used` is one of them or is added. Returns true when `used` was known
 * before and another one was in use.
 */
bool addresses_set(struct addresses *a, const struct known_address *list, size_t n,
                   const struct endpoint *used, struct mono now);

/* NULL: it is not among them. */
struct address *addresses_find(const struct addresses *a, const struct endpoint *to);

/* The index of the address that the next probe of the kind goes to. */
size_t addresses_take(struct addresses *a, size_t kind, bool survey);

/* Adds a result of the kind and of address `x`, one of `a`; `value_ns`: its round trip or
 * DELAY_UNDEFINED. */
void addresses_add(struct addresses *a, struct address *x, size_t kind,
                   const struct result *result, int64_t value_ns);

/*
 * Returns the index of the address to use instead of the one in use, or ADDRESS_NONE.
 * `counts`: the kinds whose silence counts.
 */
size_t addresses_prefer(const struct addresses *a, const bool counts[KINDS_MAX],
                        bool survey);

/* True when a sibling that is in the last answer of DNS, so that a client can take it,
 * answers the kind although this address has failed since. */
bool addresses_sibling_answers(const struct addresses *a, size_t i, size_t kind);

/* How many probes of a kind address `i` got and has never answered, while another address
 * answers that kind: a hint before it is judged. 0: none. */
uint32_t addresses_unanswered(const struct addresses *a, size_t i,
                              const bool counts[KINDS_MAX]);

/*
 * A window has closed. Judges address `i` and returns what is news; `kind` is set to the
 * kind that it does not answer, KIND_NONE: none.
 */
struct flap_news addresses_window(struct addresses *a, size_t i,
                                  const bool counts[KINDS_MAX], struct mono now,
                                  size_t *kind);

/* The network of the host changed: only the addresses are kept. */
void addresses_forget(struct addresses *a);

int64_t address_min(const struct address *x);    /* DELAY_UNDEFINED: no value */
int64_t address_median(const struct address *x); /* of the last values */

#endif
