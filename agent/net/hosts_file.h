/*
 * /etc/hosts (hosts(5)): a name may stand in several lines, and then has the addresses of
 * all of them, as getaddrinfo() of glibc has it. ares_gethostbyname_file() gives those of
 * the first line only.
 */
#ifndef EDGELAT_NET_HOSTS_FILE_H
#define EDGELAT_NET_HOSTS_FILE_H

#include "core/endpoint.h"

#include <stddef.h>

/* How many addresses of that family `host` has in the file; `most` at most are put into
 * `out`, in the file's order, with `port`. 0 where there is no file too. */
size_t hosts_file_find(const char *host, enum family family, uint16_t port,
                       struct endpoint *out, size_t most);

/* The same in the text of one, which is ended by NUL and is changed. */
size_t hosts_text_find(char *text, const char *host, enum family family, uint16_t port,
                       struct endpoint *out, size_t most);

#endif
