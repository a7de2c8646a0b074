/*
 * Which of two addresses of a host a client prefers: the destination address selection of
 * RFC 6724, section 6, with its default policy table. Rules 1 (usable), 2 (scope), 5
 * (label), 6 (precedence) and 8 (smaller scope); deprecated, home and encapsulated
 * addresses (3, 4, 7) are not known here, and one address of each family is compared, so
 * that the longest matching prefix (9) does not apply.
 *
 * IPv6 is preferred, but not from a unique local source to a global address, nor over 6to4
 * or Teredo.
 */
#ifndef EDGELAT_CORE_DESTINATION_H
#define EDGELAT_CORE_DESTINATION_H

#include "core/endpoint.h"

/* `from`: the address that packets to it come from; FAMILY_NONE: it cannot be reached. */
bool destination_is_better(const struct endpoint *a, const struct endpoint *a_from,
                           const struct endpoint *b, const struct endpoint *b_from);

#endif
