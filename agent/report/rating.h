/*
 * Rates a target over the period of the dataset against its limits: the PoPs that served
 * it, its delay and loss, and its incidents. An incident is a time in which the agent's
 * events report it as down, degraded or flapping, or consecutive windows without any
 * answer. The outages of the site (struct outages) are not charged to its targets, nor is what
 * the agent found at the default gateway already: neither incidents nor loss include them.
 */
#ifndef EDGELAT_REPORT_RATING_H
#define EDGELAT_REPORT_RATING_H

#include "core/loss.h"
#include "report/dataset.h"

enum { RATING_POPS_MAX = 4 };

struct incident {
    int64_t start_ns, end_ns;
    bool down;                           /* contains windows without any answer */
    const struct dataset_event *because; /* the first event; NULL: none */
    uint32_t streams; /* streams with an event: bit i is stream i of the target */
};

struct rating {
    const struct dataset_target *target;
    const char *kind, *delay; /* source of p50 and p95; NULL: no delay is known */
    bool round_trip;          /* `delay` is a round-trip time; limits apply only then */
    int64_t p50_ns, p95_ns;   /* DELAY_UNDEFINED if no delay is known */
    bool p95_supported;       /* by the number of results */
    struct rating_loss {
        const char *kind;
        struct loss_count count;         /* packets or probes, core/loss.h */
        uint64_t probes, failed, errors; /* of `failed`: in TLS or HTTP */
        bool lossy;                      /* over its limit for the period as a whole */
        bool failing;                    /* most probes end with such an error */
    } losses[DATASET_STREAMS_MAX];       /* one for each kind */
    size_t n_losses;
    struct limits limits; /* 0 is none */
    bool slow, lossy;     /* over its limits for the period as a whole */
    bool failing;         /* a kind is */
    struct {
        const char *pop;
        double share;        /* of the windows with a known PoP */
    } pops[RATING_POPS_MAX]; /* the most frequent first */
    size_t n_pops;
    struct incident *incidents; /* sorted by time; they neither overlap nor touch */
    size_t n_incidents, incidents_room;
};

/* Fills in `out`, which refers to `p` and `t`; release it with rating_free(). */
void rating_make(struct rating *out, const struct dataset *p,
                 const struct dataset_target *t, const struct limits *limits);
void rating_free(struct rating *r);

/* Total length of the incidents. */
int64_t rating_bad_ns(const struct rating *r);

#endif
