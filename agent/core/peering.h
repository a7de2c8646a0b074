/*
 * A connection of Azure Peering Service, with the field names that Azure uses; "": not
 * configured. Azure's locations are free text, so each location can also name a metro of
 * the catalogue.
 */
#ifndef EDGELAT_CORE_PEERING_H
#define EDGELAT_CORE_PEERING_H

#include "core/target.h"

struct peering {
    char connection[WORD_TEXT_MAX], provider[WORD_TEXT_MAX];
    char primary[WORD_TEXT_MAX], backup[WORD_TEXT_MAX];
    char primary_metro[8], backup_metro[8]; /* codes of the catalogue */
    char prefixes[256];                     /* of the customer, "ADDRESS/LENGTH ..." */
    char public_addresses[256];             /* of the site, separated by spaces */
};

#endif
