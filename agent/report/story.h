/*
 * What happened to the site in the period, each thing once: outages of its line and of a
 * family, faults in its own network, services that another PoP served more slowly, findings about front doors that are
 * over, and the incidents of targets (report/rating.h). What hit several targets at the same
 * time is one happening of all of them.
 */
#ifndef EDGELAT_REPORT_STORY_H
#define EDGELAT_REPORT_STORY_H

#include "core/fault.h"
#include "report/dataset.h"
#include "report/rating.h"

enum happening_kind {
    HAPPENING_LINE,       /* no target answered */
    HAPPENING_FAMILY,     /* none answered over a family */
    HAPPENING_METRE,      /* loss or delay arose in the site's own network */
    HAPPENING_POP,        /* served by another PoP than usual, which is slower */
    HAPPENING_SUBOPTIMAL, /* not served by the nearest front door; over */
    HAPPENING_MEDIA,      /* bursts like a call were over the limits */
    HAPPENING_INCIDENT,   /* targets were down, degraded or flapping */
};

struct happening {
    enum happening_kind kind;
    enum fault fault;         /* as `edgelat diagnose` and `status` name it */
    int64_t start_ns, end_ns; /* from the first time to the last one */
    int64_t total_ns;         /* of all times; shorter if it happened several times */
    size_t times;
    enum family family; /* FAMILY_NONE: no particular one */
    /* The targets as indexes of the ratings; none of the site's own. */
    size_t *targets, n_targets, room;
    /* Of HAPPENING_POP: the PoPs, and the median delay of the first target with each. */
    const char *pop, *usual_pop;
    int64_t p50_ns, usual_ns;
    const struct incident *incident;   /* of HAPPENING_INCIDENT: the first target's */
    const struct dataset_event *event; /* of HAPPENING_SUBOPTIMAL; its text explains */
    /* Of HAPPENING_METRE, and of HAPPENING_LINE if the default gateway was down; else NULL. */
    const struct dataset_metre *metre;
    /* Of HAPPENING_MEDIA: the burst with the lowest MOS. `times` of all `bursts` were over. */
    const struct dataset_media *media;
    size_t bursts;
};

struct story {
    struct happening *all; /* by kind, then by time */
    size_t n, room;
};

/* Of the first `n` ratings. The story refers to both arguments; end it with story_free(). */
struct story story_make(const struct dataset *p, const struct rating *ratings, size_t n);
void story_free(struct story *s);

/* What an incident of a service is: down, or, by the reason that its event gives, lossy,
 * failing or slow. */
enum fault incident_fault(const struct incident *i);

#endif
