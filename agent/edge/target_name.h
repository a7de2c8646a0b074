/*
 * The name of a target in one family: when it is looked up, which address of the answer
 * is used, and when the decoy port is tried (core/intercept.h). A name is looked up again
 * when its TTL ends, and with back-off and full jitter where no server answers; the
 * address in use stays for as long as it is among the answers, as round robin is no
 * change. A name that was made from a code and does not exist is not looked up again
 * before target_name_ask().
 *
 * Pure: part of edge/explorer.h, which turns it.
 */
#ifndef EDGELAT_EDGE_TARGET_NAME_H
#define EDGELAT_EDGE_TARGET_NAME_H

#include "core/batch.h"
#include "core/random.h"
#include "core/resolution.h"
#include "core/time.h"

#include <stdbool.h>

#define TARGET_NAME_KEEP_NS (600 * NS_PER_S)

/* Addresses kept of an answer, to compare front doors: Exchange answers with up to 8. */
enum { TARGET_NAME_ADDRESSES_MAX = 8 };

enum target_name_change {
    TARGET_NAME_SAME, /* nothing to carry out */
    TARGET_NAME_USE,  /* an address */
    TARGET_NAME_REST, /* there is none */
};

struct target_name {
    bool rarely;    /* a proxy reaches it, so that DNS need not answer: then ask rarely */
    bool left;      /* it did not answer: a survey does not ask, either */
    bool under_way; /* a lookup */
    struct mono ask_at;
    unsigned failures;    /* in a row */
    const char *error;    /* of the last failure; NULL: none */
    bool failed;          /* to report */
    struct endpoint used; /* FAMILY_NONE: none */
    struct endpoint *all; /* at most TARGET_NAME_ADDRESSES_MAX */
    size_t n;
    /* The addresses to watch, in the order in which they came: DNS rotates its order. One
     * that leaves the answers stays for TARGET_NAME_KEEP_NS. */
    struct known_address *known;
    struct mono *seen;              /* of each: in an answer, the last time */
    size_t n_known;                 /* at most ADDRESSES_MAX */
    char *last;                     /* the name that has the addresses; NULL: not known */
    char pop[POP_TEXT_MAX];         /* that the chain shows */
    struct dns_answer *dns;         /* NULL: none */
    enum target_name_change change; /* to carry out */
    bool moved;                     /* with it: another address than before */
    bool decoy_due, decoy_under_way, decoy_answered;
    struct mono decoy_at; /* not before */
};

/* Of one from mem_zalloc(). NULL is fine. */
void target_name_destroy(struct target_name *n);

/* The name is due at once, and so is the decoy. */
void target_name_ask(struct target_name *n);

/* The target is not probed any more. */
void target_name_rest(struct target_name *n);

/* The target is reached through a proxy: by its name, which is not looked up. */
void target_name_use_proxy(struct target_name *n, uint16_t port);

/*
 * The answer to a lookup of `host`. Returns the address that it is about: the one to use,
 * or where there is none what was answered instead (FAMILY_NONE: nothing).
 * `handshakes`: the target is probed by a kind that a middlebox could answer.
 */
struct endpoint target_name_answered(struct target_name *n, const char *host,
                                     const struct resolution *r, bool handshakes,
                                     struct mono now);

/* The lookup failed. `guessed`: the name was made from a code, so that it need not exist.
 * True: it does not exist. */
bool target_name_failed(struct target_name *n, const struct resolution *r, bool guessed,
                        struct random *random, struct mono now);

/* Another address of the last answer is to be used. False: it is not in it, or is used. */
bool target_name_prefer(struct target_name *n, const struct endpoint *to);

bool target_name_has(const struct target_name *n, const struct endpoint *address);

/* The PoP that the last name shows, of what was asked for and its chain; "": none. */
void target_name_pop(char out[POP_TEXT_MAX], const char *host,
                     const struct resolution *r);

#endif
