/*
 * The state of the agent as plain values: the targets in their last windows, the spool, the
 * exports, the last events. The owner fills in the current values, then renders the
 * snapshot as JSON (for scripts) or text (for people). It contains no secrets: a collector
 * is identified by its host only. Pure.
 */
#ifndef EDGELAT_STATUS_SNAPSHOT_H
#define EDGELAT_STATUS_SNAPSHOT_H

#include "base/text.h"
#include "config/config.h"
#include "core/batch.h"
#include "core/budget.h"
#include "core/fault.h"
#include "core/last_metre.h"
#include "core/loss.h"
#include "core/media_watch.h"
#include "edge/doors.h"
#include "edge/mtu_watch.h"
#include "edge/path_watch.h"
#include "ship/shipper.h"
#include "spool/spool.h"

#define SNAPSHOT_EVENTS 5

/* Windows whose medians are kept for a plot, and bars of a histogram. */
enum { SNAPSHOT_HISTORY = 32, SNAPSHOT_BARS = 24 };

struct snapshot_delay {
    uint32_t count, over; /* as struct delay_summary */
    int64_t percentile_ns[PERCENTILES];
    bool is_over[PERCENTILES], supported[PERCENTILES];
};

struct snapshot_period { /* as struct period_summary */
    int64_t age_ns;
    struct wall end;
    int64_t percentile_ns[PERCENTILES], low_ns[PERCENTILES], high_ns[PERCENTILES];
    uint32_t count;
    bool supported[PERCENTILES];
};

struct snapshot_stream { /* in its last window with a result */
    struct wall end;     /* of that window; 0: none yet */
    struct endpoint to;
    char pop[POP_TEXT_MAX];
    bool silent; /* never answered while other kinds are: filtered, not an outage */
    uint32_t sent, lost, failed, not_measured; /* as core/result.h counts them */
    uint32_t slow, server_errors;              /* of `failed`; as struct summary */
    uint32_t late;         /* answers after the waiting time, also of earlier windows */
    uint16_t server_error; /* the status of the last one; 0: none */
    double loss_ratio;     /* of probes */
    struct loss_count packets;   /* or probes, of a kind that sends several packets */
    struct snapshot_delay delay; /* the first delay of its kind */
    /* Of that delay, when last due; NULL: nothing can be stated. */
    struct snapshot_period *periods[PERIODS];
    /* Its values since the histogram of the series began, by bars of equal width on a
     * logarithmic scale from the least to the greatest: multiples of 2^bars_shift. */
    uint16_t bars[SNAPSHOT_BARS];
    uint8_t bars_shift;
    int64_t bars_min_ns, bars_max_ns;
    /* Medians of the last windows in ms, NaN without a reply; `windows` is their number since
     * the start, the last is at (windows - 1) % SNAPSHOT_HISTORY. */
    float history_ms[SNAPSHOT_HISTORY];
    uint32_t windows;
    int64_t medians_ns[]; /* of each delay of its kind; DELAY_UNDEFINED: none */
};

struct snapshot_target {
    const struct target_state *is; /* the batch's, which replaces it with each window */
    /* By family and kind; NULL: it had no result yet. */
    struct snapshot_stream *streams[FAMILY_SLOTS][KINDS_MAX];
    /* Medians of that window through the proxy, by delay; DELAY_UNDEFINED: none. */
    int64_t proxied_ns[DELAYS_MAX];
    const char *failure; /* why its name has no address now; NULL: no failure */
};

struct snapshot_event {
    struct wall time;
    enum severity severity;
    const char *name;
    char subject[EVENT_SUBJECT_MAX], text[EVENT_TEXT_MAX];
};

struct snapshot_open { /* what an event left: core/event.h */
    const char *name;
    const struct target *target;
    enum family family;
    enum event_leaves leaves;
    enum fault fault;
    struct wall since;
    char subject[EVENT_SUBJECT_MAX], text[EVENT_TEXT_MAX];
};

struct snapshot_exporter { /* of flow records: one format of one router */
    struct endpoint address;
    const char *format; /* "ipfix" */
    uint64_t flows, lost, no_template;
    size_t templates;
    double sampling; /* one in so many packets; 0: not announced */
    int64_t silence_ns;
    bool silent;
};

struct snapshot_way { /* a direction of an interface; rates of the last window, bytes/s */
    const char *direction; /* "receive" */
    double rate, highest;
    uint64_t bytes, packets, errors, drops; /* since the start */
};

struct snapshot_interface {    /* texts are borrowed */
    const char *name, *duplex; /* "half"; NULL: unknown */
    bool up;
    double speed_bit_s; /* 0: unknown */
    uint64_t resets;    /* of its counters */
    struct snapshot_way ways[2];
};

struct
    snapshot_counter { /* of a service and direction, by nftables; texts are borrowed */
    const char *service, *direction;
    uint64_t bytes; /* since the start */
    double rate;    /* of the last window, bytes/s */
};

struct
    snapshot_handshakes { /* connections with Microsoft on an interface, since the start */
    const char *interface; /* NULL: off */
    uint64_t others, own;  /* of others than this host, of this host */
};

struct snapshot_session { /* of BGP, as a router reports it; texts are borrowed */
    char peer[ADDRESS_TEXT_MAX];
    uint32_t peer_as;
    const char *router, *location, *state; /* "r1", "Ashburn" or "", "up" */
    double availability;                   /* of the last window; NaN: unknown */
    uint64_t flaps;
};

struct snapshot_bgp {
    bool on; /* the BMP station */
    size_t routers, connected;
    const struct snapshot_session *sessions; /* borrowed */
    size_t n_sessions, up;
    size_t announced, withdrawn; /* watched prefixes */
    /* Of the announced ones: the origin of the active path by RPKI. */
    bool validated; /* a validator is configured */
    size_t valid, invalid, not_found;
};

struct snapshot {
    /* set by snapshot_begin() and its caller */
    const struct config *config;
    const struct kinds *kinds;
    const char *instance_id, *host_name;
    bool detailed; /* the JSON has histograms and histories, for `edgelat top` */
    struct wall since;

    /* set by snapshot_window() */
    struct wall window_start, window_end; /* last closed window; 0: none yet */
    bool interrupted, busy;
    const struct unsent *unsent; /* borrowed; NULL: not known */
    int64_t loop_lag_ns;
    struct snapshot_target *targets;
    size_t n_targets, targets_room;
    struct target_state *unknown; /* of the targets before the first window */
    struct snapshot_event events[SNAPSHOT_EVENTS]; /* the last events, a ring */
    uint64_t n_events;                             /* total */
    struct snapshot_open *open;
    size_t n_open, open_room;

    /* current values, set before it is rendered */
    struct wall now;
    const char *stopped; /* why probing is stopped, as a clause; NULL: it is not */
    bool swept;          /* `doors` is set */
    struct doors_summary doors;
    const char *routes; /* what the BMP station found, as a clause; "" or NULL: nothing */
    struct snapshot_bgp bgp;
    const char *exporters, *exporter_problems; /* of flows, lines; "" or NULL: none */
    size_t n_exporter_problems;
    const char *traffic; /* interfaces, a line each; "" or NULL: none */
    const struct snapshot_interface *interface_list; /* borrowed */
    size_t n_interfaces;
    const struct snapshot_counter *counters; /* borrowed */
    size_t n_counters;
    struct snapshot_handshakes handshakes;
    struct snapshot_exporter *exporter_list; /* borrowed */
    size_t n_exporters;
    struct uplinks_report uplinks;   /* n is 0: none; differences are borrowed */
    const struct path_watch *paths;  /* NULL: they are not traced */
    const struct mtu_watch *mtus;    /* NULL: they are not searched */
    const struct media_watch *media; /* NULL: nothing is known of it */
    const struct budget *budget;     /* borrowed; NULL or without a limit: none */
    const struct last_metre *metre;  /* of the last window, borrowed; NULL: none yet */
    struct spool_counters spool;
    struct shipper_counters exports;
    struct shipper_collector collectors[COLLECTORS_MAX];
    size_t n_collectors; /* 0: batches are kept in the spool */
    int64_t retry_ns;    /* until the next retry; -1: none is due */
    uint64_t memory_bytes;
    double cpu_s;
};

/* Begins with the targets of the configuration. All arguments are borrowed. */
void snapshot_begin(struct snapshot *s, const struct config *config,
                    const struct kinds *kinds, struct wall since);

/* Adds a closed window. Its targets and their states are borrowed until the next window, or
 * the end of the snapshot. */
void snapshot_window(struct snapshot *s, const struct batch *batch,
                     const struct events *events, int64_t loop_lag_ns);
void snapshot_free(struct snapshot *s);

/* Whether to show the target: false for a guessed front door without an address. */
bool snapshot_shows(const struct snapshot_target *t);

/* The worst state of those streams that have an address. */
enum state snapshot_state(const struct snapshot_target *t);

/* Returns the stream if it was measured and its target has an address in the family, else
 * NULL. */
const struct snapshot_stream *snapshot_stream(const struct snapshot_target *t,
                                              size_t family, size_t kind);

struct status_findings { /* start with { 0 }, end with status_findings_free() */
    struct text lines;   /* one each */
    enum fault *faults;  /* FAULT_NONE: of the agent itself */
    size_t n, room;
};

/*
 * Appends the problems, each with the next step. What another one explains is left out, by
 * the table that `edgelat diagnose` uses (core/fault.h). While probing is stopped there is
 * nothing about the targets.
 */
void snapshot_findings(const struct snapshot *s, struct status_findings *out);
void status_findings_free(struct status_findings *f);

/* Appends what is worth knowing but no problem, one line each; returns their number. */
size_t snapshot_notes(const struct snapshot *s, struct text *lines);

/* Who is charged for loss or delay of the target, in its worse family. */
enum charge snapshot_charge(const struct snapshot *s, const struct snapshot_target *t);

/* True before the first window with a result: then no findings does not mean that there are
 * no problems. */
bool snapshot_too_early(const struct snapshot *s);

struct json;

/* Adds "addresses": all addresses of a target's name, with the delays of their last
 * probes. */
void snapshot_addresses_json(struct json *j, const struct target_state *is);

void snapshot_json(const struct snapshot *s, const struct status_findings *findings,
                   struct text *out);
void snapshot_text(const struct snapshot *s, const struct status_findings *findings,
                   struct text *out);

#endif
