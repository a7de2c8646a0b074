/*
 * International names: their form for DNS (IDNA2008 with the mapping of UTS #46), by libidn2,
 * which libcurl uses as well.
 */
#ifndef EDGELAT_NET_IDN_H
#define EDGELAT_NET_IDN_H

#include <stdbool.h>
#include <stddef.h>

/* "bücher.example:443" in UTF-8 becomes "xn--bcher-kva.example:443"; plain ASCII is copied as
 * it is. False: no valid name, or it does not fit; then `why` is one static clause. */
bool idn_to_ascii(char *out, size_t room, const char *text, const char **why);

#endif
