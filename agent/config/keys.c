#include "config/keys.h"

#include "config/values.h"
#include "core/media.h"
#include "core/time.h"

#include <stddef.h>

const char *const config_section_names[SECTIONS] = {
    [SECTION_AGENT] = "agent",
    [SECTION_PEERING] = "peering_service",
    [SECTION_BMP] = "bmp",
    [SECTION_TRAFFIC] = "traffic",
    [SECTION_PATH] = "path",
    [SECTION_DNS] = "dns",
    [SECTION_COLLECTOR] = "collector",
    [SECTION_ANY_COLLECTOR] = "collector",
    [SECTION_SPOOL] = "spool",
    [SECTION_UPLINK] = "uplink",
    [SECTION_TARGET] = "target",
};

#define MINUTE (60 * NS_PER_S)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define KIB    INT64_C(1024)
#define MIB    (1024 * KIB)
#define GIB    (1024 * MIB)

/* clang-format off */
#define IN(field)        offsetof(struct config, field), sizeof(((struct config *)0)->field)
#define IN_TARGET(field) offsetof(struct target_draft, field), sizeof(((struct target_draft *)0)->field)
#define IN_SHARED(field, most) offsetof(struct target_draft, field), most
#define IN_COLLECTOR(field) offsetof(struct collector, field), sizeof(((struct collector *)0)->field)
#define IN_UPLINK(field) offsetof(struct uplink, field), sizeof(((struct uplink *)0)->field)
#define PER_KIND(field)  offsetof(struct target_draft, field), sizeof(int64_t)

const struct config_key config_keys[] = {
    {SECTION_AGENT, "site", config_read_text, IN(site), 0, 0, false,
     "name of this site, sent with each batch as edgelat.site [the host name]"},
    {SECTION_AGENT, "window", config_read_window, IN(window_ns), 5 * NS_PER_S, HOUR, false,
     "length of the windows that results are aggregated in; must divide 24 h evenly [60s]"},
    {SECTION_AGENT, "nearest", config_read_integer, IN(nearest), 1, TARGETS_MAX, false,
     "number of nearest targets probed at the full rate [3]"},
    {SECTION_AGENT, "schedule", config_read_schedule, IN(pattern), 0, 0, false,
     "periodic (with a random phase) or poisson [periodic]"},
    {SECTION_AGENT, "state_dir", config_read_file, IN(state_dir), 0, 0, false,
     "folder of the spool, the history and the instance id [/var/lib/edgelat]"},
    {SECTION_AGENT, "stop_file", config_read_file, IN(stop_file), 0, 0, false,
     "no probes are sent while this file exists [/etc/edgelat/stop]"},
    {SECTION_AGENT, "status_socket", config_read_file, IN(status_socket), 0, 0, false,
     "socket for `edgelat status` [/run/edgelat/status]"},
    {SECTION_AGENT, "loss_limit", config_read_percent, IN(ranking.loss_limit), 1, 100, false,
     "targets with more loss are not ranked as near [10%]"},
    {SECTION_AGENT, "hysteresis", config_read_percent, IN(ranking.margin_ratio), 0, 100, false,
     "a target must be nearer by this share to replace another [10%]"},
    {SECTION_AGENT, "hysteresis_least", config_read_duration, IN(ranking.margin_ns), 0, NS_PER_S, false,
     "and by at least this much [1ms]"},

    {SECTION_AGENT, "location", config_read_text, IN(location), 0, 0, false,
     "location of the site: LATITUDE LONGITUDE in degrees, or a metro code [unknown]"},
    {SECTION_AGENT, "front_doors", config_read_integer, IN(front_doors), 0, 16, false,
     "number of nearest front doors probed besides the targets; 0: none [4]"},

    {SECTION_AGENT, "workloads", config_read_yes_no, IN(workloads), 0, 0, false,
     "yes: also rank the names of targets.csv that are not targets here [yes]"},

    {SECTION_AGENT, "media_bursts", config_read_integer, IN(media_bursts), 0, MEDIA_BURSTS_MAX, false,
     "bursts like a call a day, to one of the stun targets after the other; 0: none [4]"},
    {SECTION_AGENT, "budget", config_read_budget, IN(budget), 0, 64 * GIB, false,
     "bytes a day that probes, traces and lookups may send and receive, or bytes/packets; 0: no limit [0]"},
    {SECTION_AGENT, "gateway", config_read_yes_no, IN(gateway), 0, 0, false,
     "yes: also probe the default gateway, to tell the site from the networks behind it [yes]"},

    {SECTION_PEERING, "connection", config_read_text, IN(peering.connection), 0, 0, false,
     "name of the Peering Service connection, as in Azure [none]"},
    {SECTION_PEERING, "provider", config_read_text, IN(peering.provider), 0, 0, false,
     "its provider [none]"},
    {SECTION_PEERING, "primary", config_read_text, IN(peering.primary), 0, 0, false,
     "its primary peering location, as in Azure [none]"},
    {SECTION_PEERING, "primary_metro", config_read_metro, IN(peering.primary_metro), 0, 0, false,
     "metro code of the primary location [primary, if it is a code]"},
    {SECTION_PEERING, "backup", config_read_text, IN(peering.backup), 0, 0, false,
     "its backup peering location, as in Azure [none]"},
    {SECTION_PEERING, "backup_metro", config_read_metro, IN(peering.backup_metro), 0, 0, false,
     "metro code of the backup location [backup, if it is a code]"},
    {SECTION_PEERING, "prefixes", config_read_prefixes, IN(peering.prefixes), 0, 0, false,
     "prefixes of the site registered with it, ADDRESS/LENGTH separated by spaces [none]"},
    {SECTION_PEERING, "public_addresses", config_read_addresses, IN(peering.public_addresses), 0, 0, false,
     "addresses of the site on the internet; each must be in one of the prefixes [none]"},

    {SECTION_BMP, "listen", config_read_listen, IN(bmp_listen), 0, 0, false,
     "ADDRESS:PORT where routers connect with BMP [none: the station is off]"},
    {SECTION_BMP, "routers", config_read_addresses, IN(bmp_routers), 0, 0, false,
     "addresses of the routers that may connect; required with listen"},
    {SECTION_BMP, "validator", config_read_remote, IN(bmp_validator), 0, 0, false,
     "ADDRESS:PORT of an RPKI validator that speaks RTR (RFC 8210) [none]"},
    {SECTION_BMP, "primary_peers", config_read_addresses, IN(bmp_primary_peers), 0, 0, false,
     "addresses of the BGP neighbours at the primary peering location [none]"},
    {SECTION_BMP, "backup_peers", config_read_addresses, IN(bmp_backup_peers), 0, 0, false,
     "addresses of the BGP neighbours at the backup peering location [none]"},

    {SECTION_TRAFFIC, "interfaces", config_read_interfaces, IN(traffic_interfaces), 0, 0, false,
     "interfaces whose counters are read besides those that carry the routes to targets, or none: reads no interface [only those]"},
    {SECTION_TRAFFIC, "line_rate_down", config_read_integer, IN(line_rate_down), 0, 100000, false,
     "Mbit/s that the uplink can receive, for delays under load; 0: the highest rate seen [0]"},
    {SECTION_TRAFFIC, "line_rate_up", config_read_integer, IN(line_rate_up), 0, 100000, false,
     "Mbit/s that the uplink can send [0]"},
    {SECTION_TRAFFIC, "counters", config_read_file, IN(traffic_counters), 0, 0, false,
     "socket of edgelat-traffic.service, which counts what this gateway forwards [none]"},
    {SECTION_TRAFFIC, "handshakes", config_read_interface, IN(traffic_handshakes), 0, 0, false,
     "interface on which TCP handshakes of users with Microsoft are seen [none]"},
    {SECTION_TRAFFIC, "flows", config_read_listens, IN(traffic_flows), 0, 0, false,
     "ADDRESS:PORT where routers send IPFIX, NetFlow or sFlow [none: the receiver is off]"},
    {SECTION_TRAFFIC, "exporters", config_read_addresses, IN(traffic_exporters), 0, 0, false,
     "addresses of the routers that may send flows; required with flows"},
    {SECTION_TRAFFIC, "sampling", config_read_sampling, IN(traffic_sampling), 0, 0, false,
     "one in N packets is sampled, by exporter: ADDRESS=N [as the exporter announces]"},

    {SECTION_PATH, "trace", config_read_yes_no, IN(path_trace), 0, 0, false,
     "no: do not trace the paths to the targets [yes]"},
    {SECTION_PATH, "interval", config_read_duration, IN(path_interval_ns), 10 * NS_PER_S, DAY, false,
     "time between two traces of a path, in each address family [10m]"},
    {SECTION_PATH, "as_database", config_read_file, IN(path_as_database), 0, 0, false,
     "AS of each hop from this file in MaxMind's format [one in /usr/share/GeoIP or /var/lib/GeoIP]"},
    {SECTION_PATH, "as_dns", config_read_yes_no, IN(path_as_dns), 0, 0, false,
     "yes: ask DNS (origin.asn.cymru.com) for what the file does not have [no]"},
    {SECTION_PATH, "mtu", config_read_yes_no, IN(path_mtu), 0, 0, false,
     "no: do not search the path MTU and black holes [yes]"},
    {SECTION_PATH, "mtu_interval", config_read_duration, IN(path_mtu_interval_ns),
     10 * NS_PER_S, DAY, false,
     "time between two searches of a path MTU, in each address family [1h]"},

    {SECTION_DNS, "servers", config_read_servers, IN(dns_servers), 0, 0, false,
     "addresses of DNS servers, ADDRESS or ADDRESS:PORT [those of /etc/resolv.conf]"},
    {SECTION_DNS, "probe", config_read_yes_no, IN(dns_probe), 0, 0, false,
     "yes: also probe these servers, and compare where they lead [yes]"},

    {SECTION_ANY_COLLECTOR, "url", config_read_url, IN_COLLECTOR(url), 0, 0, false,
     "base URL of the OTLP/HTTP receiver, without /v1/metrics [none]"},
    {SECTION_ANY_COLLECTOR, "ca_file", config_read_file, IN_COLLECTOR(ca_file), 0, 0, false,
     "PEM file of the CAs that verify the collector's certificate [the system's]"},
    {SECTION_ANY_COLLECTOR, "cert_file", config_read_file, IN_COLLECTOR(cert_file), 0, 0, false,
     "PEM file of the client certificate, for mutual TLS [none]"},
    {SECTION_ANY_COLLECTOR, "key_file", config_read_file, IN_COLLECTOR(key_file), 0, 0, false,
     "PEM file of its private key [none]"},
    {SECTION_ANY_COLLECTOR, "header_file", config_read_file, IN_COLLECTOR(header_file), 0, 0, false,
     "file with one request header, such as 'Authorization: Bearer ...' [none]"},
    {SECTION_ANY_COLLECTOR, "proxy", config_read_proxy, IN_COLLECTOR(proxy), 0, 0, false,
     "HTTP proxy for the collector, http://HOST:PORT, or none [from the environment]"},
    {SECTION_ANY_COLLECTOR, "timeout", config_read_duration, IN_COLLECTOR(timeout_ns), NS_PER_S, 5 * MINUTE, false,
     "timeout of one request [10s]"},
    {SECTION_COLLECTOR, "spread", config_read_duration, IN(shipping.splay_ns), 0, HOUR, false,
     "each agent ships at its own time within this period after a window closes [half of the window, at most 30s]"},
    {SECTION_COLLECTOR, "catch_up", config_read_integer, IN(shipping.catch_up), 0, 1000, false,
     "maximum batches per second while catching up; 0: no limit [5]"},
    {SECTION_COLLECTOR, "temporality", config_read_temporality, IN(shipping.delta), 0, 0, false,
     "cumulative or delta; delta only for receivers that require it: a lost batch is lost data [cumulative]"},
    {SECTION_COLLECTOR, "events", config_read_yes_no, IN(shipping.events), 0, 0, false,
     "no: send metrics only, for a collector without OTLP logs [yes]"},
    {SECTION_COLLECTOR, "histograms", config_read_yes_no, IN(shipping.choice.histograms), 0, 0, false,
     "no: do not send edgelat.probe.delay, for a store without histograms [yes]"},
    {SECTION_COLLECTOR, "histogram_scale", config_read_integer, IN(shipping.histogram_scale), 0, HISTOGRAM_SCALE, false,
     "scale of the histograms: each step down halves the buckets and doubles the error of quantiles, 4.4 % at 3 [3]"},
    {SECTION_COLLECTOR, "quantiles", config_read_quantiles, IN(shipping.choice.quantiles), 0, 0, false,
     "edgelat.probe.delay.quantile: yes, of the main delays; all, of the phases of HTTPS, too; no [yes]"},
    {SECTION_COLLECTOR, "variation", config_read_yes_no, IN(shipping.choice.variation), 0, 0, false,
     "no: do not send edgelat.probe.delay_variation [yes]"},

    {SECTION_SPOOL, "size", config_read_size, IN(spool_bytes), MIB, 64 * GIB, false,
     "maximum size of the spool on disk; the oldest batches are dropped [64M]"},
    {SECTION_SPOOL, "batches", config_read_integer, IN(spool_count), 1, 1000000, false,
     "maximum number of batches in the spool [20000]"},
    {SECTION_SPOOL, "age", config_read_duration, IN(spool_age_ns), MINUTE, 365 * DAY, false,
     "maximum age of batches in the spool [7d]"},
    {SECTION_SPOOL, "history", config_read_size, IN(history_bytes), 0, 64 * GIB, false,
     "maximum size of delivered batches kept for `edgelat report`; 0: none [64M]"},
    {SECTION_SPOOL, "history_age", config_read_duration, IN(history_age_ns), MINUTE, 3650 * DAY, false,
     "maximum age of these batches [30d]"},

    {SECTION_UPLINK, "interface", config_read_interface, IN_UPLINK(interface), 0, 0, false,
     "interface of the uplink, also a VRF device [any]"},
    {SECTION_UPLINK, "source", config_read_sources, IN_UPLINK(source), 0, 0, false,
     "source address, or one of IPv4 and one of IPv6, of this host [the kernel's choice]"},
    {SECTION_UPLINK, "mark", config_read_integer, IN_UPLINK(mark), 1, UINT32_MAX, false,
     "mark of the packets, for rules of ip-rule(8) [none]"},
    {SECTION_UPLINK, "dns_servers", config_read_servers, IN_UPLINK(dns_servers), 0, 0, false,
     "DNS servers asked over this uplink, ADDRESS or ADDRESS:PORT [the answers of [dns] are used]"},

    {SECTION_TARGET, "host", config_read_host, IN_SHARED(target.host, HOST_TEXT_MAX), 0, 0, false,
     "name or address to probe; required", .shared = true},
    {SECTION_TARGET, "service", config_read_text, IN_TARGET(target.service), 0, 0, false,
     "service it belongs to, such as exchange [none]"},
    {SECTION_TARGET, "port", config_read_integer, IN_TARGET(target.port), 1, 65535, false,
     "port to connect to [443; of stun 3478, of dns 53]", USES_PORT},
    {SECTION_TARGET, "path", config_read_path, IN_SHARED(target.path, PATH_TEXT_MAX), 0, 0, false,
     "path of the request [/]", USES_HTTP, .shared = true},
    {SECTION_TARGET, "query", config_read_host, IN_SHARED(target.query, HOST_TEXT_MAX), 0, 0, false,
     "name that the DNS server is asked for [teams.microsoft.com]", USES_QUERY, .shared = true},
    {SECTION_TARGET, "server_name", config_read_host, IN_SHARED(target.server_name, HOST_TEXT_MAX), 0, 0, false,
     "server name for TLS, HTTP and the certificate, at the address of host [host]", USES_TLS, .shared = true},
    {SECTION_TARGET, "ca_file", config_read_file, IN_SHARED(target.ca_file, FILE_TEXT_MAX), 0, 0, false,
     "PEM file of the CAs to trust for this target [the system's]", USES_TLS, .shared = true},
    {SECTION_TARGET, "proxy", config_read_proxy, IN_SHARED(target.proxy, PROXY_TEXT_MAX), 0, 0, false,
     "HTTP proxy, http://HOST:PORT, or none [https_proxy and no_proxy of the environment]", USES_HTTP, .shared = true},
    {SECTION_TARGET, "family", config_read_family, IN_TARGET(target), 0, 0, false,
     "ipv4, ipv6 or both [both]"},
    {SECTION_TARGET, "uplinks", config_read_yes_no, IN_TARGET(target.over_uplinks), 0, 0, false,
     "no: do not probe it over each [uplink], only as the routes say [yes]"},
    {SECTION_TARGET, "kinds", config_read_kinds, IN_TARGET(target.kinds), 0, 0, false,
     "kinds of probe, separated by spaces"},
    {SECTION_TARGET, "interval", config_read_duration, PER_KIND(interval_ns), NS_PER_S, DAY, true,
     "time between probes while the target is among the nearest [the kind's]"},
    {SECTION_TARGET, "slow_interval", config_read_duration, PER_KIND(slow_interval_ns), NS_PER_S, DAY, true,
     "time between probes otherwise; not shorter than interval [the kind's]"},
    {SECTION_TARGET, "waiting", config_read_duration, PER_KIND(waiting_ns), 100 * NS_PER_MS, 10 * NS_PER_S, true,
     "waiting time: a later answer is late; not longer than interval, or 2s [the kind's]"},
    {SECTION_TARGET, "payload", config_read_integer, IN_TARGET(target.payload_bytes), 16, 1400, false,
     "bytes of payload [56]", USES_PAYLOAD},
    {SECTION_TARGET, "dscp", config_read_integer, IN_TARGET(target.dscp), 0, 63, false,
     "differentiated services code point of the probes [0]"},
    {SECTION_TARGET, "dont_fragment", config_read_yes_no, IN_TARGET(target.dont_fragment), 0, 0, false,
     "yes: forbid routers to fragment the probe [no]", USES_PAYLOAD},
    {SECTION_TARGET, "delay_limit", config_read_duration, IN_TARGET(target.limits.delay_ns), NS_PER_MS, 10 * NS_PER_S, false,
     "the target is degraded while its median round-trip delay exceeds this [the service's, of thresholds.csv]"},
    {SECTION_TARGET, "variation_limit", config_read_duration, IN_TARGET(target.limits.variation_ns), 100 * NS_PER_US, 10 * NS_PER_S, false,
     "or its mean delay variation exceeds this [the service's, of thresholds.csv]"},
    {SECTION_TARGET, "loss_limit", config_read_percent, IN_TARGET(target.limits.loss_ratio), 0, 100, false,
     "or its loss significantly exceeds this [the service's, of thresholds.csv, else 2%]"},
    {SECTION_TARGET, "distance_limit", config_read_distance, IN_TARGET(target.limits.distance_km), 1, 20000, false,
     "where no delays can be compared, reports a PoP farther than the nearest metro by more than this [800km, of thresholds.csv]"},
};
/* clang-format on */

void config_key_help(struct text *out, const struct config_key *key,
                     const struct kinds *kinds)
{
    struct kinds some = kinds_using(kinds, key->uses), on = {.n = 0};
    kinds_add_names(out, &some, ", ", ", ");
    text_add(out, "%s%s", some.n > 0 ? ": " : "", key->help);
    if (key->read != config_read_kinds)
        return;
    for (size_t k = 0; k < kinds->n; k++)
        if (kinds->list[k]->on_by_default)
            on.list[on.n++] = kinds->list[k];
    text_add(out, " [");
    kinds_add_names(out, &on, " ", " ");
    text_add(out, "]");
}

const size_t config_keys_count = sizeof config_keys / sizeof *config_keys;

_Static_assert(sizeof config_keys / sizeof *config_keys <= CONFIG_KEYS_MAX,
               "config.c has room for them");
