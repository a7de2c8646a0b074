/*
 * The output of `edgelat diagnose`: a table and the verdict; JSON, one object a line, each
 * check, each finding, then a summary; or one line for a list of hosts.
 */
#ifndef EDGELAT_CMD_DIAGNOSE_PRINT_H
#define EDGELAT_CMD_DIAGNOSE_PRINT_H

#include "diagnose/diagnosis.h"
#include "diagnose/facts.h"

struct diagnosed {
    const struct facts *facts;
    const struct diagnosis *diagnosis;
    const char *host_name; /* of this host */
    const char *site;      /* "": not configured */
};

void diagnose_print_text(struct text *out, const struct diagnosed *d);
void diagnose_print_json(struct text *out, const struct diagnosed *d);
/* One self-contained page, to attach to a ticket. */
void diagnose_print_page(struct text *out, const struct diagnosed *d);
void diagnose_print_fleet(struct text *out, const struct diagnosed *d);

#endif
