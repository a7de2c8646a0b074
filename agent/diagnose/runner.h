/*
 * Measures what diagnose/facts.h has room for, on the loop: names first, then everything
 * else side by side, and ends by itself, at the latest after RUNNER_LIMIT_NS. No privilege
 * is needed; without ICMP the gateway and the path MTU stay unknown.
 *
 * Rates: to one address at most 5 packets a second that begin an exchange, as `edgelat
 * probe` allows an ordinary user.
 */
#ifndef EDGELAT_DIAGNOSE_RUNNER_H
#define EDGELAT_DIAGNOSE_RUNNER_H

#include "diagnose/facts.h"
#include "edge/edge_data.h"

#include <uv.h>

#define RUNNER_LIMIT_NS (50 * NS_PER_S)

struct runner_options {
    const struct config *config;   /* borrowed; all is sent over its `over` */
    const struct edge_data *known; /* borrowed; completed with the configuration */
    const struct target *targets;  /* to look at; copied, at most FACTS_SERVICES */
    size_t n_targets;
    const char *other_servers; /* DNS servers to compare with; NULL: none */
    int64_t measure_ns;        /* how long each address is probed */
    bool load;                 /* then loads the line: load_round.h */
    const char *load_url;      /* by downloads of it; NULL: of the services' pages */
};

struct runner_events {
    /* False: this address must not be probed at this rate; the run ends with what it has,
     * and the caller has reported why. */
    bool (*may_probe)(const struct endpoint *to, double per_second, void *user);
    /* What is under way, for a line of progress, and the share that is done. */
    void (*on_progress)(const char *what, double share, void *user);
    /* Once; the facts belong to the runner. The callback may destroy it. */
    void (*on_over)(struct facts *facts, void *user);
    void *user;
};

struct diagnose_runner;

/* Returns 0, -errno of http_create(), or -EINVAL: the DNS servers of the options or of the
 * configuration are not addresses. */
int runner_start(struct diagnose_runner **out, uv_loop_t *loop,
                 const struct runner_options *o, struct runner_events events);

/* Ends now, with what is known: on_over() comes from inside. */
void runner_stop(struct diagnose_runner *r);

void runner_destroy(struct diagnose_runner *r); /* no callback after it; NULL is fine */

#endif
