/*
 * The routing table of the watched prefixes, as routers report it over BMP, and the events
 * and metrics that come out of it. Pure: times are arguments.
 *
 * Sessions. A BGP session is one peer of one router and VRF; its state comes from Peer Up and
 * Peer Down, by their time of arrival. A Down without an Up before it is no flap (FRR sends
 * one for each failed attempt). When the BMP session of a router ends, the state of its
 * sessions is unknown, which counts neither as up nor as down, and its routes are kept as
 * stale. A Peer Up with other TCP ports than before shows that the session was lost meanwhile
 * (BIRD and GoBGP report only what is up). A Down with reason 5 only ends the reports: the session is forgotten.
 *
 * BMP sessions. A router may have several, as FRR has one for each VRF. A peer belongs to the
 * newest one that mentions it; what older ones say of it is ignored. So a router that
 * connects again before its old session is known to be dead replaces it peer by peer. When a
 * session ends that had taken peers from an older one, the older one is to be closed, so that
 * the router sends their tables again.
 *
 * View. Of each peer and family, routes of one policy count: post-policy as soon as the
 * router has sent any, or their End-of-RIB, else pre-policy. A post-policy route replaces the
 * pre-policy ones of its prefix without an event; those that remain at the end of the dump
 * were refused by the policy and are removed. Loc-RIB routes (RFC 9069) mark the active path; they count as
 * paths only for a family and VRF of which nothing else is monitored. Adj-RIB-Out after the policy
 * (RFC 8671) is only examined by Azure's rules for registered prefixes.
 *
 * Own AS. FRR puts the router's own AS in front of each path it monitors. It is removed when
 * it is the local AS of the sent OPEN, or, before any Peer Up, when the AS of the peer is
 * the second one. A path with the local AS elsewhere is a loop, which the router does not
 * use: it counts as no path.
 *
 * Table dump. After a Peer Up, and when a router connects, it sends the peer's whole table.
 * End-of-RIB does not show the end: BIRD sends it first, GoBGP and FRR (before a reconnect)
 * never. So, per peer and family, the dump lasts RIB_DUMP_LEAST_NS, because a peer sends its
 * routes some seconds after the session is up, and then until a whole second brings fewer
 * than RIB_DUMP_ROUTES routes. During a dump a path of a prefix that this peer did not have
 * before is no event. One that is known is compared with what was known: the same path is
 * no event, another next hop or origin is, and so is one that returns after a withdrawal
 * was reported. Stale paths that the dump has not confirmed are withdrawn at its end. Faults of
 * what remains are reported then, as they are the case since before the agent saw the session.
 *
 * Active and backup. Each table, of one router and VRF, decides for itself. Of its paths the
 * active one is: the only one; else the one that the router's Loc-RIB has; else, where all
 * have the local preference of the policy, the one with the highest, the shortest AS path,
 * the lowest origin, the lowest MED from the same neighbouring AS, from an external peer
 * before an internal one (RFC 4271, section 9.1). FRR sends no local preference of external
 * peers, and what comes after these steps (IGP metric, age) is not in BMP: then the path over
 * a peer of the configured primary location is expected to be active, and is marked so, unless
 * a local preference that is known contradicts it. In
 * all other cases it cannot be told: those that may be are candidates, and no event reports a
 * change of the active or backup path. The backup is the next one by the same rules, if there
 * is one.
 *
 * Announcements and withdrawals are named by the location of their peer, if it is configured:
 * those of the backup location are of a backup route, unless it is the only path. Without a
 * location they are so if another path is active.
 *
 * Events of prefixes have the names and levels of Azure Peering Service (`connection
 * telemetry`): PrefixAnnouncementEvent and so on, see core/event_names.h.
 */
#ifndef EDGELAT_ROUTE_RIB_H
#define EDGELAT_ROUTE_RIB_H

#include "core/batch.h"
#include "core/event.h"
#include "core/peering.h"
#include "edge/origins.h"
#include "route/bmp.h"
#include "route/rtr.h"
#include "route/watch.h"

enum {
    RIB_ROUTERS_MAX = 16,
    RIB_PEERS_MAX = 256,     /* of all routers; Loc-RIBs included */
    RIB_PREFIXES_MAX = 2048, /* more are counted in `not_kept` */
    RIB_PATHS_MAX = 4096,    /* of all prefixes */
    RIB_RESERVED = 256,      /* of both, for what is in registered prefixes */
    RIB_PREFIX_PATHS_MAX = 16,
    RIB_EVENTS_MAX =
        192, /* a window; those of prefixes leave room for those of sessions, */
    RIB_PREFIX_EVENTS_MAX =
        160, /* and those below severity ERROR for errors of prefixes */
    RIB_ROUTINE_EVENTS_MAX = 112,
    RIB_VALUES_MAX = 512, /* metric rows of a window; registered prefixes come first */
    RIB_DUMP_ROUTES = 100,
    RIB_FLAPS = 3, /* within RIB_FLAP_NS: the session is flapping */
};
#define RIB_DUMP_LEAST_NS (5 * NS_PER_S)
#define RIB_FLAP_NS       (10 * 60 * NS_PER_S)
#define RIB_EXPECTED_NS                                                                  \
    (2 * 60 * NS_PER_S)  /* until then a router should have connected */
#define RIB_PATH_LIMIT 3 /* of Azure, for a registered prefix */

struct instant { /* when bytes arrived */
    struct mono mono;
    struct wall wall;
};

enum session_state { SESSION_UNKNOWN, SESSION_DOWN, SESSION_UP };
const char *session_state_name(enum session_state state); /* "unknown", "down", "up" */

struct rib_router {
    bool used, connected;
    uint32_t number; /* of the RIB, never used again: struct event_scope */
    struct endpoint address;
    char name[BMP_NAME_MAX]; /* sysName; "": none sent */
    struct wall since;       /* connected or lost */
    struct mono connected_at;
    unsigned open;     /* BMP sessions */
    uint64_t replaced; /* connections up to this one are to be closed */
    uint32_t local_as; /* of its newest session; 0: unknown */
    uint64_t connects, messages, bad_messages;
};

struct rib_dump {
    bool over;
    struct mono began;
    struct mono second; /* begin of the second that is counted */
    uint32_t in_second;
};

struct rib_peer {
    bool used;
    size_t router;
    uint32_t number; /* as the router's */
    uint8_t type, distinguisher[8];
    struct endpoint address; /* FAMILY_NONE: the router's own routes, or Loc-RIB */
    uint32_t as, bgp_id;
    uint32_t local_as, open_as;       /* of the OPENs; 0: unknown */
    uint16_t local_port, remote_port; /* of the last Peer Up */
    char name[BMP_NAME_MAX];          /* of the VRF or table */
    uint64_t connection;              /* the BMP session it belongs to; 0: none */
    bool took_over;                   /* from an older one */
    struct mono lost;                 /* when its BMP session ended */

    enum session_state state, last_known; /* before the BMP session ended */
    struct wall since;                    /* of the state; 0: unknown */
    struct wall known_since;              /* of last_known, while the state is unknown */
    char reason[BGP_NOTIFICATION_TEXT_MAX + 64]; /* of the last loss; "": none */
    bool keeps_forwarding; /* when the peer ends without a notification: RFC 4724 */
    uint64_t flaps;        /* Downs after an Up */
    struct mono flap_at[RIB_FLAPS]; /* the last ones, a ring */
    bool flapping;
    struct mono turned;      /* up_ns and known_ns are counted up to here */
    int64_t up_ns, known_ns; /* in this window */
    double availability;     /* of the last window; NaN: never known */

    bool reported;
    bool has_adj_rib[2], has_post[2], may_have_ids[2]; /* by family */
    enum bgp_nlri_form forms[2][BMP_VIEWS];            /* by family */
    struct rib_dump dumps[2];
    uint64_t announced, withdrawn; /* all routes, of the view that counts */
    uint64_t adj_rib_in;           /* as the router reports it */
    bool has_adj_rib_in;
    uint64_t flaps_reported, announced_reported, withdrawn_reported; /* for delta */
};

enum { /* what is remarkable of a path; bits. Not all are faults: rib_faults() */
       CHECK_LONG = 1,
       CHECK_PRIVATE_AS = 2,
       CHECK_PREPENDED = 4,
       CHECK_ORIGIN = 8,         /* Microsoft's prefix, but not an AS of Microsoft */
       CHECK_MORE_SPECIFIC = 16, /* of a registered prefix, or with CHECK_ORIGIN */
       CHECK_COMMUNITY = 32,     /* Adj-RIB-Out without 8075:8007 */
       CHECK_INVALID = 64,       /* the origin, by RPKI */
       CHECKS = 7
};

/*
 * The bits that are faults. Azure limits the AS path of a registered prefix to 3 AS numbers,
 * without private ones and prepending, so Microsoft's prefixes may have them: there they are
 * facts to be shown, with events of level INFO.
 */
unsigned rib_faults(unsigned checks, const struct watched *watched);
extern const char *const rib_check_names[CHECKS]; /* "long_path", ..., by bit number */
const char *rib_check_text(unsigned bit);         /* "AS path longer than 3", ... */

enum path_use { PATH_GONE, PATH_HERE, PATH_STALE }; /* stale: from before a reconnect */

/* In the table of its router and VRF. */
enum path_role {
    PATH_NO_ROLE, /* it is not usable */
    PATH_OTHER,
    PATH_BACKUP,
    PATH_CANDIDATE, /* it cannot be told which one of several is active */
    PATH_ACTIVE,
};

struct rib_path {
    size_t peer;
    uint32_t path_id;
    enum bmp_view view;
    enum path_use use;
    bool loop;
    enum path_role role;
    bool configured; /* active by the configuration, not by what the router reports */
    unsigned checks;
    uint32_t last_origin;  /* of the active path of its table that was last known */
    struct wall since;     /* of this path, or of its withdrawal */
    struct bgp_path *path; /* owned; also of a gone one */
};

#define PATH_NONE SIZE_MAX

struct rib_prefix {
    struct bgp_prefix prefix;
    const struct watched *watched;
    struct rib_path *paths;
    size_t n, room;
    unsigned checks; /* of its paths, reported */
};

struct rib_setup { /* borrowed, as all it points to; lists of addresses have spaces */
    const struct watch *watch;
    const struct peering *peering;
    const struct origins *origins;
    const char *routers, *primary_peers, *backup_peers;
    const struct validator *validator; /* NULL: origins are not validated */
};

struct rib {
    struct rib_setup is;
    struct instant began, now; /* of the last call */
    struct rib_router routers[RIB_ROUTERS_MAX];
    struct rib_peer *peers;      /* RIB_PEERS_MAX */
    struct rib_prefix *prefixes; /* sorted by bgp_prefix_order() */
    size_t n_prefixes, room, n_paths;
    uint64_t not_kept; /* watched routes and peers beyond the limits */
    uint64_t connections;
    uint32_t numbers; /* used by routers and peers */
    struct events events;
    uint64_t dropped,
        dropped_last;          /* events beyond the limits: all, of the last window */
    uint64_t dropped_before;   /* of all, those before this window */
    size_t values_left_out;    /* rows of prefixes of the last window */
    struct rib_labels *labels; /* RIB_VALUES_MAX */
    struct mono window_start;
};

void rib_begin(struct rib *r, const struct rib_setup *setup, struct instant now);
void rib_free(struct rib *r);

/* ---- what the routers report; `router` is an index of rib.routers ---- */

/* Returns the router with this address and name, now connected, or RIB_ROUTERS_MAX: too
 * many are connected. `*connection` identifies the BMP session. */
size_t rib_connect(struct rib *r, const struct endpoint *address, const char *name,
                   uint64_t *connection, struct instant now);
/* `why`: a clause for the event. */
void rib_disconnect(struct rib *r, size_t router, uint64_t connection, const char *why,
                    struct instant now);

/* Finds the peer, or adds it. NULL: too many, or it belongs to a newer BMP session. */
struct rib_peer *rib_peer(struct rib *r, size_t router, uint64_t connection,
                          const struct bmp_peer *is, struct instant now);
void rib_peer_up(struct rib *r, struct rib_peer *p, const struct bmp_peer_up *up,
                 struct instant now);
void rib_peer_down(struct rib *r, struct rib_peer *p, const struct bmp_peer_down *down,
                   struct instant now);

/* The router has sent the End-of-RIB of a view. */
void rib_end_of_rib(struct rib_peer *p, enum bmp_view view, enum family family);

/* Counts routes of the peer, watched or not; to be called before rib_route(). */
void rib_count(struct rib *r, struct rib_peer *p, enum bmp_view view, enum family family,
               size_t announced, size_t withdrawn, struct instant now);

/* Announces a path (copied), or withdraws it (`path` NULL), of a watched prefix. */
void rib_route(struct rib *r, struct rib_peer *p, enum bmp_view view,
               const struct watched *watched, const struct bgp_prefix *prefix,
               uint32_t path_id, const struct bgp_path *path, struct instant now);

/* The VRPs of the validator have changed. */
void rib_validate(struct rib *r, struct instant now);

/* ---- what comes out ---- */

/* Ends dumps that are over; call it about every second. */
void rib_turn(struct rib *r, struct instant now);

/* Writes the metric rows of the window that ends now, and begins the next one. Returns how
 * many. Texts are valid until the next call on the RIB. */
size_t rib_window(struct rib *r, bool delta, struct instant now,
                  struct self_value values[RIB_VALUES_MAX]);

/* The location of a peer as in the configuration, "" if it has none. */
const char *rib_location(const struct rib *r, const struct rib_peer *p);
#define RIB_VRF_TEXT_MAX 32
/* The route distinguisher of the peer: "65001:100"; "" outside of VRFs. Returns `out`. */
const char *rib_vrf(char out[RIB_VRF_TEXT_MAX], const struct rib_peer *p);
const char *rib_router_name(const struct rib *r, size_t router); /* else its address */

/* True for a session with a peer: neither a Loc-RIB nor the router's own routes. */
bool rib_is_session(const struct rib_peer *p);

/* Whether more than the Loc-RIB is monitored of the family in the peer's router and VRF. */
bool rib_has_adj_rib(const struct rib *r, const struct rib_peer *p, enum family family);
/* How many AS hops away Microsoft's network is on the path (edge/as_path.h). SIZE_MAX: it
 * does not lead there, or has an AS_SET before. */
size_t rib_as_hops(const struct rib *r, const struct bgp_path *path);
/* Whether the path's origin may originate the prefix, by RPKI. */
enum origin_state rib_origin_state(const struct rib *r, const struct rib_prefix *p,
                                   const struct rib_peer *peer,
                                   const struct bgp_path *path);
/* Of the path that rib_prefix_path() returns; ORIGIN_NOT_VALIDATED without one. */
enum origin_state rib_prefix_origin_state(const struct rib *r,
                                          const struct rib_prefix *p);
bool rib_path_is_usable(const struct rib *r, const struct rib_prefix *p,
                        const struct rib_path *path);

/* Whether its router uses the path, or may use it: active or candidate. */
static inline bool rib_path_is_in_use(const struct rib_path *path)
{
    return path->role >= PATH_CANDIDATE;
}

/* The first path in use, before all others one whose origin is invalid by RPKI. NULL: the
 * prefix is not announced. */
const struct rib_path *rib_prefix_path(const struct rib *r, const struct rib_prefix *p);

#endif
