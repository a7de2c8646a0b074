/*
 * A connection of Azure Peering Service, under the names that Azure uses; "" is not
 * configured. Azure's locations are free text, so each location may also name its metro
 * of the catalogue.
 */
#ifndef EDGELAT_CORE_PEERING_H
#define EDGELAT_CORE_PEERING_H

#include "core/target.h"

struct peering {
    char connection[WORD_TEXT_MAX], provider[WORD_TEXT_MAX];
    char primary[WORD_TEXT_MAX], backup[WORD_TEXT_MAX];
    char primary_metro[8], backup_metro[8]; /* codes of the catalogue */
    char prefixes[256];                     /* of the customer, "ADDRESS/LENGTH ..." */
};

#endif
