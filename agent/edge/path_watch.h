/*
 * Watches the path to each target in each address family over its traces: where traffic
 * enters Microsoft's network, through which networks it gets there, and whether it
 * arrives. Pure. Each change is reported as one event for each (target, family):
 *
 *   edgelat.path.entry_changed     Traffic enters in another metro. WARN if the path is
 *                                  slower by more than PATH_SLOWER_NS and _RATIO.
 *   edgelat.path.provider_changed  Another provider, or another AS path where the AS of
 *                                  each hop is known. WARN if slower, as above.
 *   edgelat.path.long              Microsoft's network is more than one AS hop away:
 *                                  WARN; and, INFO, when it is one again. Only where the
 *                                  AS hops are known.
 *   edgelat.path.interrupted       The path ends before the target, which answers no
 *                                  probe either: WARN, with the segment; and, INFO, when
 *                                  it is reached again. A target that never answered
 *                                  traces, or still answers probes, is filtered only.
 *   edgelat.edge.failover          The entry is at another location of the Peering
 *                                  Service connection: backup, neither: WARN, primary
 *                                  again: INFO. At first only if it is not the primary.
 *                                  Where the entry is hidden the metro of the serving PoP
 *                                  stands in for it, for PATH_SERVING_HELD windows: INFO.
 *                                  The event says which one it used. When the entry
 *                                  becomes hidden or known that is no change.
 *
 * The seconds without an answer of a failover are those of the longest gap between two
 * answered probes that is next to the move: it overlaps the time between the last trace
 * (or window) that shows the old location and the first that shows the new one. A gap
 * counts for one move only.
 *
 * A target over an uplink (`target->uplink`) is a target of its own. Its path has no role,
 * is not called long, and its routers are not counted: the connection and the BGP table are
 * those of the system's routes.
 *
 * Equal-cost paths are one path: a change is held until alternation cannot explain it
 * (core/regime.h), and a value that keeps changing is damped (core/damping.h). Hops that
 * do not answer are no evidence of anything. Loss at a hop is the router's rate limit,
 * never loss of the path, and not kept.
 *
 * Figures of test/sim/test_paths.c, at the shipped rates: one false event in 4000 weeks of
 * paths that alternate, hide routers or limit their rate; a moved entry is reported 12 s
 * (median) after the first trace that shows it, 14 s where 3 % of the flows went there
 * before, and after 20 minutes where three traces of four do not show the entry.
 */
#ifndef EDGELAT_EDGE_PATH_WATCH_H
#define EDGELAT_EDGE_PATH_WATCH_H

#include "core/batch.h"
#include "edge/path_routers.h"
#include "edge/path_sample.h"
#include "edge/site.h"

#define PATH_SLOWER_NS    NS_PER_MS
#define PATH_SLOWER_RATIO 0.05

/* The entry is taken as hidden after so many traces that do not show it. */
#define PATH_HIDDEN_TRACES 6
#define PATH_SERVING_HELD  3

/* The first traces come soon, to learn what alternates; twice as many if some of them do
 * not show the entry. */
#define PATH_LEARN_TRACES 10

/* A target that answered a probe so recently is reached. */
#define PATH_ANSWERED_NS (30 * NS_PER_S)

struct path_watch;

/* `site` is borrowed and outlives it. */
struct path_watch *path_watch_create(const struct site *site);
void path_watch_destroy(struct path_watch *w); /* NULL is fine */

/*
 * Adds a trace that ended at `now` and its events. `target` is borrowed and outlives it.
 * True: a further trace soon would tell more.
 */
bool path_watch_add(struct path_watch *w, const struct target *target, enum family family,
                    const struct path_sample *s, struct wall now, struct events *events);

/* A probe that was sent at `sent` was answered by the target, or lost. */
void path_watch_result(struct path_watch *w, const struct target *target,
                       enum family family, struct wall sent, bool answered);

/* A window has closed: the serving PoPs, where an entry is hidden. */
void path_watch_window(struct path_watch *w, const struct target_state *states, size_t n,
                       struct wall now, struct events *events);

/* This host is in another network: paths are learned anew, without events. Those over
 * uplinks are the same. */
void path_watch_moved(struct path_watch *w);

/* ---- queries ---- */

/* Those that were traced; their number. Valid until the next call on `w`. */
size_t path_watch_states(const struct path_watch *w,
                         const struct path_state *const **out);

struct path_failover {        /* the last one; of the same minutes counted as one */
    enum role from, to;       /* ROLE_UNKNOWN: before the first trace */
    char before[8], after[8]; /* metros; "": not known */
    bool by_entry;            /* else by the serving PoP */
    struct wall since;        /* when it was seen first */
    size_t paths;             /* (target, family) that it was seen of */
    /* Of the path that was without an answer for longest: from the last answered probe
     * to the next one, 0: no probe was lost next to the move; and its delays. */
    int64_t unanswered_ns, before_ns, after_ns; /* DELAY_UNDEFINED: not known */
    const struct target *target;
};

/* NULL: none since the start. */
const struct path_failover *path_watch_failover(const struct path_watch *w);

const struct path_routers *path_watch_routers(const struct path_watch *w);

/* ---- across a restart ---- */

/*
 * As a text file, so that a change while the agent was stopped is noticed:
 *
 *     edgelat paths 1
 *     network 9f86d081884c7d65
 *     path exchange ipv4             (over an uplink: path exchange ipv4 lte)
 *     entry 120 LON
 *     provider 120 provider.example > transit.example
 *     as 120 AS64500
 *     reach 120 reached
 *     end 5
 */
enum { PATH_WATCH_BYTES_MAX = 1 << 18 };

void path_watch_write(const struct path_watch *w, uint64_t network, struct text *out);

/*
 * Before the first trace. Paths of other targets than these are left out. Returns 0, or
 * the number of the first line that is not as above; nothing is used then. `*same`: it is
 * of this network; else nothing is used.
 */
size_t path_watch_read(struct path_watch *w, const struct target *const *targets,
                       size_t n, uint64_t network, const char *bytes, size_t len,
                       bool *same);

#endif
