/*
 * The sources of host names in nsswitch.conf(5). Pure: the caller reads the file.
 */
#ifndef EDGELAT_CONFIG_NSSWITCH_H
#define EDGELAT_CONFIG_NSSWITCH_H

#include <stdbool.h>
#include <stddef.h>

#define NSSWITCH_BYTES_MAX  65536
#define NSSWITCH_SOURCE_MAX 32

/* The first source of the "hosts" line that is neither the hosts file nor DNS, such as
 * "mdns4_minimal" or "sss", in `source`. False: there is none. */
bool nsswitch_other_source(const char *text, char source[NSSWITCH_SOURCE_MAX]);

#endif
