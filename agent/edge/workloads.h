/*
 * The workload names that every tenant uses, read from targets.csv: Microsoft's names
 * that lead to the PoP which serves a site, and how the front doors of other metros are
 * called.
 */
#ifndef EDGELAT_EDGE_WORKLOADS_H
#define EDGELAT_EDGE_WORKLOADS_H

#include "core/target.h"
#include "edge/datafile.h"

#include <stddef.h>

enum { WORKLOADS_MAX = 64 };

struct workload {
    char name[TARGET_NAME_MAX];  /* unique, as of a target */
    char service[WORD_TEXT_MAX]; /* "exchange", "front-door" */
    char host[HOST_TEXT_MAX];
    char path[PATH_TEXT_MAX];     /* of the HTTPS request */
    char by_metro[HOST_TEXT_MAX]; /* "{code}-efz.ms-acdc.office.com"; "": its front doors
                                     have no names of their own */
};

struct workloads {        /* all zero is an empty one; ends with workloads_free() */
    struct workload *all; /* in the order of the file */
    size_t n, room;
    char version[DATAFILE_VERSION_MAX];
};

/* Returns the number of problems; what is wrong is left out. */
size_t workloads_parse(struct workloads *out, const struct datafile_source *from);
void workloads_free(struct workloads *w);

/* The name of its front door in a metro, of which `code` ("LHR") is a code; for one that
 * has by_metro. Returns `out`. */
const char *workload_door(char out[HOST_TEXT_MAX], const struct workload *w,
                          const char *code);

#endif
