/*
 * The scenario file, as far as the relay reads it (the whole of it is explained in
 * test/lab/scenarios/default). One statement a line:
 *
 *   seed NUMBER
 *   router ID IPV4 IPV6 [NAME]            "-" where it has no address of that family
 *   path NAME PREFIX... KEY=VALUE...      the way to the prefixes, and back
 *   at TIME NAME|ADDRESS KEY=VALUE...     changes that path TIME after the lab began
 *
 * The other statements (branch, dns, ttl, name, pop, header) are for the servers and are
 * skipped.
 */
#ifndef LAB_RELAY_SCENARIO_H
#define LAB_RELAY_SCENARIO_H

#include "packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define NS_PER_S INT64_C(1000000000)

enum {
    ID_MAX = 32,
    PATHS_MAX = 64,
    PREFIXES_MAX = 16,
    ROUTERS_MAX = 128,
    HOPS_MAX = 30,
    CHANGES_MAX = 4096,
    SETTINGS_MAX = 512, /* bytes of the KEY=VALUE part of one line */
};

enum direction { UP, DOWN }; /* from the branch, to the branch */

struct router {
    char id[ID_MAX];
    bool has[2]; /* IPv4, IPv6 */
    struct address address[2];
};

struct hop {
    int router;     /* its number, or -1: a router that keeps silent */
    int64_t rtt_ns; /* or -1: its share of the path's delay */
};

/* One direction of a path. */
struct way {
    double delay_ns;
    double jitter_ns; /* sigma of a half-normal delay on top */
    double loss, duplicate, reorder;
    double burst;   /* instead of `loss`, for a packet after a lost one; 0: `loss` */
    double held_ns; /* by how much `reorder` holds a packet back */
    double rate;    /* bits a second; 0: not limited */
    double queue;   /* bytes that wait for `rate`; more are dropped */
};

struct rules {
    struct way way[2];
    bool blackhole;      /* drop everything; routers before it answer */
    bool icmp;           /* off: drop ICMP only */
    int reject;          /* -1, or an enum icmp_error sent by the last router */
    int64_t syn_answers; /* rtt of a middlebox that answers SYNs itself, or -1 */
    struct hop hops[HOPS_MAX];
    unsigned n_hops;
};

struct prefix {
    struct address network;
    unsigned bits; /* of 128 */
};

struct path {
    char name[ID_MAX];
    struct prefix prefixes[PREFIXES_MAX];
    unsigned n_prefixes;
    struct rules base; /* before any `at` */
};

struct change {
    int64_t at_ns;
    int path;
    char settings[SETTINGS_MAX];
};

struct scenario {
    uint64_t seed;
    struct router routers[ROUTERS_MAX];
    int n_routers;
    struct path paths[PATHS_MAX];
    int n_paths;
    struct change changes[CHANGES_MAX]; /* by time, then by line */
    int n_changes;
};

/* NULL, or one sentence on what is wrong, with file and line, valid until the next call.
 */
const char *scenario_read(struct scenario *out, FILE *file, const char *name);

/* The rules of path `i` at `elapsed_ns` after the lab began. */
struct rules scenario_rules(const struct scenario *s, int i, int64_t elapsed_ns);

/* When the next change comes after `elapsed_ns`, or INT64_MAX. */
int64_t scenario_next_change(const struct scenario *s, int64_t elapsed_ns);

/* The path with the longest prefix that `a` is in, of several the last one, or -1. */
int scenario_path(const struct scenario *s, const struct address *a);

/* The router with that address, or -1. */
int scenario_router(const struct scenario *s, const struct address *a);

#endif
