/*
 * What c-ares says, in our words.
 */
#ifndef EDGELAT_NET_RESOLVER_ANSWER_H
#define EDGELAT_NET_RESOLVER_ANSWER_H

#include "net/resolver.h"

#include <ares.h>

void answer_error(struct resolution *a, int status); /* of c-ares; "no address" is none */
/* For addresses that nobody may be probed at. */
void answer_no_host(struct resolution *a);

void answer_take(struct resolution *a, const struct ares_addrinfo *info, uint16_t port);

#endif
