/*
 * DNS configuration of this host: parses resolv.conf(5) as glibc's resolver does. Pure:
 * the caller reads the file and the environment.
 *
 * Ignored, as answers do not depend on them: sortlist (getaddrinfo() ignores it, too),
 * timeout and attempts (a lookup has its own limit, net/resolver.h), trust-ad,
 * no-check-names, inet6, no-reload, debug.
 */
#ifndef EDGELAT_CONFIG_RESOLV_CONF_H
#define EDGELAT_CONFIG_RESOLV_CONF_H

#include "base/text.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

#define RESOLV_CONF_BYTES_MAX 65536 /* the rest of the file is ignored */
#define SEARCH_MAX            32
#define NDOTS_MAX             15

struct dns_server {
    struct endpoint at; /* port 0: 53 */
    char zone[ZONE_TEXT_MAX];
};

struct resolv_conf { /* start with resolv_conf_default(), end with resolv_conf_free() */
    struct dns_server servers[DNS_SERVERS_MAX];
    size_t n_servers;
    char *search[SEARCH_MAX];
    size_t n_search;
    bool search_given; /* set, possibly to an empty list */
    unsigned ndots;
    bool rotate, use_vc, edns0, no_aaaa, no_tld_query;
    bool single_request; /* or "-reopen": one query at a time */
};

/* Defaults without a file: ndots 1, no server, no search domain. */
struct resolv_conf resolv_conf_default(void);
void resolv_conf_free(struct resolv_conf *c);

void resolv_conf_read(struct resolv_conf *c, const char *text, size_t len);

/* Applies the environment after the file: RES_OPTIONS adds options, LOCALDOMAIN replaces
 * the search list. NULL: not set. */
void resolv_conf_environment(struct resolv_conf *c, const char *res_options,
                             const char *localdomain);

/* Sets missing values: the server 127.0.0.1 and the domain of `hostname`. */
void resolv_conf_complete(struct resolv_conf *c, const char *hostname);

/*
 * The names to query for `host`, in order: `host` itself first if it has `ndots` dots,
 * else last; `host` with each search domain. A final dot disables the search. False: no
 * candidate with that number. A name too long for DNS is "".
 */
bool resolv_conf_candidate(const struct resolv_conf *c, const char *host, size_t number,
                           char out[HOST_TEXT_MAX]);

/*
 * Parses "192.0.2.1 [2001:db8::1]:5353, fe80::1%eth0" and returns the number of servers;
 * -EINVAL if one is not an address (copied to `wrong`); -E2BIG if there are too many.
 */
#define DNS_SERVER_TEXT_MAX (ADDRESS_TEXT_MAX + ZONE_TEXT_MAX + 8)
int dns_servers_parse(struct dns_server list[DNS_SERVERS_MAX], const char *text,
                      char wrong[DNS_SERVER_TEXT_MAX]);

/* Formats servers in that form; as many as fit. */
void dns_servers_text(char *out, size_t room, const struct dns_server *list, size_t n);

#endif
