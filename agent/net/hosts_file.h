/*
 * Reads /etc/hosts (hosts(5)). A name may appear on several lines and then has the
 * addresses of all of them, as with getaddrinfo() of glibc. ares_gethostbyname_file()
 * returns only those of the first line.
 */
#ifndef EDGELAT_NET_HOSTS_FILE_H
#define EDGELAT_NET_HOSTS_FILE_H

#include "core/endpoint.h"

#include <stdbool.h>
#include <stddef.h>

/* Stores up to `most` addresses of `family` for `host` in `out`, in the order of the
 * file, with `port`. Returns how many were stored; 0 also when the file is missing.
 * `*named`: the file has an address of either family. */
size_t hosts_file_find(const char *host, enum family family, uint16_t port,
                       struct endpoint *out, size_t most, bool *named);

/* The same for the text of a hosts file, NUL-terminated. The text is modified. */
size_t hosts_text_find(char *text, const char *host, enum family family, uint16_t port,
                       struct endpoint *out, size_t most, bool *named);

#endif
