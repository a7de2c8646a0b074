/*
 * Judges what was measured: a row for each check, and the faults, of which those that
 * another one explains are left out. Pure.
 *
 * A false alarm is worse than "cannot tell". So a delay is over a limit if the lower end of
 * its median's 95 % interval is, a loss if chance explains it in less than one case of 200
 * (core/loss.h), one PoP nearer than another by edge/gain.h, and a fault that only one of
 * two observations shows is likely, not sure. Limits are Microsoft's where there are some
 * (thresholds.csv); the others are these, edgelat's own:
 */
#ifndef EDGELAT_DIAGNOSE_JUDGE_H
#define EDGELAT_DIAGNOSE_JUDGE_H

#include "core/last_metre.h"
#include "core/loss.h"
#include "diagnose/diagnosis.h"
#include "diagnose/facts.h"
#include "edge/edge_data.h"

#define JUDGE_OWN "edgelat's own default"
/* Median to the gateway of a local network: the agent's limit, too. */
#define JUDGE_GATEWAY_MS  ((double)METRE_FAR_NS / NS_PER_MS)
#define JUDGE_RESOLVER_MS 100.0 /* median of answers from a resolver's cache */
#define JUDGE_LOOKUP_MS   1000.0 /* median of lookups that the server may have to pass on */
#define JUDGE_LOSS_RATIO  0.01   /* of packets; Microsoft's limit for bursts of media */
#define JUDGE_DNS_LOSS_RATIO                                                             \
    0.05 /* a lookup in twenty then waits, 5 s by default (resolv.conf(5)) */
#define JUDGE_PEAKS_RATIO  0.05   /* of differences of delays; fewer are rare peaks */
#define JUDGE_ERRORS_RATIO 0.001  /* of the packets of an interface */
#define JUDGE_GAIN_MS      10.0   /* a nearer PoP, a faster family */
#define JUDGE_REPLY_MS     1000.0 /* first byte of a reply, without the path */
#define JUDGE_TLS_MS       500.0  /* a TLS handshake, without two round trips */
/* What a proxy takes to connect, without the round trips to the service and its DNS server. */
#define JUDGE_TUNNEL_MS  300.0
#define JUDGE_LIKELIER   20.0  /* times as likely is enough for "likely" */
#define JUDGE_CLEAN      100.0 /* the same of a first hop that loses nothing */
#define JUDGE_SEGMENT_MS 20.0  /* a segment that adds less is not what is slow */
/* Paths are longer than the great circle, mostly by less than this: a delay that is over the
 * limit without as much of what light needs has another cause than distance. */
#define JUDGE_DETOUR      2.0
#define JUDGE_FAR_KM      800.0 /* egress_distance of thresholds.csv */
#define JUDGE_MEDIA_MS    300.0 /* there and back; ITU-T G.114: 150 ms one way */
#define JUDGE_CLOCK_S     60.0  /* poor; Kerberos and tokens fail at 300 s (RFC 4120) */
#define JUDGE_CLOCK_BAD_S 300.0

/* `out` is { 0 } before. `config`: for the registered prefixes. */
void judge_all(const struct facts *f, const struct edge_data *known,
               const struct config *config, const struct kinds *kinds,
               struct diagnosis *out);

/* ---- its parts; each adds rows and faults ---- */

struct judging {
    const struct facts *f;
    const struct edge_data *known;
    const struct config *config;
    const struct kinds *kinds; /* all that can be probed */
    struct diagnosis *out;
    bool all_silent; /* no service that is probed directly answers */
    bool varies;     /* FAULT_JITTER: delays are judged by their minima */
};

void judge_variation(struct judging *j);
void judge_local(const struct judging *j); /* interface, gateway, proxy, VPN, clock */
void judge_names(const struct judging *j); /* resolvers, captive portal */
void judge_paths(const struct judging *j); /* paths, front doors, loss, MTU */
void judge_services(
    const struct judging *j); /* TCP, TLS, HTTPS, interception, IPv6, media */

/* Packets to the services in a family that were sent and lost, of those addresses that
 * answer; by handshakes, as ICMP may be answered rarely on purpose. `services`: bits of
 * those to count, 0: all. */
struct loss_count judge_loss(const struct facts *f, size_t family, uint32_t services);

/* Who is charged for what is lost to the services: whether it is lost on the way to the
 * gateway already. CHARGE_NOTHING: the loss is not over the limit. */
enum charge judge_charge(const struct facts *f, enum certainty *certainty);

/* Echoes to the services in a family, of those addresses that answer some. */
struct loss_count judge_echo_loss(const struct facts *f, size_t family);

/* The same of handshakes with these addresses; those that are refused are lost, too. */
struct loss_count judge_connection_loss(const struct facts *f, size_t family);

/* Appends "teams, exchange", or "all services" if `services` is 0 or names all. */
void judge_add_services(struct text *out, const struct facts *f, uint32_t services);

/* Every service fails in this family while some answers in the other one. */
bool judge_family_fails(const struct facts *f, size_t family);

/* A resolver at this address may be in the local network, and answer from its cache. */
bool judge_is_local(const struct endpoint *e);

/* True if nothing came from behind the gateway: no handshake, HTTPS reply, echo or answer of
 * DNS, and no router of a path. */
bool judge_nothing_answers(const struct facts *f);

/* True if TLS to the service's address succeeds and shows no foreign issuer. */
bool judge_https_works(const struct facts_https *h);

/* The median delay of the handshakes with a service, in its faster family: that the other
 * one is slower is a fault of its own. `n` 0: none. */
struct facts_median judge_delay_of(const struct facts *f, size_t service);

/* Surely over the limit of its service, even without `explained_ms` of the delay; or over
 * what Microsoft recommends for it, and over what is usual here. */
bool judge_is_slow(const struct judging *j, size_t service, double explained_ms);

/* Surely by JUDGE_SEGMENT_MS over what is usual here; false: nothing is known of it. */
bool judge_over_usual(const struct judging *j, size_t service);

/* Services answer over IPv6, and this host has no route to their IPv4 addresses. */
bool judge_without_ipv4(const struct facts *f);

/* A service or relay answers by an address that NAT64 translates. */
bool judge_nat64(const struct facts *f);

/* More than the limit is lost, be it by chance: loss_exceeds() tells that. */
bool judge_loses(struct loss_count c);

size_t judge_count(uint32_t services); /* of their bits */

/* The path to the service was traced, and shows what the provider adds. */
bool judge_is_divided(const struct facts *f, size_t service);

/* Of those that show it, the path on which the provider adds most; NULL: none does. */
const struct facts_path *judge_divided_path(const struct facts *f);

/* The gateway surely is over its limit, and what is behind it does not answer sooner. */
bool judge_gateway_is_slow(const struct judging *j, size_t family);

/* The delay that all behind the gateway has in common, where that makes services slow and
 * paths do not show another place: that of the access line. NaN: none. */
double judge_line_ms(const struct judging *j);

/* What the segment adds on the path where it adds most, in ms; 0: no path shows it. */
double judge_most_added(const struct facts *f, enum segment segment);

/* The services that faults of this type were found for. */
uint32_t judge_found(const struct judging *j, enum fault fault);

/* Why a row is unknown: its interval does not decide. */
#define JUDGE_LONGER "run longer: edgelat diagnose -t 30"

/* Sets value and interval of a row, and the grade by a limit that is not NaN: bad above it,
 * unknown where the interval does not decide. */
void judge_delay(struct check_row *row, const struct facts_median *m, double limit_ms,
                 const char *source);

/* Sets value, interval and limit of a row by a gain; not its grade. */
void judge_gain(struct check_row *row, const struct gain *g);

#define JUDGE_NEARER_DNS                                                                 \
    "Use a DNS resolver at this site, or one that is near it; a resolver in another "    \
    "region, or behind a VPN, names PoPs that are near itself."

/* Formats into the fixed text of a row or fault. */
#define JUDGE_SET(field, ...) judge_set((field), sizeof(field), __VA_ARGS__)
/* Appends. */
#define JUDGE_ADD(field, ...)                                                            \
    judge_set((field) + strlen(field), sizeof(field) - strlen(field), __VA_ARGS__)
__attribute__((format(printf, 3, 4))) void judge_set(char *out, size_t room,
                                                     const char *format, ...);

#endif
