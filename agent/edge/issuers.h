/*
 * The issuers of the certificates that a service uses, read from issuers.csv. Another
 * issuer means that the traffic is not Microsoft's end to end: a firewall or proxy opens
 * TLS with a certificate of its own.
 */
#ifndef EDGELAT_EDGE_ISSUERS_H
#define EDGELAT_EDGE_ISSUERS_H

#include "core/result.h"
#include "core/target.h"
#include "edge/datafile.h"

#include <stddef.h>

enum { ISSUERS_MAX = 1024 };

struct issuer {
    char service[WORD_TEXT_MAX]; /* of targets: "exchange" */
    /* Organisation, or common name, of the issuer; '*' is any text; case is ignored. */
    char pattern[ISSUER_TEXT_MAX];
};

struct issuers { /* start with { 0 }, end with issuers_free() */
    struct issuer *all;
    size_t n, room;
    char version[DATAFILE_VERSION_MAX]; /* "": not read */
};

/* Returns the number of problems; invalid rows are left out. */
size_t issuers_parse(struct issuers *out, const struct datafile_source *from);
void issuers_free(struct issuers *s);

/* True if the service has issuers in the file, and `issuer` is none of them. False for an
 * unknown service and for issuer "". */
bool issuers_foreign(const struct issuers *s, const char *service, const char *issuer);

#endif
