/*
 * How this host asks DNS: what resolv.conf(5) says, read as glibc's resolver reads it.
 * Pure: the file and the environment are the caller's to read.
 *
 * Not taken over, as no answer depends on it: sortlist (getaddrinfo() ignores it, too),
 * timeout and attempts (one lookup has its own limit, net/resolver.h), trust-ad,
 * no-check-names, inet6, no-reload, debug.
 */
#ifndef EDGELAT_CONFIG_RESOLV_CONF_H
#define EDGELAT_CONFIG_RESOLV_CONF_H

#include "base/text.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

#define RESOLV_CONF_BYTES_MAX 65536 /* more of the file is not read */
#define SEARCH_MAX            32
#define NDOTS_MAX             15

struct dns_server {
    struct endpoint at; /* port 0 is 53 */
    char zone[ZONE_TEXT_MAX];
};

struct resolv_conf {
    struct dns_server servers[DNS_SERVERS_MAX];
    size_t n_servers;
    char search[SEARCH_MAX][HOST_TEXT_MAX];
    size_t n_search;
    bool search_given; /* also as an empty list */
    unsigned ndots;
    bool rotate, use_vc, edns0, no_aaaa, no_tld_query;
    bool single_request; /* also "-reopen": one question at a time */
};

/* What holds without a file: ndots 1, no server, no search domain. */
struct resolv_conf resolv_conf_default(void);

void resolv_conf_read(struct resolv_conf *c, const char *text, size_t len);

/* Of the environment, behind the file: RES_OPTIONS adds, LOCALDOMAIN takes the place of
 * the search list. NULL is not set. */
void resolv_conf_environment(struct resolv_conf *c, const char *res_options,
                             const char *localdomain);

/* What is still missing: the server of this host, 127.0.0.1, and its own domain. */
void resolv_conf_complete(struct resolv_conf *c, const char *hostname);

/*
 * The names to ask for in place of `host`, in this order: `host` itself first when it has
 * `ndots` dots, else last; with each search domain; a final dot forbids them. False:
 * there is no such number. A name that is too long for DNS is "".
 */
bool resolv_conf_candidate(const struct resolv_conf *c, const char *host, size_t number,
                           char out[HOST_TEXT_MAX]);

/*
 * Reads "192.0.2.1 [2001:db8::1]:5353, fe80::1%eth0" and returns how many there are;
 * -EINVAL when one is not an address, with it in `wrong`; -E2BIG when there are too many.
 */
#define DNS_SERVER_TEXT_MAX (ADDRESS_TEXT_MAX + ZONE_TEXT_MAX + 8)
int dns_servers_parse(struct dns_server list[DNS_SERVERS_MAX], const char *text,
                      char wrong[DNS_SERVER_TEXT_MAX]);

/* In that form; as many as there is room for. */
void dns_servers_text(char *out, size_t room, const struct dns_server *list, size_t n);

#endif
