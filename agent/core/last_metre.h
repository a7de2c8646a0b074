/*
 * The last metre: from this host to its default gateway (LAN, Wi-Fi). Loss and delay that are
 * already there belong to the site, not to the networks behind it. Pure.
 *
 * All probes to targets pass the gateway, so the last metre adds to each of them at most what
 * all of them show, and what it shows itself is only trusted if they show it too: routers
 * answer ICMP when they have time, limit its rate (RFC 1812, 4.3.2.8) or filter it. So
 *
 *     lower bound of the site's share: what the gateway shows, unless the targets
 *                                      contradict it (they lose or rise by less): then 0
 *     upper bound:                     the less of what the gateway and the targets show
 *
 * A target's loss or rise is charged to the site when at least half of it is surely already
 * at the gateway, beyond it when surely less than half is, else "cannot tell". A gateway that
 * does not answer is no evidence, unless it does not answer ARP or neighbour discovery
 * either: then everything that is lost is the site's.
 *
 * Loss is that of single packets (core/kind.h) in the last METRE_WINDOWS windows; shares are
 * compared by the log of the ratio of two proportions (D. Katz et al. 1978, Biometrics 34,
 * with Haldane's 0.5). A rise of delay is the median of the window above the lowest delay of
 * the last one to two METRE_FLOOR_WINDOWS windows. test/sim/test_last_metre.c prints the
 * error rates. A last metre that has been slow all the time has no rise: it is slow, too, if
 * not one of the gateway's answers came within METRE_FAR_NS, none of a target came sooner, and
 * its delays do not vary more than theirs, as those of a busy router do.
 * At least half of a target's delay is then the site's, or it is not charged.
 */
#ifndef EDGELAT_CORE_LAST_METRE_H
#define EDGELAT_CORE_LAST_METRE_H

#include "core/batch.h"
#include "core/loss.h"

enum { METRE_WINDOWS = 10, METRE_FLOOR_WINDOWS = 60 };

/* Rises of a target below this, or below a tenth of its lowest delay, are charged to nobody. */
#define METRE_RISE_NS (3 * NS_PER_MS)
/* The last metre is slow above this rise, and lossy above this loss. */
#define METRE_SLOW_NS    (10 * NS_PER_MS)
#define METRE_FAR_NS     (20 * NS_PER_MS) /* a local network takes less */
#define METRE_LOSS_RATIO 0.01

enum charge {
    CHARGE_NOTHING, /* there is no loss, no rise */
    CHARGE_SITE,
    CHARGE_BEYOND,
    CHARGE_UNKNOWN,
};
const char *charge_name(enum charge c); /* "nothing", "site", "beyond", "cannot tell" */

struct metre_delay { /* of a stream in one window; count 0: it has none */
    uint64_t count;
    int64_t floor_ns, p50_ns, low_ns, high_ns; /* the 95 % interval of the median */
};

/*
 * `gateway`: sent 0 if it never answered. `others`: all other targets together.
 */
enum charge charge_of_loss(const struct loss_count *gateway,
                           const struct loss_count *target,
                           const struct loss_count *others);

/* `others_rise_ns`: upper bound of the rise of the middle one of the other targets; INT64_MAX:
 * there is none. */
enum charge charge_of_delay(const struct metre_delay *gateway,
                            const struct metre_delay *target, int64_t others_rise_ns);

enum metre_state {
    METRE_UNKNOWN, /* no gateway, or one that does not answer: cannot tell */
    METRE_FINE,
    METRE_SLOW,
    METRE_LOSSY,
    METRE_DOWN, /* the gateway answers neither ICMP nor ARP */
};
const char *metre_state_name(enum metre_state s); /* "cannot tell", "fine", "slow", ... */

struct metre_gateway {  /* of one family, when the window closes */
    struct endpoint at; /* FAMILY_NONE: none */
    char interface[32];
    /* Whether it answers ARP or neighbour discovery; both false: cannot tell. */
    bool neighbour, no_neighbour;
};

struct metre_charge { /* of a target in one family; both "nothing" while it is fine */
    enum charge loss, delay;
};

struct metre_slot;

struct last_metre {                   /* start with { 0 }, end with last_metre_free() */
    struct metre_gateway gateways[2]; /* by family: ipv4, ipv6 */
    bool silent[2];                   /* it answered no ICMP in the last window */
    enum metre_state states[2];       /* reported */
    enum metre_state pending[2];      /* of the last window */
    struct wall since[2];             /* when `pending` began */
    struct metre_slot *slots[2];      /* by family, then target; NULL: no result yet */
    struct metre_charge *charges;     /* by target and family */
    size_t n_targets, room;
};

/*
 * Takes the closed window: sets states and charges, creates EVENT_LAST_METRE when the state of
 * the last metre changes (slow and lossy: in two windows in succession), and adds to the
 * events of targets in this window who is charged.
 */
void last_metre_window(struct last_metre *m, const struct batch *batch,
                       const struct metre_gateway gateways[2], struct events *events);

/* By the number of the target in the batch. */
struct metre_charge last_metre_charge(const struct last_metre *m, size_t target,
                                      size_t family);

/* The more certain of both: site, beyond, cannot tell, nothing. */
enum charge metre_charge_worst(struct metre_charge c);

void last_metre_free(struct last_metre *m);

#endif
