/*
 * The routers that export flows: which are allowed, what each sends and how well it arrives.
 * The format of a datagram is known by its version. State is kept by address and format; below
 * that by source port, as a template belongs to a transport session (RFC 7011, 8) and two
 * processes of one host may use the same numbers. A session goes on from another port if that
 * begins with data that only this session can read. Pure.
 *
 * A datagram that equals one of the session's last EXPORTER_REPEATS came twice (the network
 * duplicates packets): it is counted and otherwise ignored. Each has a sequence number and a time,
 * so two that are equal are one.
 *
 * An exporter is silent when nothing came for three times its second longest pause so far (an
 * outage happens once, quiet nights come again), at least EXPORTER_SILENT_NS and at most
 * EXPORTER_SILENT_MOST_NS. One that sends another format since then is not silent.
 */
#ifndef EDGELAT_TRAFFIC_EXPORTERS_H
#define EDGELAT_TRAFFIC_EXPORTERS_H

#include "base/text.h"
#include "config/config.h"
#include "traffic/flow_meter.h"
#include "traffic/ipfix.h"
#include "traffic/netflow5.h"
#include "traffic/sflow.h"

enum {
    EXPORTER_STATES_MAX = 64,  /* address and format; further ones are refused */
    EXPORTER_SESSIONS_MAX = 8, /* the one that was silent longest is replaced */
    EXPORTER_REPEATS = 8,
    EXPORTERS_VALUES_MAX = RATES_VALUES_MAX + 13,
};
#define EXPORTER_SILENT_NS      (60 * NS_PER_S)
#define EXPORTER_SILENT_MOST_NS (40 * 60 * NS_PER_S)
/* A problem is reported until it has not occurred for so long. */
#define EXPORTER_RECENT_NS (10 * 60 * NS_PER_S)

struct exporter_session {
    uint16_t port;
    uint16_t number; /* unique in the exporter */
    struct mono last;
    uint64_t hashes[EXPORTER_REPEATS]; /* of the last datagrams, a ring */
    size_t n_taken;
    union {
        struct ipfix *ipfix; /* and NetFlow v9 */
        struct netflow5 *netflow5;
        struct sflow *sflow;
    };
};

struct troubled { /* a counter of something bad */
    uint64_t total;
    struct mono last; /* when it grew */
};

struct exporter {
    struct endpoint address;
    struct flow_origin origin; /* its format among it */
    struct exporter_session sessions[EXPORTER_SESSIONS_MAX];
    size_t n_sessions;
    uint16_t last_number;
    struct mono first, last;
    int64_t pauses_ns[2]; /* the longest two between datagrams, the longest first */
    bool silent;
    bool silence_logged;        /* set by the owner */
    double sampling;            /* announced last; 0: none */
    struct flow_counters ended; /* of sessions that were replaced */
    struct flow_counters counters;
    struct troubled lost, no_sampler, sampling_refused, bad;
};

struct exporters_counters {
    uint64_t datagrams, refused, unknown_format, repeated;
};

struct exporters {
    struct endpoint allowed[TRAFFIC_EXPORTERS_MAX];
    double sampling[TRAFFIC_EXPORTERS_MAX]; /* configured; 0: as announced */
    size_t n_allowed;
    struct exporter *list[EXPORTER_STATES_MAX];
    size_t n;
    struct rates rates;
    struct flow_meter meter;
    struct mono began;
    struct troubled dropped; /* datagrams by the kernel; set by the owner */
    struct exporters_counters counters;
    uint64_t reported[13]; /* for delta */
};

/* Borrows the prefixes. */
void exporters_begin(struct exporters *x, const struct config *config,
                     const struct prefixes *prefixes, struct mono now);
void exporters_free(struct exporters *x);

enum exporters_taken { EXPORTERS_TAKEN, EXPORTERS_REFUSED, EXPORTERS_BAD };

/* Takes one datagram; `from` has the port. Refused: the address is not allowed. */
enum exporters_taken exporters_take(struct exporters *x, const struct endpoint *from,
                                    const uint8_t *bytes, size_t len, struct mono now);

/* Call it about every second. */
void exporters_turn(struct exporters *x, struct mono now);

/* Sets a counter to its new total. */
void troubled_set(struct troubled *t, uint64_t total, struct mono now);

/* Metric rows of the window, as rates_window(). */
size_t exporters_window(struct exporters *x, bool delta, struct mono now,
                        struct self_value values[EXPORTERS_VALUES_MAX]);

/* The templates of all its sessions. */
size_t exporter_templates(const struct exporter *e);

/* The sampling that is used, as configured or announced; 0: neither. */
double exporter_sampling(const struct exporter *e);

/* Appends a line for each exporter, "192.0.2.1: IPFIX, 1204 flows, ...", and the problems, a
 * line each with what to do. Returns the number of problems. `listen`: where they send to. */
void exporters_text(const struct exporters *x, struct mono now, struct text *out);
size_t exporters_problems(const struct exporters *x, const char *listen, struct mono now,
                          struct text *out);

#endif
