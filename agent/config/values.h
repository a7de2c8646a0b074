/*
 * Parsers of configuration values for struct config_key. They accept the whole value or
 * nothing. On false, `must` contains what the value must be ("be a duration from 5s to
 * 1h"), and the field is undefined.
 */
#ifndef EDGELAT_CONFIG_VALUES_H
#define EDGELAT_CONFIG_VALUES_H

#include "config/keys.h"

typedef bool config_reader(void *field, const struct config_key *key, const char *value,
                           const struct kinds *kinds, struct text *must);

config_reader config_read_text;        /* into char[size] */
config_reader config_read_integer;     /* into an unsigned integer of `size` bytes */
config_reader config_read_budget;      /* struct budget_amount */
config_reader config_read_size;        /* uint64_t: bytes, or with K, M or G */
config_reader config_read_percent;     /* double: 10% is 0.1; limits are in percent */
config_reader config_read_duration;    /* int64_t: ns */
config_reader config_read_window;      /* int64_t: ns; divides 24 h evenly */
config_reader config_read_yes_no;      /* bool */
config_reader config_read_schedule;    /* enum pattern */
config_reader config_read_temporality; /* bool: delta */
config_reader config_read_quantiles;   /* enum quantile_choice */
config_reader config_read_servers;     /* char[size]: addresses with or without port */
config_reader config_read_addresses;   /* char[size]: addresses, separated by spaces */
config_reader config_read_sources;     /* struct endpoint[2]: by family_slot() */
config_reader config_read_interface;   /* char[size]: the name of an interface */
config_reader config_read_interfaces;  /* char[size]: names of interfaces, or "none" */
config_reader config_read_sampling;    /* char[size]: ADDRESS=N, separated by spaces */
config_reader config_read_listens;     /* char[size]: as config_read_listen, several */
config_reader config_read_remote;      /* char[size]: an address with a port */
config_reader config_read_listen;   /* char[size]: an address of this host, with a port */
config_reader config_read_prefixes; /* char[size]: ADDRESS/LENGTH, separated by spaces */
config_reader config_read_distance; /* double: km */
config_reader config_read_url;      /* char[size]: http:// or https:// */
config_reader config_read_proxy;    /* char[size]: http://HOST:PORT, or "none" */
config_reader config_read_file;     /* char[size]: an absolute path */
config_reader config_read_path;     /* char[size]: path of an HTTP request */
config_reader config_read_host;     /* char[size]: a name or an address */
config_reader config_read_metro;    /* char[size]: two or three letters, upper case */
config_reader config_read_family;   /* struct target: ipv4, ipv6 */
config_reader config_read_kinds;    /* bool[KINDS_MAX] */

#endif
