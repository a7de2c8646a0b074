/*
 * Front doors by metro: a workload's own name resolves to the front door that serves the
 * site; those of other metros have separate names ("lhr-efz.ms-acdc.office.com"). The
 * form of these names is inferred from CNAME chains and not guaranteed, so a name that
 * does not exist is not an error.
 *
 * A sweep asks for all of them: one lookup a name and family, then one TCP handshake with
 * each distinct address of one family, and more with those that may be the nearest, as one
 * sample is noisy. It does not need the position of the site, so a distant DNS resolver cannot
 * mislead it. The near doors found are then measured like other targets.
 *
 * Pure: doors_take() says what to send next and when; answers are only noted. Names that
 * public text has shown (codes of the family exchange-efz) are asked for first.
 */
#ifndef EDGELAT_EDGE_DOORS_H
#define EDGELAT_EDGE_DOORS_H

#include "core/time.h"
#include "edge/catalogue.h"
#include "edge/kept_doors.h"
#include "edge/workloads.h"

#include <stdbool.h>
#include <stddef.h>

/* Lookups and handshakes under way at a time; more wait. */
#define DOORS_UNDER_WAY_MAX 32

/* So many lookups without an answer, and none with one: DNS does not answer for outside
 * names, as where a proxy carries everything. Not more are under way before an answer. */
#define DOORS_UNANSWERED_MAX 8

struct door { /* one name */
    const struct workload *workload;
    const struct metro *metro; /* whose code the name is made of */
    const char *host;          /* of base/intern.h */
    bool known;                /* the name occurs in public text */
    struct endpoint to[2];     /* IPv4, IPv6; FAMILY_NONE: it has none */
    bool served;    /* it is the front door that the workload's own name leads to */
    bool rejected;  /* it did not show the workload's certificate */
    int64_t rtt_ns; /* least handshake of this sweep, or DELAY_UNDEFINED */
};

struct doors;

/*
 * `metros` and `workloads` are borrowed; only workloads with by_metro have doors.
 * `ipv4`, `ipv6`: the families to ask for. `gap_ns` is kept between two lookups and
 * between two handshakes.
 */
struct doors *doors_create(const struct catalogue *metros,
                           const struct workloads *workloads, bool ipv4, bool ipv6,
                           int64_t gap_ns);
void doors_destroy(struct doors *d); /* NULL is fine */

size_t doors_count(const struct doors *d);
const struct door *doors_at(const struct doors *d, size_t i);

/*
 * The families that this host has a route for (at first: all). A sweep makes its handshakes
 * in one of them, so that the delays compare: IPv4, or IPv6 if only that has a route; without
 * any route as before. True: it is another one than that of the sweep, so begin it anew.
 */
bool doors_set_routes(struct doors *d, bool ipv4, bool ipv6);

/* Begins a sweep, or restarts the running one. In another network call doors_forget(),
 * which forgets addresses, rejections and delays. */
void doors_begin(struct doors *d, struct mono now);
void doors_forget(struct doors *d);

/*
 * What the sweep has found, without those rejected and those that no DNS server answered
 * for; `network` and `swept` are the caller's. False: no front door answers.
 */
bool doors_keep(const struct doors *d, struct kept_doors *out);

/*
 * Begins a sweep with what an earlier one has found: asks only for the names that are not
 * in `kept`, and measures only what may be the nearest or did not answer. Until then the
 * kept delays count. False: they were asked for in other families; nothing has begun.
 */
bool doors_resume(struct doors *d, const struct kept_doors *kept, struct mono now);

/*
 * After doors_resume(): the delay of a door that was measured again is not the kept one,
 * or none answers. The host is somewhere else, in a network that looks the same
 * (192.168.1.0/24 is everywhere), its paths have changed, or it has no uplink.
 */
bool doors_contradict(const struct doors *d);

struct doors_step {
    enum { DOORS_LOOKUP, DOORS_HANDSHAKE } what;
    size_t door;
    enum family family;
    struct endpoint to; /* of a handshake */
};

/* False: nothing is due before an answer comes. */
bool doors_next(const struct doors *d, struct mono *at);
bool doors_take(struct doors *d, struct mono now, struct doors_step *out);

/*
 * What came of a step: the address (FAMILY_NONE: the name does not exist), or `failed`:
 * no DNS server gave an answer. The delay of a handshake, or DELAY_UNDEFINED.
 */
void doors_answer(struct doors *d, size_t door, enum family family,
                  const struct endpoint *to, bool failed);
void doors_handshake(struct doors *d, size_t door, int64_t rtt_ns);

/* DNS answered none of the first DOORS_UNANSWERED_MAX lookups: the sweep is pointless. */
bool doors_unanswered(const struct doors *d);

/* Any lookup of the sweep had an answer. */
bool doors_answered(const struct doors *d);

/* Every lookup and handshake of the sweep has ended. */
bool doors_swept(const struct doors *d);
bool doors_found(const struct doors *d); /* one that answers */

/* Learned elsewhere: the door is the one that the workload's own name leads to; it showed
 * another certificate than the workload's. */
void doors_set_served(struct doors *d, size_t door, bool served);
void doors_reject(struct doors *d, size_t door);

/*
 * Chooses the doors to measure: per workload the `most` with the shortest handshake, the
 * nearest first, one per metro, without those served or rejected. Returns their number;
 * `out` has room for `most` per workload that has doors (doors_workloads()). If `around`
 * is not NULL, a middlebox answers the handshakes, and the doors nearest to that position
 * are chosen instead.
 */
size_t doors_choose(const struct doors *d, const struct position *around, size_t most,
                    size_t *out);
size_t doors_workloads(const struct doors *d);

/*
 * What a sweep can state about a workload's nearest front door, given the least measured
 * delay to the best one and where that is. A delay of t ms bounds our distance to it by
 * t x 100 km (light in fibre, there and back). A door that is nearer lies within the same
 * distance of us, so it is at most t x 200 km from the best one; any farther one cannot
 * be nearer. `left` are those that could be and did not answer.
 */
struct doors_summary {
    const struct workload *workload;
    size_t names;     /* asked for */
    size_t exist;     /* resolved, in the family of the handshakes */
    size_t answering; /* to a handshake */
    size_t left;
};
struct doors_summary doors_summary(const struct doors *d, const struct workload *w,
                                   struct position best, int64_t best_ns);

/* As a clause: "nearest of 5 front doors that answered; no other could be nearer", or "no
 * front door answered; cannot tell whether one is nearer". */
void doors_summary_text(struct text *out, const struct doors_summary *s);

#endif
