/*
 * The configuration, in INI syntax like that of systemd: `[section]`, `key = value`,
 * comments on separate lines with '#' or ';', one `[target NAME]` section per target.
 * Unknown sections and keys, duplicate keys and bad values are errors, reported with
 * file, line and the nearest valid word; all of them in one run. Drop-ins are parsed one
 * after the other into the same configuration; later values win, and a repeated [target
 * NAME] changes the existing target.
 *
 * Text in, values out: cmd/load reads the files. ini.h parses the syntax, keys.h has the
 * table of keys, values.h the readers of values.
 */
#ifndef EDGELAT_CONFIG_CONFIG_H
#define EDGELAT_CONFIG_CONFIG_H

#include "core/budget.h"
#include "core/kind.h"
#include "core/metric_choice.h"
#include "core/peering.h"
#include "core/pipeline.h"
#include "core/target.h"
#include "core/uplinks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_BYTES_MAX       (1 << 20) /* of one file */
#define URL_TEXT_MAX           512
#define DNS_SERVERS_MAX        8
#define TRAFFIC_LISTENS_MAX    4
#define TRAFFIC_EXPORTERS_MAX  32
#define FLOW_SAMPLING_MAX      1000000 /* one in so many packets */
#define TRAFFIC_INTERFACES_MAX 8

struct collector {
    char name[TARGET_NAME_MAX]; /* of [collector NAME]; "" for [collector] */
    char url[URL_TEXT_MAX]; /* base: "/v1/metrics" is appended, as OTLP exporters do */
    char ca_file[FILE_TEXT_MAX]; /* "": the system's certificates */
    char cert_file[FILE_TEXT_MAX], key_file[FILE_TEXT_MAX]; /* mTLS; "": none */
    /* Contains one "Name: value" line, e.g. Authorization; "": none. */
    char header_file[FILE_TEXT_MAX];
    char proxy[PROXY_TEXT_MAX]; /* a URL, "none", or "" (use the environment) */
    int64_t timeout_ns;         /* of one POST */
};

#define COLLECTORS_MAX 4

struct shipping {     /* the other keys of [collector] */
    int64_t splay_ns; /* upper bound of the splay, see core/splay.h */
    bool events;      /* send events as OTLP logs; false: metrics only */
    struct metric_choice choice;
    bool delta;               /* batches contain deltas; false: totals since the start */
    uint32_t catch_up;        /* maximum batches per second; 0: no limit */
    uint32_t histogram_scale; /* of OpenTelemetry */
};

struct target_draft; /* keys.h */

/* What is checked later, as it needs other files, and where the configuration has it. */
struct config_file {
    const struct config_key *key; /* ca_file, ..., or a location (edge/site.h) */
    size_t index;                 /* index of the target or collector */
    char *file;                   /* configuration file; owned */
    size_t line;
};

struct config {
    /* [agent] */
    char site[WORD_TEXT_MAX]; /* edgelat.site; "": the host name */
    int64_t window_ns;        /* length of a window; windows close at multiples of it */
    uint32_t nearest;         /* number of targets probed at the full rate */
    enum pattern pattern;
    struct nearest_policy ranking;
    char state_dir[FILE_TEXT_MAX]; /* spool, history, instance id */
    char stop_file[FILE_TEXT_MAX]; /* no probes while it exists */
    char status_socket[108];       /* maximum length of a socket path */
    /* Location of the site: "LATITUDE LONGITUDE", or a metro of the catalogue; "":
     * unknown. */
    char location[32];
    bool workloads;              /* rank the names of targets.csv besides the targets */
    uint32_t media_bursts;       /* a day, of all targets together; core/media.h */
    uint32_t front_doors;        /* number of front doors to probe besides the targets */
    struct budget_amount budget; /* of a day; 0: no limit */
    bool gateway;                /* probe the default gateway: core/last_metre.h */

    /* [peering_service] */
    struct peering peering;

    /* [bmp]: the station for routers, route/station.h */
    char bmp_listen[80];    /* ADDRESS:PORT; "": the station is off */
    char bmp_routers[512];  /* allowed addresses, separated by spaces */
    char bmp_validator[80]; /* ADDRESS:PORT (route/rtr.h); "": none */
    char bmp_primary_peers[256], bmp_backup_peers[256]; /* addresses of BGP neighbours */

    /* [traffic] */
    char traffic_interfaces[160];          /* names, separated by spaces, or "none" */
    uint64_t line_rate_down, line_rate_up; /* Mbit/s; 0: the highest seen */
    char traffic_counters[108];  /* socket of edgelat-traffic.service; "": off */
    char traffic_handshakes[16]; /* interface where users' handshakes are seen; "": off */
    /* The receiver of flow records, traffic/flow_receiver.h */
    char traffic_flows[256];      /* ADDRESS:PORT, separated by spaces; "": it is off */
    char traffic_exporters[1500]; /* allowed addresses, separated by spaces */
    char traffic_sampling[1500];  /* ADDRESS=N, separated by spaces */

    /* [path]: edge/path_watch.h */
    bool path_trace;
    int64_t path_interval_ns;
    char path_as_database[FILE_TEXT_MAX]; /* "": at the usual places */
    bool path_as_dns;
    bool path_mtu; /* edge/mtu_watch.h */
    int64_t path_mtu_interval_ns;

    /* [dns] */
    bool dns_probe;        /* probe the DNS servers of the host, and compare them */
    char dns_servers[256]; /* "192.0.2.1 [2001:db8::1]:5353", "" is /etc/resolv.conf */

    /* [collector], or none (its url is ""): then windows stay in the spool. After it,
     * the [collector NAME] sections: fallbacks for an unreachable collector. */
    struct collector collectors[COLLECTORS_MAX];
    size_t n_collectors; /* at least 1 */
    struct shipping shipping;

    /* [spool] */
    uint64_t spool_bytes, spool_count;
    int64_t spool_age_ns;
    uint64_t history_bytes; /* 0: none */
    int64_t history_age_ns;

    /* [target NAME] */
    struct target *targets;
    size_t n_targets, targets_room;
    /* settings of each target as given in the files; NULL: not from a file */
    struct target_draft *drafts;
    size_t drafts_room;

    /* [uplink NAME] */
    struct uplink uplinks[UPLINKS_MAX];
    size_t n_uplinks;
    /* Set by config_go_over(), not by a file: what all probes take. NULL: the routes. */
    const struct uplink *over;

    struct config_file *files; /* in the order of first mention */
    size_t n_files, files_room;
};

/* One problem. `text` is a complete sentence that begins with "FILE:LINE: ". */
typedef void config_problem_cb(const char *text, void *user);

struct config config_default(void);
struct pipeline_settings
config_pipeline(const struct config *c); /* borrows the targets */
/* All targets are probed over the uplink, which outlives the configuration, and only so.
 * The gateway is not among them. */
void config_go_over(struct config *c, const struct uplink *over);

/* As the targets of `c` are probed, so is this one that is added. */
void config_take_over(const struct config *c, struct target *t);

struct uplinks_settings
config_uplinks(const struct config *c); /* borrows targets and uplinks */
/* Forgets the settings as given in the files, which only checks and messages need, and
 * returns the memory of targets that are not there. */
void config_forget_drafts(struct config *c);

void config_free(struct config *c);

/*
 * Parses `text` into `c`; `file` is its name for messages. Returns the number of
 * problems, each passed to `on_problem`. `c` is usable only after 0. A text without
 * anything but blanks is a problem: a file that was cut must not become the defaults.
 */
size_t config_parse(struct config *c, const struct kinds *kinds, const char *file,
                    const char *text, size_t len, config_problem_cb *on_problem,
                    void *user);

/* Checks after the last file what needs the whole configuration: no target, a target
 * without host, more traffic than core/limits.h allows. Returns the number of problems.
 * */
size_t config_check(const struct config *c, const struct kinds *kinds, const char *file,
                    config_problem_cb *on_problem, void *user);

/* Maximum probes per second, assuming that each name has addresses of all its families
 * and that the nearest targets have the shortest intervals. */
double config_rate(const struct config *c, const struct kinds *kinds);

/* Of it, those over the uplinks. */
double config_rate_uplinks(const struct config *c, const struct kinds *kinds);

/* Probes per second added by discovery (front doors, and `names` names that are not
 * targets), and the total during a survey, which takes some seconds. */
double config_rate_found(const struct config *c, const struct kinds *kinds, size_t names);
double config_rate_survey(const struct config *c, const struct kinds *kinds,
                          size_t names);

#endif
