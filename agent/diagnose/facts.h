/*
 * What `edgelat diagnose` has measured, as plain values. runner.h fills it in, judge.h
 * judges it. What could not be measured is empty, with the reason where there is one.
 */
#ifndef EDGELAT_DIAGNOSE_FACTS_H
#define EDGELAT_DIAGNOSE_FACTS_H

#include "config/config.h"
#include "config/resolv_conf.h"
#include "core/intercept.h"
#include "core/owner.h"
#include "core/result.h"
#include "edge/gain.h"
#include "edge/path_sample.h"
#include "edge/site.h"
#include "net/link_message.h"
#include "net/wifi_message.h"
#include "probe/path/mtu_search.h"

enum {
    FACTS_SERVICES = 16,
    FACTS_OTHERS = 32, /* addresses besides those that this host uses */
    FACTS_ANSWERS = 8, /* addresses kept of an answer of DNS */
    FACTS_CAUSE_MAX = 192,
    FACTS_FAMILIES = 2, /* by family_slot(): IPv4, IPv6 */
    FACTS_LARGE = 1400, /* payload of a large echo */
    FACTS_MORE = 3,     /* further addresses of an answer that are tried */
};

struct facts_probes { /* of one kind to one address */
    uint32_t sent, answered, lost, failed;
    uint32_t resent;             /* packets that the kernel sent again */
    uint32_t unsent;             /* this host could not send them */
    struct delay_ring delays;    /* of those answered */
    char cause[FACTS_CAUSE_MAX]; /* of the last one that was not answered; "": none */
    /* Of the last one reported. Routers limit their reports: silence leaves `cause`. */
    struct icmp_source reporter;
};

struct facts_https {
    uint32_t sent, replies, lost, slow, refused, tls_errors, http_errors, unsent;
    uint32_t throttled;      /* of the replies: HTTP 429 */
    uint32_t malformed;      /* of http_errors: no valid HTTP reply */
    uint16_t error_status;   /* of the last reply among http_errors; 0: none */
    uint32_t refused_tunnel; /* CONNECT by the proxy; not in http_errors */
    uint16_t proxy_status;   /* of the last one of these */
    struct delay_ring tls, first_byte;
    struct delay_ring tunnel;    /* what the proxy took to connect */
    struct icmp_source reporter; /* as of facts_probes */
    struct http_facts last;      /* of the last reply, or handshake */
    char pop[POP_TEXT_MAX];      /* "": none was named */
    const char *pop_basis;
    const char *foreign;         /* mark of another network in a reply; NULL: none */
    char cause[FACTS_CAUSE_MAX]; /* of the last failure */
};

struct facts_more { /* handshakes with a further address of the answer */
    struct endpoint to;
    uint32_t sent, answered;
};

struct facts_tunnel {              /* of a VPN */
    char name[INTERFACE_NAME_MAX]; /* "": none */
    char of[INTERFACE_NAME_MAX];   /* that carries it; "": not known */
};

struct facts_address {  /* of a service, in one family or through the proxy */
    struct endpoint to; /* FAMILY_NONE: none */
    struct endpoint all[FACTS_ANSWERS]; /* of the answer; `to` is the first */
    size_t n_all;
    struct facts_more more[FACTS_MORE];
    size_t n_more;
    bool route;                 /* this host has a route to it */
    struct facts_tunnel tunnel; /* through which that leaves */
    struct owner owner;
    struct facts_probes tcp, icmp;
    struct facts_probes large; /* echoes of FACTS_LARGE bytes; of some services */
    struct facts_https https;
    struct intercept intercept;
};

struct facts_service {
    struct target target;
    struct facts_address by[FAMILY_SLOTS];
    char dns_error[FACTS_CAUSE_MAX]; /* of the lookup by this host; "": none */
    struct endpoint unfit; /* an address that no host can have; FAMILY_NONE: none */
    int64_t
        usual_ns[FACTS_FAMILIES]; /* median of the agent here; DELAY_UNDEFINED: none */
};

struct facts_answer { /* of one resolver to the name of one service, in one family */
    bool asked, answered;
    bool no_name; /* the name does not exist, it says */
    struct endpoint all[FACTS_ANSWERS];
    size_t n;
    struct endpoint unfit;
};

struct facts_resolver {
    struct dns_server server;
    char name[DNS_SERVER_TEXT_MAX];
    uint32_t asked, answered, failed; /* lookups */
    struct delay_ring lookups;        /* how long they took */
    struct facts_probes udp; /* single queries by UDP, which are not sent again */
    char error[FACTS_CAUSE_MAX];
    struct facts_answer answers[FACTS_SERVICES][FACTS_FAMILIES];
    bool extra; /* given on the command line; this host does not use it */
};

/* Another address for a service: what another resolver gives, or a front door by metro. */
struct facts_other {
    size_t service;
    struct endpoint to;
    size_t resolver;          /* FACTS_NO_RESOLVER: it is a front door */
    char host[HOST_TEXT_MAX]; /* the name of that front door */
    struct target target;     /* as it is probed */
    struct facts_probes tcp;
    struct facts_https https;
};
#define FACTS_NO_RESOLVER SIZE_MAX

struct facts_interface { /* that carries the traffic to the services */
    char name[INTERFACE_NAME_MAX];
    struct link_state before, after; /* counters at the begin and the end */
    struct link_modes modes;
    int64_t took_ns;
    struct wifi_link wifi;
    struct facts_tunnel tunnel; /* that it is */
};

struct facts_gateway {
    struct endpoint to; /* FAMILY_NONE: the route has none */
    bool first_hop;     /* the route has no gateway: the first router of the path */
    struct facts_probes icmp;
};

/* A relay of media by UDP, asked by STUN. */
struct facts_media {
    struct target target;
    struct endpoint to;          /* FAMILY_NONE: no address, or no route */
    char cause[FACTS_CAUSE_MAX]; /* of that */
    struct facts_probes stun;
    struct endpoint mapped; /* this site's address as it sees it; FAMILY_NONE: unknown */
};
enum { FACTS_MEDIA = 2 };

enum facts_portal {
    PORTAL_UNKNOWN,
    PORTAL_NONE,
    PORTAL_REDIRECTS, /* another answer than Microsoft's, with a redirection */
    PORTAL_REPLACES,  /* another answer */
};

struct facts_path { /* to a service, in its first family */
    bool traced;
    size_t service; /* FACTS_SERVICES: to a resolver, as no service has an address */
    enum family family;
    struct endpoint to;
    enum path_end end;
    uint8_t hops;
    struct endpoint first_hop;
    struct endpoint last_local; /* the last router of the local network; none: unknown */
    enum entry_state entry;
    char entry_metro[8];          /* "": cannot tell */
    enum role role;               /* of the entry, where there is a connection */
    int64_t segment_ns[SEGMENTS]; /* path_delays_segments() */
    char text[512];               /* segments_verdict() */
    char cause[FACTS_CAUSE_MAX];  /* why it was not traced */
};

struct facts_load { /* the delay to a service while the line is loaded */
    bool done;
    size_t service, family;
    struct facts_probes tcp;
    uint64_t bytes; /* downloaded */
    int64_t took_ns;
    char cause[FACTS_CAUSE_MAX]; /* of a download that failed */
};

struct facts {
    struct wall time, end;        /* of the start and the end */
    char uplink[UPLINK_NAME_MAX]; /* that all was measured over; "": by the routes */
    /* Resolvers of this host that are not reached over that uplink, so not judged. */
    char elsewhere[FACTS_CAUSE_MAX];
    int64_t took_ns;
    bool has_route; /* to the internet, in some family */
    struct facts_interface interface;
    bool has_interface;
    struct facts_gateway gateways[FACTS_FAMILIES];
    struct facts_resolver resolvers[DNS_SERVERS_MAX];
    size_t n_resolvers;
    enum facts_portal portal;
    uint16_t portal_status;
    char portal_text[FACTS_CAUSE_MAX]; /* its redirection, or why it is not known */
    char proxy[HOST_TEXT_MAX];         /* that HTTPS goes through; "": none */
    uint16_t proxy_port;
    char proxy_wrong[FACTS_CAUSE_MAX]; /* why the proxy that is set cannot be used */
    struct facts_probes proxy_tcp;     /* handshakes with it */
    struct facts_media media[FACTS_MEDIA];
    struct facts_service services[FACTS_SERVICES];
    size_t n_services;
    struct facts_other others[FACTS_OTHERS];
    size_t n_others;
    bool
        no_door_answers; /* all were asked for by name, as an address was to be compared */
    struct facts_path paths[FACTS_SERVICES];
    size_t n_paths;
    size_t mtu_service[FACTS_FAMILIES]; /* whose address was asked */
    struct mtu_search mtu[FACTS_FAMILIES];
    bool mtu_done[FACTS_FAMILIES];
    char mtu_cause[FACTS_CAUSE_MAX];
    struct facts_load load;
    uint32_t dates;        /* HTTP replies with a Date */
    int64_t date_ahead_ns; /* of the wall clock of this host; the median of them */
    bool agent;            /* an agent runs here */
    bool busy; /* this host had no CPU left: what its own programs take is not judged */
    char no_icmp[FACTS_CAUSE_MAX]; /* why this user may not send it; "": may */
};

/* Median of the values with its 95 % interval (core/percentile.h), in ms; NaN: none.
 * Without enough values the interval is that of all of them. */
struct facts_median {
    double ms, low_ms, high_ms, min_ms;
    size_t n;
};
struct facts_median facts_median(const struct delay_ring *r);

/* Adds one result. */
void facts_add_probe(struct facts_probes *p, const struct result *r);
void facts_add_https(struct facts_https *h, const struct kind *kind,
                     const struct result *r);

#endif
