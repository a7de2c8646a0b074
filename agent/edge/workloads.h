/*
 * The workload names that every tenant uses, read from targets.csv: Microsoft's names
 * that resolve to the PoP serving a site, and the pattern of the names of front doors in
 * other metros.
 */
#ifndef EDGELAT_EDGE_WORKLOADS_H
#define EDGELAT_EDGE_WORKLOADS_H

#include "core/target.h"
#include "edge/datafile.h"

#include <stddef.h>

enum { WORKLOADS_MAX = 64 };

struct workload {
    char name[TARGET_NAME_MAX];  /* unique, valid as a target's name */
    char service[WORD_TEXT_MAX]; /* "exchange", "front-door" */
    char host[HOST_TEXT_MAX];
    char path[PATH_TEXT_MAX]; /* of the HTTPS request */
    bool proxied;             /* as target.proxied */
    /* "{code}-efz.ms-acdc.office.com"; "": its front doors have no separate names. */
    char by_metro[HOST_TEXT_MAX];
};

struct workloads {        /* start with { 0 }, end with workloads_free() */
    struct workload *all; /* in the order of the file */
    size_t n, room;
    char version[DATAFILE_VERSION_MAX];
};

/* Returns the number of problems; invalid rows are left out. */
size_t workloads_parse(struct workloads *out, const struct datafile_source *from);
void workloads_free(struct workloads *w);

/* The names of the services, each once, in the order of the file. Returns how many. */
size_t workloads_services(const char *out[WORKLOADS_MAX], const struct workloads *w);

/* The name of its front door in the metro of `code` ("LHR"); requires by_metro. Returns
 * `out`. */
const char *workload_door(char out[HOST_TEXT_MAX], const struct workload *w,
                          const char *code);

/* True for such a name, of any metro. */
bool workload_is_door(const struct workload *w, const char *host);

#endif
